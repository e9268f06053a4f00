/* The optimiser: learning rates, decay, frozen routers, the norm of the gradient; and a short training run. */
#include "src/optim.h"

#include <math.h>

#include "src/matmul.h"
#include "src/train.h"
#include "tests/small.h"

static void test_rates(void)
{
    struct moe_run run;
    moe_config_default(&run);
    small_set(&run, "train.rate=0.002 train.warmup=50 train.steps=600");
    is_close(moe_learning_rate(&run, 0), 0.002 / 50, 1e-12, "warm-up starts with one part of 50");
    is_close(moe_learning_rate(&run, 24), 0.001, 1e-12, "half way up");
    is_close(moe_learning_rate(&run, 49), 0.002, 1e-12, "the peak at its end");
    is_close(moe_learning_rate(&run, 50), 0.002, 1e-12, "the cosine starts at the peak");
    is_close(moe_learning_rate(&run, 325), 0.0011, 1e-12, "half way down: 55 %% of the peak");
    is_close(moe_learning_rate(&run, 599), 0.0002, 1e-4, "the last step: a tenth of the peak");
    int falls = 1;
    for (int step = 50; step < 599; step++)
        falls &= moe_learning_rate(&run, step + 1) < moe_learning_rate(&run, step);
    ok(falls, "it falls all the way");
    small_set(&run, "train.warmup=0");
    is_close(moe_learning_rate(&run, 0), 0.002, 1e-12, "without warm-up it starts at the peak");
    small_set(&run, "train.warmup=10 train.steps=5");
    is_close(moe_learning_rate(&run, 4), 0.001, 1e-12, "a run shorter than its warm-up stays below the peak");
}

struct fixture {
    struct small small;
    struct moe_exchange ex;
    struct moe_model model, before;
    struct moe_gradients gradients;
    struct moe_optim optim;
};

static void fixture_open(struct fixture *f, const char *settings)
{
    small_open(&f->small, settings);
    f->ex = moe_exchange_serial();
    moe_model_init(&f->model, &f->small.run, moe_data_task(f->small.data), &f->ex);
    moe_model_init(&f->before, &f->small.run, moe_data_task(f->small.data), &f->ex);
    moe_gradients_init(&f->gradients, &f->model);
    moe_optim_init(&f->optim, &f->model);
}

static void fixture_close(struct fixture *f)
{
    moe_optim_clear(&f->optim);
    moe_gradients_clear(&f->gradients);
    moe_model_clear(&f->before);
    moe_model_clear(&f->model);
    small_close(&f->small);
}

static int64_t expert_elements(const struct fixture *f)
{
    return f->small.run.model.layers * f->small.run.model.experts * f->model.layout.expert_size;
}

/* How a tensor changed in one step: the values after it over those before must all be `factor`; 0: all must differ. */
static int changed_by(const struct fixture *f, const struct moe_tensor *tensor, double factor)
{
    const moe_real *now = f->model.dense, *old = f->before.dense;
    if (tensor->layer >= 0) {
        now = moe_model_expert(&f->model, tensor->layer, 2);
        old = moe_model_expert(&f->before, tensor->layer, 2);
    }
    for (int64_t i = tensor->offset; i < tensor->offset + tensor->size; i++) {
        const double size = fabs((double)old[i]), off = fabs((double)now[i] - factor * (double)old[i]);
        if (factor == 0 ? now[i] == old[i] : off > 1e-7 * size)
            return 0;
    }
    return 1;
}

/* With a gradient of 0 only decay is left, and that on matrices only. */
static void test_decay(void)
{
    struct fixture f;
    int matrices = 1, others = 1;
    fixture_open(&f, "train.decay=0.5 train.rate=0.1 train.warmup=0");
    const double norm = moe_optim_step(&f.optim, &f.model, &f.gradients, 0);
    for (int i = 0; i < f.model.layout.count; i++) {
        const struct moe_tensor *tensor = &f.model.layout.tensor[i];
        if (tensor->matrix)
            matrices &= changed_by(&f, tensor, 0.95);
        else
            others &= changed_by(&f, tensor, 1);
    }
    ok(norm == 0, "no gradient, no norm");
    ok(matrices, "decay takes its share of every matrix");
    ok(others, "and nothing of biases, gains and tables");
    fixture_close(&f);
}

