/* Two runs at equal coverage: the only fair comparison of samples of different sizes and completeness. */
#ifndef MOE_COMPARE_H
#define MOE_COMPARE_H

#include "analysis/counts.h"
#include "analysis/sheet.h"

/* Adds equal_coverage, and for run `first` and `second` equal_m_, equal_C_, equal_hill0_, equal_hill1_ and
 * equal_hill2_, then equal_ratio_hill0, 1 and 2 (second over first). The coverage is the smaller of the two at twice
 * their sizes; m is the least sample that reaches it.
 *
 * Ranks:  local
 * Errors: never fails; figures are missing where a run has fewer than 2 samples or nothing seen twice
 * Formula: Chao and Jost 2012
 */
void moe_compare(struct moe_sheet *sheet, const struct moe_counts *first, const struct moe_counts *second);

#endif
