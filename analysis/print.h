/* The three forms in which an analysis leaves the program. */
#ifndef MOE_PRINT_H
#define MOE_PRINT_H

#include <stdio.h>

#include "analysis/sheet.h"
#include "src/config.h"

/* All sheets of one file. */
struct moe_report_file {
    char name[MOE_PATH_MAX];  /* file, or "sweep of N files" */
    int count, capacity;
    int rows;                 /* the first sheets that are rows of one table: figures of the same names in all */
    struct moe_sheet *sheet;  /* [count]; owned */
};

/* Adds an empty sheet and returns it; the pointer holds until the next one is added.
 *
 * Ranks:  local
 * Errors: never returns without memory
 */
struct moe_sheet *moe_report_sheet(struct moe_report_file *file, const char *title);
void moe_report_clear(struct moe_report_file *file);

/* For people: aligned, with interval, unit and grade; figures of the table only. A missing or suppressed one says why.
 * Rows become one table with a line each.
 *
 * Ranks:  local
 * Errors: never fails; look at ferror(out)
 */
void moe_print_table(const struct moe_report_file *file, FILE *out);

/* One JSON object: {"file": name, "sheets": {title: {figure: {"value": ..., "grade": ..., ...}}}}. A figure without
 * value is null and says why in "missing". With rows: {"file": ..., "rows": [{"file": name, "figures": {...}}, ...],
 * "sheets": ...}.
 *
 * Ranks:  local
 * Errors: never fails; look at ferror(out)
 */
void moe_print_json(const struct moe_report_file *file, FILE *out);

/* Lines file,sheet,name,value,low,high,level,unit,grade,formula,missing,suppressed,note; the head once.
 *
 * Ranks:  local
 * Errors: never fails; look at ferror(out)
 */
void moe_print_csv(const struct moe_report_file *file, FILE *out, int with_head);

#endif
