#include "mpi/exchange_mpi.h"

#include <string.h>

#include "src/clock.h"
#include "src/pool.h"
#include "src/share.h"

struct state {
    MPI_Comm comm;
    struct moe_traffic traffic;
    int *send_start, *receive_start; /* [P] */
    int *send_count, *receive_count; /* [P] */
    MPI_Datatype row;                /* row_width reals */
    int row_width;                   /* 0 before the first rows */
    void *pack, *parts;              /* buffers of a fold round */
    void **part;                     /* [nodes] */
    size_t pack_capacity, parts_capacity, part_capacity;
};

static const char *const phase_names[MOE_PHASES] = {
    "sizes",     "dispatch", "combine", "combine_backward", "dispatch_backward",
    "gradients", "scalars",  "census"};

const char *moe_phase_name(enum moe_phase phase)
{
    return phase_names[phase];
}

static void add_traffic(struct moe_exchange *ex, enum moe_phase phase, int to, int64_t bytes)
{
    struct state *state = ex->state;
    if (to == ex->rank || bytes == 0)
        return;
    state->traffic.bytes[phase * ex->ranks + to] += bytes;
    state->traffic.messages[phase * ex->ranks + to]++;
}

static void starts(int *start, const int *count, int ranks)
{
    for (int p = 0, sum = 0; p < ranks; sum += count[p], p++)
        start[p] = sum;
}

/* All-to-all of packed elements of any type. */
static void all_to_all(struct moe_exchange *ex, const void *send, const int *send_count, void *receive,
                       const int *receive_count, MPI_Datatype type, int64_t bytes, enum moe_phase phase)
{
    struct state *state = ex->state;
    double clock = moe_clock();
    starts(state->send_start, send_count, ex->ranks);
    starts(state->receive_start, receive_count, ex->ranks);
    for (int p = 0; p < ex->ranks; p++)
        add_traffic(ex, phase, p, send_count[p] * bytes);
    MPI_Alltoallv(send, send_count, state->send_start, type, receive, receive_count, state->receive_start, type,
                  state->comm);
    moe_clock_add(MOE_TIME_MESSAGES, clock);
}

static void send_sizes(struct moe_exchange *ex, const int32_t *send, const int *send_count, int32_t *receive,
                       const int *receive_count)
{
    all_to_all(ex, send, send_count, receive, receive_count, MPI_INT32_T, sizeof *send, MOE_PHASE_SIZES);
}

static void send_rows(struct moe_exchange *ex, const moe_real *send, const int *send_count, moe_real *receive,
                      const int *receive_count, int width, enum moe_phase phase)
{
    struct state *state = ex->state;
    if (state->row_width != width) {
        if (state->row_width)
            MPI_Type_free(&state->row);
        MPI_Type_contiguous(width, MPI_FLOAT, &state->row);
        MPI_Type_commit(&state->row);
        state->row_width = width;
    }
    all_to_all(ex, send, send_count, receive, receive_count, state->row, width * (int64_t)sizeof *send, phase);
}

/* How the two number types differ for a fold. */
struct number {
    MPI_Datatype type;
    size_t size;
    enum moe_phase phase;
};

static void finish(const struct moe_tree *tree, void **part, int64_t n, const struct number *number)
{
    if (number->type == MPI_DOUBLE)
        moe_tree_finish_double(tree, (double *const *)part, n);
    else
        moe_tree_finish(tree, (moe_real *const *)part, n);
}

/* Folds elements [at, at + m) of the vectors: every rank finishes the tree for its slice, then slices are gathered. */
static void fold_round(struct moe_exchange *ex, const struct moe_tree *tree, const char *nodes, int64_t n, char *out,
                       int64_t at, int64_t m, const struct number *number)
{
    struct state *state = ex->state;
    const int P = ex->ranks, all = tree->start[P];
    const size_t size = number->size;
    const int64_t mine = moe_share_count(m, P, ex->rank);
    moe_pool_grow(MOE_POOL_REDUCE, &state->pack, &state->pack_capacity, (size_t)(tree->mine * m) * size, 1);
    moe_pool_grow(MOE_POOL_REDUCE, &state->parts, &state->parts_capacity, (size_t)(all * mine) * size, 1);
    moe_pool_grow(MOE_POOL_REDUCE, (void **)&state->part, &state->part_capacity, (size_t)all, sizeof *state->part);
    char *pack = state->pack;
    for (int p = 0; p < P; p++) {
        const int64_t first = moe_share_first(m, P, p), count = moe_share_count(m, P, p);
        for (int i = 0; i < tree->mine; i++, pack += (size_t)count * size)
            memcpy(pack, nodes + (size_t)(i * n + at + first) * size, (size_t)count * size);
        state->send_count[p] = (int)(tree->mine * count);
        state->receive_count[p] = (int)((tree->start[p + 1] - tree->start[p]) * mine);
    }
    all_to_all(ex, state->pack, state->send_count, state->parts, state->receive_count, number->type, (int64_t)size,
               number->phase);
    for (int i = 0; i < all; i++)
        state->part[i] = (char *)state->parts + (size_t)(i * mine) * size;
    finish(tree, state->part, mine, number);
    for (int p = 0; p < P; p++) {
        state->receive_count[p] = (int)moe_share_count(m, P, p);
        add_traffic(ex, number->phase, p, mine * (int64_t)size);
    }
    starts(state->receive_start, state->receive_count, P);
    double clock = moe_clock();
    MPI_Allgatherv(state->part[0], (int)mine, number->type, out + (size_t)at * size, state->receive_count,
                   state->receive_start, number->type, state->comm);
    moe_clock_add(MOE_TIME_MESSAGES, clock);
}

