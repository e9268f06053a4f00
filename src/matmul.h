/* Matrix products: the only caller of BLAS in src.
 *
 * The bits of a product depend on its shape (OpenBLAS picks kernels and blocks by it), so callers pass shapes that do
 * not depend on the number of ranks. */
#ifndef MOE_MATMUL_H
#define MOE_MATMUL_H

#include "src/real.h"

/* A row-major matrix operand: element (i, j) is data[i * stride + j], or, transposed, data[j * stride + i]. */
struct moe_matrix {
    const moe_real *data;
    int stride;
    int transposed;
};

/* The operand that stands in memory as it is used; stride is the length of a row in memory.
 *
 * Ranks:  local
 * Errors: never fails
 */
static inline struct moe_matrix moe_plain(const moe_real *data, int stride)
{
    return (struct moe_matrix){data, stride, 0};
}

/* The operand that stands transposed in memory.
 *
 * Ranks:  local
 * Errors: never fails
 */
static inline struct moe_matrix moe_transposed(const moe_real *data, int stride)
{
    return (struct moe_matrix){data, stride, 1};
}

/* c = alpha a b + beta c.
 *
 *   c  [m, n]   row-major, stride c_stride                          out (inout where beta != 0), caller's
 *   a  [m, k],  b [k, n]                                            in, borrowed
 *
 * Ranks:  local
 * Errors: never fails; any of m, n, k may be 0
 */
void moe_matmul(moe_real *c, int c_stride, int m, int n, int k, double alpha, struct moe_matrix a, struct moe_matrix b,
                double beta);

/* The same by three plain loops: what tests hold moe_matmul against.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_matmul_plain(moe_real *c, int c_stride, int m, int n, int k, double alpha, struct moe_matrix a,
                      struct moe_matrix b, double beta);

/* Makes BLAS run each product on the calling thread alone, where the library can be told.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_matmul_one_thread(void);

/* Name and CPU kernel of the BLAS library, "unknown" where it does not say. Static storage.
 *
 * Ranks:  local
 * Errors: never fails
 */
const char *moe_matmul_library(void);

#endif
