/* A frequency of frequencies as estimators take it: f_j patterns seen j times, with the sums that most formulas need.
 *
 * The same view serves incidence: j is then the number of sampling units that hold a pattern, and n their number. */
#ifndef MOE_FOF_H
#define MOE_FOF_H

#include <stdint.h>

#include "analysis/counts.h"
#include "src/status.h"

/* Products of three counts stay below 2^126. */
#define MOE_FOF_LIMIT ((int64_t)1 << 42)

struct moe_fof {
    const int64_t *row; /* [rows, 2]: j, f_j; borrowed */
    int64_t rows;
    int64_t n;                 /* sampling units: samples, or sequences for incidence */
    int64_t total;             /* sum of j f_j; n unless this is incidence */
    int64_t patterns;          /* S = sum of f_j */
    int64_t f[5];              /* f_1 .. f_4; f[0] is 0 */
    int64_t max;               /* largest j */
    unsigned __int128 pairs;   /* sum of f_j j (j - 1) */
    unsigned __int128 triples; /* sum of f_j j (j - 1) (j - 2) */
    unsigned __int128 squares; /* sum of f_j j^2 */
};

/* A view of table [rows, 2]; units is the number of sampling units of incidence, 0 for counts of samples. The rows must
 * be sorted by rising j, both columns positive, no j beyond the units, and the sum of j f_j at most 2^42.
 *
 * Ranks:  local
 * Errors: MOE_INPUT the table breaks one of these rules; err names the row
 */
enum moe_status moe_fof_view(struct moe_fof *fof, const struct moe_rows *table, int64_t units, struct moe_error *err);

/* Checks all that estimators rely on: the tables of counts are views as above and agree with `samples`, `sequences`
 * and the number of patterns.
 *
 * Ranks:  local
 * Errors: MOE_INPUT tables that cannot be, or that contradict each other
 */
enum moe_status moe_counts_check(const struct moe_counts *counts, struct moe_error *err);

/* The rows of a by-group table [rows, 3] (first column: group, rising) that belong to a group, as a view of the other
 * two columns, copied to *copy, from moe_pool_new.
 *
 * Ranks:  local
 * Errors: ends the job where the rows are no view: moe_counts_check comes first
 */
struct moe_fof moe_fof_of_group(const struct moe_rows *table, int group, int64_t **copy);

#endif
