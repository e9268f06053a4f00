/* The census of one rank against a recount by the plain definitions: a matrix of counts, pattern by sequence. */
#include "src/census.h"

#include "src/pool.h"
#include "tests/routes.h"
#include "tests/tap.h"

enum { MAX_IDS = 8192, MAX_WIDTH = 1024, MAX_SEQUENCES = 200, MAX_ROWS = 400000 };

/* One scope recounted. Patterns are lists of choices, found again by comparing with all known ones. */
static struct {
    const struct moe_census_shape *shape;
    int ids, width, group[MAX_SEQUENCES];
    int16_t pattern[MAX_IDS][MAX_WIDTH];
    int64_t count[MAX_IDS][MAX_SEQUENCES];
    int64_t thinned[MAX_IDS][MAX_SEQUENCES];
    int use[MAX_SEQUENCES];             /* the sequences that the next table is about */
    int64_t row[MAX_ROWS], values;      /* the expected table */
} brute;

static int compare_choices(const void *a, const void *b)
{
    return *(const int16_t *)a - *(const int16_t *)b;
}

static int find_pattern(const int16_t *pattern)
{
    int id = 0;
    while (id < brute.ids && memcmp(brute.pattern[id], pattern, (size_t)brute.width * sizeof *pattern))
        id++;
    if (id == brute.ids) {
        if (id == MAX_IDS)
            bail("too many patterns for this test");
        memcpy(brute.pattern[brute.ids++], pattern, (size_t)brute.width * sizeof *pattern);
    }
    return id;
}

static void recount(const struct moe_census_shape *shape, const struct moe_scope *scope, int position)
{
    int k = shape->top_k, choices_count = shape->tokens * shape->layers * k;
    int16_t *choices = calloc((size_t)choices_count, sizeof *choices);
    memset(&brute, 0, sizeof brute);
    brute.shape = shape;
    brute.width = scope->kind == MOE_SCOPE_EXPERT ? 1 : (int)scope->sites * k;
    for (int s = 0; s < shape->sequences; s++) {
        struct moe_random random;
        moe_random_init(&random, shape->seed, MOE_STREAM_GROUPS, (uint64_t)(shape->first + s), 0);
        brute.group[s] = (int)moe_random_below(&random, 40);
        moe_random_init(&random, shape->seed, MOE_STREAM_THINNING, (uint64_t)(shape->first + s), 0);
        int64_t drawn = (int64_t)moe_random_below(&random, (uint64_t)shape->tokens);
        if (scope->kind == MOE_SCOPE_EXPERT)
            drawn = drawn * k + (int64_t)moe_random_below(&random, (uint64_t)k);
        if (scope->kind == MOE_SCOPE_SEQUENCE)
            drawn = 0;
        routes_of(shape, shape->first + s, choices);
        for (int site = 0; site < choices_count / k; site++)
            qsort(choices + site * k, (size_t)k, sizeof *choices, compare_choices);
        for (int64_t i = 0; i < scope->samples; i++) {
            int64_t token = scope->kind == MOE_SCOPE_EXPERT ? i / k : i;
            int64_t choice = scope->kind == MOE_SCOPE_EXPERT ? i % k : 0;
            if (scope->kind == MOE_SCOPE_TOKEN_PATH && i != position)
                continue;
            int id = find_pattern(choices + (token * shape->layers + scope->layer) * k + choice);
            brute.count[id][s]++;
            brute.thinned[id][s] += i == drawn;
        }
    }
    free(choices);
}

/* All of these are about the sequences in use. */
static int64_t sum_used(const int64_t *by_sequence)
{
    int64_t sum = 0;
    for (int s = 0; s < brute.shape->sequences; s++)
        sum += brute.use[s] * by_sequence[s];
    return sum;
}

static int64_t count_of(int id)
{
    return sum_used(brute.count[id]);
}

static int64_t thinned_of(int id)
{
    return sum_used(brute.thinned[id]);
}

static int64_t sequences_of(int id)
{
    int64_t sum = 0;
    for (int s = 0; s < brute.shape->sequences; s++)
        sum += brute.use[s] && brute.count[id][s] > 0;
    return sum;
}

