/* The router: from logits to K chosen experts and their gates, and back.
 *
 * Gates are `topk-softmax`, the softmax over the K chosen logits (SMoE paper, eq. 2), or `softmax-topk`, the chosen
 * entries of the softmax over all E without renormalisation. Ties go to the lower expert. */
#ifndef MOE_ROUTER_H
#define MOE_ROUTER_H

#include <stdint.h>

#include "src/config.h"
#include "src/real.h"

struct moe_routing {
    int experts, top_k; /* E, K */
    int gate;           /* enum moe_gate */
};

/* Chooses for n tokens.
 *   choice [n, K] int16   experts, best first                                              out
 *   gate   [n, K]         weights of the chosen                                            out
 *   margin [n]            logit of choice K less that of the next expert; NAN at K = E and planted    out
 *   load   [E] int64      choices an expert got                                            inout, added to
 *   p_sum  [E] double     softmax over all E, summed over the tokens in order              inout, added to
 *   logits [n, E]                                                                          in
 *   planted [n, K] int16  sets to take instead of the top K, or null                       in
 *   scratch [E]                                                                            caller's
 *
 * Ranks:  local
 * Errors: never fails; a logit that is not finite shows in p_sum
 */
void moe_route(const struct moe_routing *routing, int16_t *choice, moe_real *gate, moe_real *margin, int64_t *load,
               double *p_sum, const moe_real *logits, int64_t n, const int16_t *planted, moe_real *scratch);

/* Gradient of the logits.
 *   dlogits [n, E]   out
 *   dgate   [n, K]   in
 *   f       [E]      share of all choices, f_e; the balance loss adds balance E f_e p_e averaged over `tokens`   in
 *   balance          alpha / L; 0 leaves the balance loss out
 *
 * Ranks:  local
 * Errors: never fails
 * Formula: Fedus, Zoph and Shazeer 2022, eq. 4 (alpha E sum_e f_e p_e), f_e over the N K choices
 */
void moe_route_backward(const struct moe_routing *routing, moe_real *dlogits, const moe_real *dgate,
                        const moe_real *gate, const int16_t *choice, const moe_real *logits, int64_t n,
                        const double *f, double balance, int64_t tokens, moe_real *scratch);

#endif
