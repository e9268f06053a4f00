#include "src/pattern.h"

#include <math.h>
#include <xxhash.h>

#include "src/pool.h"
#include "src/status.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "hashed keys are defined over little-endian choices");

enum { KEY_BITS = 128 };

static unsigned __int128 add_saturated(unsigned __int128 a, unsigned __int128 b)
{
    unsigned __int128 sum;
    return __builtin_add_overflow(a, b, &sum) ? ~(unsigned __int128)0 : sum;
}

static int bit_length(unsigned __int128 n)
{
    uint64_t high = (uint64_t)(n >> 64), low = (uint64_t)n;
    if (high)
        return KEY_BITS - __builtin_clzll(high);
    return low ? 64 - __builtin_clzll(low) : 0;
}

/* Expert number i of an ascending K-set lies in i .. E - K + i, so only this band of Pascal's triangle is ever looked
 * up. One more column holds C(E, K) itself at its end. */
static int64_t band_width(const struct moe_pattern *pattern)
{
    return pattern->experts - pattern->top_k + 2;
}

static void fill_band(struct moe_pattern *pattern)
{
    int64_t width = band_width(pattern);
    pattern->band = moe_pool_new(MOE_POOL_CENSUS, (size_t)(pattern->top_k * width), sizeof *pattern->band);
    for (int64_t d = 0; d < width; d++)
        pattern->band[d] = (unsigned __int128)d;
    for (int i = 1; i < pattern->top_k; i++) {
        unsigned __int128 *row = pattern->band + i * width;
        for (int64_t d = 1; d < width; d++)
            row[d] = add_saturated(row[d - 1], row[d - width]);
    }
}

void moe_pattern_init(struct moe_pattern *pattern, int experts, int top_k)
{
    MOE_CHECK(1 <= top_k && top_k <= experts && experts <= INT16_MAX);
    *pattern = (struct moe_pattern){.experts = experts, .top_k = top_k, .bits = KEY_BITS + 1};
    int fewer = top_k < experts - top_k ? top_k : experts - top_k;
    for (int i = 0; i < fewer; i++)
        pattern->ln_subsets += log((double)(experts - i) / (i + 1));
    /* A bit of slack, so that rounding never decides; without it the band of 16383 of 32767 would be tried. */
    if (pattern->ln_subsets > (KEY_BITS + 1) * M_LN2)
        return;
    fill_band(pattern);
    unsigned __int128 subsets = pattern->band[top_k * band_width(pattern) - 1];
    if (subsets != ~(unsigned __int128)0)
        pattern->bits = bit_length(subsets - 1);
}

void moe_pattern_clear(struct moe_pattern *pattern)
{
    moe_pool_free(pattern->band);
    pattern->band = NULL;
}

int moe_pattern_is_exact(const struct moe_pattern *pattern, int64_t sites)
{
    return pattern->bits == 0 || sites <= KEY_BITS / pattern->bits;
}

void moe_pattern_sort(const struct moe_pattern *pattern, const int16_t *choices, int64_t sites, uint16_t *sorted)
{
    int top_k = pattern->top_k;
    for (int64_t site = 0; site < sites; site++, choices += top_k, sorted += top_k) {
        for (int i = 0; i < top_k; i++) {
            uint16_t expert = (uint16_t)choices[i];
            int place = i;
            for (; place > 0 && sorted[place - 1] > expert; place--)
                sorted[place] = sorted[place - 1];
            sorted[place] = expert;
        }
        int fault = sorted[top_k - 1] >= pattern->experts; /* negative choices have become large ones */
        for (int i = 1; i < top_k; i++)
            fault |= sorted[i - 1] == sorted[i];
        MOE_CHECK(!fault);
    }
}

void moe_pattern_ranks(const struct moe_pattern *pattern, const uint16_t *sorted, int64_t sites,
                       unsigned __int128 *ranks)
{
    if (pattern->bits > KEY_BITS)
        return;
    int64_t width = band_width(pattern);
    for (int64_t site = 0; site < sites; site++) {
        unsigned __int128 rank = 0;
        for (int i = 0; i < pattern->top_k; i++)
            rank += pattern->band[i * width + *sorted++ - i];
        ranks[site] = rank;
    }
}

struct moe_key moe_pattern_join(const struct moe_pattern *pattern, const uint16_t *sorted,
                                const unsigned __int128 *ranks, int64_t sites)
{
    if (!moe_pattern_is_exact(pattern, sites)) {
        XXH128_hash_t hash = XXH3_128bits(sorted, (size_t)(sites * pattern->top_k) * sizeof *sorted);
        return (struct moe_key){hash.high64, hash.low64};
    }
    unsigned __int128 key = ranks[0]; /* not 0 << bits: a single rank may have all 128 bits */
    for (int64_t site = 1; site < sites; site++)
        key = key << pattern->bits | ranks[site];
    return (struct moe_key){(uint64_t)(key >> 64), (uint64_t)key};
}

struct moe_key moe_pattern_key(const struct moe_pattern *pattern, const int16_t *choices, int64_t sites)
{
    uint16_t *sorted = moe_pool_new(MOE_POOL_CENSUS, (size_t)(sites * pattern->top_k), sizeof *sorted);
    unsigned __int128 *ranks = moe_pool_new(MOE_POOL_CENSUS, (size_t)sites, sizeof *ranks);
    moe_pattern_sort(pattern, choices, sites, sorted);
    moe_pattern_ranks(pattern, sorted, sites, ranks);
    struct moe_key key = moe_pattern_join(pattern, sorted, ranks, sites);
    moe_pool_free(ranks);
    moe_pool_free(sorted);
    return key;
}

void moe_pattern_unrank(const struct moe_pattern *pattern, unsigned __int128 rank, int16_t *set)
{
    int64_t width = band_width(pattern), d = width - 1;
    for (int i = pattern->top_k - 1; i >= 0; i--) {
        const unsigned __int128 *row = pattern->band + i * width;
        while (row[d] > rank) /* never runs out: row[0] = 0; d only falls, since the experts do */
            d--;
        rank -= row[d];
        set[i] = (int16_t)(i + d);
    }
}
