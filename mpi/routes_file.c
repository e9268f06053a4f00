#include "mpi/routes_file.h"

#include <stdio.h>
#include <string.h>

#include "mpi/h5read.h"
#include "src/pool.h"

enum { NAME = 64, PATH = 256 };

/* The text attribute `name` of `path` as settings over run. */
static enum moe_status read_settings(struct moe_reader *reader, const char *path, const char *name,
                                     struct moe_run *run, struct moe_error *err)
{
    char *text;
    if (moe_reader_text(reader, path, name, &text, err) == MOE_OK)
        moe_config_parse(run, text, name, err);
    moe_pool_free(text);
    return err->code;
}

enum moe_status moe_routes_settings(const char *file, struct moe_run *run, int *training, struct moe_error *err)
{
    struct moe_reader *reader;
    char *kind = NULL, *verb = NULL;
    if (moe_reader_open(file, &reader, err) == MOE_OK &&
        moe_reader_text(reader, "/", "kind", &kind, err) == MOE_OK && strcmp(kind, "results") != 0)
        moe_fail(err, MOE_USAGE, "--from %s: it holds %s, not results", file, kind);
    if (err->code == MOE_OK && moe_reader_text(reader, "/", "verb", &verb, err) == MOE_OK) {
        *training = strcmp(verb, "train") == 0;
        if (read_settings(reader, "/", "config", run, err) == MOE_OK)
            read_settings(reader, "/provenance", "settings", run, err);
        run->parallel.machine[0] = '\0'; /* a file of its own, which may be gone */
    }
    moe_pool_free(kind);
    moe_pool_free(verb);
    moe_reader_close(reader);
    return err->code;
}

/* All of a dataset of whole numbers whose shape is known. */
static int64_t *read_whole(struct moe_reader *reader, const char *path, int rank, const int64_t *shape,
                           struct moe_error *err)
{
    const int64_t start[MOE_FILE_DIMS] = {0};
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= (size_t)shape[i];
    int64_t *value = moe_pool_new(MOE_POOL_FILES, count, sizeof *value);
    moe_reader_slab(reader, path, MOE_I64, rank, shape, start, shape, value, err);
    return value;
}

static enum moe_status read_share(struct moe_routes *routes, struct moe_reader *reader, const char *snapshot, int at,
                                  struct moe_error *err)
{
    const int64_t L = routes->layers, E = routes->experts, shape[] = {L, E};
    char path[PATH];
    snprintf(path, sizeof path, "/routing/%s/load", snapshot);
    int64_t *load = read_whole(reader, path, 2, shape, err);
    for (int64_t l = 0; err->code == MOE_OK && l < L; l++) {
        double sum = 0;
        for (int64_t e = 0; e < E; e++)
            sum += (double)load[l * E + e];
        for (int64_t e = 0; e < E; e++)
            routes->share[((int64_t)at * L + l) * E + e] = (double)load[l * E + e] / sum;
    }
    moe_pool_free(load);
    return err->code;
}

/* Appends the rows of a table of two columns. */
static enum moe_status add_table(struct moe_spread *spread, struct moe_reader *reader, const char *path,
                                 struct moe_error *err)
{
    int64_t shape[2], *value;
    size_t capacity = 2 * (size_t)spread->rows;
    if (moe_reader_shape(reader, path, 2, shape, err) != MOE_OK)
        return err->code;
    if (shape[1] != 2)
        return moe_fail(err, MOE_INPUT, "%s has %lld columns, not 2", path, (long long)shape[1]);
    value = read_whole(reader, path, 2, shape, err);
    moe_pool_grow(MOE_POOL_FILES, (void **)&spread->value, &capacity, 2 * (size_t)(spread->rows + shape[0]),
                  sizeof *value);
    memcpy(spread->value + 2 * spread->rows, value, 2 * (size_t)shape[0] * sizeof *value);
    spread->rows += shape[0];
    moe_pool_free(value);
    return err->code;
}

