/* Every derivative of whole models against central differences, in double precision, with choices held. */
#include <math.h>

#include "src/matmul.h"
#include "tests/small.h"

/* A whole model with its gradient, and the choices of all layers at the point where that was taken. */
struct whole {
    struct small small;
    struct moe_exchange ex;
    struct moe_model model;
    struct moe_pass pass;
    struct moe_gradients gradients;
    int16_t *choice;          /* [L, N K] */
    size_t choices;           /* N K */
    int checked, shrunk, skipped;
};

static double whole_value(struct whole *w)
{
    const struct moe_run *run = &w->small.run;
    struct moe_totals totals = moe_model_forward(&w->model, &w->pass);
    return totals.loss + (run->model.balance == MOE_SWITCH ? run->model.balance_weight * totals.balance : 0);
}

static int same_choices(const struct whole *w)
{
    for (int l = 0; l < w->small.run.model.layers; l++)
        if (memcmp(w->choice + (size_t)l * w->choices, w->pass.layer[l].choice, w->choices * sizeof *w->choice))
            return 0;
    return 1;
}

static void whole_open(struct whole *w, const char *settings)
{
    memset(w, 0, sizeof *w);
    small_open(&w->small, settings);
    w->ex = moe_exchange_serial();
    const struct moe_run *run = &w->small.run;
    const int L = run->model.layers;
    moe_model_init(&w->model, run, moe_data_task(w->small.data), &w->ex);
    small_shake(w->model.dense, w->model.layout.dense_size, 21, 0.1);
    small_shake(w->model.experts, (int64_t)L * run->model.experts * w->model.layout.expert_size, 22, 0.1);
    moe_pass_init(&w->pass, &w->model, w->small.data, run->train.batch, MOE_TRAINING);
    moe_gradients_init(&w->gradients, &w->model);
    small_batch(&w->small, &w->model, &w->pass, 0);
    whole_value(w);
    w->choices = (size_t)w->pass.tokens * (size_t)run->model.top_k;
    w->choice = calloc((size_t)L * w->choices, sizeof *w->choice);
    for (int l = 0; l < L; l++)
        memcpy(w->choice + (size_t)l * w->choices, w->pass.layer[l].choice, w->choices * sizeof *w->choice);
    moe_model_backward(&w->model, &w->pass, &w->gradients);
}

static void whole_close(struct whole *w)
{
    free(w->choice);
    moe_gradients_clear(&w->gradients);
    moe_pass_clear(&w->pass, &w->model);
    moe_model_clear(&w->model);
    small_close(&w->small);
}

/* The central difference by *p over a step short enough to leave all choices as they are, and how far `gradient` is
 * from it, beyond all bounds where either is not finite. Returns whether there is such a step. */
static int whole_difference(struct whole *w, moe_real *p, double gradient, double *difference, double *error)
{
    const double old = *p;
    for (double h = 1e-5; h > 1e-7; h /= 4) {
        *p = old + h;
        const double above = whole_value(w);
        int same = same_choices(w);
        *p = old - h;
        const double below = whole_value(w);
        same &= same_choices(w);
        *p = old;
        if (same) {
            w->checked++;
            w->shrunk += h < 1e-5;
            *difference = (above - below) / (2 * h);
            *error = fabs(*difference - gradient);
            if (!isfinite(*error))
                *error = INFINITY;
            return 1;
        }
    }
    w->skipped++;
    return 0;
}

/* The worst error of a tensor, relative to its largest derivative. An expert's tensor has a block an expert. */
static double tensor_error(struct whole *w, const struct moe_tensor *tensor)
{
    const int dense = tensor->layer < 0, blocks = dense ? 1 : w->small.run.model.experts;
    double largest = 0, error = 0;
    for (int e = 0; e < blocks; e++) {
        moe_real *p = dense ? w->model.dense : moe_model_expert(&w->model, tensor->layer, e);
        const moe_real *g = dense ? w->gradients.dense : w->gradients.experts + (p - w->model.experts);
        for (int64_t i = tensor->offset; i < tensor->offset + tensor->size; i++) {
            double difference, one;
            if (!whole_difference(w, p + i, g[i], &difference, &one))
                continue;
            largest = fmax(largest, fabs(difference));
            error = fmax(error, one);
        }
    }
    return error == 0 ? 0 : error / largest;
}

static void test_whole(const char *settings)
{
    struct whole w;
    double error = 0;
    const char *worst = "none";
    whole_open(&w, settings);
    for (int i = 0; i < w.model.layout.count; i++) {
        const double one = tensor_error(&w, &w.model.layout.tensor[i]);
        if (!(one <= error)) {
            error = one;
            worst = w.model.layout.tensor[i].name;
        }
    }
    if (!ok(error < 1e-6, "all derivatives: %s", settings))
        diag("worst error %g in %s", error, worst);
    ok(w.skipped * 100 <= w.checked, "%d derivatives with unchanged choices, %d over a shorter step, %d left out",
       w.checked, w.shrunk, w.skipped);
    whole_close(&w);
}

static void test_router_gradient(const char *settings, int is_zero)
{
    struct whole w;
    double largest = 0, error = 0;
    whole_open(&w, settings);
    for (int l = 0; l < w.small.run.model.layers; l++)
        for (int i = 0; i < w.small.run.model.experts * w.small.run.model.width; i++) {
            const int64_t at = w.model.layout.layer[l].router + i;
            largest = fmax(largest, fabs(w.gradients.dense[at]));
            double difference, one;
            if (!is_zero && whole_difference(&w, w.model.dense + at, w.gradients.dense[at], &difference, &one))
                error = fmax(error, one);
        }
    if (is_zero)
        ok(largest == 0, "the router's gradient is exactly 0: %s", settings);
    else
        ok(largest > 1e-4 && error < 1e-6 * largest, "the router's gradient is right and not 0 (%.2g): %s", largest,
           settings);
    whole_close(&w);
}

int main(void)
{
    moe_matmul_one_thread();
    test_whole("model.balance_weight=0");
    test_whole("model.balance_weight=0.5 model.mask=causal");
    test_whole("model.balance_weight=0.5 model.gate=softmax-topk model.positions=offset");
    test_whole("model.balance_weight=0 model.gate=softmax-topk model.top_k=1 train.batch=6");
    test_whole("model.balance_weight=0.5 model.top_k=5 model.layers=1 train.batch=6");
    test_whole("model.router=planted model.balance_weight=0.5 train.batch=6");
    test_whole("data.source=idx model.balance_weight=0.5 model.top_k=2 train.batch=6");
    test_whole("data.source=idx train.loss=cross-entropy model.balance=none train.batch=6");
    test_whole("data.source=text train.loss=cross-entropy model.mask=causal model.balance_weight=0.5 "
               "train.batch=5");

    test_router_gradient("model.top_k=1 model.balance_weight=0", 1);
    test_router_gradient("model.top_k=1 model.balance=none model.balance_weight=1", 1);
    test_router_gradient("model.top_k=1 model.balance_weight=0.5", 0);
    test_router_gradient("model.top_k=2 model.balance_weight=0", 0);
    test_router_gradient("model.top_k=1 model.balance_weight=0 model.gate=softmax-topk", 0);
    return tap_done();
}
