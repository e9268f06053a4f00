#include "mpi/plan.h"

#include <math.h>
#include <string.h>

#include "mpi/memory.h"
#include "src/train.h"

/* All ranks are gone through one by one up to here; beyond, some stand for all, which is not exact. */
enum { EACH_RANK = 1024, SOME_RANKS = 16, RANKS_MAX = 65536 };

static void sum_flows(struct moe_plan *plan)
{
    const struct moe_job *job = &plan->job;
    const int P = job->ranks, senders = P <= EACH_RANK ? P : SOME_RANKS;
    const double alike = (double)P / senders;
    for (int phase = 0; phase < MOE_PHASES; phase++)
        plan->knows_messages[phase] = 1;
    for (int sender = 0; sender < senders; sender++) {
        const int from = (int)((int64_t)sender * P / senders);
        struct moe_flow mine[MOE_PHASES] = {0};
        for (int to = 0; to < P; to++) {
            struct moe_flow step[MOE_PHASES], whole[MOE_PHASES];
            moe_flow_step(job, &plan->routes, from, to, step);
            moe_flow_job(job, &plan->routes, &plan->census, from, to, whole);
            for (enum moe_phase phase = 0; phase < MOE_PHASES; phase++) {
                plan->knows_messages[phase] &=
                    moe_flow_knows_messages(job, &plan->routes, &plan->census, phase, from, to);
                mine[phase].bytes += step[phase].bytes;
                mine[phase].messages += step[phase].messages;
                plan->whole[phase].bytes += alike * whole[phase].bytes;
                plan->whole[phase].messages += alike * whole[phase].messages;
            }
        }
        for (int phase = 0; phase < MOE_PHASES; phase++) {
            plan->step[phase].bytes += alike * mine[phase].bytes;
            plan->step[phase].messages += alike * mine[phase].messages;
            plan->most[phase].bytes = fmax(plan->most[phase].bytes, mine[phase].bytes);
            plan->most[phase].messages = fmax(plan->most[phase].messages, mine[phase].messages);
        }
    }
}

/* Rows that go out come back: where some ranks stand for all, the few that own experts are not among them as they
 * should. */
static void balance_flows(struct moe_flow *flow)
{
    flow[MOE_PHASE_COMBINE] = flow[MOE_PHASE_DISPATCH];
    flow[MOE_PHASE_DISPATCH_BACKWARD] = flow[MOE_PHASE_COMBINE_BACKWARD];
}

/* Whether censuses take as much on both ranks, of which none is 0. */
static int count_alike(const struct moe_job *job, int a, int b)
{
    return moe_job_shards(job, a) == moe_job_shards(job, b) && moe_job_nodes(job, a) == moe_job_nodes(job, b) &&
           moe_job_local(job, MOE_COUNTING, a) == moe_job_local(job, MOE_COUNTING, b);
}

/* The most that any rank takes of each pool, and with the process. */
static double memory_of(const struct moe_job *job, const struct moe_routes *routes, const struct moe_machine *machine,
                        double *peak)
{
    double most = 0, census = 0;
    memset(peak, 0, MOE_POOLS * sizeof *peak);
    for (int rank = 0; rank < (job->ranks <= EACH_RANK ? job->ranks : 1); rank++) {
        double mine[MOE_POOLS], sum = machine->process;
        if (rank < 2 || !count_alike(job, rank - 1, rank))
            census = moe_footprint_census(job, routes, rank);
        moe_footprint_but_census(job, routes, rank, mine);
        mine[MOE_POOL_CENSUS] = census;
        for (int pool = 0; pool < MOE_POOLS; pool++) {
            peak[pool] = fmax(peak[pool], mine[pool]);
            sum += mine[pool];
        }
        most = fmax(most, sum);
    }
    return most;
}

/* What a node has for each of its ranks. */
static double limit_of(const struct moe_job *job, const struct moe_machine *machine)
{
    return machine->memory / (job->per_node < job->ranks ? job->per_node : job->ranks);
}

/* What the program wants to see before it begins: see mpi/memory.h. */
static double asked_of(const struct moe_job *job)
{
    const double censuses = moe_memory_of_censuses(&job->run, &job->task, job->ranks, job->training);
    return fmax(censuses / MOE_CENSUS_SHARE, job->training ? moe_history_bytes(&job->run) / MOE_HISTORY_SHARE : 0);
}

/* The settings that P ranks need: no fewer shards than ranks, no fewer sequences than shards. */
static void fit_settings(struct moe_run *run, int ranks)
{
    const int U = run->parallel.units;
    if (run->parallel.shards < ranks)
        run->parallel.shards = (ranks + U - 1) / U * U;
    if (run->train.batch < run->parallel.shards)
        run->train.batch = run->parallel.shards;
}

