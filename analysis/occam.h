/* Prices of labelings under a prior, and what independent sequences certify about the entropy of their patterns. Nats;
 * eta is the probability with which a line may be wrong. */
#ifndef MOE_OCCAM_H
#define MOE_OCCAM_H

#include <stdint.h>

/* Code length of a labeling against a router that was fixed without it: how many of the `sites` disagree, which, and
 * the K-set at each: ln(P + 1) + ln C(P, dis) + dis ln C(E, K).
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_occam_disagreements(double sites, double disagreements, double ln_choices);

/* Test loss beyond the training loss, n sequences each, drawn as halves of one pool: sqrt(2 (code + ln N + ln(1 / eta))
 * / n), loss in [0, 1], N net functions a labeling.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_occam_gap(double code, double ln_nets, double n, double failure);

/* Code length of a sample with add-1/2 smoothing over `alphabet` patterns, one symbol after the other.
 *   fof [rows, 2]   (count, patterns)
 *
 * Ranks:  local
 * Errors: never fails
 * Formula: Krichevsky and Trofimov 1981
 */
double moe_occam_kt(const int64_t *fof, int64_t rows, double alphabet);

/* Upper limit of a probability seen `hits` times in so many independent trials.
 *
 * Ranks:  local
 * Errors: never fails; 0 <= hits <= trials, trials >= 1
 * Formula: Clopper and Pearson 1934, by sums of binomial probabilities
 */
double moe_occam_upper(double hits, double trials, double failure);

/* Upper limit of a mean of independent numbers in [0, 1] from the mean of so many: the p with trials x KL(mean, p) =
 * ln(1 / eta).
 *
 * Ranks:  local
 * Errors: never fails
 * Formula: Hoeffding 1963, Theorem 1
 */
double moe_occam_mean_upper(double mean, double trials, double failure);

/* If n independent patterns all differ, H >= H_2 >= 2 ln n - 2 ln x with x - ln(1 + x) = ln(2 / eta): the rule "say
 * this if all differ, else nothing" is wrong with probability eta at most. And ln(n^2 / (2 ln(1 / eta))): a uniform law
 * on so many patterns passes too, so that no rule of this kind can say more.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_occam_no_collision(double n, double failure);
double moe_occam_no_collision_limit(double n, double failure);

/* Lower limit of the entropy from the plug-in value of n sequences with `samples` samples in all:
 * H - ln(samples) sqrt(2 ln(1 / eta) / n).
 *
 * Ranks:  local
 * Errors: never fails
 * Formula: McDiarmid 1989; the plug-in value is too low in mean
 */
double moe_occam_plugin_lower(double plugin, double samples, double n, double failure);

/* Entropy of a set is at most the sum of the entropies of its members: sum over e of h(share_e).
 *   load [experts]   how often each expert was chosen
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_occam_load_entropy(const double *load, int experts, double tokens);

#endif
