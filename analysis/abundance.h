/* From a table of counts to the plainest figures: how many patterns effectively occur, and how complete the sample is.
 *
 * The table is the frequency of frequencies: rows (j, f_j), f_j patterns seen exactly j times, n = sum of j f_j. */
#ifndef MOE_ABUNDANCE_H
#define MOE_ABUNDANCE_H

#include <stdint.h>

struct moe_abundance {
    double samples;   /* n */
    double observed;  /* patterns seen: sum of f_j */
    double entropy;   /* plug-in, nats */
    double plug_in;   /* exp(entropy) */
    double collision; /* order 2: 1 / s2, s2 = sum f_j j (j - 1) / (n (n - 1)); NAN without a colliding pair */
    double coverage;  /* Good 1953: 1 - f_1 / n */
};

/* The figures of fof [rows, 2]: (count, patterns), by rising count. No rows give zeros and NAN.
 *
 * Ranks:  local
 * Errors: never fails
 * Formula: Hill 1973 for orders 1 and 2; the order-2 estimate is unbiased for sum p^2 (Simpson 1949); Good 1953
 */
struct moe_abundance moe_abundance_of(const int64_t *fof, int64_t rows);

#endif
