/* Spectra on every shape of grid: against LAPACK on one process, against matrices whose eigenvalues are known, and of
 * routing whose co-activation is known, through a file. */
#include <mpi.h>

#include <setjmp.h>
#include <unistd.h>

#include "analysis/scalapack.h"
#include "analysis/spectrum.h"
#include "mpi/h5file.h"
#include "src/pool.h"
#include "tests/tap.h"

void dsyev_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w, double *work,
            const int *lwork, int *info, size_t jobz_length, size_t uplo_length);

static struct moe_comm comm;
static const char *const name = "spectrum-test.h5";

typedef double element(int n, int i, int j);

/* A fixed number in -1 .. 1 for every pair. */
static double noise(int i, int j)
{
    uint64_t x = (uint64_t)(i < j ? i : j) * 1000003u + (uint64_t)(i < j ? j : i) + 12345;
    x = (x ^ x >> 31) * 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 29) * 0xbf58476d1ce4e5b9u;
    return (double)(int64_t)(x ^ x >> 32) / 9.3e18;
}

static double random_element(int n, int i, int j)
{
    (void)n;
    return noise(i, j);
}

static double graded_element(int n, int i, int j)
{
    return noise(i, j) * pow(10, -6.0 * (i + j) / n);
}

static double low_rank_element(int n, int i, int j)
{
    (void)n;
    return noise(i, 5000) * noise(j, 5000) + noise(i, 6000) * noise(j, 6000);
}

static double same_element(int n, int i, int j)
{
    (void)n;
    return i == j;
}

static double zero_element(int n, int i, int j)
{
    (void)n, (void)i, (void)j;
    return 0;
}

static double chain_element(int n, int i, int j)
{
    (void)n;
    return i == j ? 2 : abs(i - j) == 1 ? -1 : 0;
}

static void fill(struct moe_block_matrix *matrix, const struct moe_grid *grid, int n, element *of)
{
    struct moe_error err;
    if (moe_matrix_new(matrix, grid, n, n, &err))
        bail("%s", err.text);
    for (int j = 0; j < matrix->local_n; j++)
        for (int i = 0; i < matrix->local_m; i++)
            matrix->local[j * matrix->lead + i] = of(n, moe_matrix_row(matrix, i), moe_matrix_col(matrix, j));
}

static void serial(int n, element *of, double *value)
{
    const int lwork = 40 * n + 10;
    int info;
    double *a = moe_pool_new(MOE_POOL_DATA, (size_t)(n * n), sizeof *a);
    double *work = moe_pool_new(MOE_POOL_DATA, (size_t)lwork, sizeof *work);
    for (int i = 0; i < n * n; i++)
        a[i] = of(n, i % n, i / n);
    dsyev_("N", "L", &n, a, &n, value, work, &lwork, &info, 1, 1);
    if (info)
        bail("dsyev %d", info);
    moe_pool_free(a);
    moe_pool_free(work);
}

static void test_matrix(const struct moe_grid *grid, const char *what, int n, element *of)
{
    struct moe_block_matrix matrix;
    struct moe_spectrum spectrum;
    struct moe_error err;
    double want[200];
    serial(n, of, want);
    fill(&matrix, grid, n, of);
    int status = moe_spectrum_of(&matrix, &spectrum, &err);
    ok(!status && spectrum.n == n, "%d x %d, %s matrix of %d rows %s", grid->rows, grid->cols, what, n, err.text);
    if (!status)
        all_close(spectrum.value, want, n, 1e-10, "has the eigenvalues of LAPACK");
    ok(spectrum.residual < 1e-13 && spectrum.orthogonality < 1e-13, "residual %.2g, orthogonality %.2g",
       spectrum.residual, spectrum.orthogonality);
    moe_spectrum_clear(&spectrum);
    moe_matrix_clear(&matrix);
}

