#include "src/layout.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "src/expert.h"
#include "src/pool.h"
#include "src/random.h"
#include "src/status.h"

enum { INPUT_TENSORS = 3, LAYER_TENSORS = 14, OUTPUT_TENSORS = 4 };

/* Elements drawn from one random sequence; a tensor has at most 2^16 chunks. */
enum { CHUNK = 1 << 20 };

/* What a tensor is, apart from where it stands. */
struct spec {
    const char *name;
    int rank;
    int64_t rows, columns;
    const char *dims[2];
    enum moe_law law;
    double scale;
    int matrix;
};

/* Appends a tensor and returns its offset; *size is the length of the vector or block it is added to. */
static int64_t add(struct moe_layout *layout, int64_t *size, int layer, struct spec spec)
{
    struct moe_tensor *tensor = &layout->tensor[layout->count++];
    snprintf(tensor->name, sizeof tensor->name, "%s", spec.name);
    tensor->rank = spec.rank;
    tensor->shape[0] = spec.rows;
    tensor->shape[1] = spec.rank == 2 ? spec.columns : 1;
    tensor->dims[0] = spec.dims[0];
    tensor->dims[1] = spec.dims[1];
    tensor->size = tensor->shape[0] * tensor->shape[1];
    tensor->offset = *size;
    tensor->layer = layer;
    tensor->matrix = spec.matrix;
    tensor->law = spec.law;
    tensor->law_scale = spec.scale;
    *size += tensor->size;
    return tensor->offset;
}

static int64_t add_vector(struct moe_layout *layout, int64_t *size, int layer, const char *name, int64_t n,
                          const char *dim, enum moe_law law, double scale)
{
    return add(layout, size, layer, (struct spec){name, 1, n, 1, {dim, NULL}, law, scale, 0});
}

static int64_t add_matrix(struct moe_layout *layout, int64_t *size, int layer, const char *name, int64_t rows,
                          const char *row_dim, int64_t columns, const char *column_dim, enum moe_law law, double scale)
{
    return add(layout, size, layer, (struct spec){name, 2, rows, columns, {row_dim, column_dim}, law, scale, 1});
}

/* A table that is looked up or added, not multiplied: no decay. */
static int64_t add_table(struct moe_layout *layout, const char *name, int64_t rows, const char *row_dim,
                         int64_t columns, const char *column_dim)
{
    return add(layout, &layout->dense_size, -1,
               (struct spec){name, 2, rows, columns, {row_dim, column_dim}, MOE_LAW_NORMAL, 0.02, 0});
}

static void add_input(struct moe_layout *layout, const struct moe_run *run, const struct moe_task *task)
{
    int64_t *size = &layout->dense_size, width = run->model.width;
    double scale = task->features ? 1 / sqrt(task->features) : 0;
    layout->input_bias = layout->positions = -1;
    if (task->features) {
        layout->input_weight = add_matrix(layout, size, -1, "input/weight", width, "channel", task->features,
                                          "feature", MOE_LAW_UNIFORM, scale);
        layout->input_bias = add_vector(layout, size, -1, "input/bias", width, "channel", MOE_LAW_UNIFORM, scale);
    } else {
        layout->input_weight = add_table(layout, "input/table", task->symbols, "symbol", width, "channel");
    }
    if (run->model.positions == MOE_ABSOLUTE_OFFSET)
        layout->positions = add_table(layout, "input/positions", task->tokens, "token", width, "channel");
}

static void add_layer(struct moe_layout *layout, const struct moe_run *run, const struct moe_task *task, int l)
{
    int64_t *size = &layout->dense_size, width = run->model.width;
    double scale = 1 / sqrt((double)width);
    struct moe_layer_at *at = &layout->layer[l];
    char name[64];
#define NAME(tail) (snprintf(name, sizeof name, "layer-%02d/%s", l, tail), name)
    at->norm1_gain = add_vector(layout, size, -1, NAME("attention/norm_gain"), width, "channel", MOE_LAW_ONE, 0);
    at->norm1_bias = add_vector(layout, size, -1, NAME("attention/norm_bias"), width, "channel", MOE_LAW_ZERO, 0);
    at->qkv_weight = add_matrix(layout, size, -1, NAME("attention/qkv_weight"), 3 * width, "projection", width,
                                "channel", MOE_LAW_UNIFORM, scale);
    at->qkv_bias =
        add_vector(layout, size, -1, NAME("attention/qkv_bias"), 3 * width, "projection", MOE_LAW_UNIFORM, scale);
    at->out_weight = add_matrix(layout, size, -1, NAME("attention/out_weight"), width, "channel", width, "mixed",
                                MOE_LAW_UNIFORM, scale);
    at->out_bias = add_vector(layout, size, -1, NAME("attention/out_bias"), width, "channel", MOE_LAW_UNIFORM, scale);
    at->offset_bias = add_table(layout, NAME("attention/offset_bias"), run->model.heads, "head",
                                2 * task->tokens - 1, "offset");
    at->norm2_gain = add_vector(layout, size, -1, NAME("moe/norm_gain"), width, "channel", MOE_LAW_ONE, 0);
    at->norm2_bias = add_vector(layout, size, -1, NAME("moe/norm_bias"), width, "channel", MOE_LAW_ZERO, 0);
    at->router = add_matrix(layout, size, -1, NAME("moe/router"), run->model.experts, "expert", width, "channel",
                            MOE_LAW_NORMAL, scale);
    layout->tensor[layout->count - 1].is_router = 1;
#undef NAME
}

