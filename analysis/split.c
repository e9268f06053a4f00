#include "analysis/split.h"

#include <math.h>

#include "analysis/sampling.h"
#include "src/pool.h"

enum { MOST_ROWS = 4000000 };

/* The rows that a table row can give: one for each pattern, or one for each count that a pattern can have. */
static int64_t rows_for(const int64_t *row)
{
    return row[1] < row[0] + 1 ? row[1] : row[0] + 1;
}

static void put(struct moe_rows *rows, int64_t count, int64_t patterns, int64_t tested)
{
    int64_t *row = rows->value + 3 * rows->rows++;
    row[0] = count;
    row[1] = patterns;
    row[2] = tested;
}

/* The f patterns seen j times: pattern by pattern, or how many keep 0, 1, ... of their j samples in the first half. */
static void deal(struct moe_rows *rows, int64_t j, int64_t f, uint64_t place)
{
    struct moe_random random;
    moe_random_init(&random, 1, MOE_STREAM_BOOTSTRAP, place, 1);
    if (f < j + 1) {
        for (int64_t i = 0; i < f; i++) {
            const int64_t count = (int64_t)moe_draw_binomial(&random, (double)j, 0.5);
            put(rows, count, 1, j - count);
        }
        return;
    }
    /* share: of the outcomes from k on, that of k; in logarithms, as 2^-j can be too small */
    double ln_term = -(double)j * log(2), rest = 1;
    for (int64_t k = 0; k <= j && f > 0; k++) {
        const double term = exp(ln_term);
        const int64_t got = k == j || term >= rest ? f : (int64_t)moe_draw_binomial(&random, (double)f, term / rest);
        if (got > 0)
            put(rows, k, got, got * (j - k));
        f -= got;
        rest -= term;
        ln_term += log((double)(j - k) / (double)(k + 1));
    }
}

int moe_split_by_coin(struct moe_rows *rows, const struct moe_fof *fof)
{
    int64_t room = 0;
    *rows = (struct moe_rows){.width = 3};
    for (int64_t i = 0; i < fof->rows && room <= MOST_ROWS; i++)
        room += rows_for(fof->row + 2 * i);
    if (room > MOST_ROWS)
        return 0;
    rows->value = moe_pool_new(MOE_POOL_FILES, (size_t)(3 * room), sizeof *rows->value);
    for (int64_t i = 0; i < fof->rows; i++)
        deal(rows, fof->row[2 * i], fof->row[2 * i + 1], (uint64_t)i);
    return 1;
}
