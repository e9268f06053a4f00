/* What analyses call of the BLACS, PBLAS and ScaLAPACK, which come without C headers.
 *
 * Arguments go by reference; a matrix is (local array, first row, first column, descriptor), counted from 1. Routines
 * in Fortran take the length of every text at the end; those of the PBLAS are in C and take none. */
#ifndef MOE_SCALAPACK_H
#define MOE_SCALAPACK_H

#include <mpi.h>
#include <stddef.h>

/* BLACS: the grid of processes. */
int Csys2blacs_handle(MPI_Comm comm);
void Cfree_blacs_system_handle(int handle);
void Cblacs_gridinit(int *context, const char *order, int rows, int cols);
void Cblacs_gridinfo(int context, int *rows, int *cols, int *row, int *col);
void Cblacs_gridexit(int context);

/* TOOLS: block-cyclic layout. */
int numroc_(const int *n, const int *nb, const int *process, const int *source, const int *processes);
void descinit_(int *desc, const int *m, const int *n, const int *mb, const int *nb, const int *source_row,
               const int *source_col, const int *context, const int *lead, int *info);

/* PBLAS: C = alpha A B + beta C, plain, and with symmetric A. */
void pdgemm_(const char *trans_a, const char *trans_b, const int *m, const int *n, const int *k, const double *alpha,
             const double *a, const int *ia, const int *ja, const int *desc_a, const double *b, const int *ib,
             const int *jb, const int *desc_b, const double *beta, double *c, const int *ic, const int *jc,
             const int *desc_c);
void pdsymm_(const char *side, const char *uplo, const int *m, const int *n, const double *alpha, const double *a,
             const int *ia, const int *ja, const int *desc_a, const double *b, const int *ib, const int *jb,
             const int *desc_b, const double *beta, double *c, const int *ic, const int *jc, const int *desc_c);

/* Norms. */
double pdlange_(const char *norm, const int *m, const int *n, const double *a, const int *ia, const int *ja,
                const int *desc, double *work, size_t norm_length);
double pdlansy_(const char *norm, const char *uplo, const int *n, const double *a, const int *ia, const int *ja,
                const int *desc, double *work, size_t norm_length, size_t uplo_length);

/* Eigenvalues and vectors of a symmetric matrix by divide and conquer; singular values and vectors. */
void pdsyevd_(const char *jobz, const char *uplo, const int *n, double *a, const int *ia, const int *ja,
              const int *desc_a, double *w, double *z, const int *iz, const int *jz, const int *desc_z, double *work,
              const int *lwork, int *iwork, const int *liwork, int *info, size_t jobz_length, size_t uplo_length);
void pdgesvd_(const char *jobu, const char *jobvt, const int *m, const int *n, double *a, const int *ia, const int *ja,
              const int *desc_a, double *s, double *u, const int *iu, const int *ju, const int *desc_u, double *vt,
              const int *ivt, const int *jvt, const int *desc_vt, double *work, const int *lwork, int *info,
              size_t jobu_length, size_t jobvt_length);

/* Least squares by QR, the inverse from a Cholesky factor, the condition of a triangle. */
void pdgels_(const char *trans, const int *m, const int *n, const int *rhs, double *a, const int *ia, const int *ja,
             const int *desc_a, double *b, const int *ib, const int *jb, const int *desc_b, double *work,
             const int *lwork, int *info, size_t trans_length);
void pdpotri_(const char *uplo, const int *n, double *a, const int *ia, const int *ja, const int *desc, int *info,
              size_t uplo_length);
void pdtrcon_(const char *norm, const char *uplo, const char *diag, const int *n, const double *a, const int *ia,
              const int *ja, const int *desc, double *rcond, double *work, const int *lwork, int *iwork,
              const int *liwork, int *info, size_t norm_length, size_t uplo_length, size_t diag_length);

/* What all of them call when an argument is not legal. grid.c has its own, which ends the job: the library's prints
 * and goes on. */
void pxerbla_(const int *context, const char *routine, const int *argument, size_t length);

#endif
