/* Least squares with known answers, coverage of its intervals, and the verdicts on sweeps made to measure. */
#include "analysis/fit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/sweep.h"
#include "src/random.h"
#include "tests/tap.h"

enum { TRIALS = 2000 };

static struct moe_random random_of(uint64_t a)
{
    struct moe_random random;
    moe_random_init(&random, 11, MOE_STREAM_NOISE, a, 0);
    return random;
}

static void lines(void)
{
    const double x[] = {0, 1, 2, 3}, exact[] = {1, 3, 5, 7}, y[] = {1, 2, 2, 4}, flat[] = {2, 2, 2, 2};
    const double hole[] = {1, NAN, 2, 3};
    struct moe_line line = moe_fit_line(x, exact, 4, 0.95);
    is_close(line.slope, 2, 1e-15, "slope of an exact line");
    is_close(line.intercept, 1, 1e-15, "its intercept");
    ok(line.residual < 1e-15 && line.high - line.low < 1e-14, "nothing is left over");
    line = moe_fit_line(x, y, 4, 0.95);
    is_close(line.slope, 0.9, 1e-15, "slope by hand");
    /* residuals .1, .2, -.7, .4 */
    is_close(line.error, sqrt(0.7 / 2 / 5), 1e-14, "standard error by hand");
    is_close(line.high, 0.9 + 0.95 * sqrt(2 / (4 * 0.975 * 0.025)) * sqrt(0.07), 1e-12,
             "t interval with two degrees of freedom");
    is_close(line.residual, 0.7, 1e-13, "largest residual");
    ok(moe_fit_line(flat, y, 4, 0.95).missing && moe_fit_line(x, y, 1, 0.95).missing &&
           moe_fit_line(x, hole, 4, 0.95).missing,
       "one place, one point, a hole: no line, with a reason");
    ok(isnan(moe_fit_line(x, y, 2, 0.95).error) && moe_fit_line(x, y, 2, 0.95).slope == 1,
       "two points give a slope without an interval");
    double low, high;
    is_close(moe_fit_mean(y, 4, 0.95, &low, &high), 2.25, 1e-15, "mean");
    is_close(high, 2.25 + 3.182446305284263 * sqrt(4.75 / 3 / 4), 1e-12, "its interval");
}

static void linear(void)
{
    double x[12], y[6], weights[6];
    struct moe_linear fit;
    for (int i = 0; i < 6; i++) {
        x[2 * i] = 1e6;
        x[2 * i + 1] = i * 1e-3;
        y[i] = 3 * x[2 * i] - 5 * x[2 * i + 1];
        weights[i] = 1 + i;
    }
    moe_fit_linear(x, y, weights, 6, 2, &fit);
    ok(!fit.missing && fit.freedom == 4, "two coefficients from six rows");
    is_close(fit.coefficient[0], 3, 1e-12, "first coefficient");
    is_close(fit.coefficient[1], -5, 1e-5, "second one, of a column 1e9 times smaller");
    const double ones[] = {1, 0, 1, 1, 1, 2, 1, 3}, values[] = {1, 2, 2, 4};
    moe_fit_linear(ones, values, NULL, 4, 2, &fit);
    is_close(fit.coefficient[1], 0.9, 1e-14, "a line as two columns");
    is_close(fit.covariance[3], 0.07, 1e-13, "with the variance of its slope");
    const double often[] = {1, 1, 2, 1}, twice[] = {1, 0, 1, 1, 1, 2, 1, 2, 1, 3}, twice_y[] = {1, 2, 2, 2, 4};
    struct moe_linear doubled;
    moe_fit_linear(ones, values, often, 4, 2, &fit);
    moe_fit_linear(twice, twice_y, NULL, 5, 2, &doubled);
    is_close(fit.coefficient[1], doubled.coefficient[1], 1e-13, "weight 2 is a row twice");
    const double same[] = {1, 2, 2, 4, 3, 6};
    moe_fit_linear(same, values, NULL, 3, 2, &fit);
    ok(fit.missing && isnan(fit.coefficient[0]), "columns that are multiples: %s", fit.missing ? fit.missing : "");
    moe_fit_linear(same, values, NULL, 1, 2, &fit);
    ok(fit.missing && isnan(fit.covariance[3]), "fewer rows than columns: %s", fit.missing ? fit.missing : "");
}

static void coverage(void)
{
    const double x[] = {1, 2, 3, 5, 8};
    int held = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
        struct moe_random random = random_of((uint64_t)trial);
        double y[5];
        for (int i = 0; i < 5; i++)
            y[i] = 0.5 - 2 * x[i] + moe_random_normal(&random);
        struct moe_line line = moe_fit_line(x, y, 5, 0.9);
        held += line.low <= -2 && -2 <= line.high;
    }
    ok(held > 0.88 * TRIALS && held < 0.92 * TRIALS, "90 %% intervals of a slope hold in %d of %d", held, TRIALS);
}

