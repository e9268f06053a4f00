#include "analysis/spectrum.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/scalapack.h"
#include "src/pool.h"

/* Copies the diagonal out of the matrix, or back. */
static void move_diagonal(const struct moe_block_matrix *matrix, double *diagonal, int back)
{
    for (int j = 0; j < matrix->local_n; j++) {
        const int i = moe_matrix_local_row(matrix, moe_matrix_col(matrix, j));
        if (i < 0)
            continue;
        double *here = &matrix->local[(int64_t)j * matrix->lead + i];
        *(back ? here : &diagonal[j]) = *(back ? &diagonal[j] : here);
    }
}

static enum moe_status solve(struct moe_block_matrix *matrix, struct moe_block_matrix *vectors, double *value,
                             struct moe_error *err)
{
    const int one = 1, query = -1;
    int info = 0, int_answer = 1;
    double answer = 0;
    pdsyevd_("V", "L", &matrix->n, matrix->local, &one, &one, matrix->desc, value, vectors->local, &one, &one,
             vectors->desc, &answer, &query, &int_answer, &query, &info, 1, 1);
    if (moe_grid_info(matrix->grid, "PDSYEVD", info, err))
        return err->code;
    /* the answer leaves out what PDORMTR needs inside, which is more when the matrix is not large beside a block */
    const double block = matrix->grid->block, more = block * (matrix->local_m + matrix->local_n + 2 * block);
    const int lwork = moe_grid_work(answer + more), liwork = int_answer;
    double *work = moe_pool_new(MOE_POOL_ANALYSIS, (size_t)lwork, sizeof *work);
    int *iwork = moe_pool_new(MOE_POOL_ANALYSIS, (size_t)liwork, sizeof *iwork);
    pdsyevd_("V", "L", &matrix->n, matrix->local, &one, &one, matrix->desc, value, vectors->local, &one, &one,
             vectors->desc, work, &lwork, iwork, &liwork, &info, 1, 1);
    moe_pool_free(work);
    moe_pool_free(iwork);
    /* of a matrix of one block only process (0, 0) gets them */
    moe_comm_broadcast(matrix->grid->comm, value, matrix->n * (int64_t)sizeof *value);
    return moe_grid_info(matrix->grid, "PDSYEVD", info, err);
}

/* A from its upper triangle, which the solver leaves alone, against the vectors. */
static enum moe_status check(const struct moe_block_matrix *matrix, const struct moe_block_matrix *vectors,
                             struct moe_spectrum *spectrum, struct moe_error *err)
{
    const int one = 1, n = matrix->n;
    const double plus = 1, zero = 0;
    const double norm = pdlansy_("F", "U", &n, matrix->local, &one, &one, matrix->desc, NULL, 1, 1);
    struct moe_block_matrix rest;
    if (moe_matrix_new(&rest, matrix->grid, n, n, err))
        return err->code;
    pdsymm_("L", "U", &n, &n, &plus, matrix->local, &one, &one, matrix->desc, vectors->local, &one, &one,
            vectors->desc, &zero, rest.local, &one, &one, rest.desc);
    for (int j = 0; j < rest.local_n; j++) {
        const double value = spectrum->value[moe_matrix_col(&rest, j)];
        for (int i = 0; i < rest.local_m; i++)
            rest.local[(int64_t)j * rest.lead + i] -= value * vectors->local[(int64_t)j * rest.lead + i];
    }
    spectrum->residual = moe_matrix_norm(&rest) / (norm == 0 ? 1 : norm);
    moe_matrix_clear(&rest);
    if (moe_matrix_orthogonality(vectors, 0, &spectrum->orthogonality, err))
        return err->code;
    if (!(spectrum->residual <= MOE_RESIDUAL_MAX && spectrum->orthogonality <= MOE_RESIDUAL_MAX))
        moe_fail(err, MOE_NUMERIC,
                 "eigenvalues of a %d x %d matrix: residual %.3g, orthogonality %.3g (above %.3g: not symmetric, not "
                 "finite, or a faulty ScaLAPACK)", n, n, spectrum->residual, spectrum->orthogonality, MOE_RESIDUAL_MAX);
    return moe_grid_agree(matrix->grid, err);
}

