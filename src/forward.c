#include <math.h>
#include <string.h>

#include "src/attention.h"
#include "src/kernels.h"
#include "src/loss.h"
#include "src/matmul.h"
#include "src/model.h"
#include "src/pass.h"
#include "src/router.h"

/* Tokens become vectors: a linear map or a table row, plus the position. */
static void embed(const struct moe_model *model, struct moe_pass *pass, struct span span)
{
    const struct moe_layout *at = &model->layout;
    const int C = model->run->model.width, T = model->task->tokens, D = model->task->features;
    const moe_real *weight = model->dense + at->input_weight;
    moe_real *x = pass->layer[0].x + span.row * C;
    if (D) {
        moe_rows_fill(x, model->dense + at->input_bias, span.rows, C);
        moe_matmul(x, C, (int)span.rows, C, D, 1, moe_plain(pass->data.x + span.row * D, D), moe_transposed(weight, D),
                   1);
    } else {
        for (int64_t i = 0; i < span.rows; i++)
            memcpy(x + i * C, weight + (int64_t)pass->data.symbol[span.row + i] * C, (size_t)C * sizeof *x);
    }
    if (at->positions >= 0)
        for (int s = 0; s < span.sequences; s++)
            moe_add(x + (int64_t)s * T * C, model->dense + at->positions, (int64_t)T * C);
}

/* x2 = x + attention(norm(x)). */
static void attend(const struct moe_model *model, struct moe_layer_pass *layer, const struct moe_layer_at *at,
                   struct span span)
{
    const int C = model->run->model.width, H = model->run->model.heads, T = model->task->tokens, n = (int)span.rows;
    const struct moe_attention shape = {span.sequences, T, C, H, model->run->model.mask == MOE_CAUSAL};
    const moe_real *dense = model->dense;
    const int64_t row = span.row * C;
    moe_real *qkv = layer->qkv + 3 * row, *weight = layer->weight + (int64_t)span.sequence * H * T * T;
    moe_norm(layer->norm1 + row, layer->stats1 + 2 * span.row, layer->x + row, dense + at->norm1_gain,
             dense + at->norm1_bias, n, C);
    moe_rows_fill(qkv, dense + at->qkv_bias, n, 3 * C);
    moe_matmul(qkv, 3 * C, n, 3 * C, C, 1, moe_plain(layer->norm1 + row, C), moe_transposed(dense + at->qkv_weight, C),
               1);
    moe_attention_forward(&shape, layer->mixed + row, weight, qkv, dense + at->offset_bias);
    moe_rows_fill(layer->x2 + row, dense + at->out_bias, n, C);
    moe_matmul(layer->x2 + row, C, n, C, C, 1, moe_plain(layer->mixed + row, C),
               moe_transposed(dense + at->out_weight, C), 1);
    moe_add(layer->x2 + row, layer->x + row, (int64_t)n * C);
}

/* Norm, logits and choices of one shard. */
static void route(const struct moe_model *model, struct moe_pass *pass, int l, int shard, struct span span)
{
    struct moe_layer_pass *layer = &pass->layer[l];
    const struct moe_layer_at *at = &model->layout.layer[l];
    const int C = model->run->model.width, E = model->run->model.experts, K = model->run->model.top_k,
              T = model->task->tokens, n = (int)span.rows;
    const struct moe_routing routing = {E, K, model->run->model.gate};
    const int64_t row = span.row * C;
    const int16_t *planted = NULL;
    moe_norm(layer->norm2 + row, layer->stats2 + 2 * span.row, layer->x2 + row, model->dense + at->norm2_gain,
             model->dense + at->norm2_bias, n, C);
    moe_matmul(layer->logits + span.row * E, E, n, E, C, 1, moe_plain(layer->norm2 + row, C),
               moe_transposed(model->dense + at->router, C), 0);
    if (model->planted) {
        for (int i = 0; i < n; i++)
            moe_planted_draw(model->planted, pass->split, pass->index[span.sequence + i / T], i % T, l,
                             pass->planted + (span.row + i) * K);
        planted = pass->planted + span.row * K;
    }
    double *sums = pass->shard_sums + (int64_t)(shard - first_shard(model)) * (SUMS + model->run->model.layers * E);
    memset(pass->shard_load, 0, (size_t)E * sizeof *pass->shard_load);
    moe_route(&routing, layer->choice + span.row * K, layer->gate + span.row * K, layer->margin + span.row,
              pass->shard_load, sums + SUMS + l * E, layer->logits + span.row * E, n, planted, pass->expert_scratch);
    const int64_t own = (int64_t)(pass->purpose * own_shards(model) + shard - first_shard(model)) * E;
    for (int e = 0; e < E; e++) {
        pass->counts[COUNTS + l * E + e] += pass->shard_load[e];
        model->sent->rows[own + e] += pass->shard_load[e];
        model->sent->messages[own + e] += pass->shard_load[e] > 0;
    }
}

