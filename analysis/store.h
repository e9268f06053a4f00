/* What an analysis leaves in the file it was made from. */
#ifndef MOE_STORE_H
#define MOE_STORE_H

#include "analysis/print.h"
#include "src/status.h"

/* Writes /analysis of the results file report->name, replacing an older one whole or not at all: by sheet a group with
 * datasets by figure: figure (names), value, low, high, level, grade, formula, unit, missing, suppressed, note.
 *
 * Ranks:  local; rank 0
 * Errors: as moe_append_open; the file is as it was
 */
enum moe_status moe_store_report(const struct moe_report_file *report, struct moe_error *err);

#endif
