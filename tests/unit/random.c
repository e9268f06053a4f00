/* moe_random: Philox4x32-10 by its published answers, and what is made from it. */
#include "src/random.h"

#include "tests/tap.h"

/* Counter, key and answer; from the known-answer file of Random123. */
static void known_answers(void)
{
    static const struct {
        uint32_t counter[4], key[2], want[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (int i = 0; i < 3; i++) {
        const uint32_t *counter = known[i].counter, *key = known[i].key;
        struct moe_random random;
        moe_random_init(&random, (uint64_t)key[1] << 32 | key[0], (enum moe_stream)(counter[0] >> 24),
                        (uint64_t)counter[3] << 32 | counter[2], counter[1]);
        random.block = counter[0] & 0xffffff;
        for (int j = 0; j < 4; j++)
            is_int(moe_random_u32(&random), known[i].want[j], "known answer %d, word %d", i, j);
    }
}

static void order_of_calls(void)
{
    struct moe_random once, again, other;
    moe_random_init(&once, 7, MOE_STREAM_TRAIN, 5, 2);
    moe_random_init(&again, 7, MOE_STREAM_TRAIN, 5, 2);
    moe_random_init(&other, 7, MOE_STREAM_TRAIN, 6, 2);
    int same = 1, differ = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t alone = moe_random_u64(&once);
        differ += moe_random_u64(&other) != alone;
        same &= moe_random_u64(&again) == alone;
    }
    ok(same, "a sequence does not depend on draws from another");
    ok(differ >= 999, "a neighbouring sequence is another one");

    struct moe_random a, b;
    uint32_t words[4][2];
    for (int i = 0; i < 4; i++) {
        moe_random_init(&a, 1 + (i == 0), MOE_STREAM_TRAIN + (i == 1), 1 + (i == 2), 1 + (i == 3));
        moe_random_init(&b, 1, MOE_STREAM_TRAIN, 1, 1);
        words[i][0] = moe_random_u32(&a);
        words[i][1] = moe_random_u32(&b);
    }
    ok(words[0][0] != words[0][1], "the seed matters");
    ok(words[1][0] != words[1][1], "the stream matters");
    ok(words[2][0] != words[2][1], "a matters");
    ok(words[3][0] != words[3][1], "b matters");
}

static void words_and_halves(void)
{
    struct moe_random words, wide;
    moe_random_init(&words, 3, MOE_STREAM_INIT, 4, 0);
    moe_random_init(&wide, 3, MOE_STREAM_INIT, 4, 0);
    int equal = 1;
    for (int i = 0; i < 10; i++) {
        uint64_t low = moe_random_u32(&words), high = moe_random_u32(&words);
        equal &= moe_random_u64(&wide) == (low | high << 32);
    }
    ok(equal, "64 bits are two words, low first");
}

enum { N = 1 << 20 };

static void uniform(void)
{
    struct moe_random random;
    moe_random_init(&random, 11, MOE_STREAM_TEST, 0, 0);
    double sum = 0, squares = 0, low = 1, high = 0;
    for (int i = 0; i < N; i++) {
        double u = moe_random_uniform(&random);
        sum += u;
        squares += u * u;
        low = fmin(low, u);
        high = fmax(high, u);
    }
    ok(low > 0 && high < 1, "uniform lies inside (0, 1)");
    ok(low < 1e-5 && high > 1 - 1e-5, "uniform reaches both ends");
    ok(fabs(sum / N - 0.5) < 5 * sqrt(1 / 12.0 / N), "mean of uniform within 5 sd");
    ok(fabs(squares / N - 1 / 3.0) < 5 * sqrt(4 / 45.0 / N), "mean square of uniform within 5 sd");
}

static void normal(void)
{
    struct moe_random random;
    moe_random_init(&random, 12, MOE_STREAM_NOISE, 0, 0);
    double moment[5] = {0}, pairs = 0, last = 0;
    for (int i = 0; i < N; i++) {
        double x = moe_random_normal(&random), power = 1;
        for (int j = 1; j <= 4; j++)
            moment[j] += (power *= x) / N;
        pairs += x * last / N;
        last = x;
    }
    /* Variances of x, x^2, x^3, x^4 are 1, 2, 15, 96. */
    ok(fabs(moment[1]) < 5 * sqrt(1.0 / N), "mean of normal within 5 sd");
    ok(fabs(moment[2] - 1) < 5 * sqrt(2.0 / N), "variance of normal within 5 sd");
    ok(fabs(moment[3]) < 5 * sqrt(15.0 / N), "skewness of normal within 5 sd");
    ok(fabs(moment[4] - 3) < 5 * sqrt(96.0 / N), "fourth moment of normal within 5 sd");
    ok(fabs(pairs) < 5 * sqrt(1.0 / N), "neighbours are not correlated");
}

static void below(void)
{
    struct moe_random random;
    moe_random_init(&random, 13, MOE_STREAM_BATCH, 0, 0);
    int count[7] = {0}, inside = 1;
    for (int i = 0; i < 70000; i++) {
        uint64_t x = moe_random_below(&random, 7);
        inside &= x < 7;
        count[x < 7 ? x : 0]++;
    }
    double chi2 = 0;
    for (int i = 0; i < 7; i++)
        chi2 += (count[i] - 10000.0) * (count[i] - 10000.0) / 10000;
    ok(inside, "below 7 stays below 7");
    ok(chi2 < 27.9, "below 7 is uniform: chi-square %.1f, 6 degrees of freedom, 1 in 10,000 above 27.9", chi2);
    is_int((long long)moe_random_below(&random, 1), 0, "below 1 is 0");
}

int main(void)
{
    known_answers();
    order_of_calls();
    words_and_halves();
    uniform();
    normal();
    below();
    return tap_done();
}