/* x_next = x2 + the K gated results, in the order of choice. */
static void combine(const struct moe_model *model, const struct moe_pass *pass, int l, moe_real *x_next)
{
    const struct moe_layer_pass *layer = &pass->layer[l];
    const int C = model->run->model.width, K = model->run->model.top_k;
    for (int64_t i = 0; i < pass->tokens; i++) {
        memcpy(x_next + i * C, layer->x2 + i * C, (size_t)C * sizeof *x_next);
        for (int k = 0; k < K; k++)
            moe_add_scaled(x_next + i * C, layer->gate[i * K + k],
                           layer->returned + (int64_t)layer->dispatch->slot[i * K + k] * C, C);
    }
}

/* Final norm, mean over tokens where one prediction is asked for, linear head. */
static void predict(const struct moe_model *model, struct moe_pass *pass, struct span span)
{
    const struct moe_layout *at = &model->layout;
    const int C = model->run->model.width, T = model->task->tokens, O = model->task->outputs;
    const int64_t rows = predictions(model, span), first = model->task->per_token ? span.row : span.sequence;
    const moe_real *in = pass->norm + span.row * C;
    moe_norm(pass->norm + span.row * C, pass->stats + 2 * span.row, pass->x + span.row * C,
             model->dense + at->norm_gain, model->dense + at->norm_bias, span.rows, C);
    if (!model->task->per_token) {
        in = pass->pooled + (int64_t)span.sequence * C;
        for (int s = span.sequence; s < span.sequence + span.sequences; s++) {
            moe_real *mean = pass->pooled + (int64_t)s * C;
            memset(mean, 0, (size_t)C * sizeof *mean);
            moe_rows_add(mean, pass->norm + (int64_t)s * T * C, T, C);
            moe_scale(mean, (moe_real)1 / (moe_real)T, mean, C);
        }
    }
    moe_rows_fill(pass->output + first * O, model->dense + at->head_bias, rows, O);
    moe_matmul(pass->output + first * O, O, (int)rows, O, C, 1, moe_plain(in, C),
               moe_transposed(model->dense + at->head_weight, C), 1);
}

/* Loss sums, hits and the gradient by output of one shard. */
static void judge(const struct moe_model *model, struct moe_pass *pass, int shard, struct span span)
{
    const int O = model->task->outputs;
    const struct moe_batch *data = &pass->data;
    const int64_t rows = predictions(model, span), first = model->task->per_token ? span.row : span.sequence;
    double *sums = pass->shard_sums +
                   (int64_t)(shard - first_shard(model)) *
                       (SUMS + model->run->model.layers * model->run->model.experts);
    const moe_real *output = pass->output + first * O;
    const int32_t *target = data->target ? data->target : data->label;
    const double scale = loss_scale(model, pass);
    moe_real *doutput = pass->doutput + first * O;
    sums[SUM_LOSS] = data->target
                         ? moe_loss_cross_entropy(doutput, output, data->target + first, rows, O, scale)
                         : moe_loss_squared(doutput, output, data->y + first * O, rows, O, scale);
    if (target)
        pass->counts[COUNT_CORRECT] += moe_count_correct(output, target + first, rows, O);
    if (data->clean)
        for (int64_t i = 0; i < rows; i++) {
            double clean = data->clean[first + i], miss = (double)output[i] - clean,
                   noise = (double)data->y[first + i] - clean;
            sums[SUM_CLEAN] += miss * miss;
            sums[SUM_NOISE] += noise * noise;
        }
}

struct sums_context {
    const double *shard_sums;
    int first, width;
};

static void copy_sums(void *context, int shard, double *out)
{
    const struct sums_context *c = context;
    memcpy(out, c->shard_sums + (int64_t)(shard - c->first) * c->width, (size_t)c->width * sizeof *out);
}

void moe_shards_total(const struct moe_model *model, double *sums, const double *shard_sums, int width)
{
    const struct moe_tree *tree = &model->tree;
    struct sums_context context = {shard_sums, first_shard(model), width};
    double *scratch = sums + (int64_t)tree->mine * width;
    for (int i = 0; i < tree->mine; i++) {
        struct moe_node node = tree->node[tree->start[tree->rank] + i];
        moe_tree_fold_double(node.first, node.size, copy_sums, &context, width, sums + (int64_t)i * width, scratch);
    }
    model->ex->fold_double(model->ex, tree, sums, width, sums);
}

