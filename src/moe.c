#include "src/moe.h"

#include <string.h>

#include "src/pool.h"
#include "src/share.h"
#include "src/status.h"
#include "src/tree.h"

void moe_dispatch_init(struct moe_dispatch *dispatch, const struct moe_placement *placement, int64_t tokens)
{
    const size_t P = (size_t)placement->ex->ranks, pairs = (size_t)placement->count * (size_t)placement->units;
    memset(dispatch, 0, sizeof *dispatch);
    dispatch->slot = moe_pool_new(MOE_POOL_DISPATCH, (size_t)tokens * (size_t)placement->top_k, sizeof(int32_t));
    dispatch->send_rows = moe_pool_new(MOE_POOL_DISPATCH, P, sizeof(int));
    dispatch->receive_rows = moe_pool_new(MOE_POOL_DISPATCH, P, sizeof(int));
    dispatch->received = moe_pool_new(MOE_POOL_DISPATCH, P * pairs, sizeof(int32_t));
    dispatch->unit_start = moe_pool_new(MOE_POOL_DISPATCH, pairs + 1, sizeof(int64_t));
}

void moe_dispatch_clear(struct moe_dispatch *dispatch)
{
    moe_pool_free(dispatch->slot);
    moe_pool_free(dispatch->send_rows);
    moe_pool_free(dispatch->receive_rows);
    moe_pool_free(dispatch->received);
    moe_pool_free(dispatch->unit_start);
    moe_pool_free(dispatch->rows);
    moe_pool_free(dispatch->hidden);
    memset(dispatch, 0, sizeof *dispatch);
}

void moe_wire_init(struct moe_wire *wire, const struct moe_placement *placement, int64_t tokens)
{
    const size_t P = (size_t)placement->ex->ranks, E = (size_t)placement->experts, U = (size_t)placement->units;
    memset(wire, 0, sizeof *wire);
    wire->sizes = moe_pool_new(MOE_POOL_DISPATCH, E * U, sizeof(int32_t));
    wire->next = moe_pool_new(MOE_POOL_DISPATCH, E, sizeof(int32_t));
    wire->size_counts = moe_pool_new(MOE_POOL_DISPATCH, P, sizeof(int));
    wire->own_counts = moe_pool_new(MOE_POOL_DISPATCH, P, sizeof(int));
    for (size_t p = 0; p < P; p++) {
        wire->size_counts[p] = (int)(moe_share_count((int64_t)E, (int64_t)P, (int64_t)p) * (int64_t)U);
        wire->own_counts[p] = placement->count * (int)U;
    }
    wire->send = moe_pool_new(MOE_POOL_DISPATCH, (size_t)tokens * (size_t)(placement->top_k * placement->width),
                              sizeof(moe_real));
    wire->scratch = moe_pool_new(MOE_POOL_DISPATCH,
                                 (size_t)moe_tree_depth(placement->units) *
                                     (size_t)moe_expert_size(placement->width, placement->hidden),
                                 sizeof(moe_real));
}

void moe_wire_clear(struct moe_wire *wire)
{
    moe_pool_free(wire->sizes);
    moe_pool_free(wire->next);
    moe_pool_free(wire->size_counts);
    moe_pool_free(wire->own_counts);
    moe_pool_free(wire->send);
    moe_pool_free(wire->wire);
    moe_pool_free(wire->out);
    moe_pool_free(wire->act);
    moe_pool_free(wire->dact);
    moe_pool_free(wire->scratch);
    memset(wire, 0, sizeof *wire);
}

/* Grows a dispatch buffer and counts that it did; the first allocation is not a growth. */
static void grow(struct moe_wire *wire, moe_real **block, size_t *capacity, int64_t rows, int width)
{
    size_t wanted = (size_t)rows * (size_t)width;
    if (*block && wanted > *capacity)
        wire->growths++;
    moe_pool_grow(MOE_POOL_DISPATCH, (void **)block, capacity, wanted, sizeof **block);
}

