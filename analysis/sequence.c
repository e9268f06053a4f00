#include "analysis/sequence.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

#include "analysis/collision.h"
#include "analysis/coverage.h"
#include "analysis/entropy.h"
#include "analysis/special.h"
#include "analysis/support.h"
#include "src/pool.h"

/* What is computed without each group. */
enum { PLUGIN, CWJ, S2, LN_CROSS, LOSO, CHAO2, VALUES };

int moe_is_clustered(const struct moe_counts *counts)
{
    return counts->sequences > 0 && counts->samples > counts->sequences;
}

double moe_coverage_loso(const struct moe_counts *counts)
{
    if (counts->one_sequence < 0 || counts->samples == 0)
        return NAN;
    return (double)(counts->samples - counts->one_sequence) / (double)counts->samples;
}

static double cross(const struct moe_fof *fof, long double within, long double squared_lengths)
{
    const long double n = fof->n, others = n * n - squared_lengths;
    return others > 0 ? (double)(((long double)fof->squares - within) / others) : NAN;
}

double moe_cross_collision(const struct moe_counts *counts, const struct moe_fof *fof)
{
    return cross(fof, counts->pairs_within, counts->sum_squared_lengths);
}

/* Row of a by-group table that has one row a group; null where it has none. */
static const int64_t *row_of(const struct moe_rows *table, int group)
{
    for (int64_t i = 0; table->value && i < table->rows; i++)
        if (table->value[i * table->width] == group)
            return table->value + i * table->width;
    return NULL;
}

/* All values without a group. Its sequences' lengths are taken to be spread as everywhere. */
static void leave_out(double value[VALUES], const struct moe_counts *counts, const struct moe_fof *fof, int group)
{
    const long double share = (long double)fof->n / counts->samples;
    const int64_t *one = row_of(&counts->without_one_sequence, group);
    const int64_t *within = row_of(&counts->without_pairs_within, group);
    value[PLUGIN] = (double)moe_entropy_plugin(fof);
    value[CWJ] = (double)(moe_entropy_zhang(fof) + moe_entropy_tail(fof));
    value[S2] = moe_collision_of(fof).s2;
    value[LN_CROSS] = value[LOSO] = value[CHAO2] = NAN;
    if (within) {
        const long double pairs = (long double)within[1] * 0x1p64L + (uint64_t)within[2];
        value[LN_CROSS] = log(cross(fof, pairs, share * counts->sum_squared_lengths));
    }
    if (one)
        value[LOSO] = (double)(fof->n - one[1]) / (double)fof->n;
    if (counts->without_incidence.value) {
        int64_t *copy;
        const int64_t units = (int64_t)rintl(share * counts->sequences);
        struct moe_fof incidence = moe_fof_of_group(&counts->without_incidence, group, &copy);
        incidence.n = units > 0 ? units : 1;
        value[CHAO2] = moe_chao(&incidence).estimate;
        moe_pool_free(copy);
    }
}

const char *moe_group_errors_of(const struct moe_counts *counts, struct moe_group_errors *errors)
{
    double value[MOE_COUNT_GROUPS][VALUES], se[VALUES];
    int groups = 0;
    if (counts->sequences == 0 || !counts->without_fof.value)
        return "no counts by group of sequences";
    if (counts->sequences < MOE_LEAST_SEQUENCES)
        return "fewer than 10 sequences";
    for (int g = 0; g < MOE_COUNT_GROUPS; g++) {
        int64_t *copy;
        const struct moe_fof fof = moe_fof_of_group(&counts->without_fof, g, &copy);
        if (fof.n > 1 && fof.n < counts->samples)
            leave_out(value[groups++], counts, &fof, g);
        moe_pool_free(copy);
    }
    if (groups < MOE_LEAST_SEQUENCES)
        return "fewer than 10 groups hold sequences";
    for (int v = 0; v < VALUES; v++) {
        /* from the first one, so that equal values give exactly 0 */
        double mean = 0, sum = 0;
        for (int g = 0; g < groups; g++)
            mean += (value[g][v] - value[0][v]) / groups;
        for (int g = 0; g < groups; g++)
            sum += pow(value[g][v] - value[0][v] - mean, 2);
        se[v] = sqrt(sum * (groups - 1) / groups);
    }
    *errors = (struct moe_group_errors){
        groups, gsl_cdf_tdist_Qinv(0.025, groups - 1), se[PLUGIN], se[CWJ], se[S2], se[LN_CROSS], se[LOSO], se[CHAO2]};
    return NULL;
}

static struct moe_figure *add(struct moe_sheet *sheet, const char *name, double value, const char *unit,
                              const char *formula, const char *reason)
{
    struct moe_figure *figure = reason ? moe_sheet_missing(sheet, name, reason, MOE_ESTIMATE, formula)
                                       : moe_sheet_add(sheet, name, value, MOE_ESTIMATE, formula);
    figure->unit = unit;
    return figure;
}

