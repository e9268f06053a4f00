/* Multi-head softmax attention over whole sequences, with a learned bias by head and signed offset.
 *
 * Head h of H uses channels h d .. h d + d - 1, d = C / H. Scores are <q_i, k_j> / sqrt(d) + bias[h, j - i + T - 1]
 * (Vaswani et al. 2017; the bias as in Raffel et al. 2020, one entry an offset); a causal mask keeps j <= i. */
#ifndef MOE_ATTENTION_H
#define MOE_ATTENTION_H

#include "src/real.h"

struct moe_attention {
    int sequences, tokens, width, heads; /* n, T, C, H */
    int causal;
};

/* Mixes values.
 *   mixed  [n, T, C]       out
 *   weight [n, H, T, T]    attention weights, kept for the backward pass; 0 where masked      out
 *   qkv    [n, T, 3, C]    queries, keys, values                                             in
 *   bias   [H, 2 T - 1]                                                                      in
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_attention_forward(const struct moe_attention *shape, moe_real *mixed, moe_real *weight, const moe_real *qkv,
                           const moe_real *bias);

/* Its gradient.
 *   dqkv   [n, T, 3, C]    out
 *   dbias  [H, 2 T - 1]    inout, added to
 *   dmixed [n, T, C]       in
 *   scratch [2, T, T]      caller's
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_attention_backward(const struct moe_attention *shape, moe_real *dqkv, moe_real *dbias, const moe_real *dmixed,
                            const moe_real *weight, const moe_real *qkv, moe_real *scratch);

#endif
