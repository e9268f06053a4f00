/* Lines and means with intervals; several columns are for leastsq.h. */
#ifndef MOE_FIT_H
#define MOE_FIT_H

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
