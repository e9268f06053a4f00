/* The regressions of sweeps made to measure, by all ranks together: coefficients, verdicts, intervals. */
#include <mpi.h>

#include "analysis/grid.h"
#include "src/pool.h"
#include "tests/sweeps.h"

static struct moe_comm comm;
static struct moe_grid grid;

/* A grid whose gap follows c1 N_act + c2 (N_used - N_act), with noise as least squares on partitions has it. */
static int gap_rows(struct moe_sweep_row *rows, double c1, double c2, int seeds, int most_experts, int widths,
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

/* What rank 0's sheet says, on all ranks. */
static double value_at_root(const struct moe_sheet *sheet, const char *name)
{
    double value = value_of(sheet, name);
    moe_comm_broadcast(&comm, &value, sizeof value);
    return value;
}

static int is_missing(const struct moe_sheet *sheet, const char *name)
{
    const struct moe_figure *figure = moe_sheet_find(sheet, name);
    return comm.rank > 0 || (figure && figure->missing);
}

static int notes(const struct moe_sheet *sheet, const char *name, const char *text)
{
    const struct moe_figure *figure = moe_sheet_find(sheet, name);
    return comm.rank > 0 || (figure && figure->note && strstr(figure->note, text));
}

/* Rank 0's verdict, and its sheet, on all ranks: others are given no rows. */
static enum moe_verdict verdict_of(const struct moe_sweep_row *rows, int count, struct moe_sheet *sheet)
{
    enum moe_verdict verdict;
    struct moe_error err = {0};
    const int root = comm.rank == 0;
    moe_sheet_clear(sheet);
    moe_sheet_init(sheet, "gap");
    if (moe_sweep_gap(&grid, root ? rows : NULL, root ? count : 0, sheet, &verdict, &err))
        bail("%s", err.text);
    moe_comm_broadcast(&comm, &verdict, sizeof verdict);
    return verdict;
}

static void verdicts(void)
{
    static struct moe_sweep_row rows[4096];
    struct moe_sheet sheet;
    moe_sheet_init(&sheet, "gap");
    int count = gap_rows(rows, 2, 2, 3, 8, 2, 0);
    is_int(verdict_of(rows, count, &sheet), MOE_ACTIVE_REJECTED, "a gap of all used parameters rejects H_act");
    ok(notes(&sheet, "gap_ratio", "H_act rejected"), "and says so");
    is_close(value_at_root(&sheet, "gap_ratio"), 1, 0.15, "the ratio is 1");
    ok(is_missing(&sheet, "gap_c3"), "frozen routers have no routing term");
    ok(value_at_root(&sheet, "gap_residual") < 1e-12, "the residual of the fit is on the sheet");
    count = gap_rows(rows, 2, 0, 3, 8, 2, 1);
    is_int(verdict_of(rows, count, &sheet), MOE_TOTAL_REJECTED, "a gap of active parameters rejects H_tot");
    ok(notes(&sheet, "gap_ratio", "H_tot rejected"), "and says so");
    count = gap_rows(rows, 2, 1, 5, 8, 2, 2);
    is_int(verdict_of(rows, count, &sheet), MOE_BOTH_REJECTED, "half way both are rejected");
    count = gap_rows(rows, 2, 2, 3, 4, 2, 3);
    is_int(verdict_of(rows, count, &sheet), MOE_INCONCLUSIVE, "with at most four times the active parameters");
    ok(notes(&sheet, "gap_ratio", "H_act is not judged"), "H_act is not judged");
    count = gap_rows(rows, 2, 2, 3, 8, 1, 4);
    is_int(verdict_of(rows, count, &sheet), MOE_INCONCLUSIVE, "K and F that do not vary");
    ok(notes(&sheet, "gap_ratio", "not identifiable"), "leave c1 unidentifiable");
    count = gap_rows(rows, 2, 2, 1, 8, 2, 5);
    is_int(verdict_of(rows, count, &sheet), MOE_INCONCLUSIVE, "one seed decides nothing");
    count = gap_rows(rows, 0, 0, 3, 8, 2, 6);
    is_int(verdict_of(rows, count, &sheet), MOE_INCONCLUSIVE, "without a gap there is no ratio");
    ok(is_missing(&sheet, "gap_ratio"), "and none is printed");
    for (int i = 0; i < count; i++)
        rows[i].n = 100;
    is_int(verdict_of(rows, count, &sheet), MOE_INCONCLUSIVE, "too few samples for the experts");
    is_close(value_at_root(&sheet, "gap_runs_left_out"), count, 0, "leaves all runs out");
    is_int(verdict_of(rows, 0, &sheet), MOE_INCONCLUSIVE, "no runs at all");
    moe_sheet_clear(&sheet);
}

/* The routing term is told from the parameters where the tokens vary, and the bootstrap interval holds. */
static void routing_and_coverage(void)
{
    static struct moe_sweep_row rows[4096];
    struct moe_sheet sheet;
    moe_sheet_init(&sheet, "gap");
    int count = gap_rows(rows, 2, 2, 3, 8, 2, 7), held = 0;
    for (int i = 0; i < count; i++) {
        struct moe_sweep_row *row = &rows[i];
        row->learned = i % 3 > 0;
        row->tokens = 8 << 3 * (i % 3);
        const double term = row->tokens * row->top_k * (1 + log((double)row->experts / row->top_k));
        row->gap_cv += row->learned * 0.5 * term * row->noise / (double)row->n;
    }
    is_int(verdict_of(rows, count, &sheet), MOE_ACTIVE_REJECTED, "a routing term beside the parameters");
    is_close(value_at_root(&sheet, "gap_c3"), 0.5, 0.1, "is found");
    for (int trial = 0; trial < 50; trial++) {
        count = gap_rows(rows, 2, 1.4, 5, 8, 2, 100 + (uint64_t)trial);
        verdict_of(rows, count, &sheet);
        held += comm.rank > 0 || inside(&sheet, "gap_ratio", 0.7);
    }
    ok(held >= 44, "95 %% intervals of the ratio from five seeds hold in %d of 50", held);
    moe_sheet_clear(&sheet);
}

/* error = 2 n^-0.4 N_active^-0.7 N_total^0.2 times noise. */
static int error_rows(struct moe_sweep_row *rows, double noise, uint64_t trial)
{
    struct moe_random random = random_of(5000 + trial);
    int made = 0;
    for (int64_t n = 1024; n <= 8192; n *= 2)
        for (int experts = 2; experts <= 16; experts *= 2)
            for (int top_k = 1; top_k <= 2; top_k++) {
                rows[made] = row_of(made, n, experts, top_k, 4, 0);
                rows[made].test_error = 2 * pow((double)n, -0.4) * pow((double)rows[made].active, -0.7) *
                                        pow((double)rows[made].total, 0.2) * exp(noise * moe_random_normal(&random));
                made++;
            }
    return made;
}

static void regress(const struct moe_sweep_row *rows, int count, struct moe_sheet *sheet)
{
    struct moe_error err = {0};
    const int root = comm.rank == 0;
    moe_sheet_clear(sheet);
    moe_sheet_init(sheet, "regression");
    if (moe_sweep_regression(&grid, root ? rows : NULL, root ? count : 0, sheet, &err))
        bail("%s", err.text);
}

static void regression(void)
{
    static struct moe_sweep_row rows[64];
    struct moe_sheet sheet;
    moe_sheet_init(&sheet, "regression");
    int count = error_rows(rows, 0, 0), held = 0;
    rows[3].test_error = NAN;
    regress(rows, count, &sheet);
    is_close(value_at_root(&sheet, "regression_n"), -0.4, 1e-12, "slope in ln n");
    is_close(value_at_root(&sheet, "regression_N_active"), -0.7, 1e-11, "in ln N_active");
    is_close(value_at_root(&sheet, "regression_N_total"), 0.2, 1e-11, "in ln N_total");
    is_close(value_at_root(&sheet, "regression_intercept"), log(2), 1e-10, "intercept");
    is_close(value_at_root(&sheet, "regression_runs"), count - 1, 0, "a run without an error is left out");
    ok(value_at_root(&sheet, "regression_residual") < 1e-12, "the residual is on the sheet");
    for (int trial = 0; trial < 200; trial++) {
        count = error_rows(rows, 0.1, 1 + (uint64_t)trial);
        regress(rows, count, &sheet);
        held += comm.rank > 0 || inside(&sheet, "regression_N_active", -0.7);
    }
    ok(held >= 180 && (held <= 198 || comm.rank > 0), "95 %% intervals of a slope hold in %d of 200", held);
    for (int i = 0; i < count; i++)
        rows[i].total = rows[i].active;
    regress(rows, count, &sheet);
    ok(is_missing(&sheet, "regression_n"), "where all parameters are active ones nothing tells them apart");
    for (int i = 0; i < count; i++)
        rows[i].total = rows[i].active = 100;
    regress(rows, count, &sheet);
    ok(is_missing(&sheet, "regression_N_total") && !isnan(value_at_root(&sheet, "regression_n")),
       "what does not vary has no slope, the rest has");
    regress(rows, 2, &sheet);
    ok(is_missing(&sheet, "regression_n"), "two runs tell nothing");
    regress(rows, 0, &sheet);
    ok(is_missing(&sheet, "regression_intercept"), "no runs neither");
    moe_sheet_clear(&sheet);
}

int main(int count, char **argument)
{
    int rows, cols;
    moe_comm_start(&comm, &count, &argument);
    moe_grid_shape(comm.ranks, &rows, &cols);
    moe_grid_open(&grid, &comm, rows, cols, MOE_GRID_BLOCK);
    verdicts();
    routing_and_coverage();
    regression();
    moe_grid_close(&grid);
    is_int((long long)moe_pool_bytes(MOE_POOL_ANALYSIS), 0, "no memory is kept");
    int failed = tap_done();
    moe_comm_end(&comm);
    return failed;
}
