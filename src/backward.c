#include <string.h>

#include "src/attention.h"
#include "src/kernels.h"
#include "src/matmul.h"
#include "src/model.h"
#include "src/pass.h"
#include "src/router.h"

/* What the leaves of a fold over shards need. */
struct context {
    const struct moe_model *model;
    struct moe_pass *pass;
    int l;
};

/* Folds one segment of the dense gradient over the rank's shards, into every tree node. Each shard is visited once. */
static void fold_segment(struct context *context, struct moe_gradients *gradients, moe_leaf *leaf, int64_t start,
                         int64_t end)
{
    const struct moe_tree *tree = &context->model->tree;
    for (int i = 0; i < tree->mine; i++) {
        struct moe_node node = tree->node[tree->start[tree->rank] + i];
        moe_tree_fold(node.first, node.size, leaf, context, end - start,
                      gradients->dense + i * context->model->layout.dense_size + start, gradients->scratch);
    }
}

/* Gradient of a linear map y = x w^T + b on n rows: dw, db added to; dx = dy w unless null. */
static void linear_backward(moe_real *dx, moe_real *dw, moe_real *db, const moe_real *dy, const moe_real *x,
                            const moe_real *w, int n, int in, int out)
{
    moe_matmul(dw, in, out, in, n, 1, moe_transposed(dy, out), moe_plain(x, in), 1);
    if (db)
        moe_rows_add(db, dy, n, out);
    if (dx)
        moe_matmul(dx, in, n, in, out, 1, moe_plain(dy, out), moe_plain(w, in), 0);
}

/* One shard's gradient of the output segment; starts dx of its rows. */
static void output_leaf(void *arg, int shard, moe_real *out)
{
    struct context *c = arg;
    const struct moe_model *model = c->model;
    struct moe_pass *pass = c->pass;
    const struct moe_layout *at = &model->layout;
    const struct span span = span_of(model, pass, shard);
    const int C = model->run->model.width, T = model->task->tokens, O = model->task->outputs;
    const int64_t start = at->output_start, rows = predictions(model, span),
                  first = model->task->per_token ? span.row : span.sequence;
    const moe_real *in = model->task->per_token ? pass->norm : pass->pooled;
    moe_real *dnorm = pass->dnorm;
    memset(out, 0, (size_t)(at->dense_size - start) * sizeof *out);
    linear_backward(model->task->per_token ? dnorm : pass->dmixed, out + at->head_weight - start,
                    out + at->head_bias - start, pass->doutput + first * O, in + first * C,
                    model->dense + at->head_weight, (int)rows, C, O);
    if (!model->task->per_token)
        for (int64_t i = 0; i < span.rows; i++)
            moe_scale(dnorm + i * C, (moe_real)1 / (moe_real)T, pass->dmixed + i / T * C, C);
    memset(pass->dx + span.row * C, 0, (size_t)(span.rows * C) * sizeof *pass->dx);
    moe_norm_backward(pass->dx + span.row * C, out + at->norm_gain - start, out + at->norm_bias - start, dnorm,
                      pass->x + span.row * C, pass->stats + 2 * span.row, model->dense + at->norm_gain, span.rows, C);
}

/* Gradients of gates and of returned rows, the latter in place of the rows. */
static void combine_backward(const struct moe_model *model, struct moe_pass *pass, struct moe_layer_pass *layer)
{
    const int C = model->run->model.width, K = model->run->model.top_k;
    for (int64_t i = 0; i < pass->tokens; i++)
        for (int k = 0; k < K; k++) {
            moe_real *row = layer->returned + (int64_t)layer->dispatch->slot[i * K + k] * C;
            pass->dgate[i * K + k] = moe_dot(pass->dx + i * C, row, C);
            moe_scale(row, layer->gate[i * K + k], pass->dx + i * C, C);
        }
}

/* Through the router and the norm before it: adds to dx. out is the layer's segment. */
static void route_backward(const struct context *c, const struct span span, moe_real *out)
{
    const struct moe_model *model = c->model;
    struct moe_pass *pass = c->pass;
    const struct moe_layer_pass *layer = &pass->layer[c->l];
    const struct moe_layer_at *at = &model->layout.layer[c->l];
    const struct moe_run *run = model->run;
    const int C = run->model.width, E = run->model.experts, K = run->model.top_k, n = (int)span.rows;
    const struct moe_routing routing = {E, K, run->model.gate};
    const int64_t start = at->norm1_gain, row = span.row * C;
    const double balance = run->model.balance == MOE_SWITCH ? run->model.balance_weight / run->model.layers : 0;
    moe_route_backward(&routing, pass->dlogits, pass->dgate + span.row * K, layer->gate + span.row * K,
                       layer->choice + span.row * K, layer->logits + span.row * E, n, pass->f + c->l * E, balance,
                       (int64_t)pass->batch * model->task->tokens, pass->expert_scratch);
    linear_backward(pass->dnorm, out + at->router - start, NULL, pass->dlogits, layer->norm2 + row,
                    model->dense + at->router, n, C, E);
    for (int64_t i = 0; i < span.rows; i++)
        for (int k = 0; k < K; k++)
            moe_add(pass->dnorm + i * C, layer->returned + (int64_t)layer->dispatch->slot[(span.row + i) * K + k] * C,
                    C);
    moe_norm_backward(pass->dx + row, out + at->norm2_gain - start, out + at->norm2_bias - start, pass->dnorm,
                      layer->x2 + row, layer->stats2 + 2 * span.row, model->dense + at->norm2_gain, n, C);
}

