/* Reading the counts of a results file. */
#ifndef MOE_COUNTS_FILE_H
#define MOE_COUNTS_FILE_H

#include "analysis/counts.h"
#include "mpi/h5read.h"

/* Reads the tables of one scope, such as "sequence", of one snapshot, such as "step-00000600", and checks them against
 * each other: the rows of every table must add up to the samples. moe_counts_clear gives back what counts holds.
 *
 * Ranks:  local
 * Errors: MOE_INPUT a table is missing, negative or contradicts the others; counts is then empty
 */
enum moe_status moe_counts_read(struct moe_counts *counts, struct moe_reader *reader, const char *snapshot,
                                const char *scope, struct moe_error *err);
void moe_counts_clear(struct moe_counts *counts);

/* The scopes of a snapshot that have all tables, in the order of the file (expert, path, sequence, subset, window);
 * positions of a path have `fof` only and are left out. Names of 64 bytes each, from moe_pool_new.
 *
 * Ranks:  local
 * Errors: never fails; 0 where there is none
 */
int moe_counts_scopes(struct moe_reader *reader, const char *snapshot, char (**scopes)[64]);

/* The sum over token positions of the plug-in entropy of the path there, in nats; NAN where the file has none.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_path_entropies(struct moe_reader *reader, const char *snapshot);

/* Reads a whole table of int64, with as many columns as it has.
 *
 * Ranks:  local
 * Errors: MOE_INPUT missing or of another type
 */
enum moe_status moe_rows_read(struct moe_rows *rows, struct moe_reader *reader, const char *path,
                              struct moe_error *err);

#endif
