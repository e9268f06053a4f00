#include "src/snapshot.h"

#include <math.h>
#include <string.h>

#include "src/matmul.h"
#include "src/pass.h"
#include "src/pool.h"

/* Buffers that live for one snapshot. */
struct work {
    const struct moe_model *model;
    struct moe_snapshot *snapshot;
    struct moe_pass pass;
    moe_real *block;      /* [MOE_PAIRS_BLOCK, L E] 0/1 */
    moe_real *product;    /* [L E, L E], or [E, 2 E] */
    double *shard_energy; /* [own shards, L E] */
    double *energy;       /* [own nodes + depth, L E] */
    int16_t *choices;     /* [T, L, K] of one sequence */
};

int moe_margin_bin(double margin)
{
    if (!(margin >= 1e-7))
        return 0;
    return margin < 100 ? 1 + (int)floor(4 * (log10(margin) + 7)) : MOE_MARGIN_BINS - 1;
}

double moe_margin_edge(int bin)
{
    if (bin == 0)
        return 0;
    return bin < MOE_MARGIN_BINS ? pow(10, (bin - 1) / 4.0 - 7) : INFINITY;
}

struct moe_census_shape moe_census_shape_of(const struct moe_run *run)
{
    return (struct moe_census_shape){.tokens = run->data.tokens,
                                     .layers = run->model.layers,
                                     .experts = run->model.experts,
                                     .top_k = run->model.top_k,
                                     .sequences = run->census.sequences,
                                     .first = run->census.first,
                                     .batch = run->census.batch,
                                     .seed = run->data.seed,
                                     .keep_keys = run->census.keep_keys};
}

static int is_wide(const struct moe_census_shape *shape)
{
    return shape->layers * shape->experts > MOE_COACTIVATION_MAX;
}

int64_t moe_kept_choices(const struct moe_run *run)
{
    return run->census.keep_choices < run->census.sequences ? run->census.keep_choices : run->census.sequences;
}

void moe_snapshot_init(struct moe_snapshot *snapshot, const struct moe_run *run, const struct moe_task *task)
{
    const size_t L = (size_t)run->model.layers, E = (size_t)run->model.experts;
    memset(snapshot, 0, sizeof *snapshot);
    snapshot->split = MOE_SPLIT_CENSUS;
    snapshot->shape = moe_census_shape_of(run);
    snapshot->labels = task->labels;
    snapshot->load = moe_pool_new(MOE_POOL_CENSUS, L * E, sizeof(int64_t));
    if (snapshot->labels)
        snapshot->load_by_label = moe_pool_new(MOE_POOL_CENSUS, L * E * (size_t)snapshot->labels, sizeof(int64_t));
    snapshot->gate_energy = moe_pool_new(MOE_POOL_CENSUS, L * E, sizeof(double));
    snapshot->coactivation = moe_pool_new(
        MOE_POOL_CENSUS, is_wide(&snapshot->shape) ? 2 * L * E * E : L * E * L * E, sizeof(int64_t));
    snapshot->margin = moe_pool_new(MOE_POOL_CENSUS, L * MOE_MARGIN_BINS, sizeof(int64_t));
}

/* Room for what this rank itself counts and keeps. */
static void make_counters(struct moe_snapshot *snapshot, const struct moe_model *model)
{
    const struct moe_run *run = model->run;
    const int64_t batch = run->census.batch < run->census.sequences ? run->census.batch : run->census.sequences;
    const int64_t batches = (moe_kept_choices(run) + batch - 1) / batch;
    const int64_t local = batches * ((batch + model->tree.shards - 1) / model->tree.shards) * own_shards(model);
    const int64_t sites = (int64_t)model->task->tokens * run->model.layers * run->model.top_k;
    snapshot->counter = moe_counter_new(&snapshot->shape);
    snapshot->choices = moe_pool_new(MOE_POOL_CENSUS, (size_t)(local * sites), sizeof *snapshot->choices);
    snapshot->slab = moe_pool_new(MOE_POOL_CENSUS, (size_t)batches, sizeof *snapshot->slab);
}

void moe_snapshot_clear(struct moe_snapshot *snapshot)
{
    moe_pool_free(snapshot->load);
    moe_pool_free(snapshot->load_by_label);
    moe_pool_free(snapshot->gate_energy);
    moe_pool_free(snapshot->coactivation);
    moe_pool_free(snapshot->margin);
    moe_pool_free(snapshot->choices);
    moe_pool_free(snapshot->slab);
    if (snapshot->counter)
        moe_counter_free(snapshot->counter);
    memset(snapshot, 0, sizeof *snapshot);
}

