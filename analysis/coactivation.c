#include "analysis/coactivation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/independent.h"
#include "src/pool.h"

/* Loads [L, E], and the shape of whichever table of pairs there is. */
static enum moe_status read_head(struct moe_coactivation *pairs, const char *snapshot, struct moe_error *err)
{
    char load[128], census[128];
    int64_t shape[4], start[2] = {0};
    snprintf(pairs->path, sizeof pairs->path, "/routing/%s/coactivation", snapshot);
    snprintf(load, sizeof load, "/routing/%s/load", snapshot);
    snprintf(census, sizeof census, "/census/%s", snapshot);
    if (moe_reader_shape(pairs->reader, load, 2, shape, err) ||
        moe_reader_int(pairs->reader, census, "tokens", &pairs->tokens, err))
        return err->code;
    if (shape[0] < 1 || shape[1] < 1 || shape[0] > INT32_MAX / shape[1])
        return moe_fail(err, MOE_INPUT, "%s: %lld layers of %lld experts cannot be analysed", load,
                        (long long)shape[0], (long long)shape[1]);
    pairs->layers = (int)shape[0];
    pairs->experts = (int)shape[1];
    pairs->load = moe_pool_new(MOE_POOL_ANALYSIS, (size_t)(shape[0] * shape[1]), sizeof *pairs->load);
    if (moe_reader_slab(pairs->reader, load, MOE_I64, 2, shape, start, shape, pairs->load, err))
        return err->code;
    pairs->adjacent = !moe_reader_has(pairs->reader, pairs->path);
    if (pairs->adjacent)
        snprintf(pairs->path, sizeof pairs->path, "/routing/%s/coactivation_adjacent", snapshot);
    return moe_reader_shape(pairs->reader, pairs->path, 4, shape, err);
}

static enum moe_status check_loads(struct moe_coactivation *pairs, struct moe_error *err)
{
    if (pairs->tokens < 1)
        return moe_fail(err, MOE_INPUT, "%s: the census has no tokens", pairs->path);
    pairs->whole_choices = 1;
    for (int l = 0; l < pairs->layers; l++) {
        int64_t choices = 0;
        for (int e = 0; e < pairs->experts; e++) {
            const int64_t load = pairs->load[(int64_t)l * pairs->experts + e];
            if (load < 0 || load > pairs->tokens)
                return moe_fail(err, MOE_INPUT, "%s: expert %d of layer %d has a load of %lld for %lld tokens",
                                pairs->path, e, l, (long long)load, (long long)pairs->tokens);
            choices += load;
            pairs->constant += load == 0 || load == pairs->tokens;
        }
        pairs->whole_choices &= choices > 0 && choices % pairs->tokens == 0;
    }
    return MOE_OK;
}

enum moe_status moe_coactivation_open(struct moe_coactivation *pairs, const struct moe_grid *grid, const char *file,
                                      const char *snapshot, struct moe_error *err)
{
    memset(pairs, 0, sizeof *pairs);
    if (!moe_reader_open(file, &pairs->reader, err) && !read_head(pairs, snapshot, err))
        check_loads(pairs, err);
    return moe_grid_agree(grid, err);
}

void moe_coactivation_clear(struct moe_coactivation *pairs)
{
    moe_reader_close(pairs->reader);
    moe_pool_free(pairs->load);
    memset(pairs, 0, sizeof *pairs);
}

/* Rows first .. first + count - 1 of one layer of the whole table: rows [count, n]. */
static enum moe_status read_whole(const struct moe_coactivation *pairs, int layer, int first, int count, int64_t *rows,
                                  struct moe_error *err)
{
    const int64_t L = pairs->layers, E = pairs->experts;
    return moe_reader_slab(pairs->reader, pairs->path, MOE_I64, 4, (const int64_t[]){L, E, L, E},
                           (const int64_t[]){layer, first, 0, 0}, (const int64_t[]){1, count, L, E}, rows, err);
}

