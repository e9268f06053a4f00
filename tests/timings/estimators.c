/* Prints the seconds that all estimators take on one table, and those of its bootstrap alone: 1e6 distinct counts,
 * about 1e12 samples. */
#include <math.h>
#include <stdio.h>

#include "analysis/bootstrap.h"
#include "analysis/estimate.h"
#include "analysis/fof.h"
#include "src/clock.h"
#include "src/pool.h"

enum { ROWS = 1000000 };

int main(void)
{
    struct moe_counts counts = {.ln_worst = 100,
                                .independent = 1,
                                .one_sequence = -1,
                                .pairs_within = NAN,
                                .sum_squared_lengths = NAN,
                                .fof = {.rows = ROWS, .width = 2}};
    struct moe_sheet sheet;
    struct moe_fof fof;
    struct moe_error err = {0};
    counts.fof.value = moe_pool_new(MOE_POOL_FILES, 2 * ROWS, sizeof *counts.fof.value);
    for (int64_t j = 1; j <= ROWS; j++) {
        counts.fof.value[2 * j - 2] = j;
        counts.fof.value[2 * j - 1] = j < 100 ? 30000000 / (j * j) : 1 + j % 3;
        counts.samples += j * counts.fof.value[2 * j - 1];
    }
    counts.sequences = counts.samples;
    const double start = moe_clock();
    if (moe_counts_check(&counts, &err) || moe_fof_view(&fof, &counts.fof, 0, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    moe_sheet_init(&sheet, "all");
    moe_estimate(&sheet, &counts, &(struct moe_estimate_options){.eta = 0.05});
    const double middle = moe_clock();
    moe_sheet_clear(&sheet);
    moe_sheet_init(&sheet, "bootstrap");
    moe_add_bootstrap(&sheet, &fof);
    const double end = moe_clock();
    printf("%.3g samples, all %.3f s, bootstrap %.3f s\n", (double)counts.samples, middle - start, end - middle);
    const int slow = middle - start > 2 || end - middle > 1;
    moe_sheet_clear(&sheet);
    moe_pool_free(counts.fof.value);
    return slow;
}
