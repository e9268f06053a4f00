#include "src/optim.h"

#include <math.h>
#include <string.h>

#include "src/kernels.h"
#include "src/pool.h"
#include "src/share.h"

void moe_optim_init(struct moe_optim *optim, const struct moe_model *model)
{
    memset(optim, 0, sizeof *optim);
    const size_t dense = (size_t)model->layout.dense_size, P = (size_t)model->ex->ranks;
    const size_t blocks = (size_t)(model->run->model.layers * model->placement.count);
    const size_t experts = blocks * (size_t)model->layout.expert_size;
    optim->dense_m = moe_pool_new(MOE_POOL_MOMENTS, dense, sizeof(moe_real));
    optim->dense_v = moe_pool_new(MOE_POOL_MOMENTS, dense, sizeof(moe_real));
    optim->experts_m = moe_pool_new(MOE_POOL_MOMENTS, experts, sizeof(moe_real));
    optim->experts_v = moe_pool_new(MOE_POOL_MOMENTS, experts, sizeof(moe_real));
    for (int i = 0; i < model->layout.count; i++)
        optim->expert_tensors += model->layout.tensor[i].layer >= 0;
    const size_t tensors = (size_t)optim->expert_tensors;
    optim->squares = moe_pool_new(MOE_POOL_MOMENTS, (size_t)model->layout.count, sizeof(double));
    optim->own_squares = moe_pool_new(MOE_POOL_MOMENTS, tensors * (size_t)model->placement.count, sizeof(double));
    optim->all_squares = moe_pool_new(MOE_POOL_MOMENTS, tensors * (size_t)model->run->model.experts, sizeof(double));
    optim->counts = moe_pool_new(MOE_POOL_MOMENTS, P, sizeof(int));
    for (size_t p = 0; p < P; p++)
        optim->counts[p] =
            optim->expert_tensors * (int)moe_share_count(model->run->model.experts, (int64_t)P, (int64_t)p);
}

void moe_optim_clear(struct moe_optim *optim)
{
    moe_pool_free(optim->dense_m);
    moe_pool_free(optim->dense_v);
    moe_pool_free(optim->experts_m);
    moe_pool_free(optim->experts_v);
    moe_pool_free(optim->squares);
    moe_pool_free(optim->own_squares);
    moe_pool_free(optim->all_squares);
    moe_pool_free(optim->counts);
    memset(optim, 0, sizeof *optim);
}

double moe_learning_rate(const struct moe_run *run, int step)
{
    const int warmup = run->train.warmup;
    if (step < warmup)
        return run->train.rate * (step + 1) / warmup;
    double progress = run->train.steps > warmup ? (double)(step - warmup) / (run->train.steps - warmup) : 1;
    return run->train.rate * (0.1 + 0.45 * (1 + cos(M_PI * progress)));
}

/* Sums the squares of all tensors, the experts' gathered from their owners, in the order of the layout. */
static double gradient_norm(struct moe_optim *optim, const struct moe_model *model)
{
    const int P = model->ex->ranks, E = model->run->model.experts;
    double sum = 0;
    model->ex->gather(model->ex, optim->own_squares, optim->counts, optim->all_squares);
    for (int i = 0, t = 0; i < model->layout.count; i++) {
        if (model->layout.tensor[i].layer < 0) {
            sum += optim->squares[i];
            continue;
        }
        for (int p = 0, start = 0; p < P; start += optim->counts[p], p++) {
            int own = (int)moe_share_count(E, P, p);
            for (int e = 0; e < own; e++)
                sum += optim->all_squares[start + t * own + e];
        }
        t++;
    }
    return sqrt(sum);
}

double moe_optim_step(struct moe_optim *optim, struct moe_model *model, const struct moe_gradients *gradients, int step)
{
    const struct moe_layout *layout = &model->layout;
    const int own = model->placement.count;
    struct moe_adamw adamw = {.rate = moe_learning_rate(model->run, step),
                              .beta1 = 0.9,
                              .beta2 = 0.999,
                              .epsilon = 1e-8,
                              .correction1 = 1 - pow(0.9, step + 1),
                              .correction2 = 1 - pow(0.999, step + 1)};
    for (int i = 0, t = 0; i < layout->count; i++) {
        const struct moe_tensor *tensor = &layout->tensor[i];
        const int frozen = tensor->is_router && model->run->model.router == MOE_FROZEN;
        struct moe_adamw one = adamw;
        one.decay = tensor->matrix && !frozen ? model->run->train.decay : 0;
        one.rate = frozen ? 0 : adamw.rate;
        if (tensor->layer < 0) {
            const int64_t at = tensor->offset;
            optim->squares[i] = moe_adamw(model->dense + at, gradients->dense + at, optim->dense_m + at,
                                          optim->dense_v + at, tensor->size, &one);
            continue;
        }
        for (int e = 0; e < own; e++) {
            const int64_t at = ((int64_t)tensor->layer * own + e) * layout->expert_size + tensor->offset;
            optim->own_squares[t * own + e] = moe_adamw(model->experts + at, gradients->experts + at,
                                                        optim->experts_m + at, optim->experts_v + at, tensor->size,
                                                        &one);
        }
        t++;
    }
    return gradient_norm(optim, model);
}