/* The sequences of groups first .. last only, or with `other` all but those. */
static void use_groups(int first, int last, int other)
{
    for (int s = 0; s < brute.shape->sequences; s++)
        brute.use[s] = (first <= brute.group[s] && brute.group[s] <= last) != other;
}

static void expect(int64_t value)
{
    if (brute.values == MAX_ROWS)
        bail("too many rows for this test");
    brute.row[brute.values++] = value;
}

/* Rows (lead, value, patterns) of the values that are not 0. */
static void expect_histogram(int64_t lead, int64_t value_of(int id))
{
    int64_t seen[MAX_IDS], least = 0;
    for (int id = 0; id < brute.ids; id++)
        seen[id] = value_of(id);
    for (;;) {
        int64_t next = INT64_MAX, patterns = 0;
        for (int id = 0; id < brute.ids; id++)
            if (seen[id] > least && seen[id] < next)
                next = seen[id];
        if (next == INT64_MAX)
            return;
        for (int id = 0; id < brute.ids; id++)
            patterns += seen[id] == next;
        if (lead >= 0)
            expect(lead);
        expect(next);
        expect(patterns);
        least = next;
    }
}

static int64_t one_sequence(void)
{
    int64_t tokens = 0;
    for (int id = 0; id < brute.ids; id++)
        tokens += sequences_of(id) == 1 ? count_of(id) : 0;
    return tokens;
}

static void expect_pairs(void)
{
    int64_t pairs = 0;
    for (int id = 0; id < brute.ids; id++)
        for (int s = 0; s < brute.shape->sequences; s++)
            pairs += brute.use[s] * brute.count[id][s] * brute.count[id][s];
    expect(0);
    expect(pairs);
}

/* Rows by the count that `use` gives a pattern: patterns (if asked for) and samples in the sequences not in use. */
static void expect_others(int64_t lead, int with_patterns)
{
    int64_t in[MAX_IDS], out[MAX_IDS];
    int64_t least = -1;
    for (int id = 0; id < brute.ids; id++) {
        in[id] = count_of(id);
        out[id] = -in[id];
        for (int s = 0; s < brute.shape->sequences; s++)
            out[id] += brute.count[id][s];
    }
    for (;;) {
        int64_t next = INT64_MAX, patterns = 0, samples = 0;
        for (int id = 0; id < brute.ids; id++)
            if (in[id] > least && in[id] < next && (with_patterns || out[id]))
                next = in[id];
        if (next == INT64_MAX)
            return;
        for (int id = 0; id < brute.ids; id++) {
            patterns += in[id] == next;
            samples += in[id] == next ? out[id] : 0;
        }
        if (lead >= 0)
            expect(lead);
        expect(next);
        if (with_patterns)
            expect(patterns);
        expect(samples);
        least = next;
    }
}

static int as_expected(const struct moe_scope_tables *tables, const char *name)
{
    const struct moe_table *table = moe_tables_find(tables, name);
    int same = table && table->rows * table->width == brute.values &&
               !memcmp(table->value, brute.row, (size_t)brute.values * sizeof *brute.row);
    if (!same)
        diag("%s %s is wrong", tables->path, name);
    brute.values = 0;
    return same;
}

static int check_all_without(const struct moe_scope_tables *tables)
{
    int good = 1;
    for (int g = 0; g < MOE_GROUPS; g++) {
        use_groups(g, g, 1);
        expect_histogram(g, count_of);
    }
    good &= as_expected(tables, "without_group_fof");
    for (int g = 0; g < MOE_GROUPS; g++) {
        use_groups(g, g, 1);
        expect_histogram(g, sequences_of);
    }
    good &= as_expected(tables, "without_group_incidence");
    for (int g = 0; g < MOE_GROUPS; g++) {
        use_groups(g, g, 1);
        expect(g);
        expect(one_sequence());
    }
    good &= as_expected(tables, "without_group_one_sequence");
    for (int g = 0; g < MOE_GROUPS; g++) {
        use_groups(g, g, 1);
        expect(g);
        expect_pairs();
    }
    good &= as_expected(tables, "without_group_pairs_within");
    for (int g = 0; g < MOE_GROUPS; g++) {
        use_groups(g, g, 0);
        expect(g);
        expect_pairs();
    }
    good &= as_expected(tables, "pairs_by_group");
    for (int g = 0; g < MOE_GROUPS; g++) {
        use_groups(g, g, 1);
        expect_others(g, 0);
    }
    return good & as_expected(tables, "held_out");
}

