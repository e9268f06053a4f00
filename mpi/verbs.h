/* The verbs of the program that run on all ranks. Each returns the program's exit status, the same on all ranks, and
 * leaves the text for people to its caller's `report`. */
#ifndef MOE_VERBS_H
#define MOE_VERBS_H

#include <stdio.h>

#include "mpi/comm.h"
#include "mpi/results.h"

/* Prints what a run found; called on rank 0. */
typedef void moe_report(const struct moe_results *results, FILE *out);

/* moecensus train [CONFIG] [section.key=value ...] [-o NAME] [--overwrite] [--print-config]; argv starts at the verb.
 *
 * Ranks:  collective
 * Errors: any of moe_status, text in err
 */
enum moe_status moe_verb_train(const struct moe_comm *comm, int argc, char **argv, moe_report *report,
                               struct moe_error *err);

/* moecensus census MODEL [section.key=value ...] [-o NAME] [--overwrite] [--print-config]
 *
 * Ranks:  collective
 * Errors: any of moe_status, text in err
 */
enum moe_status moe_verb_census(const struct moe_comm *comm, int argc, char **argv, moe_report *report,
                                struct moe_error *err);

/* moecensus plan [CONFIG] --ranks P [--ranks-per-node Q] [--from FILE] [section.key=value ...] [--json]
 * moecensus plan --calibrate -o FILE
 *
 * Ranks:  collective
 * Errors: any of moe_status, text in err
 */
enum moe_status moe_verb_plan(const struct moe_comm *comm, int argc, char **argv, moe_report *report,
                              struct moe_error *err);

/* What plan takes, one a line. Static storage.
 *
 * Ranks:  local
 * Errors: never fails
 */
const char *moe_plan_usage(void);

#endif