static void test_step(const char *router)
{
    struct fixture f;
    char settings[96];
    int moved = 1, frozen = 1;
    double squares = 0;
    snprintf(settings, sizeof settings, "train.decay=0.1 model.router=%s", router);
    fixture_open(&f, settings);
    small_shake(f.gradients.dense, f.model.layout.dense_size, 1, 1);
    small_shake(f.gradients.experts, expert_elements(&f), 2, 1);
    for (int64_t i = 0; i < f.model.layout.dense_size; i++)
        squares += (double)f.gradients.dense[i] * (double)f.gradients.dense[i];
    for (int64_t i = 0; i < expert_elements(&f); i++)
        squares += (double)f.gradients.experts[i] * (double)f.gradients.experts[i];
    const double norm = moe_optim_step(&f.optim, &f.model, &f.gradients, 0);
    is_close(norm, sqrt(squares), 1e-12, "%s: norm of the whole gradient", router);
    for (int i = 0; i < f.model.layout.count; i++) {
        const struct moe_tensor *tensor = &f.model.layout.tensor[i];
        const int stays = tensor->is_router && !strcmp(router, "frozen");
        if (stays)
            frozen &= changed_by(&f, tensor, 1);
        else
            moved &= changed_by(&f, tensor, 0);
    }
    ok(moved, "%s: every parameter that learns has moved", router);
    ok(frozen, "%s: a frozen router has not", router);
    fixture_close(&f);
}

/* The first step of AdamW moves each parameter by the rate, against the sign of its gradient. */
static void test_first_step(void)
{
    struct fixture f;
    fixture_open(&f, "train.decay=0 train.rate=0.01 train.warmup=0");
    const moe_real old = f.model.dense[0], old_expert = f.model.experts[5];
    f.gradients.dense[0] = 3;
    f.gradients.experts[5] = -0.2f;
    moe_optim_step(&f.optim, &f.model, &f.gradients, 0);
    is_close((double)f.model.dense[0], (double)old - 0.01, 1e-5, "a dense parameter goes down by the rate");
    is_close((double)f.model.experts[5], (double)old_expert + 0.01, 1e-5, "an expert's goes up by it");
    fixture_close(&f);
}

/* AdamW in double with gradients that differ by element and step in size and sign: down to the size of epsilon, and 0.
 * One run of elements of the model at a time. */
enum { ADAMW_STEPS = 5 };

struct plain_adamw {
    double p, m, v;
};

static double plain_gradient(int64_t element, int step)
{
    const double scale[] = {1, 1e-3, 3e-8, 0};
    struct moe_random random;
    moe_random_init(&random, 9, MOE_STREAM_NOISE, (uint64_t)element, (uint64_t)step);
    return (double)(moe_real)(scale[element % 4] * moe_random_normal(&random));
}

static void plain_step(struct plain_adamw *one, double g, int step, double rate, double decay)
{
    one->m = 0.9 * one->m + 0.1 * g;
    one->v = 0.999 * one->v + 0.001 * g * g;
    const double m = one->m / (1 - pow(0.9, step + 1)), v = one->v / (1 - pow(0.999, step + 1));
    one->p -= rate * decay * one->p + rate * m / (sqrt(v) + 1e-8);
}

/* Compares elements [at, at + n) of the parameters with what they become from `before`; seed sets gradients apart. */
static int as_plain(const moe_real *now, const moe_real *before, int64_t at, int64_t n, int64_t seed, double decay,
                    const struct moe_run *run)
{
    double error = 0;
    for (int64_t i = at; i < at + n; i++) {
        struct plain_adamw one = {.p = (double)before[i]};
        for (int step = 0; step < ADAMW_STEPS; step++)
            plain_step(&one, plain_gradient(seed + i, step), step, moe_learning_rate(run, step), decay);
        error = fmax(error, fabs((double)now[i] - one.p));
    }
    if (error > 1e-6)
        diag("off by %.3g", error);
    return error <= 1e-6;
}

