#include <stdlib.h>
#include <string.h>

#include "src/census.h"
#include "src/pool.h"

enum { MAX_LEVELS = 64, FIRST_CAPACITY = 256 };

/* Cells by open addressing; kind 0 is a free slot. */
struct cells {
    struct moe_cell *slot;
    size_t capacity, used; /* capacity is a power of two */
};

/* One pattern, summed over its records. */
struct total {
    int64_t count, sequences, thinned;
    int64_t first_half;          /* samples in the first half of the groups */
    uint64_t levels;             /* bit per level that has samples */
    int64_t level[MAX_LEVELS];   /* samples by level; defined where the bit is set */
};

static struct moe_cell *find_cell(const struct cells *cells, int kind, int group, int64_t bin)
{
    uint64_t hash = ((uint64_t)bin ^ (uint64_t)group << 40 ^ (uint64_t)kind << 56) * 0x9e3779b97f4a7c15u;
    hash = (hash ^ hash >> 32) * 0xd6e8feb86659fd93u;
    size_t place = (hash ^ hash >> 32) & (cells->capacity - 1);
    for (;; place = (place + 1) & (cells->capacity - 1)) {
        struct moe_cell *cell = &cells->slot[place];
        if (cell->kind == 0 || (cell->bin == bin && cell->group == group && cell->kind == kind))
            return cell;
    }
}

static void grow_cells(struct cells *cells)
{
    struct cells old = *cells;
    cells->capacity = old.capacity ? 2 * old.capacity : FIRST_CAPACITY;
    cells->slot = moe_pool_new(MOE_POOL_CENSUS, cells->capacity, sizeof *cells->slot);
    for (size_t i = 0; i < old.capacity; i++)
        if (old.slot[i].kind)
            *find_cell(cells, old.slot[i].kind, old.slot[i].group, old.slot[i].bin) = old.slot[i];
    moe_pool_free(old.slot);
}

static void add_cell(struct cells *cells, int kind, int group, int64_t bin, int64_t add)
{
    if (2 * cells->used >= cells->capacity)
        grow_cells(cells);
    struct moe_cell *cell = find_cell(cells, kind, group, bin);
    if (cell->kind == 0) {
        *cell = (struct moe_cell){kind, group, bin, 0};
        cells->used++;
    }
    cell->add += add;
}

static void sum_pattern(const struct moe_record *records, int64_t count, struct total *total)
{
    total->count = total->sequences = total->thinned = total->first_half = 0;
    total->levels = 0;
    for (int64_t i = 0; i < count; i++) {
        uint32_t group = records[i].tag >> 8, level = records[i].tag & 0xff;
        total->count += records[i].count;
        total->sequences += records[i].sequences;
        total->thinned += records[i].thinned;
        if (group < MOE_GROUPS / 2)
            total->first_half += records[i].count;
        if (!(total->levels >> level & 1))
            total->level[level] = 0;
        total->levels |= (uint64_t)1 << level;
        total->level[level] += records[i].count;
    }
}

static void add_whole(struct cells *cells, const struct total *total, int cuts)
{
    add_cell(cells, MOE_CELL_FOF, 0, total->count, 1);
    add_cell(cells, MOE_CELL_INCIDENCE, 0, total->sequences, 1);
    if (total->sequences == 1)
        add_cell(cells, MOE_CELL_ONE_SEQUENCE, 0, 0, total->count);
    add_cell(cells, MOE_CELL_SPLIT, 0, total->first_half, 1);
    if (total->count > total->first_half)
        add_cell(cells, MOE_CELL_SPLIT_SAMPLES, 0, total->first_half, total->count - total->first_half);
    if (total->thinned > 0)
        add_cell(cells, MOE_CELL_THINNED, 0, total->thinned, 1);
    int64_t seen = 0;
    for (int level = 0; level < cuts; level++) {
        if (!(total->levels >> level & 1))
            continue;
        if (seen > 0)
            add_cell(cells, MOE_CELL_GROWTH, level, seen, -1);
        seen += total->level[level];
        add_cell(cells, MOE_CELL_GROWTH, level, seen, 1);
    }
}

/* What leaving out a group changes for a pattern that the group holds `count` times in `sequences`. */
static void add_without(struct cells *cells, const struct total *total, int group, int64_t count, int64_t sequences)
{
    int64_t others = total->count - count, other_sequences = total->sequences - sequences;
    add_cell(cells, MOE_CELL_HELD_OUT, group, others, count);
    add_cell(cells, MOE_CELL_FOF_WITHOUT, group, total->count, -1);
    add_cell(cells, MOE_CELL_INCIDENCE_WITHOUT, group, total->sequences, -1);
    if (others > 0) {
        add_cell(cells, MOE_CELL_FOF_WITHOUT, group, others, 1);
        add_cell(cells, MOE_CELL_INCIDENCE_WITHOUT, group, other_sequences, 1);
    }
    if (total->sequences == 1)
        add_cell(cells, MOE_CELL_ONE_SEQUENCE_WITHOUT, group, 0, -total->count);
    if (other_sequences == 1)
        add_cell(cells, MOE_CELL_ONE_SEQUENCE_WITHOUT, group, 0, others);
}

static void add_pattern(struct cells *cells, const struct moe_record *records, int64_t count, int cuts)
{
    struct total total;
    sum_pattern(records, count, &total);
    add_whole(cells, &total, cuts);
    for (int64_t i = 0; i < count;) {
        uint32_t group = records[i].tag >> 8;
        int64_t samples = 0, sequences = 0;
        for (; i < count && records[i].tag >> 8 == group; i++) {
            samples += records[i].count;
            sequences += records[i].sequences;
        }
        add_without(cells, &total, (int)group, samples, sequences);
    }
}

int64_t moe_records_cells(const struct moe_census_shape *shape, const struct moe_scope *scope,
                          const struct moe_record *records, int64_t count, struct moe_cell **cells)
{
    struct cells table = {0};
    grow_cells(&table);
    int cuts = moe_census_cuts(shape);
    for (int64_t first = 0, end; first < count; first = end) {
        end = first + 1;
        if (scope->kind == MOE_SCOPE_TOKEN_PATH) {
            add_cell(&table, MOE_CELL_FOF, (int)records[first].tag, records[first].count, 1);
            continue;
        }
        while (end < count && records[end].key.low == records[first].key.low &&
               records[end].key.high == records[first].key.high)
            end++;
        add_pattern(&table, records + first, end - first, cuts);
    }
    int64_t used = 0;
    for (size_t i = 0; i < table.capacity; i++)
        if (table.slot[i].kind)
            table.slot[used++] = table.slot[i];
    *cells = table.slot;
    return moe_cells_combine(*cells, used);
}

static int compare_cells(const void *left, const void *right)
{
    const struct moe_cell *a = left, *b = right;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    return (a->bin > b->bin) - (a->bin < b->bin);
}

int64_t moe_cells_combine(struct moe_cell *cells, int64_t count)
{
    qsort(cells, (size_t)count, sizeof *cells, compare_cells);
    int64_t kept = 0;
    for (int64_t i = 0; i < count;) {
        struct moe_cell cell = cells[i++];
        for (; i < count && compare_cells(&cell, &cells[i]) == 0; i++)
            cell.add += cells[i].add;
        if (cell.add != 0)
            cells[kept++] = cell;
    }
    return kept;
}
