/* The whole spectrum of a symmetric matrix on the grid, and what it says about co-activation. */
#ifndef MOE_SPECTRUM_H
#define MOE_SPECTRUM_H

#include "analysis/coactivation.h"
#include "analysis/grid.h"
#include "analysis/sheet.h"

struct moe_spectrum {
    int n;
    double *value;        /* [n] rising, on all ranks; owned */
    double residual;      /* Frobenius norm of A Z - Z D over that of A */
    double orthogonality; /* Frobenius norm of Z'Z - I over that of I */
};

/* What can be said from eigenvalues alone, q_i = |v_i| / sum |v|. */
struct moe_spectral {
    double entropy;        /* -sum q ln q, nats */
    double effective_rank; /* exp(entropy); Roy and Vetterli 2007 */
    double von_neumann;    /* -sum v ln v of the matrix over its trace; NAN with eigenvalues below 0 beyond rounding */
    double participation;  /* (sum v)^2 / sum v^2 */
    double largest_share;  /* max q */
};

/* All eigenvalues by divide and conquer, with vectors, so that the result can be checked. Overwrites the matrix.
 * moe_spectrum_clear gives back what it holds, also after a failure. Per rank four parts of the size of the matrix's.
 *
 * Ranks:  collective
 * Errors: the same on all ranks: MOE_NUMERIC when the routine gives up, or residual or orthogonality are above
 *         MOE_RESIDUAL_MAX, as with a matrix that is not symmetric; MOE_INPUT when the matrix is too large
 */
enum moe_status moe_spectrum_of(struct moe_block_matrix *matrix, struct moe_spectrum *spectrum, struct moe_error *err);
void moe_spectrum_clear(struct moe_spectrum *spectrum);

/* Ranks:  local
 * Errors: never fails; zeros and NAN without eigenvalues other than 0
 */
struct moe_spectral moe_spectral_of(const double *value, int n);

/* Half the sum of |q_i - q'_i| over two spectra of n, both sorted: 0 equal, towards 1 apart.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_spectral_distance(const double *value, const double *other, int n);

/* The spectra of one snapshot: counted and independent, in both forms. */
struct moe_spectra {
    struct moe_coactivation pairs;
    struct moe_spectrum of[2][2]; /* [moe_form][moe_origin]; those of MOE_ORIGIN_INDEPENDENT may be empty (n = 0) */
};

/* Reads the co-activation of a snapshot and takes its spectra, one after the other. moe_spectra_clear gives them back,
 * also after a failure.
 *
 * Ranks:  collective
 * Errors: as moe_coactivation_open, moe_coactivation_fill and moe_spectrum_of
 */
enum moe_status moe_spectra_read(struct moe_spectra *spectra, const struct moe_grid *grid, const char *file,
                                 const char *snapshot, struct moe_error *err);
void moe_spectra_clear(struct moe_spectra *spectra);

/* Adds the figures: names start with "coactivation_" and "correlation_".
 *
 * Ranks:  local
 * Errors: never returns without memory
 */
void moe_spectra_say(const struct moe_spectra *spectra, const struct moe_grid *grid, struct moe_sheet *sheet);

#endif
