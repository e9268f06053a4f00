#include "analysis/merge_parts.h"

#include <hdf5.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mpi/results.h"
#include "src/pool.h"
#include "src/torus.h"

/* Settings of record as text, with the range of sequences left out. */
static char *settings_of(const struct moe_run *run)
{
    struct moe_run same = *run;
    same.census.first = 0;
    same.census.sequences = 1;
    return moe_config_record_text(&same, "");
}

static enum moe_status read_settings(struct moe_part *part, struct moe_error *err)
{
    static const char *const place[] = {"/", "/provenance"}, *const name[] = {"config", "settings"};
    moe_config_default(&part->run);
    for (int i = 0; i < 2; i++) {
        char *text;
        if (moe_reader_text(part->reader, place[i], name[i], &text, err) == MOE_OK)
            moe_config_parse(&part->run, text, part->name, err);
        moe_pool_free(text);
        if (err->code != MOE_OK)
            return err->code;
    }
    part->settings = settings_of(&part->run);
    return moe_reader_text(part->reader, "/", "data_checksum", &part->checksum, err);
}

static enum moe_status check_kind(struct moe_part *part, struct moe_error *err)
{
    char *kind = NULL, *verb = NULL;
    int64_t version;
    if (moe_reader_text(part->reader, "/", "kind", &kind, err) == MOE_OK && strcmp(kind, "results") != 0)
        moe_fail(err, MOE_USAGE, "%s holds %s, not a census (give files that the verb census wrote)", part->name, kind);
    if (err->code == MOE_OK && moe_reader_int(part->reader, "/", "schema_version", &version, err) == MOE_OK &&
        version != MOE_SCHEMA_VERSION)
        moe_fail(err, MOE_INPUT, "%s has schema version %" PRId64 ", this program reads %d", part->name, version,
                 MOE_SCHEMA_VERSION);
    if (err->code == MOE_OK && moe_reader_text(part->reader, "/", "verb", &verb, err) == MOE_OK &&
        strcmp(verb, "census") != 0)
        moe_fail(err, MOE_USAGE, "%s comes from %s (only files that the verb census wrote can be merged)", part->name,
                 verb);
    moe_pool_free(kind);
    moe_pool_free(verb);
    return err->code;
}

static herr_t take_name(hid_t group, const char *name, const H5L_info_t *info, void *first)
{
    (void)group;
    (void)info;
    snprintf(first, sizeof((struct moe_part *)0)->snapshot, "%s", name);
    return 1;
}

