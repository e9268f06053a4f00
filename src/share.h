/* Who owns what: n things cut into contiguous parts, the first parts one larger where it does not come out even.
 *
 * The same cut serves sequences in shards, shards on ranks, experts on ranks and slices of a gradient. With more parts
 * than things the last parts are empty. */
#ifndef MOE_SHARE_H
#define MOE_SHARE_H

#include <stdint.h>

/* The first thing of part `part` of `parts`; with part = parts, n itself.
 *
 * Ranks:  local
 * Errors: never fails; 0 <= part <= parts, parts >= 1
 */
static inline int64_t moe_share_first(int64_t n, int64_t parts, int64_t part)
{
    int64_t base = n / parts, extra = n % parts;
    return part * base + (part < extra ? part : extra);
}

/* How many things part `part` holds.
 *
 * Ranks:  local
 * Errors: never fails
 */
static inline int64_t moe_share_count(int64_t n, int64_t parts, int64_t part)
{
    return n / parts + (part < n % parts);
}

/* The part that holds thing `i`.
 *
 * Ranks:  local
 * Errors: never fails; 0 <= i < n
 */
static inline int64_t moe_share_owner(int64_t n, int64_t parts, int64_t i)
{
    int64_t base = n / parts, extra = n % parts;
    return i < extra * (base + 1) ? i / (base + 1) : extra + (i - extra * (base + 1)) / base;
}

#endif