/* Patterns and kept choices of one batch; `done` sequences were counted before it. */
static void count_sequences(struct work *work, int64_t done)
{
    struct moe_snapshot *snapshot = work->snapshot;
    const struct moe_pass *pass = &work->pass;
    const int T = snapshot->shape.tokens, L = snapshot->shape.layers, K = snapshot->shape.top_k;
    const int64_t keep = work->model->run->census.keep_choices, sites = (int64_t)T * L * K;
    for (int s = 0; s < pass->sequences; s++) {
        for (int t = 0; t < T; t++)
            for (int l = 0; l < L; l++)
                memcpy(work->choices + (t * L + l) * K, pass->layer[l].choice + ((int64_t)s * T + t) * K,
                       (size_t)K * sizeof *work->choices);
        moe_counter_add(snapshot->counter, pass->index[s], work->choices);
        if (done + pass->first + s >= keep)
            continue;
        if (s == 0)
            snapshot->slab[snapshot->slabs++] = (struct moe_slab){done + pass->first, 0};
        snapshot->slab[snapshot->slabs - 1].count++;
        memcpy(snapshot->choices + snapshot->kept++ * sites, work->choices, (size_t)sites * sizeof *work->choices);
    }
}

/* Loads by label, squared gates and margins of one batch. */
static void count_tokens(struct work *work)
{
    struct moe_snapshot *snapshot = work->snapshot;
    const struct moe_model *model = work->model;
    const struct moe_pass *pass = &work->pass;
    const int T = snapshot->shape.tokens, L = snapshot->shape.layers, E = snapshot->shape.experts,
              K = snapshot->shape.top_k, first = first_shard(model);
    memset(work->shard_energy, 0, (size_t)own_shards(model) * (size_t)(L * E) * sizeof(double));
    for (int l = 0; l < L; l++)
        for (int shard = first; shard < first + own_shards(model); shard++) {
            const struct moe_layer_pass *layer = &pass->layer[l];
            const struct span span = span_of(model, pass, shard);
            double *energy = work->shard_energy + ((int64_t)(shard - first) * L + l) * E;
            for (int64_t i = span.row; i < span.row + span.rows; i++) {
                if (!isnan((double)layer->margin[i]))
                    snapshot->margin[l * MOE_MARGIN_BINS + moe_margin_bin((double)layer->margin[i])]++;
                for (int k = 0; k < K; k++) {
                    const int e = layer->choice[i * K + k];
                    const double gate = (double)layer->gate[i * K + k];
                    energy[e] += gate * gate;
                    if (snapshot->labels) {
                        int label = pass->data.label[model->task->per_token ? i : i / T];
                        snapshot->load_by_label[((int64_t)l * E + e) * snapshot->labels + label]++;
                    }
                }
            }
        }
    moe_shards_total(model, work->energy, work->shard_energy, L * E);
    for (int i = 0; i < L * E; i++) {
        snapshot->gate_energy[i] += work->energy[i];
        snapshot->load[i] += pass->counts[COUNTS + i];
    }
}

/* counts [m, n] at stride += the pairs that two groups of columns of the block share in its first `rows` rows. */
static void add_pairs(struct work *work, int64_t *counts, int64_t stride, int rows, int left, int m, int right, int n)
{
    const int width = work->snapshot->shape.layers * work->snapshot->shape.experts;
    moe_matmul(work->product, n, m, n, rows, 1, moe_transposed(work->block + left, width),
               moe_plain(work->block + right, width), 0);
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++)
            counts[i * stride + j] += (int64_t)work->product[(int64_t)i * n + j];
}

