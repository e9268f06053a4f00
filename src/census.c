#include "src/census.h"

#include <math.h>
#include <stdio.h>

#include "src/pool.h"
#include "src/random.h"
#include "src/status.h"
#include "src/tally.h"

struct moe_counter {
    struct moe_census_shape shape;
    struct moe_pattern pattern;
    int scopes;
    struct moe_scope *scope;
    struct moe_tally *tally;          /* [scopes] */
    struct moe_group_sums *sums;      /* [scopes, MOE_GROUPS] */
    uint16_t *sorted;                 /* [T, L, K]: the sequence that is being counted */
    unsigned __int128 *ranks;         /* [T, L] */
    struct moe_key **keys;            /* [scopes][samples]: its samples; TOKEN_PATH shares those of PATH */
    struct moe_key *key_block;
};

static void add_scope(struct moe_scope **next, const struct moe_census_shape *shape,
                      const struct moe_pattern *pattern, enum moe_scope_kind kind, int layer, int64_t sites)
{
    int64_t samples = kind == MOE_SCOPE_SEQUENCE ? 1 : shape->tokens;
    *(*next)++ = (struct moe_scope){
        .kind = kind,
        .layer = layer,
        .sites = sites,
        .samples = kind == MOE_SCOPE_EXPERT ? samples * shape->top_k : samples,
        .ln_worst = kind == MOE_SCOPE_EXPERT ? log(shape->experts) : (double)sites * pattern->ln_subsets,
        .exact = kind == MOE_SCOPE_EXPERT || moe_pattern_is_exact(pattern, sites),
    };
}

int moe_scopes(const struct moe_census_shape *shape, const struct moe_pattern *pattern, struct moe_scope **scopes)
{
    int layers = shape->layers, windows = layers < 3 ? 0 : layers - 1;
    struct moe_scope *next = moe_pool_new(MOE_POOL_CENSUS, (size_t)(2 * layers + windows + 3), sizeof *next);
    *scopes = next;
    for (int layer = 0; layer < layers; layer++)
        add_scope(&next, shape, pattern, MOE_SCOPE_EXPERT, layer, 0);
    for (int layer = 0; layer < layers; layer++)
        add_scope(&next, shape, pattern, MOE_SCOPE_SUBSET, layer, 1);
    for (int layer = 0; layer < windows; layer++)
        add_scope(&next, shape, pattern, MOE_SCOPE_WINDOW, layer, 2);
    add_scope(&next, shape, pattern, MOE_SCOPE_PATH, 0, layers);
    add_scope(&next, shape, pattern, MOE_SCOPE_TOKEN_PATH, 0, layers);
    add_scope(&next, shape, pattern, MOE_SCOPE_SEQUENCE, 0, (int64_t)shape->tokens * layers);
    return (int)(next - *scopes);
}

void moe_scope_path(const struct moe_scope *scope, int position, char path[64])
{
    switch (scope->kind) {
    case MOE_SCOPE_EXPERT:
        snprintf(path, 64, "expert/layer-%02d", scope->layer);
        return;
    case MOE_SCOPE_SUBSET:
        snprintf(path, 64, "subset/layer-%02d", scope->layer);
        return;
    case MOE_SCOPE_WINDOW:
        snprintf(path, 64, "window/layer-%02d", scope->layer);
        return;
    case MOE_SCOPE_PATH:
        snprintf(path, 64, "path");
        return;
    case MOE_SCOPE_TOKEN_PATH:
        snprintf(path, 64, "path/token-%03d", position);
        return;
    case MOE_SCOPE_SEQUENCE:
        snprintf(path, 64, "sequence");
    }
}

int moe_census_group(uint64_t seed, int64_t sequence)
{
    struct moe_random random;
    moe_random_init(&random, seed, MOE_STREAM_GROUPS, (uint64_t)sequence, 0);
    return (int)moe_random_below(&random, MOE_GROUPS);
}

int moe_census_level(int batch, int64_t i)
{
    return i < batch ? 0 : 64 - __builtin_clzll((uint64_t)(i / batch));
}

int moe_census_cuts(const struct moe_census_shape *shape)
{
    return shape->sequences < shape->batch ? 0 : moe_census_level(shape->batch, shape->sequences);
}

