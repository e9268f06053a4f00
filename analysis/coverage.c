#include "analysis/coverage.h"

#include <math.h>

#include "analysis/special.h"

enum { FEW = 25 };

long double moe_coverage_a(const struct moe_fof *fof)
{
    const long double f1 = fof->f[1], f2 = fof->f[2], more = fof->n - 1;
    if (fof->f[1] == 0)
        return 1;
    if (fof->f[2] == 0)
        return 2 / (more * (f1 - 1) + 2);
    return 2 * f2 / (more * f1 + 2 * f2);
}

double moe_coverage_turing(const struct moe_fof *fof)
{
    return (double)((long double)(fof->total - fof->f[1]) / fof->total);
}

double moe_coverage_chao_jost(const struct moe_fof *fof)
{
    const long double share = (long double)fof->f[1] / fof->total;
    return (double)((long double)(fof->total - fof->f[1]) / fof->total + share * moe_coverage_a(fof));
}

double moe_coverage_at(const struct moe_fof *fof, int64_t m)
{
    const int64_t n = fof->n;
    if (m >= n) {
        const long double power = expl((long double)(m - n + 1) * log1pl(-moe_coverage_a(fof)));
        return (double)(1 - (long double)fof->f[1] / n * power);
    }
    long double sum = 0;
    for (int64_t i = 0; i < fof->rows; i++) {
        const int64_t j = fof->row[2 * i];
        if ((long double)j * m > 60.0L * n)
            break;
        sum += (long double)j * fof->row[2 * i + 1] * expl(moe_ln_miss(n - 1, j - 1, m));
    }
    return (double)(1 - sum / n);
}

/* Undefined once a pattern has half of the samples. Terms fall at least as fast as (j / (n - j + 1))^j. */
static void add_zhang_huang(struct moe_sheet *sheet, const struct moe_fof *fof)
{
    const char *name = "coverage_zhang_huang", *formula = "Zhang and Huang 2007";
    if (2 * fof->max >= fof->n) {
        moe_sheet_missing(sheet, name, "largest relative frequency is 1/2 or more", MOE_ESTIMATE, formula);
        return;
    }
    long double missing = 0, inverse = 1;
    for (int64_t i = 0, j = 0; i < fof->rows; i++) {
        for (; j < fof->row[2 * i] && inverse > 0; j++)
            inverse *= (long double)(j + 1) / (fof->n - j);
        if (inverse < 1e-40L)
            break;
        missing += (j % 2 ? 1 : -1) * (long double)fof->row[2 * i + 1] * inverse;
    }
    moe_sheet_add(sheet, name, (double)(1 - missing), MOE_ESTIMATE, formula);
}

static double esty(const struct moe_fof *fof)
{
    const long double f1 = fof->f[1], n = fof->n;
    return (double)(sqrtl(f1 * (n - f1) / n + 2.0L * fof->f[2]) / n);
}

static void set_interval(struct moe_figure *figure, const struct moe_fof *fof)
{
    const double n = (double)fof->n, f1 = (double)fof->f[1], f2 = (double)fof->f[2];
    const int only_pairs = fof->f[1] + 2 * fof->f[2] == fof->n && fof->f[2] < FEW;
    double low, high = 1;
    if (only_pairs && (fof->f[1] >= FEW || fof->f[1] == fof->n)) {
        low = f2 > 0 ? moe_chi2_quantile(0.025, 2 * f2) / n : 0;
        high = moe_chi2_quantile(0.975, 2 * f2 + 2) / n;
        figure->note = "interval: Poisson law of the pairs";
    } else if (f1 < FEW) {
        low = 1 - moe_chi2_quantile(0.975, 2 * f1 + 2) / (2 * n);
        figure->note = "interval: Poisson law of the singletons";
    } else {
        const double reach = moe_normal_quantile(0.05) * esty(fof);
        low = figure->value - reach;
        high = figure->value + reach;
        figure->note = "interval: Esty 1983";
    }
    moe_figure_interval(figure, fmax(low, 0), fmin(high, 1), 0.95);
}

void moe_add_coverage(struct moe_sheet *sheet, const struct moe_fof *fof, int iid)
{
    struct moe_figure *figure = moe_sheet_add(sheet, "coverage_good_turing", moe_coverage_turing(fof), MOE_ESTIMATE,
                                              "Good 1953");
    set_interval(figure, fof);
    figure->in_table = 1;
    figure = moe_sheet_add(sheet, "coverage_chao_jost", moe_coverage_chao_jost(fof), MOE_ESTIMATE,
                           "Chao and Jost 2012");
    if (fof->f[1] == 1 && fof->f[2] == 0)
        figure->note = "exactly 1 because f1 = 1 and f2 = 0: read coverage_good_turing";
    add_zhang_huang(sheet, fof);
    moe_sheet_add(sheet, "coverage_esty_se", esty(fof), MOE_ESTIMATE, "Esty 1983");
    const long double reach = (1 + sqrtl(2)) * sqrtl(logl(2 / 0.05L) / fof->n);
    figure = moe_sheet_add(
        sheet, "missing_mass_upper95_mcdiarmid", (double)fminl(1, (long double)fof->f[1] / fof->n + reach),
        iid ? MOE_CERTIFIED : MOE_NOT_CERTIFIED, "McDiarmid for f1/n, McAllester and Ortiz 2003 for the missing mass");
    figure->note = iid ? "with probability 0.95 or more" : "would need independent samples";
}
