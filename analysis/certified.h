/* The certified bracket of the entropy: each end holds with its probability for every law, whatever its tail, given
 * sequences that are independent of each other and of the model.
 *
 * eta is split evenly over four parts, so that all hold together with probability 1 - eta; a part that does not apply
 * spends its share in vain. With eta' = eta / 4, n sequences of lengths l_s, N samples in all:
 *
 *   plug-in      H >= H_plugin - ln(N) sqrt(2 ln(1/eta') sum l_s^2 / N^2). The plug-in is low on average, and another
 *                sequence s moves it by at most 2 l_s ln(N) / N (McDiarmid).
 *   no collision where n independent samples (one of each sequence) all differ: H >= 2 ln n - 2 ln x,
 *                x - ln(1 + x) = ln(2/eta').
 *   path         of whole sequences only: a sequence tells its path at a random token but for the token's place, so
 *                H >= H_path - ln l, with H_path from its own plug-in bound.
 *   code length  a law q learned from groups 0-19 prices the samples of groups 20-39. For a sequence s there, let Y_s
 *                be the mean of -ln q over its l samples. Given q the Y_s are independent with mean at least H (Gibbs),
 *                and lie in [a, b], the least and largest -ln q of any pattern. So with Z = (Y - a)/(b - a), m of them:
 *                the u above the mean of Z with kl(mean Z, u) = ln(1/eta')/m bounds E Z (Hoeffding 1963, theorem 1),
 *                and H <= a + (b - a) u. The range b - a, about ln W, is paid; no variance is estimated, so a rare
 *                pattern that was never met is paid for as well. Sequences must be of one length.
 *
 * q is (1 - delta) c / n_A for a pattern seen c times and delta = (f1 + 1)/(n_A + 2) spread over all others, or add-1/2
 * smoothing over all W, whichever is the shorter when groups 0-19 price themselves leaving one sample out: a choice
 * that looks at nothing else. */
#ifndef MOE_CERTIFIED_H
#define MOE_CERTIFIED_H

#include "analysis/counts.h"
#include "analysis/fof.h"
#include "analysis/sheet.h"

/* What each part certifies, in nats; NAN where it does not apply. */
struct moe_certified {
    double plugin, no_collision, path, code_length;
    const char *code_missing; /* why there is no code length; null where there is one */
};

/* The four parts at eta / 4 each. Where every sample is a sequence of its own and `split` is absent, samples are dealt
 * to two halves by coin (stream BOOTSTRAP), which keeps the halves independent. path: the counts of the scope of paths,
 * for a scope of whole sequences; null without.
 *
 * Ranks:  local
 * Errors: never fails; counts hold to moe_counts_check, n >= 2, and are independent
 */
struct moe_certified moe_certified_of(const struct moe_counts *counts, const struct moe_fof *fof,
                                      const struct moe_counts *path, double eta);

/* Adds H_certified (as moe_add_bracket_figures), and the parts: H_certified_plugin, H_certified_no_collision,
 * H_certified_path and H_certified_code_length. All missing where the counts are not independent.
 *
 * Ranks:  local
 * Errors: as moe_certified_of
 */
void moe_add_certified(struct moe_sheet *sheet, const struct moe_counts *counts, const struct moe_fof *fof,
                       const struct moe_counts *path, double eta);

#endif
