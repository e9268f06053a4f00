/* Made-up routing choices for census tests: a function of the sequence number, so that any rank can make any of them.
 * Half the sites take one of a few fixed K-sets, so that patterns repeat inside sequences and between them. */
#ifndef MOE_TESTS_ROUTES_H
#define MOE_TESTS_ROUTES_H

#include "src/census.h"
#include "src/random.h"

/* Writes K different experts of E to set, in the order they are drawn. */
static inline void routes_draw(struct moe_random *random, int experts, int top_k, int16_t *set)
{
    for (int chosen = 0; chosen < top_k;) {
        int16_t expert = (int16_t)moe_random_below(random, (uint64_t)experts);
        int seen = 0;
        for (int i = 0; i < chosen; i++)
            seen |= set[i] == expert;
        if (!seen)
            set[chosen++] = expert;
    }
}

/* The choices [T, L, K] of one sequence. */
static inline void routes_of(const struct moe_census_shape *shape, int64_t sequence, int16_t *choices)
{
    struct moe_random random;
    moe_random_init(&random, 77, MOE_STREAM_PLANTED, (uint64_t)sequence, 0);
    int k = shape->top_k;
    for (int site = 0; site < shape->tokens * shape->layers; site++, choices += k) {
        if (moe_random_below(&random, 2)) {
            routes_draw(&random, shape->experts, k, choices);
            continue;
        }
        struct moe_random fixed;
        moe_random_init(&fixed, 78, MOE_STREAM_PLANTED, moe_random_below(&random, 3), 0);
        routes_draw(&fixed, shape->experts, k, choices);
        int16_t first = choices[0]; /* the same set in another order */
        choices[0] = choices[k - 1];
        choices[k - 1] = first;
    }
}

#endif
