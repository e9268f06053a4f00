#include <stdio.h>
#include <string.h>

#include "mpi/findings.h"
#include "src/pool.h"
#include "src/share.h"

/* Where a finding is read from; after the first error nothing more is read. */
struct source {
    struct moe_reader *reader;
    const struct moe_comm *comm;
    struct moe_error *err;
};

static void read_whole(const struct source *source, const char *group, const char *name, enum moe_type type, int rank,
                       const int64_t *shape, void *data)
{
    char path[192];
    snprintf(path, sizeof path, "%s/%s", group, name);
    if (source->err->code == MOE_OK)
        moe_reader_slab(source->reader, path, type, rank, shape, (const int64_t[MOE_FILE_DIMS]){0}, shape, data,
                        source->err);
}

static void read_int(const struct source *source, const char *group, const char *name, int64_t *value)
{
    if (source->err->code == MOE_OK)
        moe_reader_int(source->reader, group, name, value, source->err);
}

static void read_routing(const struct source *source, struct moe_finding *finding)
{
    struct moe_snapshot *snapshot = &finding->snapshot;
    const int64_t L = snapshot->shape.layers, E = snapshot->shape.experts;
    char group[64];
    snprintf(group, sizeof group, "/routing/step-%08d", finding->step);
    read_whole(source, group, "load", MOE_I64, 2, (const int64_t[]){L, E}, snapshot->load);
    read_whole(source, group, "gate_energy", MOE_REAL64, 2, (const int64_t[]){L, E}, snapshot->gate_energy);
    if (snapshot->labels)
        read_whole(source, group, "load_by_label", MOE_I64, 3, (const int64_t[]){L, E, snapshot->labels},
                   snapshot->load_by_label);
    if (L * E <= MOE_COACTIVATION_MAX)
        read_whole(source, group, "coactivation", MOE_I64, 4, (const int64_t[]){L, E, L, E}, snapshot->coactivation);
    else
        read_whole(source, group, "coactivation_adjacent", MOE_I64, 4, (const int64_t[]){L, 2, E, E},
                   snapshot->coactivation);
    read_whole(source, group, "margin", MOE_I64, 2, (const int64_t[]){L, MOE_MARGIN_BINS}, snapshot->margin);
}

/* This rank's share of the choices, as one slab. */
static void read_choices(const struct source *source, const char *census, const struct moe_run *run,
                         struct moe_snapshot *snapshot)
{
    const struct moe_census_shape *shape = &snapshot->shape;
    const struct moe_comm *comm = source->comm;
    const int64_t whole[] = {moe_kept_choices(run), shape->tokens, shape->layers, shape->top_k};
    const int64_t start[] = {moe_share_first(whole[0], comm->ranks, comm->rank), 0, 0, 0};
    const int64_t count[] = {moe_share_count(whole[0], comm->ranks, comm->rank), whole[1], whole[2], whole[3]};
    char path[192];
    snprintf(path, sizeof path, "%s/choices", census);
    snapshot->kept = count[0];
    snapshot->choices = moe_pool_new(MOE_POOL_CENSUS, (size_t)(count[0] * count[1] * count[2] * count[3]),
                                     sizeof *snapshot->choices);
    snapshot->slab = moe_pool_new(MOE_POOL_CENSUS, 1, sizeof *snapshot->slab);
    snapshot->slab[0] = (struct moe_slab){start[0], count[0]};
    snapshot->slabs = 1;
    if (source->err->code == MOE_OK)
        moe_reader_slab(source->reader, path, MOE_I16, 4, whole, start, count, snapshot->choices, source->err);
}

/* A dataset with named columns is a table, unless the ranks hold it in parts. */
static int is_table(const struct source *source, const char *path, const char *name, char **columns)
{
    struct moe_error none = {0};
    *columns = NULL;
    return strcmp(name, "keys") != 0 && strcmp(name, "rows") != 0 && strcmp(name, "positions") != 0 &&
           !moe_reader_is_group(source->reader, path) &&
           moe_reader_text(source->reader, path, "columns", columns, &none) == MOE_OK;
}

static void read_table(const struct source *source, const char *group, const char *name, const char *columns,
                       struct moe_scope_tables *tables)
{
    char path[192];
    int64_t shape[2] = {0};
    struct moe_table *table = &tables->table[tables->count++];
    snprintf(path, sizeof path, "%s/%s", group, name);
    snprintf(table->name, sizeof table->name, "%.31s", name);
    snprintf(table->columns, sizeof table->columns, "%s", columns);
    moe_reader_shape(source->reader, path, 2, shape, source->err);
    table->rows = shape[0];
    table->width = (int)shape[1];
    table->value = moe_pool_new(MOE_POOL_CENSUS, (size_t)(shape[0] * shape[1]), sizeof *table->value);
    read_whole(source, group, name, MOE_I64, 2, shape, table->value);
}

