#include <stdlib.h>
#include <string.h>

#include "src/config.h"
#include "src/options.h"
#include "src/pool.h"

enum which { ALL, OF_RECORD, OTHERS };

static size_t section_length(const char *key)
{
    return strcspn(key, ".");
}

static int same_section(const char *a, const char *b)
{
    size_t length = section_length(a);
    return length == section_length(b) && !strncmp(a, b, length);
}

static void print(const struct moe_run *run, enum which which, const char *checksum, FILE *out)
{
    const struct moe_option *table;
    const char *last = NULL; /* key of the last line */
    char text[MOE_VALUE_MAX];
    int count = moe_options(&table);
    for (int i = 0; i < count; i++) {
        const char *key = table[i].key, *name = key + section_length(key) + 1;
        int stand_in = checksum[0] && !strcmp(key, "data.path");
        if (!stand_in && which != ALL && table[i].record != (which == OF_RECORD))
            continue;
        if (!last || !same_section(last, key))
            fprintf(out, "%s[%.*s]\n", last ? "\n" : "", (int)section_length(key), key);
        last = key;
        moe_option_get(&table[i], run, text);
        fprintf(out, "%s = %s\n", stand_in ? "checksum" : name, stand_in ? checksum : text);
    }
}

void moe_config_print(const struct moe_run *run, FILE *out)
{
    print(run, ALL, "", out);
}

void moe_config_print_record(const struct moe_run *run, const char *checksum, FILE *out)
{
    print(run, OF_RECORD, checksum, out);
}

void moe_config_print_other(const struct moe_run *run, FILE *out)
{
    print(run, OTHERS, "", out);
}

static char *print_text(const struct moe_run *run, enum which which, const char *checksum)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        moe_fatal(MOE_INPUT, "no memory for the settings");
    print(run, which, checksum, out);
    fclose(out);
    char *copy = moe_pool_new(MOE_POOL_FILES, size + 1, 1);
    memcpy(copy, text, size);
    free(text);
    return copy;
}

char *moe_config_record_text(const struct moe_run *run, const char *checksum)
{
    return print_text(run, OF_RECORD, checksum);
}

char *moe_config_other_text(const struct moe_run *run)
{
    return print_text(run, OTHERS, "");
}

int moe_config_difference(const char *then, const char *now, char *what, size_t size)
{
    const struct moe_option *table;
    struct moe_run a, b;
    struct moe_error err = {0};
    char before[MOE_VALUE_MAX], after[MOE_VALUE_MAX];
    if (strcmp(then, now) == 0)
        return 0;
    moe_config_default(&a);
    moe_config_default(&b);
    if (moe_config_parse(&a, then, "its settings", &err) != MOE_OK ||
        moe_config_parse(&b, now, "the settings", &err) != MOE_OK) {
        snprintf(what, size, "%s", err.text);
        return 1;
    }
    const int count = moe_options(&table);
    for (int i = 0; i < count; i++) {
        moe_option_get(&table[i], &a, before);
        moe_option_get(&table[i], &b, after);
        if (table[i].record && strcmp(before, after) != 0) {
            snprintf(what, size, "%s=%.64s, now %.64s", table[i].key, before, after);
            return 1;
        }
    }
    snprintf(what, size, "data.path holds other data now");
    return 1;
}

struct widths {
    int key, initial, allowed;
};

static void widen(int *width, const char *text)
{
    int length = (int)strlen(text);
    if (length > *width)
        *width = length;
}

void moe_config_help(FILE *out, const char *only, int markdown)
{
    const struct moe_option *table;
    struct widths width = {0, 0, 0};
    char allowed[256];
    int count = moe_options(&table);
    for (int i = 0; i < count; i++) {
        moe_option_allowed(&table[i], allowed, sizeof allowed);
        widen(&width.key, table[i].key);
        widen(&width.initial, table[i].initial);
        widen(&width.allowed, allowed);
    }
    if (markdown)
        fprintf(out, "| key | | default | unit, choices, range | meaning |\n|---|---|---|---|---|\n");
    for (int i = 0; i < count; i++) {
        const struct moe_option *option = &table[i];
        const char mark = option->record ? '=' : '-';
        const char *initial = option->initial[0] ? option->initial : "\"\"";
        if (only && (strncmp(only, option->key, strlen(only)) || !strchr(".", option->key[strlen(only)])))
            continue;
        moe_option_allowed(option, allowed, sizeof allowed);
        if (markdown)
            fprintf(out, "| `%s` | %c | `%s` | %s | %s |\n", option->key, mark, initial, allowed, option->help);
        else
            fprintf(out, "  %-*s %c %-*s  %-*s  %s\n", width.key, option->key, mark, width.initial, initial,
                    width.allowed, allowed, option->help);
    }
}
