#include "src/random.h"

#include <Random123/philox.h>
#include <math.h>
#include <string.h>

void moe_random_init(struct moe_random *random, uint64_t seed, enum moe_stream stream, uint64_t a, uint32_t b)
{
    memset(random, 0, sizeof *random);
    random->seed = seed;
    random->stream = stream;
    random->a = a;
    random->b = b;
}

uint32_t moe_random_u32(struct moe_random *random)
{
    if (random->left == 0) {
        philox4x32_ctr_t counter = {{random->stream << 24 | random->block, random->b, (uint32_t)random->a,
                                     (uint32_t)(random->a >> 32)}};
        philox4x32_key_t key = {{(uint32_t)random->seed, (uint32_t)(random->seed >> 32)}};
        counter = philox4x32(counter, key);
        memcpy(random->word, counter.v, sizeof random->word);
        random->block++;
        random->left = 4;
    }
    return random->word[4 - random->left--];
}

uint64_t moe_random_u64(struct moe_random *random)
{
    uint64_t low = moe_random_u32(random);
    return low | (uint64_t)moe_random_u32(random) << 32;
}

uint64_t moe_random_below(struct moe_random *random, uint64_t n)
{
    return (uint64_t)((unsigned __int128)moe_random_u64(random) * n >> 64);
}

double moe_random_uniform(struct moe_random *random)
{
    return ((double)(moe_random_u64(random) >> 12) + 0.5) * 0x1p-52;
}

double moe_random_normal(struct moe_random *random)
{
    if (random->has_spare) {
        random->has_spare = 0;
        return random->spare;
    }
    double radius = sqrt(-2 * log(moe_random_uniform(random)));
    double angle = 2 * M_PI * moe_random_uniform(random);
    random->spare = radius * sin(angle);
    random->has_spare = 1;
    return radius * cos(angle);
}
