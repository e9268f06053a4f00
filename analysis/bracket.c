#include "analysis/bracket.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdio.h>

#include "analysis/collision.h"
#include "analysis/occam.h"
#include "analysis/sequence.h"
#include "analysis/special.h"
#include "src/pool.h"

#define LEVEL 0.05

struct ends {
    double low, high;
    const char *assumption;
};

const char *moe_bracket_verdict(double width)
{
    return width < 0.1 ? "resolved" : width < 2.3 ? "order of magnitude" : "lower bound only";
}

/* ln(W - seen); where all have been seen, up to rounding, that of one more. */
static long double ln_unseen(double ln_worst, int64_t seen)
{
    const long double share = seen * expl(-(long double)ln_worst);
    return share < 1 ? fmaxl(ln_worst + log1pl(-share), 0) : isnan(ln_worst) ? NAN : 0;
}

struct moe_cross_entropy moe_loo_cross_entropy(const struct moe_fof *fof, double ln_worst)
{
    const long double n = fof->n, f1 = fof->f[1], spread = logl(n - 1);
    const long double first = ln_unseen(ln_worst, fof->patterns - 1) - logl(f1 / (n + 1));
    const long double second = spread - logl((n - f1 - 1) / (n + 1)), later = spread - logl((n - f1) / (n + 1));
    long double mean = 0, squares = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int64_t i = 0; i < fof->rows; i++) {
            const long double j = fof->row[2 * i], weight = j * fof->row[2 * i + 1] / n;
            const long double cost = j == 1 ? first : j == 2 ? second : later - logl(j - 1);
            if (pass == 0)
                mean += weight * cost;
            else
                squares += weight * (cost - mean) * (cost - mean);
        }
    if (isnan(ln_worst))
        mean = NAN;
    return (struct moe_cross_entropy){(double)mean, (double)sqrtl(squares / n)};
}

/* What the samples of one group cost under the law of the others, whose table is given; row is their first. */
static double group_cost(const struct moe_counts *counts, const struct moe_fof *others, int group, int64_t *row,
                         double *samples)
{
    const long double n = others->n, delta = (others->f[1] + 1.0L) / (n + 2);
    long double cost = 0, tokens = 0;
    for (; *row < counts->held_out.rows && counts->held_out.value[3 * *row] == group; ++*row) {
        const int64_t count = counts->held_out.value[3 * *row + 1], here = counts->held_out.value[3 * *row + 2];
        tokens += here;
        if (here > 0)
            cost += here * (count == 0 ? ln_unseen(counts->ln_worst, others->patterns) - logl(delta)
                                       : -log1pl(-delta) - logl(count / n));
    }
    *samples = (double)tokens;
    return (double)cost;
}

int moe_group_cross_entropy(const struct moe_counts *counts, struct moe_cross_entropy *cost)
{
    double group_sum[MOE_COUNT_GROUPS], samples[MOE_COUNT_GROUPS], sum = 0, all = 0, squares = 0;
    int groups = 0;
    int64_t row = 0;
    if (!counts->held_out.value || !counts->without_fof.value || isnan(counts->ln_worst))
        return 0;
    for (int g = 0; g < MOE_COUNT_GROUPS; g++) {
        int64_t *copy;
        const struct moe_fof others = moe_fof_of_group(&counts->without_fof, g, &copy);
        group_sum[g] = group_cost(counts, &others, g, &row, &samples[g]);
        moe_pool_free(copy);
        sum += group_sum[g];
        all += samples[g];
        groups += samples[g] > 0;
    }
    if (groups < MOE_LEAST_SEQUENCES)
        return 0;
    for (int g = 0; g < MOE_COUNT_GROUPS; g++) {
        const double off = group_sum[g] - sum / all * samples[g];
        squares += off * off;
    }
    *cost = (struct moe_cross_entropy){sum / all, sqrt(squares * groups / (groups - 1)) / all};
    return 1;
}

static struct ends independent_ends(const struct moe_counts *counts, const struct moe_fof *fof,
                                    const struct moe_entropy *entropy, struct moe_cross_entropy cost)
{
    const double zhang = (double)entropy->zhang - moe_normal_quantile(LEVEL / 2) * entropy->zhang_se;
    const double second = fof->pairs > 0 ? log(moe_collision_lower(fof, LEVEL / 4))
                                         : moe_occam_no_collision((double)fof->n, LEVEL / 4);
    const double high = cost.mean + moe_normal_quantile(LEVEL) * cost.se;
    return (struct ends){fmax(zhang, second), fmin(high, counts->ln_worst),
                         moe_is_clustered(counts) ? "as if samples were independent: too narrow for tokens of sequences"
                                                  : "independent samples"};
}

