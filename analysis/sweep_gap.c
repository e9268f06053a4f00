/* The regression of the generalisation gap on active, further used, and routing terms. */
#include <gsl/gsl_rng.h>
#include <math.h>
#include <string.h>

#include "analysis/fit.h"
#include "analysis/leastsq.h"
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
#define SINGULAR 1e-12     /* least pivot, columns scaled to length 1 */

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
static int told_apart(const struct moe_grid *grid, const struct gap *gap, int columns, struct moe_error *err)
{
    const int width = columns + 1, rows = gap->x ? gap->runs : 0;
    double *x = moe_pool_new(MOE_POOL_ANALYSIS, (size_t)rows * (size_t)width, sizeof *x);
    struct moe_leastsq fit;
    for (int i = 0; i < rows; i++) {
        x[i * width] = 1;
        memcpy(x + i * width + 1, gap->x + i * COLUMNS, (size_t)columns * sizeof *x);
    }
    const enum moe_status status = moe_leastsq_fit(grid, gap->runs, width, x, gap->y, LEVEL, &fit, err);
    const int apart = status == MOE_OK && fit.condition > TOLD_APART;
    if (status == MOE_INPUT) /* a column is a sum of others */
        *err = (struct moe_error){.code = MOE_OK};
    moe_leastsq_clear(&fit);
    moe_pool_free(x);
    return apart;
}

/* Weighted least squares of all runs: rows scaled by the roots of their weights. */
static enum moe_status fit_runs(const struct moe_grid *grid, const struct gap *gap, struct moe_leastsq *fit,
                                struct moe_error *err)
{
    const int columns = gap->columns, rows = gap->x ? gap->runs : 0;
    double *x = moe_pool_new(MOE_POOL_ANALYSIS, (size_t)rows * (size_t)(columns + 1), sizeof *x);
    double *y = x + (int64_t)rows * columns;
    for (int i = 0; i < rows; i++) {
        const double root = sqrt(gap->weight[i]);
        for (int j = 0; j < columns; j++)
            x[i * columns + j] = root * gap->x[i * COLUMNS + j];
        y[i] = root * gap->y[i];
    }
    moe_leastsq_fit(grid, gap->runs, columns, x, y, LEVEL, fit, err);
    moe_pool_free(x);
    return err->code;
}

/* What the runs of one seed add to the normal equations, columns scaled by those of all runs. */
struct sums {
    double xx[COLUMNS][COLUMNS], xy[COLUMNS];
};

static void sum_seeds(const struct gap *gap, struct sums *of_seed, double *scale)
{
    const int p = gap->columns;
    for (int i = 0; i < gap->runs; i++)
        for (int j = 0; j < p; j++)
            scale[j] = hypot(scale[j], sqrt(gap->weight[i]) * gap->x[i * COLUMNS + j]);
    for (int i = 0; i < gap->runs; i++) {
        struct sums *sums = &of_seed[gap->seed[i]];
        const double *x = gap->x + (int64_t)i * COLUMNS;
        for (int j = 0; j < p; j++) {
            const double left = gap->weight[i] * x[j] / scale[j];
            sums->xy[j] += left * gap->y[i];
            for (int k = 0; k < p; k++)
                sums->xx[j][k] += left * x[k] / scale[k];
        }
    }
}

/* Every seed as often as it was drawn: coefficients by elimination, of a matrix that is symmetric and not negative;
 * returns 0 where the seeds drawn do not tell the columns apart. */
static int fit_times(const struct gap *gap, const struct sums *of_seed, const double *scale, const int *times,
                     double *c)
{
    const int p = gap->columns;
    double a[COLUMNS][COLUMNS + 1] = {{0}};
    for (int s = 0; s < gap->seeds; s++)
        for (int j = 0; j < p; j++) {
            for (int k = 0; k < p; k++)
                a[j][k] += times[s] * of_seed[s].xx[j][k];
            a[j][p] += times[s] * of_seed[s].xy[j];
        }
    for (int j = 0; j < p; j++) {
        if (!(a[j][j] > SINGULAR))
            return 0;
        for (int i = j + 1; i < p; i++) {
            const double factor = a[i][j] / a[j][j];
            for (int k = j; k <= p; k++)
                a[i][k] -= factor * a[j][k];
        }
    }
    for (int j = p - 1; j >= 0; j--) {
        c[j] = a[j][p];
        for (int k = j + 1; k < p; k++)
            c[j] -= a[j][k] * c[k];
        c[j] /= a[j][j];
    }
    for (int j = 0; j < p; j++)
        c[j] /= scale[j];
    return 1;
}

