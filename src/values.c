#include "src/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void moe_visible(char *out, size_t size, const char *text)
{
    size_t length = strlen(text), kept = length < size ? length : size - 4;
    for (size_t i = 0; i < kept; i++)
        out[i] = iscntrl((unsigned char)text[i]) ? '?' : text[i];
    strcpy(out + kept, kept < length ? "..." : "");
}

/* The shortest text that reads back as value. */
static void write_real(double value, char text[32])
{
    snprintf(text, 32, "%.17g", value);
    for (int digits = 16; digits > 0; digits--) {
        char candidate[32];
        snprintf(candidate, sizeof candidate, "%.*g", digits, value);
        if (strlen(candidate) < strlen(text) && strtod(candidate, NULL) == value)
            strcpy(text, candidate);
    }
}

/* Decimal numbers only: strtod would also take blanks, hexadecimal, nan and inf. */
static int read_real(const char *text, double *value)
{
    char *end;
    if (!text[0] || text[strspn(text, "0123456789+-.eE")])
        return 0;
    errno = 0;
    *value = strtod(text, &end) + 0.0; /* makes -0 a 0 */
    return !errno && !*end;
}

/* Digits, or a form such as 1e8 as long as it is exact in double. */
static int read_whole(const char *text, uint64_t *value)
{
    char *end;
    double real;
    if (!isdigit((unsigned char)text[0]))
        return 0;
    errno = 0;
    *value = strtoull(text, &end, 10);
    if (!*end)
        return !errno;
    if (!read_real(text, &real) || real > 9007199254740992.0)
        return 0;
    *value = (uint64_t)real;
    return (double)*value == real;
}

static int read_choice(const char *choices, const char *text)
{
    size_t length = strlen(text);
    for (int index = 0; *choices; index++) {
        size_t width = strcspn(choices, "|");
        if (width == length && !strncmp(choices, text, width))
            return index;
        choices += width + (choices[width] == '|');
    }
    return -1;
}

static int in_range(const struct moe_option *option, double value)
{
    return (option->rules & MOE_ABOVE ? value > option->low : value >= option->low) && value <= option->high;
}

static int whole_is_allowed(const struct moe_option *option, uint64_t value)
{
    if (option->rules & MOE_POWER_OF_TWO && value & (value - 1))
        return 0;
    return in_range(option, (double)value);
}

/* What an INI line can carry: no control characters, no blanks at the ends, nothing that starts a comment. */
static int text_is_allowed(const struct moe_option *option, const char *text)
{
    size_t length = strlen(text);
    if (!in_range(option, (double)length))
        return 0;
    if (length > 0 && (text[0] == ' ' || text[length - 1] == ' '))
        return 0;
    for (size_t i = 0; i < length; i++) {
        if (iscntrl((unsigned char)text[i]))
            return 0;
        if ((text[i] == ';' || text[i] == '#') && (i == 0 || text[i - 1] == ' '))
            return 0;
    }
    return 1;
}

static void put_text(char *place, size_t size, const char *text)
{
    memset(place, 0, size);
    memcpy(place, text, strlen(text));
}

double moe_law_exponent(const char *law)
{
    double exponent;
    if (!strcmp(law, "uniform"))
        return 0;
    return !strncmp(law, "zipf:", 5) && read_real(law + 5, &exponent) && exponent > 0 ? exponent : -1;
}

/* Stored in one spelling, so that equal laws are equal texts. */
static int put_law(const struct moe_option *option, char *place, const char *text)
{
    char law[MOE_WORD_MAX] = "uniform", number[32];
    double exponent = moe_law_exponent(text);
    if (exponent != 0) {
        if (!in_range(option, exponent))
            return 0;
        write_real(exponent, number);
        snprintf(law, sizeof law, "zipf:%s", number);
    }
    put_text(place, MOE_WORD_MAX, law);
    return 1;
}

