/* Many runs side by side: how the error falls with samples and parameters, where computing is best spent, and whether
 * the generalisation gap follows the parameters that are active or all that are used.
 *
 * Runs of the same config but for the seeds form a cell; its runs are the repetitions that intervals come from. */
#ifndef MOE_SWEEP_H
#define MOE_SWEEP_H

#include <stdint.h>

#include "analysis/sheet.h"
#include "src/status.h"

struct moe_grid;

/* One run, as read from its file. Numbers that are not known are NAN. */
struct moe_sweep_row {
    char name[256];           /* of the file, its end where it is longer */
    const char *cell;         /* config of record without data.seed and model.seed: equal text, equal cell; borrowed */
    uint64_t data_seed, model_seed;
    int64_t n;                /* training sequences; 0: endless */
    int64_t active, total;    /* parameters; active without routers */
    int64_t per_expert;       /* parameters of one expert */
    int64_t experts_used;     /* experts with a load, over all layers */
    int layers, tokens, experts, top_k, width, expert_width; /* L, T, E, K, C, F */
    int learned;              /* the router is learned */
    int dim;                  /* d and beta of the source; 0 and NAN unknown */
    double beta;
    double sequences_seen;    /* steps x batch */
    double train_error, test_error; /* noise-free squared error where known, else the loss */
    double gap_cv;            /* gap with the noise of the training targets taken out */
    double noise;             /* sigma^2: mean squared noise of the training targets */
    double path_entropy;      /* plug-in, one token's path, nats */
    double entropy_upper;     /* sum over positions of the path's entropy, nats */
    double sequence_entropy;  /* plug-in, the whole sequence, nats */
    double ln_worst;          /* ln of the number of full patterns, nats */
};

/* The figures of one run as a row of the sweep's table: sheet->title is the run's name, figures come in the same order
 * for every row.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_sweep_sheet(const struct moe_sweep_row *row, struct moe_sheet *sheet);

/* Adds the exponents of error ~ n^-alpha_D and error ~ N^-alpha_N, each with interval and beside the value that
 * smoothness and dimension give, and the identity between them.
 *   alpha_D                  slope in ln n over the best cell of every n
 *   alpha_N_active, _total   slope in ln N at the largest n, over the best cell of every N
 *   alpha_D_theory, alpha_N_theory            2 beta / (2 beta + d), 2 beta / d
 *   alpha_D_identity_active, _total           alpha_N / (1 + alpha_N)
 *   identity_gap_active, _total               alpha_D less that, with interval
 * Intervals are t intervals over the slopes of single seeds where at least three seeds are in all cells of the fit,
 * else those of least squares.
 *
 * Ranks:  local
 * Errors: never fails; missing, with the reason, where the runs do not tell
 */
void moe_sweep_scaling(const struct moe_sweep_row *rows, int count, struct moe_sheet *sheet);

/* Adds the exponents of the compute-optimal frontier: of all cells those that no cheaper cell beats, the cost being
 * F = 6 N D with D tokens trained on; once with N the active, once with all parameters.
 *   frontier_active_points, frontier_active_N, _D, _error     N* ~ F^., D* ~ F^., error* ~ F^.; and _total_
 *   frontier_N_theory, _D_theory, _error_theory
 *
 * Ranks:  local
 * Errors: as moe_sweep_scaling
 */
void moe_sweep_frontier(const struct moe_sweep_row *rows, int count, struct moe_sheet *sheet);

/* Adds the regression ln error = a + b ln n + c ln N_active + d ln N_total over all runs with an error and a finite n,
 * without the terms that are the same in all of them: regression_runs, regression_intercept, regression_n,
 * regression_N_active, regression_N_total with t intervals, regression_residual and regression_condition.
 *   rows [count]   rank 0's; others may pass null and 0, and their sheet is not looked at
 *
 * Ranks:  collective
 * Errors: MOE_NUMERIC as moe_leastsq_fit, the same on all ranks; missing, with the reason, where the runs do not tell
 */
enum moe_status moe_sweep_regression(const struct moe_grid *grid, const struct moe_sweep_row *rows, int count,
                                     struct moe_sheet *sheet, struct moe_error *err);

enum moe_verdict {
    MOE_INCONCLUSIVE,
    MOE_ACTIVE_REJECTED,  /* the gap does not follow the active parameters alone */
    MOE_TOTAL_REJECTED,   /* it does not follow all parameters in use */
    MOE_BOTH_REJECTED
};

/* Adds the regression n gap_cv / sigma^2 = c1 N_act + c2 (N_used - N_act) + c3 R, R = L T K ln(e E / K) for learned
 * routers and 0 for others, N_used with the experts that have a load; weights 1 / N_used, no intercept. Fitted on runs
 * with E P_exp L <= n / 4.
 *   gap_runs, gap_runs_left_out, gap_c1, gap_c2, gap_c3, gap_ratio (c2 / c1, its note is the verdict), gap_residual,
 *   gap_condition
 * Intervals by the cluster bootstrap over seeds, t quantile with seeds - 1 degrees of freedom. "Active" (c2 / c1 = 0)
 * is rejected when the interval lies above 0.1 and some run has N_total / N_active >= 8; "total" (c2 / c1 = 1) when it
 * lies below 0.9. *verdict is rank 0's; inconclusive, with the reason, where the runs do not tell c1 and c2 apart.
 *   rows, count, sheet   as in moe_sweep_regression
 *
 * Ranks:  collective
 * Errors: MOE_NUMERIC as moe_leastsq_fit, the same on all ranks
 */
enum moe_status moe_sweep_gap(const struct moe_grid *grid, const struct moe_sweep_row *rows, int count,
                              struct moe_sheet *sheet, enum moe_verdict *verdict, struct moe_error *err);

#endif
