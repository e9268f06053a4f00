#include "src/train.h"

#include <math.h>
#include <string.h>

#include "src/clock.h"
#include "src/pool.h"

void moe_imbalance(const int64_t *load, int experts, double *metric)
{
    int64_t most = load[0], least = load[0], sum = 0;
    for (int e = 0; e < experts; e++) {
        most = load[e] > most ? load[e] : most;
        least = load[e] < least ? load[e] : least;
        sum += load[e];
    }
    double mean = (double)sum / experts;
    metric[MOE_OVERLOAD] = (double)most / mean;
    metric[MOE_MAX_VIOLATION] = ((double)most - mean) / mean;
    metric[MOE_BALANCEDNESS] = mean / (double)most;
    metric[MOE_UTILISATION] = (double)least / mean;
}

int moe_evaluate(const struct moe_model *model, const struct moe_data *data, struct moe_pass *pass,
                 enum moe_split split, int64_t count, const struct moe_observer *observer,
                 struct moe_evaluation *evaluation)
{
    struct moe_evaluation sum = {0};
    for (int64_t first = 0; first < count; first += pass->capacity) {
        if (first > 0 && observer && observer->asked && observer->asked(observer->context))
            return 0;
        int batch = (int)(count - first < pass->capacity ? count - first : pass->capacity);
        moe_pass_begin(pass, model, split, batch);
        for (int s = 0; s < pass->sequences; s++)
            pass->index[s] = first + pass->first + s;
        moe_pass_fetch(pass, data);
        struct moe_totals totals = moe_model_forward(model, pass);
        double share = (double)batch / (double)count;
        sum.loss += totals.loss * share;
        sum.clean += totals.clean * share;
        sum.noise += totals.noise * share;
        sum.correct += totals.correct * share;
    }
    *evaluation = sum;
    return 1;
}

/* What the loop works with. */
struct loop {
    struct moe_training *training;
    struct moe_model *model;
    const struct moe_data *data;
    const struct moe_observer *observer;
    struct moe_history *history;
    struct moe_pass pass, eval_pass;
    struct moe_gradients gradients;
};

double moe_history_bytes(const struct moe_run *run)
{
    double by_step = 4 + (double)run->model.layers * MOE_IMBALANCES;
    double by_eval = (double)(sizeof(int64_t) + sizeof(struct moe_evaluation)) / run->train.eval_every;
    return run->train.steps * (by_step * (double)sizeof(double) + by_eval);
}

int moe_train_evaluations(const struct moe_run *run)
{
    const int steps = run->train.steps, every = run->train.eval_every;
    return 1 + steps / every + (steps % every != 0);
}

int moe_train_censuses(const struct moe_run *run)
{
    return 2 + (run->census.every ? (run->train.steps - 1) / run->census.every : 0);
}

static void history_init(struct moe_history *history, const struct moe_run *run)
{
    const size_t steps = (size_t)run->train.steps;
    memset(history, 0, sizeof *history);
    history->loss = moe_pool_new(MOE_POOL_FILES, steps, sizeof(double));
    history->balance = moe_pool_new(MOE_POOL_FILES, steps, sizeof(double));
    history->rate = moe_pool_new(MOE_POOL_FILES, steps, sizeof(double));
    history->norm = moe_pool_new(MOE_POOL_FILES, steps, sizeof(double));
    history->imbalance =
        moe_pool_new(MOE_POOL_FILES, steps * (size_t)run->model.layers * MOE_IMBALANCES, sizeof(double));
    const size_t evals = (size_t)moe_train_evaluations(run);
    history->eval_step = moe_pool_new(MOE_POOL_FILES, evals, sizeof(int64_t));
    history->eval = moe_pool_new(MOE_POOL_FILES, evals, sizeof(struct moe_evaluation));
}

