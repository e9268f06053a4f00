#include "analysis/counts_file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/abundance.h"
#include "src/pool.h"

enum { PATH = 256 };

enum moe_status moe_rows_read(struct moe_rows *rows, struct moe_reader *reader, const char *path, struct moe_error *err)
{
    int64_t shape[2];
    memset(rows, 0, sizeof *rows);
    if (moe_reader_shape(reader, path, 2, shape, err) != MOE_OK)
        return err->code;
    rows->rows = shape[0];
    rows->width = (int)shape[1];
    rows->value = moe_pool_new(MOE_POOL_FILES, (size_t)(shape[0] * shape[1]), sizeof *rows->value);
    return moe_reader_slab(reader, path, MOE_I64, 2, shape, (const int64_t[]){0, 0}, shape, rows->value, err);
}

void moe_counts_clear(struct moe_counts *counts)
{
    struct moe_rows *const tables[] = {&counts->fof,
                                       &counts->incidence,
                                       &counts->without_fof,
                                       &counts->without_incidence,
                                       &counts->without_one_sequence,
                                       &counts->without_pairs_within,
                                       &counts->held_out,
                                       &counts->split,
                                       &counts->growth,
                                       &counts->thinned};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        moe_pool_free(tables[i]->value);
    memset(counts, 0, sizeof *counts);
}

/* Sum over rows of the product of two columns; -1 where a value is negative or the sum overflows. */
static int64_t weighted_sum(const struct moe_rows *rows, int left, int right)
{
    int64_t sum = 0, product;
    for (int64_t i = 0; i < rows->rows; i++) {
        const int64_t *row = rows->value + i * rows->width;
        if (row[left] < 0 || row[right] < 0 || __builtin_mul_overflow(row[left], row[right], &product) ||
            __builtin_add_overflow(sum, product, &sum))
            return -1;
    }
    return sum;
}

static int64_t column_sum(const struct moe_rows *rows, int column)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < rows->rows; i++) {
        int64_t value = rows->value[i * rows->width + column];
        if (value < 0 || __builtin_add_overflow(sum, value, &sum))
            return -1;
    }
    return sum;
}

static enum moe_status check(const struct moe_counts *counts, const char *group, struct moe_error *err)
{
    int64_t counted = weighted_sum(&counts->fof, 0, 1);
    if (counted != counts->samples)
        return moe_fail(err, MOE_INPUT, "%s: fof does not add up to the samples (the file is damaged)", group);
    if (column_sum(&counts->held_out, 2) != counts->samples)
        return moe_fail(err, MOE_INPUT, "%s: held_out does not add up to the samples (the file is damaged)", group);
    if (column_sum(&counts->fof, 1) != column_sum(&counts->incidence, 1))
        return moe_fail(err, MOE_INPUT, "%s: fof and incidence do not hold the same number of patterns (the file is "
                                        "damaged)",
                        group);
    if (counts->samples == 0)
        return moe_fail(err, MOE_INPUT, "%s: nothing was counted", group);
    return MOE_OK;
}

static double wide(const int64_t *halves)
{
    return ldexp((double)(uint64_t)halves[0], 64) + (double)(uint64_t)halves[1];
}

static enum moe_status read_tables(struct moe_counts *counts, struct moe_reader *reader, const char *group,
                                   struct moe_error *err)
{
    struct moe_rows one_sequence = {0}, pairs = {0};
    const struct {
        const char *name;
        struct moe_rows *rows;
    } tables[] = {{"fof", &counts->fof},
                  {"incidence", &counts->incidence},
                  {"one_sequence", &one_sequence},
                  {"pairs_within", &pairs},
                  {"without_group_fof", &counts->without_fof},
                  {"without_group_incidence", &counts->without_incidence},
                  {"without_group_one_sequence", &counts->without_one_sequence},
                  {"without_group_pairs_within", &counts->without_pairs_within},
                  {"held_out", &counts->held_out},
                  {"split", &counts->split},
                  {"growth", &counts->growth},
                  {"thinned", &counts->thinned}};
    char path[2 * PATH];
    for (size_t i = 0; i < sizeof tables / sizeof *tables && err->code == MOE_OK; i++) {
        snprintf(path, sizeof path, "%s/%s", group, tables[i].name);
        moe_rows_read(tables[i].rows, reader, path, err);
    }
    if (err->code == MOE_OK && (one_sequence.rows != 1 || pairs.rows != 1))
        moe_fail(err, MOE_INPUT, "%s: one_sequence and pairs_within must have one row", group);
    if (err->code == MOE_OK) {
        counts->one_sequence = one_sequence.value[0];
        counts->pairs_within = wide(pairs.value);
    }
    moe_pool_free(one_sequence.value);
    moe_pool_free(pairs.value);
    return err->code;
}

