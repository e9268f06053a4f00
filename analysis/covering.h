/* Numbers of routing patterns, and covering numbers of a class of Mixture-of-Experts Transformers in nats.
 *
 * arXiv 2604.09175, Lemma 3.7 is known as others quote it:
 *     ln N(delta) <~ (L P_attn + L K P_exp) LF + L T K ln(e E / K),   LF = ln(kappa R M0 / delta),
 * with a constant that it leaves out. Its parameter term counts the K experts of one token, its routing term the
 * patterns of a whole sequence; and a class in which the pattern may follow the input needs all experts covered at
 * once. The other two forms here count consistently. */
#ifndef MOE_COVERING_H
#define MOE_COVERING_H

struct moe_covering_sizes {
    double layers, tokens, experts, top_k;
    double dense;  /* parameters that are neither an expert's nor a router's */
    double expert; /* parameters of one expert */
    double router; /* router weights of one layer that the class varies and gate values depend on; 0 where none */
};

struct moe_covering {
    double parameters;     /* counted */
    double parameter_term; /* parameters x LF, nats */
    double routing_term;   /* nats */
    double total, share;   /* share of the routing term in the total; 0 where the total is 0 */
};

/* ln of the number of patterns of a sequence, L T ln C(E, K), and the relaxed L T K ln(e E / K).
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_covering_patterns(const struct moe_covering_sizes *sizes);
double moe_covering_patterns_relaxed(const struct moe_covering_sizes *sizes);

/* The lemma as quoted: active parameters, relaxed routing term.
 *
 * Ranks:  local
 * Errors: never fails
 */
struct moe_covering moe_covering_quoted(const struct moe_covering_sizes *sizes, double log_factor);

/* Patterns that do not depend on the input: for each of the C(E, K)^(L T) tables the min(E, T K) experts a layer that
 * the tokens of a sequence can use.
 *
 * Ranks:  local
 * Errors: never fails
 */
struct moe_covering moe_covering_table(const struct moe_covering_sizes *sizes, double log_factor);

/* On n given sequences: for each of exp(ln_growth) labelings of their sites min(E, n T K) experts a layer.
 *
 * Ranks:  local
 * Errors: never fails
 */
struct moe_covering moe_covering_sample(const struct moe_covering_sizes *sizes, double log_factor, double n,
                                        double ln_growth);

struct moe_covering_growth {
    double hyperplanes; /* m = sites E (E - 1) / 2 */
    double dimension;   /* p = (E - 1) width */
    double cells;       /* ln of Cover's count 2 sum over i < p of C(m - 1, i); m ln 2 from p = m on */
    double trivial;     /* ln C(E, K)^sites */
    double ln;          /* the smaller */
};

/* In how many ways one linear router without bias can label `sites` fixed inputs of that width (width + 1 for a bias),
 * exact ties left out.
 *
 * Ranks:  local
 * Errors: never fails
 * Formula: Cover 1965, on the hyperplanes in which two experts tie
 */
struct moe_covering_growth moe_covering_growth_of(double sites, double experts, double top_k, double width);

/* ln of the number of orders of E experts that a linear router shows as its input runs through the whole space of
 * `width` dimensions: no more than that many K-sets occur, whatever the data. Stops counting at ln `stop` (INFINITY:
 * never), so min(stop, value) comes back.
 *
 * Ranks:  local
 * Errors: never returns without memory
 * Formula: Q(E, D) = Q(E - 1, D) + (E - 1) Q(E - 1, D - 1), Q(2, D) = Q(E, 1) = 2
 */
double moe_covering_orders(double experts, double width, double stop);

#endif
