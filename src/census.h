/* Counting routing patterns: what one rank counts, and the tables that follow from the merged counts.
 *
 * A scope says what a pattern is: `expert` one choice in a layer, `subset` a token's K-set in a layer, `window` its
 * sets in two adjacent layers, `path` its sets in all layers, `sequence` all sets of all tokens (token-major, then
 * layer). The sequence is the sampling unit, so beside its count every pattern keeps the number of sequences that hold
 * it, split by sequence group (40, by counter) and by level (which power of two of the sequences had been counted).
 *
 * A record is one (pattern, tag). Records of the same pattern and tag add up; sorted records are all that the tables
 * are made from, so tables are the same for every number of ranks. The way: counter -> records -> (merge over ranks)
 * -> cells -> tables. */
#ifndef MOE_CENSUS_H
#define MOE_CENSUS_H

#include <stdint.h>

#include "src/pattern.h"

enum { MOE_GROUPS = 40, MOE_TABLES_MAX = 16, MOE_PARTITIONS = 1024 };

/* Bytes that a rank sends in one round of a merge, and that its counters may hold before they are moved to the owners
 * of their keys. */
enum { MOE_CENSUS_ROUND = 64 << 20, MOE_CENSUS_BUDGET = 256 << 20 };

struct moe_census_shape {
    int tokens, layers, experts, top_k; /* T, L, E, K */
    int64_t sequences, first;           /* how many, and the number of the first */
    int batch;                          /* growth is cut after batch x 2^i sequences */
    uint64_t seed;                      /* of groups and thinning */
    int keep_keys;
};

enum moe_scope_kind {
    MOE_SCOPE_EXPERT,
    MOE_SCOPE_SUBSET,
    MOE_SCOPE_WINDOW,
    MOE_SCOPE_PATH,
    MOE_SCOPE_TOKEN_PATH, /* path by token position: the tag is the position, only counts matter */
    MOE_SCOPE_SEQUENCE
};

/* One thing that is counted. TOKEN_PATH is one scope here and T groups of the file. */
struct moe_scope {
    enum moe_scope_kind kind;
    int layer;         /* of expert and subset; the first of a window; else 0 */
    int64_t sites;     /* K-sets in a pattern; 0 for expert, whose key is the expert */
    int64_t samples;   /* patterns counted in a sequence: K T, T or 1 */
    double ln_worst;   /* ln of the worst-case number of patterns */
    int exact;         /* keys are exact, not hashes */
};

/* The scopes of a shape in file order: expert by layer, subset by layer, window by pair (absent where L < 3: at L = 2
 * the only window is the path), path, token path, sequence. *scopes is from moe_pool_new.
 *
 * Ranks:  local
 * Errors: never returns without memory
 */
int moe_scopes(const struct moe_census_shape *shape, const struct moe_pattern *pattern, struct moe_scope **scopes);

/* The scope's group in the file: expert/layer-00, path, path/token-000 (of the given position), ...
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_scope_path(const struct moe_scope *scope, int position, char path[64]);

/* The group of a sequence: the first whole number below MOE_GROUPS of stream GROUPS, a = sequence.
 *
 * Ranks:  local
 * Errors: never fails
 */
int moe_census_group(uint64_t seed, int64_t sequence);

/* The level of the i-th sequence of a census, counted from 0: 0 below batch, then 1 + floor(log2(i / batch)).
 *
 * Ranks:  local
 * Errors: never fails
 */
int moe_census_level(int batch, int64_t i);

/* How many cuts of `growth` a census has: those of batch x 2^i that are no more than its sequences. Cut i holds the
 * levels up to i.
 *
 * Ranks:  local
 * Errors: never fails
 */
int moe_census_cuts(const struct moe_census_shape *shape);

struct moe_record {
    struct moe_key key;
    uint32_t tag;      /* group << 8 | level; the position in TOKEN_PATH */
    uint32_t pad;      /* 0 */
    int64_t count;     /* samples */
    int64_t sequences; /* that hold the pattern */
    int64_t thinned;   /* among the one sample drawn per sequence */
};

/* What is summed by group and needs no key. */
struct moe_group_sums {
    unsigned __int128 pairs; /* sum over sequences of sum over patterns of c^2, c the pattern's count in the sequence */
    int64_t sequences;       /* counted */
    int64_t holds;           /* (sequence, pattern) pairs: sum over sequences of distinct patterns */
};

struct moe_counter;

/* Empty counters for all scopes of a shape.
 *
 * Ranks:  local
 * Errors: never returns without memory
 */
struct moe_counter *moe_counter_new(const struct moe_census_shape *shape);
void moe_counter_free(struct moe_counter *counter);

/* Counts one sequence, number first <= sequence < first + sequences, each once and in any order. The sample that stands
 * for it in `thinned` is by stream THINNING, a = sequence: the first draw below T is the token, for all scopes but
 * `sequence`; the second below K is the choice in `expert`, counted by ascending experts.
 *   choices [T, L, K] int16   experts, in any order inside a site    in, borrowed
 *
 * Ranks:  local
 * Errors: ends the job when a site's choices are not K different experts below E
 */
void moe_counter_add(struct moe_counter *counter, int64_t sequence, const int16_t *choices);

/* What the counter counts; borrowed until moe_counter_free.
 *
 * Ranks:  local
 * Errors: never fails
 */
int moe_counter_scopes(const struct moe_counter *counter, const struct moe_scope **scopes);
const struct moe_pattern *moe_counter_pattern(const struct moe_counter *counter);
const struct moe_census_shape *moe_counter_shape(const struct moe_counter *counter);