/* The same from the table of adjacent layers: three pieces of each row, of which the one for the layer before stands
 * there by columns. */
static enum moe_status read_adjacent(const struct moe_coactivation *pairs, int layer, int first, int count,
                                     int64_t *rows, struct moe_error *err)
{
    const int64_t L = pairs->layers, E = pairs->experts, n = L * E, shape[] = {L, 2, E, E};
    int64_t *piece = moe_pool_new(MOE_POOL_ANALYSIS, (size_t)(count * E), sizeof *piece);
    memset(rows, 0, (size_t)(count * n) * sizeof *rows);
    for (int other = layer - 1; other <= layer + 1 && !err->code; other++) {
        if (other < 0 || other >= L)
            continue;
        const int by_columns = other < layer;
        const int64_t start[] = {by_columns ? other : layer, other != layer, by_columns ? 0 : first,
                                 by_columns ? first : 0};
        const int64_t size[] = {1, 1, by_columns ? E : count, by_columns ? count : E};
        if (moe_reader_slab(pairs->reader, pairs->path, MOE_I64, 4, shape, start, size, piece, err))
            break;
        for (int i = 0; i < count; i++)
            for (int64_t e = 0; e < E; e++)
                rows[i * n + other * E + e] = piece[by_columns ? e * count + i : i * E + e];
    }
    moe_pool_free(piece);
    return err->code;
}

/* Rows first .. first + count - 1 of the matrix, which may lie in several layers: rows [count, n]. */
static enum moe_status read_rows(const struct moe_coactivation *pairs, int first, int count, int64_t *rows,
                                 struct moe_error *err)
{
    const int E = pairs->experts;
    const int64_t n = (int64_t)pairs->layers * E;
    for (int done = 0, piece; done < count && !err->code; done += piece) {
        const int layer = (first + done) / E, expert = (first + done) % E;
        piece = E - expert < count - done ? E - expert : count - done;
        (pairs->adjacent ? read_adjacent : read_whole)(pairs, layer, expert, piece, rows + done * n, err);
    }
    return err->code;
}

/* sqrt(N_a (N - N_a)); 0 for a constant expert. */
static double spread(const struct moe_coactivation *pairs, int a)
{
    return sqrt((double)pairs->load[a]) * sqrt((double)(pairs->tokens - pairs->load[a]));
}

static double total_load(const struct moe_coactivation *pairs)
{
    double total = 0;
    for (int64_t a = 0; a < (int64_t)pairs->layers * pairs->experts; a++)
        total += (double)pairs->load[a];
    return total > 0 ? total : 1;
}

/* The correlation of two experts: N N_ab - N_a N_b exactly, then scaled. */
static double correlation(const struct moe_coactivation *pairs, int a, int b, int64_t both)
{
    const double scale = spread(pairs, a) * spread(pairs, b);
    if (a == b || scale == 0)
        return scale != 0;
    return (double)((__int128)pairs->tokens * both - (__int128)pairs->load[a] * pairs->load[b]) / scale;
}

/* Whether the table can have `both` for experts a and b. */
static int possible(const struct moe_coactivation *pairs, int a, int b, int64_t both)
{
    return a == b ? both == pairs->load[a] : both >= 0 && both <= pairs->load[a] && both <= pairs->load[b];
}