enum moe_status moe_spectrum_of(struct moe_block_matrix *matrix, struct moe_spectrum *spectrum, struct moe_error *err)
{
    MOE_CHECK(matrix->m == matrix->n && matrix->n > 0);
    *spectrum = (struct moe_spectrum){.n = matrix->n};
    struct moe_block_matrix vectors;
    if (moe_matrix_new(&vectors, matrix->grid, matrix->n, matrix->n, err))
        return err->code;
    spectrum->value = moe_pool_new(MOE_POOL_ANALYSIS, (size_t)matrix->n, sizeof(double));
    double *diagonal = moe_pool_new(MOE_POOL_ANALYSIS, (size_t)matrix->local_n, sizeof(double));
    move_diagonal(matrix, diagonal, 0);
    if (!solve(matrix, &vectors, spectrum->value, err)) {
        move_diagonal(matrix, diagonal, 1);
        check(matrix, &vectors, spectrum, err);
    }
    moe_pool_free(diagonal);
    moe_matrix_clear(&vectors);
    return err->code;
}

void moe_spectrum_clear(struct moe_spectrum *spectrum)
{
    moe_pool_free(spectrum->value);
    memset(spectrum, 0, sizeof *spectrum);
}

struct moe_spectral moe_spectral_of(const double *value, int n)
{
    double sum = 0, total = 0, squares = 0, largest = 0, least = 0;
    for (int i = 0; i < n; i++) {
        sum += value[i];
        total += fabs(value[i]);
        squares += value[i] * value[i];
        largest = fmax(largest, fabs(value[i]));
        least = fmin(least, value[i]);
    }
    struct moe_spectral spectral = {.von_neumann = NAN};
    if (total == 0)
        return spectral;
    for (int i = 0; i < n; i++)
        if (value[i] != 0)
            spectral.entropy -= fabs(value[i]) / total * log(fabs(value[i]) / total);
    spectral.effective_rank = exp(spectral.entropy);
    spectral.participation = sum * sum / squares;
    spectral.largest_share = largest / total;
    if (least >= -1e-12 * n * largest)
        spectral.von_neumann = spectral.entropy;
    return spectral;
}

double moe_spectral_distance(const double *value, const double *other, int n)
{
    double total = 0, other_total = 0, distance = 0;
    for (int i = 0; i < n; i++) {
        total += fabs(value[i]);
        other_total += fabs(other[i]);
    }
    for (int i = 0; i < n; i++)
        distance += fabs(value[i] / total - other[i] / other_total) / 2;
    return distance;
}

enum moe_status moe_spectra_read(struct moe_spectra *spectra, const struct moe_grid *grid, const char *file,
                                 const char *snapshot, struct moe_error *err)
{
    memset(spectra, 0, sizeof *spectra);
    if (moe_coactivation_open(&spectra->pairs, grid, file, snapshot, err))
        return err->code;
    for (int form = 0; form < 2; form++)
        for (int origin = 0; origin < 2; origin++) {
            struct moe_block_matrix matrix;
            if (origin == MOE_ORIGIN_INDEPENDENT && !spectra->pairs.whole_choices)
                continue;
            if (!moe_coactivation_fill(&spectra->pairs, grid, form, origin, &matrix, err))
                moe_spectrum_of(&matrix, &spectra->of[form][origin], err);
            moe_matrix_clear(&matrix);
            if (err->code)
                return err->code;
        }
    return MOE_OK;
}

void moe_spectra_clear(struct moe_spectra *spectra)
{
    for (int i = 0; i < 4; i++)
        moe_spectrum_clear(&spectra->of[i / 2][i % 2]);
    moe_coactivation_clear(&spectra->pairs);
}

static struct moe_figure *add(struct moe_sheet *sheet, const char *form, const char *name, double value,
                              const char *grade, const char *formula, const char *unit, const char *note)
{
    char whole[64];
    snprintf(whole, sizeof whole, "%s_%s", form, name);
    struct moe_figure *figure = moe_sheet_add(sheet, whole, value, grade, formula);
    figure->unit = unit;
    figure->note = note;
    return figure;
}

