#include "analysis/weights.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/singular.h"
#include "analysis/spectrum.h"
#include "mpi/h5read.h"
#include "src/pool.h"
#include "src/share.h"

struct tensor {
    const char *name;
    int dims;
};

static const struct tensor outer[] = {{"input/weight", 2},     {"input/bias", 1},       {"input/table", 2},
                                      {"input/positions", 2},  {"output/norm_gain", 1}, {"output/norm_bias", 1},
                                      {"output/weight", 2},    {"output/bias", 1}};
static const struct tensor inner[] = {
    {"attention/norm_gain", 1},  {"attention/norm_bias", 1}, {"attention/qkv_weight", 2}, {"attention/qkv_bias", 1},
    {"attention/out_weight", 2}, {"attention/out_bias", 1},  {"attention/offset_bias", 2}, {"moe/norm_gain", 1},
    {"moe/norm_bias", 1},        {"moe/router", 2},          {"expert/in_weight", 3},     {"expert/in_bias", 2},
    {"expert/out_weight", 3},    {"expert/out_bias", 2}};
static const struct tensor stacked[] = {{"expert/in_weight", 3}, {"expert/out_weight", 3}, {"moe/router", 2}};
static const char *const short_name[] = {"in_weight", "out_weight", "router"};
enum { OUTER = sizeof outer / sizeof *outer, INNER = sizeof inner / sizeof *inner, STACKED = 3 };

/* What is looked for in the whole file. */
struct extremes {
    double largest;  /* |weight| */
    int64_t read;    /* weights */
    double norm[STACKED], residual, orthogonality;
};

/* One tensor, if there is one: its first dimension is shared out over the ranks and read entry by entry. */
static enum moe_status scan(const struct moe_grid *grid, struct moe_reader *reader, const char *path, int dims,
                            struct extremes *extremes, struct moe_error *err)
{
    const struct moe_comm *comm = grid->comm;
    int64_t shape[3] = {0}, start[3] = {0}, count[3];
    if (!moe_reader_has(reader, path))
        return MOE_OK;
    if (moe_reader_shape(reader, path, dims, shape, err))
        return err->code;
    memcpy(count, shape, sizeof count);
    count[0] = 1;
    const int64_t size = (dims > 1 ? shape[1] : 1) * (dims > 2 ? shape[2] : 1);
    const int64_t first = moe_share_first(shape[0], comm->ranks, comm->rank);
    float *values = moe_pool_new(MOE_POOL_ANALYSIS, (size_t)size, sizeof *values);
    for (int64_t i = 0; i < moe_share_count(shape[0], comm->ranks, comm->rank) && !err->code; i++) {
        start[0] = first + i;
        if (moe_reader_slab(reader, path, MOE_REAL32, dims, shape, start, count, values, err))
            break;
        for (int64_t k = 0; k < size; k++) {
            extremes->largest = fmax(extremes->largest, fabs((double)values[k]));
            if (!isfinite(values[k]))
                moe_fail(err, MOE_NUMERIC, "%s has a weight that is not finite", path);
        }
        extremes->read += size;
    }
    moe_pool_free(values);
    return err->code;
}

static enum moe_status scan_all(const struct moe_grid *grid, struct moe_reader *reader, int layers,
                                struct extremes *extremes, struct moe_error *err)
{
    char path[96];
    for (int i = 0; i < OUTER && !err->code; i++) {
        snprintf(path, sizeof path, "/parameters/%s", outer[i].name);
        scan(grid, reader, path, outer[i].dims, extremes, err);
    }
    for (int i = 0; i < layers * INNER && !err->code; i++) {
        snprintf(path, sizeof path, "/parameters/layer-%02d/%s", i / INNER, inner[i % INNER].name);
        scan(grid, reader, path, inner[i % INNER].dims, extremes, err);
    }
    if (moe_grid_agree(grid, err))
        return err->code;
    MPI_Allreduce(MPI_IN_PLACE, &extremes->largest, 1, MPI_DOUBLE, MPI_MAX, grid->comm->world);
    MPI_Allreduce(MPI_IN_PLACE, &extremes->read, 1, MPI_INT64_T, MPI_SUM, grid->comm->world);
    return MOE_OK;
}

static struct moe_figure *add(struct moe_sheet *sheet, const char *name, double value, const char *grade,
                              const char *formula, const char *unit, const char *note)
{
    struct moe_figure *figure = moe_sheet_add(sheet, name, value, grade, formula);
    figure->unit = unit;
    figure->note = note;
    return figure;
}