static int check_tables(const struct moe_scope_tables *tables)
{
    const struct moe_census_shape *shape = brute.shape;
    use_groups(0, MOE_GROUPS, 0);
    expect_histogram(-1, count_of);
    int good = as_expected(tables, "fof") && tables->patterns == brute.ids;
    good &= tables->samples == tables->scope.samples * shape->sequences;
    if (tables->scope.kind == MOE_SCOPE_TOKEN_PATH)
        return good & (tables->count == 1);
    expect_histogram(-1, sequences_of);
    good &= as_expected(tables, "incidence");
    expect(one_sequence());
    good &= as_expected(tables, "one_sequence");
    expect_pairs();
    good &= as_expected(tables, "pairs_within");
    expect_histogram(-1, thinned_of);
    good &= as_expected(tables, "thinned");
    good &= check_all_without(tables);
    use_groups(0, 19, 0);
    expect_others(-1, 1);
    good &= as_expected(tables, "split");
    for (int64_t cut = shape->batch; cut <= shape->sequences; cut *= 2) {
        for (int s = 0; s < shape->sequences; s++)
            brute.use[s] = s < cut;
        expect_histogram(cut, count_of);
    }
    return good & as_expected(tables, "growth");
}

/* The pattern's key as the format defines it, for the recounted pattern `id`. */
static struct moe_key key_of(const struct moe_scope *scope, const struct moe_pattern *pattern, int id)
{
    if (scope->kind == MOE_SCOPE_EXPERT)
        return (struct moe_key){0, (uint64_t)brute.pattern[id][0]};
    return moe_pattern_key(pattern, brute.pattern[id], scope->sites);
}

static int check_rows(const struct moe_scope *scope, const struct moe_pattern *pattern,
                      const struct moe_record *records, int64_t count)
{
    int64_t patterns, rows, *row, next = 0;
    uint64_t *key;
    moe_records_rows(records, count, &patterns, &key, &rows, &row);
    int good = patterns == brute.ids, last = -1;
    for (int64_t p = 0; p < patterns && good; p++) {
        struct moe_key want, this = {key[2 * p], key[2 * p + 1]};
        int id = 0, partition = moe_key_partition(this);
        for (; id < brute.ids; id++) {
            want = key_of(scope, pattern, id);
            if (want.high == this.high && want.low == this.low)
                break;
        }
        good &= id < brute.ids && partition >= last;
        good &= partition > last || key[2 * p - 2] < this.high ||
                (key[2 * p - 2] == this.high && key[2 * p - 1] < this.low);
        last = partition;
        for (int g = 0; g < MOE_GROUPS && good; g++) {
            use_groups(g, g, 0);
            if (count_of(id) == 0)
                continue;
            int64_t expected[5] = {p, g, count_of(id), sequences_of(id), thinned_of(id)};
            good &= next < rows && !memcmp(row + 5 * next++, expected, sizeof expected);
        }
    }
    good &= next == rows;
    moe_pool_free(row);
    moe_pool_free(key);
    return good;
}

static void test_scope(const struct moe_census_shape *shape, struct moe_counter *counter, int s)
{
    const struct moe_scope *scope;
    struct moe_record *records;
    struct moe_cell *cells;
    struct moe_scope_tables *tables;
    struct moe_group_sums sums[MOE_GROUPS] = {0};
    moe_counter_scopes(counter, &scope);
    scope += s;
    int64_t count = moe_counter_take(counter, s, &records);
    count = moe_records_combine(records, count);
    int64_t cell_count = moe_records_cells(shape, scope, records, count, &cells);
    moe_counter_sums(counter, s, sums);
    int parts = moe_cells_tables(shape, scope, cells, cell_count, sums, &tables), good = 1;
    for (int part = 0; part < parts; part++) {
        recount(shape, scope, part);
        good &= check_tables(&tables[part]);
    }
    ok(good, "%s: tables as recounted", tables->path);
    if (scope->kind != MOE_SCOPE_TOKEN_PATH)
        ok(check_rows(scope, moe_counter_pattern(counter), records, count), "%s: keys and rows as recounted",
           tables->path);
    moe_tables_free(tables, parts);
    moe_pool_free(cells);
    moe_pool_free(records);
}