static void read_tables(const struct source *source, const char *census, const struct moe_scope *scope, int position,
                        struct moe_scope_tables *tables)
{
    char group[128], path[192], name[64];
    tables->scope = *scope;
    moe_scope_path(scope, position, tables->path);
    snprintf(group, sizeof group, "%s/%s", census, tables->path);
    read_int(source, group, "samples", &tables->samples);
    read_int(source, group, "samples_per_sequence", &tables->scope.samples);
    read_int(source, group, "patterns", &tables->patterns);
    const int children = moe_reader_children(source->reader, group);
    for (int i = 0; i < children && source->err->code == MOE_OK; i++) {
        char *columns;
        moe_reader_child(source->reader, group, i, name);
        snprintf(path, sizeof path, "%s/%s", group, name);
        if (is_table(source, path, name, &columns) && tables->count < MOE_TABLES_MAX)
            read_table(source, group, name, columns, tables);
        moe_pool_free(columns);
    }
}

/* This rank's share of a dataset of rows; returns them. */
static void *read_share(const struct source *source, const char *group, const char *name, enum moe_type type,
                        int width, int64_t *first, int64_t *mine, int64_t *all)
{
    char path[192];
    int64_t shape[2] = {0};
    const struct moe_comm *comm = source->comm;
    snprintf(path, sizeof path, "%s/%s", group, name);
    if (source->err->code == MOE_OK && moe_reader_shape(source->reader, path, 2, shape, source->err) == MOE_OK &&
        shape[1] != width)
        moe_fail(source->err, MOE_INPUT, "%s has %lld columns, not %d", path, (long long)shape[1], width);
    *all = shape[0];
    *first = moe_share_first(*all, comm->ranks, comm->rank);
    *mine = moe_share_count(*all, comm->ranks, comm->rank);
    void *data = moe_pool_new(MOE_POOL_CENSUS, (size_t)*mine * (size_t)width, sizeof(int64_t));
    if (source->err->code == MOE_OK)
        moe_reader_slab(source->reader, path, type, 2, shape, (const int64_t[]){*first, 0},
                        (const int64_t[]){*mine, width}, data, source->err);
    return data;
}

static void read_keys(const struct source *source, const char *census, const struct moe_scope *scope,
                      struct moe_census_keys *keys)
{
    char group[128];
    moe_scope_path(scope, 0, keys->path);
    snprintf(group, sizeof group, "%s/%s", census, keys->path);
    keys->key = read_share(source, group, "keys", MOE_U64, 2, &keys->first_pattern, &keys->patterns,
                           &keys->all_patterns);
    keys->row = read_share(source, group, "rows", MOE_I64, 5, &keys->first_row, &keys->rows, &keys->all_rows);
    if (scope->kind == MOE_SCOPE_PATH)
        keys->position = read_share(source, group, "positions", MOE_I64, 3, &keys->first_position, &keys->positions,
                                    &keys->all_positions);
}

static void read_census(const struct source *source, const struct moe_run *run, struct moe_finding *finding)
{
    const struct moe_census_shape *shape = &finding->snapshot.shape;
    struct moe_census *census = &finding->census;
    struct moe_pattern pattern;
    struct moe_scope *scope;
    char group[64];
    snprintf(group, sizeof group, "/census/step-%08d", finding->step);
    read_choices(source, group, run, &finding->snapshot);
    moe_pattern_init(&pattern, shape->experts, shape->top_k);
    const int scopes = moe_scopes(shape, &pattern, &scope);
    if (source->comm->rank == 0)
        census->tables = moe_pool_new(MOE_POOL_CENSUS, (size_t)(scopes + shape->tokens), sizeof *census->tables);
    if (shape->keep_keys)
        census->keys = moe_pool_new(MOE_POOL_CENSUS, (size_t)scopes, sizeof *census->keys);
    for (int s = 0; s < scopes; s++) {
        const int by_token = scope[s].kind == MOE_SCOPE_TOKEN_PATH;
        for (int t = 0; t < (by_token ? shape->tokens : 1) && source->comm->rank == 0; t++)
            read_tables(source, group, &scope[s], t, &census->tables[census->tables_count++]);
        if (shape->keep_keys && !by_token)
            read_keys(source, group, &scope[s], &census->keys[census->keys_count++]);
    }
    moe_pool_free(scope);
    moe_pattern_clear(&pattern);
}

enum moe_status moe_finding_read(struct moe_reader *reader, const struct moe_comm *comm, const struct moe_run *run,
                                 const struct moe_task *task, struct moe_finding *finding, struct moe_error *err)
{
    const struct source source = {reader, comm, err};
    moe_snapshot_init(&finding->snapshot, run, task);
    read_routing(&source, finding);
    read_census(&source, run, finding);
    return err->code;
}
