#include "analysis/merge.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/merge_parts.h"
#include "mpi/results.h"
#include "src/pool.h"

enum { MOST_CUTS = 64 };

/* A histogram (count, patterns) that stands for one cut of growth. */
struct cut {
    int known;
    int64_t rows, *value; /* [rows, 2]; from moe_pool_new */
};

/* The scope that is being merged. */
struct merged {
    const struct moe_parts *parts;
    const struct moe_scope *scope;
    struct moe_record *records;
    size_t capacity;
    int64_t count;
    struct moe_group_sums sums[MOE_GROUPS];
    int cuts;
    struct cut cut[MOST_CUTS];
};

static void merged_clear(struct merged *m)
{
    for (int c = 0; c < m->cuts; c++)
        moe_pool_free(m->cut[c].value);
    moe_pool_free(m->records);
}

/* The histogram of all records so far, for a cut where a part ends. */
static void fill_cut(struct merged *m, int c)
{
    struct moe_census_shape shape = m->parts->shape;
    struct moe_cell *cells;
    shape.sequences = 0; /* no cuts of its own */
    const int64_t count = moe_records_cells(&shape, m->scope, m->records, m->count, &cells);
    struct cut *cut = &m->cut[c];
    cut->known = 1;
    cut->value = moe_pool_new(MOE_POOL_CENSUS, 2 * (size_t)count, sizeof *cut->value);
    for (int64_t i = 0; i < count && cells[i].kind == MOE_CELL_FOF; i++) {
        cut->value[2 * cut->rows] = cells[i].bin;
        cut->value[2 * cut->rows++ + 1] = cells[i].add;
    }
    moe_pool_free(cells);
}

/* The cuts in the first part, from its own table of growth. */
static enum moe_status read_cuts(struct merged *m, struct moe_error *err)
{
    const struct moe_part *part = &m->parts->part[0];
    char scope[64], path[192];
    void *value;
    int64_t rows;
    moe_scope_path(m->scope, 0, scope);
    snprintf(path, sizeof path, "/census/%s/%s/growth", part->snapshot, scope);
    if (moe_part_table(part, path, MOE_I64, 3, &rows, &value, err) != MOE_OK)
        return err->code;
    const int64_t *row = value;
    int64_t next = 0;
    for (int c = 0; c < m->cuts && (int64_t)m->parts->shape.batch << c <= part->sequences; c++) {
        const int64_t sequences = (int64_t)m->parts->shape.batch << c;
        int64_t samples = 0;
        struct cut *cut = &m->cut[c];
        cut->known = 1;
        cut->value = moe_pool_new(MOE_POOL_CENSUS, 2 * (size_t)rows, sizeof *cut->value);
        for (; next < rows && row[3 * next] == sequences && row[3 * next + 1] > 0 && row[3 * next + 2] > 0; next++) {
            cut->value[2 * cut->rows] = row[3 * next + 1];
            cut->value[2 * cut->rows++ + 1] = row[3 * next + 2];
            samples += row[3 * next + 1] * row[3 * next + 2];
        }
        if (samples != m->scope->samples * sequences)
            moe_fail(err, MOE_INPUT, "%s: %s does not add up", part->name, path);
    }
    moe_pool_free(value);
    return err->code;
}

/* All parts' records of a scope, combined; a cut where a part ends is taken on the way. */
static enum moe_status gather(struct merged *m, struct moe_error *err)
{
    const struct moe_parts *parts = m->parts;
    const struct moe_census_shape *shape = &parts->shape;
    int64_t done = 0;
    m->cuts = moe_census_cuts(shape);
    MOE_CHECK(m->cuts <= MOST_CUTS);
    if (m->cuts > 0 && read_cuts(m, err) != MOE_OK)
        return err->code;
    for (int i = 0; i < parts->count; i++) {
        if (moe_part_records(parts, i, m->scope, &m->records, &m->capacity, &m->count, m->sums, err) != MOE_OK)
            return err->code;
        m->count = moe_records_combine(m->records, m->count);
        done += parts->part[i].sequences;
        for (int c = 0; c < m->cuts; c++)
            if (!m->cut[c].known && (int64_t)shape->batch << c == done)
                fill_cut(m, c);
    }
    for (int g = 0; g < MOE_GROUPS; g++)
        if (m->sums[g].sequences != parts->by_group[g])
            return moe_fail(err, MOE_INPUT, "%s: the scopes do not hold the same sequences", parts->part[0].name);
    return MOE_OK;
}

