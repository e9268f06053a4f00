#include "src/flow.h"

#include <math.h>
#include <string.h>

#include "src/pass.h"
#include "src/pool.h"
#include "src/share.h"

static void add(struct moe_flow *flow, double times, double bytes)
{
    flow->bytes += times * bytes;
    flow->messages += bytes > 0 ? times : 0;
}

/* One fold of n numbers of `size` bytes, `times` times: in each round slices of all nodes go to who finishes them, and
 * finished slices to everyone. */
static void add_fold(struct moe_flow *flow, const struct moe_job *job, int from, int to, double times, int64_t n,
                     size_t size)
{
    const int64_t rounds[] = {n / MOE_FOLD_ROUND, 1}, length[] = {MOE_FOLD_ROUND, n % MOE_FOLD_ROUND};
    for (int i = 0; i < 2; i++) {
        const double all = times * (double)rounds[i];
        add(flow, all, (double)(moe_job_nodes(job, from) * moe_share_count(length[i], job->ranks, to)) * (double)size);
        add(flow, all, (double)moe_share_count(length[i], job->ranks, from) * (double)size);
    }
}

/* What `passes` passes of a purpose send whatever the routes are. */
static void add_fixed(const struct moe_job *job, enum moe_purpose purpose, double passes, int from, int to,
                      struct moe_flow *flow)
{
    const int L = job->run.model.layers, E = job->run.model.experts;
    int expert_tensors = 0;
    add(&flow[MOE_PHASE_SIZES], passes * L,
        (double)moe_job_experts(job, to) * job->run.parallel.units * (double)sizeof(int32_t));
    add_fold(&flow[MOE_PHASE_SCALARS], job, from, to, passes, SUMS + L * E, sizeof(double));
    if (purpose == MOE_COUNTING)
        add_fold(&flow[MOE_PHASE_SCALARS], job, from, to, passes, L * E, sizeof(double));
    if (purpose != MOE_TRAINING)
        return;
    for (int i = 0; i < job->layout.count; i++)
        expert_tensors += job->layout.tensor[i].layer >= 0;
    add(&flow[MOE_PHASE_SCALARS], passes, (double)expert_tensors * moe_job_experts(job, from) * (double)sizeof(double));
    add_fold(&flow[MOE_PHASE_GRADIENTS], job, from, to, passes, job->layout.dense_size, sizeof(moe_real));
}

/* Whether rows by shard and expert are of this job's shards and experts. */
static int fits(const struct moe_job *job, const struct moe_routes *routes, enum moe_purpose purpose)
{
    return routes->rows && routes->shards == job->run.parallel.shards && routes->experts == job->run.model.experts &&
           routes->passes[purpose] > 0;
}

/* Rows as the file counted them, for as many passes as the job has. Where some pair of a shard and an expert had a
 * message in every layer of every pass in which the rank had sequences, so had the ranks; else pairs are taken to be
 * independent. */
static struct moe_flow measured_rows(const struct moe_job *job, const struct moe_routes *routes,
                                     enum moe_purpose purpose, int from, int to)
{
    const int V = job->run.parallel.shards, E = job->run.model.experts, P = job->ranks;
    const double more = moe_job_passes(job, purpose) / (double)routes->passes[purpose];
    const double occasions = moe_job_busy(job, purpose, from) / more * job->run.model.layers;
    int64_t rows = 0;
    double none = 1;
    for (int64_t v = moe_share_first(V, P, from); v < moe_share_first(V, P, from + 1); v++)
        for (int64_t e = moe_share_first(E, P, to); e < moe_share_first(E, P, to + 1); e++) {
            const int64_t at = ((int64_t)purpose * V + v) * E + e;
            rows += routes->rows[at];
            none *= fmax(0, 1 - (double)routes->messages[at] / occasions);
        }
    return (struct moe_flow){round((double)rows * more), round(occasions * (1 - none) * more)};
}

/* Rows that sequences of `from` send to experts of `to` in all passes of a purpose; bytes are rows here. */
static struct moe_flow rows_of(const struct moe_job *job, const struct moe_routes *routes, enum moe_purpose purpose,
                               int from, int to)
{
    const int L = job->run.model.layers, E = job->run.model.experts, own = moe_job_experts(job, to);
    const double tokens = moe_job_local(job, purpose, from) * job->task.tokens, busy = moe_job_busy(job, purpose, from);
    struct moe_flow flow = {0};
    if (own == 0 || tokens == 0)
        return flow;
    if (fits(job, routes, purpose))
        return measured_rows(job, routes, purpose, from, to);
    for (int l = 0; l < L; l++) {
        const double share = moe_routes_share(routes, job, purpose, l, (int)moe_share_first(E, job->ranks, to), own);
        const double rows = tokens * job->run.model.top_k * share;
        flow.bytes += rows;
        flow.messages += busy * -expm1(-rows / busy);
    }
    return (struct moe_flow){round(flow.bytes), round(flow.messages)};
}

