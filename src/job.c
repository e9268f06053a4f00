#include "src/job.h"

#include <string.h>

#include "src/share.h"
#include "src/snapshot.h"
#include "src/train.h"

void moe_job_init(struct moe_job *job, const struct moe_run *run, const struct moe_data *data, int ranks, int per_node,
                  int training)
{
    memset(job, 0, sizeof *job);
    job->run = *run;
    job->task = *moe_data_task(data);
    job->ranks = ranks;
    job->per_node = per_node;
    job->training = training;
    for (int split = 0; split < MOE_SPLITS; split++)
        job->count[split] = moe_data_count(data, split);
    job->source_bytes = moe_data_bytes(data, &job->source_peak, &job->received_bytes);
    job->cosines = moe_data_cosines(data);
    moe_layout_init(&job->layout, run, &job->task);
    moe_tree_init(&job->tree, run->parallel.shards, ranks, 0);
}

void moe_job_clear(struct moe_job *job)
{
    moe_layout_clear(&job->layout);
    moe_tree_clear(&job->tree);
}

int moe_job_censuses(const struct moe_job *job)
{
    return job->training ? moe_train_censuses(&job->run) : 1;
}

int moe_job_evaluations(const struct moe_job *job)
{
    return job->training ? moe_train_evaluations(&job->run) : 0;
}

int moe_job_checkpoints(const struct moe_job *job)
{
    const int every = job->run.train.checkpoint_every;
    return job->training && every > 0 ? job->run.train.steps / every : 0;
}

int moe_job_batch(const struct moe_job *job, enum moe_purpose purpose)
{
    const struct moe_run *run = &job->run;
    if (purpose == MOE_TRAINING)
        return run->train.batch;
    if (purpose == MOE_EVALUATING)
        return run->train.eval_batch;
    return run->census.batch < run->census.sequences ? run->census.batch : (int)run->census.sequences;
}

/* `times` times `count` sequences, in batches. */
struct series {
    double times;
    int64_t count;
};

/* What the passes of a purpose go through. */
static int series_of(const struct moe_job *job, enum moe_purpose purpose, struct series series[2])
{
    const struct moe_run *run = &job->run;
    series[0] = (struct series){moe_job_censuses(job), run->census.sequences};
    if (purpose == MOE_COUNTING)
        return 1;
    if (!job->training)
        return 0;
    series[0] = (struct series){run->train.steps, run->train.batch};
    if (purpose == MOE_TRAINING)
        return 1;
    series[0] = (struct series){moe_job_evaluations(job), job->count[MOE_SPLIT_TEST]};
    series[1] = (struct series){1, job->count[MOE_SPLIT_TRAIN]};
    return series[1].count == INT64_MAX ? 1 : 2;
}

/* Sequences of a batch that fall to a rank. */
static int64_t local(const struct moe_job *job, int64_t batch, int rank)
{
    const int V = job->run.parallel.shards;
    return moe_share_first(batch, V, moe_share_first(V, job->ranks, rank + 1)) -
           moe_share_first(batch, V, moe_share_first(V, job->ranks, rank));
}

struct totals {
    double passes, sequences, local, busy;
};

static struct totals total(const struct moe_job *job, enum moe_purpose purpose, int rank)
{
    struct series series[2];
    struct totals sum = {0};
    const int64_t batch = moe_job_batch(job, purpose);
    for (int i = 0, n = series_of(job, purpose, series); i < n; i++) {
        const double times = series[i].times, whole = (double)(series[i].count / batch);
        const int64_t rest = series[i].count % batch;
        const int64_t of_batch = local(job, batch, rank), of_rest = local(job, rest, rank);
        sum.passes += times * (whole + (rest > 0));
        sum.sequences += times * (double)series[i].count;
        sum.local += times * (whole * (double)of_batch + (double)of_rest);
        sum.busy += times * (whole * (of_batch > 0) + (of_rest > 0));
    }
    return sum;
}

double moe_job_passes(const struct moe_job *job, enum moe_purpose purpose)
{
    return total(job, purpose, 0).passes;
}

double moe_job_sequences(const struct moe_job *job, enum moe_purpose purpose)
{
    return total(job, purpose, 0).sequences;
}

double moe_job_local(const struct moe_job *job, enum moe_purpose purpose, int rank)
{
    return total(job, purpose, rank).local;
}

double moe_job_busy(const struct moe_job *job, enum moe_purpose purpose, int rank)
{
    return total(job, purpose, rank).busy;
}

int moe_job_shards(const struct moe_job *job, int rank)
{
    return (int)moe_share_count(job->run.parallel.shards, job->ranks, rank);
}

int moe_job_experts(const struct moe_job *job, int rank)
{
    return (int)moe_share_count(job->run.model.experts, job->ranks, rank);
}

int moe_job_nodes(const struct moe_job *job, int rank)
{
    return job->tree.start[rank + 1] - job->tree.start[rank];
}

struct moe_census_shape moe_job_census(const struct moe_job *job)
{
    struct moe_census_shape shape = moe_census_shape_of(&job->run);
    shape.tokens = job->task.tokens;
    return shape;
}
