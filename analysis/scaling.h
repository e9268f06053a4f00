/* Exponents of the theory for a target of smoothness beta on an intrinsic dimension d, and the frontier under a budget
 * of operations; squared error, constants and logarithms dropped. */
#ifndef MOE_SCALING_H
#define MOE_SCALING_H

struct moe_scaling {
    double size;       /* alpha_N = 2 beta / d: error falls as parameters^-alpha_N */
    double data;       /* alpha_D = 2 beta / (2 beta + d) = alpha_N / (1 + alpha_N) */
    double best_size;  /* d / (2 beta + d): the best number of parameters grows as n^that */
    double front_size; /* under F = 6 N D: N* ~ F^(d / (2 beta + 2 d)), */
    double front_data; /* D* ~ F^((2 beta + d) / (2 beta + 2 d)), */
    double front_error;/* E* ~ F^-(beta / (beta + d)) */
};

/* The exponents.
 *
 * Ranks:  local
 * Errors: never fails
 */
struct moe_scaling moe_scaling_of(double dim, double smoothness);

struct moe_frontier {
    double size, data, error;
};

/* Minimum of E = N^-a + N / D under F = 6 N D, with a = alpha_N: N* = (a F / 12)^(1 / (2 + a)).
 *
 * Ranks:  local
 * Errors: never fails
 */
struct moe_frontier moe_scaling_frontier(double alpha_size, double operations);

#endif
