#include "src/footprint.h"

#include <math.h>
#include <string.h>

#include "src/pass.h"
#include "src/share.h"

static const double real = sizeof(moe_real);

/* The most sequences that a rank holds of a batch, and the most in one shard. */
static double room(const struct moe_job *job, enum moe_purpose purpose, int rank, double *in_shard)
{
    const int V = job->run.parallel.shards;
    *in_shard = (moe_job_batch(job, purpose) + V - 1) / V;
    return moe_job_shards(job, rank) * *in_shard;
}

static int purposes_of(const struct moe_job *job)
{
    return job->training ? MOE_PURPOSES : MOE_COUNTING + 1;
}

/* What a pass keeps, as moe_pass_init makes it. */
static double activations(const struct moe_job *job, enum moe_purpose purpose, int rank)
{
    const struct moe_run *run = &job->run;
    const double T = job->task.tokens, C = run->model.width, L = run->model.layers, E = run->model.experts,
                 K = run->model.top_k, H = run->model.heads, O = job->task.outputs;
    double in_shard;
    const double n = room(job, purpose, rank, &in_shard), N = n * T, sets = purpose == MOE_TRAINING ? L : 1;
    double reals = sets * (N * (8 * C + 4 + E + K * C) + n * H * T * T) + L * N * (K + 1) + E;
    double bytes = n * (double)sizeof(int64_t) + N * (double)sizeof(int32_t) +
                   L * (N * K * (double)sizeof(int16_t) + (double)sizeof(struct moe_layer_pass)) +
                   sets * (double)sizeof(struct moe_dispatch);
    if (run->model.router == MOE_PLANTED)
        bytes += N * K * (double)sizeof(int16_t);
    if (purpose != MOE_COUNTING)
        reals += N * (C + 2) + n * C + 2 * O * (job->task.per_token ? N : n);
    if (purpose == MOE_TRAINING)
        reals += N * C + N * (C + K) + in_shard * T * (5 * C + E) + 2 * T * T;
    return bytes + reals * real;
}

/* Inputs and targets of a pass. */
static double batch_data(const struct moe_job *job, enum moe_purpose purpose, int rank)
{
    const struct moe_task *task = &job->task;
    double in_shard;
    const double n = room(job, purpose, rank, &in_shard), N = n * task->tokens, predicted = task->per_token ? N : n;
    double bytes = N * (task->features * real + (task->symbols ? sizeof(int32_t) : 0));
    if (task->labels)
        bytes += predicted * (double)sizeof(int32_t);
    if (purpose == MOE_COUNTING)
        return bytes;
    bytes += predicted * (job->run.train.loss == MOE_SQUARED ? task->outputs * real : sizeof(int32_t));
    return bytes + (job->run.data.source == MOE_TORUS ? n * (double)sizeof(double) : 0);
}

/* A buffer that grows by half at least whenever it is too small. */
struct buffer {
    double rows, old; /* now, and before it grew last */
};

static void need(struct buffer *buffer, double rows)
{
    if (rows <= buffer->rows)
        return;
    buffer->old = buffer->rows;
    buffer->rows = buffer->rows > 0 ? fmax(rows, 1.5 * buffer->rows) : rows;
}

/* Rows of one layer that reach a rank's experts in a pass, or the most of one of its experts. */
struct received {
    double first, most; /* in the first pass, in the one that has most */
};

/* By what was measured in passes of the same purpose. Experts of a rank do not have their most in one pass: how far
 * each rises above its mean is taken to be independent of the others. */
static struct received measured_rows(const struct moe_job *job, const struct moe_routes *routes,
                                     enum moe_purpose purpose, int rank, int layer, int of_expert)
{
    const int E = job->run.model.experts, P = job->ranks;
    const int64_t at = ((int64_t)purpose * job->run.model.layers + layer) * E;
    double mean = 0, squares = 0, largest = 0, first = 0;
    for (int64_t e = moe_share_first(E, P, rank); e < moe_share_first(E, P, rank + 1); e++) {
        const double own = (double)routes->all[at + e] / (double)routes->passes[purpose];
        const double rise = (double)routes->most[at + e] - own;
        mean += own;
        squares += rise * rise;
        largest = fmax(largest, (double)routes->most[at + e]);
        first = of_expert ? fmax(first, (double)routes->first[at + e]) : first + (double)routes->first[at + e];
    }
    return (struct received){first, of_expert ? largest : fmax(first, mean + sqrt(squares))};
}

/* How far the largest of many batches lies above the mean: three deviations, for tokens of a sequence go together. */
static double above(double rows, double choices, int tokens)
{
    return rows < choices ? 3 * sqrt(rows * (1 - rows / choices) * tokens) : 0;
}