/* Kept keys stand beside the tables, but every rank has its own. */
static int is_of_keys(const char *name)
{
    return strcmp(name, "keys") == 0 || strcmp(name, "rows") == 0 || strcmp(name, "positions") == 0;
}

/* Bytes of all tables that stand in a group. */
static int64_t bytes_of_tables(struct moe_reader *reader, const char *group)
{
    int64_t bytes = 0;
    for (int i = 0; i < moe_reader_children(reader, group); i++) {
        struct moe_error none = {0};
        char name[NAME], path[PATH + NAME];
        int64_t shape[2];
        moe_reader_child(reader, group, i, name);
        snprintf(path, sizeof path, "%s/%s", group, name);
        if (!is_of_keys(name) && !moe_reader_is_group(reader, path) &&
            moe_reader_shape(reader, path, 2, shape, &none) == MOE_OK)
            bytes += shape[0] * shape[1] * (int64_t)sizeof(int64_t);
    }
    return bytes;
}

static enum moe_status read_scope(struct moe_routes *routes, struct moe_reader *reader, const char *snapshot,
                                  const struct moe_scope *scope, int place, int tokens, struct moe_error *err)
{
    const int by_token = scope->kind == MOE_SCOPE_TOKEN_PATH;
    struct moe_spread *spread = &routes->spread[place];
    for (int t = 0; t < (by_token ? tokens : 1) && err->code == MOE_OK; t++) {
        char group[PATH], path[PATH + NAME], name[64];
        moe_scope_path(scope, t, name);
        snprintf(group, sizeof group, "/census/%s/%s", snapshot, name);
        snprintf(path, sizeof path, "%s/%s", group, by_token ? "fof" : "incidence");
        routes->table_bytes[place] += bytes_of_tables(reader, group);
        add_table(spread, reader, path, err);
    }
    return err->code;
}

/* The choices of a census, where the file has them all. */
static enum moe_status read_choices(struct moe_routes *routes, struct moe_reader *reader, const char *snapshot, int at,
                                    const struct moe_job *job, struct moe_error *err)
{
    const int64_t start[4] = {0};
    int64_t shape[4];
    char path[PATH];
    snprintf(path, sizeof path, "/census/%s/choices", snapshot);
    if (moe_reader_shape(reader, path, 4, shape, err) != MOE_OK)
        return err->code;
    if (shape[1] != job->task.tokens || shape[3] != job->run.model.top_k)
        return moe_fail(err, MOE_USAGE,
                        "--from: its choices are %lld of each of %lld tokens, the settings say %d of %d",
                        (long long)shape[3], (long long)shape[1], job->run.model.top_k, job->task.tokens);
    if (shape[0] < routes->sequences)
        return MOE_OK;
    routes->choices[at] = moe_pool_new(MOE_POOL_FILES, (size_t)(shape[0] * shape[1] * shape[2] * shape[3]),
                                       sizeof *routes->choices[at]);
    return moe_reader_slab(reader, path, MOE_I16, 4, shape, start, shape, routes->choices[at], err);
}

static enum moe_status read_snapshots(struct moe_routes *routes, struct moe_reader *reader, const struct moe_job *job,
                                      struct moe_error *err)
{
    struct moe_census_shape shape = moe_job_census(job);
    struct moe_pattern pattern;
    struct moe_scope *scope;
    const size_t snapshots = (size_t)routes->snapshots;
    moe_pattern_init(&pattern, shape.experts, shape.top_k);
    routes->scopes = moe_scopes(&shape, &pattern, &scope);
    const size_t places = snapshots * (size_t)routes->scopes;
    routes->share = moe_pool_new(MOE_POOL_FILES, snapshots * (size_t)(routes->layers * routes->experts),
                                 sizeof *routes->share);
    routes->spread = moe_pool_new(MOE_POOL_FILES, places, sizeof *routes->spread);
    routes->table_bytes = moe_pool_new(MOE_POOL_FILES, places, sizeof *routes->table_bytes);
    routes->choices = moe_pool_new(MOE_POOL_FILES, snapshots, sizeof *routes->choices);
    for (int i = 0; i < routes->snapshots && err->code == MOE_OK; i++) {
        char name[NAME], path[PATH];
        moe_reader_child(reader, "/census", i, name);
        snprintf(path, sizeof path, "/census/%s", name);
        if (moe_reader_int(reader, path, "sequences", &routes->sequences, err) == MOE_OK &&
            read_share(routes, reader, name, i, err) == MOE_OK)
            read_choices(routes, reader, name, i, job, err);
        for (int s = 0; s < routes->scopes && err->code == MOE_OK; s++)
            read_scope(routes, reader, name, &scope[s], i * routes->scopes + s, job->task.tokens, err);
    }
    moe_pool_free(scope);
    moe_pattern_clear(&pattern);
    return err->code;
}

