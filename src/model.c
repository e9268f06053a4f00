#include "src/model.h"

#include <string.h>

#include "src/pass.h"
#include "src/pool.h"
#include "src/share.h"
#include "src/status.h"

void moe_model_init(struct moe_model *model, const struct moe_run *run, const struct moe_task *task,
                    struct moe_exchange *ex)
{
    const int64_t E = run->model.experts;
    memset(model, 0, sizeof *model);
    model->run = run;
    model->task = task;
    model->ex = ex;
    moe_layout_init(&model->layout, run, task);
    moe_tree_init(&model->tree, run->parallel.shards, ex->ranks, ex->rank);
    model->placement = (struct moe_placement){.experts = run->model.experts,
                                              .top_k = run->model.top_k,
                                              .units = run->parallel.units,
                                              .width = run->model.width,
                                              .hidden = run->model.expert_width,
                                              .first = (int)moe_share_first(E, ex->ranks, ex->rank),
                                              .count = (int)moe_share_count(E, ex->ranks, ex->rank),
                                              .ex = ex};
    MOE_CHECK(model->layout.expert_size == moe_expert_size(run->model.width, run->model.expert_width));
    if (run->model.router == MOE_PLANTED)
        model->planted = moe_planted_new(run);
    model->dense = moe_pool_new(MOE_POOL_DENSE, (size_t)model->layout.dense_size, sizeof(moe_real));
    model->experts = moe_pool_new(MOE_POOL_EXPERTS,
                                  (size_t)(run->model.layers * model->placement.count * model->layout.expert_size),
                                  sizeof(moe_real));
    const size_t sent = MOE_PURPOSES * (size_t)own_shards(model) * (size_t)E;
    model->sent = moe_pool_new(MOE_POOL_REDUCE, 1, sizeof *model->sent);
    model->sent->rows = moe_pool_new(MOE_POOL_REDUCE, sent, sizeof(int64_t));
    model->sent->messages = moe_pool_new(MOE_POOL_REDUCE, sent, sizeof(int64_t));
    const size_t loads = MOE_PURPOSES * (size_t)run->model.layers * (size_t)E;
    model->sent->all = moe_pool_new(MOE_POOL_REDUCE, loads, sizeof(int64_t));
    model->sent->first = moe_pool_new(MOE_POOL_REDUCE, loads, sizeof(int64_t));
    model->sent->most = moe_pool_new(MOE_POOL_REDUCE, loads, sizeof(int64_t));
    const size_t rooms = (loads + MOE_PURPOSES * (size_t)E) * (size_t)E;
    if (E <= MOE_ROOM_EXPERTS) {
        model->sent->room = moe_pool_new(MOE_POOL_REDUCE, rooms, sizeof(int64_t));
        model->sent->room_before = moe_pool_new(MOE_POOL_REDUCE, rooms, sizeof(int64_t));
        model->sent->room_now = moe_pool_new(MOE_POOL_REDUCE, rooms, sizeof(int64_t));
    }
    for (int i = 0; i < model->layout.count; i++) {
        const struct moe_tensor *tensor = &model->layout.tensor[i];
        if (tensor->layer < 0)
            moe_tensor_init(tensor, run->model.seed, 0, model->dense + tensor->offset);
        else
            for (int e = 0; e < model->placement.count; e++)
                moe_tensor_init(tensor, run->model.seed, model->placement.first + e,
                                moe_model_expert(model, tensor->layer, e) + tensor->offset);
    }
}

void moe_model_clear(struct moe_model *model)
{
    moe_layout_clear(&model->layout);
    moe_tree_clear(&model->tree);
    moe_planted_free(model->planted);
    moe_pool_free(model->dense);
    moe_pool_free(model->experts);
    moe_pool_free(model->sent->rows);
    moe_pool_free(model->sent->messages);
    moe_pool_free(model->sent->all);
    moe_pool_free(model->sent->first);
    moe_pool_free(model->sent->most);
    moe_pool_free(model->sent->room);
    moe_pool_free(model->sent->room_before);
    moe_pool_free(model->sent->room_now);
    moe_pool_free(model->sent);
    memset(model, 0, sizeof *model);
}

moe_real *moe_model_expert(const struct moe_model *model, int layer, int e)
{
    return model->experts + ((int64_t)layer * model->placement.count + e) * model->layout.expert_size;
}
