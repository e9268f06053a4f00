/* Other people's counts as plain text: lines of two numbers, `#` starts a comment. */
#ifndef MOE_COUNTS_TEXT_H
#define MOE_COUNTS_TEXT_H

#include "analysis/counts.h"
#include "src/status.h"

enum moe_counts_format {
    MOE_TEXT_FOF,       /* count, number of patterns seen that often */
    MOE_TEXT_INCIDENCE, /* first line: number of sampling units; then units, number of patterns in that many */
    MOE_TEXT_COUNTS     /* pattern (any word), count; a header line is skipped */
};

/* Reads a file; numbers of a line are parted by blanks or a comma, lines come in any order, equal counts add up.
 * ln_worst is taken over (NAN unknown). moe_counts_clear gives back what counts holds.
 *
 * Ranks:  local
 * Errors: MOE_INPUT unreadable, empty, a negative or fractional count, a sum beyond 2^63, incidence above the number of
 *         units; each with its line
 */
enum moe_status moe_counts_text(struct moe_counts *counts, const char *path, enum moe_counts_format format,
                                double ln_worst, struct moe_error *err);

#endif