static void say_values(const struct moe_singular *singular, int layer, const char *tensor, struct moe_sheet *sheet)
{
    static const char *const name[] = {"spectral_norm", "stable_rank", "effective_rank"};
    static const char *const formula[] = {"largest singular value", "(|W|_F / |W|_2)^2",
                                          "exp of the entropy of the singular values, Roy and Vetterli 2007"};
    const double top = singular->value[0];
    double squares = 0;
    for (int i = 0; i < singular->n; i++)
        squares += singular->value[i] * singular->value[i];
    const double value[] = {top, top > 0 ? squares / (top * top) : NAN,
                            top > 0 ? moe_spectral_of(singular->value, singular->n).effective_rank : NAN};
    for (int i = 0; i < 3; i++) {
        char whole[64];
        snprintf(whole, sizeof whole, "layer-%02d/%s/%s", layer, tensor, name[i]);
        add(sheet, whole, value[i], MOE_MEASURED, formula[i], i ? "dimensions" : NULL, NULL);
    }
}

/* The three stacked matrices of one layer. */
static enum moe_status take_layer(const struct moe_grid *grid, struct moe_reader *reader, int layer,
                                  struct extremes *extremes, struct moe_sheet *sheet, struct moe_error *err)
{
    for (int i = 0; i < STACKED; i++) {
        char path[96];
        struct moe_block_matrix matrix;
        struct moe_singular singular = {.n = 0};
        snprintf(path, sizeof path, "/parameters/layer-%02d/%s", layer, stacked[i].name);
        if (!moe_singular_fill(grid, reader, path, stacked[i].dims, &matrix, err))
            moe_singular_of(&matrix, &singular, err);
        if (!err->code) {
            extremes->norm[i] = fmax(extremes->norm[i], singular.value[0]);
            extremes->residual = fmax(extremes->residual, singular.residual);
            extremes->orthogonality = fmax(extremes->orthogonality, singular.orthogonality);
            if (grid->comm->rank == 0)
                say_values(&singular, layer, short_name[i], sheet);
        }
        moe_singular_clear(&singular);
        moe_matrix_clear(&matrix);
        if (err->code)
            return err->code;
    }
    return MOE_OK;
}

/* A tensor of one or two dimensions, whole: from moe_pool_new, the caller's; null after a failure. */
static float *read_tensor(struct moe_reader *reader, const char *path, int dims, int64_t *shape, struct moe_error *err)
{
    const int64_t start[2] = {0};
    shape[1] = 1;
    if (err->code || moe_reader_shape(reader, path, dims, shape, err))
        return NULL;
    float *values = moe_pool_new(MOE_POOL_ANALYSIS, (size_t)(shape[0] * shape[1]), sizeof *values);
    moe_reader_slab(reader, path, MOE_REAL32, dims, shape, start, shape, values, err);
    return values;
}

/* A normalised vector has mean 0 and length at most sqrt(C), so what a row of the head makes of it is at most sqrt(C)
 * times the length of the row, scaled by the gain and less its mean. */
static enum moe_status bound_output(struct moe_reader *reader, double *bound, struct moe_error *err)
{
    int64_t C[2] = {0}, shifts[2] = {0}, biases[2] = {0}, shape[2] = {0};
    float *gain = read_tensor(reader, "/parameters/output/norm_gain", 1, C, err);
    float *shift = read_tensor(reader, "/parameters/output/norm_bias", 1, shifts, err);
    float *bias = read_tensor(reader, "/parameters/output/bias", 1, biases, err);
    float *head = read_tensor(reader, "/parameters/output/weight", 2, shape, err);
    if (!err->code && (shape[1] != C[0] || shifts[0] != C[0] || biases[0] != shape[0]))
        moe_fail(err, MOE_INPUT, "/parameters/output: the lengths of its tensors contradict each other");
    *bound = 0;
    for (int64_t o = 0; !err->code && o < shape[0]; o++) {
        const float *row = head + o * C[0];
        double constant = (double)bias[o], mean = 0, square = 0;
        for (int64_t c = 0; c < C[0]; c++) {
            constant += (double)row[c] * (double)shift[c];
            mean += (double)row[c] * (double)gain[c] / (double)C[0];
        }
        for (int64_t c = 0; c < C[0]; c++)
            square += pow((double)row[c] * (double)gain[c] - mean, 2);
        *bound = fmax(*bound, fabs(constant) + sqrt(square * (double)C[0]));
    }
    moe_pool_free(gain);
    moe_pool_free(shift);
    moe_pool_free(bias);
    moe_pool_free(head);
    return err->code;
}

