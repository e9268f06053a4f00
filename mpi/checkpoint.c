#include "mpi/checkpoint.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mpi/comm.h"
#include "mpi/parameters.h"
#include "mpi/provenance.h"
#include "mpi/series.h"
#include "src/pool.h"

void moe_checkpoint_file(char file[MOE_CHECKPOINT_PATH], const char *name, int step)
{
    snprintf(file, MOE_CHECKPOINT_PATH, "%s.ckpt-%08d.h5", name, step);
}

enum moe_status moe_checkpoint_write(const struct moe_results *results, const struct moe_training *training,
                                     const char *name, int before, struct moe_error *err)
{
    char path[MOE_CHECKPOINT_PATH];
    const struct moe_model *model = training->model;
    const struct moe_optim *optim = &training->optim;
    const struct moe_history *history = &training->history;
    struct moe_file *file = moe_file_new();
    double *series = moe_pool_new(MOE_POOL_FILES, 3 * (size_t)history->evals, sizeof *series);
    moe_file_checked(file);
    moe_file_common(file, results, "checkpoint");
    moe_file_int(file, "/", "step", history->steps);
    moe_tensors_plan(file, model, "/parameters", model->dense, model->experts);
    moe_tensors_plan(file, model, "/moments/first", optim->dense_m, optim->experts_m);
    moe_tensors_plan(file, model, "/moments/second", optim->dense_v, optim->experts_v);
    moe_series_plan(file, results->run, history, series);
    for (int i = 0; i < results->finding_count; i++)
        moe_finding_plan(file, results->run, results->task, &results->finding[i]);
    moe_checkpoint_file(path, name, history->steps);
    if (moe_file_write(file, path, results->comm->world, err) == MOE_OK && results->comm->rank == 0)
        moe_checkpoint_keep(name, history->steps, before);
    moe_file_free(file);
    moe_pool_free(series);
    return err->code;
}

/* The findings of a file, in the order of their steps. */
static void read_findings(struct moe_reader *reader, struct moe_results *results, struct moe_error *err)
{
    const int count = moe_reader_children(reader, "/census");
    for (int i = 0; i < count && err->code == MOE_OK; i++) {
        char name[64];
        int step;
        moe_reader_child(reader, "/census", i, name);
        if (sscanf(name, "step-%d", &step) == 1)
            moe_finding_read(reader, results->comm, results->run, results->task, moe_results_add(results, step), err);
    }
}

enum moe_status moe_checkpoint_read(struct moe_results *results, struct moe_training *training, const char *file,
                                    struct moe_error *err)
{
    struct moe_reader *reader;
    struct moe_model *model = training->model;
    struct moe_optim *optim = &training->optim;
    if (moe_reader_open(file, &reader, err) == MOE_OK &&
        moe_tensors_read(reader, model, "/parameters", model->dense, model->experts, err) == MOE_OK &&
        moe_tensors_read(reader, model, "/moments/first", optim->dense_m, optim->experts_m, err) == MOE_OK &&
        moe_tensors_read(reader, model, "/moments/second", optim->dense_v, optim->experts_v, err) == MOE_OK &&
        moe_series_read(reader, results->run, &training->history, err) == MOE_OK)
        read_findings(reader, results, err);
    if (results->finding_count)
        training->census_step = results->finding[results->finding_count - 1].step;
    moe_reader_close(reader);
    return moe_comm_agree(results->comm->world, err);
}

static int newest_first(const void *a, const void *b)
{
    return *(const int *)b - *(const int *)a;
}

/* The steps of all files NAME.ckpt-STEP.h5 with a tail after that. */
static int list(const char *name, const char *tail, int **steps)
{
    const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;
    const size_t length = strlen(base);
    char folder[MOE_PATH_MAX];
    size_t room = 0;
    int count = 0;
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - name) + 1 : 1, slash ? name : ".");
    *steps = NULL;
    DIR *directory = opendir(folder);
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        int step, end = 0;
        if (strncmp(entry->d_name, base, length) != 0 ||
            sscanf(entry->d_name + length, ".ckpt-%8d.h5%n", &step, &end) != 1 || end != 17 ||
            strcmp(entry->d_name + length + end, tail) != 0)
            continue;
        moe_pool_grow(MOE_POOL_FILES, (void **)steps, &room, (size_t)count + 1, sizeof **steps);
        (*steps)[count++] = step;
    }
    if (directory)
        closedir(directory);
    if (count)
        qsort(*steps, (size_t)count, sizeof **steps, newest_first);
    return count;
}

int moe_checkpoint_list(const char *name, int **steps)
{
    return list(name, "", steps);
}

void moe_checkpoint_clean(const char *name)
{
    int *steps;
    const int count = list(name, ".part", &steps);
    for (int i = 0; i < count; i++) {
        char file[MOE_CHECKPOINT_PATH + 8];
        snprintf(file, sizeof file, "%s.ckpt-%08d.h5.part", name, steps[i]);
        unlink(file);
    }
    moe_pool_free(steps);
}

void moe_checkpoint_keep(const char *name, int one, int other)
{
    int *steps;
    const int count = moe_checkpoint_list(name, &steps);
    for (int i = 0; i < count; i++) {
        char file[MOE_CHECKPOINT_PATH];
        moe_checkpoint_file(file, name, steps[i]);
        if (steps[i] != one && steps[i] != other)
            unlink(file);
    }
    moe_pool_free(steps);
}