static void fold_any(struct moe_exchange *ex, const struct moe_tree *tree, char *nodes, int64_t n, char *out,
                     const struct number *number)
{
    if (ex->ranks == 1) {
        if (out != nodes)
            memcpy(out, nodes, (size_t)n * number->size);
        return;
    }
    for (int64_t at = 0; at < n; at += MOE_FOLD_ROUND)
        fold_round(ex, tree, nodes, n, out, at, n - at < MOE_FOLD_ROUND ? n - at : MOE_FOLD_ROUND, number);
}

static void fold(struct moe_exchange *ex, const struct moe_tree *tree, moe_real *nodes, int64_t n, moe_real *out)
{
    const struct number number = {MPI_FLOAT, sizeof *nodes, MOE_PHASE_GRADIENTS};
    fold_any(ex, tree, (char *)nodes, n, (char *)out, &number);
}

static void fold_double(struct moe_exchange *ex, const struct moe_tree *tree, double *nodes, int64_t n, double *out)
{
    const struct number number = {MPI_DOUBLE, sizeof *nodes, MOE_PHASE_SCALARS};
    fold_any(ex, tree, (char *)nodes, n, (char *)out, &number);
}

static void sum(struct moe_exchange *ex, int64_t *values, int64_t n)
{
    struct state *state = ex->state;
    double clock = moe_clock();
    for (int64_t at = 0; at < n; at += MOE_FOLD_ROUND)
        MPI_Allreduce(MPI_IN_PLACE, values + at, (int)(n - at < MOE_FOLD_ROUND ? n - at : MOE_FOLD_ROUND), MPI_INT64_T,
                      MPI_SUM, state->comm);
    moe_clock_add(MOE_TIME_MESSAGES, clock);
}

static void gather(struct moe_exchange *ex, const double *mine, const int *counts, double *all)
{
    struct state *state = ex->state;
    double clock = moe_clock();
    starts(state->receive_start, counts, ex->ranks);
    for (int p = 0; p < ex->ranks; p++)
        add_traffic(ex, MOE_PHASE_SCALARS, p, counts[ex->rank] * (int64_t)sizeof *mine);
    MPI_Allgatherv(mine, counts[ex->rank], MPI_DOUBLE, all, counts, state->receive_start, MPI_DOUBLE, state->comm);
    moe_clock_add(MOE_TIME_MESSAGES, clock);
}

struct moe_exchange moe_exchange_mpi(const struct moe_comm *comm)
{
    const size_t P = (size_t)comm->ranks;
    struct state *state = moe_pool_new(MOE_POOL_REDUCE, 1, sizeof *state);
    state->comm = comm->world;
    state->traffic.bytes = moe_pool_new(MOE_POOL_REDUCE, MOE_PHASES * P, sizeof(int64_t));
    state->traffic.messages = moe_pool_new(MOE_POOL_REDUCE, MOE_PHASES * P, sizeof(int64_t));
    state->send_start = moe_pool_new(MOE_POOL_REDUCE, P, sizeof(int));
    state->receive_start = moe_pool_new(MOE_POOL_REDUCE, P, sizeof(int));
    state->send_count = moe_pool_new(MOE_POOL_REDUCE, P, sizeof(int));
    state->receive_count = moe_pool_new(MOE_POOL_REDUCE, P, sizeof(int));
    return (struct moe_exchange){.rank = comm->rank,
                                 .ranks = comm->ranks,
                                 .state = state,
                                 .sizes = send_sizes,
                                 .rows = send_rows,
                                 .fold = fold,
                                 .fold_double = fold_double,
                                 .sum = sum,
                                 .gather = gather};
}

void moe_exchange_mpi_free(struct moe_exchange *ex)
{
    struct state *state = ex->state;
    if (state->row_width)
        MPI_Type_free(&state->row);
    void *const buffers[] = {state->traffic.bytes, state->traffic.messages, state->send_start, state->receive_start,
                             state->send_count,    state->receive_count,    state->pack,       state->parts,
                             state->part};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        moe_pool_free(buffers[i]);
    moe_pool_free(state);
    memset(ex, 0, sizeof *ex);
}

const struct moe_traffic *moe_exchange_traffic(const struct moe_exchange *ex)
{
    return &((const struct state *)ex->state)->traffic;
}
