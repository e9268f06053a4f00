/* What files hold: the series of a training, and what a file is to be while it is written. Sizes of what mpi/ allocates
 * are those of its structures, paths and texts about as long as they are. */
#include <math.h>

#include "src/flow.h"
#include "src/footprint.h"
#include "src/snapshot.h"
#include "src/train.h"

enum {
    DATASET = 128, SCALE = 24, ATTRIBUTE = 56, SLAB = 88, EXTENT = 72, /* bytes of a structure */
    TEXT_BLOCK = 1 << 16, /* short texts share blocks */
    SUM_PIECE = 1 << 22,  /* read at once for a checksum */
    TABLES = 12,          /* of a scope */
    RANK_BYTES = 400      /* figures of a rank */
};

/* What a file will hold, as far as it is listed in memory. */
struct listed {
    double datasets, scales, attributes, slabs, text;
};

/* A list that grows one by one, by half at least. The longest, of attributes, is copied late. */
static double list_bytes(double count, int size)
{
    double capacity = 0;
    while (capacity < count)
        capacity = fmax(capacity + 1, capacity + floor(capacity / 2));
    return capacity * size;
}

static double listed_bytes(const struct listed *listed)
{
    return list_bytes(listed->datasets, DATASET) + list_bytes(listed->scales, SCALE) +
           list_bytes(listed->attributes, ATTRIBUTE) * 5 / 3 + list_bytes(listed->slabs, SLAB) +
           TEXT_BLOCK * ceil(listed->text / TEXT_BLOCK);
}

/* Scopes of a census but the paths by token, of which each token has one. */
static double scopes_of(const struct moe_job *job)
{
    const double L = job->run.model.layers;
    return 2 * L + (L > 2 ? L - 1 : 0) + 2;
}

/* Tables of so many censuses, which rank 0 has, with the attributes of their scopes. */
static void add_tables(struct listed *listed, const struct moe_job *job, double censuses)
{
    const double scopes = scopes_of(job), T = job->task.tokens;
    const double tables = (TABLES + job->run.census.keep_keys) * scopes + T;
    listed->datasets += censuses * tables;
    listed->scales += censuses * 2 * tables;
    listed->attributes += censuses * (tables + 6 * (scopes + T));
    listed->text += censuses * (230 * tables + 6 * 71 * (scopes + T));
}

/* Censuses: loads and choices, which all ranks have, and tables. */
static void add_censuses(struct listed *listed, const struct moe_job *job, double censuses, int rank)
{
    const double kept = (double)moe_kept_choices(&job->run), batch = moe_job_batch(job, MOE_COUNTING);
    const double slabs = ceil(kept / batch), keys = job->run.census.keep_keys ? 2 * scopes_of(job) + 1 : 0;
    listed->datasets += censuses * (7 + keys);
    listed->scales += censuses * (17 + 2 * keys);
    listed->attributes += censuses * (14 + keys);
    listed->slabs += censuses * (slabs + keys);
    listed->text += censuses * (2200 + 64 * slabs + 240 * keys);
    if (rank == 0)
        add_tables(listed, job, censuses);
}

/* All tensors, `times` times. */
static void add_tensors(struct listed *listed, const struct moe_job *job, int times, int rank)
{
    double experts = 0;
    for (int i = 0; i < job->layout.count; i++)
        experts += job->layout.tensor[i].layer >= 0;
    listed->datasets += times * job->layout.count;
    listed->scales += 2.0 * times * job->layout.count;
    listed->slabs += times * experts * moe_job_experts(job, rank);
    listed->text += times * (180.0 * job->layout.count + 64 * experts * moe_job_experts(job, rank));
}

static struct listed common(const struct moe_job *job)
{
    return (struct listed){
        .datasets = 6, .scales = 8, .attributes = 45, .text = 2300 + 8.0 * (job->training ? job->run.train.steps : 0)};
}

double moe_footprint_files(const struct moe_job *job, int rank)
{
    const double P = job->ranks, own = moe_job_experts(job, rank), censuses = moe_job_censuses(job);
    const double history = 3000 + (job->training ? moe_history_bytes(&job->run) : 0);
    struct listed results = common(job), model = common(job), checkpoint = common(job);
    add_censuses(&results, job, censuses, rank);
    add_tensors(&model, job, 1, rank);
    add_tensors(&checkpoint, job, 3, rank);
    add_censuses(&checkpoint, job, fmax(1, censuses - 1), rank);
    const double pairs = P * P * MOE_PHASES * (double)sizeof(int64_t);
    double peak = listed_bytes(&results);
    if (rank == 0)
        peak += RANK_BYTES * P + (P <= MOE_FLOW_PREDICTED_RANKS ? 4 : 2) * pairs;
    if (job->training)
        peak = fmax(peak, listed_bytes(&model));
    else
        peak = fmax(peak, own * (double)job->layout.expert_size * (double)sizeof(moe_real));
    if (moe_job_checkpoints(job) > 0)
        peak = fmax(peak, listed_bytes(&checkpoint) + (rank == 0 ? SUM_PIECE + EXTENT * checkpoint.datasets : 0));
    return history + peak;
}
