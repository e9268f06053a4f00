#include "analysis/counts_text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/pool.h"

enum { PIECE = 1 << 20 };

/* A list of (bin, how many) that grows. */
struct pairs {
    int64_t (*value)[2];
    size_t count, capacity;
};

static void add_pair(struct pairs *pairs, int64_t bin, int64_t number)
{
    moe_pool_grow(MOE_POOL_FILES, (void **)&pairs->value, &pairs->capacity, pairs->count + 1, sizeof *pairs->value);
    pairs->value[pairs->count][0] = bin;
    pairs->value[pairs->count++][1] = number;
}

static int by_bin(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Where a line that failed stands. */
struct place {
    const char *path;
    int64_t line;
};

/* A whole number >= 0 at *text, which moves behind it and one separator. */
static enum moe_status take_number(const char **text, int64_t *value, struct place place, struct moe_error *err)
{
    char *end;
    while (isspace((unsigned char)**text))
        (*text)++;
    errno = 0;
    long long number = strtoll(*text, &end, 10);
    if (end == *text || (*end && !isspace((unsigned char)*end) && *end != ','))
        return moe_fail(err, MOE_INPUT, "%s: line %" PRId64 ": \"%.40s\" is no whole number", place.path, place.line,
                        *text);
    if (errno || number < 0)
        return moe_fail(err, MOE_INPUT, "%s: line %" PRId64 ": %.*s is negative or too large", place.path, place.line,
                        (int)(end - *text), *text);
    *value = number;
    while (isspace((unsigned char)*end))
        end++;
    *text = *end == ',' ? end + 1 : end;
    return MOE_OK;
}

static int is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '\0';
}

/* A line "pattern,count": the count is behind the last comma, or the last word. */
static enum moe_status take_counted(struct pairs *pairs, const char *line, struct place place, struct moe_error *err)
{
    const char *cut = strrchr(line, ',');
    int64_t count;
    if (!cut) {
        const char *end = line + strlen(line);
        while (end > line && isspace((unsigned char)end[-1]))
            end--;
        for (cut = end; cut > line && !isspace((unsigned char)cut[-1]);)
            cut--;
        cut--;
    }
    if (cut < line)
        return moe_fail(err, MOE_INPUT, "%s: line %" PRId64 ": a pattern and its count are wanted", place.path,
                        place.line);
    const char *number = cut + 1;
    if (place.line == 1 && !isdigit((unsigned char)number[strspn(number, " \t")]) &&
        number[strspn(number, " \t")] != '-')
        return MOE_OK; /* names of the columns */
    if (take_number(&number, &count, place, err) != MOE_OK)
        return err->code;
    if (!is_blank(number))
        return moe_fail(err, MOE_INPUT, "%s: line %" PRId64 ": \"%.40s\" is no whole number", place.path, place.line,
                        cut + 1);
    if (count > 0)
        add_pair(pairs, count, 1);
    return MOE_OK;
}

static enum moe_status take_pair(struct pairs *pairs, const char *line, struct place place, struct moe_error *err)
{
    int64_t bin, number;
    if (take_number(&line, &bin, place, err) != MOE_OK)
        return err->code;
    if (is_blank(line))
        return moe_fail(err, MOE_INPUT, "%s: line %" PRId64 ": two numbers are wanted", place.path, place.line);
    if (take_number(&line, &number, place, err) != MOE_OK)
        return err->code;
    if (!is_blank(line))
        return moe_fail(err, MOE_INPUT, "%s: line %" PRId64 ": more than two numbers", place.path, place.line);
    if (bin > 0 && number > 0)
        add_pair(pairs, bin, number);
    return MOE_OK;
}

static enum moe_status take_line(struct pairs *pairs, struct moe_counts *counts, enum moe_counts_format format,
                                 const char *line, struct place place, struct moe_error *err)
{
    if (format == MOE_TEXT_COUNTS)
        return take_counted(pairs, line, place, err);
    if (format == MOE_TEXT_FOF || counts->sequences > 0)
        return take_pair(pairs, line, place, err);
    if (take_number(&line, &counts->sequences, place, err) != MOE_OK)
        return err->code;
    if (!is_blank(line) || counts->sequences < 1)
        return moe_fail(err, MOE_INPUT, "%s: line %" PRId64 ": the number of sampling units alone is wanted first",
                        place.path, place.line);
    return MOE_OK;
}

