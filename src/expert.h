/* One expert: two matrices with a GELU between, applied to the packed rows of the tokens that chose it.
 *
 * out = W_out gelu(W_in x + b_in) + b_out, W_in [F, C], W_out [C, F]. A block holds in_weight, in_bias, out_weight and
 * out_bias one after the other (src/layout.h). */
#ifndef MOE_EXPERT_H
#define MOE_EXPERT_H

#include "src/real.h"

struct moe_expert {
    int width, hidden;            /* C, F */
    const moe_real *block;        /* its parameters; borrowed */
};

/* Where the parts of a block start; in_weight is first. */
struct moe_expert_parts {
    long in_bias, out_weight, out_bias, size;
};

/* The parts of a block for width C and hidden width F.
 *
 * Ranks:  local
 * Errors: never fails
 */
struct moe_expert_parts moe_expert_parts(int width, int hidden);

/* Elements of one expert's block.
 *
 * Ranks:  local
 * Errors: never fails
 */
long moe_expert_size(int width, int hidden);

/* Applies the expert to n rows.
 *   out    [n, C]    out
 *   hidden [n, F]    before the GELU, kept for the backward pass     out
 *   act    [n, F]    after it                                        out, scratch
 *   rows   [n, C]    in
 *
 * Ranks:  local
 * Errors: never fails; n may be 0
 */
void moe_expert_forward(const struct moe_expert *expert, moe_real *out, moe_real *hidden, moe_real *act,
                        const moe_real *rows, int n);

/* Its gradient.
 *   dblock        gradient of the block, written                     out
 *   d      [n, C] gradient of the results in, of the rows out        inout
 *   act    [n, F], dact [n, F]                                       scratch
 *
 * Ranks:  local
 * Errors: never fails; n may be 0
 */
void moe_expert_backward(const struct moe_expert *expert, moe_real *dblock, moe_real *d, moe_real *act, moe_real *dact,
                         const moe_real *hidden, const moe_real *rows, int n);

#endif
