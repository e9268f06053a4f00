/* A sweep: rows of a table out of many results files. */
#ifndef MOE_SWEEP_FILE_H
#define MOE_SWEEP_FILE_H

#include "analysis/grid.h"
#include "analysis/print.h"
#include "src/status.h"

/* Adds a row a file, and after them these sheets: "sweep" with the fits over all (exponents, frontier, regressions of
 * error and gap); "source" (or "source-0" and so on where runs differ in that) with the dimension of the inputs; of two
 * files, "compare/SCOPE" for every scope that the last censuses of both have. The report is filled on rank 0.
 *
 * Ranks:  collective
 * Errors: MOE_INPUT a file is no results file, or damaged; the same on all ranks
 */
enum moe_status moe_sweep_files(struct moe_report_file *report, const char *const *file, int count,
                                const struct moe_grid *grid, struct moe_error *err);

#endif
