/* The regression of the generalisation gap on active, further used, and routing terms. */
#include <gsl/gsl_rng.h>
#include <math.h>
#include <string.h>

#include "analysis/fit.h"
#include "analysis/sweep.h"
#include "src/pool.h"

enum { COLUMNS = 3, RESAMPLES = 2000, FEWEST_SEEDS = 2 };
#define LEVEL 0.95
#define FIT_SHARE 4.0     /* experts' parameters in the fit set are at most n over this */
#define ACTIVE_BELOW 0.1  /* "active" predicts 0 and is rejected above this */
#define TOTAL_ABOVE 0.9   /* "total" predicts 1 and is rejected below this */
#define RANGE_NEEDED 8.0  /* N_total / N_active that some run must reach */
#define TOLD_APART 1e-2   /* least condition of the columns together with an intercept */
#define OF_BOTH_SIGNS 0.025

/* The runs that are fitted. */
struct gap {
    int runs, left_out, seeds, columns; /* columns: 2, or 3 with the routing term */
    double *x;       /* [runs, COLUMNS] */
    double *y, *weight;
    int *seed;       /* [runs] which of the seeds */
    int *first;      /* [seeds] row that has it first */
    double range;    /* largest N_total / N_active */
};

static int fits(const struct moe_sweep_row *row)
{
    const double experts = (double)row->experts * (double)row->per_expert * row->layers;
    return row->n > 0 && isfinite(row->gap_cv) && row->noise > 0 && isfinite(row->noise) && row->active > 0 &&
           FIT_SHARE * experts <= (double)row->n;
}

static int seed_of(const struct moe_sweep_row *rows, struct gap *gap, int run)
{
    int s = 0;
    while (s < gap->seeds && (rows[gap->first[s]].data_seed != rows[run].data_seed ||
                              rows[gap->first[s]].model_seed != rows[run].model_seed))
        s++;
    if (s == gap->seeds)
        gap->first[gap->seeds++] = run;
    return s;
}

static void gap_init(struct gap *gap, const struct moe_sweep_row *rows, int count)
{
    memset(gap, 0, sizeof *gap);
    gap->x = moe_pool_new(MOE_POOL_FILES, (size_t)count * COLUMNS, sizeof *gap->x);
    gap->y = moe_pool_new(MOE_POOL_FILES, (size_t)count, sizeof *gap->y);
    gap->weight = moe_pool_new(MOE_POOL_FILES, (size_t)count, sizeof *gap->weight);
    gap->seed = moe_pool_new(MOE_POOL_FILES, (size_t)count, sizeof *gap->seed);
    gap->first = moe_pool_new(MOE_POOL_FILES, (size_t)count, sizeof *gap->first);
    for (int i = 0; i < count; i++) {
        const struct moe_sweep_row *row = &rows[i];
        if (!fits(row)) {
            gap->left_out++;
            continue;
        }
        const double further = ((double)row->experts_used - (double)row->layers * row->top_k) * (double)row->per_expert;
        double *x = gap->x + (int64_t)gap->runs * COLUMNS;
        x[0] = (double)row->active;
        x[1] = further;
        x[2] = row->learned ? (double)row->layers * row->tokens * row->top_k *
                                  (1 + log((double)row->experts / row->top_k))
                            : 0;
        gap->y[gap->runs] = (double)row->n * row->gap_cv / row->noise;
        gap->weight[gap->runs] = 1 / (x[0] + further);
        gap->seed[gap->runs++] = seed_of(rows, gap, i);
        gap->range = fmax(gap->range, (double)row->total / (double)row->active);
    }
}

static void gap_clear(struct gap *gap)
{
    moe_pool_free(gap->x);
    moe_pool_free(gap->y);
    moe_pool_free(gap->weight);
    moe_pool_free(gap->seed);
    moe_pool_free(gap->first);
}