static void add_cell(void **cells, size_t *capacity, int64_t *count, struct moe_cell cell)
{
    moe_pool_grow(MOE_POOL_CENSUS, cells, capacity, (size_t)*count + 1, sizeof cell);
    ((struct moe_cell *)*cells)[(*count)++] = cell;
}

/* Adds the cuts as cells: each is there from its own cut on and gone at the next. A cut that nobody knows is one
 * pattern with all samples, since tables are checked to add up; drop_unknown takes it out again. */
static int64_t add_growth(const struct merged *m, struct moe_cell **cells, int64_t count)
{
    void *block = *cells;
    size_t capacity = (size_t)count;
    for (int c = 0; c < m->cuts; c++) {
        const struct cut *cut = &m->cut[c];
        const int64_t stand_in[2] = {m->scope->samples * ((int64_t)m->parts->shape.batch << c), 1};
        const int64_t *value = cut->known ? cut->value : stand_in, rows = cut->known ? cut->rows : 1;
        for (int64_t i = 0; i < rows; i++) {
            add_cell(&block, &capacity, &count, (struct moe_cell){MOE_CELL_GROWTH, c, value[2 * i], value[2 * i + 1]});
            if (c + 1 < m->cuts)
                add_cell(&block, &capacity, &count,
                         (struct moe_cell){MOE_CELL_GROWTH, c + 1, value[2 * i], -value[2 * i + 1]});
        }
    }
    *cells = block;
    return moe_cells_combine(*cells, count);
}

static void drop_unknown(const struct merged *m, struct moe_scope_tables *tables, struct moe_merge_gaps *gaps)
{
    for (int t = 0; t < tables->count; t++) {
        struct moe_table *table = &tables->table[t];
        int64_t kept = 0;
        if (strcmp(table->name, "growth") != 0)
            continue;
        for (int64_t i = 0; i < table->rows; i++) {
            int c = 0;
            while ((int64_t)m->parts->shape.batch << c != table->value[3 * i])
                c++;
            if (m->cut[c].known)
                memmove(table->value + 3 * kept++, table->value + 3 * i, 3 * sizeof *table->value);
        }
        table->rows = kept;
    }
    gaps->cuts = 0;
    gaps->first_cut = 0;
    for (int c = m->cuts - 1; c >= 0; c--)
        if (!m->cut[c].known) {
            gaps->cuts++;
            gaps->first_cut = (int64_t)m->parts->shape.batch << c;
        }
}

static void add_tables(struct moe_census *census, struct moe_scope_tables *made, int parts)
{
    for (int i = 0; i < parts; i++)
        census->tables[census->tables_count++] = made[i];
    moe_pool_free(made); /* the tables themselves live on in census */
}

static void add_keys(const struct merged *m, struct moe_census *census)
{
    struct moe_census_keys *keys = &census->keys[census->keys_count++];
    moe_scope_path(m->scope, 0, keys->path);
    moe_records_rows(m->records, m->count, &keys->patterns, &keys->key, &keys->rows, &keys->row);
    keys->all_patterns = keys->patterns;
    keys->all_rows = keys->rows;
}

static enum moe_status merge_scope(const struct moe_parts *parts, const struct moe_scope *scope,
                                   struct moe_census *census, struct moe_merge_gaps *gaps, struct moe_error *err)
{
    struct merged m = {.parts = parts, .scope = scope};
    if (gather(&m, err) == MOE_OK) {
        struct moe_census_shape none = parts->shape;
        struct moe_cell *cells;
        struct moe_scope_tables *made;
        none.sequences = 0; /* the records know no cuts */
        int64_t count = moe_records_cells(&none, scope, m.records, m.count, &cells);
        count = add_growth(&m, &cells, count);
        const int tables = moe_cells_tables(&parts->shape, scope, cells, count, m.sums, &made);
        moe_pool_free(cells);
        drop_unknown(&m, made, gaps);
        add_tables(census, made, tables);
        add_keys(&m, census);
    }
    merged_clear(&m);
    return err->code;
}

