#include "mpi/results.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "mpi/h5file.h"
#include "mpi/measurements.h"
#include "mpi/prediction.h"
#include "mpi/provenance.h"
#include "mpi/series.h"
#include "src/pool.h"

struct moe_finding *moe_results_add(struct moe_results *results, int step)
{
    const size_t count = (size_t)results->finding_count;
    struct moe_finding *grown = moe_pool_new(MOE_POOL_CENSUS, count + 1, sizeof *grown);
    if (count)
        memcpy(grown, results->finding, count * sizeof *grown);
    moe_pool_free(results->finding);
    results->finding = grown;
    results->finding_count++;
    grown[count].step = step;
    return &grown[count];
}

void moe_results_remove(struct moe_results *results)
{
    struct moe_finding *finding = &results->finding[--results->finding_count];
    moe_snapshot_clear(&finding->snapshot);
    moe_census_clear(&finding->census);
}

void moe_results_clear(struct moe_results *results)
{
    while (results->finding_count)
        moe_results_remove(results);
    moe_pool_free(results->finding);
    results->finding = NULL;
}

double moe_results_gap_cv(const struct moe_results *results)
{
    const struct moe_history *history = results->history;
    if (!history)
        return NAN;
    return history->eval[history->evals - 1].clean + history->train.noise - history->train.loss;
}

double moe_results_gap(const struct moe_results *results)
{
    const struct moe_history *history = results->history;
    return history ? history->eval[history->evals - 1].loss - history->train.loss : NAN;
}

/* Shape and size of the model, and how well it does. */
static void plan_model(struct moe_file *file, const struct moe_results *results)
{
    const struct moe_run *run = results->run;
    const struct moe_parameter_counts counts = moe_layout_counts(&results->model->layout, run);
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = {{"parameters_total", counts.total},
                   {"parameters_active", counts.active},
                   {"parameters_per_expert", counts.per_expert},
                   {"parameters_experts", counts.experts},
                   {"parameters_attention", counts.attention},
                   {"parameters_router", counts.router},
                   {"parameters_embedding", counts.embedding},
                   {"layers", run->model.layers},
                   {"tokens", results->task->tokens},
                   {"experts", run->model.experts},
                   {"top_k", run->model.top_k},
                   {"width", run->model.width},
                   {"expert_width", run->model.expert_width},
                   {"heads", run->model.heads},
                   {"outputs", results->task->outputs},
                   {"n", run->data.n}};
    moe_file_group(file, "/model");
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        moe_file_int(file, "/model", numbers[i].name, numbers[i].value);
    moe_file_double(file, "/model", "target_bound", results->task->bound);
    if (!results->history)
        return;
    const struct moe_history *history = results->history;
    const struct moe_evaluation *test = &history->eval[history->evals - 1];
    moe_file_double(file, "/model", "train_loss", history->train.loss);
    moe_file_double(file, "/model", "train_noise_free_mse", history->train.clean);
    moe_file_double(file, "/model", "train_noise", history->train.noise);
    moe_file_double(file, "/model", "test_loss", test->loss);
    moe_file_double(file, "/model", "test_noise_free_mse", test->clean);
    moe_file_double(file, "/model", "test_accuracy", test->correct);
    moe_file_double(file, "/model", "gap", moe_results_gap(results));
    moe_file_double(file, "/model", "gap_control_variate", moe_results_gap_cv(results));
}

/* How many experts of each layer served at least one token of the last census. */
static void plan_experts_used(struct moe_file *file, const struct moe_results *results, int64_t *used)
{
    const int L = results->run->model.layers, E = results->run->model.experts;
    const struct moe_snapshot *last = &results->finding[results->finding_count - 1].snapshot;
    for (int i = 0; i < L * E; i++)
        used[i / E] += last->load[i] > 0;
    moe_file_whole(file, "/model/experts_used", MOE_I64, 1, (const int64_t[]){L}, (const char *const[]){"layer"}, NULL,
                   used);
}

enum moe_status moe_results_prepare(const struct moe_results *results, const char *name, struct moe_file_set *set,
                                    struct moe_error *err)
{
    struct moe_file *file = moe_file_new();
    const size_t evals = results->history ? (size_t)results->history->evals : 0;
    double *series = moe_pool_new(MOE_POOL_FILES, 3 * evals, sizeof *series);
    int64_t *used = moe_pool_new(MOE_POOL_FILES, (size_t)results->run->model.layers, sizeof *used);
    moe_file_common(file, results, "results");
    moe_file_text(file, "/", "verb", results->verb);
    plan_model(file, results);
    plan_experts_used(file, results, used);
    if (results->history) {
        moe_series_plan(file, results->run, results->history, series);
    }
    for (int i = 0; i < results->finding_count; i++)
        moe_finding_plan(file, results->run, results->task, &results->finding[i]);
    struct moe_measurements measurements;
    struct moe_prediction prediction;
    moe_measurements_take(&measurements, results);
    moe_measurements_plan(file, &measurements, results);
    moe_prediction_make(&prediction, results);
    moe_prediction_plan(file, &prediction, results);
    enum moe_status status = moe_file_prepare(file, name, set, err);
    moe_file_free(file);
    moe_measurements_clear(&measurements);
    moe_prediction_clear(&prediction);
    moe_pool_free(series);
    moe_pool_free(used);
    return status;
}

enum moe_status moe_results_write(const struct moe_results *results, const char *name, struct moe_error *err)
{
    struct moe_file_set set = {.comm = results->comm->world};
    if (moe_results_prepare(results, name, &set, err) == MOE_OK)
        moe_file_publish(&set, err);
    return err->code;
}