static double value_of(const struct moe_sheet *sheet, const char *name)
{
    const struct moe_figure *figure = moe_sheet_find(sheet, name);
    return figure ? figure->value : NAN;
}

static int inside(const struct moe_sheet *sheet, const char *name, double value)
{
    const struct moe_figure *figure = moe_sheet_find(sheet, name);
    return figure && figure->low <= value && value <= figure->high;
}

static char cells[4096][48];

/* A run of a small grid; its error and gap are set by the caller. */
static struct moe_sweep_row row_of(int place, int64_t n, int experts, int top_k, int width, int seed)
{
    snprintf(cells[place], sizeof cells[place], "n %lld E %d K %d F %d", (long long)n, experts, top_k, width);
    struct moe_sweep_row row = {.cell = cells[place], .data_seed = 1, .model_seed = (uint64_t)seed, .n = n,
                                .per_expert = 16 * width + width + 8, .experts = experts, .top_k = top_k,
                                .expert_width = width, .width = 8, .layers = 1, .tokens = 8, .experts_used = experts,
                                .dim = 2, .beta = 1, .sequences_seen = (double)n, .noise = 0.09, .gap_cv = NAN,
                                .train_error = NAN, .test_error = NAN, .path_entropy = NAN, .entropy_upper = NAN,
                                .sequence_entropy = NAN, .ln_worst = NAN};
    row.active = top_k * row.per_expert;
    row.total = experts * row.per_expert + 8 * experts;
    return row;
}

/* error = active^-0.7 n^-0.4 times noise by seed; at every n the largest model is the best, and comes first. */
static int power_law(struct moe_sweep_row *rows, int seeds, double noise, uint64_t trial)
{
    struct moe_random random = random_of(trial);
    int made = 0;
    for (int64_t n = 1024; n <= 16384; n *= 2)
        for (int width = 16; width >= 1; width /= 2)
            for (int seed = 0; seed < seeds; seed++) {
                rows[made] = row_of(made, n, 4, 1, width, seed);
                rows[made].test_error = pow((double)rows[made].active, -0.7) * pow((double)n, -0.4) *
                                        exp(noise * moe_random_normal(&random));
                made++;
            }
    return made;
}

static void scaling(void)
{
    static struct moe_sweep_row rows[4096];
    struct moe_sheet sheet;
    int count = power_law(rows, 3, 0, 0), held = 0;
    moe_sheet_init(&sheet, "scaling");
    moe_sweep_scaling(rows, count, &sheet);
    is_close(value_of(&sheet, "alpha_D"), 0.4, 1e-12, "exponent in n");
    is_close(value_of(&sheet, "alpha_N_active"), 0.7, 1e-12, "exponent in active parameters");
    ok(value_of(&sheet, "alpha_N_total") > 0.7 && value_of(&sheet, "alpha_N_total") < 0.9,
       "in all parameters it is steeper: those of the routers stay");
    is_close(value_of(&sheet, "alpha_D_theory"), 0.5, 1e-15, "theory at d = 2, beta = 1");
    is_close(value_of(&sheet, "alpha_N_theory"), 1, 1e-15, "theory at d = 2, beta = 1");
    is_close(value_of(&sheet, "identity_gap_active"), 0.4 - 0.7 / 1.7, 1e-11, "gap to the identity");
    moe_sheet_clear(&sheet);
    for (int i = 0; i < count; i++)
        rows[i].dim = 8;
    moe_sheet_init(&sheet, "scaling");
    moe_sweep_scaling(rows, count, &sheet);
    moe_sweep_frontier(rows, count, &sheet);
    is_close(value_of(&sheet, "alpha_N_theory"), 0.25, 1e-15, "alpha_N at d = 8, beta = 1");
    is_close(value_of(&sheet, "alpha_D_theory"), 0.2, 1e-15, "alpha_D there");
    is_close(value_of(&sheet, "frontier_N_theory"), 4.0 / 9, 1e-15, "N* there");
    is_close(value_of(&sheet, "frontier_D_theory"), 5.0 / 9, 1e-15, "D* there");
    is_close(value_of(&sheet, "frontier_error_theory"), -1.0 / 9, 1e-15, "error* there");
    moe_sheet_clear(&sheet);
    for (int trial = 0; trial < 300; trial++) {
        count = power_law(rows, 4, 0.1, (uint64_t)trial);
        moe_sheet_init(&sheet, "scaling");
        moe_sweep_scaling(rows, count, &sheet);
        held += inside(&sheet, "alpha_N_active", 0.7);
        moe_sheet_clear(&sheet);
    }
    ok(held >= 275 && held <= 296, "95 %% intervals from four seeds hold in %d of 300", held);
    count = power_law(rows, 3, 0, 0);
    for (int i = 0; i < count; i++)
        if (rows[i].expert_width == 1)
            rows[i].test_error = 1;
    moe_sheet_init(&sheet, "scaling");
    moe_sweep_scaling(rows, count, &sheet);
    is_close(value_of(&sheet, "alpha_D"), 0.4, 1e-12, "a model that learns nothing is not the best at any n");
    moe_sheet_clear(&sheet);
    count = power_law(rows, 3, 0, 0);
    for (int i = 0; i < count; i++)
        if (rows[i].n < 16384)
            rows[i].test_error = 1e-6 / (double)rows[i].active;
    moe_sheet_init(&sheet, "scaling");
    moe_sweep_scaling(rows, count, &sheet);
    is_close(value_of(&sheet, "alpha_N_active"), 0.7, 1e-12, "sizes are compared at the largest n only");
    moe_sheet_clear(&sheet);
    rows[0].beta = 2;
    moe_sheet_init(&sheet, "scaling");
    moe_sweep_scaling(rows, count, &sheet);
    ok(moe_sheet_find(&sheet, "alpha_D_theory")->missing != NULL, "runs of two sources share no theory");
    moe_sheet_clear(&sheet);
    moe_sheet_init(&sheet, "scaling");
    moe_sweep_scaling(rows, 2, &sheet);
    ok(moe_sheet_find(&sheet, "alpha_D")->missing && moe_sheet_find(&sheet, "identity_gap_total")->missing,
       "one cell gives no exponent");
    moe_sweep_scaling(rows, 0, &sheet);
    moe_sheet_clear(&sheet);
}