enum moe_status moe_counts_read(struct moe_counts *counts, struct moe_reader *reader, const char *snapshot,
                                const char *scope, struct moe_error *err)
{
    char census[PATH / 2], group[PATH];
    int64_t independent = 0, samples_per_sequence = 0;
    memset(counts, 0, sizeof *counts);
    snprintf(census, sizeof census, "/census/%.63s", snapshot);
    snprintf(group, sizeof group, "%s/%.63s", census, scope);
    snprintf(counts->path, sizeof counts->path, "%s", scope);
    if (!moe_reader_is_group(reader, group))
        return moe_fail(err, MOE_INPUT, "there is no %s in the file", group);
    if (moe_reader_double(reader, group, "ln_worst_case", &counts->ln_worst, err) == MOE_OK &&
        moe_reader_int(reader, group, "samples", &counts->samples, err) == MOE_OK &&
        moe_reader_int(reader, group, "samples_per_sequence", &samples_per_sequence, err) == MOE_OK &&
        moe_reader_int(reader, census, "sequences", &counts->sequences, err) == MOE_OK &&
        moe_reader_int(reader, census, "independent", &independent, err) == MOE_OK &&
        read_tables(counts, reader, group, err) == MOE_OK)
        check(counts, group, err);
    counts->independent = (int)independent;
    counts->sum_squared_lengths = (double)counts->sequences * (double)samples_per_sequence *
                                  (double)samples_per_sequence;
    if (err->code != MOE_OK) {
        struct moe_error why = *err;
        moe_counts_clear(counts);
        *err = why;
    }
    return err->code;
}

/* Appends scope, or what stands below it, if it has all tables. */
static void add_scopes(struct moe_reader *reader, const char *census, const char *scope, char (**scopes)[64],
                       size_t *capacity, int *count)
{
    char path[2 * PATH], child[64], name[64];
    snprintf(path, sizeof path, "%s/%s/incidence", census, scope);
    if (moe_reader_has(reader, path)) {
        moe_pool_grow(MOE_POOL_FILES, (void **)scopes, capacity, (size_t)*count + 1, sizeof **scopes);
        snprintf((*scopes)[(*count)++], 64, "%s", scope);
        return;
    }
    snprintf(path, sizeof path, "%s/%s", census, scope);
    int children = moe_reader_children(reader, path);
    for (int i = 0; i < children && !strchr(scope, '/'); i++) {
        moe_reader_child(reader, path, i, child);
        if (snprintf(name, sizeof name, "%.31s/%.31s", scope, child) < (int)sizeof name)
            add_scopes(reader, census, name, scopes, capacity, count);
    }
}

int moe_counts_scopes(struct moe_reader *reader, const char *snapshot, char (**scopes)[64])
{
    char census[PATH / 2], child[64];
    size_t capacity = 0;
    int count = 0;
    *scopes = NULL;
    snprintf(census, sizeof census, "/census/%.63s", snapshot);
    int children = moe_reader_children(reader, census);
    for (int i = 0; i < children; i++) {
        moe_reader_child(reader, census, i, child);
        add_scopes(reader, census, child, scopes, &capacity, &count);
    }
    return count;
}

double moe_path_entropies(struct moe_reader *reader, const char *snapshot)
{
    char group[PATH], child[64], path[2 * PATH];
    double sum = 0;
    int positions = 0;
    snprintf(group, sizeof group, "/census/%.63s/path", snapshot);
    int children = moe_reader_children(reader, group);
    for (int i = 0; i < children; i++) {
        struct moe_rows fof;
        struct moe_error err = {0};
        moe_reader_child(reader, group, i, child);
        snprintf(path, sizeof path, "%s/%s/fof", group, child);
        if (strncmp(child, "token-", 6) != 0 || moe_rows_read(&fof, reader, path, &err) != MOE_OK)
            continue;
        sum += moe_abundance_of(fof.value, fof.rows).entropy;
        moe_pool_free(fof.value);
        positions++;
    }
    return positions ? sum : NAN;
}