static void test_known(const struct moe_grid *grid)
{
    enum { N = 83 };
    struct moe_block_matrix matrix;
    struct moe_spectrum spectrum;
    struct moe_error err;
    double want[N];
    for (int k = 0; k < N; k++)
        want[k] = 2 - 2 * cos(acos(-1) * (k + 1) / (N + 1));
    fill(&matrix, grid, N, chain_element);
    if (moe_spectrum_of(&matrix, &spectrum, &err))
        bail("%s", err.text);
    all_close(spectrum.value, want, N, 1e-13, "a chain has its known eigenvalues");
    moe_spectrum_clear(&spectrum);
    moe_matrix_clear(&matrix);
}

static jmp_buf back;

static void leap(int code)
{
    longjmp(back, code);
}

static void abort_all(int code)
{
    MPI_Abort(MPI_COMM_WORLD, code);
}

static void test_failures(const struct moe_grid *grid)
{
    struct moe_block_matrix matrix;
    struct moe_spectrum spectrum;
    struct moe_error err;
    fill(&matrix, grid, 50, random_element);
    const int i = moe_matrix_local_row(&matrix, 3), j = moe_matrix_local_col(&matrix, 40);
    if (i >= 0 && j >= 0)
        matrix.local[j * matrix.lead + i] += 1e-6;
    is_int(moe_spectrum_of(&matrix, &spectrum, &err), MOE_NUMERIC, "a matrix that is not symmetric fails everywhere");
    ok(strstr(err.text, "residual") && spectrum.residual > 1e-10, "by its residual: %s", err.text);
    moe_spectrum_clear(&spectrum);
    moe_matrix_clear(&matrix);
    err = (struct moe_error){.code = MOE_OK};
    if (comm.rank == comm.ranks - 1)
        moe_fail(&err, MOE_INPUT, "only here");
    is_int(moe_grid_agree(grid, &err), MOE_INPUT, "what one rank finds all ranks know");
    is_str(err.text, "only here", "in its words");
    is_int(moe_grid_info(grid, "PDX", comm.rank == 0 ? 7 : 0, &err), MOE_NUMERIC, "INFO on one rank fails everywhere");
    is_int(moe_matrix_new(&matrix, grid, 1 << 20, 1 << 20, &err), MOE_INPUT, "too large a matrix: %s", err.text);
    moe_matrix_clear(&matrix);
    fill(&matrix, grid, 9, same_element);
    const int one = 1, small = 1;
    int info = 0, code = 0, iwork = 0;
    double work = 0, value[9];
    /* the fault is printed by rank 0 alone, away from what the test prints */
    FILE *kept = stderr;
    stderr = fopen("/dev/null", "w");
    moe_fatal_hook(leap, comm.rank);
    if (!(code = setjmp(back)))
        pdsyevd_("V", "L", &matrix.m, matrix.local, &one, &one, matrix.desc, value, matrix.local, &one, &one,
                 matrix.desc, &work, &small, &iwork, &small, &info, 1, 1);
    moe_fatal_hook(abort_all, comm.rank);
    fclose(stderr);
    stderr = kept;
    is_int(code, MOE_BUG, "an illegal argument ends the job, whatever INFO says");
    moe_matrix_clear(&matrix);
}

enum { L = 2, E = 37, N = E * 20 };

