/* Worst case, covering numbers, error bounds, prices, certificates and the papers' optimal k of one model: every figure
 * with its grade, its source, its inputs and, where it has one, the share of its routing term. */
#ifndef MOE_BOUNDS_H
#define MOE_BOUNDS_H

#include "analysis/counts.h"
#include "analysis/covering.h"
#include "analysis/sheet.h"

/* What decides the routes. */
enum moe_routes {
    MOE_ROUTES_UNKNOWN,
    MOE_ROUTES_LEARNED, /* routers are trained */
    MOE_ROUTES_FROZEN,  /* routers stay as drawn; their inputs may be trained */
    MOE_ROUTES_FIXED,   /* known before training, but not the same for every sequence: planted, by token */
    MOE_ROUTES_TABLE    /* the same for every sequence: by position */
};

/* Numbers are NAN, pointers null and choices their first value where unknown: what needs them is then missing, with
 * that reason. moe_bound_input_init makes all of them so and sets the defaults named here. */
struct moe_bound_input {
    double layers, tokens, experts, top_k;
    double width;           /* of the router's input (+ 1 with a bias) */
    double attention;       /* Pi_attn: parameters of one layer that are neither an expert's nor the router's */
    double outside;         /* parameters outside all layers: embedding, last norm, head; default 0 */
    double expert;          /* Pi_exp: parameters of one expert */
    enum moe_routes routes;
    int inputs_fixed;       /* 1: nothing below the first router is trained */
    int topk_softmax;       /* 1: gates are a softmax over the chosen */
    double ln_worst;        /* ln of the worst case where the sizes above are unknown */

    double n;               /* training sequences */
    double magnitude;       /* B: |y|, |f|, |f0| <= B */
    int squared;            /* 1: squared error, whose range is 4 B^2 */
    double train_loss;      /* mean over the training set */
    double failure;         /* eta of every line by itself; default 0.05 */

    double log_factor;      /* LF; NAN: ln(kappa R M0 / delta) of the next four */
    double weight_max, output_max, input_max; /* kappa, R, M0; each counts as 1 where NAN */
    double radius;          /* delta; NAN: 1 / n */

    double divergence;      /* KL(Q, P) of routers, P fixed without the sample */
    double disagreements;   /* sites where the router differs from one trained on a disjoint split ... */
    double disagreement_sites; /* ... of so many: training and test sequences in equal number, x T x L */

    const double *load;     /* [L, E] choices of each expert */
    const double *gate_energy; /* [L, E] sums of squared gates */
    double gate_tokens;     /* tokens behind both */

    double skills, natarajan; /* N and d_N of the SMoE paper */
    double ratio;           /* a / b of the constants in its definitions 4 and 5 */
    double alpha;           /* exponent of power-law task weights; default 2 */
    double lipschitz;       /* C of the loss */
    double rademacher;      /* R_m(H) */
    double class_constant;  /* c: E sup |sum s_i g_i h(x_i)| <= c |g|_2 for the experts */

    double dim, smoothness; /* d and beta */
    double operations;      /* F */

    double escape;          /* eps of K_eps; default 0.05 */
    const struct moe_counts *sequence, *path; /* scopes of the census */
};

/* All unknown, with the defaults above.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_bound_input_init(struct moe_bound_input *input);

/* Adds every figure. Those of theory's output table carry in_table.
 *
 * Ranks:  local
 * Errors: never returns without memory
 */
void moe_bounds(struct moe_sheet *sheet, const struct moe_bound_input *input);

#endif