/* Gives every (token, choice) its slot, by expert and then token, and counts rows by (expert, unit) and rank. */
static void pack_plan(const struct moe_placement *placement, struct moe_dispatch *dispatch, struct moe_wire *wire,
                      const int16_t *choice, const int32_t *unit, int64_t n)
{
    const int E = placement->experts, K = placement->top_k, U = placement->units, P = placement->ex->ranks;
    MOE_CHECK(n * K <= INT32_MAX);
    memset(wire->sizes, 0, (size_t)E * (size_t)U * sizeof *wire->sizes);
    for (int64_t i = 0; i < n; i++)
        for (int k = 0; k < K; k++)
            wire->sizes[choice[i * K + k] * U + unit[i]]++;
    int32_t slot = 0;
    memset(dispatch->send_rows, 0, (size_t)P * sizeof *dispatch->send_rows);
    for (int e = 0; e < E; e++) {
        wire->next[e] = slot;
        for (int u = 0; u < U; u++)
            slot += wire->sizes[e * U + u];
        dispatch->send_rows[moe_share_owner(E, P, e)] += slot - wire->next[e];
    }
    for (int64_t i = 0; i < n * K; i++)
        dispatch->slot[i] = wire->next[choice[i]]++;
}

/* Learns from all ranks what this rank's experts will get. */
static void receive_plan(const struct moe_placement *placement, struct moe_dispatch *dispatch, struct moe_wire *wire)
{
    const int P = placement->ex->ranks, pairs = placement->count * placement->units;
    placement->ex->sizes(placement->ex, wire->sizes, wire->size_counts, dispatch->received, wire->own_counts);
    memset(dispatch->receive_rows, 0, (size_t)P * sizeof *dispatch->receive_rows);
    dispatch->total = 0;
    for (int pair = 0; pair < pairs; pair++) {
        dispatch->unit_start[pair] = dispatch->total;
        for (int p = 0; p < P; p++) {
            dispatch->receive_rows[p] += dispatch->received[p * pairs + pair];
            dispatch->total += dispatch->received[p * pairs + pair];
        }
    }
    dispatch->unit_start[pairs] = dispatch->total;
    MOE_CHECK(dispatch->total <= INT32_MAX);
}

enum direction { TO_EXPERT_ORDER, TO_SOURCE_ORDER };

/* Moves rows between the order they arrive in (source, expert) and the order experts work in (expert, source). */
static void reorder(const struct moe_placement *placement, const struct moe_dispatch *dispatch, struct moe_wire *wire,
                    moe_real *to, const moe_real *from, enum direction direction)
{
    const int P = placement->ex->ranks, U = placement->units, pairs = placement->count * U;
    const int64_t C = placement->width;
    for (int e = 0; e < placement->count; e++)
        wire->next[e] = (int32_t)dispatch->unit_start[e * U];
    int64_t by_source = 0;
    for (int p = 0; p < P; p++)
        for (int e = 0; e < placement->count; e++) {
            int32_t by_expert = wire->next[e], rows = 0;
            for (int u = 0; u < U; u++)
                rows += dispatch->received[p * pairs + e * U + u];
            if (direction == TO_EXPERT_ORDER)
                memcpy(to + by_expert * C, from + by_source * C, (size_t)(rows * C) * sizeof *to);
            else
                memcpy(to + by_source * C, from + by_expert * C, (size_t)(rows * C) * sizeof *to);
            wire->next[e] += rows;
            by_source += rows;
        }
}

/* Rows from the send buffer's order to the experts' order. */
static void to_experts(const struct moe_placement *placement, struct moe_dispatch *dispatch, struct moe_wire *wire,
                       moe_real *rows, const moe_real *send, enum moe_phase phase)
{
    struct moe_exchange *ex = placement->ex;
    moe_real *arrive = ex->ranks == 1 ? rows : wire->wire; /* from one source both orders are the same */
    ex->rows(ex, send, dispatch->send_rows, arrive, dispatch->receive_rows, placement->width, phase);
    if (arrive != rows)
        reorder(placement, dispatch, wire, rows, arrive, TO_EXPERT_ORDER);
}

/* Rows from the experts' order back to the send buffer's order of each source. */
static void to_sources(const struct moe_placement *placement, struct moe_dispatch *dispatch, struct moe_wire *wire,
                       moe_real *back, const moe_real *rows, enum moe_phase phase)
{
    struct moe_exchange *ex = placement->ex;
    const moe_real *leave = rows;
    if (ex->ranks > 1) {
        reorder(placement, dispatch, wire, wire->wire, rows, TO_SOURCE_ORDER);
        leave = wire->wire;
    }
    ex->rows(ex, leave, dispatch->receive_rows, back, dispatch->send_rows, placement->width, phase);
}