/* Whether the first columns and a constant are all told apart: without that a coefficient may be somebody else's. */
static int told_apart(const struct gap *gap, int columns)
{
    double *x = moe_pool_new(MOE_POOL_FILES, (size_t)gap->runs * (size_t)(columns + 1), sizeof *x);
    struct moe_linear fit;
    for (int i = 0; i < gap->runs; i++) {
        x[i * (columns + 1)] = 1;
        memcpy(x + i * (columns + 1) + 1, gap->x + i * COLUMNS, (size_t)columns * sizeof *x);
    }
    moe_fit_linear(x, gap->y, NULL, gap->runs, columns + 1, &fit);
    moe_pool_free(x);
    return fit.condition > TOLD_APART;
}

/* Least squares with every run as often as its seed was drawn. */
static int fit_times(const struct gap *gap, const int *times, double *work, double *coefficient)
{
    struct moe_linear fit;
    double *x = work, *y = x + (int64_t)gap->runs * gap->columns, *weight = y + gap->runs;
    int rows = 0;
    for (int i = 0; i < gap->runs; i++) {
        if (times[gap->seed[i]] == 0)
            continue;
        memcpy(x + rows * gap->columns, gap->x + i * COLUMNS, (size_t)gap->columns * sizeof *x);
        y[rows] = gap->y[i];
        weight[rows++] = gap->weight[i] * times[gap->seed[i]];
    }
    moe_fit_linear(x, y, weight, rows, gap->columns, &fit);
    memcpy(coefficient, fit.coefficient, (size_t)gap->columns * sizeof *coefficient);
    return !fit.missing;
}

/* What the resamples say of c1, c2, c3 and c2 / c1. */
struct spread {
    double error[COLUMNS + 1]; /* standard errors, corrected for few seeds */
    double sign;               /* share of resamples whose c1 is not above 0 */
};

static void bootstrap(const struct gap *gap, double *work, struct spread *spread)
{
    double sum[COLUMNS + 1] = {0}, squares[COLUMNS + 1] = {0}, c[COLUMNS + 1] = {0};
    int *times = moe_pool_new(MOE_POOL_FILES, (size_t)gap->seeds, sizeof *times), used = 0, wrong = 0;
    gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937); /* always from its default seed: the same interval every time */
    gsl_rng_set(random, 1);
    for (int b = 0; b < RESAMPLES; b++) {
        memset(times, 0, (size_t)gap->seeds * sizeof *times);
        for (int s = 0; s < gap->seeds; s++)
            times[gsl_rng_uniform_int(random, (unsigned long)gap->seeds)]++;
        if (!fit_times(gap, times, work, c))
            continue;
        c[COLUMNS] = c[1] / c[0];
        used++;
        wrong += !(c[0] > 0);
        for (int i = 0; i <= COLUMNS; i++) {
            const double before = c[i] - (used > 1 ? sum[i] : 0);
            sum[i] += before / used;
            squares[i] += before * (c[i] - sum[i]);
        }
    }
    gsl_rng_free(random);
    moe_pool_free(times);
    spread->sign = used ? (double)wrong / used : 1;
    for (int i = 0; i <= COLUMNS; i++)
        spread->error[i] = sqrt(squares[i] / used * gap->seeds / (gap->seeds - 1));
}

static void add_coefficients(const struct gap *gap, const double *c, const struct spread *spread,
                             struct moe_sheet *sheet)
{
    static const char *const names[] = {"gap_c1", "gap_c2", "gap_c3"};
    static const char *const formulas[] = {"coefficient of N_active", "coefficient of N_used - N_active",
                                           "coefficient of L T K ln(e E / K)"};
    for (int i = 0; i < COLUMNS; i++) {
        if (i >= gap->columns) {
            moe_sheet_missing(sheet, names[i], "the runs do not tell the routing term from the parameters",
                              MOE_ESTIMATE, formulas[i]);
            continue;
        }
        const double half = moe_fit_half(spread->error[i], gap->seeds - 1, LEVEL);
        struct moe_figure *figure = moe_sheet_add(sheet, names[i], c[i], MOE_ESTIMATE, formulas[i]);
        moe_figure_interval(figure, c[i] - half, c[i] + half, LEVEL);
        figure->note = "2 is what exact least squares on a fixed partition gives";
        figure->in_table = 1;
    }
}

static enum moe_verdict judge(double low, double high, double range)
{
    const int active = low > ACTIVE_BELOW && range >= RANGE_NEEDED, total = high < TOTAL_ABOVE;
    return active && total ? MOE_BOTH_REJECTED : active ? MOE_ACTIVE_REJECTED : total ? MOE_TOTAL_REJECTED
                                                                                      : MOE_INCONCLUSIVE;
}