/* What shards sent to experts in the run that made the file; older files and very large ones lack it. */
static enum moe_status read_sent(struct moe_routes *routes, struct moe_reader *reader, struct moe_error *err)
{
    const int64_t start[] = {0}, count[] = {MOE_PURPOSES};
    int64_t shape[3];
    if (!moe_reader_has(reader, "/traffic/rows"))
        return MOE_OK;
    if (moe_reader_shape(reader, "/traffic/rows", 3, shape, err) != MOE_OK)
        return err->code;
    if (shape[0] != MOE_PURPOSES || shape[2] != routes->experts)
        return moe_fail(err, MOE_INPUT, "/traffic/rows is of other purposes or experts");
    routes->shards = (int)shape[1];
    if (moe_reader_slab(reader, "/traffic/passes", MOE_I64, 1, count, start, count, routes->passes, err) == MOE_OK)
        routes->rows = read_whole(reader, "/traffic/rows", 3, shape, err);
    if (err->code == MOE_OK)
        routes->messages = read_whole(reader, "/traffic/row_messages", 3, shape, err);
    shape[1] = routes->layers;
    if (err->code == MOE_OK)
        routes->all = read_whole(reader, "/traffic/layer_rows", 3, shape, err);
    if (err->code == MOE_OK)
        routes->first = read_whole(reader, "/traffic/first_rows", 3, shape, err);
    if (err->code == MOE_OK)
        routes->most = read_whole(reader, "/traffic/most_rows", 3, shape, err);
    const int64_t rooms[] = {MOE_PURPOSES, routes->layers + 1, routes->experts, routes->experts};
    if (err->code == MOE_OK && moe_reader_has(reader, "/traffic/room_rows")) {
        routes->room = read_whole(reader, "/traffic/room_rows", 4, rooms, err);
        routes->room_before = read_whole(reader, "/traffic/room_before", 4, rooms, err);
    }
    return err->code;
}

enum moe_status moe_routes_read(struct moe_routes *routes, const char *file, const struct moe_job *job,
                                const char *config, struct moe_error *err)
{
    struct moe_reader *reader;
    int64_t layers = 0, experts = 0;
    char *record = NULL;
    memset(routes, 0, sizeof *routes);
    if (moe_reader_open(file, &reader, err) == MOE_OK &&
        moe_reader_int(reader, "/model", "layers", &layers, err) == MOE_OK &&
        moe_reader_int(reader, "/model", "experts", &experts, err) == MOE_OK &&
        moe_reader_text(reader, "/", "config", &record, err) == MOE_OK &&
        (layers != job->run.model.layers || experts != job->run.model.experts))
        moe_fail(err, MOE_USAGE, "--from %s: %lld layers of %lld experts, the settings say %d of %d", file,
                 (long long)layers, (long long)experts, job->run.model.layers, job->run.model.experts);
    if (err->code == MOE_OK) {
        routes->layers = (int)layers;
        routes->experts = (int)experts;
        routes->same = strcmp(record, config) == 0;
        routes->snapshots = moe_reader_children(reader, "/census");
        if (routes->snapshots == 0)
            moe_fail(err, MOE_USAGE, "--from %s: it holds no census", file);
        else if (read_snapshots(routes, reader, job, err) == MOE_OK)
            read_sent(routes, reader, err);
    }
    moe_pool_free(record);
    moe_reader_close(reader);
    return err->code;
}
