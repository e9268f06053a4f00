/* The routing that one layer would show if nothing but its loads were known: of all laws of K-sets with the measured
 * loads the one of largest entropy (conditional Poisson sampling; Chen, Dempster and Liu 1994). It gives the pairs that
 * an independent choice makes by itself, since a token never chooses an expert twice. */
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
    double *before;   /* [free + 1][draws + 1]: elementary symmetric sums of the weights before a place */
    double *after;    /* [free + 1][draws + 1]: and from it on */
};

/* Fits the law to the loads [experts], tokens that chose each. 0 when there is none: the loads are not a whole number
 * of choices a token, one is above tokens, or there are no tokens. moe_independent_clear gives it back in every case.
 *
 * Ranks:  local
 * Errors: never fails
 */
int moe_independent_init(struct moe_independent *law, const int64_t *load, int experts, int64_t tokens);
void moe_independent_clear(struct moe_independent *law);

/* Shares of the tokens that choose expert `a` and each other expert: pair [experts], pair[a] its own share.
 *
 * Ranks:  local; changes the scratch inside law
 * Errors: never fails
 */
void moe_independent_pairs(struct moe_independent *law, int a, double *pair);

#endif
