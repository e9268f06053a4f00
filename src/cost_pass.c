#include "src/cost_pass.h"

#include <math.h>
#include <string.h>

#include "src/footprint.h"
#include "src/pass.h"
#include "src/share.h"

/* So many calls of so many elements. */
void moe_cost_work(struct moe_pass_cost *pass, enum moe_term term, enum moe_work work, double calls, double elements)
{
    const struct moe_rate *rate = &pass->machine->work[work];
    pass->term[term] += calls * (rate->call + elements * rate->element);
}

/* So many elements, each used once while as much else goes by. */
static void far(struct moe_pass_cost *pass, enum moe_term term, double elements)
{
    moe_cost_work(pass, term, MOE_WORK_FAR, 1, pass->far * elements);
}

void moe_cost_products(struct moe_pass_cost *pass, enum moe_term term, enum moe_product product, double calls,
                       double rows, double inner, double outer)
{
    pass->beyond |= rows > moe_machine_rows(MOE_RATE_ROWS - 1) ||
                    sqrt(inner * outer) > moe_machine_side(MOE_RATE_SIDES - 1);
    pass->term[term] += calls * moe_machine_product(pass->machine, product, rows, inner, outer);
}

/* A linear map of every shard, with its bias. */
static void linear(struct moe_pass_cost *pass, enum moe_term term, double rows, double inner, double outer)
{
    moe_cost_products(pass, term, MOE_PRODUCT_MAP, pass->shards, rows, inner, outer);
    moe_cost_work(pass, MOE_TERM_ROWS, MOE_WORK_COPY, pass->shards * rows, outer);
}

/* Its gradients by matrix and bias, and by its input too. */
static void linear_backward(struct moe_pass_cost *pass, enum moe_term term, double rows, double inner, double outer,
                            int by_input)
{
    moe_cost_products(pass, term, MOE_PRODUCT_GRADIENT, pass->shards, rows, inner, outer);
    moe_cost_work(pass, MOE_TERM_ROWS, MOE_WORK_COPY, pass->shards * rows, outer);
    if (by_input)
        moe_cost_products(pass, term, MOE_PRODUCT_MAP, pass->shards, rows, outer, inner);
}

/* Tokens seen by a token, on average. */
static double seen(const struct moe_job *job)
{
    const double T = job->task.tokens;
    return job->run.model.mask == MOE_CAUSAL ? (T + 1) / 2 : T;
}

static void attention(struct moe_pass_cost *pass)
{
    const struct moe_run *run = &pass->job->run;
    const double T = pass->job->task.tokens, H = run->model.heads, d = run->model.width / H;
    const double heads = pass->sequences * H;
    moe_cost_products(pass, MOE_TERM_ATTENTION, MOE_PRODUCT_MAP, 2 * heads, T, d, T);
    moe_cost_work(pass, MOE_TERM_ATTENTION, MOE_WORK_COPY, 2 * heads * T, seen(pass->job));
    moe_cost_work(pass, MOE_TERM_ATTENTION, MOE_WORK_SOFTMAX, heads * T, seen(pass->job));
}

static void attention_backward(struct moe_pass_cost *pass)
{
    const struct moe_run *run = &pass->job->run;
    const double T = pass->job->task.tokens, H = run->model.heads, d = run->model.width / H;
    const double heads = pass->sequences * H;
    moe_cost_products(pass, MOE_TERM_ATTENTION, MOE_PRODUCT_MAP, 2 * heads, T, d, T);
    moe_cost_products(pass, MOE_TERM_ATTENTION, MOE_PRODUCT_GRADIENT, 2 * heads, T, d, T);
    moe_cost_work(pass, MOE_TERM_ATTENTION, MOE_WORK_COPY, 2 * heads * T, seen(pass->job));
    moe_cost_work(pass, MOE_TERM_ATTENTION, MOE_WORK_SOFTMAX_BACKWARD, heads * T, seen(pass->job));
}