/* What part of a full batch the first pass of a purpose has, and the largest of all: test data may be fewer. */
static double first_part(const struct moe_job *job, enum moe_purpose purpose, double *largest)
{
    const double batch = moe_job_batch(job, purpose), test = fmin(1, (double)job->count[MOE_SPLIT_TEST] / batch);
    const int64_t train = job->count[MOE_SPLIT_TRAIN];
    *largest = 1;
    if (purpose != MOE_EVALUATING)
        return 1;
    *largest = train < INT64_MAX ? fmax(test, fmin(1, (double)train / batch)) : test;
    return test;
}

/* The same of a uniform router. */
static struct received uniform_rows(const struct moe_job *job, enum moe_purpose purpose, int rank, int of_expert)
{
    const int E = job->run.model.experts, T = job->task.tokens, own = moe_job_experts(job, rank);
    const double choices = (double)moe_job_batch(job, purpose) * T * job->run.model.top_k;
    const double rows = of_expert ? choices / E * (own > 0) : own == E ? choices : choices * own / E;
    double largest, first = first_part(job, purpose, &largest);
    return (struct received){first * rows, largest * (rows + above(rows, choices, T))};
}

/* A buffer as the file's own run grew it, for the rows of experts first .. last. */
static struct buffer known_room(const struct moe_routes *routes, enum moe_purpose purpose, int layer, int first,
                                int last)
{
    const int L = routes->layers, E = routes->experts, place = layer < 0 ? L : layer;
    const int64_t at = (((int64_t)purpose * (L + 1) + place) * E + first) * E + last;
    return (struct buffer){(double)routes->room[at], (double)routes->room_before[at]};
}

/* How a buffer grows with the passes of a purpose: for rows of one layer, or (-1) of all layers in turn, that a rank
 * receives; or for those of one of its experts. */
static struct buffer grown(const struct moe_job *job, const struct moe_routes *routes, enum moe_purpose purpose,
                           int rank, int layer, int of_expert)
{
    const int from = layer < 0 ? 0 : layer, end = layer < 0 ? job->run.model.layers : layer + 1;
    const int known = routes->same && routes->first && routes->passes[purpose] > 0;
    const int E = job->run.model.experts, own = moe_job_experts(job, rank);
    const int first = (int)moe_share_first(E, job->ranks, rank), units = of_expert ? job->run.parallel.units : 1;
    struct buffer buffer = {0};
    if (own == 0)
        return buffer;
    if (known && routes->room && !of_expert)
        return known_room(routes, purpose, layer, first, first + own - 1);
    for (int later = 0; later < (moe_job_passes(job, purpose) > 1 ? 2 : 1); later++)
        for (int l = from; l < end; l++) {
            const struct received rows = known ? measured_rows(job, routes, purpose, rank, l, of_expert)
                                               : uniform_rows(job, purpose, rank, of_expert);
            need(&buffer, (later ? rows.most : rows.first) / units);
        }
    return buffer;
}

/* What rows on their way take in passes of a purpose: once more for every layer in training. *transient is what the
 * last growth of a buffer takes beside, while the old one is still there. */
static double dispatch(const struct moe_job *job, const struct moe_routes *routes, enum moe_purpose purpose, int rank,
                       double *transient)
{
    const struct moe_run *run = &job->run;
    const int L = run->model.layers, E = run->model.experts, K = run->model.top_k, T = job->task.tokens, P = job->ranks,
              U = run->parallel.units, training = purpose == MOE_TRAINING, own = moe_job_experts(job, rank);
    const double C = run->model.width, F = run->model.expert_width;
    const struct buffer wire = grown(job, routes, purpose, rank, -1, 0);
    const struct buffer act = grown(job, routes, purpose, rank, -1, 1);
    double in_shard, kept = training ? 0 : wire.rows;
    *transient = fmax(C, training ? 0 : F) * wire.old * real;
    for (int l = 0; l < L && training; l++) {
        const struct buffer rows = grown(job, routes, purpose, rank, l, 0);
        kept += rows.rows;
        *transient = fmax(*transient, F * rows.old * real);
    }
    const double N = room(job, purpose, rank, &in_shard) * T, sets = training ? L : 1;
    const double ints = sets * (N * K + 2.0 * P + (P + 2.0) * own * U + 2) + (double)E * (U + 1) + 2.0 * P;
    const double reals = N * K * C + moe_tree_depth(U) * (double)job->layout.expert_size + kept * (C + F) +
                         wire.rows * (P > 1 ? 2 : 1) * C + act.rows * (training ? 2 : 1) * F;
    return ints * (double)sizeof(int32_t) + reals * real;
}

/* The most that rows on their way take: buffers of a training stay, those of a census come with it and go. */
static double most_dispatch(const struct moe_job *job, const struct moe_routes *routes, int rank)
{
    double stays = 0, growing = 0, transient;
    for (enum moe_purpose purpose = MOE_EVALUATING; purpose < MOE_PURPOSES && job->training; purpose++) {
        stays += dispatch(job, routes, purpose, rank, &transient);
        growing = fmax(growing, transient);
    }
    const double counting = dispatch(job, routes, MOE_COUNTING, rank, &transient);
    return stays + fmax(growing, counting + transient);
}