static void add_rows(const struct moe_job *job, const struct moe_routes *routes, enum moe_purpose purpose, int from,
                     int to, struct moe_flow *flow)
{
    const struct moe_flow there = rows_of(job, routes, purpose, from, to),
                          back = rows_of(job, routes, purpose, to, from);
    const double row = (double)job->run.model.width * (double)sizeof(moe_real);
    const struct {
        enum moe_phase phase;
        const struct moe_flow *rows;
    } ways[] = {{MOE_PHASE_DISPATCH, &there},
                {MOE_PHASE_COMBINE, &back},
                {MOE_PHASE_COMBINE_BACKWARD, &there},
                {MOE_PHASE_DISPATCH_BACKWARD, &back}};
    for (int i = 0; i < (purpose == MOE_TRAINING ? 4 : 2); i++) {
        flow[ways[i].phase].bytes += ways[i].rows->bytes * row;
        flow[ways[i].phase].messages += ways[i].rows->messages;
    }
}

void moe_flow_job(const struct moe_job *job, const struct moe_routes *routes, const struct moe_census_flow *census,
                  int from, int to, struct moe_flow *flow)
{
    memset(flow, 0, MOE_PHASES * sizeof *flow);
    if (from == to)
        return;
    for (enum moe_purpose purpose = 0; purpose < MOE_PURPOSES; purpose++) {
        add_fixed(job, purpose, moe_job_passes(job, purpose), from, to, flow);
        add_rows(job, routes, purpose, from, to, flow);
    }
    flow[MOE_PHASE_CENSUS] = census->pair ? census->pair[(int64_t)from * job->ranks + to]
                             : to == 0    ? census->first
                                          : census->other;
}

void moe_flow_step(const struct moe_job *job, const struct moe_routes *routes, int from, int to,
                   struct moe_flow *flow)
{
    memset(flow, 0, MOE_PHASES * sizeof *flow);
    if (from == to || !job->training)
        return;
    add_rows(job, routes, MOE_TRAINING, from, to, flow);
    for (int phase = 0; phase < MOE_PHASES; phase++) {
        flow[phase].bytes /= job->run.train.steps;
        flow[phase].messages /= job->run.train.steps;
    }
    add_fixed(job, MOE_TRAINING, 1, from, to, flow);
}

/* Whether sequences of `from` had rows for experts of `to` in no pass and layer, or in every one where it had
 * sequences: enough that one shard always had one for one expert. */
static int never_or_always(const struct moe_job *job, const struct moe_routes *routes, enum moe_purpose purpose,
                           int from, int to)
{
    const int V = job->run.parallel.shards, E = job->run.model.experts, P = job->ranks;
    const int64_t always = (int64_t)moe_job_busy(job, purpose, from) * job->run.model.layers;
    int64_t most = 0;
    for (int64_t v = moe_share_first(V, P, from); v < moe_share_first(V, P, from + 1); v++)
        for (int64_t e = moe_share_first(E, P, to); e < moe_share_first(E, P, to + 1); e++) {
            const int64_t messages = routes->messages[((int64_t)purpose * V + v) * E + e];
            most = messages > most ? messages : most;
        }
    return most == 0 || most == always;
}

static int is_fixed(enum moe_phase phase)
{
    return phase == MOE_PHASE_SIZES || phase == MOE_PHASE_GRADIENTS || phase == MOE_PHASE_SCALARS;
}

int moe_flow_knows_bytes(const struct moe_job *job, const struct moe_routes *routes,
                         const struct moe_census_flow *census, enum moe_phase phase)
{
    if (phase == MOE_PHASE_CENSUS)
        return census->pair != NULL;
    return is_fixed(phase) || moe_routes_know_rows(routes, job);
}

int moe_flow_knows_messages(const struct moe_job *job, const struct moe_routes *routes,
                            const struct moe_census_flow *census, enum moe_phase phase, int from, int to)
{
    if (!moe_flow_knows_bytes(job, routes, census, phase))
        return 0;
    if (is_fixed(phase) || phase == MOE_PHASE_CENSUS || from == to)
        return 1;
    const int back = phase == MOE_PHASE_COMBINE || phase == MOE_PHASE_DISPATCH_BACKWARD;
    for (enum moe_purpose purpose = 0; purpose < MOE_PURPOSES; purpose++)
        if (!never_or_always(job, routes, purpose, back ? to : from, back ? from : to))
            return 0;
    return 1;
}
