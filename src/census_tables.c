#include <stdio.h>
#include <string.h>

#include "src/census.h"
#include "src/pool.h"
#include "src/status.h"

/* Cells of one kind and group, or a histogram that was made from such: bin ascending, no add is 0. */
struct range {
    const struct moe_cell *cell;
    int64_t count;
};

/* What the tables of one scope are made from, and of which sizes they must turn out. */
struct source {
    const struct moe_census_shape *shape;
    const struct moe_group_sums *sums;  /* [MOE_GROUPS] */
    struct range all;                   /* all cells of the scope */
    int64_t samples;                    /* in a sequence */
};

/* A table while rows are added. */
struct rows {
    struct moe_table *table;
    void *value;
    size_t capacity;
};

static int cell_at_least(const struct moe_cell *cell, int kind, int group)
{
    return cell->kind != kind ? cell->kind > kind : cell->group >= group;
}

static int64_t lower_bound(struct range all, int kind, int group)
{
    int64_t low = 0, high = all.count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (cell_at_least(&all.cell[middle], kind, group))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static struct range cells_of(struct range all, int kind, int group)
{
    int64_t first = lower_bound(all, kind, group);
    return (struct range){all.cell + first, lower_bound(all, kind, group + 1) - first};
}

static int64_t sum_of(struct range range)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < range.count; i++)
        sum += range.cell[i].add;
    return sum;
}

static int64_t weighted_sum_of(struct range range)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < range.count; i++)
        sum += range.cell[i].bin * range.cell[i].add;
    return sum;
}

/* a + b as a histogram of its own, from moe_pool_new. */
static struct range add_ranges(struct range a, struct range b)
{
    struct moe_cell *sum = moe_pool_new(MOE_POOL_CENSUS, (size_t)(a.count + b.count), sizeof *sum);
    int64_t i = 0, j = 0, kept = 0;
    while (i < a.count || j < b.count) {
        struct moe_cell cell;
        if (j == b.count || (i < a.count && a.cell[i].bin < b.cell[j].bin)) {
            cell = a.cell[i++];
        } else {
            cell = b.cell[j];
            if (i < a.count && a.cell[i].bin == b.cell[j].bin)
                cell.add += a.cell[i++].add;
            j++;
        }
        if (cell.add != 0)
            sum[kept++] = cell;
    }
    return (struct range){sum, kept};
}

static void free_range(struct range range)
{
    moe_pool_free((void *)range.cell);
}

static struct rows begin_table(struct moe_scope_tables *tables, const char *name, const char *columns)
{
    MOE_CHECK(tables->count < MOE_TABLES_MAX);
    struct moe_table *table = &tables->table[tables->count++];
    *table = (struct moe_table){.width = 1};
    snprintf(table->name, sizeof table->name, "%s", name);
    snprintf(table->columns, sizeof table->columns, "%s", columns);
    for (const char *c = columns; *c; c++)
        table->width += *c == ' ';
    return (struct rows){.table = table};
}

static void add_row(struct rows *rows, int64_t a, int64_t b, int64_t c)
{
    struct moe_table *table = rows->table;
    size_t width = (size_t)table->width;
    moe_pool_grow(MOE_POOL_CENSUS, &rows->value, &rows->capacity, (size_t)table->rows + 1, width * sizeof(int64_t));
    int64_t row[3] = {a, b, c};
    memcpy((int64_t *)rows->value + (size_t)table->rows++ * width, row, width * sizeof *row);
}

static void end_table(struct rows *rows)
{
    rows->table->value = rows->value ? rows->value : moe_pool_new(MOE_POOL_CENSUS, 0, sizeof(int64_t));
}

/* Rows (bin, add), or with lead >= 0 (lead, bin, add). No histogram may count less than nothing. */
static void add_histogram(struct rows *rows, int64_t lead, struct range range)
{
    for (int64_t i = 0; i < range.count; i++) {
        const struct moe_cell *cell = &range.cell[i];
        MOE_CHECK(cell->add > 0 && cell->bin >= 0);
        if (lead < 0)
            add_row(rows, cell->bin, cell->add, 0);
        else
            add_row(rows, lead, cell->bin, cell->add);
    }
}

static int64_t sequences_of(const struct source *source, int first_group, int groups)
{
    int64_t sequences = 0;
    for (int group = first_group; group < first_group + groups; group++)
        sequences += source->sums[group].sequences;
    return sequences;
}

static int64_t holds_of(const struct source *source, int first_group, int groups)
{
    int64_t holds = 0;
    for (int group = first_group; group < first_group + groups; group++)
        holds += source->sums[group].holds;
    return holds;
}

