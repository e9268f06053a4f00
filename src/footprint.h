/* What a job holds in memory: the peak of every pool on one rank, by the same sizes that the program allocates. */
#ifndef MOE_FOOTPRINT_H
#define MOE_FOOTPRINT_H

#include "src/job.h"
#include "src/pool.h"
#include "src/routes.h"

/* Bytes of each pool at its peak on a rank. Dense, experts, gradients, moments, activations and reduce follow from the
 * settings; dispatch and census from the routes too; files is about what the
 * series and the lists of what is written take.
 *   peak [MOE_POOLS]
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_footprint(const struct moe_job *job, const struct moe_routes *routes, int rank, double *peak);

/* The same with 0 for MOE_POOL_CENSUS, which takes longer than the others and is the same on many ranks.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_footprint_but_census(const struct moe_job *job, const struct moe_routes *routes, int rank, double *peak);

/* Activations and dispatch of the passes of a purpose.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_footprint_pass(const struct moe_job *job, const struct moe_routes *routes, enum moe_purpose purpose,
                          int rank);

/* Bytes of one snapshot of the routing, over all ranks, as a results file and a checkpoint keep it.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_footprint_snapshot(const struct moe_job *job, const struct moe_routes *routes);

/* The part of it that censuses take, MOE_POOL_CENSUS.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_footprint_census(const struct moe_job *job, const struct moe_routes *routes, int rank);

/* The part of it that files take, MOE_POOL_FILES: a training's series, and the largest file while it is written.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_footprint_files(const struct moe_job *job, int rank);

#endif
