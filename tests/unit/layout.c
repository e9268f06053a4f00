/* The table of tensors: numbers of parameters, names, places, initial values. */
#include "src/layout.h"

#include <math.h>

#include "tests/small.h"

static void test_quickstart(void)
{
    struct small small;
    struct moe_layout layout;
    small_open(&small, "");
    moe_config_default(&small.run);
    moe_data_free(small.data);
    struct moe_error err = {0};
    if (moe_data_open(&small.data, &small.run, &small.input, &err))
        bail("%s", err.text);
    moe_layout_init(&layout, &small.run, moe_data_task(small.data));
    const struct moe_parameter_counts counts = moe_layout_counts(&layout, &small.run);
    is_int(counts.active, 17725, "quick start: active parameters without routers");
    is_int(counts.total, 43581, "quick start: all parameters");
    is_int(counts.per_expert, 2 * 32 * 32 + 32 + 32, "quick start: parameters of an expert");
    is_int(counts.experts, 16 * counts.per_expert, "quick start: parameters of all experts");
    is_int(counts.router, 2 * 8 * 32, "quick start: parameters of the routers");
    is_int(counts.attention, 2 * (4 * (32 * 32 + 32) + 2 * 15), "quick start: parameters of attention");
    is_int(counts.embedding, 32 * 4 + 32 + 8 * 32, "quick start: parameters of the input");
    moe_layout_clear(&layout);
    small_close(&small);
}

/* Names are unique; dense tensors tile the dense vector and an expert's its block, without holes. */
static void test_tiles(const char *settings)
{
    struct small small;
    struct moe_layout layout;
    small_open(&small, settings);
    moe_layout_init(&layout, &small.run, moe_data_task(small.data));
    int64_t dense = 0, experts = 0;
    int unique = 1, tiles = 1, shapes = 1, layers = 1, routers = 0;
    for (int i = 0; i < layout.count; i++) {
        const struct moe_tensor *tensor = &layout.tensor[i];
        for (int j = 0; j < i; j++)
            unique &= strcmp(tensor->name, layout.tensor[j].name) != 0;
        int64_t *next = tensor->layer < 0 ? &dense : &experts;
        if (tensor->layer >= 0 && tensor->offset == 0)
            experts = 0;
        tiles &= tensor->offset == *next;
        *next += tensor->size;
        shapes &= tensor->size == tensor->shape[0] * (tensor->rank == 2 ? tensor->shape[1] : 1) && tensor->size > 0;
        shapes &= tensor->dims[0] && (tensor->rank == 1 || tensor->dims[1]);
        routers += tensor->is_router;
    }
    tiles &= dense == layout.dense_size && experts == layout.expert_size;
    for (int l = 0; l < small.run.model.layers; l++)
        layers &= layout.layer[l].norm1_gain == layout.layers_start + l * layout.layer_size;
    layers &= layout.layers_start + small.run.model.layers * layout.layer_size == layout.output_start;
    ok(unique, "names are unique: %s", settings);
    ok(tiles, "tensors tile the dense vector and the blocks: %s", settings);
    ok(shapes, "sizes and dimensions: %s", settings);
    ok(layers, "segments of the layers: %s", settings);
    is_int(routers, small.run.model.layers, "a router a layer: %s", settings);
    moe_layout_clear(&layout);
    small_close(&small);
}

/* Mean and deviation of a tensor's initial values lie where its law says. */
static int has_law(const struct moe_tensor *tensor, const moe_real *x)
{
    const double n = (double)tensor->size,
                 deviation = tensor->law == MOE_LAW_UNIFORM ? tensor->law_scale / sqrt(3) : tensor->law_scale;
    double sum = 0, squares = 0, largest = 0;
    for (int64_t i = 0; i < tensor->size; i++) {
        sum += (double)x[i];
        squares += (double)x[i] * (double)x[i];
        largest = fmax(largest, fabs((double)x[i]));
    }
    if (tensor->law == MOE_LAW_ZERO || tensor->law == MOE_LAW_ONE)
        return sum == (tensor->law == MOE_LAW_ONE ? n : 0) && squares == sum;
    return fabs(sum / n) < 5 * deviation / sqrt(n) && fabs(squares / n / (deviation * deviation) - 1) < 8 / sqrt(n) &&
           (tensor->law != MOE_LAW_UNIFORM || largest <= tensor->law_scale);
}

static const struct moe_tensor *find(const struct moe_layout *layout, const char *name)
{
    for (int i = 0; i < layout->count; i++)
        if (!strcmp(layout->tensor[i].name, name))
            return &layout->tensor[i];
    bail("no tensor %s", name);
    return NULL;
}