static void history_clear(struct moe_history *history)
{
    moe_pool_free(history->loss);
    moe_pool_free(history->balance);
    moe_pool_free(history->rate);
    moe_pool_free(history->norm);
    moe_pool_free(history->imbalance);
    moe_pool_free(history->eval_step);
    moe_pool_free(history->eval);
    memset(history, 0, sizeof *history);
}

void moe_training_init(struct moe_training *training, struct moe_model *model, const struct moe_data *data)
{
    *training = (struct moe_training){.model = model, .data = data, .census_step = -1};
    moe_optim_init(&training->optim, model);
    history_init(&training->history, model->run);
}

void moe_training_clear(struct moe_training *training)
{
    moe_optim_clear(&training->optim);
    history_clear(&training->history);
}

static void loop_init(struct loop *loop)
{
    const struct moe_run *run = loop->model->run;
    moe_pass_init(&loop->pass, loop->model, loop->data, run->train.batch, MOE_TRAINING);
    moe_pass_init(&loop->eval_pass, loop->model, loop->data, run->train.eval_batch, MOE_EVALUATING);
    moe_gradients_init(&loop->gradients, loop->model);
}

static void loop_clear(struct loop *loop)
{
    moe_pass_clear(&loop->pass, loop->model);
    moe_pass_clear(&loop->eval_pass, loop->model);
    moe_gradients_clear(&loop->gradients);
}

static void record(struct moe_history *history, const struct moe_run *run, int step, const struct moe_totals *totals,
                   double norm)
{
    const int L = run->model.layers, E = run->model.experts;
    history->loss[step] = totals->loss;
    history->balance[step] = totals->balance;
    history->rate[step] = moe_learning_rate(run, step);
    history->norm[step] = norm;
    for (int l = 0; l < L; l++)
        moe_imbalance(totals->load + l * E, E, history->imbalance + ((int64_t)step * L + l) * MOE_IMBALANCES);
    history->steps = step + 1;
}

static enum moe_status train_step(struct loop *loop, int step, struct moe_error *err)
{
    struct moe_pass *pass = &loop->pass;
    double clock = moe_clock();
    moe_pass_begin(pass, loop->model, MOE_SPLIT_TRAIN, loop->model->run->train.batch);
    for (int s = 0; s < pass->sequences; s++)
        pass->index[s] = moe_data_draw(loop->data, step, pass->first + s);
    moe_pass_fetch(pass, loop->data);
    clock = moe_clock_add(MOE_TIME_DATA, clock);
    struct moe_totals totals = moe_model_forward(loop->model, pass);
    clock = moe_clock_add(MOE_TIME_FORWARD, clock);
    moe_model_backward(loop->model, pass, &loop->gradients);
    clock = moe_clock_add(MOE_TIME_BACKWARD, clock);
    double norm = moe_optim_step(&loop->training->optim, loop->model, &loop->gradients, step);
    moe_clock_add(MOE_TIME_OPTIMISER, clock);
    record(loop->history, loop->model->run, step, &totals, norm);
    if (!isfinite(totals.loss) || !isfinite(totals.balance) || !isfinite(norm))
        return moe_fail(err, MOE_NUMERIC, "%s is not finite (lower train.rate, or raise train.warmup)",
                        isfinite(totals.loss) && isfinite(totals.balance) ? "the gradient" : "the loss");
    return MOE_OK;
}

static enum moe_status between(struct loop *loop, struct moe_error *err)
{
    const struct moe_observer *observer = loop->observer;
    return observer->between ? observer->between(observer->context, loop->training, err) : MOE_OK;
}

/* The first `count` sequences of a split; 0 where that was left. */
static int evaluate(struct loop *loop, enum moe_split split, int64_t count, struct moe_evaluation *evaluation)
{
    const double clock = moe_clock();
    const int whole =
        moe_evaluate(loop->model, loop->data, &loop->eval_pass, split, count, loop->observer, evaluation);
    moe_clock_add(MOE_TIME_EVALUATION, clock);
    return whole;
}