static const char *verdict_text(enum moe_verdict verdict, double low, double range, struct moe_sheet *sheet)
{
    static const char *const texts[] = {"inconclusive", "H_act rejected", "H_tot rejected",
                                        "H_act rejected, H_tot rejected"};
    if (verdict != MOE_INCONCLUSIVE && !(low > ACTIVE_BELOW && range < RANGE_NEEDED))
        return texts[verdict];
    if (low > ACTIVE_BELOW && range < RANGE_NEEDED)
        return moe_sheet_text(sheet, "%s: H_act is not judged, no run has N_total / N_active >= %g (largest %.3g)",
                              texts[verdict], RANGE_NEEDED, range);
    return "inconclusive: the interval excludes neither 0 to 0.1 nor 0.9 and more";
}

static const char ratio_formula[] = "c2 / c1; H_act says 0, H_tot says 1";

static enum moe_verdict say_not(struct moe_sheet *sheet, const char *why)
{
    struct moe_figure *figure = moe_sheet_missing(sheet, "gap_ratio", why, MOE_ESTIMATE, ratio_formula);
    figure->note = moe_sheet_text(sheet, "inconclusive: %s", why);
    figure->in_table = 1;
    return MOE_INCONCLUSIVE;
}

static enum moe_verdict fit_gap(struct gap *gap, struct moe_sheet *sheet)
{
    double c[COLUMNS] = {0};
    struct spread spread;
    gap->columns = told_apart(gap, COLUMNS) ? COLUMNS : COLUMNS - 1;
    int *once = moe_pool_new(MOE_POOL_FILES, (size_t)gap->seeds, sizeof *once);
    double *work = moe_pool_new(MOE_POOL_FILES, (size_t)gap->runs * (COLUMNS + 2), sizeof *work);
    for (int s = 0; s < gap->seeds; s++)
        once[s] = 1;
    const int found = fit_times(gap, once, work, c);
    if (found)
        bootstrap(gap, work, &spread);
    moe_pool_free(work);
    moe_pool_free(once);
    if (!found)
        return say_not(sheet, "the regression has no solution");
    add_coefficients(gap, c, &spread, sheet);
    if (!(c[0] > 0) || spread.sign > OF_BOTH_SIGNS)
        return say_not(sheet, "c1 is not clearly above 0, so the ratio means nothing");
    const double ratio = c[1] / c[0], half = moe_fit_half(spread.error[COLUMNS], gap->seeds - 1, LEVEL);
    const enum moe_verdict verdict = judge(ratio - half, ratio + half, gap->range);
    struct moe_figure *figure = moe_sheet_add(sheet, "gap_ratio", ratio, MOE_ESTIMATE, ratio_formula);
    moe_figure_interval(figure, ratio - half, ratio + half, LEVEL);
    figure->note = verdict_text(verdict, ratio - half, gap->range, sheet);
    figure->in_table = 1;
    return verdict;
}

enum moe_verdict moe_sweep_gap(const struct moe_sweep_row *rows, int count, struct moe_sheet *sheet)
{
    struct gap gap;
    enum moe_verdict verdict;
    gap_init(&gap, rows, count);
    moe_sheet_add(sheet, "gap_runs", gap.runs, MOE_COUNT, "runs with E P_exp L <= n / 4 and a known gap")->unit =
        "runs";
    moe_sheet_add(sheet, "gap_runs_left_out", gap.left_out, MOE_COUNT, "runs that do not meet that")->unit = "runs";
    if (gap.runs <= COLUMNS + 1)
        verdict = say_not(sheet, "too few runs with a known gap and E P_exp L <= n / 4");
    else if (gap.seeds < FEWEST_SEEDS)
        verdict = say_not(sheet, "one seed gives no interval");
    else if (!told_apart(&gap, COLUMNS - 1))
        verdict = say_not(sheet, "c1 and c2 are not identifiable: N_active must vary, and not in step with N_used");
    else
        verdict = fit_gap(&gap, sheet);
    gap_clear(&gap);
    return verdict;
}
