/* The one table of options: what every setting is called, where it lives in struct moe_run, what it may be and what it
 * means. Parsing, printing, checking of single values and the help all come from it. */
#ifndef MOE_OPTIONS_H
#define MOE_OPTIONS_H

#include <stddef.h>

#include "src/config.h"
#include "src/status.h"

enum moe_kind {
    MOE_KIND_INT,    /* int */
    MOE_KIND_LONG,   /* int64_t */
    MOE_KIND_SEED,   /* uint64_t, all of it */
    MOE_KIND_REAL,   /* double */
    MOE_KIND_CHOICE, /* int, index into choices */
    MOE_KIND_TEXT,   /* char [MOE_PATH_MAX]; low and high are lengths in bytes */
    MOE_KIND_LAW     /* char [MOE_WORD_MAX], "uniform" or "zipf:S" */
};

enum {
    MOE_ABOVE = 1,        /* the low end itself is not allowed */
    MOE_POWER_OF_TWO = 2,
    MOE_ENDLESS = 4       /* the word `endless` is allowed and stored as 0 */
};

struct moe_option {
    const char *key;      /* section.name */
    enum moe_kind kind;
    size_t offset;        /* into struct moe_run */
    const char *initial;  /* the default, as it would be typed */
    const char *choices;  /* "first|second|..." in the order of the enum; else null */
    double low, high;     /* range, both ends allowed; unused for seeds, choices and laws */
    int rules;            /* of MOE_ABOVE, MOE_POWER_OF_TWO, MOE_ENDLESS */
    int record;           /* 1: decides bits, part of the stored config */
    const char *unit;     /* "" without */
    const char *help;     /* one line */
};

/* Enough for the text of any value. */
enum { MOE_VALUE_MAX = MOE_PATH_MAX };

/* The table, in the order of printing: keys of a section stand together. Returns the number of options. Static storage.
 *
 * Ranks:  local
 * Errors: never fails
 */
int moe_options(const struct moe_option **table);

/* The option called key, or null.
 *
 * Ranks:  local
 * Errors: never fails
 */
const struct moe_option *moe_option_find(const char *key);

/* The option whose key is nearest to a misspelt one, by edit distance; the name weighs twice as much as the section,
 * and a key without a dot is compared with names as well.
 *
 * Ranks:  local
 * Errors: never fails
 */
const struct moe_option *moe_option_nearest(const char *key);

/* Writes `value` into the option's place in run.
 *
 * Ranks:  local
 * Errors: MOE_USAGE with the key, the value and what is allowed, run untouched
 */
enum moe_status moe_option_set(const struct moe_option *option, struct moe_run *run, const char *value,
                               struct moe_error *err);

/* The option's value in run as the shortest text that moe_option_set reads back to the same value.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_option_get(const struct moe_option *option, const struct moe_run *run, char text[MOE_VALUE_MAX]);

/* What the option may be, such as "whole number, 1 to 32767" or "learned, frozen, planted".
 *
 * Ranks:  local
 * Errors: never fails; longer texts are cut
 */
void moe_option_allowed(const struct moe_option *option, char *text, size_t size);

/* The exponent S of the law "zipf:S", 0 for "uniform", -1 for anything else.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_law_exponent(const char *law);

/* Copies text for use in an error message: control characters become '?', and what does not fit is cut and ends in
 * "...". size > 3.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_visible(char *out, size_t size, const char *text);

#endif
