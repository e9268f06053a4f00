/* What the planner predicts: one run of given settings on a given number of ranks, as numbers of passes and sequences.
 * Nothing here runs a model; flow.h, footprint.h and cost.h say what the job sends, holds and takes. */
#ifndef MOE_JOB_H
#define MOE_JOB_H

#include <stdint.h>

#include "src/census.h"
#include "src/config.h"
#include "src/data.h"
#include "src/layout.h"
#include "src/model.h"
#include "src/tree.h"

struct moe_job {
    struct moe_run run;        /* a copy */
    struct moe_task task;      /* a copy */
    int ranks, per_node;       /* P, ranks of a node */
    int training;              /* 0: a census of a model, without training */
    int64_t count[MOE_SPLITS]; /* sequences of the source, INT64_MAX where endless */
    int64_t source_bytes, source_peak; /* of pool data, once the source is open and at most until then: on rank 0 */
    int64_t received_bytes;    /* once it is open on the others, which get the inputs from rank 0 */
    int cosines;               /* of a torus' target */
    struct moe_layout layout;
    struct moe_tree tree;
};

/* Describes the job of `run` on `ranks` ranks; data is the open source. moe_job_clear gives it back.
 *
 * Ranks:  local
 * Errors: never returns without memory; the settings must have passed moe_config_check for so many ranks
 */
void moe_job_init(struct moe_job *job, const struct moe_run *run, const struct moe_data *data, int ranks, int per_node,
                  int training);
void moe_job_clear(struct moe_job *job);

/* How many censuses and evaluations of test data the job takes, and the checkpoints that train.checkpoint_every makes.
 *
 * Ranks:  local
 * Errors: never fails
 */
int moe_job_censuses(const struct moe_job *job);
int moe_job_evaluations(const struct moe_job *job);
int moe_job_checkpoints(const struct moe_job *job);

/* The most sequences in a pass of a purpose: what its buffers are made for.
 *
 * Ranks:  local
 * Errors: never fails
 */
int moe_job_batch(const struct moe_job *job, enum moe_purpose purpose);

/* Over all passes of a purpose: how many there are, their sequences, those of them that fall to a rank, and the passes
 * in which it gets at least one. They are whole numbers, in double since an endless job can have more than 2^63.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_job_passes(const struct moe_job *job, enum moe_purpose purpose);
double moe_job_sequences(const struct moe_job *job, enum moe_purpose purpose);
double moe_job_local(const struct moe_job *job, enum moe_purpose purpose, int rank);
double moe_job_busy(const struct moe_job *job, enum moe_purpose purpose, int rank);

/* Shards, experts and tree nodes of a rank.
 *
 * Ranks:  local
 * Errors: never fails
 */
int moe_job_shards(const struct moe_job *job, int rank);
int moe_job_experts(const struct moe_job *job, int rank);
int moe_job_nodes(const struct moe_job *job, int rank);

/* The shape of the job's censuses.
 *
 * Ranks:  local
 * Errors: never fails
 */
struct moe_census_shape moe_job_census(const struct moe_job *job);

#endif
