/* The routing that one layer would show if nothing but its loads were known, the null model.
 *
 * Of all laws of K-sets with the measured loads it is the one of largest entropy: K independent draws, kept when they
 * are all different (rejective sampling, Hajek 1964; conditional Poisson sampling, Chen, Dempster and Liu 1994), with
 * draw weights w such that the inclusion probabilities are the measured ones, pi_e = load_e / tokens:
 *
 *     P(S) = prod_{e in S} w_e / Z_K(w),   Z_K the elementary symmetric polynomial of order K,
 *     H    = ln Z_K(w) - sum_e pi_e ln w_e,       sum_S P(S)^2 = Z_K(w^2) / Z_K(w)^2.
 *
 * What the measured entropy of the K-sets lacks to H is what the choices of a token know of each other. (Drawing one
 * after the other with probabilities proportional to the load would not give back the load.) It also gives the pairs
 * that an independent choice makes by itself, since a token never chooses an expert twice. */
#ifndef MOE_INDEPENDENT_H
#define MOE_INDEPENDENT_H

#include <stdint.h>

struct moe_independent {
    int experts, top_k;
    int fixed;        /* experts that every token chooses */
    int free, draws;  /* experts chosen by some tokens, and how many of those a token chooses */
    int *place;       /* [experts]: place among the free ones, -1 never chosen, -2 always */
    double *share;    /* [experts]: of the tokens */
    double *weight;   /* [free]: P(set) is proportional to the product of its weights */
    double *ratio;    /* [free]: scratch */
    double *before;   /* [free + 1][draws + 1]: P(so many are in) of the experts before a place, each in by itself with
                         the odds `weight`; scratch */
    double *after;    /* [free + 1][draws + 1]: and from it on */
};

/* Fits the law to the loads [experts], tokens that chose each. Returns null where there is a law, else the reason why
 * not: the loads are not a whole number of choices a token, one is above tokens, there are no tokens, or the experts
 * are too many. moe_independent_clear gives it back in every case.
 *
 * Ranks:  local
 * Errors: never fails; time and memory are of order E K, for each of some 40 steps
 */
const char *moe_independent_init(struct moe_independent *law, const int64_t *load, int experts, int64_t tokens);
void moe_independent_clear(struct moe_independent *law);

/* Shares of the tokens that choose expert `a` and each other expert: pair [experts], pair[a] its own share.
 *
 * Ranks:  local; changes the scratch inside law
 * Errors: never fails
 */
void moe_independent_pairs(struct moe_independent *law, int a, double *pair);

/* H, in nats, and 1 / sum P^2, the effective number of order 2.
 *
 * Ranks:  local; changes the scratch inside law
 * Errors: never fails
 */
double moe_independent_entropy(struct moe_independent *law);
double moe_independent_collision(struct moe_independent *law);

#endif