static void make_keys(struct moe_counter *counter)
{
    size_t samples = 0;
    for (int s = 0; s < counter->scopes; s++)
        samples += (size_t)counter->scope[s].samples;
    counter->keys = moe_pool_new(MOE_POOL_CENSUS, (size_t)counter->scopes, sizeof *counter->keys);
    counter->key_block = moe_pool_new(MOE_POOL_CENSUS, samples, sizeof *counter->key_block);
    struct moe_key *next = counter->key_block;
    for (int s = 0; s < counter->scopes; s++) {
        if (counter->scope[s].kind == MOE_SCOPE_TOKEN_PATH) {
            counter->keys[s] = counter->keys[s - 1];
            continue;
        }
        counter->keys[s] = next;
        next += counter->scope[s].samples;
    }
}

struct moe_counter *moe_counter_new(const struct moe_census_shape *shape)
{
    MOE_CHECK(shape->tokens >= 1 && shape->layers >= 1 && shape->batch >= 1 && shape->sequences >= 0);
    struct moe_counter *counter = moe_pool_new(MOE_POOL_CENSUS, 1, sizeof *counter);
    counter->shape = *shape;
    moe_pattern_init(&counter->pattern, shape->experts, shape->top_k);
    counter->scopes = moe_scopes(shape, &counter->pattern, &counter->scope);
    size_t scopes = (size_t)counter->scopes, sites = (size_t)shape->tokens * (size_t)shape->layers;
    counter->tally = moe_pool_new(MOE_POOL_CENSUS, scopes, sizeof *counter->tally);
    counter->sums = moe_pool_new(MOE_POOL_CENSUS, scopes * MOE_GROUPS, sizeof *counter->sums);
    counter->sorted = moe_pool_new(MOE_POOL_CENSUS, sites * (size_t)shape->top_k, sizeof *counter->sorted);
    counter->ranks = moe_pool_new(MOE_POOL_CENSUS, sites, sizeof *counter->ranks);
    make_keys(counter);
    return counter;
}

void moe_counter_free(struct moe_counter *counter)
{
    if (!counter)
        return;
    for (int scope = 0; scope < counter->scopes; scope++)
        moe_tally_clear(&counter->tally[scope]);
    moe_pool_free(counter->key_block);
    moe_pool_free(counter->keys);
    moe_pool_free(counter->ranks);
    moe_pool_free(counter->sorted);
    moe_pool_free(counter->sums);
    moe_pool_free(counter->tally);
    moe_pool_free(counter->scope);
    moe_pattern_clear(&counter->pattern);
    moe_pool_free(counter);
}

static void fill_keys(struct moe_counter *counter, const struct moe_scope *scope, struct moe_key *key)
{
    int64_t layers = counter->shape.layers, top_k = counter->shape.top_k;
    int64_t tokens = scope->kind == MOE_SCOPE_SEQUENCE ? 1 : counter->shape.tokens;
    for (int64_t token = 0; token < tokens; token++) {
        int64_t site = token * layers + scope->layer;
        const uint16_t *sorted = counter->sorted + site * top_k;
        if (scope->kind == MOE_SCOPE_EXPERT)
            for (int64_t choice = 0; choice < top_k; choice++)
                *key++ = (struct moe_key){0, sorted[choice]};
        else
            *key++ = moe_pattern_join(&counter->pattern, sorted, counter->ranks + site, scope->sites);
    }
}

static uint32_t tag_step(const struct moe_scope *scope)
{
    return scope->kind == MOE_SCOPE_TOKEN_PATH; /* the tag counts positions there */
}

/* Makes a scope's keys and asks for their entries: all scopes do so before any counts, which hides the wait for memory
 * that would take most of the time otherwise. */
static void prepare(struct moe_counter *counter, int s, uint32_t tag)
{
    const struct moe_scope *scope = &counter->scope[s];
    const struct moe_key *keys = counter->keys[s];
    if (scope->kind != MOE_SCOPE_TOKEN_PATH)
        fill_keys(counter, scope, counter->keys[s]);
    for (int64_t i = 0; i < scope->samples; i++)
        moe_tally_prefetch(&counter->tally[s], keys[i], tag + (uint32_t)i * tag_step(scope));
}

