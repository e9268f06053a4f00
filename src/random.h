/* Random numbers without state: each is a function of (seed, stream, a, b) and its place in that sequence.
 *
 * Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"; Random123). The key is the seed,
 * low word first; the counter's words are stream << 24 | block, b, a low, a high, with block 0, 1, ... along the
 * sequence. So no draw depends on the number of ranks or on what was drawn before. */
#ifndef MOE_RANDOM_H
#define MOE_RANDOM_H

#include <stdint.h>

enum moe_stream {
    MOE_STREAM_TRAIN = 1,  /* points of the training set; a: sequence */
    MOE_STREAM_TEST = 2,   /* points of the test set; a: sequence */
    MOE_STREAM_CENSUS = 3, /* points of the census; a: sequence */
    MOE_STREAM_TARGET = 4, /* target function */
    MOE_STREAM_NOISE = 5,  /* target noise; a: sequence, b: split */
    MOE_STREAM_SCALE = 6,  /* points that fix means and deviations */
    MOE_STREAM_BATCH = 7,  /* which sequences a step draws; a: step, b: place in the batch */
    MOE_STREAM_WINDOW = 8, /* where a training window of text starts; a: sequence */
    MOE_STREAM_INIT = 9,   /* initial weights; a: hash of the tensor's name, b: expert */
    MOE_STREAM_PLANTED = 10, /* planted routes; a: sequence, b: (split, token, layer) */
    MOE_STREAM_GROUPS = 11,  /* sequence groups of the census; a: sequence */
    MOE_STREAM_THINNING = 12, /* the one token per sequence; a: sequence */
    MOE_STREAM_BOOTSTRAP = 13 /* analysis; a: replicate, b: 0; or a: row of a table that is split, b: 1 */
};

struct moe_random {
    uint64_t seed, a;
    uint32_t b, stream, block;
    uint32_t word[4];
    int left;      /* unused words of the current block */
    int has_spare; /* a second normal deviate is waiting */
    double spare;
};

/* Starts the sequence (seed, stream, a, b): up to 2^24 blocks of four words.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_random_init(struct moe_random *random, uint64_t seed, enum moe_stream stream, uint64_t a, uint32_t b);

/* The next 32 or 64 random bits; of 64 the low word is drawn first.
 *
 * Ranks:  local
 * Errors: never fails
 */
uint32_t moe_random_u32(struct moe_random *random);
uint64_t moe_random_u64(struct moe_random *random);

/* The next whole number in 0..n-1: the high half of the 128-bit product of n >= 1 and one 64-bit draw.
 *
 * Ranks:  local
 * Errors: never fails
 */
uint64_t moe_random_below(struct moe_random *random, uint64_t n);

/* The next number in the open interval (0, 1): (x + 1/2) / 2^52, x the upper 52 of 64 bits.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_random_uniform(struct moe_random *random);

/* The next standard normal deviate (Box and Muller 1958): from two uniforms u, v first sqrt(-2 ln u) cos(2 pi v), then
 * the same with the sine, which is kept until the next call.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_random_normal(struct moe_random *random);

#endif