/* Writes a snapshot made from choices [N, L, K]; its table is [L, E, L, E], or of adjacent layers only. */
static void write_choices(int layers, int experts, int K, int64_t tokens, const int *choice, int adjacent, int wrong)
{
    const int64_t n = (int64_t)layers * experts, shape[] = {layers, experts, layers, experts},
                  near_shape[] = {layers, 2, experts, experts};
    static const char *const dims[] = {"layer", "expert", "other_layer", "other_expert"},
                            *const near_dims[] = {"layer", "next", "expert", "other_expert"};
    int64_t *pairs = moe_pool_new(MOE_POOL_DATA, (size_t)(n * n), sizeof *pairs),
            *near_pairs = moe_pool_new(MOE_POOL_DATA, (size_t)(2 * n * experts), sizeof *near_pairs),
            *load = moe_pool_new(MOE_POOL_DATA, (size_t)n, sizeof *load);
    for (int64_t t = 0; t < tokens; t++)
        for (int a = 0; a < layers * K; a++)
            for (int b = 0; b < layers * K; b++) {
                const int l = a / K, m = b / K, e = choice[t * layers * K + a], f = choice[t * layers * K + b];
                pairs[(l * experts + e) * n + m * experts + f]++;
                load[l * experts + e] += a == b;
                if (m == l || m == l + 1)
                    near_pairs[((l * 2 + m - l) * experts + e) * experts + f]++;
            }
    if (wrong)
        pairs[1] = pairs[n] = load[0] + 1;
    struct moe_file *file = moe_file_new();
    struct moe_error err;
    moe_file_text(file, "/", "format", MOE_FILE_FORMAT);
    moe_file_group(file, "/census/step-00000007");
    moe_file_int(file, "/census/step-00000007", "tokens", tokens);
    moe_file_whole(file, "/routing/step-00000007/load", MOE_I64, 2, shape, dims, NULL, load);
    if (adjacent)
        moe_file_whole(file, "/routing/step-00000007/coactivation_adjacent", MOE_I64, 4, near_shape, near_dims, NULL,
                       near_pairs);
    else
        moe_file_whole(file, "/routing/step-00000007/coactivation", MOE_I64, 4, shape, dims, NULL, pairs);
    if (moe_file_write(file, name, comm.world, &err))
        bail("%s", err.text);
    moe_file_free(file);
    moe_pool_free(pairs);
    moe_pool_free(near_pairs);
    moe_pool_free(load);
}

static double figure(const struct moe_sheet *sheet, const char *which)
{
    const struct moe_figure *found = moe_sheet_find(sheet, which);
    return found ? found->value : NAN;
}

/* K = 1, the second layer chooses as the first, evenly: J_2 x I_E / (2 E), so E eigenvalues 1 / E, and E times 0. Were
 * the layers independent: 1 / E once, 1 / (2 E) 2 E - 2 times, 0 once. */
static void check_copied(const struct moe_spectra *spectra, const struct moe_grid *grid)
{
    double pairs[2 * E] = {0}, alone[2 * E], both[2 * E] = {0}, one[2 * E];
    const double third = (double)E / (E - 1);
    for (int i = 0; i < 2 * E; i++) {
        pairs[i] = i < E ? 0 : 1.0 / E;
        alone[i] = i == 0 ? 0 : i == 2 * E - 1 ? 1.0 / E : 0.5 / E;
        both[i] = i <= E ? 0 : 2 * third;
        one[i] = i < 2 ? 0 : third;
    }
    all_close(spectra->of[MOE_FORM_PAIRS][MOE_ORIGIN_FILE].value, pairs, 2 * E, 1e-12, "copied layers: pairs");
    all_close(spectra->of[MOE_FORM_PAIRS][MOE_ORIGIN_INDEPENDENT].value, alone, 2 * E, 1e-12, "and if independent");
    all_close(spectra->of[MOE_FORM_CORRELATION][MOE_ORIGIN_FILE].value, both, 2 * E, 1e-12, "correlation");
    all_close(spectra->of[MOE_FORM_CORRELATION][MOE_ORIGIN_INDEPENDENT].value, one, 2 * E, 1e-12, "and if independent");
    struct moe_sheet sheet;
    moe_sheet_init(&sheet, "spectrum");
    moe_spectra_say(spectra, grid, &sheet);
    is_close(figure(&sheet, "coactivation_effective_rank"), E, 1e-12, "effective rank E");
    is_close(figure(&sheet, "coactivation_von_neumann_entropy"), log(E), 1e-12, "von Neumann entropy ln E");
    is_close(figure(&sheet, "coactivation_participation_ratio"), E, 1e-12, "participation ratio E");
    is_close(figure(&sheet, "coactivation_largest_share"), 1.0 / E, 1e-12, "largest share 1 / E");
    is_close(figure(&sheet, "coactivation_spectral_distance"), (E - 1) / 2.0 / E, 1e-12, "distance to independence");
    is_close(figure(&sheet, "coactivation_entropy_gap"), (E - 1.0) / E * log(2), 1e-12, "entropy gap");
    is_close(figure(&sheet, "correlation_effective_rank"), E - 1, 1e-12, "effective rank of the correlation");
    is_close(figure(&sheet, "correlation_independent_effective_rank"), 2 * E - 2, 1e-12, "twice that if independent");
    is_close(figure(&sheet, "correlation_entropy_gap"), log(2), 1e-12, "a gap of ln 2");
    is_int((long long)figure(&sheet, "coactivation_rows"), 2 * E, "rows");
    ok(figure(&sheet, "coactivation_residual") < 1e-13 && figure(&sheet, "correlation_orthogonality") < 1e-13,
       "residual and orthogonality are said");
    moe_sheet_clear(&sheet);
}

