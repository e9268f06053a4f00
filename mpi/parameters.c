#include <stdio.h>
#include <string.h>

#include "mpi/h5file.h"
#include "mpi/h5read.h"
#include "mpi/provenance.h"
#include "mpi/results.h"
#include "src/pool.h"

/* A tensor as it stands in a file: experts' tensors gain a leading expert dimension. */
struct stored {
    char path[96];
    int rank;
    int64_t shape[3];
    const char *dims[3];
};

static struct stored stored_of(const struct moe_model *model, const struct moe_tensor *tensor)
{
    struct stored stored = {.rank = tensor->rank};
    const int lead = tensor->layer >= 0;
    snprintf(stored.path, sizeof stored.path, "/parameters/%s", tensor->name);
    if (lead) {
        stored.rank++;
        stored.shape[0] = model->run->model.experts;
        stored.dims[0] = "expert";
    }
    for (int i = 0; i < tensor->rank; i++) {
        stored.shape[lead + i] = tensor->shape[i];
        stored.dims[lead + i] = tensor->dims[i];
    }
    return stored;
}

/* The rank's own experts' part of a tensor, one expert after the other; out of blocks into a slab or back. */
static void copy_experts(const struct moe_model *model, const struct moe_tensor *tensor, moe_real *slab, int to_slab)
{
    for (int e = 0; e < model->placement.count; e++) {
        moe_real *in_block = moe_model_expert(model, tensor->layer, e) + tensor->offset;
        moe_real *in_slab = slab + e * tensor->size;
        memcpy(to_slab ? in_slab : in_block, to_slab ? in_block : in_slab, (size_t)tensor->size * sizeof *slab);
    }
}

/* Start and count of what this rank holds of an expert tensor. */
static void own_part(const struct moe_model *model, const struct stored *stored, int64_t *start, int64_t *count)
{
    memset(start, 0, 3 * sizeof *start);
    memcpy(count, stored->shape, 3 * sizeof *count);
    start[0] = model->placement.first;
    count[0] = model->placement.count;
}

enum moe_status moe_parameters_prepare(const struct moe_results *results, int step, const char *name,
                                       struct moe_file_set *set, struct moe_error *err)
{
    const struct moe_model *model = results->model;
    struct moe_file *file = moe_file_new();
    moe_real *slabs = moe_pool_new(MOE_POOL_FILES,
                                   (size_t)(model->run->model.layers * model->placement.count) *
                                       (size_t)model->layout.expert_size,
                                   sizeof *slabs);
    moe_real *slab = slabs;
    moe_file_common(file, results, "parameters");
    moe_file_int(file, "/", "step", step);
    for (int i = 0; i < model->layout.count; i++) {
        const struct moe_tensor *tensor = &model->layout.tensor[i];
        const struct stored stored = stored_of(model, tensor);
        if (tensor->layer < 0) {
            moe_file_whole(file, stored.path, MOE_REAL32, stored.rank, stored.shape, stored.dims, NULL,
                           model->dense + tensor->offset);
            continue;
        }
        int64_t start[3], count[3];
        own_part(model, &stored, start, count);
        copy_experts(model, tensor, slab, 1);
        moe_file_dataset(file, stored.path, MOE_REAL32, stored.rank, stored.shape, stored.dims, NULL);
        if (count[0])
            moe_file_slab(file, stored.path, MOE_REAL32, stored.rank, start, count, slab);
        slab += model->placement.count * tensor->size;
    }
    enum moe_status status = moe_file_prepare(file, name, set, err);
    moe_file_free(file);
    moe_pool_free(slabs);
    return status;
}

enum moe_status moe_parameters_read(struct moe_model *model, const char *name, struct moe_error *err)
{
    struct moe_reader *reader;
    if (moe_reader_open(name, &reader, err) != MOE_OK)
        return err->code;
    moe_real *slab = moe_pool_new(MOE_POOL_FILES,
                                  (size_t)model->placement.count * (size_t)model->layout.expert_size, sizeof *slab);
    for (int i = 0; i < model->layout.count && err->code == MOE_OK; i++) {
        const struct moe_tensor *tensor = &model->layout.tensor[i];
        const struct stored stored = stored_of(model, tensor);
        int64_t start[3] = {0}, count[3];
        memcpy(count, stored.shape, sizeof count);
        if (tensor->layer >= 0)
            own_part(model, &stored, start, count);
        moe_reader_slab(reader, stored.path, MOE_REAL32, stored.rank, stored.shape, start, count,
                        tensor->layer < 0 ? model->dense + tensor->offset : slab, err);
        if (tensor->layer >= 0 && err->code == MOE_OK)
            copy_experts(model, tensor, slab, 0);
    }
    moe_reader_close(reader);
    moe_pool_free(slab);
    return err->code;
}
