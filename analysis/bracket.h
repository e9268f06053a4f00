/* The nominal bracket of the Shannon entropy: two ends that hold together at 95 % where their model of sampling does.
 * Beside it stands the certified one of certified.h. */
#ifndef MOE_BRACKET_H
#define MOE_BRACKET_H

#include "analysis/counts.h"
#include "analysis/entropy.h"
#include "analysis/fof.h"
#include "analysis/sheet.h"

/* "resolved" below 0.1 nats, "order of magnitude" below 2.3, else "lower bound only" (also for NAN).
 *
 * Ranks:  local
 * Errors: never fails
 */
const char *moe_bracket_verdict(double width);

/* What the next sample costs in nats under a law learned from others: its mean is at least the entropy (Gibbs). */
struct moe_cross_entropy {
    double mean, se;
};

/* Learned from all other samples, worst case of exp(ln_worst) patterns; the mean is NAN where
 * ln_worst is unknown.
 *
 * Ranks:  local
 * Errors: never fails; n >= 2
 * Formula: -sum (j f_j / n) l_j; delta_j = (f1_j + 1)/(n + 1), f1_1 = f1 - 1, f1_2 = f1 + 1, else f1;
 *          l_1 = ln delta_1 - ln(W - S + 1), l_j = ln(1 - delta_j) + ln((j - 1)/(n - 1))
 */
struct moe_cross_entropy moe_loo_cross_entropy(const struct moe_fof *fof, double ln_worst);

/* Learned from the other groups of sequences; se over groups. Returns 0 where the tables are missing.
 *
 * Ranks:  local
 * Errors: ends the job where a table breaks the rules of moe_counts_check
 * Formula: delta = (f1 + 1)/(n + 2) of the others for all unseen patterns together, (1 - delta) c/n for seen ones
 */
int moe_group_cross_entropy(const struct moe_counts *counts, struct moe_cross_entropy *cost);

/* Adds lnW, H_upper_loo_ce, H_cwj_minus_lnW, H_upper_groups_ce, and the bracket: H_bracket (value: its lower end; note:
 * the verdict), H_bracket_lo, H_bracket_hi, H_bracket_width, and log10_reduction, by how much the effective number is
 * below the worst case.
 *
 * Ranks:  local
 * Errors: as moe_group_cross_entropy
 * Formula: independent samples: lower = max(Zhang - z se, ln of the collision limit), each with a quarter of 5 %,
 *          upper = min(ln W, cross entropy + z se) with half. Sequences: plug-in with its error by groups, order 2 from
 *          pairs across sequences, cross entropy by groups, t quantiles
 */
void moe_add_bracket(struct moe_sheet *sheet, const struct moe_counts *counts, const struct moe_fof *fof,
                     const struct moe_entropy *entropy);

/* Adds a bracket of the entropy under a name: NAME, NAME_lo, NAME_hi and NAME_width; NAN: no such end.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_add_bracket_figures(struct moe_sheet *sheet, const char *name, double low, double high, double level,
                             const char *grade, const char *formula, const char *assumption);

#endif