static int *copied_choices(void)
{
    int *choice = moe_pool_new(MOE_POOL_DATA, L * N, sizeof *choice);
    for (int t = 0; t < N; t++)
        choice[2 * t] = choice[2 * t + 1] = t % E;
    return choice;
}

static void test_file(const struct moe_grid *grid, const int *choice)
{
    struct moe_spectra spectra;
    struct moe_error err;
    write_choices(L, E, 1, N, choice, 0, 0);
    if (moe_spectra_read(&spectra, grid, name, "step-00000007", &err))
        bail("%s", err.text);
    check_copied(&spectra, grid);
    moe_spectra_clear(&spectra);
    is_int(moe_spectra_read(&spectra, grid, name, "step-00000008", &err), MOE_INPUT, "no such snapshot: %s", err.text);
    moe_spectra_clear(&spectra);
    is_int(moe_spectra_read(&spectra, grid, "absent.h5", "step-00000007", &err), MOE_INPUT, "no file: %s", err.text);
    moe_spectra_clear(&spectra);
    write_choices(L, E, 1, N, choice, 0, 1);
    is_int(moe_spectra_read(&spectra, grid, name, "step-00000007", &err), MOE_INPUT, "wrong counts: %s", err.text);
    moe_spectra_clear(&spectra);
}

/* What is filled from each table, element by element, against the choices themselves. */
static void test_fill(const struct moe_grid *grid, int adjacent)
{
    enum { LAYERS = 4, EXPERTS = 11, K = 2, TOKENS = 300, ALL = LAYERS * EXPERTS };
    int *choice = moe_pool_new(MOE_POOL_DATA, TOKENS * LAYERS * K, sizeof *choice), right = 1, correlated = 1;
    double count[ALL][ALL] = {{0}};
    for (int i = 0; i < TOKENS * LAYERS; i++) {
        choice[i * K] = (int)floor((noise(i, 1) + 1) / 2 * 6) + i % 3;
        choice[i * K + 1] = choice[i * K] + 1 + (noise(i, 2) > 0);
    }
    for (int t = 0; t < TOKENS; t++)
        for (int a = 0; a < LAYERS * K; a++)
            for (int b = 0; b < LAYERS * K; b++)
                if (!adjacent || abs(a / K - b / K) <= 1)
                    count[a / K * EXPERTS + choice[t * LAYERS * K + a]][b / K * EXPERTS + choice[t * LAYERS * K + b]]++;
    write_choices(LAYERS, EXPERTS, K, TOKENS, choice, adjacent, 0);
    struct moe_coactivation pairs;
    struct moe_block_matrix matrix, scaled;
    struct moe_error err;
    if (moe_coactivation_open(&pairs, grid, name, "step-00000007", &err) ||
        moe_coactivation_fill(&pairs, grid, MOE_FORM_PAIRS, MOE_ORIGIN_FILE, &matrix, &err) ||
        moe_coactivation_fill(&pairs, grid, MOE_FORM_CORRELATION, MOE_ORIGIN_FILE, &scaled, &err))
        bail("%s", err.text);
    for (int j = 0; j < matrix.local_n; j++)
        for (int i = 0; i < matrix.local_m; i++) {
            const int a = moe_matrix_row(&matrix, i), b = moe_matrix_col(&matrix, j);
            const double pa = count[a][a] / TOKENS, pb = count[b][b] / TOKENS, both = count[a][b] / TOKENS;
            double want = (both - pa * pb) / sqrt(pa * (1 - pa) * pb * (1 - pb));
            if (pa * pb == 0 || (adjacent && abs(a / EXPERTS - b / EXPERTS) > 1))
                want = 0;
            right &= fabs(matrix.local[j * matrix.lead + i] - both / (LAYERS * K)) < 1e-15;
            correlated &= fabs(scaled.local[j * scaled.lead + i] - want) < 1e-13;
        }
    is_int(pairs.adjacent, adjacent, "%s table is found", adjacent ? "the adjacent" : "the whole");
    ok(right, "and fills the matrix");
    ok(correlated, "and the correlations");
    moe_matrix_clear(&matrix);
    moe_matrix_clear(&scaled);
    moe_coactivation_clear(&pairs);
    moe_pool_free(choice);
}

