/* From a results file to everything an analysis says of it. */
#ifndef MOE_STUDY_H
#define MOE_STUDY_H

#include "analysis/estimate.h"
#include "analysis/grid.h"
#include "analysis/print.h"
#include "mpi/h5read.h"
#include "src/config.h"
#include "src/status.h"

struct moe_study_options {
    struct moe_estimate_options estimate;
    const char *snapshot;   /* null: all in the file */
    const char *model;      /* model file; null: NAME.model.h5 beside NAME.h5, where there is one */
    double log_factor;      /* LF of the covering bound; NAN: from the model's weights, delta = 1 / n */
    double ratio;           /* a / b of the constants of the SMoE paper; NAN unknown */
    double skills, natarajan; /* of the SMoE paper; NAN unknown */
    double lipschitz;       /* C of the loss; NAN unknown */
    double rademacher, class_constant; /* R_m(H) and c of the SMoE paper's Theorem 1, as stated and repaired */
};

/* Adds the sheets of one file: SNAPSHOT/SCOPE of every scope, SNAPSHOT/routing/layer-NN, source, SNAPSHOT/spectra of
 * the last snapshot, weights, bounds. The report is filled on rank 0.
 *
 * Ranks:  collective
 * Errors: MOE_INPUT not a results file, another schema version, damaged; the same on all ranks
 */
enum moe_status moe_study_file(struct moe_report_file *report, const char *file,
                               const struct moe_study_options *options, const struct moe_comm *comm,
                               const struct moe_grid *grid, struct moe_error *err);

/* Opens a results file and checks that it is one.
 *
 * Ranks:  local
 * Errors: MOE_INPUT, *reader null
 */
enum moe_status moe_study_open(struct moe_reader **reader, const char *file, struct moe_error *err);

/* The settings of a file: those of record, and the others where it has them.
 *
 * Ranks:  local
 * Errors: MOE_INPUT there are none, or they cannot be read
 */
enum moe_status moe_study_settings(struct moe_run *run, struct moe_reader *reader, struct moe_error *err);

#endif