static enum moe_status evaluate_test(struct loop *loop, int done, struct moe_error *err)
{
    struct moe_history *history = loop->history;
    struct moe_evaluation *eval = &history->eval[history->evals];
    if (!evaluate(loop, MOE_SPLIT_TEST, moe_data_count(loop->data, MOE_SPLIT_TEST), eval))
        return between(loop, err);
    history->eval_step[history->evals++] = done;
    if (!isfinite(eval->loss))
        return moe_fail(err, MOE_NUMERIC, "the test loss is not finite (lower train.rate, or raise train.warmup)");
    return MOE_OK;
}

/* The whole training set once, where it has an end. */
static enum moe_status evaluate_train(struct loop *loop, struct moe_error *err)
{
    const int64_t count = moe_data_count(loop->data, MOE_SPLIT_TRAIN);
    loop->history->train = (struct moe_evaluation){NAN, NAN, NAN, NAN};
    if (count == INT64_MAX)
        return MOE_OK;
    if (!evaluate(loop, MOE_SPLIT_TRAIN, count, &loop->history->train))
        return between(loop, err);
    if (!isfinite(loop->history->train.loss))
        return moe_fail(err, MOE_NUMERIC, "the loss of the training set is not finite (lower train.rate)");
    return MOE_OK;
}

static enum moe_status census(struct loop *loop, int done, struct moe_error *err)
{
    const struct moe_observer *observer = loop->observer;
    if (observer->census && observer->census(observer->context, loop->model, done, err) != MOE_OK)
        return err->code;
    loop->training->census_step = done;
    return MOE_OK;
}

/* The census and evaluation that are due after the steps done, if they were not made before the training was stored. */
static enum moe_status settle(struct loop *loop, struct moe_error *err)
{
    const struct moe_run *run = loop->model->run;
    const struct moe_history *history = loop->history;
    const int steps = run->train.steps, done = history->steps, every = run->census.every;
    const int evaluated = history->evals ? (int)history->eval_step[history->evals - 1] : -1;
    const int counts = done == 0 || (every > 0 && done % every == 0 && done < steps);
    if (counts && loop->training->census_step < done && census(loop, done, err) != MOE_OK)
        return err->code;
    if ((done % run->train.eval_every == 0 || done == steps) && evaluated < done)
        return evaluate_test(loop, done, err);
    return MOE_OK;
}

static enum moe_status advance(struct loop *loop, int is_first, struct moe_error *err)
{
    const int step = loop->history->steps;
    const int64_t allocations = moe_pool_allocations(), growths = loop->pass.wire.growths;
    moe_place("train: step %d", step + 1);
    if (train_step(loop, step, err) != MOE_OK)
        return err->code;
    if (!is_first) {
        loop->history->allocations += moe_pool_allocations() - allocations;
        loop->history->growths += loop->pass.wire.growths - growths;
    }
    if (loop->observer->progress)
        loop->observer->progress(loop->observer->context, step + 1, loop->history->loss[step]);
    return MOE_OK;
}

/* All steps that are left, with what happens around them. */
static enum moe_status run_steps(struct loop *loop, struct moe_error *err)
{
    const int steps = loop->model->run->train.steps, first = loop->history->steps;
    while (settle(loop, err) == MOE_OK && between(loop, err) == MOE_OK && loop->history->steps < steps)
        if (advance(loop, loop->history->steps == first, err) != MOE_OK)
            return err->code;
    if (err->code != MOE_OK || evaluate_train(loop, err) != MOE_OK)
        return err->code;
    return census(loop, steps, err);
}

enum moe_status moe_train(struct moe_training *training, const struct moe_observer *observer, struct moe_error *err)
{
    struct loop loop = {.training = training,
                        .model = training->model,
                        .data = training->data,
                        .observer = observer,
                        .history = &training->history};
    loop_init(&loop);
    enum moe_status status = run_steps(&loop, err);
    loop_clear(&loop);
    return status;
}
