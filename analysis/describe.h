/* What the routing of one snapshot looks like: how even the load is, what independent draws from that load would do,
 * which experts go together, what the next layer keeps of it, how far training had settled, which classes an expert
 * serves, how close the choices were. */
#ifndef MOE_DESCRIBE_H
#define MOE_DESCRIBE_H

#include <stdint.h>

#include "analysis/sheet.h"

/* The routing of a snapshot as plain arrays, all borrowed. Those that a file does not have are null. */
struct moe_routing {
    int layers, experts, top_k, tokens;  /* L, E, K, T */
    int labels;                          /* 0: load_by_label is null */
    const int64_t *load;                 /* [L, E] choices */
    const int64_t *load_by_label;        /* [L, E, labels] */
    const int64_t *coactivation;         /* [L, E, L, E], or [L, 2, E, E] where adjacent: layer with itself, the next */
    int adjacent;
    int margin_bins;
    const int64_t *margin;               /* [L, margin_bins] tokens */
    const double *margin_edge;           /* [margin_bins + 1] ascending, the last may be infinite */
    int64_t kept;                        /* sequences with choices */
    const int16_t *choices;              /* [kept, T, L, K] in score order */
    const int16_t *earlier;              /* [kept, T, L, K] of the same sequences at an earlier snapshot */
    const double *subset_entropy;        /* [L] measured: plug-in entropy of the K-sets, nats; NAN unknown */
    const double *subset_collision;      /* [L] measured: unbiased order-2 number of the K-sets; NAN unknown */
};

/* Adds all figures of a layer to its sheet, those between it and the next layer among them.
 *   load_entropy, load_entropy_bits, load_effective, experts_used, imbalance_*      how even the load is
 *   null_entropy, null_collision, null_gap, null_collision_ratio                    against independent draws
 *   coactivation_max, coactivation_score_adjacent_max                               which experts go together
 *   transition_information, transition_share                                        what the next layer keeps
 *   saturation_top_1 ... saturation_top_K                                           against the earlier snapshot
 *   label_information, label_share, top_label_share_max, top_label_share_mean       classes
 *   margin_median, margin_close                                                     how close choices were
 *
 * Ranks:  local
 * Errors: never fails; what the arrays cannot tell is in the sheet as missing, with the reason
 */
void moe_describe_layer(const struct moe_routing *routing, int layer, struct moe_sheet *sheet);

/* P(e' | e): of the tokens of a layer that chose expert e the share that chose e' too; 0 on the diagonal.
 *   rate [E, E]   row e; NAN where e was never chosen   out
 *
 * Ranks:  local
 * Errors: never fails; needs coactivation
 * Formula: pairwise, both of any rank in the token's choices
 */
void moe_coactivation_pairwise(const struct moe_routing *routing, int layer, double *rate);

/* The figure that was published for OLMoE as co-activation (arXiv 2409.02060): only experts that follow each other in
 * a token's score order make a pair (either way round), but the denominator is all choices of e. Below the true
 * pairwise rate wherever K > 2, and equal to it at K = 2. From the kept choices only.
 *   rate [E, E]   row e; NAN where e was never chosen   out
 *
 * Ranks:  local
 * Errors: never fails; needs choices
 */
void moe_coactivation_score_adjacent(const struct moe_routing *routing, int layer, double *rate);

/* P(e' in the next layer | e in this one), for one random choice of a token in either layer: rows add up to 1.
 *   rate [E, E]   row e; NAN where e was never chosen   out
 *
 * Ranks:  local
 * Errors: never fails; needs coactivation and 0 <= layer < L - 1
 */
void moe_transition(const struct moe_routing *routing, int layer, double *rate);

/* The most frequent label of an expert's choices as their share, and which label.
 *   share [E]   NAN where the expert was never chosen   out
 *   label [E]   -1 there                                out
 *
 * Ranks:  local
 * Errors: never fails; needs load_by_label
 */
void moe_top_labels(const struct moe_routing *routing, int layer, double *share, int *label);

/* I(X; Y) in nats of the joint counts [rows, columns], plug-in; NAN without counts.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_mutual_information(const int64_t *counts, int64_t stride, int rows, int columns);

#endif
