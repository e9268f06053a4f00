/* Small least squares with intervals: a line, or a few coefficients. */
#ifndef MOE_FIT_H
#define MOE_FIT_H

enum { MOE_FIT_COLUMNS = 8 };

/* A straight line y = intercept + slope x, or why there is none. */
struct moe_line {
    double slope, intercept;
    double error;        /* standard error of the slope; NAN with two points */
    double low, high;    /* t interval of the slope; NAN with two points */
    double residual;     /* largest |y - line| */
    int points, freedom; /* degrees of freedom, points - 2 */
    const char *missing; /* null where there is a line */
};

/* Ordinary least squares of n points, with the t interval of that level for the slope.
 *
 * Ranks:  local
 * Errors: never fails
 */
struct moe_line moe_fit_line(const double *x, const double *y, int n, double level);

/* Coefficients of a linear model without intercept (give a column of ones for one), or why there are none. */
struct moe_linear {
    int columns, freedom;
    double coefficient[MOE_FIT_COLUMNS];
    double covariance[MOE_FIT_COLUMNS * MOE_FIT_COLUMNS]; /* [columns, columns]; NAN without freedom */
    double variance;     /* of y at weight 1, from the residuals; NAN without freedom */
    double condition;    /* smallest over largest singular value of the columns, each scaled to length 1 */
    const char *missing;
};

/* Weighted least squares of y [rows] on x [rows, columns]; weights [rows] are relative and may be null for all equal.
 *
 * Ranks:  local
 * Errors: never fails; 1 <= columns <= MOE_FIT_COLUMNS
 */
void moe_fit_linear(const double *x, const double *y, const double *weights, int rows, int columns,
                    struct moe_linear *fit);

/* Mean of n values with the t interval of that level; the interval is NAN for n < 2.
 *
 * Ranks:  local
 * Errors: never fails; n >= 1
 */
double moe_fit_mean(const double *value, int n, double level, double *low, double *high);

/* Half the width of a t interval: quantile times standard error.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_fit_half(double error, int freedom, double level);

#endif