/* Through attention and the norm before it: adds to dx. */
static void attend_backward(const struct context *c, const struct span span, moe_real *out)
{
    const struct moe_model *model = c->model;
    struct moe_pass *pass = c->pass;
    const struct moe_layer_pass *layer = &pass->layer[c->l];
    const struct moe_layer_at *at = &model->layout.layer[c->l];
    const int C = model->run->model.width, H = model->run->model.heads, T = model->task->tokens, n = (int)span.rows;
    const struct moe_attention shape = {span.sequences, T, C, H, model->run->model.mask == MOE_CAUSAL};
    const int64_t start = at->norm1_gain, row = span.row * C;
    linear_backward(pass->dmixed, out + at->out_weight - start, out + at->out_bias - start, pass->dx + row,
                    layer->mixed + row, model->dense + at->out_weight, n, C, C);
    moe_attention_backward(&shape, pass->dqkv, out + at->offset_bias - start, pass->dmixed,
                           layer->weight + (int64_t)span.sequence * H * T * T, layer->qkv + 3 * row, pass->attention);
    linear_backward(pass->dnorm, out + at->qkv_weight - start, out + at->qkv_bias - start, pass->dqkv,
                    layer->norm1 + row, model->dense + at->qkv_weight, n, C, 3 * C);
    moe_norm_backward(pass->dx + row, out + at->norm1_gain - start, out + at->norm1_bias - start, pass->dnorm,
                      layer->x + row, layer->stats1 + 2 * span.row, model->dense + at->norm1_gain, n, C);
}

/* One shard's gradient of a layer's segment; dx goes from the layer's output to its input. */
static void layer_leaf(void *arg, int shard, moe_real *out)
{
    struct context *c = arg;
    const struct span span = span_of(c->model, c->pass, shard);
    memset(out, 0, (size_t)c->model->layout.layer_size * sizeof *out);
    route_backward(c, span, out);
    attend_backward(c, span, out);
}

/* One shard's gradient of the input segment. */
static void input_leaf(void *arg, int shard, moe_real *out)
{
    struct context *c = arg;
    const struct moe_model *model = c->model;
    const struct moe_batch *data = &c->pass->data;
    const struct moe_layout *at = &model->layout;
    const struct span span = span_of(model, c->pass, shard);
    const int C = model->run->model.width, T = model->task->tokens, D = model->task->features;
    const moe_real *dx = c->pass->dx + span.row * C;
    memset(out, 0, (size_t)at->layers_start * sizeof *out);
    if (D)
        linear_backward(NULL, out + at->input_weight, out + at->input_bias, dx, data->x + span.row * D, NULL,
                        (int)span.rows, D, C);
    else
        for (int64_t i = 0; i < span.rows; i++)
            moe_add(out + at->input_weight + (int64_t)data->symbol[span.row + i] * C, dx + i * C, C);
    if (at->positions >= 0)
        for (int s = 0; s < span.sequences; s++)
            moe_add(out + at->positions, dx + (int64_t)s * T * C, (int64_t)T * C);
}

void moe_model_backward(const struct moe_model *model, struct moe_pass *pass, struct moe_gradients *gradients)
{
    const struct moe_layout *at = &model->layout;
    struct context context = {model, pass, 0};
    fold_segment(&context, gradients, output_leaf, at->output_start, at->dense_size);
    for (int l = model->run->model.layers - 1; l >= 0; l--) {
        struct moe_layer_pass *layer = &pass->layer[l];
        int64_t start = at->layer[l].norm1_gain;
        context.l = l;
        combine_backward(model, pass, layer);
        moe_experts_backward(&model->placement, layer->dispatch, &pass->wire, layer->returned,
                             gradients->experts + (int64_t)l * model->placement.count * at->expert_size,
                             moe_model_expert(model, l, 0));
        fold_segment(&context, gradients, layer_leaf, start, start + at->layer_size);
    }
    fold_segment(&context, gradients, input_leaf, 0, at->layers_start);
    model->ex->fold(model->ex, &model->tree, gradients->dense, at->dense_size, gradients->dense);
}
