#include "src/tally.h"

#include "src/pool.h"

enum { FIRST_CAPACITY = 64 };

/* The entry of (key, tag), or the free one where it belongs. */
static struct moe_entry *find(const struct moe_tally *tally, struct moe_key key, uint32_t tag)
{
    size_t place = moe_tally_home(tally, key, tag);
    for (;; place = (place + 1) & (tally->capacity - 1)) {
        struct moe_entry *entry = tally->entry + place;
        if (entry->count == 0 || (entry->key.low == key.low && entry->key.high == key.high && entry->tag == tag))
            return entry;
    }
}

static void grow(struct moe_tally *tally)
{
    struct moe_tally old = *tally;
    tally->capacity = old.capacity ? 2 * old.capacity : FIRST_CAPACITY;
    tally->shift = __builtin_clzll(tally->capacity) + 1;
    tally->entry = moe_pool_new(MOE_POOL_CENSUS, tally->capacity, sizeof *tally->entry);
    for (size_t i = 0; i < old.capacity; i++)
        if (old.entry[i].count)
            *find(tally, old.entry[i].key, old.entry[i].tag) = old.entry[i];
    moe_pool_free(old.entry);
}

uint32_t moe_tally_add(struct moe_tally *tally, struct moe_key key, uint32_t tag, int64_t sequence, int thinned)
{
    if (3 * tally->count >= 2 * tally->capacity)
        grow(tally);
    struct moe_entry *entry = find(tally, key, tag);
    if (entry->count == 0) {
        entry->key = key;
        entry->tag = tag;
        tally->count++;
    }
    if (entry->sequences == 0 || entry->last != sequence) {
        entry->last = sequence;
        entry->repeats = 0;
        entry->sequences++;
    }
    entry->count++;
    entry->thinned += thinned;
    return entry->repeats++;
}

void moe_tally_clear(struct moe_tally *tally)
{
    moe_pool_free(tally->entry);
    *tally = (struct moe_tally){0};
}
