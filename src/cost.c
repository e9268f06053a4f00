#include "src/cost.h"

#include <math.h>
#include <string.h>

#include "src/cost_pass.h"
#include "src/footprint.h"
#include "src/pool.h"
#include "src/train.h"

static const char *const names[MOE_TERMS] = {"data", "dense",     "attention", "router",    "experts", "rows",
                                             "fold", "optimiser", "exchange",  "gradients", "scalars"};

const char *moe_term_name(enum moe_term term)
{
    return names[term];
}

/* More ranks than cores take turns. */
static double finish(const struct moe_job *job, const struct moe_machine *machine, double *term)
{
    const double on_node = fmin(job->ranks, job->per_node), turns = fmax(1, on_node / machine->cores);
    double sum = 0;
    for (int i = 0; i < MOE_TERMS; i++)
        sum += term[i] *= turns;
    return sum;
}

static double messages(const double *term)
{
    return term[MOE_TERM_EXCHANGE] + term[MOE_TERM_GRADIENTS] + term[MOE_TERM_SCALARS];
}

static void training(struct moe_cost *cost, const struct moe_job *job, const struct moe_routes *routes,
                     const struct moe_machine *machine)
{
    const double steps = job->run.train.steps;
    double term[MOE_TERMS], sum;
    struct moe_pass_cost pass = moe_pass_cost(job, routes, machine, MOE_TRAINING, term);
    void (*const part[])(struct moe_pass_cost *) = {moe_cost_fetch, moe_cost_forward, moe_cost_backward,
                                                     moe_cost_optimise};
    const enum moe_time phase[] = {MOE_TIME_DATA, MOE_TIME_FORWARD, MOE_TIME_BACKWARD, MOE_TIME_OPTIMISER};
    for (int i = 0; i < 4; i++) {
        memset(term, 0, sizeof term);
        part[i](&pass);
        sum = finish(job, machine, term);
        cost->beyond |= pass.beyond;
        for (int t = 0; t < MOE_TERMS; t++)
            cost->term[t] += term[t];
        cost->step += sum;
        cost->phase[phase[i]] = steps * sum;
    }
    cost->phase[MOE_TIME_MESSAGES] += steps * messages(cost->term);
}

static void evaluating(struct moe_cost *cost, const struct moe_job *job, const struct moe_routes *routes,
                       const struct moe_machine *machine)
{
    double term[MOE_TERMS];
    struct moe_pass_cost pass = moe_pass_cost(job, routes, machine, MOE_EVALUATING, term);
    moe_cost_fetch(&pass);
    moe_cost_forward(&pass);
    const double passes = moe_job_sequences(job, MOE_EVALUATING) / moe_job_batch(job, MOE_EVALUATING);
    cost->phase[MOE_TIME_EVALUATION] = passes * finish(job, machine, term);
    cost->phase[MOE_TIME_MESSAGES] += passes * messages(term);
}

/* Passes, patterns of the rank's sequences, pairs of experts, and the merge. */
static void counting(struct moe_cost *cost, const struct moe_job *job, const struct moe_routes *routes,
                     const struct moe_machine *machine)
{
    const struct moe_census_shape shape = moe_job_census(job);
    const double width = (double)shape.layers * shape.experts;
    const double passes = moe_job_sequences(job, MOE_COUNTING) / moe_job_batch(job, MOE_COUNTING);
    double term[MOE_TERMS], patterns = 0, records = 0;
    struct moe_pass_cost pass = moe_pass_cost(job, routes, machine, MOE_COUNTING, term);
    struct moe_pattern pattern;
    struct moe_scope *scope;
    moe_pattern_init(&pattern, shape.experts, shape.top_k);
    const int scopes = moe_scopes(&shape, &pattern, &scope);
    for (int s = 0; s < scopes; s++) {
        patterns += (double)scope[s].samples;
        records += moe_routes_records(routes, job, routes->snapshots - 1, s, &scope[s], 1.0 / job->ranks);
    }
    moe_pool_free(scope);
    moe_pattern_clear(&pattern);
    moe_cost_fetch(&pass);
    moe_cost_forward(&pass);
    moe_cost_fold(&pass, MOE_TERM_SCALARS, width, sizeof(double));
    moe_cost_work(&pass, MOE_TERM_DATA, MOE_WORK_COUNT, pass.sequences, patterns);
    moe_cost_products(&pass, MOE_TERM_DATA, MOE_PRODUCT_GRADIENT, 1, pass.rows, width, width);
    moe_cost_work(&pass, MOE_TERM_DATA, MOE_WORK_COPY, pass.rows, width);
    cost->phase[MOE_TIME_CENSUS] = passes * finish(job, machine, term);
    cost->phase[MOE_TIME_MESSAGES] += passes * messages(term);
    memset(term, 0, sizeof term);
    moe_cost_work(&pass, MOE_TERM_DATA, MOE_WORK_MERGE, 1, records);
    cost->phase[MOE_TIME_CENSUS] += moe_job_censuses(job) * finish(job, machine, term);
}

static void filing(struct moe_cost *cost, const struct moe_job *job, const struct moe_routes *routes,
                   const struct moe_machine *machine)
{
    const struct moe_parameter_counts counts = moe_layout_counts(&job->layout, &job->run);
    const double series = job->training ? moe_history_bytes(&job->run) : 0;
    const double results = series + moe_footprint_snapshot(job, routes) * moe_job_censuses(job);
    const double parameters = (double)sizeof(moe_real) * (double)counts.total;
    cost->checkpoint_bytes = 3 * parameters + results;
    cost->checkpoint = machine->file.call + cost->checkpoint_bytes * machine->file.element;
    cost->phase[MOE_TIME_FILES] =
        (1 + job->training) * machine->file.call + (results + job->training * parameters) * machine->file.element +
        moe_job_checkpoints(job) * cost->checkpoint;
}

void moe_cost(struct moe_cost *cost, const struct moe_job *job, const struct moe_routes *routes,
              const struct moe_machine *machine)
{
    memset(cost, 0, sizeof *cost);
    if (job->training) {
        training(cost, job, routes, machine);
        evaluating(cost, job, routes, machine);
    }
    counting(cost, job, routes, machine);
    filing(cost, job, routes, machine);
    for (int i = 0; i < MOE_TIMES; i++)
        cost->total += i == MOE_TIME_MESSAGES ? 0 : cost->phase[i];
}