static void add_experts(struct moe_layout *layout, const struct moe_run *run, int l)
{
    const struct moe_expert_parts at = moe_expert_parts(run->model.width, run->model.expert_width);
    int64_t size = 0, width = run->model.width, hidden = run->model.expert_width;
    char name[64];
#define NAME(tail) (snprintf(name, sizeof name, "layer-%02d/expert/%s", l, tail), name)
    add_matrix(layout, &size, l, NAME("in_weight"), hidden, "hidden", width, "channel", MOE_LAW_NORMAL,
               1 / sqrt((double)width));
    MOE_CHECK(size == at.in_bias);
    add_vector(layout, &size, l, NAME("in_bias"), hidden, "hidden", MOE_LAW_ZERO, 0);
    MOE_CHECK(size == at.out_weight);
    add_matrix(layout, &size, l, NAME("out_weight"), width, "channel", hidden, "hidden", MOE_LAW_NORMAL,
               1 / sqrt((double)hidden));
    MOE_CHECK(size == at.out_bias);
    add_vector(layout, &size, l, NAME("out_bias"), width, "channel", MOE_LAW_ZERO, 0);
    layout->expert_size = size;
#undef NAME
}

void moe_layout_init(struct moe_layout *layout, const struct moe_run *run, const struct moe_task *task)
{
    int layers = run->model.layers;
    memset(layout, 0, sizeof *layout);
    layout->tensor = moe_pool_new(MOE_POOL_DENSE, (size_t)(INPUT_TENSORS + layers * LAYER_TENSORS + OUTPUT_TENSORS),
                                  sizeof *layout->tensor);
    layout->layer = moe_pool_new(MOE_POOL_DENSE, (size_t)layers, sizeof *layout->layer);
    add_input(layout, run, task);
    layout->layers_start = layout->dense_size;
    for (int l = 0; l < layers; l++)
        add_layer(layout, run, task, l);
    layout->output_start = layout->dense_size;
    layout->layer_size = (layout->output_start - layout->layers_start) / layers;

    int64_t *size = &layout->dense_size, width = run->model.width;
    double scale = 1 / sqrt((double)width);
    layout->norm_gain = add_vector(layout, size, -1, "output/norm_gain", width, "channel", MOE_LAW_ONE, 0);
    layout->norm_bias = add_vector(layout, size, -1, "output/norm_bias", width, "channel", MOE_LAW_ZERO, 0);
    layout->head_weight = add_matrix(layout, size, -1, "output/weight", task->outputs, "output", width, "channel",
                                     MOE_LAW_UNIFORM, scale);
    layout->head_bias = add_vector(layout, size, -1, "output/bias", task->outputs, "output", MOE_LAW_UNIFORM, scale);
    for (int l = 0; l < layers; l++)
        add_experts(layout, run, l);
}

void moe_layout_clear(struct moe_layout *layout)
{
    moe_pool_free(layout->tensor);
    moe_pool_free(layout->layer);
    memset(layout, 0, sizeof *layout);
}

struct moe_parameter_counts moe_layout_counts(const struct moe_layout *layout, const struct moe_run *run)
{
    const int64_t layers = run->model.layers, width = run->model.width;
    struct moe_parameter_counts counts = {0};
    const struct moe_layer_at *at = layout->layer;
    counts.per_expert = layout->expert_size;
    counts.experts = layers * run->model.experts * layout->expert_size;
    counts.attention = layers * (at->norm2_gain - at->qkv_weight);
    counts.router = layers * run->model.experts * width;
    counts.embedding = layout->layers_start;
    counts.total = layout->dense_size + counts.experts;
    counts.active = layout->dense_size - counts.router + layers * run->model.top_k * layout->expert_size;
    return counts;
}

void moe_tensor_init(const struct moe_tensor *tensor, uint64_t seed, int expert, moe_real *out)
{
    struct moe_random random;
    uint64_t name = XXH3_64bits(tensor->name, strlen(tensor->name));
    for (int64_t i = 0; i < tensor->size; i++) {
        if (i % CHUNK == 0)
            moe_random_init(&random, seed, MOE_STREAM_INIT, name, (uint32_t)expert << 16 | (uint32_t)(i / CHUNK));
        switch (tensor->law) {
        case MOE_LAW_ZERO: out[i] = 0; break;
        case MOE_LAW_ONE: out[i] = 1; break;
        case MOE_LAW_NORMAL: out[i] = (moe_real)(tensor->law_scale * moe_random_normal(&random)); break;
        case MOE_LAW_UNIFORM:
            out[i] = (moe_real)(tensor->law_scale * (2 * moe_random_uniform(&random) - 1));
            break;
        }
    }
}
