/* All tables of one scope from a list of samples, by brute force, for tests of estimators. */
#ifndef MOE_TABLES_H
#define MOE_TABLES_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/counts.h"
#include "src/pool.h"

/* Samples of sequences of one length: sequence s is in group s mod 40, its sample `thinned` stands for it. */
struct tokens {
    int sequences, length, patterns; /* patterns are numbered from 0 */
    const int *token;                /* [sequences, length] */
    int thinned;
};

static inline void tables_add(struct moe_rows *rows, size_t *capacity, int64_t a, int64_t b, int64_t c)
{
    const int64_t row[3] = {a, b, c};
    moe_pool_grow(MOE_POOL_FILES, (void **)&rows->value, capacity, (size_t)rows->rows + 1,
                  (size_t)rows->width * sizeof *rows->value);
    memcpy(rows->value + rows->rows++ * rows->width, row, (size_t)rows->width * sizeof *row);
}

/* Histogram of count[0..patterns-1], without zeros, weighed by weight (null: 1); with group >= 0 as first column.
 * least: the smallest count that gets a row. */
static inline void tables_histogram(struct moe_rows *rows, size_t *capacity, int group, int least, const int *count,
                                    const int *weight, int patterns)
{
    int most = 0;
    for (int p = 0; p < patterns; p++)
        most = count[p] > most ? count[p] : most;
    int64_t *sum = calloc((size_t)most + 1, sizeof *sum);
    for (int p = 0; p < patterns; p++)
        sum[count[p]] += weight ? weight[p] : 1;
    for (int c = least; c <= most; c++)
        if (sum[c] > 0 && group >= 0)
            tables_add(rows, capacity, group, c, sum[c]);
        else if (sum[c] > 0)
            tables_add(rows, capacity, c, sum[c], 0);
    free(sum);
}

/* Counts over the sequences that `use` accepts: samples, sequences that hold the pattern, sum over sequences of c^2. */
static inline void tables_count(const struct tokens *t, int group, int invert, int *count, int *held, int64_t *within)
{
    memset(count, 0, (size_t)t->patterns * sizeof *count);
    memset(held, 0, (size_t)t->patterns * sizeof *held);
    *within = 0;
    for (int s = 0; s < t->sequences; s++) {
        if (group >= 0 && (s % MOE_COUNT_GROUPS == group) == invert)
            continue;
        for (int i = 0; i < t->length; i++) {
            int same = 0, first = 1;
            for (int k = 0; k < t->length; k++) {
                same += t->token[s * t->length + k] == t->token[s * t->length + i];
                first = first && !(k < i && t->token[s * t->length + k] == t->token[s * t->length + i]);
            }
            count[t->token[s * t->length + i]]++;
            held[t->token[s * t->length + i]] += first;
            *within += same;
        }
    }
}

static inline int64_t tables_one_sequence(const struct tokens *t, const int *count, const int *held)
{
    int64_t sum = 0;
    for (int p = 0; p < t->patterns; p++)
        sum += held[p] == 1 ? count[p] : 0;
    return sum;
}

static inline struct moe_counts tables_of(const struct tokens *t, double ln_worst)
{
    const size_t room = (size_t)t->patterns;
    int *count = calloc(room, sizeof *count), *held = calloc(room, sizeof *held), *own = calloc(room, sizeof *own),
        *half = calloc(room, sizeof *half), *other = calloc(room, sizeof *other);
    int64_t within;
    size_t capacity[9] = {0};
    struct moe_counts c = {.ln_worst = ln_worst, .samples = (int64_t)t->sequences * t->length, .independent = 1};
    struct moe_rows *all[] = {&c.fof,
                              &c.incidence,
                              &c.thinned,
                              &c.without_fof,
                              &c.without_incidence,
                              &c.without_one_sequence,
                              &c.without_pairs_within,
                              &c.held_out,
                              &c.split};
    const int width[] = {2, 2, 2, 3, 3, 2, 3, 3, 3};
    for (int i = 0; i < 9; i++)
        all[i]->width = width[i];
    c.sequences = t->sequences;
    c.sum_squared_lengths = (double)c.samples * t->length;
    tables_count(t, -1, 0, count, held, &within);
    c.one_sequence = tables_one_sequence(t, count, held);
    c.pairs_within = (double)within;
    tables_histogram(&c.fof, &capacity[0], -1, 1, count, NULL, t->patterns);
    tables_histogram(&c.incidence, &capacity[1], -1, 1, held, NULL, t->patterns);
    memset(count, 0, room * sizeof *count);
    for (int s = 0; s < t->sequences; s++)
        count[t->token[s * t->length + t->thinned]]++;
    tables_histogram(&c.thinned, &capacity[2], -1, 1, count, NULL, t->patterns);
    for (int g = 0; g < MOE_COUNT_GROUPS; g++) {
        int64_t unused;
        tables_count(t, g, 1, count, held, &within);
        tables_histogram(&c.without_fof, &capacity[3], g, 1, count, NULL, t->patterns);
        tables_histogram(&c.without_incidence, &capacity[4], g, 1, held, NULL, t->patterns);
        tables_add(&c.without_one_sequence, &capacity[5], g, tables_one_sequence(t, count, held), 0);
        tables_add(&c.without_pairs_within, &capacity[6], g, 0, within);
        tables_count(t, g, 0, own, held, &unused);
        tables_histogram(&c.held_out, &capacity[7], g, 0, count, own, t->patterns);
        for (int p = 0; p < t->patterns; p++)
            *(g < MOE_COUNT_GROUPS / 2 ? &half[p] : &other[p]) += own[p];
    }
    for (int j = 0, left = t->patterns; left > 0; j++) {
        int64_t patterns = 0, samples = 0;
        for (int p = 0; p < t->patterns; p++)
            if (half[p] == j) {
                left--;
                patterns += half[p] + other[p] > 0;
                samples += other[p];
            }
        if (patterns > 0)
            tables_add(&c.split, &capacity[8], j, patterns, samples);
    }
    free(count);
    free(held);
    free(own);
    free(half);
    free(other);
    return c;
}

static inline void tables_clear(struct moe_counts *c)
{
    struct moe_rows *all[] = {&c->fof,
                              &c->incidence,
                              &c->thinned,
                              &c->without_fof,
                              &c->without_incidence,
                              &c->without_one_sequence,
                              &c->without_pairs_within,
                              &c->held_out,
                              &c->split};
    for (int i = 0; i < 9; i++)
        moe_pool_free(all[i]->value);
}

/* A table of counts from counts by pattern; samples are sequences. */
static inline struct moe_counts tables_of_counts(const int *count, int patterns, double ln_worst)
{
    size_t capacity = 0;
    struct moe_counts c = {.ln_worst = ln_worst,
                           .independent = 1,
                           .one_sequence = -1,
                           .pairs_within = NAN,
                           .sum_squared_lengths = NAN,
                           .fof = {.width = 2}};
    tables_histogram(&c.fof, &capacity, -1, 1, count, NULL, patterns);
    for (int64_t i = 0; i < c.fof.rows; i++)
        c.samples += c.fof.value[2 * i] * c.fof.value[2 * i + 1];
    c.sequences = c.samples;
    return c;
}

#endif