static void add_fof(struct moe_scope_tables *tables, struct range fof, int64_t samples)
{
    struct rows rows = begin_table(tables, "fof", "count patterns");
    add_histogram(&rows, -1, fof);
    end_table(&rows);
    tables->samples = weighted_sum_of(fof);
    tables->patterns = sum_of(fof);
    MOE_CHECK(tables->samples == samples);
}

static void add_pairs_row(struct rows *rows, int64_t lead, unsigned __int128 pairs)
{
    int64_t high = (int64_t)(uint64_t)(pairs >> 64), low = (int64_t)(uint64_t)pairs;
    if (lead < 0)
        add_row(rows, high, low, 0);
    else
        add_row(rows, lead, high, low);
}

static unsigned __int128 all_pairs(const struct source *source)
{
    unsigned __int128 pairs = 0;
    for (int group = 0; group < MOE_GROUPS; group++)
        pairs += source->sums[group].pairs;
    return pairs;
}

/* incidence, one_sequence, pairs_within. */
static void add_by_sequence(struct moe_scope_tables *tables, const struct source *source)
{
    struct range incidence = cells_of(source->all, MOE_CELL_INCIDENCE, 0);
    MOE_CHECK(weighted_sum_of(incidence) == holds_of(source, 0, MOE_GROUPS));
    MOE_CHECK(sum_of(incidence) == tables->patterns);
    struct rows rows = begin_table(tables, "incidence", "sequences patterns");
    add_histogram(&rows, -1, incidence);
    end_table(&rows);

    rows = begin_table(tables, "one_sequence", "tokens");
    add_row(&rows, sum_of(cells_of(source->all, MOE_CELL_ONE_SEQUENCE, 0)), 0, 0);
    end_table(&rows);

    rows = begin_table(tables, "pairs_within", "high low");
    add_pairs_row(&rows, -1, all_pairs(source));
    end_table(&rows);
}

/* One histogram without each group in turn; `expected` of a group is what its bins must add up to. */
static void add_without(struct moe_scope_tables *tables, const struct source *source, const char *name,
                        const char *columns, int whole_kind, int change_kind,
                        int64_t expected(const struct source *source, int group))
{
    struct range whole = cells_of(source->all, whole_kind, 0);
    struct rows rows = begin_table(tables, name, columns);
    for (int group = 0; group < MOE_GROUPS; group++) {
        struct range left = add_ranges(whole, cells_of(source->all, change_kind, group));
        MOE_CHECK(weighted_sum_of(left) == expected(source, group));
        add_histogram(&rows, group, left);
        free_range(left);
    }
    end_table(&rows);
}

static int64_t samples_without(const struct source *source, int group)
{
    return source->samples * (sequences_of(source, 0, MOE_GROUPS) - sequences_of(source, group, 1));
}

static int64_t holds_without(const struct source *source, int group)
{
    return holds_of(source, 0, MOE_GROUPS) - holds_of(source, group, 1);
}

static void add_all_without(struct moe_scope_tables *tables, const struct source *source)
{
    add_without(tables, source, "without_group_fof", "group count patterns", MOE_CELL_FOF, MOE_CELL_FOF_WITHOUT,
                samples_without);
    add_without(tables, source, "without_group_incidence", "group sequences patterns", MOE_CELL_INCIDENCE,
                MOE_CELL_INCIDENCE_WITHOUT, holds_without);
    struct rows rows = begin_table(tables, "without_group_one_sequence", "group tokens");
    int64_t one = sum_of(cells_of(source->all, MOE_CELL_ONE_SEQUENCE, 0));
    for (int group = 0; group < MOE_GROUPS; group++) {
        int64_t left = one + sum_of(cells_of(source->all, MOE_CELL_ONE_SEQUENCE_WITHOUT, group));
        MOE_CHECK(0 <= left && left <= samples_without(source, group));
        add_row(&rows, group, left, 0);
    }
    end_table(&rows);
    rows = begin_table(tables, "without_group_pairs_within", "group high low");
    for (int group = 0; group < MOE_GROUPS; group++)
        add_pairs_row(&rows, group, all_pairs(source) - source->sums[group].pairs);
    end_table(&rows);
}

static void add_held_out(struct moe_scope_tables *tables, const struct source *source)
{
    struct rows rows = begin_table(tables, "held_out", "group count tokens");
    for (int group = 0; group < MOE_GROUPS; group++) {
        struct range held = cells_of(source->all, MOE_CELL_HELD_OUT, group);
        MOE_CHECK(sum_of(held) == source->samples * sequences_of(source, group, 1));
        add_histogram(&rows, group, held);
    }
    end_table(&rows);
}