static int64_t most_rows(const struct moe_placement *placement, const struct moe_dispatch *dispatch)
{
    int64_t most = 0;
    for (int pair = 0; pair < placement->count * placement->units; pair++) {
        int64_t rows = dispatch->unit_start[pair + 1] - dispatch->unit_start[pair];
        most = rows > most ? rows : most;
    }
    return most;
}

static struct moe_expert expert_of(const struct moe_placement *placement, const moe_real *block, int e)
{
    return (struct moe_expert){placement->width, placement->hidden,
                               block + e * moe_expert_size(placement->width, placement->hidden)};
}

void moe_experts_forward(const struct moe_placement *placement, struct moe_dispatch *dispatch, struct moe_wire *wire,
                         moe_real *returned, const moe_real *x, const int16_t *choice, const int32_t *unit, int64_t n,
                         const moe_real *block)
{
    const int C = placement->width, F = placement->hidden, K = placement->top_k, U = placement->units;
    pack_plan(placement, dispatch, wire, choice, unit, n);
    receive_plan(placement, dispatch, wire);
    grow(wire, &dispatch->rows, &dispatch->rows_capacity, dispatch->total, C);
    grow(wire, &dispatch->hidden, &dispatch->hidden_capacity, dispatch->total, F);
    grow(wire, &wire->wire, &wire->wire_capacity, placement->ex->ranks > 1 ? dispatch->total : 0, C);
    grow(wire, &wire->out, &wire->out_capacity, dispatch->total, C);
    grow(wire, &wire->act, &wire->act_capacity, most_rows(placement, dispatch), F);

    for (int64_t i = 0; i < n; i++)
        for (int k = 0; k < K; k++)
            memcpy(wire->send + (int64_t)dispatch->slot[i * K + k] * C, x + i * C, (size_t)C * sizeof *x);
    to_experts(placement, dispatch, wire, dispatch->rows, wire->send, MOE_PHASE_DISPATCH);
    for (int pair = 0; pair < placement->count * U; pair++) {
        struct moe_expert expert = expert_of(placement, block, pair / U);
        int64_t start = dispatch->unit_start[pair];
        moe_expert_forward(&expert, wire->out + start * C, dispatch->hidden + start * F, wire->act,
                           dispatch->rows + start * C, (int)(dispatch->unit_start[pair + 1] - start));
    }
    to_sources(placement, dispatch, wire, returned, wire->out, MOE_PHASE_COMBINE);
}

struct unit_context {
    const struct moe_placement *placement;
    struct moe_dispatch *dispatch;
    struct moe_wire *wire;
    struct moe_expert expert;
    int e;
};

static void unit_backward(void *context, int unit, moe_real *dblock)
{
    struct unit_context *c = context;
    const int C = c->placement->width, F = c->placement->hidden, pair = c->e * c->placement->units + unit;
    int64_t start = c->dispatch->unit_start[pair];
    moe_expert_backward(&c->expert, dblock, c->wire->out + start * C, c->wire->act, c->wire->dact,
                        c->dispatch->hidden + start * F, c->dispatch->rows + start * C,
                        (int)(c->dispatch->unit_start[pair + 1] - start));
}

void moe_experts_backward(const struct moe_placement *placement, struct moe_dispatch *dispatch, struct moe_wire *wire,
                          moe_real *dreturned, moe_real *dblock, const moe_real *block)
{
    const long size = moe_expert_size(placement->width, placement->hidden);
    grow(wire, &wire->dact, &wire->dact_capacity, most_rows(placement, dispatch), placement->hidden);
    to_experts(placement, dispatch, wire, wire->out, dreturned, MOE_PHASE_COMBINE_BACKWARD);
    for (int e = 0; e < placement->count; e++) {
        struct unit_context context = {placement, dispatch, wire, expert_of(placement, block, e), e};
        moe_tree_fold(0, placement->units, unit_backward, &context, size, dblock + e * size, wire->scratch);
    }
    to_sources(placement, dispatch, wire, dreturned, wire->out, MOE_PHASE_DISPATCH_BACKWARD);
}
