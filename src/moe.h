/* The expert-parallel part of a layer: rows travel to the ranks that own the chosen experts, and results back.
 *
 * Every expert receives the rows of one unit in global (sequence, token) order: ranks own contiguous sequences, so the
 * pieces of all ranks, one after the other, are in that order. One product a unit and expert, so its shape depends on
 * the routing and not on the number of ranks. The gradient of a dispatch is a combine, and the reverse. */
#ifndef MOE_MOE_H
#define MOE_MOE_H

#include <stddef.h>
#include <stdint.h>

#include "src/exchange.h"
#include "src/expert.h"

/* Who owns which experts, and how wide everything is. */
struct moe_placement {
    int experts, top_k, units, width, hidden; /* E, K, U, C, F */
    int first, count;                         /* this rank's experts */
    struct moe_exchange *ex;                  /* borrowed */
};

/* Where one layer's rows went; kept from the forward to the backward pass. */
struct moe_dispatch {
    int32_t *slot;       /* [N, K] row of a (token, choice) in the packed send buffer */
    int *send_rows;      /* [P] */
    int *receive_rows;   /* [P] */
    int32_t *received;   /* [P, own, U] rows by source, own expert and unit */
    int64_t *unit_start; /* [own U + 1] first row of an (expert, unit) in rows */
    int64_t total;       /* rows received */
    moe_real *rows;      /* [total, C] by own expert, then global order */
    moe_real *hidden;    /* [total, F] */
    size_t rows_capacity, hidden_capacity;
};

/* Buffers that all layers share. */
struct moe_wire {
    int32_t *sizes;      /* [E, U] */
    int32_t *next;       /* [E] next row of each expert while packing or reordering */
    int *size_counts, *own_counts; /* [P] elements of the size message */
    moe_real *send;      /* [N K, C] packed by expert, then token */
    moe_real *wire;      /* [total, C] as received, by source */
    moe_real *out;       /* [total, C] results by own expert */
    moe_real *act, *dact;/* [most rows of one (expert, unit), F] */
    moe_real *scratch;   /* [depth of U, expert size] for folding units */
    size_t wire_capacity, out_capacity, act_capacity, dact_capacity;
    int64_t growths;     /* how often a dispatch buffer had to grow */
};

/* Buffers for up to `tokens` local tokens. dispatch and wire start zeroed.
 *
 * Ranks:  local
 * Errors: never returns without memory
 */
void moe_dispatch_init(struct moe_dispatch *dispatch, const struct moe_placement *placement, int64_t tokens);
void moe_dispatch_clear(struct moe_dispatch *dispatch);
void moe_wire_init(struct moe_wire *wire, const struct moe_placement *placement, int64_t tokens);
void moe_wire_clear(struct moe_wire *wire);

/* Sends each token to its K experts, applies them, brings the results home.
 *   returned [N K, C]   expert results; that of (token, choice) is row dispatch->slot[token, choice]     out
 *   x        [N, C]                                                                                      in
 *   choice   [N, K]                                                                                      in
 *   unit     [N]        unit of each token, not falling                                                  in
 *   block               the rank's expert blocks of this layer, [count, expert size]                     in
 *
 * Ranks:  collective on placement->ex
 * Errors: never fails
 * Cost:   bytes sent to other ranks: 2 x (choices whose expert is elsewhere) x C x sizeof(moe_real), and the sizes
 */
void moe_experts_forward(const struct moe_placement *placement, struct moe_dispatch *dispatch, struct moe_wire *wire,
                         moe_real *returned, const moe_real *x, const int16_t *choice, const int32_t *unit, int64_t n,
                         const moe_real *block);

/* Their gradient.
 *   dreturned [N K, C]  gradient of `returned` in; of the row each (token, choice) sent out              inout
 *   dblock    [count, expert size]  gradient of the rank's blocks, units folded by the tree              out
 *
 * Ranks:  collective on placement->ex
 * Errors: never fails
 */
void moe_experts_backward(const struct moe_placement *placement, struct moe_dispatch *dispatch, struct moe_wire *wire,
                          moe_real *dreturned, moe_real *dblock, const moe_real *block);

#endif
