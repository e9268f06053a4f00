/* The null model of a layer: K different experts drawn with nothing but the measured load behind them.
 *
 * Of all laws over K-sets in which every expert is chosen as often as measured, this is the one of largest entropy:
 * K independent draws, kept when they are all different (rejective sampling, Hajek 1964), with draw weights w such that
 * the inclusion probabilities are the measured ones, pi_e = load_e / tokens:
 *
 *     P(S) = prod_{e in S} w_e / Z_K(w),   Z_K the elementary symmetric polynomial of order K,
 *     H    = ln Z_K(w) - sum_e pi_e ln w_e,       sum_S P(S)^2 = Z_K(w^2) / Z_K(w)^2.
 *
 * What the measured entropy of the K-sets lacks to H is what the choices of a token know of each other. (Drawing one
 * after the other with probabilities proportional to the load would not give back the load.) */
#ifndef MOE_NULL_H
#define MOE_NULL_H

#include <stdint.h>

struct moe_null {
    double entropy;    /* H, nats */
    double collision;  /* 1 / sum P^2, the effective number of order 2 */
    double error;      /* largest difference between an inclusion probability and the measured one */
    int iterations;
};

/* Fits the null model to load [E] of tokens that chose K experts each: the loads add up to K tokens, and none is above
 * tokens. Returns null where it has an answer, else the reason why not.
 *
 * Ranks:  local
 * Errors: never fails; time and memory are of order E K, for each iteration
 * Formula: weights by the iteration of Chen, Dempster and Liu 1994
 */
const char *moe_null_fit(const int64_t *load, int experts, int top_k, struct moe_null *null);

#endif