static void add_errors(struct moe_sheet *sheet, const struct moe_group_errors *e, const char *none)
{
    static const char *const formula = "delete-a-group jackknife";
    const char *name[] = {"group_se_H_plugin", "group_se_H_cwj",         "group_se_simpson",
                          "group_se_ln_cross", "group_se_coverage_loso", "group_se_chao2"};
    const char *unit[] = {"nats", "nats", NULL, NULL, NULL, "patterns"};
    const double value[] = {e->plugin, e->cwj, e->s2, e->ln_cross, e->loso, e->chao2};
    for (int i = 0; i < VALUES; i++)
        add(sheet, name[i], value[i], unit[i], formula, none ? none : isnan(value[i]) ? "not counted" : NULL);
}

/* One sample of each sequence is an independent sample: order 2 from it has an honest interval. Returns whether that
 * interval and the value from all pairs agree; 1 where there is nothing to compare. */
static int add_thinned(struct moe_sheet *sheet, const struct moe_counts *counts, double s2)
{
    static const char *const formula = "order 2 from one sample of each sequence";
    struct moe_fof fof;
    struct moe_error err = {0};
    if (!counts->thinned.value || moe_fof_view(&fof, &counts->thinned, 0, &err) || fof.n < 2 || fof.pairs == 0) {
        add(sheet, "hill2_thinned", NAN, "patterns", formula,
            counts->thinned.value ? "no repeated pattern" : "not counted");
        return 1;
    }
    const struct moe_collision c = moe_collision_of(&fof);
    const double reach = moe_normal_quantile(0.05) * c.se / c.s2;
    struct moe_figure *figure = add(sheet, "hill2_thinned", 1 / c.s2, "patterns", formula, NULL);
    moe_figure_interval(figure, exp(-reach) / c.s2, exp(reach) / c.s2, 0.95);
    if (c.colliding < 5)
        figure->suppressed = "fewer than 5 colliding pairs";
    return c.colliding < 5 || fabs(log(s2 / c.s2)) <= reach;
}

void moe_add_sequence(struct moe_sheet *sheet, const struct moe_counts *counts, const struct moe_fof *fof)
{
    static const char *const loso_formula = "leave-one-sequence-out",
                             *const cross_formula = "pairs from different sequences";
    struct moe_group_errors errors = {0, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    const char *none = moe_group_errors_of(counts, &errors);
    const struct moe_collision all = moe_collision_of(fof);
    const double loso = moe_coverage_loso(counts), s2 = moe_cross_collision(counts, fof);
    struct moe_figure *figure = add(sheet, "coverage_loso", loso, NULL, loso_formula,
                                    isnan(loso) ? "not counted" : NULL);
    figure->in_table = 1;
    if (!none && errors.loso > 0)
        moe_figure_interval(figure, fmax(loso - errors.quantile * errors.loso, 0),
                            fmin(loso + errors.quantile * errors.loso, 1), 0.95);
    else
        figure->note = none ? none : "no interval: the groups agree";
    const char *no_cross = isnan(s2) ? "not counted" : NULL;
    add(sheet, "simpson_cross", s2, NULL, cross_formula, no_cross);
    figure = add(sheet, "hill2_cross", 1 / s2, "patterns", cross_formula,
                 no_cross ? no_cross
                 : s2 > 0 ? NULL
                          : "no pattern in two sequences");
    figure->in_table = moe_is_clustered(counts);
    if (!none && s2 > 0 && isfinite(errors.ln_cross)) {
        const double reach = errors.quantile * errors.ln_cross;
        moe_figure_interval(figure, exp(-reach) / s2, exp(reach) / s2, 0.95);
    }
    add_errors(sheet, &errors, none);
    const double ratio = all.se / errors.s2, effective = (double)fof->n * ratio * ratio;
    add(sheet, "n_eff", effective, "samples", "n x token variance of order 2 over its variance by groups",
        none            ? none
        : errors.s2 > 0 ? NULL
                        : "no variance between groups");

    const int thinned_agrees = add_thinned(sheet, counts, all.s2);
    const double excess = moe_coverage_turing(fof) - loso;
    const int too_complete = !none && excess > fmax(0.01, errors.quantile * errors.loso);
    const int too_sure = !none && errors.s2 > 1.5 * all.se && all.se > 0;
    const int disagrees = moe_is_clustered(counts) && (too_complete || too_sure || !thinned_agrees);
    figure = moe_sheet_add(sheet, "sequence_disagrees", disagrees, MOE_DIAGNOSTIC, "tokens against sequences");
    if (!disagrees)
        return;
    figure->in_table = 1;
    figure->note = moe_sheet_text(
        sheet, "tokens of a sequence resemble each other:%s%s%s trust the figures by sequence",
        too_complete ? " coverage by token is too high;" : "", too_sure ? " errors by token are too small;" : "",
        thinned_agrees ? "" : " order 2 differs from the thinned sample;");
}
