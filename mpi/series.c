#include "mpi/series.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "src/pool.h"

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

static void plan_train(struct moe_file *file, const struct moe_run *run, const struct moe_history *history)
{
    plan_steps(file, history->steps);
    const char *loss_unit = run->train.loss == MOE_CROSS_ENTROPY ? "nats" : "squared target units";
    plan_series(file, "/train/loss", history->steps, history->loss, loss_unit);
    plan_series(file, "/train/balance", history->steps, history->balance, NULL);
    plan_series(file, "/train/rate", history->steps, history->rate, NULL);
    plan_series(file, "/train/gradient_norm", history->steps, history->norm, NULL);
    moe_file_whole(file, "/train/imbalance", MOE_REAL64, 3,
                   (const int64_t[]){history->steps, run->model.layers, MOE_IMBALANCES},
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

static void plan_evals(struct moe_file *file, const struct moe_run *run, const struct moe_history *history,
                       double *buffer)
{
    const int classes = run->train.loss == MOE_CROSS_ENTROPY;
    moe_file_scale(file, "/eval/test/step", history->evals, history->eval_step);
    plan_eval(file, history, "/eval/test/loss", offsetof(struct moe_evaluation, loss),
              classes ? "nats" : "squared target units", &buffer);
    if (!isnan(history->eval[0].correct))
        plan_eval(file, history, "/eval/test/accuracy", offsetof(struct moe_evaluation, correct), NULL, &buffer);
    if (!isnan(history->eval[0].clean))
        plan_eval(file, history, "/eval/test/noise_free_mse", offsetof(struct moe_evaluation, clean),
                  "squared target units", &buffer);
}

void moe_series_plan(struct moe_file *file, const struct moe_run *run, const struct moe_history *history,
                     double *buffer)
{
    plan_train(file, run, history);
    plan_evals(file, run, history, buffer);
}

/* One series of the length given; shape[0] rows of the numbers in a row. */
static void read_rows(struct moe_reader *reader, const char *path, enum moe_type type, int rank, const int64_t *shape,
                      void *data, struct moe_error *err)
{
    if (err->code == MOE_OK)
        moe_reader_slab(reader, path, type, rank, shape, (const int64_t[3]){0}, shape, data, err);
}

/* One field of all evaluations; NAN where it is not stored. */
static void read_eval(struct moe_reader *reader, struct moe_history *history, const char *path, size_t field,
                      double *buffer, struct moe_error *err)
{
    const int64_t evals = history->evals;
    const int there = moe_reader_has(reader, path);
    if (there)
        read_rows(reader, path, MOE_REAL64, 1, &evals, buffer, err);
    for (int i = 0; i < history->evals; i++)
        *(double *)((char *)&history->eval[i] + field) = there ? buffer[i] : NAN;
}

enum moe_status moe_series_read(struct moe_reader *reader, const struct moe_run *run, struct moe_history *history,
                                struct moe_error *err)
{
    int64_t steps, evals;
    if (moe_reader_shape(reader, "/train/loss", 1, &steps, err) != MOE_OK ||
        moe_reader_shape(reader, "/eval/test/step", 1, &evals, err) != MOE_OK)
        return err->code;
    if (steps > run->train.steps || evals > moe_train_evaluations(run))
        return moe_fail(err, MOE_INPUT, "more steps or evaluations than the run has");
    history->steps = (int)steps;
    history->evals = (int)evals;
    double *buffer = moe_pool_new(MOE_POOL_FILES, (size_t)evals, sizeof *buffer);
    read_rows(reader, "/train/loss", MOE_REAL64, 1, &steps, history->loss, err);
    read_rows(reader, "/train/balance", MOE_REAL64, 1, &steps, history->balance, err);
    read_rows(reader, "/train/rate", MOE_REAL64, 1, &steps, history->rate, err);
    read_rows(reader, "/train/gradient_norm", MOE_REAL64, 1, &steps, history->norm, err);
    read_rows(reader, "/train/imbalance", MOE_REAL64, 3,
              (const int64_t[]){steps, run->model.layers, MOE_IMBALANCES}, history->imbalance, err);
    read_rows(reader, "/eval/test/step", MOE_I64, 1, &evals, history->eval_step, err);
    read_eval(reader, history, "/eval/test/loss", offsetof(struct moe_evaluation, loss), buffer, err);
    read_eval(reader, history, "/eval/test/accuracy", offsetof(struct moe_evaluation, correct), buffer, err);
    read_eval(reader, history, "/eval/test/noise_free_mse", offsetof(struct moe_evaluation, clean), buffer, err);
    for (int i = 0; i < history->evals; i++)
        history->eval[i].noise = NAN;
    moe_pool_free(buffer);
    return err->code;
}