static void test_shape(const struct moe_census_shape *shape)
{
    struct moe_counter *counter = moe_counter_new(shape);
    int16_t *choices = calloc((size_t)(shape->tokens * shape->layers * shape->top_k), sizeof *choices);
    for (int64_t i = 0; i < shape->sequences; i++) {
        int64_t sequence = shape->first + i * 7 % shape->sequences; /* any order does; no size is a multiple of 7 */
        routes_of(shape, sequence, choices);
        moe_counter_add(counter, sequence, choices);
    }
    const struct moe_scope *scope;
    int scopes = moe_counter_scopes(counter, &scope), windows = shape->layers < 3 ? 0 : shape->layers - 1;
    is_int(scopes, 2 * shape->layers + windows + 3, "scopes of E %d, K %d, L %d, T %d, %lld sequences", shape->experts,
           shape->top_k, shape->layers, shape->tokens, (long long)shape->sequences);
    for (int s = 0; s < scopes; s++)
        test_scope(shape, counter, s);
    is_int(moe_counter_bytes(counter), 0, "nothing is held after all was taken");
    free(choices);
    moe_counter_free(counter);
}

static void test_helpers(void)
{
    is_int(moe_census_level(4, 3), 0, "level before the first cut");
    is_int(moe_census_level(4, 4), 1, "level after the first cut");
    is_int(moe_census_level(4, 8), 2, "level after the second cut");
    struct moe_census_shape shape = {.batch = 4};
    static const int64_t sizes[] = {0, 3, 4, 7, 8, 100};
    static const int cuts[] = {0, 0, 1, 1, 2, 5};
    for (int i = 0; i < 6; i++) {
        shape.sequences = sizes[i];
        is_int(moe_census_cuts(&shape), cuts[i], "cuts of %lld sequences", (long long)sizes[i]);
    }
}

/* Sums of squares beyond 64 bits come out as their two halves. */
static void test_wide_pairs(void)
{
    struct moe_census_shape shape = {.tokens = 1, .layers = 1, .experts = 2, .top_k = 1, .batch = 1, .keep_keys = 1};
    struct moe_scope scope = {.kind = MOE_SCOPE_SUBSET, .sites = 1, .samples = 1};
    struct moe_group_sums sums[MOE_GROUPS] = {0};
    struct moe_scope_tables *tables;
    sums[3].pairs = ~(unsigned __int128)0 / 5;
    sums[4].pairs = (unsigned __int128)9 << 64;
    int parts = moe_cells_tables(&shape, &scope, NULL, 0, sums, &tables);
    const int64_t *whole = moe_tables_find(tables, "pairs_within")->value;
    const int64_t *without = moe_tables_find(tables, "without_group_pairs_within")->value;
    is_int(whole[0], INT64_C(0x333333333333333c), "high half of the pairs");
    is_int(whole[1], INT64_C(0x3333333333333333), "low half of the pairs");
    is_int(without[3 * 3 + 1], 9, "high half without group 3");
    is_int(without[3 * 3 + 2], 0, "low half without group 3");
    moe_tables_free(tables, parts);
}

int main(void)
{
    static const struct moe_census_shape shapes[] = {
        /* T, L, E, K, sequences, first, batch, seed, keep_keys */
        {4, 1, 5, 3, 150, 7, 8, 11, 1},       {3, 2, 1, 1, 50, 0, 4, 12, 1},    {3, 3, 4, 2, 100, 1000, 16, 13, 1},
        {2, 2, 3, 3, 71, 0, 16, 14, 1},       {20, 2, 8, 2, 64, 0, 64, 15, 1},  {3, 2, 300, 8, 90, 5, 8, 16, 1},
        {2, 2, 256, 128, 30, 1ll << 40, 8, 17, 1}, {1, 1, 4, 1, 200, 3, 1, 18, 1}, {2, 2, 4, 2, 5, 0, 8, 19, 1},
        {2, 1, 4, 2, 0, 0, 8, 20, 1},
    };
    test_helpers();
    test_wide_pairs();
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        test_shape(&shapes[i]);
    is_int((long long)moe_pool_bytes(MOE_POOL_CENSUS), 0, "all memory was given back");
    return tap_done();
}