/* Products of a layer's experts, forward or backward, of the rank where they take longest. */
static void experts(struct moe_pass_cost *pass, int layer, int backward)
{
    const struct moe_job *job = pass->job;
    const int E = job->run.model.experts, P = job->ranks, U = job->run.parallel.units;
    const double C = job->run.model.width, F = job->run.model.expert_width;
    const double choices = (double)moe_job_batch(job, pass->purpose) * job->task.tokens * job->run.model.top_k;
    double own[MOE_TERMS] = {0}, most = 0;
    struct moe_pass_cost rank = *pass;
    rank.term = own;
    for (int p = 0; p < P && p < E; p++) {
        memset(own, 0, sizeof own);
        for (int e = (int)moe_share_first(E, P, p); e < moe_share_first(E, P, p + 1); e++) {
            const double n = choices / U * moe_routes_share(pass->routes, job, pass->purpose, layer, e, 1);
            moe_cost_products(&rank, MOE_TERM_EXPERTS, MOE_PRODUCT_MAP, 2 * U, n, C, F);
            moe_cost_work(&rank, MOE_TERM_EXPERTS, backward ? MOE_WORK_GELU_BACKWARD : MOE_WORK_GELU, U, n * F);
            moe_cost_work(&rank, MOE_TERM_EXPERTS, MOE_WORK_COPY, U * n, C + F);
            if (backward)
                moe_cost_products(&rank, MOE_TERM_EXPERTS, MOE_PRODUCT_GRADIENT, 2 * U, n, C, F);
            far(&rank, MOE_TERM_EXPERTS, U * (backward ? 4 : 1) * (double)job->layout.expert_size);
            far(&rank, MOE_TERM_EXPERTS, U * n * 2 * (C + F));
        }
        most = fmax(most, own[MOE_TERM_EXPERTS]);
        pass->beyond |= rank.beyond;
        if (pass->routes->snapshots == 0)
            break; /* the first rank has as many experts as any, and all have as many rows */
    }
    pass->term[MOE_TERM_EXPERTS] += most;
}

/* Rows to experts and back once: copying them, and the messages. */
static void exchange(struct moe_pass_cost *pass)
{
    const struct moe_job *job = pass->job;
    const double C = job->run.model.width, K = job->run.model.top_k, P = job->ranks, rows = pass->rows * K;
    const double away = P > 1 ? rows * (1 - 1 / P) : rows; /* alone, a copy by the library */
    const double bytes = away * C * (double)sizeof(moe_real);
    if (P > 1)
        moe_cost_work(pass, MOE_TERM_ROWS, MOE_WORK_COPY, 2 * rows, C);
    pass->term[MOE_TERM_EXCHANGE] += 2 * moe_machine_exchange(pass->machine, P, job->per_node, bytes);
}

/* One call between ranks; elements are the bytes that a rank sends. */
static void message(struct moe_pass_cost *pass, enum moe_term term, double bytes)
{
    pass->term[term] += moe_machine_exchange(pass->machine, pass->job->ranks, pass->job->per_node, bytes);
}

/* A fold between ranks: slices to who finishes them, and back. */
void moe_cost_fold(struct moe_pass_cost *pass, enum moe_term term, double numbers, double size)
{
    const struct moe_job *job = pass->job;
    const double P = job->ranks, nodes = job->tree.start[job->ranks];
    if (job->ranks == 1)
        return;
    const double rounds = ceil(numbers / MOE_FOLD_ROUND), bytes = numbers / rounds * size * (1 - 1 / P);
    for (int round = 0; round < (int)rounds; round++) {
        message(pass, term, nodes / P * bytes);
        message(pass, term, bytes);
    }
    moe_cost_work(pass, MOE_TERM_FOLD, MOE_WORK_COPY, 2 * rounds * nodes, numbers / P / rounds);
}