/* What the resamples say of c1, c2, c3 and c2 / c1. */
struct spread {
    double error[COLUMNS + 1]; /* standard errors, corrected for few seeds */
    double sign;               /* share of resamples whose c1 is not above 0 */
};

/* Draws whole seeds. A resample is too small for a grid of ranks, and there are thousands, so they are solved from the
 * sums of each seed. */
static void bootstrap(const struct gap *gap, struct spread *spread)
{
    double sum[COLUMNS + 1] = {0}, squares[COLUMNS + 1] = {0}, c[COLUMNS + 1] = {0}, scale[COLUMNS] = {0};
    struct sums *of_seed = moe_pool_new(MOE_POOL_ANALYSIS, (size_t)gap->seeds, sizeof *of_seed);
    int *times = moe_pool_new(MOE_POOL_ANALYSIS, (size_t)gap->seeds, sizeof *times), used = 0, wrong = 0;
    gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937); /* always from its default seed: the same interval every time */
    gsl_rng_set(random, 1);
    sum_seeds(gap, of_seed, scale);
    for (int b = 0; b < RESAMPLES; b++) {
        memset(times, 0, (size_t)gap->seeds * sizeof *times);
        for (int s = 0; s < gap->seeds; s++)
            times[gsl_rng_uniform_int(random, (unsigned long)gap->seeds)]++;
        if (!fit_times(gap, of_seed, scale, times, c))
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
    moe_pool_free(of_seed);
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

static enum moe_verdict say_gap(const struct gap *gap, const struct moe_leastsq *fit, struct moe_sheet *sheet)
{
    const double *c = fit->coefficient;
    struct spread spread;
    bootstrap(gap, &spread);
    add_coefficients(gap, c, &spread, sheet);
    moe_leastsq_checks(fit, "gap", sheet);
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

/* What rank 0 can tell before any fit. */
static const char *too_little(const struct gap *gap)
{
    return gap->runs <= COLUMNS + 1     ? "too few runs with a known gap and E P_exp L <= n / 4"
           : gap->seeds < FEWEST_SEEDS ? "one seed gives no interval"
                                       : NULL;
}

enum moe_status moe_sweep_gap(const struct moe_grid *grid, const struct moe_sweep_row *rows, int count,
                              struct moe_sheet *sheet, enum moe_verdict *verdict, struct moe_error *err)
{
    const int root = grid->comm->rank == 0;
    struct gap gap = {0};
    struct moe_leastsq fit = {.rows = 0};
    *verdict = MOE_INCONCLUSIVE;
    if (root) {
        gap_init(&gap, rows, count);
        moe_sheet_add(sheet, "gap_runs", gap.runs, MOE_COUNT, "runs with E P_exp L <= n / 4 and a known gap")->unit =
            "runs";
        moe_sheet_add(sheet, "gap_runs_left_out", gap.left_out, MOE_COUNT, "runs that do not meet that")->unit = "runs";
    }
    int size[2] = {gap.runs, gap.seeds};
    moe_comm_broadcast(grid->comm, size, sizeof size);
    gap.runs = size[0];
    gap.seeds = size[1];
    const char *why = too_little(&gap);
    if (!why && !told_apart(grid, &gap, COLUMNS - 1, err))
        why = "c1 and c2 are not identifiable: N_active must vary, and not in step with N_used";
    if (!why && err->code == MOE_OK) {
        gap.columns = told_apart(grid, &gap, COLUMNS, err) ? COLUMNS : COLUMNS - 1;
        if (err->code == MOE_OK)
            fit_runs(grid, &gap, &fit, err);
    }
    if (root && err->code == MOE_OK)
        *verdict = why ? say_not(sheet, why) : say_gap(&gap, &fit, sheet);
    moe_leastsq_clear(&fit);
    gap_clear(&gap);
    return err->code;
}