/* The name of the one snapshot, which the reader cannot list. */
static enum moe_status find_snapshot(struct moe_part *part, int *step, struct moe_error *err)
{
    hid_t file = H5Fopen(part->name, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (file >= 0) {
        H5Literate_by_name(file, "/census", H5_INDEX_NAME, H5_ITER_INC, NULL, take_name, part->snapshot, H5P_DEFAULT);
        H5Fclose(file);
    }
    if (sscanf(part->snapshot, "step-%8d", step) != 1)
        return moe_fail(err, MOE_INPUT, "%s has no census", part->name);
    return MOE_OK;
}

static enum moe_status open_part(struct moe_part *part, int *step, struct moe_error *err)
{
    char path[96];
    if (moe_reader_open(part->name, &part->reader, err) != MOE_OK || check_kind(part, err) != MOE_OK ||
        read_settings(part, err) != MOE_OK || find_snapshot(part, step, err) != MOE_OK)
        return err->code;
    if (!part->run.census.keep_keys)
        return moe_fail(err, MOE_USAGE, "%s does not hold its patterns (count with census.keep_keys=yes)", part->name);
    snprintf(path, sizeof path, "/census/%s", part->snapshot);
    if (moe_reader_int(part->reader, path, "first_sequence", &part->first, err) != MOE_OK ||
        moe_reader_int(part->reader, path, "sequences", &part->sequences, err) != MOE_OK)
        return err->code;
    if (part->first != part->run.census.first || part->sequences != part->run.census.sequences || part->sequences < 1)
        return moe_fail(err, MOE_INPUT, "%s: the sequences counted are not those of its settings", part->name);
    return MOE_OK;
}

static int by_first(const void *left, const void *right)
{
    const struct moe_part *a = left, *b = right;
    return (a->first > b->first) - (a->first < b->first);
}

/* The first line in which two texts differ, for the error. */
static void differing_line(const char *a, const char *b, char *line, size_t size)
{
    size_t i = 0, start = 0;
    for (; a[i] && a[i] == b[i]; i++)
        if (a[i] == '\n')
            start = i + 1;
    snprintf(line, size, "%.*s", (int)strcspn(a + start, "\n"), a + start);
}

static enum moe_status check_same(const struct moe_part *first, const struct moe_part *other, struct moe_error *err)
{
    char line[128];
    if (strcmp(first->settings, other->settings) != 0) {
        differing_line(first->settings, other->settings, line, sizeof line);
        return moe_fail(err, MOE_USAGE, "%s and %s do not have the same settings: \"%s\" is not in both", first->name,
                        other->name, line);
    }
    if (strcmp(first->checksum, other->checksum) != 0)
        return moe_fail(err, MOE_USAGE, "%s and %s were counted on different data", first->name, other->name);
    if (strcmp(first->snapshot, other->snapshot) != 0)
        return moe_fail(err, MOE_USAGE, "%s and %s are of different models: %s and %s", first->name, other->name,
                        first->snapshot, other->snapshot);
    const int64_t end = first->first + first->sequences;
    if (end > other->first)
        return moe_fail(err, MOE_USAGE, "%s and %s both count sequence %" PRId64, first->name, other->name,
                        other->first);
    if (end < other->first)
        return moe_fail(err, MOE_USAGE, "nothing counts sequences %" PRId64 " to %" PRId64 ", between %s and %s", end,
                        other->first - 1, first->name, other->name);
    return MOE_OK;
}

/* What the writer must know of the source, without the source itself. */
static enum moe_status read_task(struct moe_parts *parts, struct moe_error *err)
{
    const struct moe_part *part = &parts->part[0];
    const struct moe_run *run = &parts->run;
    struct moe_task *task = &parts->task;
    int64_t tokens, outputs, independent;
    char path[96];
    snprintf(path, sizeof path, "/census/%s", part->snapshot);
    if (moe_reader_int(part->reader, "/model", "tokens", &tokens, err) != MOE_OK ||
        moe_reader_int(part->reader, "/model", "outputs", &outputs, err) != MOE_OK ||
        moe_reader_double(part->reader, "/model", "target_bound", &task->bound, err) != MOE_OK ||
        moe_reader_int(part->reader, path, "independent", &independent, err) != MOE_OK)
        return err->code;
    if (tokens != run->data.tokens || tokens < 1 || outputs < 1 || outputs > INT32_MAX)
        return moe_fail(err, MOE_INPUT, "%s: /model contradicts the settings", part->name);
    task->tokens = (int)tokens;
    task->outputs = (int)outputs;
    task->independent = (int)independent;
    task->per_token = run->data.source == MOE_TEXT;
    task->labels = run->data.source == MOE_TORUS ? 0 : task->outputs;
    task->symbols = run->data.source == MOE_TEXT ? task->outputs : 0;
    task->features = run->data.source == MOE_TORUS ? MOE_TORUS_WIDTH / task->tokens :
                     run->data.source == MOE_IDX   ? run->data.patch * run->data.patch :
                                                     0;
    return MOE_OK;
}

enum moe_status moe_parts_open(struct moe_parts *parts, const char *const *names, int count, struct moe_error *err)
{
    *err = (struct moe_error){.code = MOE_OK};
    memset(parts, 0, sizeof *parts);
    if (count < 2)
        return moe_fail(err, MOE_USAGE, "a merge needs two files or more");
    parts->count = count;
    parts->part = moe_pool_new(MOE_POOL_FILES, (size_t)count, sizeof *parts->part);
    for (int i = 0; i < count; i++) {
        parts->part[i].name = names[i];
        if (open_part(&parts->part[i], &parts->step, err) != MOE_OK)
            return err->code;
    }
    qsort(parts->part, (size_t)count, sizeof *parts->part, by_first);
    parts->run = parts->part[0].run;
    for (int i = 1; i < count; i++) {
        if (check_same(&parts->part[i - 1], &parts->part[i], err) != MOE_OK)
            return err->code;
        parts->run.census.sequences += parts->part[i].sequences;
    }
    parts->shape = moe_census_shape_of(&parts->run);
    return read_task(parts, err);
}

void moe_parts_close(struct moe_parts *parts)
{
    for (int i = 0; i < parts->count; i++) {
        moe_reader_close(parts->part[i].reader);
        moe_pool_free(parts->part[i].settings);
        moe_pool_free(parts->part[i].checksum);
    }
    moe_pool_free(parts->part);
    memset(parts, 0, sizeof *parts);
}

enum moe_status moe_part_table(const struct moe_part *part, const char *path, enum moe_type type, int width,
                               int64_t *rows, void **value, struct moe_error *err)
{
    int64_t shape[2], start[2] = {0, 0};
    *value = NULL;
    *rows = 0;
    if (moe_reader_shape(part->reader, path, 2, shape, err) != MOE_OK)
        return err->code;
    shape[1] = width;
    void *read = moe_pool_new(MOE_POOL_FILES, (size_t)shape[0] * (size_t)width, sizeof(int64_t));
    if (moe_reader_slab(part->reader, path, type, 2, shape, start, shape, read, err) != MOE_OK) {
        moe_pool_free(read);
        return err->code;
    }
    *rows = shape[0];
    *value = read;
    return MOE_OK;
}

/* The tables that a scope's patterns stand in. */
struct stored {
    int64_t patterns, rows, groups;
    uint64_t *key; /* [patterns, 2] */
    int64_t *row;  /* [rows, 5] */
    int64_t *pairs; /* [groups, 3] */
};

static enum moe_status read_stored(const struct moe_part *part, const char *scope, struct stored *stored,
                                   struct moe_error *err)
{
    char path[192];
    void *value;
    memset(stored, 0, sizeof *stored);
    snprintf(path, sizeof path, "/census/%s/%s/keys", part->snapshot, scope);
    moe_part_table(part, path, MOE_U64, 2, &stored->patterns, &value, err);
    stored->key = value;
    if (err->code == MOE_OK) {
        snprintf(path, sizeof path, "/census/%s/%s/rows", part->snapshot, scope);
        moe_part_table(part, path, MOE_I64, 5, &stored->rows, &value, err);
        stored->row = value;
    }
    if (err->code == MOE_OK) {
        snprintf(path, sizeof path, "/census/%s/%s/pairs_by_group", part->snapshot, scope);
        moe_part_table(part, path, MOE_I64, 3, &stored->groups, &value, err);
        stored->pairs = value;
    }
    return err->code;
}

static void free_stored(struct stored *stored)
{
    moe_pool_free(stored->key);
    moe_pool_free(stored->row);
    moe_pool_free(stored->pairs);
}

/* Whether the rows are in order, within range, and count every sequence as often as the scope has samples in it. */
static int consistent(const struct stored *stored, const struct moe_scope *scope, int64_t sequences)
{
    int64_t samples = 0, thinned = 0, pattern = -1, group = 0;
    if (stored->groups != MOE_GROUPS)
        return 0;
    for (int64_t i = 0; i < stored->rows; i++) {
        const int64_t *row = stored->row + 5 * i;
        if (row[0] == pattern ? row[1] <= group : row[0] != pattern + 1)
            return 0;
        pattern = row[0];
        group = row[1];
        if (group < 0 || group >= MOE_GROUPS || row[3] < 1 || row[3] > sequences || row[2] < row[3] ||
            row[2] / scope->samples > row[3] || row[4] < 0 || row[4] > row[3])
            return 0;
        samples += row[2];
        thinned += row[4];
    }
    for (int g = 0; g < MOE_GROUPS; g++)
        if (stored->pairs[3 * g] != g)
            return 0;
    return pattern + 1 == stored->patterns && samples == scope->samples * sequences && thinned == sequences;
}

/* Rows as records; sums get pairs and holds. by_group [MOE_GROUPS] gets the samples. */
static void add_records(const struct stored *stored, struct moe_record *records, struct moe_group_sums *sums,
                        int64_t *by_group)
{
    for (int64_t i = 0; i < stored->rows; i++) {
        const int64_t *row = stored->row + 5 * i;
        const uint64_t *key = stored->key + 2 * row[0];
        records[i] = (struct moe_record){{key[0], key[1]}, (uint32_t)row[1] << 8, 0, row[2], row[3], row[4]};
        sums[row[1]].holds += row[3];
        by_group[row[1]] += row[2];
    }
    for (int g = 0; g < MOE_GROUPS; g++)
        sums[g].pairs +=
            (unsigned __int128)(uint64_t)stored->pairs[3 * g + 1] << 64 | (uint64_t)stored->pairs[3 * g + 2];
}

enum moe_status moe_part_records(const struct moe_parts *parts, int number, const struct moe_scope *scope,
                                 struct moe_record **records, size_t *capacity, int64_t *count,
                                 struct moe_group_sums *sums, struct moe_error *err)
{
    const struct moe_part *part = &parts->part[number];
    struct stored stored;
    char path[64];
    int64_t by_group[MOE_GROUPS] = {0};
    moe_scope_path(scope, 0, path);
    if (read_stored(part, path, &stored, err) == MOE_OK && !consistent(&stored, scope, part->sequences))
        moe_fail(err, MOE_INPUT, "%s: the patterns stored for %s do not add up to %" PRId64 " sequences", part->name,
                 path, part->sequences);
    if (err->code == MOE_OK) {
        void *block = *records;
        moe_pool_grow(MOE_POOL_CENSUS, &block, capacity, (size_t)(*count + stored.rows), sizeof **records);
        *records = block;
        add_records(&stored, *records + *count, sums, by_group);
        *count += stored.rows;
        for (int g = 0; g < MOE_GROUPS; g++)
            sums[g].sequences += by_group[g] / scope->samples;
    }
    free_stored(&stored);
    return err->code;
}

/* Whether the rows are in order, within range, and count every sequence once at each position. samples [tokens]. */
static int positions_agree(const int64_t *row, int64_t rows, int64_t patterns, int tokens, int64_t sequences,
                           int64_t *samples)
{
    int64_t pattern = -1, token = 0;
    for (int64_t i = 0; i < rows; i++, row += 3) {
        if (row[0] == pattern ? row[1] <= token : row[0] != pattern + 1)
            return 0;
        pattern = row[0];
        token = row[1];
        if (token < 0 || token >= tokens || row[2] < 1 || row[2] > sequences)
            return 0;
        samples[token] += row[2];
    }
    for (int t = 0; t < tokens; t++)
        if (samples[t] != sequences)
            return 0;
    return pattern + 1 == patterns;
}

enum moe_status moe_part_positions(const struct moe_parts *parts, int number, struct moe_record **records,
                                   size_t *capacity, int64_t *count, struct moe_error *err)
{
    const struct moe_part *part = &parts->part[number];
    const int tokens = parts->shape.tokens;
    char path[192];
    void *keys = NULL, *rows = NULL, *block = *records;
    int64_t patterns, made;
    int64_t *samples = moe_pool_new(MOE_POOL_FILES, (size_t)tokens, sizeof *samples);
    snprintf(path, sizeof path, "/census/%s/path/keys", part->snapshot);
    if (moe_part_table(part, path, MOE_U64, 2, &patterns, &keys, err) == MOE_OK) {
        snprintf(path, sizeof path, "/census/%s/path/positions", part->snapshot);
        if (moe_part_table(part, path, MOE_I64, 3, &made, &rows, err) == MOE_OK &&
            !positions_agree(rows, made, patterns, tokens, part->sequences, samples))
            moe_fail(err, MOE_INPUT, "%s: %s does not add up to %" PRId64 " sequences", part->name, path,
                     part->sequences);
    }
    if (err->code == MOE_OK) {
        const uint64_t *key = keys;
        const int64_t *row = rows;
        moe_pool_grow(MOE_POOL_CENSUS, &block, capacity, (size_t)(*count + made), sizeof **records);
        *records = block;
        for (int64_t i = 0; i < made; i++, row += 3)
            (*records)[(*count)++] = (struct moe_record){.key = {key[2 * row[0]], key[2 * row[0] + 1]},
                                                         .tag = (uint32_t)row[1],
                                                         .count = row[2]};
    }
    moe_pool_free(samples);
    moe_pool_free(rows);
    moe_pool_free(keys);
    return err->code;
}

enum moe_status moe_parts_groups(struct moe_parts *parts, struct moe_error *err)
{
    const struct moe_scope scope = {.kind = MOE_SCOPE_SEQUENCE, .samples = 1};
    for (int i = 0; i < parts->count; i++) {
        struct moe_group_sums sums[MOE_GROUPS] = {{0}};
        struct moe_record *records = NULL;
        size_t capacity = 0;
        int64_t count = 0;
        moe_part_records(parts, i, &scope, &records, &capacity, &count, sums, err);
        moe_pool_free(records);
        if (err->code != MOE_OK)
            return err->code;
        for (int g = 0; g < MOE_GROUPS; g++)
            parts->by_group[g] += sums[g].sequences;
    }
    return MOE_OK;
}