static enum moe_status fill_from_file(const struct moe_coactivation *pairs, enum moe_form form,
                                      struct moe_block_matrix *matrix, struct moe_error *err)
{
    const int n = matrix->n;
    const double total = total_load(pairs);
    int64_t *rows = moe_pool_new(MOE_POOL_ANALYSIS, (size_t)matrix->grid->block * (size_t)n, sizeof *rows);
    for (int j = 0, count; j < matrix->local_n && !err->code; j += count) {
        const int first = moe_matrix_col(matrix, j);
        count = moe_matrix_block_cols(matrix, j);
        if (read_rows(pairs, first, count, rows, err))
            break;
        for (int c = 0; c < count && !err->code; c++)
            for (int i = 0; i < matrix->local_m; i++) {
                const int a = moe_matrix_row(matrix, i), b = first + c;
                const int64_t both = rows[(int64_t)c * n + a];
                /* beyond adjacent layers nothing is known */
                const int known = !pairs->adjacent || abs(a / pairs->experts - b / pairs->experts) <= 1;
                if (known && !possible(pairs, a, b, both)) {
                    moe_fail(err, MOE_INPUT, "%s: %lld tokens for experts %d and %d contradict their loads",
                             pairs->path, (long long)both, a, b);
                    break;
                }
                matrix->local[(int64_t)(j + c) * matrix->lead + i] =
                    !known ? 0 : form == MOE_FORM_PAIRS ? (double)both / total : correlation(pairs, a, b, both);
            }
    }
    moe_pool_free(rows);
    return err->code;
}

/* One column of the matrix of independent layers; pair [E] are the shares of column b with the experts of its layer. */
static void independent_column(const struct moe_coactivation *pairs, enum moe_form form,
                               const struct moe_block_matrix *matrix, int j, const double *pair)
{
    const int b = moe_matrix_col(matrix, j), E = pairs->experts;
    const double N = (double)pairs->tokens, choices = total_load(pairs) / N, pb = (double)pairs->load[b] / N;
    for (int i = 0; i < matrix->local_m; i++) {
        const int a = moe_matrix_row(matrix, i), apart = abs(a / E - b / E);
        const double pa = (double)pairs->load[a] / N, scale = spread(pairs, a) * spread(pairs, b) / (N * N);
        const double both = apart == 0 ? pair[a % E] : apart == 1 || !pairs->adjacent ? pa * pb : 0;
        double *out = &matrix->local[(int64_t)j * matrix->lead + i];
        if (form == MOE_FORM_PAIRS)
            *out = both / choices;
        else if (a == b || scale == 0)
            *out = scale != 0;
        else
            *out = apart == 0 ? (both - pa * pb) / scale : 0;
    }
}

static enum moe_status fill_independent(const struct moe_coactivation *pairs, enum moe_form form,
                                        struct moe_block_matrix *matrix, struct moe_error *err)
{
    struct moe_independent law = {.experts = 0};
    double *pair = moe_pool_new(MOE_POOL_ANALYSIS, (size_t)pairs->experts, sizeof *pair);
    int layer = -1;
    for (int j = 0; j < matrix->local_n; j++) {
        const int b = moe_matrix_col(matrix, j);
        if (b / pairs->experts != layer) {
            layer = b / pairs->experts;
            moe_independent_clear(&law);
            const char *reason = moe_independent_init(&law, pairs->load + (int64_t)layer * pairs->experts,
                                                      pairs->experts, pairs->tokens);
            if (reason) {
                moe_fail(err, MOE_NUMERIC, "%s: no independent routing of layer %d: %s", pairs->path, layer, reason);
                break;
            }
        }
        moe_independent_pairs(&law, b % pairs->experts, pair);
        independent_column(pairs, form, matrix, j, pair);
    }
    moe_independent_clear(&law);
    moe_pool_free(pair);
    return err->code;
}

enum moe_status moe_coactivation_fill(const struct moe_coactivation *pairs, const struct moe_grid *grid,
                                      enum moe_form form, enum moe_origin origin, struct moe_block_matrix *matrix,
                                      struct moe_error *err)
{
    const int64_t n = (int64_t)pairs->layers * pairs->experts;
    if (moe_matrix_new(matrix, grid, n, n, err))
        return err->code;
    if (origin == MOE_ORIGIN_FILE)
        fill_from_file(pairs, form, matrix, err);
    else
        fill_independent(pairs, form, matrix, err);
    return moe_grid_agree(grid, err);
}