static struct ends clustered_ends(const struct moe_counts *counts, const struct moe_fof *fof,
                                  const struct moe_entropy *entropy, const struct moe_group_errors *errors,
                                  struct moe_cross_entropy cost)
{
    const double quarter = gsl_cdf_tdist_Qinv(LEVEL / 4, errors->groups - 1);
    const double s2 = moe_cross_collision(counts, fof);
    const double plugin = (double)entropy->plugin - quarter * errors->plugin;
    const double second = s2 > 0 && isfinite(errors->ln_cross) ? -log(s2) - quarter * errors->ln_cross : -INFINITY;
    const double high = cost.mean + errors->quantile * cost.se;
    return (struct ends){fmax(plugin, second), fmin(high, counts->ln_worst), "independent sequences"};
}

void moe_add_bracket_figures(struct moe_sheet *sheet, const char *name, double low, double high, double level,
                             const char *grade, const char *formula, const char *assumption)
{
    static const char *const end[3] = {"lo", "hi", "width"};
    const double value[3] = {low, high, high - low};
    struct moe_figure *figure = isnan(low) ? moe_sheet_missing(sheet, name, "no lower end", grade, formula)
                                           : moe_sheet_add(sheet, name, low, grade, formula);
    figure->unit = "nats";
    figure->in_table = 1;
    moe_figure_interval(figure, low, high, level);
    figure->note = moe_sheet_text(sheet, "%s; %s%s", moe_bracket_verdict(high - low), assumption,
                                  isnan(high) ? "; no upper end: worst case or tables unknown" : "");
    for (int i = 0; i < 3; i++) {
        char full[64];
        snprintf(full, sizeof full, "%s_%s", name, end[i]);
        figure = isnan(value[i])
                     ? moe_sheet_missing(sheet, full, "no such end: worst case or tables unknown", grade, formula)
                     : moe_sheet_add(sheet, full, value[i], grade, formula);
        figure->unit = "nats";
    }
}

static struct moe_figure *add(struct moe_sheet *sheet, const char *name, double value, const char *formula,
                              const char *none)
{
    struct moe_figure *figure = isnan(value) ? moe_sheet_missing(sheet, name, none, MOE_ESTIMATE, formula)
                                             : moe_sheet_add(sheet, name, value, MOE_ESTIMATE, formula);
    figure->unit = "nats";
    return figure;
}

static void add_reduction(struct moe_sheet *sheet, struct ends ends, double ln_worst)
{
    const char *name = "log10_reduction", *formula = "log10(W) - log10(1D), from the nominal bracket";
    const double least = (ln_worst - ends.high) / log(10), most = (ln_worst - ends.low) / log(10);
    if (isnan(least) || isnan(most)) {
        moe_sheet_missing(sheet, name, "worst case unknown", MOE_ESTIMATE, formula);
        return;
    }
    struct moe_figure *figure = moe_sheet_add(sheet, name, least, MOE_ESTIMATE, formula);
    figure->note = "at least";
    figure->in_table = 1;
    moe_figure_interval(figure, least, most, 1 - LEVEL);
}

void moe_add_bracket(struct moe_sheet *sheet, const struct moe_counts *counts, const struct moe_fof *fof,
                     const struct moe_entropy *entropy)
{
    static const char *const formula = "Zhang 2012 and collisions below, cross entropy above";
    static const char *const by_group = "plug-in and cross pairs below, cross entropy by groups above";
    static const char *const no_worst = "worst case unknown";
    const struct moe_cross_entropy cost = moe_loo_cross_entropy(fof, counts->ln_worst);
    struct moe_cross_entropy group = {NAN, NAN};
    struct moe_group_errors errors;
    moe_group_cross_entropy(counts, &group);
    struct moe_figure *figure = add(sheet, "lnW", counts->ln_worst, "worst-case number of patterns", no_worst);
    figure->grade = MOE_COUNT;
    add(sheet, "H_upper_loo_ce", cost.mean, "leave-one-out cross entropy", no_worst);
    add(sheet, "H_cwj_minus_lnW", (double)(entropy->zhang + entropy->tail - counts->ln_worst),
        "Chao-Wang-Jost less ln W", no_worst);
    add(sheet, "H_upper_groups_ce", group.mean, "leave-one-group-out cross entropy", "no counts by group, or no ln W");
    const int by_sequence = moe_is_clustered(counts) && counts->without_fof.value;
    const char *none = by_sequence ? moe_group_errors_of(counts, &errors) : NULL;
    struct ends ends = {NAN, NAN, none};
    if (!none) {
        ends = by_sequence ? clustered_ends(counts, fof, entropy, &errors, group)
                           : independent_ends(counts, fof, entropy, cost);
        ends.low = fmax(fmin(ends.low, counts->ln_worst), 0);
    }
    moe_add_bracket_figures(sheet, "H_bracket", ends.low, ends.high, 1 - LEVEL, MOE_ESTIMATE,
                            by_sequence ? by_group : formula, ends.assumption);
    add_reduction(sheet, ends, counts->ln_worst);
}
