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

/* Writes a report with rows to the file `name`, of kind "sweep", replacing an older one whole or not at all:
 *   /sweep      the rows as a table by columns: `file` (names, the dimension) and one dataset a figure, NAN where a run
 *               does not have it, with attributes units (where there is one), grade and formula
 *   /analysis   all other sheets, as moe_store_report
 * `command` is the command line, for the record.
 *
 * Ranks:  local; rank 0
 * Errors: as moe_append_create; an older file is as it was
 */
enum moe_status moe_store_sweep(const struct moe_report_file *report, const char *name, const char *command,
                                struct moe_error *err);

#endif