static void say_counted(const struct moe_spectrum *counted, const char *form, const char *note, struct moe_sheet *sheet)
{
    const struct moe_spectral found = moe_spectral_of(counted->value, counted->n);
    add(sheet, form, "effective_rank", found.effective_rank, MOE_MEASURED,
        "exp of the spectral entropy, Roy and Vetterli 2007", "dimensions", note)->in_table = 1;
    struct moe_figure *figure = add(sheet, form, "von_neumann_entropy", found.von_neumann, MOE_MEASURED,
                                    "-trace(M ln M), M of trace 1", "nats", note);
    if (isnan(found.von_neumann))
        figure->missing = "the matrix has eigenvalues below 0";
    add(sheet, form, "participation_ratio", found.participation, MOE_MEASURED, "(sum v)^2 / sum v^2", "dimensions",
        note);
    add(sheet, form, "largest_share", found.largest_share, MOE_MEASURED, "max |v| / sum |v|", NULL, note);
}

static void say_gap(const struct moe_spectrum *counted, const struct moe_spectrum *alone, const char *form,
                    const char *note, struct moe_sheet *sheet)
{
    static const char *const name[] = {"independent_effective_rank", "entropy_gap", "spectral_distance"};
    static const char *const formula[] = {"conditional Poisson sampling, Chen, Dempster and Liu 1994",
                                          "spectral entropy of independent routing less that counted",
                                          "half the sum of |q - q'| over the sorted spectra"};
    static const char *const unit[] = {"dimensions", "nats", NULL};
    double value[3] = {0};
    if (alone->n) {
        const struct moe_spectral a = moe_spectral_of(counted->value, counted->n);
        const struct moe_spectral b = moe_spectral_of(alone->value, alone->n);
        value[0] = b.effective_rank;
        value[1] = b.entropy - a.entropy;
        value[2] = moe_spectral_distance(counted->value, alone->value, alone->n);
    }
    for (int i = 0; i < 3; i++) {
        struct moe_figure *figure = add(sheet, form, name[i], value[i], MOE_DIAGNOSTIC, formula[i], unit[i], note);
        figure->in_table = i < 2;
        if (!alone->n) {
            figure->value = NAN;
            figure->missing = "the loads are not a whole number of choices a token";
        }
    }
}

static void say_form(const struct moe_spectra *spectra, enum moe_form form, const char *name, const char *checks,
                     struct moe_sheet *sheet)
{
    const struct moe_spectrum *counted = &spectra->of[form][MOE_ORIGIN_FILE],
                              *alone = &spectra->of[form][MOE_ORIGIN_INDEPENDENT];
    static const char *const alone_note[2] = {
        "layers independent, in each the law of largest entropy with the measured loads",
        "the same without layers that are not adjacent, whose pairs are not in the file"};
    int any = 0;
    for (int i = 0; i < counted->n; i++)
        any |= counted->value[i] != 0;
    if (any) {
        say_counted(counted, name,
                    spectra->pairs.adjacent ? "pairs in one layer and in adjacent layers only; |v| for v" : NULL,
                    sheet);
        say_gap(counted, alone, name, alone_note[spectra->pairs.adjacent], sheet);
    } else {
        char whole[64];
        snprintf(whole, sizeof whole, "%s_effective_rank", name);
        moe_sheet_missing(sheet, whole, "every expert was chosen by all or no tokens", MOE_MEASURED,
                          "exp of the spectral entropy, Roy and Vetterli 2007")->in_table = 1;
    }
    add(sheet, name, "residual", fmax(counted->residual, alone->residual), MOE_MEASURED, "|A Z - Z D| / |A|, PBLAS",
        NULL, checks)->in_table = 1;
    add(sheet, name, "orthogonality", fmax(counted->orthogonality, alone->orthogonality), MOE_MEASURED,
        "|Z'Z - I| / |I|, PBLAS", NULL, checks)->in_table = 1;
}

void moe_spectra_say(const struct moe_spectra *spectra, const struct moe_grid *grid, struct moe_sheet *sheet)
{
    const char *checks = moe_sheet_text(sheet, "grid %d x %d, blocks of %d", grid->rows, grid->cols, grid->block);
    add(sheet, "coactivation", "rows", spectra->of[0][0].n, MOE_COUNT, "L E", "experts", NULL)->in_table = 1;
    add(sheet, "coactivation", "constant", spectra->pairs.constant, MOE_COUNT, "N_a = 0 or N_a = N", "experts",
        "chosen by no token or by all; left out of the correlation");
    say_form(spectra, MOE_FORM_PAIRS, "coactivation", checks, sheet);
    say_form(spectra, MOE_FORM_CORRELATION, "correlation", checks, sheet);
}
