#include "analysis/rarefy.h"

#include <math.h>
#include <stdio.h>

#include "analysis/collision.h"
#include "analysis/coverage.h"
#include "analysis/entropy.h"
#include "analysis/special.h"
#include "analysis/support.h"

/* Beyond this variance the moments serve. */
#define MUCH 400

double moe_patterns_at(const struct moe_fof *fof, int64_t m)
{
    const int64_t n = fof->n;
    if (m > n) {
        const long double unseen = moe_chao(fof).unseen, f1 = fof->f[1];
        if (unseen == 0)
            return (double)fof->patterns;
        const long double rate = log1pl(-f1 / (n * unseen + f1));
        return (double)(fof->patterns - unseen * expm1l((m - n) * rate));
    }
    long double sum = 0;
    for (int64_t i = 0; i < fof->rows; i++) {
        const int64_t j = fof->row[2 * i];
        /* what is missed with e^-60 counts as seen */
        sum -= fof->row[2 * i + 1] * ((long double)j * m > 60.0L * n ? -1 : expm1l(moe_ln_miss(n, j, m)));
    }
    return (double)sum;
}

/* E[K ln K] for K marked among m drawn from n, j of which are marked; by recurrence from the mode. */
static long double summed_k_ln_k(int64_t n, int64_t j, int64_t m, long double reach)
{
    const int64_t mode = (int64_t)(((long double)j + 1) * (m + 1) / (n + 2)), window = (int64_t)(12 * reach) + 12;
    const int64_t least = j + m > n ? j + m - n : 0, most = j < m ? j : m;
    long double weight = 1, mass = 1, sum = mode > 1 ? mode * logl(mode) : 0;
    for (int64_t k = mode; k < most && k < mode + window; k++) {
        weight *= (long double)(j - k) * (m - k) / ((long double)(k + 1) * (n - j - m + k + 1));
        mass += weight;
        sum += weight * (k + 1) * logl(k + 1);
    }
    weight = 1;
    for (int64_t k = mode; k > least && k > mode - window; k--) {
        weight *= (long double)k * (n - j - m + k) / ((long double)(j - k + 1) * (m - k + 1));
        mass += weight;
        sum += k > 2 ? weight * (k - 1) * logl(k - 1) : 0;
    }
    return sum / mass;
}

static long double mean_k_ln_k(int64_t n, int64_t j, int64_t m)
{
    const long double N = n, J = j, M = m, mean = J * M / N;
    const long double v = mean * (N - J) / N * (N - M) / (N - 1);
    if (v < MUCH)
        return summed_k_ln_k(n, j, m, sqrtl(v));
    const long double third = v * (N - 2 * J) / N * (N - 2 * M) / (N - 2), square = mean * mean;
    return mean * logl(mean) + v / (2 * mean) - third / (6 * square) + v * v / (4 * square * mean) -
           v * third / (2 * square * square) + v * v * v / (2 * square * square * mean);
}

double moe_entropy_at(const struct moe_fof *fof, int64_t m)
{
    const long double n = fof->n;
    if (m >= fof->n)
        return (double)((n * moe_entropy_plugin(fof) + (m - n) * (moe_entropy_zhang(fof) + moe_entropy_tail(fof))) / m);
    long double sum = 0;
    for (int64_t i = 0; i < fof->rows; i++)
        sum += fof->row[2 * i + 1] * mean_k_ln_k(fof->n, fof->row[2 * i], m);
    return (double)(logl(m) - sum / m);
}

double moe_hill2_at(const struct moe_fof *fof, int64_t m)
{
    const long double pairs = (long double)fof->n * (fof->n - 1), s2 = (long double)fof->pairs / pairs, M = m;
    return (double)(1 / (1 / M + (M - 1) / M * s2));
}

/* -sum over i of (-t)^i P(Bin(k, 2 / (2 + t)) >= i) f_i at t = 2, where the binomial is fair. */
static long double smoothed_good_toulmin(const struct moe_fof *fof, int k)
{
    long double above[64], term = expl(-k * logl(2)), sum = 0;
    for (int i = 0; i <= k; i++) {
        above[i] = term;
        term *= (long double)(k - i) / (i + 1);
    }
    for (int i = k - 1; i >= 0; i--)
        above[i] += above[i + 1];
    for (int64_t i = 0; i < fof->rows && fof->row[2 * i] <= k; i++) {
        const int j = (int)fof->row[2 * i];
        sum -= (j % 2 ? -1 : 1) * ldexpl(above[j], j) * fof->row[2 * i + 1];
    }
    return sum;
}

static void add(struct moe_sheet *sheet, const char *name, double value, const char *unit, const char *formula)
{
    struct moe_figure *figure = moe_sheet_add(sheet, name, value, MOE_ESTIMATE, formula);
    figure->unit = unit;
}

static void add_at(struct moe_sheet *sheet, const struct moe_fof *fof, const char *kind, const char *label, int64_t m)
{
    static const char *const unit[3] = {"patterns", NULL, "patterns"}, *const part[3] = {"S", "C", "hill2"};
    const int below = m <= fof->n;
    const char *formula[3] = {below ? "Hurlbert 1971" : "Colwell and others 2012", "Chao and Jost 2012",
                              "1 / (1/m + (1 - 1/m) s2)"};
    for (int i = 0; i < 3; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s_%s_m=%s", kind, part[i], label);
        if (m == 0) {
            moe_sheet_missing(sheet, name, "m = 0", MOE_ESTIMATE, formula[i]);
            continue;
        }
        const double value = i == 0 ? moe_patterns_at(fof, m) : i == 1 ? moe_coverage_at(fof, m) : moe_hill2_at(fof, m);
        add(sheet, name, value, unit[i], formula[i]);
    }
}

void moe_add_rarefaction(struct moe_sheet *sheet, const struct moe_fof *fof)
{
    add_at(sheet, fof, "rare", "n/10", fof->n / 10);
    add_at(sheet, fof, "rare", "n/2", fof->n / 2);
    add_at(sheet, fof, "extrap", "2n", 2 * fof->n);
    long double alternating = 0;
    for (int64_t i = 0; i < fof->rows; i++)
        alternating -= (fof->row[2 * i] % 2 ? -1 : 1) * (long double)fof->row[2 * i + 1];
    add(sheet, "good_toulmin_t1", (double)alternating, "patterns", "Good and Toulmin 1956");
    int k = 0;
    for (int64_t power = 3; power <= 4 * fof->n; power *= 3)
        k++;
    const double smoothed = (double)smoothed_good_toulmin(fof, k);
    add(sheet, "sgt_binomial_t2", smoothed, "patterns", "Orlitsky, Suresh and Wu 2016");
    if (smoothed < 0)
        sheet->figure[sheet->count - 1].suppressed = "negative: the small counts are irregular";
    add(sheet, "sgt_binomial_t2_k", k, NULL, "floor(log_3(4 n))");
}