/* Reads value and stores it when it is allowed; says whether it was. */
static int put(const struct moe_option *option, void *place, const char *value)
{
    uint64_t whole = 0;
    double real;
    int choice;
    switch (option->kind) {
    case MOE_KIND_INT:
        if (!read_whole(value, &whole) || !whole_is_allowed(option, whole))
            return 0;
        *(int *)place = (int)whole;
        return 1;
    case MOE_KIND_LONG:
        if (!(option->rules & MOE_ENDLESS && !strcmp(value, "endless")) &&
            (!read_whole(value, &whole) || !whole_is_allowed(option, whole)))
            return 0;
        *(int64_t *)place = (int64_t)whole;
        return 1;
    case MOE_KIND_SEED:
        if (!read_whole(value, &whole))
            return 0;
        *(uint64_t *)place = whole;
        return 1;
    case MOE_KIND_REAL:
        if (!read_real(value, &real) || !in_range(option, real))
            return 0;
        *(double *)place = real;
        return 1;
    case MOE_KIND_CHOICE:
        choice = read_choice(option->choices, value);
        if (choice < 0)
            return 0;
        *(int *)place = choice;
        return 1;
    case MOE_KIND_TEXT:
        if (!text_is_allowed(option, value))
            return 0;
        put_text(place, MOE_PATH_MAX, value);
        return 1;
    case MOE_KIND_LAW:
        return put_law(option, place, value);
    }
    return 0;
}

enum moe_status moe_option_set(const struct moe_option *option, struct moe_run *run, const char *value,
                               struct moe_error *err)
{
    char shown[80], allowed[256];
    if (put(option, (char *)run + option->offset, value))
        return MOE_OK;
    moe_visible(shown, sizeof shown, value);
    moe_option_allowed(option, allowed, sizeof allowed);
    return moe_fail(err, MOE_USAGE, "%s=%s is not allowed (allowed: %s)", option->key, shown, allowed);
}

void moe_option_get(const struct moe_option *option, const struct moe_run *run, char text[MOE_VALUE_MAX])
{
    const void *place = (const char *)run + option->offset;
    const char *choice = option->choices;
    switch (option->kind) {
    case MOE_KIND_INT:
        snprintf(text, MOE_VALUE_MAX, "%d", *(const int *)place);
        break;
    case MOE_KIND_LONG:
        if (option->rules & MOE_ENDLESS && *(const int64_t *)place == 0)
            strcpy(text, "endless");
        else
            snprintf(text, MOE_VALUE_MAX, "%lld", (long long)*(const int64_t *)place);
        break;
    case MOE_KIND_SEED:
        snprintf(text, MOE_VALUE_MAX, "%llu", (unsigned long long)*(const uint64_t *)place);
        break;
    case MOE_KIND_REAL:
        write_real(*(const double *)place, text);
        break;
    case MOE_KIND_CHOICE:
        for (int i = *(const int *)place; i > 0; i--)
            choice += strcspn(choice, "|") + 1;
        snprintf(text, MOE_VALUE_MAX, "%.*s", (int)strcspn(choice, "|"), choice);
        break;
    case MOE_KIND_TEXT:
    case MOE_KIND_LAW:
        strcpy(text, place);
        break;
    }
}

void moe_option_allowed(const struct moe_option *option, char *text, size_t size)
{
    char low[32], high[32];
    const char *kind = option->rules & MOE_POWER_OF_TWO ? "power of two" : "whole number";
    const char *gap = option->unit[0] ? " " : "";
    size_t used = 0;
    write_real(option->low, low);
    write_real(option->high, high);
    switch (option->kind) {
    case MOE_KIND_INT:
    case MOE_KIND_LONG:
        snprintf(text, size, "%s, %s to %s%s%s%s", kind, low, high, gap, option->unit,
                 option->rules & MOE_ENDLESS ? ", or endless" : "");
        break;
    case MOE_KIND_SEED:
        snprintf(text, size, "whole number, 0 to %llu", (unsigned long long)UINT64_MAX);
        break;
    case MOE_KIND_REAL:
        snprintf(text, size, option->rules & MOE_ABOVE ? "number above %s, up to %s%s%s" : "number, %s to %s%s%s", low,
                 high, gap, option->unit);
        break;
    case MOE_KIND_CHOICE:
        for (const char *c = option->choices; *c && used + 3 < size; c++) {
            text[used++] = *c == '|' ? ',' : *c;
            if (*c == '|')
                text[used++] = ' ';
        }
        text[used] = 0;
        break;
    case MOE_KIND_TEXT:
        snprintf(text, size, "text, %s to %s bytes", low, high);
        break;
    case MOE_KIND_LAW:
        snprintf(text, size, "uniform, zipf:S with S above %s, up to %s", low, high);
        break;
    }
}
