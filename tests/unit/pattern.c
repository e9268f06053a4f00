/* Keys of patterns: colex ranks, their concatenation in 128 bits, and the hash beyond. */
#include "src/pattern.h"

#include <xxhash.h>

#include "tests/tap.h"

typedef unsigned __int128 wide;

static wide key_value(struct moe_key key)
{
    return (wide)key.high << 64 | key.low;
}

/* Colex order of sets is the order of the numbers that have the members as bits: no formula needed. */
static int ranks_count_up(int experts, int top_k)
{
    struct moe_pattern pattern;
    moe_pattern_init(&pattern, experts, top_k);
    int64_t next = 0;
    int good = 1;
    for (unsigned mask = 0; mask < 1u << experts; mask++) {
        if (__builtin_popcount(mask) != top_k)
            continue;
        int16_t set[16], backwards[16], back[16];
        int members = 0;
        for (int expert = 0; expert < experts; expert++)
            if (mask >> expert & 1)
                set[members++] = (int16_t)expert;
        for (int i = 0; i < top_k; i++)
            backwards[i] = set[top_k - 1 - i];
        moe_pattern_unrank(&pattern, (wide)next, back);
        good &= !memcmp(back, set, (size_t)top_k * sizeof *set);
        good &= key_value(moe_pattern_key(&pattern, set, 1)) == (wide)next;
        good &= key_value(moe_pattern_key(&pattern, backwards, 1)) == (wide)next;
        next++;
    }
    int bits = 0;
    while ((int64_t)1 << bits < next)
        bits++;
    good &= pattern.bits == bits && fabs(pattern.ln_subsets - log((double)next)) < 1e-13 * (1 + log((double)next));
    moe_pattern_clear(&pattern);
    return good;
}

static void test_ranks(void)
{
    for (int experts = 1; experts <= 11; experts++) {
        int good = 1;
        for (int top_k = 1; top_k <= experts; top_k++)
            good &= ranks_count_up(experts, top_k);
        ok(good, "all sets of %d experts rank 0, 1, 2, ... and come back", experts);
    }
}

/* The last set of C(E, K), and one in the middle, in keys of up to 128 bits. */
static void test_large(int experts, int top_k, int bits)
{
    struct moe_pattern pattern;
    moe_pattern_init(&pattern, experts, top_k);
    is_int(pattern.bits, bits, "rank of %d of %d has %d bits", top_k, experts, bits);
    is_close(pattern.ln_subsets, lgamma(experts + 1) - lgamma(top_k + 1) - lgamma(experts - top_k + 1), 1e-9,
             "ln C(%d, %d)", experts, top_k);
    if (bits <= 128) {
        int16_t set[256], back[256];
        int same = 1;
        for (int i = 0; i < top_k; i++)
            set[i] = (int16_t)(experts - top_k + i);
        wide rank = key_value(moe_pattern_key(&pattern, set, 1));
        ok(bits == 128 || rank >> bits == 0, "the last rank fits its bits");
        ok(bits == 0 || rank >> (bits - 1) == 1, "and needs them");
        for (int part = 1; part <= 7; part++) {
            moe_pattern_unrank(&pattern, rank / 7 * (wide)part, back);
            same &= key_value(moe_pattern_key(&pattern, back, 1)) == rank / 7 * (wide)part;
            for (int i = 1; i < top_k; i++)
                same &= back[i - 1] < back[i];
        }
        ok(same, "ranks of %d of %d come back", top_k, experts);
    }
    moe_pattern_clear(&pattern);
}

/* 1 of 16: 4 bits a site, so that 32 sites fill a key to the last bit. */
static void test_boundary(void)
{
    struct moe_pattern pattern;
    moe_pattern_init(&pattern, 16, 1);
    int16_t choices[33];
    uint16_t sorted[33];
    wide want = 0;
    for (int i = 0; i < 33; i++) {
        choices[i] = (int16_t)((7 * i + 9) % 16);
        sorted[i] = (uint16_t)choices[i];
        if (i < 32)
            want = want * 16 + (wide)choices[i];
    }
    ok(moe_pattern_is_exact(&pattern, 32) && !moe_pattern_is_exact(&pattern, 33), "32 sites of 4 bits fit, 33 do not");
    ok(key_value(moe_pattern_key(&pattern, choices, 32)) == want, "32 sites: first site in the highest bits");
    ok(key_value(moe_pattern_key(&pattern, choices, 3)) == want >> 116, "3 sites end at bit 0");
    XXH128_hash_t hash = XXH3_128bits(sorted, sizeof sorted);
    struct moe_key key = moe_pattern_key(&pattern, choices, 33);
    ok(key.high == hash.high64 && key.low == hash.low64, "33 sites: XXH3-128 of the choices");
    moe_pattern_clear(&pattern);

    moe_pattern_init(&pattern, 8, 2);
    ok(moe_pattern_is_exact(&pattern, 25) && !moe_pattern_is_exact(&pattern, 26), "5 bits a site: 25 sites fit");
    moe_pattern_clear(&pattern);
}

static void test_hash(void)
{
    struct moe_pattern pattern;
    moe_pattern_init(&pattern, 300, 100);
    int16_t choices[200];
    uint16_t sorted[200];
    for (int i = 0; i < 100; i++) {
        choices[i] = (int16_t)(297 - 3 * i);
        choices[100 + i] = (int16_t)(2 * ((i + 50) % 100));
        sorted[i] = (uint16_t)(3 * i);
        sorted[100 + i] = (uint16_t)(2 * i);
    }
    XXH128_hash_t hash = XXH3_128bits(sorted, sizeof sorted);
    struct moe_key key = moe_pattern_key(&pattern, choices, 2);
    ok(!moe_pattern_is_exact(&pattern, 1), "100 of 300 fits no key");
    ok(key.high == hash.high64 && key.low == hash.low64, "hash of two sites, each sorted");
    moe_pattern_clear(&pattern);
}

int main(void)
{
    test_ranks();
    test_large(64, 8, 33);
    test_large(256, 8, 49);
    test_large(131, 65, 128);
    test_large(132, 66, 129);
    test_large(32767, 1, 15);
    test_large(32767, 16383, 129);
    test_boundary();
    test_hash();

    struct moe_pattern pattern;
    moe_pattern_init(&pattern, 32767, 32767);
    is_int(pattern.bits, 0, "all experts chosen: nothing to tell apart");
    ok(moe_pattern_is_exact(&pattern, INT64_C(1) << 40), "any number of sites without bits is exact");
    moe_pattern_clear(&pattern);
    return tap_done();
}
