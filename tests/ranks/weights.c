/* Places on the grid, singular values and least squares on every shape of it, against LAPACK, known values and closed
 * forms; a model file whose magnitudes are known. */
#include <mpi.h>

#include <unistd.h>

#include "analysis/leastsq.h"
#include "analysis/singular.h"
#include "analysis/weights.h"
#include "mpi/h5file.h"
#include "src/pool.h"
#include "tests/tap.h"

void dgesvd_(const char *jobu, const char *jobvt, const int *m, const int *n, double *a, const int *lda, double *s,
             double *u, const int *ldu, double *vt, const int *ldvt, double *work, const int *lwork, int *info,
             size_t jobu_length, size_t jobvt_length);

static struct moe_comm comm;
static const char *const name = "weights-test.h5";

/* A fixed number in -1 .. 1 for every index. */
static double noise(int64_t i)
{
    uint64_t x = ((uint64_t)i + 77) * 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 29) * 0xbf58476d1ce4e5b9u;
    return (double)(int64_t)(x ^ x >> 32) / 9.3e18;
}

/* Every element belongs to one rank, and its local place leads back. */
static void test_maps(const struct moe_grid *grid)
{
    struct moe_block_matrix matrix;
    struct moe_error err;
    int right = 1, elements = 0, blocks = 0;
    moe_matrix_new(&matrix, grid, 37, 58, &err);
    for (int i = 0; i < 37; i++)
        for (int j = 0; j < 58; j++) {
            const int row = moe_matrix_local_row(&matrix, i), col = moe_matrix_local_col(&matrix, j);
            if (row < 0 || col < 0)
                continue;
            elements++;
            right &= row < matrix.local_m && col < matrix.local_n && moe_matrix_row(&matrix, row) == i &&
                     moe_matrix_col(&matrix, col) == j;
        }
    for (int j = 0; j < matrix.local_n; j += moe_matrix_block_cols(&matrix, j))
        blocks += moe_matrix_block_cols(&matrix, j);
    ok(right && blocks == matrix.local_n, "%d x %d: local and whole places belong together", grid->rows, grid->cols);
    is_int(elements, matrix.local_m * matrix.local_n, "and the local part is full");
    MPI_Allreduce(MPI_IN_PLACE, &elements, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    is_int(elements, 37 * 58, "every element stands once");
    moe_matrix_clear(&matrix);
}

static void serial(int m, int n, const float *by_columns, double *value)
{
    const int lwork = 10 * (m + n) + 100, one = 1;
    int info;
    double *a = moe_pool_new(MOE_POOL_DATA, (size_t)m * (size_t)n, sizeof *a), none = 0;
    double *work = moe_pool_new(MOE_POOL_DATA, (size_t)lwork, sizeof *work);
    for (int i = 0; i < m * n; i++)
        a[i] = (double)by_columns[i];
    dgesvd_("N", "N", &m, &n, a, &m, value, &none, &one, &none, &one, work, &lwork, &info, 1, 1);
    if (info)
        bail("dgesvd %d", info);
    moe_pool_free(a);
    moe_pool_free(work);
}

static void test_matrix(const struct moe_grid *grid, int m, int n)
{
    struct moe_block_matrix matrix;
    struct moe_singular singular;
    struct moe_error err;
    float *whole = moe_pool_new(MOE_POOL_DATA, (size_t)m * (size_t)n, sizeof *whole);
    double want[200];
    for (int i = 0; i < m * n; i++)
        whole[i] = (float)noise(i);
    serial(m, n, whole, want);
    moe_matrix_new(&matrix, grid, m, n, &err);
    for (int j = 0; j < matrix.local_n; j++)
        for (int i = 0; i < matrix.local_m; i++)
            matrix.local[j * matrix.lead + i] =
                (double)whole[moe_matrix_col(&matrix, j) * m + moe_matrix_row(&matrix, i)];
    int status = moe_singular_of(&matrix, &singular, &err);
    ok(!status && singular.n == (m < n ? m : n), "%d x %d: a matrix of %d x %d %s", grid->rows, grid->cols, m, n,
       err.text);
    if (!status)
        all_close(singular.value, want, singular.n, 1e-12, "has the singular values of LAPACK");
    ok(singular.residual < 1e-13 && singular.orthogonality < 1e-13, "residual %.2g, orthogonality %.2g",
       singular.residual, singular.orthogonality);
    moe_singular_clear(&singular);
    moe_matrix_clear(&matrix);
    moe_pool_free(whole);
}

/* rows of c[i] e_{i mod n}: squares add up by column */
static void test_known(const struct moe_grid *grid)
{
    enum { M = 45, N = 10 };
    struct moe_block_matrix matrix;
    struct moe_singular singular;
    struct moe_error err;
    double want[N] = {0};
    moe_matrix_new(&matrix, grid, M, N, &err);
    for (int i = 0; i < M; i++) {
        const int row = moe_matrix_local_row(&matrix, i), col = moe_matrix_local_col(&matrix, i % N);
        if (row >= 0 && col >= 0)
            matrix.local[col * matrix.lead + row] = N - i % N;
        want[i % N] += (N - i % N) * (N - i % N);
    }
    for (int i = 0; i < N; i++)
        want[i] = sqrt(want[i]);
    if (moe_singular_of(&matrix, &singular, &err))
        bail("%s", err.text);
    all_close(singular.value, want, N, 1e-13, "known singular values");
    moe_singular_clear(&singular);
    moe_matrix_clear(&matrix);
}

enum { LAYERS = 2, E = 5, F = 7, C = 6, O = 3 };
static float in_weight[LAYERS][E * F * C], out_weight[LAYERS][E * C * F], router[LAYERS][E * C], gain[LAYERS][C],
    shift[LAYERS][C], last_gain[C], last_shift[C], head[O * C], bias[O];

static void plan(struct moe_file *file, const char *path, int rank, const int64_t *shape, const float *data)
{
    char dim[3][112];
    const char *dims[3];
    for (int i = 0; i < rank; i++) {
        snprintf(dim[i], sizeof dim[i], "%s_%d", path, i);
        dims[i] = dim[i];
    }
    moe_file_whole(file, path, MOE_REAL32, rank, shape, dims, NULL, data);
}

static void write_model(void)
{
    struct moe_file *file = moe_file_new();
    struct moe_error err;
    char path[96];
    moe_file_text(file, "/", "format", MOE_FILE_FORMAT);
    for (int l = 0; l < LAYERS; l++) {
        const struct {
            const char *tail;
            int rank;
            int64_t shape[3];
            const float *data;
        } tensor[] = {{"expert/in_weight", 3, {E, F, C}, in_weight[l]},
                      {"expert/out_weight", 3, {E, C, F}, out_weight[l]},
                      {"moe/router", 2, {E, C}, router[l]},
                      {"moe/norm_gain", 1, {C}, gain[l]},
                      {"moe/norm_bias", 1, {C}, shift[l]}};
        for (int i = 0; i < 5; i++) {
            snprintf(path, sizeof path, "/parameters/layer-%02d/%s", l, tensor[i].tail);
            plan(file, path, tensor[i].rank, tensor[i].shape, tensor[i].data);
        }
    }
    plan(file, "/parameters/output/norm_gain", 1, (const int64_t[]){C}, last_gain);
    plan(file, "/parameters/output/norm_bias", 1, (const int64_t[]){C}, last_shift);
    plan(file, "/parameters/output/weight", 2, (const int64_t[]){O, C}, head);
    plan(file, "/parameters/output/bias", 1, (const int64_t[]){O}, bias);
    if (moe_file_write(file, name, comm.world, &err))
        bail("%s", err.text);
    moe_file_free(file);
}

static void make_model(void)
{
    for (int l = 0; l < LAYERS; l++) {
        for (int i = 0; i < E * F * C; i++) {
            in_weight[l][i] = (float)noise(1000 * l + i);
            out_weight[l][i] = (float)noise(90000 + 1000 * l + i);
        }
        for (int i = 0; i < E * C; i++)
            router[l][i] = (float)noise(7000 + 100 * l + i);
        for (int i = 0; i < C; i++)
            gain[l][i] = 1;
    }
    in_weight[1][100] = -3.25f; /* kappa */
    gain[1][2] = -2;            /* 2 sqrt(C - 1) + 1/2 */
    shift[1][2] = -0.5f;
    for (int i = 0; i < C; i++) {
        last_gain[i] = 1;
        last_shift[i] = 0.5f;
    }
    head[1 * C + 0] = 1; /* row 1: 1, -1 of length sqrt(2), mean 0; constant 1/4 + 1/2 - 1/2 */
    head[1 * C + 1] = -1;
    bias[1] = 0.25f;
    for (int i = 0; i < C; i++)
        head[2 * C + i] = 0.6f; /* row 2: all the same, so only the constant 6 x 0.6 / 2 is left */
}

static double figure(const struct moe_sheet *sheet, const char *which)
{
    const struct moe_figure *found = moe_sheet_find(sheet, which);
    return found ? found->value : NAN;
}

static void check_model(const struct moe_sheet *sheet)
{
    double value[C], squares = 0, largest = 0;
    char which[64];
    for (int l = 0; l < LAYERS; l++) {
        serial(C, E * F, in_weight[l], value);
        snprintf(which, sizeof which, "layer-%02d/in_weight/spectral_norm", l);
        is_close(figure(sheet, which), value[0], 1e-12, "%s", which);
        largest = fmax(largest, value[0]);
        serial(F, E * C, out_weight[l], value);
        snprintf(which, sizeof which, "layer-%02d/out_weight/spectral_norm", l);
        is_close(figure(sheet, which), value[0], 1e-12, "%s", which);
    }
    is_close(figure(sheet, "in_weight_spectral_norm"), largest, 1e-12, "the largest of the layers");
    serial(C, E, router[1], value);
    for (int i = 0; i < E; i++)
        squares += value[i] * value[i];
    is_close(figure(sheet, "layer-01/router/stable_rank"), squares / (value[0] * value[0]), 1e-12,
             "stable rank of a router");
    is_close(figure(sheet, "kappa"), 3.25, 0, "kappa");
    is_close(figure(sheet, "output_bound"), 0.25 + sqrt(2.0 * C), 1e-7, "output bound");
    is_close(figure(sheet, "expert_input_bound"), 0.5 + 2 * sqrt(C - 1.0), 1e-12, "expert input bound");
    is_int((long long)figure(sheet, "weights_read"), LAYERS * (2 * E * F * C + E * C + 2 * C) + 2 * C + O * C + O,
           "weights read");
    ok(figure(sheet, "weights_residual") < 1e-13 && figure(sheet, "weights_orthogonality") < 1e-13,
       "residual and orthogonality are said");
}

static void test_model(const struct moe_grid *grid)
{
    struct moe_sheet sheet;
    struct moe_error err;
    make_model();
    write_model();
    moe_sheet_init(&sheet, "weights");
    is_int(moe_weights_say(grid, name, &sheet, &err), MOE_OK, "a model file is read %s", err.text);
    /* the other ranks' sheets stay empty: tell them the figures by giving them rank 0's verdicts only */
    int count = sheet.count;
    MPI_Bcast(&count, 1, MPI_INT, 0, MPI_COMM_WORLD);
    is_int(sheet.count, comm.rank ? 0 : count, "figures stand on rank 0 only");
    if (comm.rank) {
        sheet.figure = moe_pool_new(MOE_POOL_FILES, (size_t)count, sizeof *sheet.figure);
        sheet.count = count;
    }
    for (int i = 0; i < count; i++) {
        MPI_Bcast(sheet.figure[i].name, sizeof sheet.figure[i].name, MPI_CHAR, 0, MPI_COMM_WORLD);
        MPI_Bcast(&sheet.figure[i].value, 1, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    }
    check_model(&sheet);
    moe_sheet_clear(&sheet);
    out_weight[0][3] = NAN;
    write_model();
    moe_sheet_init(&sheet, "weights");
    is_int(moe_weights_say(grid, name, &sheet, &err), MOE_NUMERIC, "a weight that is not finite: %s", err.text);
    is_int(moe_weights_say(grid, "absent.h5", &sheet, &err), MOE_INPUT, "no file: %s", err.text);
    moe_sheet_clear(&sheet);
}

/* y = 3 + 2 x + noise on five points, in closed form. */
static void test_line(const struct moe_grid *grid)
{
    static const double x[] = {1, 1, 1, 2, 1, 4, 1, 5, 1, 8}, y[] = {5.25, 6.5, 11.5, 12.75, 19};
    double xm = 4, ym = 0, xx = 0, xy = 0, squares = 0;
    for (int i = 0; i < 5; i++)
        ym += y[i] / 5;
    for (int i = 0; i < 5; i++) {
        xx += (x[2 * i + 1] - xm) * (x[2 * i + 1] - xm);
        xy += (x[2 * i + 1] - xm) * (y[i] - ym);
    }
    const double slope = xy / xx, start = ym - slope * xm, t = 3.182446305284263; /* 97.5 %, 3 degrees of freedom */
    for (int i = 0; i < 5; i++)
        squares += pow(y[i] - start - slope * x[2 * i + 1], 2);
    const double variance = squares / 3;
    struct moe_leastsq fit;
    struct moe_error err;
    const int root = comm.rank == 0;
    if (moe_leastsq_fit(grid, 5, 2, root ? x : NULL, root ? y : NULL, 0.95, &fit, &err))
        bail("%s", err.text);
    all_close(fit.coefficient, ((double[]){start, slope}), 2, 1e-13, "a line through five points");
    is_close(fit.variance, variance, 1e-12, "variance of the noise");
    is_close(fit.high[1] - slope, t * sqrt(variance / xx), 1e-12, "interval of the slope");
    is_close(start - fit.low[0], t * sqrt(variance * (1.0 / 5 + xm * xm / xx)), 1e-12, "interval of the start");
    is_close(fit.covariance[1], -variance * xm / xx, 1e-12, "covariance");
    is_close(fit.covariance[2], fit.covariance[1], 0, "on both sides");
    struct moe_sheet sheet;
    moe_sheet_init(&sheet, "fit");
    moe_leastsq_say(&fit, (const char *const[]){"start", "slope"}, "line", &sheet);
    is_close(moe_sheet_find(&sheet, "slope")->low, fit.low[1], 0, "the sheet has the interval");
    moe_sheet_clear(&sheet);
    moe_leastsq_clear(&fit);
    is_int(moe_leastsq_fit(grid, 2, 2, root ? x : NULL, root ? y : NULL, 0.95, &fit, &err), MOE_OK, "two points");
    ok(fit.freedom == 0 && isnan(fit.variance) && isnan(fit.low[1]), "have a line without interval");
    is_close(fit.coefficient[1], 1.25, 1e-12, "through both");
    moe_leastsq_clear(&fit);
    is_int(moe_leastsq_fit(grid, 1, 2, root ? x : NULL, root ? y : NULL, 0.95, &fit, &err), MOE_INPUT, "one: %s",
           err.text);
    moe_leastsq_clear(&fit);
    static const double same[] = {1, 2, 2, 4, 3, 6}, bad[] = {1, 2, NAN, 4, 3, 7};
    is_int(moe_leastsq_fit(grid, 3, 2, root ? same : NULL, root ? y : NULL, 0.95, &fit, &err), MOE_INPUT,
           "dependent columns: %s", err.text);
    moe_leastsq_clear(&fit);
    is_int(moe_leastsq_fit(grid, 3, 2, root ? bad : NULL, root ? y : NULL, 0.95, &fit, &err), MOE_INPUT,
           "not finite: %s", err.text);
    moe_leastsq_clear(&fit);
}

/* Orthogonal columns of very different length over many blocks: coefficients x'y / x'x, covariance diagonal. */
static void test_columns(const struct moe_grid *grid)
{
    enum { ROWS = 120, COLS = 20 };
    static double x[ROWS * COLS], y[ROWS];
    double want[COLS], error[COLS], got[COLS], squares = 0;
    memset(x, 0, sizeof x);
    for (int i = 0; i < ROWS; i++) {
        x[i * COLS + i % COLS] = pow(10, i % COLS - 10) * (1 + i / COLS);
        y[i] = noise(i) + 2;
    }
    for (int j = 0; j < COLS; j++) {
        double xx = 0, xy = 0;
        for (int i = j; i < ROWS; i += COLS) {
            xx += x[i * COLS + j] * x[i * COLS + j];
            xy += x[i * COLS + j] * y[i];
        }
        want[j] = xy / xx;
        error[j] = xx;
        for (int i = j; i < ROWS; i += COLS)
            squares += pow(y[i] - want[j] * x[i * COLS + j], 2);
    }
    struct moe_leastsq fit;
    struct moe_error err;
    if (moe_leastsq_fit(grid, ROWS, COLS, x, y, 0.95, &fit, &err))
        bail("%s", err.text);
    for (int j = 0; j < COLS; j++) {
        got[j] = fit.coefficient[j] / want[j];
        want[j] = 1;
        error[j] *= fit.covariance[j * COLS + j] / (squares / (ROWS - COLS));
    }
    all_close(got, want, COLS, 1e-12, "twenty columns of very different size");
    all_close(error, want, COLS, 1e-12, "and their variances");
    moe_leastsq_clear(&fit);
}

static void test_grid(int rows, int cols)
{
    static const int size[][2] = {{30, 30}, {11, 130}, {97, 23}, {1, 40}, {40, 1}, {3, 5}, {1, 1}};
    struct moe_grid grid;
    moe_grid_open(&grid, &comm, rows, cols, 8);
    test_maps(&grid);
    for (int i = 0; i < 7; i++)
        test_matrix(&grid, size[i][0], size[i][1]);
    test_known(&grid);
    test_model(&grid);
    test_line(&grid);
    test_columns(&grid);
    moe_grid_close(&grid);
}

int main(int count, char **argument)
{
    moe_comm_start(&comm, &count, &argument);
    for (int rows = 1; rows <= comm.ranks; rows++)
        if (comm.ranks % rows == 0)
            test_grid(rows, comm.ranks / rows);
    is_int((long long)moe_pool_bytes(MOE_POOL_ANALYSIS), 0, "no memory is kept");
    MPI_Barrier(MPI_COMM_WORLD);
    if (comm.rank == 0)
        unlink(name);
    int failed = tap_done();
    moe_comm_end(&comm);
    return failed;
}