/* Cells on N = F^(1/3) with error F^(-1/3), and beside each one that costs as much and is worse. */
static void frontier(void)
{
    struct moe_sweep_row rows[12];
    struct moe_sheet sheet;
    for (int i = 0; i < 12; i++) {
        const int place = i / 2, worse = i % 2;
        rows[i] = row_of(i, 4096 + i, 8, 2, 4, 0);
        rows[i].active = 64L << place << worse;
        rows[i].total = rows[i].active;
        rows[i].sequences_seen = 1000 * pow(4, place) / (worse ? 2 : 1);
        rows[i].test_error = pow(2, -place) * (worse ? 1.4 : 1);
    }
    moe_sheet_init(&sheet, "frontier");
    moe_sweep_frontier(rows, 12, &sheet);
    is_close(value_of(&sheet, "frontier_active_points"), 6, 0, "six cells are on the frontier");
    is_close(value_of(&sheet, "frontier_active_N"), 1.0 / 3, 1e-12, "N* ~ F^(1/3)");
    is_close(value_of(&sheet, "frontier_active_D"), 2.0 / 3, 1e-12, "D* ~ F^(2/3)");
    is_close(value_of(&sheet, "frontier_active_error"), -1.0 / 3, 1e-12, "error* ~ F^(-1/3)");
    is_close(value_of(&sheet, "frontier_total_N"), 1.0 / 3, 1e-12, "the same with all parameters, which are as many");
    moe_sheet_clear(&sheet);
    moe_sheet_init(&sheet, "frontier");
    moe_sweep_frontier(rows, 4, &sheet);
    ok(moe_sheet_find(&sheet, "frontier_active_N")->missing != NULL, "two cells are no frontier");
    moe_sheet_clear(&sheet);
}

/* A grid whose gap follows c1 N_act + c2 (N_used - N_act), with noise as least squares on partitions has it. */
static int grid(struct moe_sweep_row *rows, double c1, double c2, int seeds, int most_experts, int widths,
                uint64_t trial)
{
    struct moe_random random = random_of(1000 + trial);
    int made = 0;
    for (int seed = 0; seed < seeds; seed++)
        for (int64_t n = 8192; n <= 32768; n *= 2)
            for (int width = 1; width <= widths; width *= 2)
                for (int top_k = 1; top_k <= widths; top_k *= 2)
                    for (int experts = 2; experts <= most_experts; experts *= 2) {
                        struct moe_sweep_row row = row_of(made, n, experts, top_k, width, seed);
                        const double used = (double)(experts * row.per_expert), active = (double)row.active;
                        const double mean = c1 * active + c2 * (used - active);
                        row.gap_cv = (mean + sqrt(8 * used) * moe_random_normal(&random)) * row.noise / (double)n;
                        rows[made++] = row;
                    }
    return made;
}

static enum moe_verdict verdict_of(const struct moe_sweep_row *rows, int count, struct moe_sheet *sheet)
{
    moe_sheet_clear(sheet);
    moe_sheet_init(sheet, "gap");
    return moe_sweep_gap(rows, count, sheet);
}