static void test_adamw(void)
{
    struct fixture f;
    const int64_t experts_seed = 1 << 20;
    fixture_open(&f, "train.decay=0.3 train.rate=0.02 train.warmup=2");
    for (int step = 0; step < ADAMW_STEPS; step++) {
        for (int64_t i = 0; i < f.model.layout.dense_size; i++)
            f.gradients.dense[i] = (moe_real)plain_gradient(i, step);
        for (int64_t i = 0; i < expert_elements(&f); i++)
            f.gradients.experts[i] = (moe_real)plain_gradient(experts_seed + i, step);
        moe_optim_step(&f.optim, &f.model, &f.gradients, step);
    }
    for (int i = 0; i < f.model.layout.count; i++) {
        const struct moe_tensor *tensor = &f.model.layout.tensor[i];
        const double decay = tensor->matrix ? 0.3 : 0;
        const int blocks = tensor->layer < 0 ? 1 : f.small.run.model.experts;
        int same = 1;
        for (int e = 0; e < blocks; e++) {
            const int64_t block = tensor->layer < 0 ? 0 : (int64_t)tensor->layer * blocks + e;
            const int64_t at = block * f.model.layout.expert_size + tensor->offset;
            same &= tensor->layer < 0
                        ? as_plain(f.model.dense, f.before.dense, at, tensor->size, 0, decay, &f.small.run)
                        : as_plain(f.model.experts, f.before.experts, at, tensor->size, experts_seed, decay,
                                   &f.small.run);
        }
        ok(same, "%s after %d steps is as in double", tensor->name, ADAMW_STEPS);
    }
    fixture_close(&f);
}

static void test_imbalance(void)
{
    const int64_t load[] = {4, 0, 6, 2}, even[] = {3, 3}, none[] = {0, 0};
    double metric[MOE_IMBALANCES];
    moe_imbalance(load, 4, metric);
    const double want[MOE_IMBALANCES] = {2, 1, 0.5, 0}, flat[MOE_IMBALANCES] = {1, 0, 1, 1};
    all_close(metric, want, MOE_IMBALANCES, 1e-15, "four metrics of an uneven load");
    moe_imbalance(even, 2, metric);
    all_close(metric, flat, MOE_IMBALANCES, 1e-15, "and of an even one");
    moe_imbalance(none, 2, metric);
    ok(isnan(metric[MOE_OVERLOAD]), "no choices: not a number");
}

enum { STEPS = 12, NEVER = 1 << 30 };

struct watch {
    int steps, censuses, last, between, asked;
    int stop, leave; /* ends the training after so many steps; in an evaluation when it is asked for that time */
};

static enum moe_status watch_census(void *context, struct moe_model *model, int step, struct moe_error *err)
{
    struct watch *watch = context;
    (void)model;
    (void)err;
    watch->censuses++;
    watch->last = step;
    return MOE_OK;
}

static void watch_progress(void *context, int step, double loss)
{
    struct watch *watch = context;
    watch->steps += isfinite(loss) && step == watch->steps + 1;
}

static enum moe_status watch_between(void *context, struct moe_training *training, struct moe_error *err)
{
    struct watch *watch = context;
    watch->between++;
    return watch->stop == training->history.steps || watch->asked >= watch->leave
               ? moe_fail(err, MOE_STOPPED, "as asked")
               : MOE_OK;
}

static int watch_asked(void *context)
{
    struct watch *watch = context;
    return ++watch->asked >= watch->leave;
}

static void test_training(void)
{
    struct fixture f;
    struct watch watch = {.stop = -1, .leave = NEVER};
    struct moe_training training;
    struct moe_error err = {0};
    const struct moe_observer observer = {&watch, watch_census, watch_progress, watch_between, watch_asked};
    fixture_open(&f, "train.steps=60 train.warmup=5 train.rate=0.02 train.eval_every=25 census.every=20 data.noise=0");
    moe_training_init(&training, &f.model, f.small.data);
    ok(moe_train(&training, &observer, &err) == MOE_OK, "a short run ends well");
    const struct moe_history *history = &training.history;
    is_int(history->steps, 60, "all its steps are recorded");
    ok(history->loss[59] < 0.5 * history->loss[0], "its loss falls from %.3g to %.3g", history->loss[0],
       history->loss[59]);
    ok(history->evals == 4 && history->eval_step[0] == 0 && history->eval_step[1] == 25 && history->eval_step[3] == 60,
       "it is evaluated before, every 25 steps and at the end");
    ok(watch.censuses == 4 && watch.last == 60 && watch.steps == 60, "its observer is called before, at 20, 40 and 60");
    is_int(watch.between, 61, "and before and after every step");
    is_int(history->allocations, history->growths, "training steps allocate nothing but growing dispatch buffers");
    struct moe_pass small, large;
    moe_pass_init(&small, &f.model, f.small.data, 4, MOE_EVALUATING);
    moe_pass_init(&large, &f.model, f.small.data, 16, MOE_EVALUATING);
    struct moe_evaluation a, b;
    ok(moe_evaluate(&f.model, f.small.data, &small, MOE_SPLIT_TEST, 15, NULL, &a), "an evaluation comes to its end");
    moe_evaluate(&f.model, f.small.data, &large, MOE_SPLIT_TEST, 15, NULL, &b);
    is_close(a.loss, b.loss, 1e-5, "an evaluation does not depend on its batches");
    is_close(a.clean, a.loss, 1e-5, "without noise the target is the clean one");
    moe_pass_clear(&small, &f.model);
    moe_pass_clear(&large, &f.model);
    moe_training_clear(&training);
    fixture_close(&f);

    fixture_open(&f, "train.steps=20 train.rate=1 train.warmup=0 model.balance=none");
    f.model.dense[f.model.layout.head_bias] = INFINITY;
    moe_training_init(&training, &f.model, f.small.data);
    ok(moe_train(&training, &observer, &err) == MOE_NUMERIC && strstr(err.text, "not finite"),
       "a loss that is not finite ends the run: %s", err.text);
    is_int(training.history.steps, 0, "at once");
    moe_training_clear(&training);
    fixture_close(&f);
}

