#include "src/pool.h"

#include <stdlib.h>
#include <string.h>

#include "src/status.h"

/* Stands before each block; its size keeps the block aligned. */
struct header {
    size_t bytes;
    enum moe_pool pool;
    char pad[64 - sizeof(size_t) - sizeof(enum moe_pool)];
};

static const char *const names[MOE_POOLS] = {"dense",    "experts", "gradients", "moments", "activations",
                                             "dispatch", "reduce",  "data",      "census",  "files",
                                             "analysis"};
static size_t now[MOE_POOLS], peak[MOE_POOLS];
static int64_t allocations;

const char *moe_pool_name(enum moe_pool pool)
{
    return names[pool];
}

void *moe_pool_new(enum moe_pool pool, size_t count, size_t size)
{
    size_t bytes, total;
    struct header *header = NULL;
    if (!__builtin_mul_overflow(count, size, &bytes) && !__builtin_add_overflow(bytes, sizeof *header + 63, &total))
        header = aligned_alloc(64, total / 64 * 64);
    if (!header)
        moe_fatal(MOE_INPUT, "no memory for %zu x %zu bytes of %s (use more ranks, or a smaller model or batch)", count,
                  size, names[pool]);
    memset(header, 0, total / 64 * 64);
    header->bytes = bytes;
    header->pool = pool;
    now[pool] += bytes;
    if (now[pool] > peak[pool])
        peak[pool] = now[pool];
    allocations++;
    return header + 1;
}

void moe_pool_grow(enum moe_pool pool, void **block, size_t *capacity, size_t count, size_t size)
{
    if (*block && count <= *capacity)
        return;
    size_t more = *capacity + *capacity / 2;
    size_t wanted = count > more ? count : more;
    void *grown = moe_pool_new(pool, wanted, size);
    if (*block)
        memcpy(grown, *block, *capacity * size);
    moe_pool_free(*block);
    *block = grown;
    *capacity = wanted;
}

void moe_pool_free(void *block)
{
    if (!block)
        return;
    struct header *header = (struct header *)block - 1;
    now[header->pool] -= header->bytes;
    free(header);
}

size_t moe_pool_bytes(enum moe_pool pool)
{
    return now[pool];
}

size_t moe_pool_peak(enum moe_pool pool)
{
    return peak[pool];
}

int64_t moe_pool_allocations(void)
{
    return allocations;
}