static void verdicts(void)
{
    static struct moe_sweep_row rows[4096];
    struct moe_sheet sheet;
    moe_sheet_init(&sheet, "gap");
    int count = grid(rows, 2, 2, 3, 8, 2, 0);
    is_int(verdict_of(rows, count, &sheet), MOE_ACTIVE_REJECTED, "a gap of all used parameters rejects H_act");
    is_str(moe_sheet_find(&sheet, "gap_ratio")->note, "H_act rejected", "and says so");
    is_close(value_of(&sheet, "gap_ratio"), 1, 0.15, "the ratio is 1");
    ok(moe_sheet_find(&sheet, "gap_c3")->missing != NULL, "frozen routers have no routing term");
    count = grid(rows, 2, 0, 3, 8, 2, 1);
    is_int(verdict_of(rows, count, &sheet), MOE_TOTAL_REJECTED, "a gap of active parameters rejects H_tot");
    is_str(moe_sheet_find(&sheet, "gap_ratio")->note, "H_tot rejected", "and says so");
    count = grid(rows, 2, 1, 5, 8, 2, 2);
    is_int(verdict_of(rows, count, &sheet), MOE_BOTH_REJECTED, "half way both are rejected");
    count = grid(rows, 2, 2, 3, 4, 2, 3);
    is_int(verdict_of(rows, count, &sheet), MOE_INCONCLUSIVE, "with at most four times the active parameters");
    ok(strstr(moe_sheet_find(&sheet, "gap_ratio")->note, "H_act is not judged") != NULL, "H_act is not judged");
    count = grid(rows, 2, 2, 3, 8, 1, 4);
    is_int(verdict_of(rows, count, &sheet), MOE_INCONCLUSIVE, "K and F that do not vary");
    ok(strstr(moe_sheet_find(&sheet, "gap_ratio")->note, "not identifiable") != NULL, "leave c1 unidentifiable");
    count = grid(rows, 2, 2, 1, 8, 2, 5);
    is_int(verdict_of(rows, count, &sheet), MOE_INCONCLUSIVE, "one seed decides nothing");
    count = grid(rows, 0, 0, 3, 8, 2, 6);
    is_int(verdict_of(rows, count, &sheet), MOE_INCONCLUSIVE, "without a gap there is no ratio");
    ok(moe_sheet_find(&sheet, "gap_ratio")->missing != NULL, "and none is printed");
    for (int i = 0; i < count; i++)
        rows[i].n = 100;
    is_int(verdict_of(rows, count, &sheet), MOE_INCONCLUSIVE, "too few samples for the experts");
    is_close(value_of(&sheet, "gap_runs_left_out"), count, 0, "leaves all runs out");
    is_int(verdict_of(rows, 0, &sheet), MOE_INCONCLUSIVE, "no runs at all");
    moe_sheet_clear(&sheet);
}

/* The routing term is told from the parameters where the tokens vary, and the bootstrap interval holds. */
static void routing_and_coverage(void)
{
    static struct moe_sweep_row rows[4096];
    struct moe_sheet sheet;
    moe_sheet_init(&sheet, "gap");
    int count = grid(rows, 2, 2, 3, 8, 2, 7), held = 0;
    for (int i = 0; i < count; i++) {
        struct moe_sweep_row *row = &rows[i];
        row->learned = i % 3 > 0;
        row->tokens = 8 << 3 * (i % 3);
        const double term = row->tokens * row->top_k * (1 + log((double)row->experts / row->top_k));
        row->gap_cv += row->learned * 0.5 * term * row->noise / (double)row->n;
    }
    is_int(verdict_of(rows, count, &sheet), MOE_ACTIVE_REJECTED, "a routing term beside the parameters");
    is_close(value_of(&sheet, "gap_c3"), 0.5, 0.1, "is found");
    for (int trial = 0; trial < 50; trial++) {
        count = grid(rows, 2, 1.4, 5, 8, 2, 100 + (uint64_t)trial);
        verdict_of(rows, count, &sheet);
        held += inside(&sheet, "gap_ratio", 0.7);
    }
    ok(held >= 44, "95 %% intervals of the ratio from five seeds hold in %d of 50", held);
    moe_sheet_clear(&sheet);
}

static void table(void)
{
    struct moe_sheet sheet;
    struct moe_sweep_row row = row_of(0, 512, 8, 2, 4, 3);
    row.test_error = 0.25;
    moe_sheet_init(&sheet, "run");
    moe_sweep_sheet(&row, &sheet);
    is_close(value_of(&sheet, "test_error"), 0.25, 0, "a row has its error");
    is_close(value_of(&sheet, "model_seed"), 3, 0, "and its seed");
    ok(moe_sheet_find(&sheet, "path_entropy")->missing != NULL, "what is not known is missing");
    moe_sheet_clear(&sheet);
}

int main(void)
{
    lines();
    linear();
    coverage();
    scaling();
    frontier();
    verdicts();
    routing_and_coverage();
    table();
    return tap_done();
}
