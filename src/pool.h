/* The program's memory by purpose: every large allocation names its pool, so that a run can report bytes by pool and
 * rank, and a test can see that the training loop allocates nothing. */
#ifndef MOE_POOL_H
#define MOE_POOL_H

#include <stddef.h>
#include <stdint.h>

enum moe_pool {
    MOE_POOL_DENSE,       /* parameters that every rank holds */
    MOE_POOL_EXPERTS,     /* parameters of the rank's own experts */
    MOE_POOL_GRADIENTS,
    MOE_POOL_MOMENTS,
    MOE_POOL_ACTIVATIONS,
    MOE_POOL_DISPATCH,    /* rows on their way to experts and back, and what experts keep for the backward pass */
    MOE_POOL_REDUCE,
    MOE_POOL_DATA,
    MOE_POOL_CENSUS,
    MOE_POOL_FILES,
    MOE_POOL_ANALYSIS,    /* the rank's blocks of distributed matrices */
    MOE_POOLS
};

/* The pool's name as it stands in /timing. Static storage.
 *
 * Ranks:  local
 * Errors: never fails
 */
const char *moe_pool_name(enum moe_pool pool);

/* count x size bytes, zeroed, 64-byte aligned; the caller gives them back with moe_pool_free. Never null, also for 0
 * bytes.
 *
 * Ranks:  local
 * Errors: ends the job with MOE_INPUT when memory is short or the product overflows
 */
void *moe_pool_new(enum moe_pool pool, size_t count, size_t size);

/* Makes *block (null or from moe_pool_new) hold at least count x size bytes; grows by half at least and keeps the
 * content, so that n growths cost O(final size). *capacity is in units of size.
 *
 * Ranks:  local
 * Errors: as moe_pool_new
 */
void moe_pool_grow(enum moe_pool pool, void **block, size_t *capacity, size_t count, size_t size);

/* Gives a block back; null is allowed.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_pool_free(void *block);

/* Bytes now in the pool, and the most there ever were.
 *
 * Ranks:  local
 * Errors: never fails
 */
size_t moe_pool_bytes(enum moe_pool pool);
size_t moe_pool_peak(enum moe_pool pool);

/* Allocations since the start of the program, over all pools, growths included.
 *
 * Ranks:  local
 * Errors: never fails
 */
int64_t moe_pool_allocations(void);

#endif
