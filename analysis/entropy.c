#include "analysis/entropy.h"

#include <math.h>

#include "analysis/coverage.h"
#include "analysis/special.h"

/* psi(j), with the logarithm of j at hand. */
static long double digamma_of(long double j, long double ln_j)
{
    return j < 16 ? moe_digamma(j) : ln_j + moe_digamma_rest(j);
}

long double moe_entropy_plugin(const struct moe_fof *fof)
{
    long double sum = 0;
    for (int64_t i = 0; i < fof->rows; i++) {
        const long double j = fof->row[2 * i];
        sum += j * fof->row[2 * i + 1] * logl(j);
    }
    return logl(fof->total) - sum / fof->total;
}

long double moe_entropy_zhang(const struct moe_fof *fof)
{
    const long double n = fof->n, top = moe_digamma(n);
    long double sum = 0;
    for (int64_t i = 0; i < fof->rows; i++) {
        const long double j = fof->row[2 * i];
        sum += j * fof->row[2 * i + 1] * (top - moe_digamma(j));
    }
    return sum / n;
}

long double moe_entropy_tail(const struct moe_fof *fof)
{
    const long double a = moe_coverage_a(fof);
    return a == 1 ? 0 : (long double)fof->f[1] / fof->n * (1 - a) * expl(moe_ln_tail_integral(fof->n, 1, a));
}

/* One pattern's share p = C j / n of Chao and Shen, weighed by how likely it was to be seen. */
static long double chao_shen_term(long double p, long double n)
{
    const long double seen = n * p > 60 ? 1 : -expm1l(n * log1pl(-p));
    return -p * logl(p) / seen;
}

/* The mean of psi(j) follows from Zhang's estimate, so that deviations from it need one pass. */
static double zhang_se(const struct moe_fof *fof, long double mean_digamma)
{
    const long double n = fof->n, mean = mean_digamma + (n - fof->f[1]) / n;
    long double squares = 0;
    for (int64_t i = 0; i < fof->rows; i++) {
        const int64_t j = fof->row[2 * i];
        const long double off = moe_digamma(j) + (j > 1) - mean;
        squares += j * off * off * fof->row[2 * i + 1] / n;
    }
    return (double)sqrtl(squares / (n - 1));
}

struct moe_entropy moe_entropy_of(const struct moe_fof *fof)
{
    const long double n = fof->n, ln_n = logl(n), top = moe_digamma(n), ln_two = logl(2);
    const int64_t singles = fof->f[1] == fof->n ? fof->n - 1 : fof->f[1];
    const long double coverage = (long double)(fof->n - singles) / n;
    struct moe_entropy s = {0};
    for (int64_t i = 0; i < fof->rows; i++) {
        const int64_t count = fof->row[2 * i];
        const long double j = count, weight = j * fof->row[2 * i + 1] / n, ln_j = logl(j);
        const long double above = count > 1 ? -(j - 1) * log1pl(-1 / j) : 0;
        s.plugin += weight * ln_j;
        s.zhang += weight * (top - digamma_of(j, ln_j));
        /* psi(j) + (-1)^j (psi((j+1)/2) - psi(j/2)) / 2 is psi(floor(j/2) + 1/2) + ln 2 */
        s.grassberger += weight * (moe_digamma((long double)(count / 2) + 0.5L) + ln_two);
        s.jackknife += weight * (ln_j + above);
        s.chao_shen += fof->row[2 * i + 1] * chao_shen_term(coverage * j / n, n);
    }
    s.plugin = ln_n - s.plugin;
    s.grassberger = ln_n - s.grassberger;
    s.jackknife = ln_n - (n - 1) * log1pl(-1 / n) - s.jackknife;
    s.tail = moe_entropy_tail(fof);
    s.zhang_se = zhang_se(fof, top - s.zhang);
    return s;
}

static void add(struct moe_sheet *sheet, const char *name, long double value, const char *grade, const char *formula)
{
    struct moe_figure *figure = moe_sheet_add(sheet, name, (double)value, grade, formula);
    figure->unit = "nats";
    if (value < 0)
        figure->note = "negative: read as 0";
}

void moe_add_entropy(struct moe_sheet *sheet, const struct moe_fof *fof, const struct moe_entropy *entropy)
{
    const long double bias = (long double)(fof->patterns - 1) / (2 * (long double)fof->n);
    add(sheet, "H_plugin", entropy->plugin, MOE_MEASURED, "plug-in");
    add(sheet, "H_miller_madow", entropy->plugin + bias, MOE_ESTIMATE, "Miller 1955, Madow 1948");
    add(sheet, "H_grassberger2003", entropy->grassberger, MOE_ESTIMATE, "Grassberger 2003");
    add(sheet, "H_jackknife", entropy->jackknife, MOE_ESTIMATE, "jackknife, Zahl 1977, in closed form");
    add(sheet, "H_zhang", entropy->zhang, MOE_ESTIMATE, "Zhang 2012");
    add(sheet, "H_zhang_se", entropy->zhang_se, MOE_ESTIMATE, "jackknife over samples, in closed form");
    add(sheet, "H_cwj", entropy->zhang + entropy->tail, MOE_ESTIMATE, "Chao, Wang and Jost 2013");
    add(sheet, "H_cwj_tail", entropy->tail, MOE_ESTIMATE, "what Chao, Wang and Jost add to Zhang");
    add(sheet, "H_chao_shen", entropy->chao_shen, MOE_ESTIMATE, "Chao and Shen 2003");
}
