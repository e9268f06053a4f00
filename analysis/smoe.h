/* The generalization theorem of the paper on sparse MoE and compositional tasks ("the SMoE paper"), as it states it
 * and repaired, and the best number of active experts by its definitions. Loss in [0, 1]. */
#ifndef MOE_SMOE_H
#define MOE_SMOE_H

struct moe_smoe {
    double experts, top_k; /* T and k */
    double skills;         /* N */
    double natarajan;      /* d_N: Natarajan dimension of the router at N = 1 */
    double samples;        /* m */
    double failure;        /* delta */
};

/* ln of the number of router labelings of `points` points by its eq. 13, C(T, k)^(2 N d_N) points^(N d_N), or the
 * trivial C(T, k)^points where that is smaller.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_smoe_growth(const struct moe_smoe *smoe, double points);

/* The second term of Theorem 1, beside 4 C R_m(H) and up to a constant:
 * 2 sqrt((2 k N d_N ln T + N d_N ln(2 m) + ln(2 / delta)) / (2 m)); and with 2 N d_N ln C(T, k) for the first sum.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_smoe_stated(const struct moe_smoe *smoe);
double moe_smoe_stated_exact(const struct moe_smoe *smoe);

/* The same term repaired: the bounded-difference step on the 2 m points of both samples gives exp(-m t^2), both sides
 * and the second sample a factor 4: 2 sqrt(ln(4 Gamma / delta) / m), Gamma on 2 m points.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_smoe_repaired(const struct moe_smoe *smoe);

/* Definition 5: sqrt(N k d_N ln(T / k) / m), which drops Theorem 1's other terms and is 0 at k = T.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_smoe_definition5(const struct moe_smoe *smoe);

/* Sum of the task weights in Definition 4: N^2 for uniform tasks (alpha = 0), sum over i, j of (i + j)^-alpha.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_smoe_weights(double skills, double alpha);

/* How many experts' worth of complexity fixed gates g_j(x) add: (sum over j of sqrt(mean of g_j^2))^2.
 *   energy [experts]   sum over tokens of g_j^2
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_smoe_effective(const double *energy, int experts, double tokens);

/* Theorem 1 repaired as a whole: 2 C (R + B sqrt(2 ln Gamma_m / m)) + 3 sqrt(ln(2 / delta) / (2 m)), where R bounds the
 * Rademacher average of the class under any labeling, such as c sqrt(M_eff / m), and |f| <= B.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_smoe_theorem(double lipschitz, double rademacher, double magnitude, double ln_growth, double samples,
                        double failure);

enum moe_smoe_error { MOE_SMOE_DEFINITION5, MOE_SMOE_STATED };

struct moe_smoe_optimum {
    double top_k, value;
};

/* The k in 1..T with the smallest ratio W / k + estimation error; smoe->top_k is not used.
 *   ratio    a / b of the two unknown constants: of the approximation and of the estimation error
 *   weights  W, see moe_smoe_weights
 *
 * Ranks:  local
 * Errors: never fails
 */
struct moe_smoe_optimum moe_smoe_best(const struct moe_smoe *smoe, enum moe_smoe_error error, double ratio,
                                      double weights);

/* The smallest local minimum inside 1 < k < T, or at k = 1, of the same sum; NAN where it only falls up to k = T.
 *
 * Ranks:  local
 * Errors: never fails
 */
struct moe_smoe_optimum moe_smoe_local(const struct moe_smoe *smoe, enum moe_smoe_error error, double ratio,
                                       double weights);

/* Leading order of the best k with Theorem 1's term: ((a / b)^2 W^2 m / (N d_N ln T))^(1/3), clipped to 1..T; with
 * W = N^2 it is linear in N and grows with the cube root of m.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_smoe_leading(const struct moe_smoe *smoe, double ratio, double weights);

#endif
