#include "src/pass.h"

#include <string.h>

#include "src/pool.h"
#include "src/status.h"

static moe_real *reals(int64_t rows, int64_t width)
{
    return moe_pool_new(MOE_POOL_ACTIVATIONS, (size_t)(rows * width), sizeof(moe_real));
}

/* Buffers of one layer, all but those that every layer has for itself. */
static void layer_init(struct moe_layer_pass *layer, const struct moe_model *model, int64_t n,
                       struct moe_dispatch *dispatch)
{
    const struct moe_run *run = model->run;
    const int T = model->task->tokens, C = run->model.width;
    const int64_t N = n * T;
    layer->x = reals(N, C);
    layer->norm1 = reals(N, C);
    layer->stats1 = reals(N, 2);
    layer->qkv = reals(N, 3 * C);
    layer->weight = reals(n * run->model.heads * T, T);
    layer->mixed = reals(N, C);
    layer->x2 = reals(N, C);
    layer->norm2 = reals(N, C);
    layer->stats2 = reals(N, 2);
    layer->logits = reals(N, run->model.experts);
    layer->returned = reals(N * run->model.top_k, C);
    layer->dispatch = dispatch;
    moe_dispatch_init(dispatch, &model->placement, N);
}

static void layer_clear(struct moe_layer_pass *layer)
{
    moe_real *const buffers[] = {layer->x,  layer->norm1, layer->stats1, layer->qkv,    layer->weight,  layer->mixed,
                                 layer->x2, layer->norm2, layer->stats2, layer->logits, layer->returned};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        moe_pool_free(buffers[i]);
    moe_dispatch_clear(layer->dispatch);
}

/* The most sequences that this rank gets of any batch up to `capacity`, and the most in one of its shards. */
static void most_local(const struct moe_model *model, int capacity, int64_t *sequences, int64_t *in_shard)
{
    const int V = model->tree.shards, first = first_shard(model);
    *sequences = 0;
    for (int s = first; s < first + own_shards(model); s++)
        *sequences += (capacity + V - 1) / V;
    *in_shard = (capacity + V - 1) / V;
}

static void backward_init(struct moe_pass *pass, const struct moe_model *model, int64_t n, int64_t in_shard)
{
    const int T = model->task->tokens, C = model->run->model.width;
    pass->dx = reals(n * T, C);
    pass->dgate = reals(n * T, model->run->model.top_k);
    pass->dnorm = reals(in_shard * T, C);
    pass->dmixed = reals(in_shard * T, C);
    pass->dqkv = reals(in_shard * T, 3 * C);
    pass->dlogits = reals(in_shard * T, model->run->model.experts);
    pass->attention = reals(2 * T, T);
}

/* Buffers begin anew. */
static void forget_rooms(const struct moe_model *model, enum moe_purpose purpose)
{
    const size_t E = (size_t)model->run->model.experts, count = (size_t)(model->run->model.layers + 1) * E * E;
    struct moe_sent *sent = model->sent;
    sent->inits[purpose]++;
    if (!sent->room)
        return;
    memset(sent->room_now + purpose * count, 0, count * sizeof(int64_t));
    if (sent->inits[purpose] == 2) {
        memset(sent->room + purpose * count, 0, count * sizeof(int64_t));
        memset(sent->room_before + purpose * count, 0, count * sizeof(int64_t));
    }
}

void moe_pass_init(struct moe_pass *pass, const struct moe_model *model, const struct moe_data *data, int capacity,
                   enum moe_purpose purpose)
{
    const struct moe_run *run = model->run;
    const int T = model->task->tokens, C = run->model.width, L = run->model.layers, E = run->model.experts,
              K = run->model.top_k, sets = purpose == MOE_TRAINING ? L : 1;
    int64_t n, in_shard;
    memset(pass, 0, sizeof *pass);
    most_local(model, capacity, &n, &in_shard);
    const int64_t N = n * T, predicted = model->task->per_token ? N : n;
    pass->purpose = purpose;
    forget_rooms(model, purpose);
    pass->capacity = capacity;
    if (purpose == MOE_COUNTING)
        moe_batch_new_inputs(&pass->data, data, (int)n);
    else
        moe_batch_new(&pass->data, data, (int)n);
    pass->index = moe_pool_new(MOE_POOL_ACTIVATIONS, (size_t)n, sizeof *pass->index);
    pass->unit = moe_pool_new(MOE_POOL_ACTIVATIONS, (size_t)N, sizeof *pass->unit);
    pass->layer = moe_pool_new(MOE_POOL_ACTIVATIONS, (size_t)L, sizeof *pass->layer);
    pass->dispatch = moe_pool_new(MOE_POOL_ACTIVATIONS, (size_t)sets, sizeof *pass->dispatch);
    for (int l = 0; l < L; l++) {
        if (l < sets)
            layer_init(&pass->layer[l], model, n, &pass->dispatch[l]);
        else
            pass->layer[l] = pass->layer[0];
        pass->layer[l].choice = moe_pool_new(MOE_POOL_ACTIVATIONS, (size_t)(N * K), sizeof(int16_t));
        pass->layer[l].gate = reals(N, K);
        pass->layer[l].margin = reals(N, 1);
    }
    moe_wire_init(&pass->wire, &model->placement, N);
    if (model->planted)
        pass->planted = moe_pool_new(MOE_POOL_ACTIVATIONS, (size_t)(N * K), sizeof *pass->planted);
    pass->x = purpose == MOE_TRAINING ? reals(N, C) : pass->layer[0].x;
    if (purpose != MOE_COUNTING) {
        pass->norm = reals(N, C);
        pass->stats = reals(N, 2);
        pass->pooled = reals(n, C);
        pass->output = reals(predicted, model->task->outputs);
        pass->doutput = reals(predicted, model->task->outputs);
    }
    pass->expert_scratch = reals(1, E);
    const size_t width = (size_t)(SUMS + L * E);
    pass->shard_sums = moe_pool_new(MOE_POOL_REDUCE, (size_t)own_shards(model) * width, sizeof(double));
    pass->sums = moe_pool_new(MOE_POOL_REDUCE, (size_t)(model->tree.mine + moe_tree_depth(model->tree.shards)) * width,
                              sizeof(double));
    pass->counts = moe_pool_new(MOE_POOL_REDUCE, (size_t)(COUNTS + L * E), sizeof *pass->counts);
    pass->shard_load = moe_pool_new(MOE_POOL_REDUCE, (size_t)E, sizeof *pass->shard_load);
    pass->f = moe_pool_new(MOE_POOL_REDUCE, (size_t)(L * E), sizeof *pass->f);
    if (purpose == MOE_TRAINING)
        backward_init(pass, model, n, in_shard);
}