/* Pairs of experts that served the same token, by products of 0/1 blocks. */
static void count_pairs(struct work *work)
{
    struct moe_snapshot *snapshot = work->snapshot;
    const struct moe_pass *pass = &work->pass;
    const int L = snapshot->shape.layers, E = snapshot->shape.experts, K = snapshot->shape.top_k, width = L * E;
    for (int64_t start = 0; start < pass->tokens; start += MOE_PAIRS_BLOCK) {
        int rows = (int)(pass->tokens - start < MOE_PAIRS_BLOCK ? pass->tokens - start : MOE_PAIRS_BLOCK);
        memset(work->block, 0, (size_t)rows * (size_t)width * sizeof *work->block);
        for (int i = 0; i < rows; i++)
            for (int l = 0; l < L; l++)
                for (int k = 0; k < K; k++)
                    work->block[(int64_t)i * width + l * E + pass->layer[l].choice[(start + i) * K + k]] = 1;
        if (!is_wide(&snapshot->shape)) {
            add_pairs(work, snapshot->coactivation, width, rows, 0, width, 0, width);
            continue;
        }
        for (int l = 0; l < L; l++) {
            int64_t *pairs = snapshot->coactivation + (int64_t)l * 2 * E * E;
            add_pairs(work, pairs, E, rows, l * E, E, l * E, E);
            if (l + 1 < L)
                add_pairs(work, pairs + (int64_t)E * E, E, rows, l * E, E, (l + 1) * E, E);
        }
    }
}

static void work_init(struct work *work, const struct moe_data *data)
{
    const struct moe_model *model = work->model;
    const struct moe_run *run = model->run;
    const size_t width = (size_t)(run->model.layers * run->model.experts);
    const size_t product = is_wide(&work->snapshot->shape) ? (size_t)run->model.experts : width;
    int64_t batch = run->census.batch < run->census.sequences ? run->census.batch : run->census.sequences;
    moe_pass_init(&work->pass, model, data, (int)batch, MOE_COUNTING);
    work->block = moe_pool_new(MOE_POOL_CENSUS, MOE_PAIRS_BLOCK * width, sizeof(moe_real));
    work->product = moe_pool_new(MOE_POOL_CENSUS, product * product, sizeof(moe_real));
    work->shard_energy = moe_pool_new(MOE_POOL_CENSUS, (size_t)own_shards(model) * width, sizeof(double));
    work->energy = moe_pool_new(MOE_POOL_CENSUS,
                                (size_t)(model->tree.mine + moe_tree_depth(model->tree.shards)) * width,
                                sizeof(double));
    work->choices = moe_pool_new(MOE_POOL_CENSUS,
                                 (size_t)model->task->tokens * (size_t)(run->model.layers * run->model.top_k),
                                 sizeof *work->choices);
}

static void work_clear(struct work *work)
{
    moe_pass_clear(&work->pass, work->model);
    moe_pool_free(work->block);
    moe_pool_free(work->product);
    moe_pool_free(work->shard_energy);
    moe_pool_free(work->energy);
    moe_pool_free(work->choices);
}

/* Counts that every rank made of its own tokens become those of all. */
static void sum_ranks(const struct moe_model *model, struct moe_snapshot *snapshot)
{
    const int64_t L = snapshot->shape.layers, E = snapshot->shape.experts;
    struct moe_exchange *ex = model->ex;
    ex->sum(ex, snapshot->coactivation, is_wide(&snapshot->shape) ? 2 * L * E * E : L * E * L * E);
    ex->sum(ex, snapshot->margin, L * MOE_MARGIN_BINS);
    if (snapshot->labels)
        ex->sum(ex, snapshot->load_by_label, L * E * snapshot->labels);
}

enum moe_status moe_snapshot_count(struct moe_snapshot *snapshot, const struct moe_model *model,
                                   const struct moe_data *data,
                                   enum moe_status (*between)(void *context, struct moe_snapshot *snapshot,
                                                              int64_t sequences, struct moe_error *err),
                                   void *context, struct moe_error *err)
{
    struct work work = {.model = model, .snapshot = snapshot};
    moe_snapshot_init(snapshot, model->run, model->task);
    make_counters(snapshot, model);
    work_init(&work, data);
    const int64_t sequences = snapshot->shape.sequences;
    for (int64_t done = 0; done < sequences && err->code == MOE_OK;) {
        struct moe_pass *pass = &work.pass;
        int batch = (int)(sequences - done < pass->capacity ? sequences - done : pass->capacity);
        moe_pass_begin(pass, model, snapshot->split, batch);
        for (int s = 0; s < pass->sequences; s++)
            pass->index[s] = snapshot->shape.first + done + pass->first + s;
        moe_pass_fetch(pass, data);
        if (!isfinite(moe_model_forward(model, pass).balance))
            moe_fail(err, MOE_NUMERIC, "a router's logit is not finite (the model is spoilt)");
        count_sequences(&work, done);
        count_tokens(&work);
        count_pairs(&work);
        done += batch;
        if (between && err->code == MOE_OK)
            between(context, snapshot, done, err);
    }
    sum_ranks(model, snapshot);
    work_clear(&work);
    return err->code;
}
