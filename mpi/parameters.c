#include "mpi/parameters.h"

#include <stdio.h>
#include <string.h>

#include "mpi/comm.h"
#include "mpi/provenance.h"
#include "src/pool.h"

/* A tensor as it stands in a file: experts' tensors gain a leading expert dimension. */
struct stored {
    char path[128];
    int rank;
    int64_t shape[3];
    const char *dims[3];
};

static struct stored stored_of(const struct moe_model *model, const struct moe_tensor *tensor, const char *group)
{
    struct stored stored = {.rank = tensor->rank};
    const int lead = tensor->layer >= 0;
    snprintf(stored.path, sizeof stored.path, "%s/%s", group, tensor->name);
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

/* Where the rank's own part of an expert tensor begins, expert by expert. */
static int64_t place_of(const struct moe_model *model, const struct moe_tensor *tensor, int e)
{
    return ((int64_t)tensor->layer * model->placement.count + e) * model->layout.expert_size + tensor->offset;
}

/* Start and count of what this rank holds of an expert tensor. */
static void own_part(const struct moe_model *model, const struct stored *stored, int64_t *start, int64_t *count)
{
    memset(start, 0, 3 * sizeof *start);
    memcpy(count, stored->shape, 3 * sizeof *count);
    start[0] = model->placement.first;
    count[0] = model->placement.count;
}

void moe_tensors_plan(struct moe_file *file, const struct moe_model *model, const char *group, const moe_real *dense,
                      const moe_real *experts)
{
    for (int i = 0; i < model->layout.count; i++) {
        const struct moe_tensor *tensor = &model->layout.tensor[i];
        const struct stored stored = stored_of(model, tensor, group);
        if (tensor->layer < 0) {
            moe_file_whole(file, stored.path, MOE_REAL32, stored.rank, stored.shape, stored.dims, NULL,
                           dense + tensor->offset);
            continue;
        }
        int64_t start[3], count[3];
        own_part(model, &stored, start, count);
        count[0] = 1;
        moe_file_dataset(file, stored.path, MOE_REAL32, stored.rank, stored.shape, stored.dims, NULL);
        for (int e = 0; e < model->placement.count; e++, start[0]++)
            moe_file_slab(file, stored.path, MOE_REAL32, stored.rank, start, count,
                          experts + place_of(model, tensor, e));
    }
}

enum moe_status moe_tensors_read(struct moe_reader *reader, const struct moe_model *model, const char *group,
                                 moe_real *dense, moe_real *experts, struct moe_error *err)
{
    const size_t most = (size_t)model->placement.count * (size_t)model->layout.expert_size;
    moe_real *slab = moe_pool_new(MOE_POOL_FILES, most, sizeof *slab);
    for (int i = 0; i < model->layout.count && err->code == MOE_OK; i++) {
        const struct moe_tensor *tensor = &model->layout.tensor[i];
        const struct stored stored = stored_of(model, tensor, group);
        int64_t start[3] = {0}, count[3];
        memcpy(count, stored.shape, sizeof count);
        if (tensor->layer >= 0)
            own_part(model, &stored, start, count);
        moe_reader_slab(reader, stored.path, MOE_REAL32, stored.rank, stored.shape, start, count,
                        tensor->layer < 0 ? dense + tensor->offset : slab, err);
        for (int e = 0; e < model->placement.count && tensor->layer >= 0 && err->code == MOE_OK; e++)
            memcpy(experts + place_of(model, tensor, e), slab + e * tensor->size, (size_t)tensor->size * sizeof *slab);
    }
    moe_pool_free(slab);
    return err->code;
}

enum moe_status moe_parameters_prepare(const struct moe_results *results, int step, const char *name,
                                       struct moe_file_set *set, struct moe_error *err)
{
    const struct moe_model *model = results->model;
    struct moe_file *file = moe_file_new();
    moe_file_common(file, results, "parameters");
    moe_file_int(file, "/", "step", step);
    moe_tensors_plan(file, model, "/parameters", model->dense, model->experts);
    enum moe_status status = moe_file_prepare(file, name, set, err);
    moe_file_free(file);
    return status;
}

enum moe_status moe_parameters_read(struct moe_model *model, const char *name, MPI_Comm comm, struct moe_error *err)
{
    struct moe_reader *reader;
    if (moe_reader_open(name, &reader, err) == MOE_OK)
        moe_tensors_read(reader, model, "/parameters", model->dense, model->experts, err);
    moe_reader_close(reader);
    return moe_comm_agree(comm, err);
}
