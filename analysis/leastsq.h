/* Least squares on the grid with intervals: a table of a sweep, however many rows, against a few columns. */
#ifndef MOE_LEASTSQ_H
#define MOE_LEASTSQ_H

#include "analysis/grid.h"
#include "analysis/sheet.h"

/* y = X b + noise of equal variance. */
struct moe_leastsq {
    int rows, columns;
    int freedom;          /* rows - columns */
    double *coefficient;  /* [columns]; owned, as all below */
    double *covariance;   /* [columns, columns] of the coefficients; NAN without freedom */
    double *low, *high;   /* [columns] t intervals; NAN without freedom */
    double level;
    double variance;      /* of the noise: residual sum of squares over freedom; NAN without freedom */
    double condition;     /* reciprocal, of R in the 1-norm, columns scaled to length 1 */
    double residual;      /* largest |x_j' (y - X b)| over |x_j| |y|: 0 at the minimum */
};

/* Solves by QR; the covariance is variance (R'R)^-1. Put weights in by scaling rows of X and y with their roots, an
 * intercept as a column of ones. moe_leastsq_clear gives back what it holds, also after a failure.
 *   x [rows, columns], y [rows]   rank 0's; others may pass null
 *   fit                           filled on all ranks
 *
 * Ranks:  collective; rows, columns and level the same on all
 * Errors: the same on all ranks: MOE_INPUT: fewer rows than columns, a number that is not finite, columns that depend
 *         on each other; MOE_NUMERIC: the routine gives up, or the residual is above MOE_RESIDUAL_MAX
 */
enum moe_status moe_leastsq_fit(const struct moe_grid *grid, int rows, int columns, const double *x, const double *y,
                                double level, struct moe_leastsq *fit, struct moe_error *err);
void moe_leastsq_clear(struct moe_leastsq *fit);

/* Adds the coefficients under the given names [columns], with their intervals, and after them the checks; or those
 * alone: the residual and the reciprocal condition, prefix_residual and prefix_condition.
 *
 * Ranks:  local
 * Errors: never returns without memory
 */
void moe_leastsq_say(const struct moe_leastsq *fit, const char *const *names, const char *prefix,
                     struct moe_sheet *sheet);
void moe_leastsq_checks(const struct moe_leastsq *fit, const char *prefix, struct moe_sheet *sheet);

#endif
