/* What a run found, and the layout of the files that hold it: the only place that knows the names in a results file. */
#ifndef MOE_RESULTS_H
#define MOE_RESULTS_H

#include "mpi/comm.h"
#include "mpi/exchange_mpi.h"
#include "mpi/findings.h"
#include "mpi/h5file.h"
#include "src/model.h"
#include "src/train.h"

enum { MOE_SCHEMA_VERSION = 1 };

/* What a run leaves; the parts that rank 0 alone needs are whole there. */
struct moe_results {
    const char *verb;                /* "train" or "census" */
    const struct moe_comm *comm;     /* borrowed, as all that follows */
    const struct moe_run *run;
    const struct moe_task *task;
    const struct moe_model *model;
    const struct moe_data *data;     /* the open source, for predictions; null where nothing was run */
    const struct moe_history *history; /* null for a census */
    const char *config;              /* text of record */
    const char *checksum;            /* of the inputs; "" without */
    const char *command;             /* the command line */
    const char *resumed;             /* where the training was taken up again, in words; "" */
    int finding_count;
    struct moe_finding *finding;     /* in the order of steps; owned */
};

/* Adds room for a finding at a step and returns it, zeroed. Findings returned before may move.
 *
 * Ranks:  every rank
 * Errors: never returns without memory
 */
struct moe_finding *moe_results_add(struct moe_results *results, int step);

/* Takes the newest finding out again.
 *
 * Ranks:  every rank
 * Errors: never fails; there must be one
 */
void moe_results_remove(struct moe_results *results);
void moe_results_clear(struct moe_results *results);

/* Prepares the results file `name` as one of a set.
 *
 * Ranks:  collective
 * Errors: as moe_file_prepare
 */
enum moe_status moe_results_prepare(const struct moe_results *results, const char *name, struct moe_file_set *set,
                                    struct moe_error *err);

/* Writes the results file `name`.
 *
 * Ranks:  collective
 * Errors: as moe_file_write
 */
enum moe_status moe_results_write(const struct moe_results *results, const char *name, struct moe_error *err);

/* The gap between test and training error with the control variate (noise of the training targets), and without; NAN
 * where a part is unknown.
 *
 * Ranks:  local
 * Errors: never fails
 * Formula: gap_cv = noise-free test error + mean squared training noise - training error
 */
double moe_results_gap_cv(const struct moe_results *results);
double moe_results_gap(const struct moe_results *results);

#endif
