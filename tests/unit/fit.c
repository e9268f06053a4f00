/* Lines with known answers, coverage of their intervals, and exponents of sweeps made to measure. */
#include "analysis/fit.h"

#include "tests/sweeps.h"

enum { TRIALS = 2000 };

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
    count = power_law(rows, 3, 9, 0);
    moe_sheet_init(&sheet, "scaling");
    moe_sweep_scaling(rows, count, &sheet);
    ok(moe_sheet_find(&sheet, "alpha_N_active")->low < -1 &&
           moe_sheet_find(&sheet, "alpha_D_identity_active")->missing &&
           moe_sheet_find(&sheet, "identity_gap_active")->missing,
       "an interval over the pole of the identity has no image");
    moe_sheet_clear(&sheet);
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
    coverage();
    scaling();
    frontier();
    table();
    return tap_done();
}
