/* Routing patterns as keys of at most 128 bits.
 *
 * A K-set of E experts has the colexicographic rank sum_i C(e_i, i + 1) over its ascending experts e_0 < ... < e_(K-1),
 * a number below C(E, K). Longer patterns (several layers, several tokens) concatenate ranks, each in
 * ceil(log2 C(E, K)) bits, first site in the highest bits, the last one ending at bit 0. Where that exceeds 128 bits
 * the key is XXH3-128 of the sorted choices (little-endian uint16, site after site). */
#ifndef MOE_PATTERN_H
#define MOE_PATTERN_H

#include <stdint.h>

struct moe_key {
    uint64_t high, low;
};

/* What is needed to make keys; filled by moe_pattern_init, then read only. */
struct moe_pattern {
    int experts, top_k;
    int bits;             /* of one rank; 0 when C(E, K) = 1; above 128 when ranks do not fit a key */
    double ln_subsets;    /* ln C(E, K) */
    unsigned __int128 *band; /* [K, E - K + 2]: C(i + d, i + 1); null when ranks do not fit a key; owned */
};

/* Prepares keys for K of E experts, 1 <= K <= E <= 32767; moe_pattern_clear gives the table back.
 *
 * Ranks:  local
 * Errors: never returns without memory
 */
void moe_pattern_init(struct moe_pattern *pattern, int experts, int top_k);
void moe_pattern_clear(struct moe_pattern *pattern);

/* Whether a pattern over `sites` K-sets has an exact key; otherwise its key is a hash.
 *
 * Ranks:  local
 * Errors: never fails
 */
int moe_pattern_is_exact(const struct moe_pattern *pattern, int64_t sites);

/* The key of the pattern over `sites` K-sets, given as choices [sites, K] int16 in any order inside a site.
 *
 * Ranks:  local
 * Errors: as moe_pattern_sort
 */
struct moe_key moe_pattern_key(const struct moe_pattern *pattern, const int16_t *choices, int64_t sites);

/* The K-set of colex rank `rank` as ascending experts [K]; rank < C(E, K), which must fit a key.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_pattern_unrank(const struct moe_pattern *pattern, unsigned __int128 rank, int16_t *set);

/* The steps of moe_pattern_key, for a caller that makes many keys over the same sites: sort the choices of every site,
 * rank every site once, then make keys out of consecutive sites.
 *   choices [sites, K] int16    in, any order inside a site
 *   sorted [sites, K] uint16    ascending inside a site
 *   ranks [sites]               of the sorted sites; untouched and unused when ranks do not fit a key
 *
 * Ranks:  local
 * Errors: ends the job when a site's choices are not K different experts below E
 */
void moe_pattern_sort(const struct moe_pattern *pattern, const int16_t *choices, int64_t sites, uint16_t *sorted);
void moe_pattern_ranks(const struct moe_pattern *pattern, const uint16_t *sorted, int64_t sites,
                       unsigned __int128 *ranks);
struct moe_key moe_pattern_join(const struct moe_pattern *pattern, const uint16_t *sorted,
                                const unsigned __int128 *ranks, int64_t sites);

#endif