/* What a training has come to. */
struct end {
    double loss[STEPS], weight;
    struct moe_evaluation test[4], train;
    int asked;
};

/* Runs a training until it is stopped or left, and takes out what a checkpoint holds: the rest of it is made anew. */
static struct end train_in_parts(const char *settings, int stop, int leave)
{
    struct fixture f;
    struct end end;
    struct watch watch = {.stop = stop, .leave = leave};
    struct moe_training first, second;
    struct moe_error err = {0};
    const struct moe_observer observer = {&watch, watch_census, NULL, watch_between, watch_asked};
    fixture_open(&f, settings);
    moe_training_init(&first, &f.model, f.small.data);
    if (moe_train(&first, &observer, &err) == MOE_STOPPED) {
        moe_training_init(&second, &f.model, f.small.data);
        const struct moe_optim optim = second.optim;
        second.optim = first.optim;
        first.optim = optim;
        const struct moe_history history = second.history;
        second.history = first.history;
        first.history = history;
        second.census_step = first.census_step;
        moe_training_clear(&first);
        first = second;
        watch.stop = -1;
        watch.leave = NEVER;
        err = (struct moe_error){0};
        moe_train(&first, &observer, &err);
    }
    ok(err.code == MOE_OK && first.history.steps == STEPS && first.history.evals == 4 && watch.censuses == 2,
       "stop %d, leave %d: each step, evaluation and census once: %d, %d, %d", stop, leave, first.history.steps,
       first.history.evals, watch.censuses);
    memcpy(end.loss, first.history.loss, sizeof end.loss);
    memcpy(end.test, first.history.eval, sizeof end.test);
    end.train = first.history.train;
    end.weight = (double)f.model.dense[f.model.layout.head_bias];
    end.asked = watch.asked;
    moe_training_clear(&first);
    fixture_close(&f);
    return end;
}

static void compare_ends(const struct end *whole, const struct end *parts)
{
    ok(!memcmp(whole->loss, parts->loss, sizeof whole->loss) && whole->weight == parts->weight &&
           !memcmp(whole->test, parts->test, sizeof whole->test) &&
           !memcmp(&whole->train, &parts->train, sizeof whole->train),
       "its figures are those of the undivided run");
}

static void test_parts(void)
{
    const char *settings = "train.steps=12 train.rate=0.02 train.eval_every=5 train.eval_batch=8";
    const struct end whole = train_in_parts(settings, -1, NEVER);
    ok(whole.asked >= 5, "evaluations can be left at %d places", whole.asked);
    for (int stop = 0; stop <= STEPS; stop += 4) {
        const struct end parts = train_in_parts(settings, stop, NEVER);
        compare_ends(&whole, &parts);
    }
    for (int leave = 1; leave <= whole.asked; leave++) {
        const struct end parts = train_in_parts(settings, -1, leave);
        compare_ends(&whole, &parts);
    }
}

int main(void)
{
    moe_matmul_one_thread();
    test_rates();
    test_decay();
    test_first_step();
    test_adamw();
    test_step("learned");
    test_step("frozen");
    test_imbalance();
    test_training();
    test_parts();
    return tap_done();
}