void moe_cost_fetch(struct moe_pass_cost *pass)
{
    const struct moe_job *job = pass->job;
    const double T = job->task.tokens, D = job->task.features;
    switch (job->run.data.source) {
    case MOE_TORUS:
        moe_cost_work(pass, MOE_TERM_DATA, MOE_WORK_POINT, pass->sequences, job->run.data.dim);
        if (pass->purpose != MOE_COUNTING)
            moe_cost_work(pass, MOE_TERM_DATA, MOE_WORK_TARGET, pass->sequences, job->cosines);
        break;
    case MOE_IDX:
        moe_cost_work(pass, MOE_TERM_DATA, MOE_WORK_IMAGE, pass->sequences, T * D);
        break;
    case MOE_TEXT:
        moe_cost_work(pass, MOE_TERM_DATA, MOE_WORK_TEXT, pass->sequences, T);
        break;
    }
}

static void predict(struct moe_pass_cost *pass)
{
    const struct moe_job *job = pass->job;
    const double C = job->run.model.width, O = job->task.outputs, T = job->task.tokens;
    const double predicted = job->task.per_token ? pass->rows : pass->sequences;
    moe_cost_work(pass, MOE_TERM_ROWS, MOE_WORK_NORM, pass->rows, C);
    if (!job->task.per_token)
        moe_cost_work(pass, MOE_TERM_ROWS, MOE_WORK_COPY, pass->rows, C);
    linear(pass, MOE_TERM_DENSE, pass->shard_rows / (job->task.per_token ? 1 : T), C, O);
    moe_cost_work(pass, MOE_TERM_DENSE, job->run.train.loss == MOE_CROSS_ENTROPY ? MOE_WORK_LOSS : MOE_WORK_COPY,
                  predicted, O);
}

void moe_cost_forward(struct moe_pass_cost *pass)
{
    const struct moe_job *job = pass->job;
    const double C = job->run.model.width, E = job->run.model.experts, K = job->run.model.top_k,
                 L = job->run.model.layers, T = job->task.tokens, n = pass->shard_rows;
    if (job->task.features)
        linear(pass, MOE_TERM_DENSE, n, job->task.features, C);
    else
        moe_cost_work(pass, MOE_TERM_ROWS, MOE_WORK_COPY, pass->rows, C);
    moe_cost_work(pass, MOE_TERM_ROWS, MOE_WORK_COPY, pass->sequences, T * C);
    for (int l = 0; l < job->run.model.layers; l++) {
        moe_cost_work(pass, MOE_TERM_ROWS, MOE_WORK_NORM, 2 * pass->rows, C);
        linear(pass, MOE_TERM_DENSE, n, C, 3 * C);
        attention(pass);
        linear(pass, MOE_TERM_DENSE, n, C, C);
        moe_cost_products(pass, MOE_TERM_ROUTER, MOE_PRODUCT_MAP, pass->shards, n, C, E);
        moe_cost_work(pass, MOE_TERM_ROUTER, MOE_WORK_ROUTE, pass->rows, E);
        moe_cost_work(pass, MOE_TERM_ROWS, MOE_WORK_COPY, pass->rows * (2 * K + 1), C);
        far(pass, MOE_TERM_ROWS, pass->rows * (8 + 3 * K) * C);
        message(pass, MOE_TERM_EXCHANGE, E * 4);
        exchange(pass);
        experts(pass, l, 0);
    }
    if (pass->purpose != MOE_COUNTING)
        predict(pass);
    moe_cost_fold(pass, MOE_TERM_SCALARS, SUMS + L * E, sizeof(double));
    message(pass, MOE_TERM_SCALARS, 8 * (COUNTS + L * E));
}

