#include "analysis/support.h"

#include <math.h>

#include "analysis/special.h"

enum { RARE = 10 };

static const char no_unseen[] = "f1 = 0, or f1 = 1 with f2 = 0: no unseen estimate";

struct moe_chao moe_chao(const struct moe_fof *fof)
{
    const long double f1 = fof->f[1], f2 = fof->f[2], n = fof->n, k = (n - 1) / n;
    const long double unseen = f2 > 0 ? k * f1 * f1 / (2 * f2) : k * f1 * (f1 - 1) / 2;
    const long double estimate = fof->patterns + unseen;
    struct moe_chao chao = {(double)estimate, (double)unseen, NAN, NAN, NAN};
    if (unseen == 0)
        return chao;
    const long double r = f2 > 0 ? f1 / f2 : 0, odd = 2 * f1 - 1;
    const long double variance = f2 > 0 ? f2 * (k * r * r / 2 + k * k * r * r * r + k * k * r * r * r * r / 4)
                                        : k * f1 * (f1 - 1) / 2 + k * k * f1 * odd * odd / 4 -
                                              k * k * f1 * f1 * f1 * f1 / (4 * estimate);
    const long double ratio = expl(1.959963984540054L * sqrtl(log1pl(variance / (unseen * unseen))));
    chao.variance = (double)variance;
    chao.low = (double)(fof->patterns + unseen / ratio);
    chao.high = (double)(fof->patterns + unseen * ratio);
    return chao;
}

static double bias_corrected(const struct moe_fof *fof, int with_factor)
{
    const long double f1 = fof->f[1], f2 = fof->f[2], k = with_factor ? (fof->n - 1.0L) / fof->n : 1;
    return (double)(fof->patterns + k * f1 * (f1 - 1) / (2 * (f2 + 1)));
}

/* iChao1: third and fourth counts sharpen the bound. */
static double improved(const struct moe_fof *fof)
{
    const long double n = fof->n, ratio = (long double)fof->f[3] / (fof->f[4] > 0 ? fof->f[4] : 1);
    const long double more = fof->f[1] - (n - 3) / (2 * (n - 1)) * fof->f[2] * ratio;
    return (double)(moe_chao(fof).estimate + fmaxl(n - 3, 0) / (4 * n) * ratio * fmaxl(more, 0));
}

static double jackknife(const struct moe_fof *fof, int order)
{
    const long double n = fof->n, f1 = fof->f[1], f2 = fof->f[2];
    if (order == 1)
        return (double)(fof->patterns + f1 * (n - 1) / n);
    return (double)(fof->patterns + f1 * (2 * n - 3) / n - f2 * (n - 2) * (n - 2) / (n * (n - 1)));
}

static struct moe_figure *add(struct moe_sheet *sheet, const char *name, double value, const char *formula)
{
    struct moe_figure *figure = moe_sheet_add(sheet, name, value, MOE_ESTIMATE, formula);
    figure->unit = "patterns";
    return figure;
}

static void add_chao(struct moe_sheet *sheet, const struct moe_fof *fof, const char *const name[4], const char *formula)
{
    static const char *const interval = "log-normal interval, Chao 1987";
    const struct moe_chao chao = moe_chao(fof);
    struct moe_figure *figure = add(sheet, name[0], chao.estimate, formula);
    figure->in_table = 1;
    figure->note = "lower bound";
    if (isnan(chao.variance)) {
        figure->note = "lower bound; no evidence of unseen patterns";
        moe_sheet_missing(sheet, name[1], no_unseen, MOE_ESTIMATE, formula)->unit = "patterns";
        moe_sheet_missing(sheet, name[2], no_unseen, MOE_ESTIMATE, interval)->unit = "patterns";
        moe_sheet_missing(sheet, name[3], no_unseen, MOE_ESTIMATE, interval)->unit = "patterns";
        return;
    }
    if (fof->f[2] == 0)
        figure->note = "lower bound; f2 = 0";
    moe_figure_interval(figure, floor(chao.low), chao.high, 0.95);
    add(sheet, name[1], sqrt(chao.variance), formula);
    add(sheet, name[2], chao.low, interval);
    add(sheet, name[3], chao.high, interval);
}

/* ACE and ACE-1 of Chao and Lee: patterns seen at most ten times speak for the unseen ones. */
static void add_ace(struct moe_sheet *sheet, const struct moe_fof *fof)
{
    static const char *const formula = "Chao and Lee 1992, rare up to 10",
                             *const none = "all rare patterns are singletons (C_rare = 0) or n_rare < 2";
    long double rare = 0, samples = 0, pairs = 0;
    for (int64_t i = 0; i < fof->rows && fof->row[2 * i] <= RARE; i++) {
        const long double j = fof->row[2 * i], f = fof->row[2 * i + 1];
        rare += f;
        samples += j * f;
        pairs += j * (j - 1) * f;
    }
    if (samples == 0) {
        add(sheet, "ace", (double)fof->patterns, formula);
        add(sheet, "ace1", (double)fof->patterns, formula);
        return;
    }
    if (pairs == 0) {
        moe_sheet_missing(sheet, "ace", none, MOE_ESTIMATE, formula);
        moe_sheet_missing(sheet, "ace1", none, MOE_ESTIMATE, formula);
        return;
    }
    const long double f1 = fof->f[1], coverage = (samples - f1) / samples;
    const long double gamma = fmaxl(rare / coverage * pairs / (samples * (samples - 1)) - 1, 0);
    const long double gamma1 = fmaxl(gamma * (1 + f1 / (samples - f1) * pairs / (samples - 1)), 0);
    const long double common = fof->patterns - rare + rare / coverage;
    add(sheet, "ace", (double)(common + f1 / coverage * gamma), formula)->note = "lower bound";
    add(sheet, "ace1", (double)(common + f1 / coverage * gamma1), formula)->note = "lower bound";
}

void moe_add_support(struct moe_sheet *sheet, const struct moe_fof *fof)
{
    static const char *const names[4] = {"chao1", "chao1_se", "chao1_ci95_lo", "chao1_ci95_hi"};
    add_chao(sheet, fof, names, "Chao 1984, 1987");
    add(sheet, "chao1_bc", bias_corrected(fof, 1), "Chao1, bias-corrected")->note = "lower bound";
    add(sheet, "chao1_bc_nofactor", bias_corrected(fof, 0), "Chao1, bias-corrected, without (n - 1)/n")
        ->note = "lower bound";
    add(sheet, "ichao1", improved(fof), "Chiu and others 2014")->note = "lower bound";
    add_ace(sheet, fof);
    add(sheet, "jack1", jackknife(fof, 1), "Burnham and Overton 1978")->note = "lower bound, at most 2 S";
    add(sheet, "jack2", jackknife(fof, 2), "Burnham and Overton 1978")->note = "lower bound, at most 3 S";
}

void moe_add_support_incidence(struct moe_sheet *sheet, const struct moe_fof *fof)
{
    static const char *const names[4] = {"chao2", "chao2_se", "chao2_ci95_lo", "chao2_ci95_hi"};
    add_chao(sheet, fof, names, "Chao 1987, incidence");
    add(sheet, "chao2_bc", bias_corrected(fof, 1), "Chao2, bias-corrected")->note = "lower bound";
    add(sheet, "ichao2", improved(fof), "Chiu and others 2014, incidence")->note = "lower bound";
    add(sheet, "jack1_inc", jackknife(fof, 1), "Burnham and Overton 1978")->note = "lower bound, at most 2 S";
    add(sheet, "jack2_inc", jackknife(fof, 2), "Burnham and Overton 1978")->note = "lower bound, at most 3 S";
}
