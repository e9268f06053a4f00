#include "mpi/results.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "mpi/h5file.h"
#include "mpi/measurements.h"
#include "mpi/provenance.h"
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

void moe_results_clear(struct moe_results *results)
{
    for (int i = 0; i < results->finding_count; i++) {
        moe_snapshot_clear(&results->finding[i].snapshot);
        moe_census_clear(&results->finding[i].census);
    }
    moe_pool_free(results->finding);
    results->finding = NULL;
    results->finding_count = 0;
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

static void plan_series(struct moe_file *file, const char *path, int64_t steps, const double *values, const char *unit)
{
    moe_file_whole(file, path, MOE_REAL64, 1, (const int64_t[]){steps}, (const char *const[]){"step"}, unit, values);
}

/* Series are numbered by the steps done: 1, 2, ... */
static void plan_steps(struct moe_file *file, int64_t steps)
{
    int64_t *number = moe_pool_new(MOE_POOL_FILES, (size_t)steps, sizeof *number);
    for (int64_t i = 0; i < steps; i++)
        number[i] = i + 1;
    moe_file_scale(file, "/train/step", steps, number);
    moe_pool_free(number);
}

static void plan_train(struct moe_file *file, const struct moe_results *results)
{
    const struct moe_history *history = results->history;
    plan_steps(file, history->steps);
    const char *loss_unit = results->run->train.loss == MOE_CROSS_ENTROPY ? "nats" : "squared target units";
    plan_series(file, "/train/loss", history->steps, history->loss, loss_unit);
    plan_series(file, "/train/balance", history->steps, history->balance, NULL);
    plan_series(file, "/train/rate", history->steps, history->rate, NULL);
    plan_series(file, "/train/gradient_norm", history->steps, history->norm, NULL);
    moe_file_whole(file, "/train/imbalance", MOE_REAL64, 3,
                   (const int64_t[]){history->steps, results->run->model.layers, MOE_IMBALANCES},
                   (const char *const[]){"step", "layer", "metric"}, NULL, history->imbalance);
    moe_file_text(file, "/train/imbalance", "metrics", "max/mean (max-mean)/mean mean/max min/mean");
}

/* One field of all evaluations as a series; *buffer takes the values and moves on. */
static void plan_eval(struct moe_file *file, const struct moe_history *history, const char *path, size_t field,
                      const char *unit, double **buffer)
{
    for (int i = 0; i < history->evals; i++)
        memcpy(*buffer + i, (const char *)&history->eval[i] + field, sizeof(double));
    plan_series(file, path, history->evals, *buffer, unit);
    *buffer += history->evals;
}

static void plan_evals(struct moe_file *file, const struct moe_results *results, double *buffer)
{
    const struct moe_history *history = results->history;
    const int classes = results->run->train.loss == MOE_CROSS_ENTROPY;
    moe_file_scale(file, "/eval/test/step", history->evals, history->eval_step);
    plan_eval(file, history, "/eval/test/loss", offsetof(struct moe_evaluation, loss),
              classes ? "nats" : "squared target units", &buffer);
    if (!isnan(history->eval[0].correct))
        plan_eval(file, history, "/eval/test/accuracy", offsetof(struct moe_evaluation, correct), NULL, &buffer);
    if (!isnan(history->eval[0].clean))
        plan_eval(file, history, "/eval/test/noise_free_mse", offsetof(struct moe_evaluation, clean),
                  "squared target units", &buffer);
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

static void plan_coactivation(struct moe_file *file, const char *group, const struct moe_snapshot *snapshot)
{
    const int64_t L = snapshot->shape.layers, E = snapshot->shape.experts;
    char path[128];
    if (L * E <= MOE_COACTIVATION_MAX) {
        snprintf(path, sizeof path, "%s/coactivation", group);
        moe_file_whole(file, path, MOE_I64, 4, (const int64_t[]){L, E, L, E},
                       (const char *const[]){"layer", "expert", "other_layer", "other_expert"}, "tokens",
                       snapshot->coactivation);
    } else {
        snprintf(path, sizeof path, "%s/coactivation_adjacent", group);
        moe_file_whole(file, path, MOE_I64, 4, (const int64_t[]){L, 2, E, E},
                       (const char *const[]){"layer", "next", "expert", "other_expert"}, "tokens",
                       snapshot->coactivation);
    }
}

/* The edges of the margin's bins, made once for all snapshots. */
static const double *margin_edges(void)
{
    static double edge[MOE_MARGIN_BINS + 1];
    for (int i = 0; i <= MOE_MARGIN_BINS; i++)
        edge[i] = moe_margin_edge(i);
    return edge;
}

static void plan_routing(struct moe_file *file, const struct moe_finding *finding)
{
    const struct moe_snapshot *snapshot = &finding->snapshot;
    const int64_t L = snapshot->shape.layers, E = snapshot->shape.experts;
    const char *const dims[] = {"layer", "expert", "label"};
    char group[64], path[128];
    snprintf(group, sizeof group, "/routing/step-%08d", finding->step);
    snprintf(path, sizeof path, "%s/load", group);
    moe_file_whole(file, path, MOE_I64, 2, (const int64_t[]){L, E}, dims, "choices", snapshot->load);
    snprintf(path, sizeof path, "%s/gate_energy", group);
    moe_file_whole(file, path, MOE_REAL64, 2, (const int64_t[]){L, E}, dims, NULL, snapshot->gate_energy);
    if (snapshot->labels) {
        snprintf(path, sizeof path, "%s/load_by_label", group);
        moe_file_whole(file, path, MOE_I64, 3, (const int64_t[]){L, E, snapshot->labels}, dims, "choices",
                       snapshot->load_by_label);
    }
    plan_coactivation(file, group, snapshot);
    snprintf(path, sizeof path, "%s/margin", group);
    moe_file_whole(file, path, MOE_I64, 2, (const int64_t[]){L, MOE_MARGIN_BINS},
                   (const char *const[]){"layer", "margin_bin"}, "tokens", snapshot->margin);
    snprintf(path, sizeof path, "%s/margin_edge", group);
    moe_file_whole(file, path, MOE_REAL64, 1, (const int64_t[]){MOE_MARGIN_BINS + 1},
                   (const char *const[]){"edge"}, "nats", margin_edges());
}

static void plan_scope(struct moe_file *file, const char *census, const struct moe_scope_tables *scope)
{
    char group[128], path[192], rows[64], columns[32];
    snprintf(group, sizeof group, "%s/%s", census, scope->path);
    moe_file_group(file, group);
    moe_file_double(file, group, "ln_worst_case", scope->scope.ln_worst);
    moe_file_int(file, group, "samples", scope->samples);
    moe_file_int(file, group, "samples_per_sequence", scope->scope.samples);
    moe_file_int(file, group, "patterns", scope->patterns);
    moe_file_text(file, group, "keys", scope->scope.exact ? "exact" : "xxh3-128");
    moe_file_double(file, group, "collision_bound",
                    scope->scope.exact ? 0 : ldexp((double)scope->patterns * (double)scope->patterns, -129));
    for (int i = 0; i < scope->count; i++) {
        const struct moe_table *table = &scope->table[i];
        snprintf(path, sizeof path, "%s/%s", group, table->name);
        snprintf(rows, sizeof rows, "%s_row", table->name);
        snprintf(columns, sizeof columns, "/columns_%d", table->width);
        moe_file_whole(file, path, MOE_I64, 2, (const int64_t[]){table->rows, table->width},
                       (const char *const[]){rows, columns}, NULL, table->value);
        moe_file_text(file, path, "columns", table->columns);
    }
}

static void plan_keys(struct moe_file *file, const char *census, const struct moe_census_keys *keys)
{
    char path[192];
    snprintf(path, sizeof path, "%s/%s/keys", census, keys->path);
    moe_file_dataset(file, path, MOE_U64, 2, (const int64_t[]){keys->all_patterns, 2},
                     (const char *const[]){"pattern", "/columns_2"}, NULL);
    moe_file_text(file, path, "columns", "high low");
    moe_file_slab(file, path, MOE_U64, 2, (const int64_t[]){keys->first_pattern, 0},
                  (const int64_t[]){keys->patterns, 2}, keys->key);
    snprintf(path, sizeof path, "%s/%s/rows", census, keys->path);
    moe_file_dataset(file, path, MOE_I64, 2, (const int64_t[]){keys->all_rows, 5},
                     (const char *const[]){"row", "/columns_5"}, NULL);
    moe_file_text(file, path, "columns", "pattern group count sequences thinned");
    moe_file_slab(file, path, MOE_I64, 2, (const int64_t[]){keys->first_row, 0}, (const int64_t[]){keys->rows, 5},
                  keys->row);
}

static void plan_choices(struct moe_file *file, const char *census, const struct moe_results *results,
                         const struct moe_snapshot *snapshot)
{
    const struct moe_census_shape *shape = &snapshot->shape;
    const int64_t sites = (int64_t)shape->tokens * shape->layers * shape->top_k;
    int64_t keep = results->run->census.keep_choices, at = 0;
    char path[128];
    keep = keep < shape->sequences ? keep : shape->sequences;
    snprintf(path, sizeof path, "%s/choices", census);
    moe_file_dataset(file, path, MOE_I16, 4, (const int64_t[]){keep, shape->tokens, shape->layers, shape->top_k},
                     (const char *const[]){"/sequence", "token", "layer", "choice"}, "expert");
    for (int i = 0; i < snapshot->slabs; at += snapshot->slab[i++].count)
        moe_file_slab(file, path, MOE_I16, 4, (const int64_t[]){snapshot->slab[i].first, 0, 0, 0},
                      (const int64_t[]){snapshot->slab[i].count, shape->tokens, shape->layers, shape->top_k},
                      snapshot->choices + at * sites);
}

static void plan_census(struct moe_file *file, const struct moe_results *results, const struct moe_finding *finding)
{
    const struct moe_census_shape *shape = &finding->snapshot.shape;
    char group[64];
    snprintf(group, sizeof group, "/census/step-%08d", finding->step);
    moe_file_group(file, group);
    moe_file_text(file, group, "split",
                  results->run->data.source == MOE_TORUS ? "fresh sequences" : "held-out sequences");
    moe_file_int(file, group, "first_sequence", shape->first);
    moe_file_int(file, group, "sequences", shape->sequences);
    moe_file_int(file, group, "tokens", shape->sequences * shape->tokens);
    moe_file_int(file, group, "sum_squared_lengths", shape->sequences * shape->tokens * shape->tokens);
    moe_file_int(file, group, "independent", results->task->independent);
    moe_file_int(file, group, "groups", MOE_GROUPS);
    for (int i = 0; i < finding->census.tables_count; i++)
        plan_scope(file, group, &finding->census.tables[i]);
    for (int i = 0; i < finding->census.keys_count; i++)
        plan_keys(file, group, &finding->census.keys[i]);
    plan_choices(file, group, results, &finding->snapshot);
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
        plan_train(file, results);
        plan_evals(file, results, series);
    }
    for (int i = 0; i < results->finding_count; i++) {
        plan_routing(file, &results->finding[i]);
        plan_census(file, results, &results->finding[i]);
    }
    struct moe_measurements measurements;
    moe_measurements_take(&measurements, results);
    moe_measurements_plan(file, &measurements, results);
    enum moe_status status = moe_file_prepare(file, name, set, err);
    moe_file_free(file);
    moe_measurements_clear(&measurements);
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