/* Sorts the pairs and adds up equal bins; the sum of bin x number must fit. */
static enum moe_status tabulate(struct moe_rows *rows, struct pairs *pairs, int64_t *samples, const char *path,
                                struct moe_error *err)
{
    int64_t product;
    qsort(pairs->value, pairs->count, sizeof *pairs->value, by_bin);
    rows->width = 2;
    rows->value = moe_pool_new(MOE_POOL_FILES, 2 * pairs->count, sizeof *rows->value);
    for (size_t i = 0; i < pairs->count; i++) {
        int64_t *next = rows->value + 2 * rows->rows, bin = pairs->value[i][0], number = pairs->value[i][1];
        if (__builtin_mul_overflow(bin, number, &product) || __builtin_add_overflow(*samples, product, samples))
            return moe_fail(err, MOE_INPUT, "%s: the counts add up to more than 2^63", path);
        if (rows->rows && next[-2] == bin) {
            next[-1] += number;
            continue;
        }
        next[0] = bin;
        next[1] = number;
        rows->rows++;
    }
    return MOE_OK;
}

/* The whole of a file as text; it may be a pipe. */
static char *read_text(FILE *file)
{
    char *text = NULL;
    size_t capacity = 0, size = 0, more = 1;
    while (more) {
        moe_pool_grow(MOE_POOL_FILES, (void **)&text, &capacity, size + PIECE + 1, 1);
        more = fread(text + size, 1, PIECE, file);
        size += more;
    }
    text[size] = '\0';
    return text;
}

static enum moe_status read_lines(struct pairs *pairs, struct moe_counts *counts, FILE *file, const char *path,
                                  enum moe_counts_format format, struct moe_error *err)
{
    char *text = read_text(file);
    struct place place = {path, 0};
    if (ferror(file))
        moe_fail(err, MOE_INPUT, "%s: cannot be read: %s", path, strerror(errno));
    for (char *line = text, *next; line && err->code == MOE_OK; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        place.line++;
        line[strcspn(line, "#")] = '\0';
        if (!is_blank(line))
            take_line(pairs, counts, format, line, place, err);
    }
    moe_pool_free(text);
    return err->code;
}

enum moe_status moe_counts_text(struct moe_counts *counts, const char *path, enum moe_counts_format format,
                                double ln_worst, struct moe_error *err)
{
    struct pairs pairs = {0};
    int64_t sum = 0;
    memset(counts, 0, sizeof *counts);
    snprintf(counts->path, sizeof counts->path, "%s", path);
    counts->ln_worst = ln_worst;
    counts->sum_squared_lengths = counts->pairs_within = NAN;
    counts->one_sequence = -1;
    FILE *file = fopen(path, "r");
    if (!file)
        return moe_fail(err, MOE_INPUT, "cannot open %s: %s", path, strerror(errno));
    read_lines(&pairs, counts, file, path, format, err);
    fclose(file);
    struct moe_rows *rows = format == MOE_TEXT_INCIDENCE ? &counts->incidence : &counts->fof;
    if (err->code == MOE_OK && tabulate(rows, &pairs, &sum, path, err) == MOE_OK && sum == 0)
        moe_fail(err, MOE_INPUT, "%s: nothing was counted", path);
    if (err->code == MOE_OK && format == MOE_TEXT_INCIDENCE &&
        rows->value[2 * (rows->rows - 1)] > counts->sequences)
        moe_fail(err, MOE_INPUT, "%s: a pattern stands in %" PRId64 " of %" PRId64 " units", path,
                 rows->value[2 * (rows->rows - 1)], counts->sequences);
    if (format != MOE_TEXT_INCIDENCE)
        counts->samples = sum;
    moe_pool_free(pairs.value);
    if (err->code != MOE_OK) {
        moe_pool_free(rows->value);
        memset(rows, 0, sizeof *rows);
    }
    return err->code;
}
