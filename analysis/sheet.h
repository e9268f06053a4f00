/* What an analysis says, one figure after the other: the one form that the table, JSON, CSV and /analysis are made
 * from. */
#ifndef MOE_SHEET_H
#define MOE_SHEET_H

/* Grades, as printed. */
#define MOE_COUNT "COUNT"
#define MOE_MEASURED "MEASURED"
#define MOE_STATED "STATED"
#define MOE_DERIVED "DERIVED"
#define MOE_CERTIFIED "CERTIFIED"
#define MOE_NOT_CERTIFIED "NOT CERTIFIED"
#define MOE_ESTIMATE "ESTIMATE"
#define MOE_MODEL "MODEL"
#define MOE_DIAGNOSTIC "DIAGNOSTIC"
#define MOE_VACUOUS "VACUOUS"

/* One figure. Texts are static, or live as long as the sheet where moe_sheet_text made them. */
struct moe_figure {
    char name[64];          /* as in the JSON; unique in its sheet */
    double value;           /* NAN where missing */
    double low, high;       /* interval; NAN without one */
    double level;           /* of the interval, such as 0.95; NAN without one */
    const char *grade;      /* one of the grades above */
    const char *formula;    /* name and source, such as "Chao, Wang and Jost 2013" */
    const char *unit;       /* "nats", "patterns", ...; null for a pure number */
    const char *missing;    /* why there is no value; null where there is one */
    const char *suppressed; /* why the table hides it (it stays in the JSON); null where shown */
    const char *note;       /* assumptions or inputs, in a few words; may be null */
    int in_table;           /* 1: belongs into the table for people */
};

/* The figures of one scope, or of one topic. */
struct moe_sheet {
    char title[256];        /* scope path or topic, such as "sequence" or "bounds"; or a file */
    int count, capacity;
    struct moe_figure *figure; /* [count]; owned */
    int text_count;
    char **text;            /* owned */
};

/* An empty sheet; moe_sheet_clear gives back what it holds.
 *
 * Ranks:  local
 * Errors: never returns without memory
 */
void moe_sheet_init(struct moe_sheet *sheet, const char *title);
void moe_sheet_clear(struct moe_sheet *sheet);

/* Adds a figure without interval and returns it, so that the caller can set the rest. The pointer holds until the next
 * figure is added. A value that is not finite becomes NAN with `missing` = "not finite".
 *
 * Ranks:  local
 * Errors: never returns without memory
 */
struct moe_figure *moe_sheet_add(struct moe_sheet *sheet, const char *name, double value, const char *grade,
                                 const char *formula);

/* Adds a figure that has no value, with the reason.
 *
 * Ranks:  local
 * Errors: never returns without memory
 */
struct moe_figure *moe_sheet_missing(struct moe_sheet *sheet, const char *name, const char *reason, const char *grade,
                                     const char *formula);

/* Sets the interval of a figure.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_figure_interval(struct moe_figure *figure, double low, double high, double level);

/* Formats a text that lives as long as the sheet.
 *
 * Ranks:  local
 * Errors: never returns without memory
 */
const char *moe_sheet_text(struct moe_sheet *sheet, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The figure of that name, or null.
 *
 * Ranks:  local
 * Errors: never fails
 */
const struct moe_figure *moe_sheet_find(const struct moe_sheet *sheet, const char *name);

#endif