static void test_grid(int rows, int cols)
{
    struct moe_grid grid;
    static const struct {
        const char *what;
        element *of;
    } cases[] = {{"random", random_element}, {"graded", graded_element}, {"low rank", low_rank_element},
                 {"unit", same_element},     {"zero", zero_element},     {"chain", chain_element}};
    moe_grid_open(&grid, &comm, rows, cols, 8);
    for (int i = 0; i < 6; i++)
        test_matrix(&grid, cases[i].what, 97, cases[i].of);
    test_matrix(&grid, "random", 1, random_element);
    test_matrix(&grid, "random", 7, random_element);
    test_matrix(&grid, "random", 64, random_element);
    test_known(&grid);
    test_failures(&grid);
    int *choice = copied_choices();
    test_file(&grid, choice);
    moe_pool_free(choice);
    test_fill(&grid, 0);
    test_fill(&grid, 1);
    moe_grid_close(&grid);
}

/* Four parts of n^2 / P, and vectors and blocks besides; the first matrix that is larger than any before. */
static void test_memory(void)
{
    enum { SIZE = 480, BLOCK = 20 };
    struct moe_grid grid;
    struct moe_block_matrix matrix;
    struct moe_spectrum spectrum;
    struct moe_error err;
    int rows, cols;
    moe_grid_shape(comm.ranks, &rows, &cols);
    is_int(rows * cols, comm.ranks, "a default shape of %d x %d", rows, cols);
    is_int((long long)moe_pool_bytes(MOE_POOL_ANALYSIS), 0, "no memory is kept");
    moe_grid_open(&grid, &comm, rows, cols, BLOCK);
    fill(&matrix, &grid, SIZE, random_element);
    const double part = 8.0 * matrix.local_m * matrix.local_n;
    ok(part <= 8.0 * SIZE * SIZE / comm.ranks * 1.1, "a rank has its share of the matrix");
    if (moe_spectrum_of(&matrix, &spectrum, &err))
        bail("%s", err.text);
    const double peak = (double)moe_pool_peak(MOE_POOL_ANALYSIS);
    ok(peak >= 4 * part && peak <= 4 * part + 8.0 * (16 + 2 * BLOCK + 2) * SIZE,
       "and four times that at most: %.0f of %.0f bytes", peak, part);
    moe_spectrum_clear(&spectrum);
    moe_matrix_clear(&matrix);
    moe_grid_close(&grid);
}

int main(int count, char **argument)
{
    moe_comm_start(&comm, &count, &argument);
    for (int rows = 1; rows <= comm.ranks; rows++)
        if (comm.ranks % rows == 0)
            test_grid(rows, comm.ranks / rows);
    test_memory();
    MPI_Barrier(MPI_COMM_WORLD);
    if (comm.rank == 0)
        unlink(name);
    int failed = tap_done();
    moe_comm_end(&comm);
    return failed;
}