static struct moe_totals totals(const struct moe_model *model, struct moe_pass *pass)
{
    const int L = model->run->model.layers, E = model->run->model.experts;
    const double tokens = (double)pass->batch * model->task->tokens, scale = loss_scale(model, pass);
    struct moe_totals result = {.loss = pass->sums[SUM_LOSS] * scale,
                                .clean = NAN,
                                .noise = NAN,
                                .correct = NAN,
                                .load = pass->counts + COUNTS};
    for (int i = 0; i < L * E; i++) {
        pass->f[i] = (double)result.load[i] / (tokens * model->run->model.top_k);
        result.balance += pass->f[i] * pass->sums[SUMS + i] / tokens;
    }
    result.balance *= (double)E / L;
    if (pass->data.clean) {
        result.clean = pass->sums[SUM_CLEAN] / pass->batch;
        result.noise = pass->sums[SUM_NOISE] / pass->batch;
    }
    if (pass->data.target || pass->data.label)
        result.correct = (double)pass->counts[COUNT_CORRECT] * scale;
    return result;
}

/* Lets a buffer grow as moe_pool_grow does. */
static void make_room(struct moe_sent *sent, int64_t at, int64_t rows)
{
    const int64_t now = sent->room_now[at], more = now + now / 2;
    if (rows <= now)
        return;
    sent->room_now[at] = rows > more ? rows : more;
    if (sent->room_now[at] > sent->room[at]) {
        sent->room[at] = sent->room_now[at];
        sent->room_before[at] = now;
    }
}

/* What the buffers of any rank would have grown to: a rank owns a range of experts. */
static void note_rooms(struct moe_sent *sent, const struct moe_pass *pass, int L, int E)
{
    const int64_t ranges = (int64_t)E * E;
    const int64_t own = pass->purpose * (L + 1) * ranges;
    for (int l = 0; l < L; l++)
        for (int first = 0; first < E; first++) {
            int64_t rows = 0;
            for (int last = first; last < E; last++) {
                rows += pass->counts[COUNTS + l * E + last];
                make_room(sent, own + l * ranges + first * E + last, rows);
                make_room(sent, own + L * ranges + first * E + last, rows);
            }
        }
}

/* Rows that experts got in all passes of the purpose, the first, and the one that had most. */
static void note_loads(struct moe_sent *sent, const struct moe_pass *pass, int L, int E)
{
    const int loads = L * E;
    int64_t *first = sent->first + pass->purpose * loads, *most = sent->most + pass->purpose * loads;
    const int64_t *load = pass->counts + COUNTS;
    for (int i = 0; i < loads; i++) {
        if (sent->passes[pass->purpose] == 0)
            first[i] = load[i];
        most[i] = load[i] > most[i] ? load[i] : most[i];
        sent->all[pass->purpose * loads + i] += load[i];
    }
    if (sent->room)
        note_rooms(sent, pass, L, E);
    sent->passes[pass->purpose]++;
}

struct moe_totals moe_model_forward(const struct moe_model *model, struct moe_pass *pass)
{
    const int L = model->run->model.layers, E = model->run->model.experts, first = first_shard(model),
              end = first + own_shards(model);
    memset(pass->shard_sums, 0, (size_t)own_shards(model) * (size_t)(SUMS + L * E) * sizeof *pass->shard_sums);
    memset(pass->counts, 0, (size_t)(COUNTS + L * E) * sizeof *pass->counts);
    for (int shard = first; shard < end; shard++)
        embed(model, pass, span_of(model, pass, shard));
    for (int l = 0; l < L; l++) {
        struct moe_layer_pass *layer = &pass->layer[l];
        for (int shard = first; shard < end; shard++) {
            struct span span = span_of(model, pass, shard);
            attend(model, layer, &model->layout.layer[l], span);
            route(model, pass, l, shard, span);
        }
        moe_experts_forward(&model->placement, layer->dispatch, &pass->wire, layer->returned, layer->norm2,
                            layer->choice, pass->unit, pass->tokens, moe_model_expert(model, l, 0));
        combine(model, pass, l, l + 1 < L ? pass->layer[l + 1].x : pass->x);
    }
    for (int shard = first; shard < end && pass->purpose != MOE_COUNTING; shard++) {
        struct span span = span_of(model, pass, shard);
        predict(model, pass, span);
        judge(model, pass, shard, span);
    }
    moe_shards_total(model, pass->sums, pass->shard_sums, SUMS + L * E);
    model->ex->sum(model->ex, pass->counts, COUNTS + L * E);
    note_loads(model->sent, pass, L, E);
    return totals(model, pass);
}
