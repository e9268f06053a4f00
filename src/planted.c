#include "src/planted.h"

#include <math.h>

#include "src/pattern.h"
#include "src/pool.h"
#include "src/random.h"

struct moe_planted {
    struct moe_pattern pattern;
    uint64_t seed, sets;  /* sets: C(E, K) */
    int layers;
    double *cumulative;   /* [sets] of a Zipf law, last = 1; null when uniform */
};

/* C(E, K), which the config check has bounded by 2^63. */
static uint64_t subsets(int experts, int top_k)
{
    unsigned __int128 count = 1;
    for (int i = 1; i <= top_k; i++)
        count = count * (unsigned)(experts - top_k + i) / (unsigned)i;
    return (uint64_t)count;
}

struct moe_planted *moe_planted_new(const struct moe_run *run)
{
    struct moe_planted *planted = moe_pool_new(MOE_POOL_DATA, 1, sizeof *planted);
    const int E = run->model.experts, K = run->model.top_k;
    moe_pattern_init(&planted->pattern, E, K);
    planted->seed = run->model.seed;
    planted->layers = run->model.layers;
    planted->sets = subsets(E, K);
    if (run->model.zipf > 0) {
        planted->cumulative = moe_pool_new(MOE_POOL_DATA, planted->sets, sizeof *planted->cumulative);
        double sum = 0;
        for (uint64_t i = 0; i < planted->sets; i++)
            planted->cumulative[i] = sum += pow((double)(i + 1), -run->model.zipf);
        for (uint64_t i = 0; i < planted->sets; i++)
            planted->cumulative[i] /= sum;
    }
    return planted;
}

void moe_planted_free(struct moe_planted *planted)
{
    if (!planted)
        return;
    moe_pattern_clear(&planted->pattern);
    moe_pool_free(planted->cumulative);
    moe_pool_free(planted);
}

/* The first rank whose cumulative probability exceeds u. */
static uint64_t invert(const struct moe_planted *planted, double u)
{
    uint64_t low = 0, high = planted->sets - 1;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (planted->cumulative[middle] > u)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

void moe_planted_draw(const struct moe_planted *planted, enum moe_split split, int64_t sequence, int token, int layer,
                      int16_t *set)
{
    struct moe_random random;
    uint32_t site = (uint32_t)((token * planted->layers + layer) * MOE_SPLITS + (int)split);
    moe_random_init(&random, planted->seed, MOE_STREAM_PLANTED, (uint64_t)sequence, site);
    uint64_t rank = planted->cumulative ? invert(planted, moe_random_uniform(&random))
                                        : moe_random_below(&random, planted->sets);
    moe_pattern_unrank(&planted->pattern, rank, set);
}