double moe_footprint_pass(const struct moe_job *job, const struct moe_routes *routes, enum moe_purpose purpose,
                          int rank)
{
    double transient;
    return activations(job, purpose, rank) + dispatch(job, routes, purpose, rank, &transient);
}

static double reduce(const struct moe_job *job, int rank)
{
    const double V = job->run.parallel.shards, P = job->ranks, E = job->run.model.experts, L = job->run.model.layers;
    const double own = moe_job_shards(job, rank), mine = moe_job_nodes(job, rank), all = job->tree.start[job->ranks];
    const double ranges = E <= MOE_ROOM_EXPERTS ? 3 * MOE_PURPOSES * (L + 1) * E * E : 0;
    const double width = SUMS + L * E, depth = moe_tree_depth(job->run.parallel.shards);
    const double round = fmin((double)job->layout.dense_size, MOE_FOLD_ROUND);
    const double pass = (own + mine + depth) * width + COUNTS + L * E + E + L * E;
    double bytes = 8 * (pass * purposes_of(job) + MOE_PURPOSES * (2 * own + 3 * L) * E + ranges + 2 * MOE_PHASES * P);
    bytes += V * (double)sizeof(struct moe_node) + 4 * (P + 1) + 16 * P;
    if (P == 1)
        return bytes;
    const double doubles = fmin(width, MOE_FOLD_ROUND) * (double)sizeof(double);
    const double number = fmax(doubles, job->training ? round * real : 0);
    return bytes + mine * number + all * ceil(number / P) + all * (double)sizeof(void *);
}

static double gradients(const struct moe_job *job, int rank)
{
    const struct moe_layout *layout = &job->layout;
    const double own = (double)job->run.model.layers * moe_job_experts(job, rank) * (double)layout->expert_size;
    const int64_t output = layout->dense_size - layout->output_start;
    double segment = (double)layout->layer_size;
    segment = fmax(segment, fmax((double)layout->layers_start, (double)output));
    return real * (moe_job_nodes(job, rank) * (double)layout->dense_size + own +
                   moe_tree_depth(job->run.parallel.shards) * segment);
}

static double moments(const struct moe_job *job, int rank)
{
    const struct moe_layout *layout = &job->layout;
    const double own = moe_job_experts(job, rank), E = job->run.model.experts;
    double experts = 0;
    for (int i = 0; i < layout->count; i++)
        experts += layout->tensor[i].layer >= 0;
    const double parameters = (double)layout->dense_size + job->run.model.layers * own * (double)layout->expert_size;
    return 2 * real * parameters + 8 * (layout->count + experts * (own + E)) + 4.0 * job->ranks;
}

void moe_footprint_but_census(const struct moe_job *job, const struct moe_routes *routes, int rank, double *peak)
{
    const struct moe_layout *layout = &job->layout;
    const double L = job->run.model.layers;
    memset(peak, 0, MOE_POOLS * sizeof *peak);
    /* The layout makes room for 7 tensors and 14 a layer, whether a model has them all or not. */
    peak[MOE_POOL_DENSE] = real * (double)layout->dense_size + (7 + 14 * L) * (double)sizeof *layout->tensor +
                           L * (double)sizeof *layout->layer;
    peak[MOE_POOL_EXPERTS] = real * L * moe_job_experts(job, rank) * (double)layout->expert_size;
    for (enum moe_purpose purpose = 0; (int)purpose < purposes_of(job); purpose++) {
        peak[MOE_POOL_ACTIVATIONS] += activations(job, purpose, rank);
        peak[MOE_POOL_DATA] += batch_data(job, purpose, rank);
    }
    peak[MOE_POOL_DISPATCH] = most_dispatch(job, routes, rank);
    if (job->training) {
        peak[MOE_POOL_GRADIENTS] = gradients(job, rank);
        peak[MOE_POOL_MOMENTS] = moments(job, rank);
    }
    if (rank == 0 || job->run.data.source == MOE_TORUS)
        peak[MOE_POOL_DATA] = fmax(peak[MOE_POOL_DATA] + (double)job->source_bytes, (double)job->source_peak);
    else
        peak[MOE_POOL_DATA] += (double)job->received_bytes;
    peak[MOE_POOL_REDUCE] = reduce(job, rank);
    peak[MOE_POOL_FILES] = moe_footprint_files(job, rank);
}

void moe_footprint(const struct moe_job *job, const struct moe_routes *routes, int rank, double *peak)
{
    moe_footprint_but_census(job, routes, rank, peak);
    peak[MOE_POOL_CENSUS] = moe_footprint_census(job, routes, rank);
}