static void test_laws(void)
{
    struct small small;
    struct moe_layout layout;
    small_open(&small, "model.width=48 model.expert_width=40 model.experts=30");
    moe_layout_init(&layout, &small.run, moe_data_task(small.data));
    static const struct {
        const char *name;
        enum moe_law law;
        double scale;
        int matrix;
    } laws[] = {
        {"input/weight", MOE_LAW_UNIFORM, 0.35355339, 1},
        {"input/bias", MOE_LAW_UNIFORM, 0.35355339, 0},
        {"input/positions", MOE_LAW_NORMAL, 0.02, 0},
        {"layer-00/attention/norm_gain", MOE_LAW_ONE, 0, 0},
        {"layer-00/attention/qkv_weight", MOE_LAW_UNIFORM, 0.14433757, 1},
        {"layer-00/attention/offset_bias", MOE_LAW_NORMAL, 0.02, 0},
        {"layer-01/attention/out_weight", MOE_LAW_UNIFORM, 0.14433757, 1},
        {"layer-01/moe/norm_bias", MOE_LAW_ZERO, 0, 0},
        {"layer-01/moe/router", MOE_LAW_NORMAL, 0.14433757, 1},
        {"output/weight", MOE_LAW_UNIFORM, 0.14433757, 1},
        {"layer-00/expert/in_weight", MOE_LAW_NORMAL, 0.14433757, 1},
        {"layer-00/expert/in_bias", MOE_LAW_ZERO, 0, 0},
        {"layer-01/expert/out_weight", MOE_LAW_NORMAL, 0.15811388, 1},
        {"layer-01/expert/out_bias", MOE_LAW_ZERO, 0, 0},
    };
    moe_real *x = calloc(8192, sizeof *x), *y = calloc(8192, sizeof *y);
    for (size_t i = 0; i < sizeof laws / sizeof *laws; i++) {
        const struct moe_tensor *tensor = find(&layout, laws[i].name);
        moe_tensor_init(tensor, 7, 0, x);
        ok(tensor->law == laws[i].law && fabs(tensor->law_scale - laws[i].scale) < 1e-7 &&
               tensor->matrix == laws[i].matrix && has_law(tensor, x),
           "%s: law, scale and decay", laws[i].name);
    }
    const struct moe_tensor *tensor = find(&layout, "layer-00/expert/in_weight");
    const size_t bytes = (size_t)tensor->size * sizeof *x;
    moe_tensor_init(tensor, 7, 3, x);
    moe_tensor_init(tensor, 7, 3, y);
    ok(!memcmp(x, y, bytes), "initial values have no memory");
    moe_tensor_init(tensor, 7, 4, y);
    ok(memcmp(x, y, bytes) != 0, "another expert has others");
    moe_tensor_init(tensor, 8, 3, y);
    ok(memcmp(x, y, bytes) != 0, "another seed has others");
    moe_tensor_init(find(&layout, "layer-01/expert/in_weight"), 7, 3, y);
    ok(memcmp(x, y, bytes) != 0, "another layer has others");
    free(x);
    free(y);
    moe_layout_clear(&layout);
    small_close(&small);
}

/* A rank that owns the last experts of five has the blocks that one process has there. */
static void test_ranks(void)
{
    struct small small;
    struct moe_model whole, part;
    struct moe_exchange alone = moe_exchange_serial(), last = moe_exchange_serial();
    last.rank = 2;
    last.ranks = 3;
    small_open(&small, "");
    moe_model_init(&whole, &small.run, moe_data_task(small.data), &alone);
    moe_model_init(&part, &small.run, moe_data_task(small.data), &last);
    ok(part.placement.first == 4 && part.placement.count == 1, "the last of three ranks owns expert 4 of 5");
    const size_t bytes = (size_t)whole.layout.expert_size * sizeof(moe_real);
    for (int l = 0; l < 2; l++)
        ok(!memcmp(moe_model_expert(&part, l, 0), moe_model_expert(&whole, l, 4), bytes),
           "layer %d: its initial values do not depend on the rank", l);
    ok(!memcmp(part.dense, whole.dense, (size_t)whole.layout.dense_size * sizeof(moe_real)), "nor do the dense ones");
    moe_model_clear(&part);
    moe_model_clear(&whole);
    small_close(&small);
}

int main(void)
{
    test_quickstart();
    test_tiles("");
    test_tiles("model.positions=offset model.layers=3 model.experts=7");
    test_tiles("data.source=text train.loss=cross-entropy");
    test_tiles("data.source=idx");
    test_laws();
    test_ranks();
    return tap_done();
}
