/* The local counting table: open addressing by (key, tag), linear probing, one cache line an entry. */
#ifndef MOE_TALLY_H
#define MOE_TALLY_H

#include <stddef.h>
#include <stdint.h>

#include "src/pattern.h"

/* An entry is free while its count is 0, so every key and tag can be held. */
struct moe_entry {
    _Alignas(64) struct moe_key key;
    uint32_t tag;
    uint32_t repeats;  /* samples in sequence `last` */
    int64_t last;      /* the sequence that was counted last */
    int64_t count, sequences, thinned; /* as in struct moe_record */
};

struct moe_tally {
    struct moe_entry *entry; /* [capacity]; null before the first sample; owned */
    size_t capacity;         /* a power of two */
    int shift;               /* 64 - log2 capacity */
    size_t count;            /* entries in use */
};

/* Where the search for (key, tag) starts: a product with an odd number near 2^64 over the golden ratio, which spreads
 * the dense numbers that exact keys are more evenly than chance would.
 *
 * Ranks:  local
 * Errors: never fails
 */
static inline size_t moe_tally_home(const struct moe_tally *tally, struct moe_key key, uint32_t tag)
{
    uint64_t word = key.low + key.high * 0xd6e8feb86659fd93u + tag * 0xbf58476d1ce4e5b9u;
    return word * 0x9e3779b97f4a7c15u >> tally->shift;
}

/* Asks for the line that moe_tally_add is going to need.
 *
 * Ranks:  local
 * Errors: never fails
 */
static inline void moe_tally_prefetch(const struct moe_tally *tally, struct moe_key key, uint32_t tag)
{
    if (tally->capacity)
        __builtin_prefetch(tally->entry + moe_tally_home(tally, key, tag), 1);
}

/* Counts one sample of a sequence; returns how many samples of the same key and tag that sequence had before. All
 * samples of a sequence are added before those of the next; the order of sequences is free.
 *
 * Ranks:  local
 * Errors: never returns without memory
 */
uint32_t moe_tally_add(struct moe_tally *tally, struct moe_key key, uint32_t tag, int64_t sequence, int thinned);

/* Gives the table back and leaves an empty one.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_tally_clear(struct moe_tally *tally);

#endif