/* Adds a scope's samples; `thinned` is the number of the drawn one, or none with -1. */
static void count_samples(struct moe_counter *counter, int s, int64_t sequence, int group, uint32_t tag,
                          int64_t thinned)
{
    const struct moe_scope *scope = &counter->scope[s];
    const struct moe_key *keys = counter->keys[s];
    uint64_t pairs = 0;
    int64_t holds = 0;
    for (int64_t i = 0; i < scope->samples; i++) {
        uint32_t this_tag = tag + (uint32_t)i * tag_step(scope);
        uint64_t before = moe_tally_add(&counter->tally[s], keys[i], this_tag, sequence, i == thinned);
        pairs += 2 * before + 1; /* (c + 1)^2 - c^2 */
        holds += before == 0;
    }
    struct moe_group_sums *sums = &counter->sums[s * MOE_GROUPS + group];
    sums->pairs += pairs;
    sums->sequences++;
    sums->holds += holds;
}

/* Which sample of each kind of scope stands for the sequence. */
static void draw_thinned(const struct moe_census_shape *shape, int64_t sequence, int64_t *thinned)
{
    struct moe_random random;
    moe_random_init(&random, shape->seed, MOE_STREAM_THINNING, (uint64_t)sequence, 0);
    int64_t token = (int64_t)moe_random_below(&random, (uint64_t)shape->tokens);
    int64_t choice = (int64_t)moe_random_below(&random, (uint64_t)shape->top_k);
    thinned[MOE_SCOPE_EXPERT] = token * shape->top_k + choice;
    thinned[MOE_SCOPE_SUBSET] = thinned[MOE_SCOPE_WINDOW] = thinned[MOE_SCOPE_PATH] = token;
    thinned[MOE_SCOPE_TOKEN_PATH] = -1;
    thinned[MOE_SCOPE_SEQUENCE] = 0;
}

void moe_counter_add(struct moe_counter *counter, int64_t sequence, const int16_t *choices)
{
    const struct moe_census_shape *shape = &counter->shape;
    int64_t place = sequence - shape->first, sites = (int64_t)shape->tokens * shape->layers;
    MOE_CHECK(0 <= place && place < shape->sequences);
    moe_pattern_sort(&counter->pattern, choices, sites, counter->sorted);
    moe_pattern_ranks(&counter->pattern, counter->sorted, sites, counter->ranks);
    int group = moe_census_group(shape->seed, sequence);
    uint32_t tag = (uint32_t)group << 8 | (uint32_t)moe_census_level(shape->batch, place);
    int64_t thinned[MOE_SCOPE_SEQUENCE + 1];
    draw_thinned(shape, sequence, thinned);
    for (int s = 0; s < counter->scopes; s++)
        prepare(counter, s, counter->scope[s].kind == MOE_SCOPE_TOKEN_PATH ? 0 : tag);
    for (int s = 0; s < counter->scopes; s++) {
        enum moe_scope_kind kind = counter->scope[s].kind;
        count_samples(counter, s, sequence, group, kind == MOE_SCOPE_TOKEN_PATH ? 0 : tag, thinned[kind]);
    }
}

int moe_counter_scopes(const struct moe_counter *counter, const struct moe_scope **scopes)
{
    *scopes = counter->scope;
    return counter->scopes;
}

const struct moe_pattern *moe_counter_pattern(const struct moe_counter *counter)
{
    return &counter->pattern;
}

const struct moe_census_shape *moe_counter_shape(const struct moe_counter *counter)
{
    return &counter->shape;
}

int64_t moe_counter_bytes(const struct moe_counter *counter)
{
    size_t entries = 0;
    for (int s = 0; s < counter->scopes; s++)
        entries += counter->tally[s].capacity;
    return (int64_t)(entries * sizeof(struct moe_entry));
}

int64_t moe_counter_take(struct moe_counter *counter, int scope, struct moe_record **records)
{
    struct moe_tally *tally = &counter->tally[scope];
    struct moe_record *next = moe_pool_new(MOE_POOL_CENSUS, tally->count, sizeof *next);
    *records = next;
    for (size_t i = 0; i < tally->capacity; i++) {
        const struct moe_entry *entry = &tally->entry[i];
        if (entry->count)
            *next++ = (struct moe_record){entry->key, entry->tag, 0, entry->count, entry->sequences, entry->thinned};
    }
    moe_tally_clear(tally);
    return next - *records;
}

void moe_counter_sums(const struct moe_counter *counter, int scope, struct moe_group_sums *sums)
{
    const struct moe_group_sums *mine = counter->sums + scope * MOE_GROUPS;
    for (int group = 0; group < MOE_GROUPS; group++) {
        sums[group].pairs += mine[group].pairs;
        sums[group].sequences += mine[group].sequences;
        sums[group].holds += mine[group].holds;
    }
}
