#include "analysis/incidence.h"

#include <math.h>
#include <stddef.h>

#include "analysis/coverage.h"
#include "analysis/entropy.h"
#include "analysis/support.h"

static const char source[] = "Chao and others 2014, incidence";

static void add(struct moe_sheet *sheet, const char *name, long double value, const char *grade, const char *unit,
                const char *formula)
{
    moe_sheet_add(sheet, name, (double)value, grade, formula)->unit = unit;
}

static void add_counts(struct moe_sheet *sheet, const struct moe_fof *fof)
{
    static const char *const name[] = {"Q1", "Q2", "Q3", "Q4"};
    add(sheet, "T", fof->n, MOE_COUNT, "sequences", "sampling units");
    add(sheet, "U", fof->total, MOE_COUNT, NULL, "sum of j Q_j");
    if (!moe_sheet_find(sheet, "S_obs"))
        add(sheet, "S_obs", fof->patterns, MOE_COUNT, "patterns", "patterns seen");
    for (int j = 1; j <= 4; j++)
        add(sheet, name[j - 1], fof->f[j], MOE_COUNT, "patterns", "patterns in so many sampling units");
}

static void add_diversity(struct moe_sheet *sheet, const struct moe_fof *fof)
{
    const long double T = fof->n, U = fof->total, mean = U / T, squares = (long double)fof->squares;
    /* CWJ's two terms are shares of T; their sum is rescaled to shares of U */
    const long double entropy = (moe_entropy_zhang(fof) + moe_entropy_tail(fof)) / mean + logl(mean);
    const long double a = (long double)fof->pairs / (T * (T - 1)), b = (U * U - squares) / (T * T);
    add(sheet, "coverage_inc", moe_coverage_chao_jost(fof), MOE_ESTIMATE, NULL, source);
    add(sheet, "H_inc_cwj", entropy, MOE_ESTIMATE, "nats", source);
    add(sheet, "hill_inc_asy_q1", expl(entropy), MOE_ESTIMATE, "patterns", source);
    add(sheet, "hill_inc_obs_q1", expl(moe_entropy_plugin(fof)), MOE_MEASURED, "patterns", "Hill 1973, shares of U");
    add(sheet, "hill_inc_obs_q2", U * U / squares, MOE_MEASURED, "patterns", "Hill 1973, shares of U");
    if (fof->pairs == 0) {
        const char *none = "no pattern in two sampling units";
        moe_sheet_missing(sheet, "hill_inc_asy_q2", none, MOE_ESTIMATE, source)->unit = "patterns";
        moe_sheet_missing(sheet, "hill_inc_asy_q2_mvue", none, MOE_ESTIMATE, source)->unit = "patterns";
        return;
    }
    add(sheet, "hill_inc_asy_q2", mean * mean / a, MOE_ESTIMATE, "patterns", source);
    add(sheet, "hill_inc_asy_q2_mvue", (a + b) / a, MOE_ESTIMATE, "patterns", source);
}

void moe_add_incidence(struct moe_sheet *sheet, const struct moe_fof *fof)
{
    static const char *const name[] = {"chao2",           "chao2_se",        "chao2_ci95_lo",       "chao2_ci95_hi",
                                       "chao2_bc",        "ichao2",          "jack1_inc",           "jack2_inc",
                                       "coverage_inc",    "H_inc_cwj",       "hill_inc_asy_q1",     "hill_inc_obs_q1",
                                       "hill_inc_obs_q2", "hill_inc_asy_q2", "hill_inc_asy_q2_mvue"};
    add_counts(sheet, fof);
    if (fof->n < 2 || fof->patterns == 0) {
        for (size_t i = 0; i < sizeof name / sizeof *name; i++)
            moe_sheet_missing(sheet, name[i], "fewer than 2 sampling units, or no pattern", MOE_ESTIMATE, source);
        return;
    }
    moe_add_support_incidence(sheet, fof);
    add_diversity(sheet, fof);
}
