/* Sweeps made to measure: rows of runs that never ran. */
#ifndef MOE_TESTS_SWEEPS_H
#define MOE_TESTS_SWEEPS_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/sweep.h"
#include "src/random.h"
#include "tests/tap.h"

static inline struct moe_random random_of(uint64_t a)
{
    struct moe_random random;
    moe_random_init(&random, 11, MOE_STREAM_NOISE, a, 0);
    return random;
}

static inline double value_of(const struct moe_sheet *sheet, const char *name)
{
    const struct moe_figure *figure = moe_sheet_find(sheet, name);
    return figure ? figure->value : NAN;
}

static inline int inside(const struct moe_sheet *sheet, const char *name, double value)
{
    const struct moe_figure *figure = moe_sheet_find(sheet, name);
    return figure && figure->low <= value && value <= figure->high;
}

static char cells[4096][48];

/* A run of a small grid; its error and gap are set by the caller. */
static inline struct moe_sweep_row row_of(int place, int64_t n, int experts, int top_k, int width, int seed)
{
    snprintf(cells[place], sizeof cells[place], "n %lld E %d K %d F %d", (long long)n, experts, top_k, width);
    struct moe_sweep_row row = {.cell = cells[place], .data_seed = 1, .model_seed = (uint64_t)seed, .n = n,
                                .per_expert = 16 * width + width + 8, .experts = experts, .top_k = top_k,
                                .expert_width = width, .width = 8, .layers = 1, .tokens = 8, .experts_used = experts,
                                .dim = 2, .beta = 1, .sequences_seen = (double)n, .noise = 0.09, .gap_cv = NAN,
                                .train_error = NAN, .test_error = NAN, .path_entropy = NAN, .entropy_upper = NAN,
                                .sequence_entropy = NAN, .ln_worst = NAN};
    row.active = top_k * row.per_expert;
    row.total = experts * row.per_expert + 8 * experts;
    return row;
}

#endif
