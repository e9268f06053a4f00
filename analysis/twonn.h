/* The intrinsic dimension of a cloud of points from the ratio of the distances to their two nearest neighbours (TwoNN,
 * Facco, d'Errico, Rodriguez and Laio 2017): where the density hardly changes over those distances,
 * P(r2 / r1 <= mu) = 1 - mu^-d. */
#ifndef MOE_TWONN_H
#define MOE_TWONN_H

#include <stdint.h>

#include "analysis/sheet.h"
#include "src/data.h"

enum { MOE_TWONN_MOST = 10000 }; /* points: distances are computed for all pairs */

struct moe_twonn {
    double likelihood;   /* n / sum ln mu */
    double unbiased;     /* (n - 1) / sum ln mu */
    double low, high;    /* 95 %: 2 d sum ln mu is chi-square with 2 n degrees of freedom, as if independent */
    double regression;   /* line through the origin of -ln(1 - i / n) on the i-th ln mu, a tenth discarded at the top */
    int64_t points;      /* n: ratios used */
    int64_t duplicates;  /* points left out, since one is at the same place */
    const char *missing; /* null where there is an estimate */
};

/* The estimates from ratios mu [n], each at least 1; they are sorted in place.
 *
 * Ranks:  local
 * Errors: never fails; missing with fewer than two ratios or when all are 1
 */
struct moe_twonn moe_twonn_ratios(double *mu, int64_t n);

/* The estimates from points [n, dimension], n at most MOE_TWONN_MOST.
 *
 * Ranks:  local
 * Errors: never fails
 */
struct moe_twonn moe_twonn_points(const double *points, int64_t n, int dimension);

/* The estimates from the first n sequences (or as many as there are, or MOE_TWONN_MOST) of a source's census split,
 * each one point.
 *
 * Ranks:  local
 * Errors: never fails; missing where tokens are symbols
 */
struct moe_twonn moe_twonn_source(const struct moe_data *data, int64_t n);

/* Adds the figures twonn_dimension (the unbiased estimate, with the interval), twonn_likelihood, twonn_regression,
 * twonn_points and twonn_duplicates. `source` says what the points are.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_twonn_sheet(const struct moe_twonn *twonn, const char *source, struct moe_sheet *sheet);

#endif