/* Paths by position, and their rows beside the keys of `path`, the scope before. */
static enum moe_status merge_positions(const struct moe_parts *parts, const struct moe_scope *scope,
                                       struct moe_census *census, struct moe_error *err)
{
    struct moe_group_sums sums[MOE_GROUPS] = {{0}};
    struct moe_record *records = NULL;
    size_t capacity = 0;
    int64_t count = 0;
    for (int g = 0; g < MOE_GROUPS; g++)
        sums[g].sequences = parts->by_group[g];
    for (int i = 0; i < parts->count && err->code == MOE_OK; i++)
        if (moe_part_positions(parts, i, &records, &capacity, &count, err) == MOE_OK)
            count = moe_records_combine(records, count);
    if (err->code == MOE_OK) {
        struct moe_census_keys *path = &census->keys[census->keys_count - 1];
        struct moe_cell *cells;
        struct moe_scope_tables *made;
        const int64_t cell_count = moe_records_cells(&parts->shape, scope, records, count, &cells);
        const int tables = moe_cells_tables(&parts->shape, scope, cells, cell_count, sums, &made);
        add_tables(census, made, tables);
        path->positions = path->all_positions = moe_records_positions(records, count, &path->position);
        moe_pool_free(cells);
    }
    moe_pool_free(records);
    return err->code;
}

static enum moe_status merge_census(const struct moe_parts *parts, struct moe_census *census,
                                    struct moe_merge_gaps *gaps, struct moe_error *err)
{
    struct moe_pattern pattern;
    struct moe_scope *scope;
    moe_pattern_init(&pattern, parts->shape.experts, parts->shape.top_k);
    const int scopes = moe_scopes(&parts->shape, &pattern, &scope);
    census->tables = moe_pool_new(MOE_POOL_CENSUS, (size_t)(scopes + parts->shape.tokens), sizeof *census->tables);
    census->keys = moe_pool_new(MOE_POOL_CENSUS, (size_t)scopes, sizeof *census->keys);
    for (int s = 0; s < scopes && err->code == MOE_OK; s++) {
        if (scope[s].kind != MOE_SCOPE_TOKEN_PATH)
            merge_scope(parts, &scope[s], census, gaps, err);
        else
            merge_positions(parts, &scope[s], census, err);
    }
    moe_pool_free(scope);
    moe_pattern_clear(&pattern);
    return err->code;
}

/* Whether the model laid out from the settings is the one of the files. */
static enum moe_status check_model(const struct moe_parts *parts, const struct moe_layout *layout,
                                   struct moe_error *err)
{
    const struct moe_part *part = &parts->part[0];
    int64_t total;
    if (moe_reader_int(part->reader, "/model", "parameters_total", &total, err) == MOE_OK &&
        total != moe_layout_counts(layout, &parts->run).total)
        moe_fail(err, MOE_INPUT, "%s: the parameters counted in /model are not those of its settings", part->name);
    return err->code;
}

/* Writes the merged finding by the writer of all results, on a communicator of this rank alone. */
static enum moe_status write_merged(const struct moe_parts *parts, struct moe_results *results,
                                    const char *output, struct moe_error *err)
{
    const struct moe_comm alone = {MPI_COMM_SELF, 0, 1};
    struct moe_exchange ex = moe_exchange_mpi(&alone);
    struct moe_model model = {.run = &parts->run, .task = &parts->task, .ex = &ex};
    moe_layout_init(&model.layout, &parts->run, &parts->task);
    results->comm = &alone;
    results->model = &model;
    if (check_model(parts, &model.layout, err) == MOE_OK)
        moe_results_write(results, output, err);
    moe_layout_clear(&model.layout);
    moe_exchange_mpi_free(&ex);
    return err->code;
}

enum moe_status moe_merge_files(const char *const *names, int count, const char *output, const char *command,
                                struct moe_merge_gaps *gaps, struct moe_error *err)
{
    struct moe_parts parts;
    *gaps = (struct moe_merge_gaps){0};
    if (moe_parts_open(&parts, names, count, err) == MOE_OK && moe_parts_groups(&parts, err) == MOE_OK) {
        char *config = moe_config_record_text(&parts.run, parts.part[0].checksum);
        struct moe_results results = {.verb = "census",
                                      .run = &parts.run,
                                      .task = &parts.task,
                                      .config = config,
                                      .checksum = parts.part[0].checksum,
                                      .command = command};
        struct moe_finding *finding = moe_results_add(&results, parts.step);
        if (moe_parts_snapshot(&parts, &finding->snapshot, err) == MOE_OK &&
            merge_census(&parts, &finding->census, gaps, err) == MOE_OK)
            write_merged(&parts, &results, output, err);
        moe_results_clear(&results);
        moe_pool_free(config);
    }
    moe_parts_close(&parts);
    return err->code;
}
