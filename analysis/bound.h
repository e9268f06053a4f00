/* The routing term of the union bound beside the parameter term.
 *
 * arXiv 2604.09175, Lemma 3.7 as quoted: ln N(delta) <~ (P_attn + L K P_exp) ln(kappa R M0 / delta)
 * + L T K ln(e E / K), up to a constant that it leaves out. The exact logarithm of the number of full patterns is
 * L T ln C(E, K). */
#ifndef MOE_BOUND_H
#define MOE_BOUND_H

#include "src/layout.h"

struct moe_bound {
    double parameters;     /* active parameters without routers */
    double log_factor;     /* stands for ln(kappa R M0 / delta): ln n with delta = 1 / n, kappa R M0 = 1 */
    double parameter_term; /* nats */
    double routing_exact;  /* L T ln C(E, K), nats */
    double routing_relaxed;/* L T K ln(e E / K), nats */
    double share;          /* of the relaxed routing term in the whole */
};

/* The two terms for a model of run on `tokens` tokens a sequence, with n training sequences (steps x batch where the
 * source is endless).
 *
 * Ranks:  local
 * Errors: never fails
 */
struct moe_bound moe_bound_of(const struct moe_run *run, const struct moe_layout *layout, int tokens);

#endif