static void add_split(struct moe_scope_tables *tables, const struct source *source)
{
    struct range split = cells_of(source->all, MOE_CELL_SPLIT, 0);
    struct range other = cells_of(source->all, MOE_CELL_SPLIT_SAMPLES, 0);
    int half = MOE_GROUPS / 2;
    MOE_CHECK(weighted_sum_of(split) == source->samples * sequences_of(source, 0, half));
    MOE_CHECK(sum_of(other) == source->samples * sequences_of(source, half, MOE_GROUPS - half));
    MOE_CHECK(sum_of(split) == tables->patterns);
    struct rows rows = begin_table(tables, "split", "count patterns tokens");
    for (int64_t i = 0, j = 0; i < split.count; i++) {
        int has_other = j < other.count && other.cell[j].bin == split.cell[i].bin;
        add_row(&rows, split.cell[i].bin, split.cell[i].add, has_other ? other.cell[j].add : 0);
        j += has_other;
    }
    end_table(&rows);
}

static void add_growth(struct moe_scope_tables *tables, const struct source *source)
{
    struct rows rows = begin_table(tables, "growth", "sequences count patterns");
    struct range seen = add_ranges((struct range){0}, (struct range){0});
    int cuts = moe_census_cuts(source->shape);
    for (int cut = 0; cut < cuts; cut++) {
        struct range more = add_ranges(seen, cells_of(source->all, MOE_CELL_GROWTH, cut));
        free_range(seen);
        seen = more;
        int64_t sequences = (int64_t)source->shape->batch << cut;
        MOE_CHECK(weighted_sum_of(seen) == source->samples * sequences);
        add_histogram(&rows, sequences, seen);
    }
    free_range(seen);
    end_table(&rows);
}

static void add_thinned(struct moe_scope_tables *tables, const struct source *source)
{
    struct range thinned = cells_of(source->all, MOE_CELL_THINNED, 0);
    MOE_CHECK(weighted_sum_of(thinned) == sequences_of(source, 0, MOE_GROUPS));
    struct rows rows = begin_table(tables, "thinned", "count patterns");
    add_histogram(&rows, -1, thinned);
    end_table(&rows);
}

static void add_pairs_by_group(struct moe_scope_tables *tables, const struct source *source)
{
    struct rows rows = begin_table(tables, "pairs_by_group", "group high low");
    for (int group = 0; group < MOE_GROUPS; group++)
        add_pairs_row(&rows, group, source->sums[group].pairs);
    end_table(&rows);
}

int moe_cells_tables(const struct moe_census_shape *shape, const struct moe_scope *scope,
                     const struct moe_cell *cells, int64_t count, const struct moe_group_sums *sums,
                     struct moe_scope_tables **tables)
{
    struct source source = {shape, sums, {cells, count}, scope->samples};
    MOE_CHECK(sequences_of(&source, 0, MOE_GROUPS) == shape->sequences);
    int by_token = scope->kind == MOE_SCOPE_TOKEN_PATH, parts = by_token ? shape->tokens : 1;
    *tables = moe_pool_new(MOE_POOL_CENSUS, (size_t)parts, sizeof **tables);
    for (int part = 0; part < parts; part++) {
        struct moe_scope_tables *made = *tables + part;
        made->scope = *scope;
        if (by_token)
            made->scope.samples = 1;
        moe_scope_path(scope, part, made->path);
        add_fof(made, cells_of(source.all, MOE_CELL_FOF, part), made->scope.samples * shape->sequences);
    }
    if (by_token)
        return parts;
    add_by_sequence(*tables, &source);
    add_all_without(*tables, &source);
    add_held_out(*tables, &source);
    add_split(*tables, &source);
    add_growth(*tables, &source);
    add_thinned(*tables, &source);
    if (shape->keep_keys)
        add_pairs_by_group(*tables, &source);
    return parts;
}

void moe_tables_free(struct moe_scope_tables *tables, int count)
{
    for (int i = 0; i < count; i++)
        for (int t = 0; t < tables[i].count; t++)
            moe_pool_free(tables[i].table[t].value);
    moe_pool_free(tables);
}

const struct moe_table *moe_tables_find(const struct moe_scope_tables *tables, const char *name)
{
    for (int t = 0; t < tables->count; t++)
        if (strcmp(tables->table[t].name, name) == 0)
            return &tables->table[t];
    return NULL;
}