void moe_pass_clear(struct moe_pass *pass, const struct moe_model *model)
{
    const int L = model->run->model.layers, sets = pass->purpose == MOE_TRAINING ? L : 1;
    for (int l = 0; l < L; l++) {
        if (l < sets)
            layer_clear(&pass->layer[l]);
        moe_pool_free(pass->layer[l].choice);
        moe_pool_free(pass->layer[l].gate);
        moe_pool_free(pass->layer[l].margin);
    }
    if (pass->purpose == MOE_TRAINING)
        moe_pool_free(pass->x);
    void *const buffers[] = {pass->index,      pass->unit,    pass->layer,  pass->dispatch,   pass->planted,
                             pass->norm,       pass->stats,   pass->pooled, pass->output,     pass->doutput,
                             pass->expert_scratch, pass->shard_sums, pass->sums, pass->counts, pass->f,
                             pass->shard_load, pass->dx,   pass->dgate,  pass->dnorm,      pass->dmixed, pass->dqkv,
                             pass->dlogits,    pass->attention};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        moe_pool_free(buffers[i]);
    moe_wire_clear(&pass->wire);
    moe_batch_free(&pass->data);
    memset(pass, 0, sizeof *pass);
}

void moe_gradients_init(struct moe_gradients *gradients, const struct moe_model *model)
{
    const struct moe_layout *layout = &model->layout;
    int64_t segment = layout->layer_size, sides[] = {layout->layers_start, layout->dense_size - layout->output_start};
    for (int i = 0; i < 2; i++)
        segment = sides[i] > segment ? sides[i] : segment;
    gradients->dense =
        moe_pool_new(MOE_POOL_GRADIENTS, (size_t)(model->tree.mine * layout->dense_size), sizeof(moe_real));
    gradients->experts = moe_pool_new(
        MOE_POOL_GRADIENTS, (size_t)(model->run->model.layers * model->placement.count * layout->expert_size),
        sizeof(moe_real));
    gradients->scratch = moe_pool_new(MOE_POOL_GRADIENTS,
                                      (size_t)(moe_tree_depth(model->tree.shards) * segment), sizeof(moe_real));
}

void moe_gradients_clear(struct moe_gradients *gradients)
{
    moe_pool_free(gradients->dense);
    moe_pool_free(gradients->experts);
    moe_pool_free(gradients->scratch);
    memset(gradients, 0, sizeof *gradients);
}

void moe_pass_begin(struct moe_pass *pass, const struct moe_model *model, enum moe_split split, int batch)
{
    const int V = model->tree.shards, T = model->task->tokens, first = first_shard(model),
              end = first + own_shards(model), per_unit = V / model->run->parallel.units;
    MOE_CHECK(batch >= 1 && batch <= pass->capacity);
    pass->split = split;
    pass->batch = batch;
    pass->first = (int)moe_share_first(batch, V, first);
    pass->sequences = (int)moe_share_first(batch, V, end) - pass->first;
    pass->tokens = (int64_t)pass->sequences * T;
    for (int shard = first; shard < end; shard++) {
        struct span span = span_of(model, pass, shard);
        for (int64_t i = span.row; i < span.row + span.rows; i++)
            pass->unit[i] = shard / per_unit;
    }
}

void moe_pass_fetch(struct moe_pass *pass, const struct moe_data *data)
{
    for (int s = 0; s < pass->sequences; s++)
        moe_data_fetch(data, pass->split, pass->index[s], &pass->data, s);
}
