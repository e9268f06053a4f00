/* Element-wise loops and short reductions, compiled for several CPU levels and chosen when the program starts.
 *
 * Reductions run in a fixed number of lanes that are folded in a fixed order, so a result depends on the values and
 * their number alone, not on the address they stand at. All functions are local and cannot fail; arrays are the
 * caller's, and n may be 0. */
#ifndef MOE_KERNELS_H
#define MOE_KERNELS_H

#include <stdint.h>

#include "src/real.h"

/* The CPU level that the kernels were chosen for, such as "x86-64-v3". Static storage.
 *
 * Ranks:  local
 * Errors: never fails
 */
const char *moe_kernels_level(void);

/* y [n] += x [n].
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_add(moe_real *restrict y, const moe_real *restrict x, int64_t n);

/* y [n] += a x [n].
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_add_scaled(moe_real *restrict y, moe_real a, const moe_real *restrict x, int64_t n);

/* y [n] = a x [n]; y may be x.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_scale(moe_real *y, moe_real a, const moe_real *x, int64_t n);

/* Every row of y [rows, n] = x [n]: how a bias enters before a product is added.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_rows_fill(moe_real *restrict y, const moe_real *restrict x, int64_t rows, int n);

/* y [n] += the sum over rows of x [rows, n], rows in order: the gradient of a bias.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_rows_add(moe_real *restrict y, const moe_real *restrict x, int64_t rows, int n);

/* The inner product of x [n] and y [n].
 *
 * Ranks:  local
 * Errors: never fails
 */
moe_real moe_dot(const moe_real *x, const moe_real *y, int n);

/* p [n] = softmax of x [n]; p may be x.
 *
 * Ranks:  local
 * Errors: never fails; not finite where x is not
 */
void moe_softmax(moe_real *p, const moe_real *x, int n);

/* dx [n] = p (dp - <p, dp>) for p = softmax(x); dx may be dp.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_softmax_backward(moe_real *dx, const moe_real *p, const moe_real *dp, int n);

/* a [n] = gelu(h) = h Phi(h), Phi the normal distribution function (Hendrycks and Gimpel 2016, the exact form). In
 * float Phi is Abramowitz and Stegun 7.1.26, absolute error below 1e-7.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_gelu(moe_real *restrict a, const moe_real *restrict h, int64_t n);

/* d [n]: gradient of gelu(h) in, of h out; a [n] = gelu(h) once more.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_gelu_backward(moe_real *restrict d, moe_real *restrict a, const moe_real *restrict h, int64_t n);

/* Layer norm of rows (Ba, Kiros and Hinton 2016), epsilon 1e-5: y = (x - mean) / deviation * gain + bias.
 *   y, x  [rows, n]     gain, bias  [n]     stats  [rows, 2]  mean and 1 / deviation, for the backward pass
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_norm(moe_real *restrict y, moe_real *restrict stats, const moe_real *restrict x, const moe_real *gain,
              const moe_real *bias, int64_t rows, int n);

/* Its gradient: dx [rows, n] += ..., dgain [n] += ..., dbias [n] += ..., rows in order.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_norm_backward(moe_real *restrict dx, moe_real *restrict dgain, moe_real *restrict dbias,
                       const moe_real *restrict dy, const moe_real *restrict x, const moe_real *restrict stats,
                       const moe_real *gain, int64_t rows, int n);

/* Settings of one AdamW step (Loshchilov and Hutter 2019). */
struct moe_adamw {
    double rate, decay;               /* decay 0 for what is not a matrix */
    double beta1, beta2, epsilon;
    double correction1, correction2;  /* 1 - beta^step */
};

/* One AdamW step on n parameters p with gradient g and moments m and v. Returns the sum of g^2 in double.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_adamw(moe_real *restrict p, const moe_real *restrict g, moe_real *restrict m, moe_real *restrict v,
                 int64_t n, const struct moe_adamw *step);

#endif