static void make_row(struct moe_plan *plan, const struct moe_data *data, int ranks, const struct moe_cost *alone)
{
    struct moe_plan_row *row = &plan->row[plan->rows++];
    struct moe_run run = plan->job.run;
    const int per_node = plan->job.per_node;
    double peak[MOE_POOLS], excess = -INFINITY;
    struct moe_job job;
    struct moe_cost cost;
    fit_settings(&run, ranks);
    moe_job_init(&job, &run, data, ranks, per_node, plan->job.training);
    moe_cost(&cost, &job, &plan->routes, &plan->machine);
    *row = (struct moe_plan_row){
        .ranks = ranks, .shards = run.parallel.shards, .batch = run.train.batch, .step = cost.step};
    row->changed = row->shards != plan->job.run.parallel.shards || row->batch != plan->job.run.train.batch;
    row->extrapolated =
        ranks > per_node || ranks > plan->machine.ranks[plan->machine.exchanges - 1] || cost.beyond;
    row->memory = memory_of(&job, &plan->routes, &plan->machine, peak);
    row->fits = fmax(row->memory, asked_of(&job)) <= limit_of(&job, &plan->machine);
    if (!alone)
        alone = &cost;
    const double more = (double)run.train.batch / plan->job.run.train.batch / ranks;
    row->efficiency = alone->step * more / cost.step;
    for (enum moe_term term = 0; term < MOE_TERMS; term++) {
        row->largest = cost.term[term] > cost.term[row->largest] ? term : row->largest;
        if (cost.term[term] - alone->term[term] * more > excess) {
            excess = cost.term[term] - alone->term[term] * more;
            row->excess = term;
        }
    }
    moe_job_clear(&job);
}

static void make_rows(struct moe_plan *plan, const struct moe_data *data)
{
    struct moe_job one;
    struct moe_cost alone;
    const int U = plan->job.run.parallel.units, E = plan->job.run.model.experts;
    moe_job_init(&one, &plan->job.run, data, 1, plan->job.per_node, plan->job.training);
    moe_cost(&alone, &one, &plan->routes, &plan->machine);
    moe_job_clear(&one);
    plan->bottleneck = plan->suggested = -1;
    for (int ranks = 1; ranks <= RANKS_MAX && (ranks + U - 1) / U * U <= RANKS_MAX; ranks *= 2) {
        make_row(plan, data, ranks, &alone);
        const int at = plan->rows - 1;
        const struct moe_plan_row *row = &plan->row[at];
        if (plan->bottleneck < 0 && row->efficiency < 0.5)
            plan->bottleneck = at;
        if (plan->bottleneck < 0 && !row->changed && row->fits && ranks <= E)
            plan->suggested = at;
    }
}

void moe_plan_make(struct moe_plan *plan, const struct moe_data *data)
{
    const struct moe_job *job = &plan->job;
    moe_flow_census(&plan->census, job, &plan->routes);
    moe_cost(&plan->cost, job, &plan->routes, &plan->machine);
    plan->memory = memory_of(job, &plan->routes, &plan->machine, plan->peak);
    plan->limit = limit_of(job, &plan->machine);
    plan->asked = asked_of(job);
    sum_flows(plan);
    if (job->ranks > EACH_RANK) {
        balance_flows(plan->step);
        balance_flows(plan->whole);
    }
    if (job->training)
        make_rows(plan, data);
}

void moe_plan_clear(struct moe_plan *plan)
{
    moe_flow_census_clear(&plan->census);
    moe_routes_clear(&plan->routes);
    moe_job_clear(&plan->job);
}

const char *moe_plan_grade(const struct moe_plan *plan, enum moe_phase phase)
{
    if (plan->job.ranks > EACH_RANK)
        return "MODEL";
    if (phase == MOE_PHASE_SIZES || phase == MOE_PHASE_GRADIENTS || phase == MOE_PHASE_SCALARS)
        return "DERIVED";
    return moe_flow_knows_bytes(&plan->job, &plan->routes, &plan->census, phase) ? "COUNT" : "MODEL";
}

int moe_plan_fits(const struct moe_plan *plan)
{
    return plan->memory <= plan->limit && plan->asked <= plan->limit;
}

void moe_plan_sbatch(const struct moe_plan *plan, char *text, size_t size)
{
    const struct moe_job *job = &plan->job;
    const int per_node = job->per_node < job->ranks ? job->per_node : job->ranks;
    const int nodes = (job->ranks + per_node - 1) / per_node;
    const double seconds = 1.5 * plan->cost.total + plan->cost.checkpoint + 300;
    const double memory = fmax(1.25 * plan->memory, 1.05 * plan->asked);
    const long minutes = (long)ceil(seconds / 60), megabytes = (long)ceil(memory * per_node / 1048576);
    snprintf(text, size,
             "#SBATCH --nodes=%d\n#SBATCH --ntasks=%d\n#SBATCH --ntasks-per-node=%d\n#SBATCH --cpus-per-task=1\n"
             "#SBATCH --mem=%ldM\n#SBATCH --time=%ld:%02ld:00\n",
             nodes, job->ranks, per_node, megabytes, minutes / 60, minutes % 60);
}