void moe_cost_backward(struct moe_pass_cost *pass)
{
    const struct moe_job *job = pass->job;
    const double C = job->run.model.width, E = job->run.model.experts, K = job->run.model.top_k,
                 T = job->task.tokens, O = job->task.outputs, n = pass->shard_rows;
    linear_backward(pass, MOE_TERM_DENSE, n / (job->task.per_token ? 1 : T), C, O, 1);
    moe_cost_work(pass, MOE_TERM_ROWS, MOE_WORK_NORM_BACKWARD, pass->rows, C);
    for (int l = 0; l < job->run.model.layers; l++) {
        moe_cost_work(pass, MOE_TERM_ROWS, MOE_WORK_COPY, 3 * pass->rows * K, C);
        far(pass, MOE_TERM_ROWS, pass->rows * (8 + 3 * K) * C);
        exchange(pass);
        experts(pass, l, 1);
        moe_cost_work(pass, MOE_TERM_ROUTER, MOE_WORK_ROUTE_BACKWARD, pass->rows, E);
        linear_backward(pass, MOE_TERM_ROUTER, n, C, E, 1);
        linear_backward(pass, MOE_TERM_DENSE, n, C, C, 1);
        attention_backward(pass);
        linear_backward(pass, MOE_TERM_DENSE, n, C, 3 * C, 1);
        moe_cost_work(pass, MOE_TERM_ROWS, MOE_WORK_NORM_BACKWARD, 2 * pass->rows, C);
    }
    if (job->task.features)
        linear_backward(pass, MOE_TERM_DENSE, n, job->task.features, C, 0);
    else
        moe_cost_work(pass, MOE_TERM_ROWS, MOE_WORK_COPY, pass->rows, C);
    moe_cost_work(pass, MOE_TERM_FOLD, MOE_WORK_COPY, 2 * pass->shards, (double)job->layout.dense_size);
    moe_cost_fold(pass, MOE_TERM_GRADIENTS, (double)job->layout.dense_size, sizeof(moe_real));
}

void moe_cost_optimise(struct moe_pass_cost *pass)
{
    const struct moe_job *job = pass->job;
    const double own = (double)job->run.model.layers * moe_job_experts(job, 0);
    const double expert_tensors = 4, dense_tensors = job->layout.count - expert_tensors * job->run.model.layers;
    moe_cost_work(pass, MOE_TERM_OPTIMISER, MOE_WORK_ADAMW, dense_tensors,
                  (double)job->layout.dense_size / dense_tensors);
    moe_cost_work(pass, MOE_TERM_OPTIMISER, MOE_WORK_ADAMW, own * expert_tensors,
                  (double)job->layout.expert_size / expert_tensors);
    far(pass, MOE_TERM_OPTIMISER, 2.3 * ((double)job->layout.dense_size + own * (double)job->layout.expert_size));
    message(pass, MOE_TERM_SCALARS, own * expert_tensors * 8);
}

/* Bytes that a pass goes through. */
static double memory(const struct moe_job *job, const struct moe_routes *routes, enum moe_purpose purpose)
{
    const double own = (double)job->run.model.layers * moe_job_experts(job, 0) * (double)job->layout.expert_size;
    const double parameters = (double)sizeof(moe_real) * ((double)job->layout.dense_size + own);
    return (purpose == MOE_TRAINING ? 4 : 1) * parameters + moe_footprint_pass(job, routes, purpose, 0);
}

struct moe_pass_cost moe_pass_cost(const struct moe_job *job, const struct moe_routes *routes,
                                   const struct moe_machine *machine, enum moe_purpose purpose, double *term)
{
    const double V = job->run.parallel.shards, T = job->task.tokens, batch = moe_job_batch(job, purpose);
    const double shards = moe_job_shards(job, 0), sequences = batch * shards / V;
    const double bytes = memory(job, routes, purpose);
    memset(term, 0, MOE_TERMS * sizeof *term);
    return (struct moe_pass_cost){.job = job,
                                  .routes = routes,
                                  .machine = machine,
                                  .purpose = purpose,
                                  .sequences = sequences,
                                  .shards = shards,
                                  .rows = sequences * T,
                                  .shard_rows = batch / V * T,
                                  .far = bytes > machine->cache ? 1 - machine->cache / bytes : 0,
                                  .term = term};
}