/* One number of a vector of mean 0 and length sqrt(C) is at most sqrt(C - 1). */
static enum moe_status bound_inputs(struct moe_reader *reader, int layers, double *bound, struct moe_error *err)
{
    *bound = 0;
    for (int l = 0; l < layers && !err->code; l++) {
        char path[96];
        int64_t C[2] = {0}, shape[2] = {0};
        snprintf(path, sizeof path, "/parameters/layer-%02d/moe/norm_gain", l);
        float *gain = read_tensor(reader, path, 1, C, err);
        snprintf(path, sizeof path, "/parameters/layer-%02d/moe/norm_bias", l);
        float *shift = read_tensor(reader, path, 1, shape, err);
        if (!err->code && shape[0] != C[0])
            moe_fail(err, MOE_INPUT, "%s has %lld numbers, not %lld", path, (long long)shape[0], (long long)C[0]);
        for (int64_t c = 0; !err->code && c < C[0]; c++)
            *bound = fmax(*bound, fabs((double)shift[c]) + fabs((double)gain[c]) * sqrt((double)(C[0] - 1)));
        moe_pool_free(gain);
        moe_pool_free(shift);
    }
    return err->code;
}

static void say_whole(const struct moe_grid *grid, const struct extremes *extremes, double output, double input,
                      struct moe_sheet *sheet)
{
    const char *checks = moe_sheet_text(sheet, "grid %d x %d, blocks of %d", grid->rows, grid->cols, grid->block);
    for (int i = 0; i < STACKED; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s_spectral_norm", short_name[i]);
        add(sheet, name, extremes->norm[i], MOE_MEASURED, "largest singular value, largest layer", NULL,
            i < 2 ? "all experts of a layer stacked" : NULL)->in_table = 1;
    }
    add(sheet, "weights_residual", extremes->residual, MOE_MEASURED, "|A - U D V'| / |A|, PBLAS", NULL, checks)
        ->in_table = 1;
    add(sheet, "weights_orthogonality", extremes->orthogonality, MOE_MEASURED, "|Z'Z - I| / |I|, PBLAS", NULL, checks)
        ->in_table = 1;
    add(sheet, "kappa", extremes->largest, MOE_MEASURED, "max |weight|", NULL,
        "of this model; the class of the bound needs it fixed beforehand")->in_table = 1;
    add(sheet, "weights_read", (double)extremes->read, MOE_COUNT, "weights that kappa is taken over", "weights", NULL);
    add(sheet, "output_bound", output, MOE_DERIVED, "final norm and head", NULL,
        "R of this model: a normalised vector has mean 0 and length at most sqrt(C)")->in_table = 1;
    add(sheet, "expert_input_bound", input, MOE_DERIVED, "max |bias| + |gain| sqrt(C - 1)", NULL,
        "M0 as routers and experts see it, whatever the data")->in_table = 1;
}

enum moe_status moe_weights_say(const struct moe_grid *grid, const char *model, struct moe_sheet *sheet,
                                struct moe_error *err)
{
    struct moe_reader *reader;
    struct extremes extremes = {.largest = 0};
    double output = 0, input = 0;
    int layers = 0;
    moe_reader_open(model, &reader, err);
    if (!err->code) {
        for (char path[64]; snprintf(path, sizeof path, "/parameters/layer-%02d", layers),
             moe_reader_has(reader, path); layers++)
            ;
        if (!layers)
            moe_fail(err, MOE_INPUT, "%s holds no parameters (name a .model.h5 file)", model);
    }
    if (!moe_grid_agree(grid, err) && !scan_all(grid, reader, layers, &extremes, err)) {
        for (int l = 0; l < layers && !err->code; l++)
            take_layer(grid, reader, l, &extremes, sheet, err);
        if (!err->code && grid->comm->rank == 0 && !bound_output(reader, &output, err) &&
            !bound_inputs(reader, layers, &input, err))
            say_whole(grid, &extremes, output, input, sheet);
        moe_comm_share(grid->comm, err);
    }
    moe_reader_close(reader);
    return err->code;
}
