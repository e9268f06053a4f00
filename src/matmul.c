#include "src/matmul.h"

#include <cblas.h>
#include <stdio.h>

#ifdef MOE_DOUBLE
#define GEMM cblas_dgemm
#else
#define GEMM cblas_sgemm
#endif

void moe_matmul(moe_real *c, int c_stride, int m, int n, int k, double alpha, struct moe_matrix a, struct moe_matrix b,
                double beta)
{
    if (m == 0 || n == 0)
        return;
    GEMM(CblasRowMajor, a.transposed ? CblasTrans : CblasNoTrans, b.transposed ? CblasTrans : CblasNoTrans, m, n, k,
         (moe_real)alpha, a.data, a.stride, b.data, b.stride, (moe_real)beta, c, c_stride);
}

static double element(struct moe_matrix a, int i, int j)
{
    return a.transposed ? a.data[(long)j * a.stride + i] : a.data[(long)i * a.stride + j];
}

void moe_matmul_plain(moe_real *c, int c_stride, int m, int n, int k, double alpha, struct moe_matrix a,
                      struct moe_matrix b, double beta)
{
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            double sum = 0;
            for (int l = 0; l < k; l++)
                sum += element(a, i, l) * element(b, l, j);
            moe_real *at = c + (long)i * c_stride + j;
            *at = (moe_real)(alpha * sum + (beta == 0 ? 0 : beta * (double)*at));
        }
}

void moe_matmul_one_thread(void)
{
#ifdef HAVE_OPENBLAS_SET_NUM_THREADS
    openblas_set_num_threads(1);
#endif
}

const char *moe_matmul_library(void)
{
#ifdef HAVE_OPENBLAS_SET_NUM_THREADS
    static char text[256];
    snprintf(text, sizeof text, "%s, kernel %s", openblas_get_config(), openblas_get_corename());
    return text;
#else
    return "unknown";
#endif
}