/* Bytes held in all tables: what decides when to flush.
 *
 * Ranks:  local
 * Errors: never fails
 */
int64_t moe_counter_bytes(const struct moe_counter *counter);

/* Moves a scope's records out, in no order; its table is empty afterwards. *records is from moe_pool_new and the
 * caller's. Only between sequences.
 *
 * Ranks:  local
 * Errors: never returns without memory
 */
int64_t moe_counter_take(struct moe_counter *counter, int scope, struct moe_record **records);

/* A scope's sums since the counter was new, whatever was taken. Adds to sums [MOE_GROUPS].
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_counter_sums(const struct moe_counter *counter, int scope, struct moe_group_sums *sums);

/* The fixed partition of a key, 0 .. MOE_PARTITIONS - 1. Ranks own partitions, and files keep keys in their order.
 *
 * Ranks:  local
 * Errors: never fails
 */
int moe_key_partition(struct moe_key key);

/* Sorts records into the order of files (partition, key, tag) and adds up equal ones, in place; returns how many are
 * left.
 *
 * Ranks:  local
 * Errors: never fails
 */
int64_t moe_records_combine(struct moe_record *records, int64_t count);

/* The patterns of combined records of one scope, and their rows, each summed over levels.
 *   *keys [patterns, 2] uint64   high, low                                        out, from moe_pool_new
 *   *rows [rows, 5] int64        pattern (from 0), group, count, sequences, thinned    out, from moe_pool_new
 *
 * Ranks:  local
 * Errors: never returns without memory
 */
void moe_records_rows(const struct moe_record *records, int64_t count, int64_t *patterns, uint64_t **keys,
                      int64_t *rows_count, int64_t **rows);

/* The rows of combined records of the scope TOKEN_PATH. Its patterns are those of `path`, in the same order.
 *   *rows [result, 3] int64      pattern (from 0), token, count                    out, from moe_pool_new
 *
 * Ranks:  local
 * Errors: never returns without memory
 */
int64_t moe_records_positions(const struct moe_record *records, int64_t count, int64_t **rows);

/* What records add to the tables, as cells of histograms. Cells of several ranges of keys add up to the whole
 * (moe_cells_combine). The cells `without` a group are changes against the whole histogram, those of growth changes
 * against the cut before, so that their number follows that of the records; adds may be negative. */
enum moe_cell_kind {
    MOE_CELL_FOF = 1,             /* bin: count; add: patterns; group: the position in TOKEN_PATH */
    MOE_CELL_INCIDENCE,           /* bin: sequences; add: patterns */
    MOE_CELL_ONE_SEQUENCE,        /* bin: 0; add: samples */
    MOE_CELL_FOF_WITHOUT,         /* the same three, as changes, by group */
    MOE_CELL_INCIDENCE_WITHOUT,
    MOE_CELL_ONE_SEQUENCE_WITHOUT,
    MOE_CELL_HELD_OUT,            /* bin: count in the other groups; add: samples; by group */
    MOE_CELL_SPLIT,               /* bin: count in the first half of the groups; add: patterns */
    MOE_CELL_SPLIT_SAMPLES,       /* the same bin; add: samples in the other half */
    MOE_CELL_GROWTH,              /* bin: count; add: change of patterns; group: the cut */
    MOE_CELL_THINNED              /* bin: count; add: patterns */
};

struct moe_cell {
    int32_t kind;  /* enum moe_cell_kind */
    int32_t group;
    int64_t bin;
    int64_t add;   /* not 0 in combined cells */
};

/* Makes the cells of combined records of one scope; *cells is from moe_pool_new, combined.
 *
 * Ranks:  local
 * Errors: never returns without memory
 */
int64_t moe_records_cells(const struct moe_census_shape *shape, const struct moe_scope *scope,
                          const struct moe_record *records, int64_t count, struct moe_cell **cells);

/* Adds up equal cells in place, sorted by kind, group and bin, and drops those that add 0; returns how many are left.
 *
 * Ranks:  local
 * Errors: never fails
 */
int64_t moe_cells_combine(struct moe_cell *cells, int64_t count);

/* A table of whole numbers, rows sorted by their leading columns. Rows that would count nothing are absent. */
struct moe_table {
    char name[32];        /* fof, incidence, ... */
    char columns[48];     /* "count patterns", ... */
    int width;            /* columns */
    int64_t rows;
    int64_t *value;       /* [rows, width]; from moe_pool_new; `high` and `low` are the halves of unsigned 128 bits */
};

/* All tables of one group of the file. */
struct moe_scope_tables {
    char path[64];        /* as moe_scope_path */
    struct moe_scope scope;
    int64_t samples;      /* all samples counted */
    int64_t patterns;     /* distinct */
    int count;
    struct moe_table table[MOE_TABLES_MAX];
};

/* Turns all cells of a scope, combined, and its sums [MOE_GROUPS] into the tables of the file: one struct for most
 * scopes, T for TOKEN_PATH, whose scope is that of one position. *tables is from moe_pool_new; moe_tables_free gives
 * back both. All sequences of the shape must have been counted.
 *
 * Ranks:  local
 * Errors: ends the job with MOE_BUG if an invariant breaks: every table must add up to what was counted
 */
int moe_cells_tables(const struct moe_census_shape *shape, const struct moe_scope *scope,
                     const struct moe_cell *cells, int64_t count, const struct moe_group_sums *sums,
                     struct moe_scope_tables **tables);
void moe_tables_free(struct moe_scope_tables *tables, int count);

/* The table of that name, or null.
 *
 * Ranks:  local
 * Errors: never fails
 */
const struct moe_table *moe_tables_find(const struct moe_scope_tables *tables, const char *name);

#endif
