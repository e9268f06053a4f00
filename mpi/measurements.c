#include "mpi/measurements.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "src/share.h"

/* Room for `count` numbers of every rank, on rank 0. */
static void *room_for(const struct moe_comm *comm, size_t count)
{
    return comm->rank == 0 ? moe_pool_new(MOE_POOL_FILES, (size_t)comm->ranks * count, 8) : NULL;
}

/* Gathers n numbers of 8 bytes from every rank: [P, n] on rank 0. */
static void *gather(const struct moe_comm *comm, const void *mine, int n)
{
    void *all = room_for(comm, (size_t)n);
    MPI_Gather(mine, 8 * n, MPI_BYTE, all, 8 * n, MPI_BYTE, 0, comm->world);
    return all;
}

/* One phase after the other, so that the result is [MOE_PHASES, P, P]. */
static int64_t *gather_traffic(const struct moe_comm *comm, const int64_t *mine)
{
    const int P = comm->ranks;
    int64_t *all = room_for(comm, MOE_PHASES * (size_t)P);
    for (int phase = 0; phase < MOE_PHASES; phase++)
        MPI_Gather(mine + phase * P, P, MPI_INT64_T, all ? all + (int64_t)phase * P * P : NULL, P, MPI_INT64_T, 0,
                   comm->world);
    return all;
}

static int keeps_sent(const struct moe_model *model)
{
    return model->sent && (int64_t)model->tree.shards * model->run->model.experts <= MOE_SENT_MAX;
}

/* What shards sent, one purpose after the other: [MOE_PURPOSES, V, E], shards in order since ranks own ranges. */
static int64_t *gather_sent(const struct moe_model *model, const struct moe_comm *comm, const int64_t *mine)
{
    const int V = model->tree.shards, E = model->run->model.experts, P = comm->ranks;
    const int own = (int)moe_share_count(V, P, comm->rank) * E;
    int64_t *all = comm->rank == 0 ? moe_pool_new(MOE_POOL_FILES, MOE_PURPOSES * (size_t)V * (size_t)E, sizeof *all)
                                   : NULL;
    int *counts = moe_pool_new(MOE_POOL_FILES, 2 * (size_t)P, sizeof *counts), *starts = counts + P;
    for (int p = 0; p < P; p++) {
        counts[p] = (int)moe_share_count(V, P, p) * E;
        starts[p] = (int)moe_share_first(V, P, p) * E;
    }
    for (int purpose = 0; purpose < MOE_PURPOSES; purpose++)
        MPI_Gatherv(mine + purpose * own, own, MPI_INT64_T, all ? all + (int64_t)purpose * V * E : NULL, counts, starts,
                    MPI_INT64_T, 0, comm->world);
    moe_pool_free(counts);
    return all;
}

void moe_measurements_take(struct moe_measurements *measurements, const struct moe_results *results)
{
    const struct moe_comm *comm = results->comm;
    const struct moe_traffic *traffic = moe_exchange_traffic(results->model->ex);
    double seconds[MOE_TIMES];
    int64_t pool[MOE_POOLS], peak[MOE_POOLS], growths = 0, allocations = 0;
    for (int i = 0; i < MOE_TIMES; i++)
        seconds[i] = moe_clock_spent(i);
    for (int i = 0; i < MOE_POOLS; i++) {
        pool[i] = (int64_t)moe_pool_bytes(i);
        peak[i] = (int64_t)moe_pool_peak(i);
    }
    if (results->history) {
        growths = results->history->growths;
        allocations = results->history->allocations;
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    int64_t resident = (int64_t)usage.ru_maxrss * 1024;
    *measurements = (struct moe_measurements){.seconds = gather(comm, seconds, MOE_TIMES),
                                              .pool = gather(comm, pool, MOE_POOLS),
                                              .pool_peak = gather(comm, peak, MOE_POOLS),
                                              .resident = gather(comm, &resident, 1),
                                              .growths = gather(comm, &growths, 1),
                                              .allocations = gather(comm, &allocations, 1),
                                              .bytes = gather_traffic(comm, traffic->bytes),
                                              .messages = gather_traffic(comm, traffic->messages)};
    const struct moe_model *model = results->model;
    if (keeps_sent(model)) {
        measurements->rows = gather_sent(model, comm, model->sent->rows);
        measurements->row_messages = gather_sent(model, comm, model->sent->messages);
    }
}

void moe_measurements_clear(struct moe_measurements *measurements)
{
    moe_pool_free(measurements->seconds);
    moe_pool_free(measurements->pool);
    moe_pool_free(measurements->pool_peak);
    moe_pool_free(measurements->resident);
    moe_pool_free(measurements->growths);
    moe_pool_free(measurements->allocations);
    moe_pool_free(measurements->bytes);
    moe_pool_free(measurements->messages);
    moe_pool_free(measurements->rows);
    moe_pool_free(measurements->row_messages);
    memset(measurements, 0, sizeof *measurements);
}

/* The names of n things in one line of text. */
static void join(char *text, size_t size, int n, const char *(*name)(int))
{
    text[0] = '\0';
    for (int i = 0; i < n; i++) {
        size_t length = strlen(text);
        snprintf(text + length, size - length, "%s%s", i ? " " : "", name(i));
    }
}

static const char *time_name(int i)
{
    return moe_time_name((enum moe_time)i);
}

static const char *pool_name(int i)
{
    return moe_pool_name((enum moe_pool)i);
}

static const char *phase_name(int i)
{
    return moe_phase_name((enum moe_phase)i);
}

static void plan_timing(struct moe_file *file, const struct moe_measurements *measurements, int64_t P)
{
    const char *const by_rank[] = {"rank"};
    char names[256];
    moe_file_whole(file, "/timing/seconds", MOE_REAL64, 2, (const int64_t[]){P, MOE_TIMES},
                   (const char *const[]){"rank", "phase"}, "s", measurements->seconds);
    join(names, sizeof names, MOE_TIMES, time_name);
    moe_file_text(file, "/timing/seconds", "phases", names);
    const char *const by_pool[] = {"rank", "pool"};
    moe_file_whole(file, "/timing/pool_bytes", MOE_I64, 2, (const int64_t[]){P, MOE_POOLS}, by_pool, "bytes",
                   measurements->pool);
    moe_file_whole(file, "/timing/pool_peak_bytes", MOE_I64, 2, (const int64_t[]){P, MOE_POOLS}, by_pool, "bytes",
                   measurements->pool_peak);
    join(names, sizeof names, MOE_POOLS, pool_name);
    moe_file_text(file, "/timing/pool_bytes", "pools", names);
    moe_file_text(file, "/timing/pool_peak_bytes", "pools", names);
    moe_file_whole(file, "/timing/resident_peak_bytes", MOE_I64, 1, &P, by_rank, "bytes", measurements->resident);
    moe_file_whole(file, "/timing/dispatch_growths", MOE_I64, 1, &P, by_rank, NULL, measurements->growths);
    moe_file_whole(file, "/timing/step_allocations", MOE_I64, 1, &P, by_rank, NULL, measurements->allocations);
}

/* What shards sent to experts, whoever owned either. */
static void plan_sent(struct moe_file *file, const struct moe_measurements *measurements,
                      const struct moe_model *model)
{
    const int64_t shape[] = {MOE_PURPOSES, model->tree.shards, model->run->model.experts};
    const char *const dims[] = {"purpose", "shard", "expert"};
    if (!keeps_sent(model))
        return;
    moe_file_whole(file, "/traffic/passes", MOE_I64, 1, shape, dims, NULL, model->sent->passes);
    moe_file_whole(file, "/traffic/rows", MOE_I64, 3, shape, dims, NULL, measurements->rows);
    moe_file_whole(file, "/traffic/row_messages", MOE_I64, 3, shape, dims, NULL, measurements->row_messages);
    moe_file_text(file, "/traffic/rows", "purposes", "counting evaluating training");
    const int64_t loads[] = {MOE_PURPOSES, model->run->model.layers, model->run->model.experts};
    const char *const load_dims[] = {"purpose", "layer", "expert"};
    moe_file_whole(file, "/traffic/layer_rows", MOE_I64, 3, loads, load_dims, NULL, model->sent->all);
    moe_file_whole(file, "/traffic/first_rows", MOE_I64, 3, loads, load_dims, NULL, model->sent->first);
    moe_file_whole(file, "/traffic/most_rows", MOE_I64, 3, loads, load_dims, NULL, model->sent->most);
    const int64_t rooms[] = {MOE_PURPOSES, loads[1] + 1, loads[2], loads[2]};
    const char *const room_dims[] = {"purpose", "place", "first_expert", "last_expert"};
    if (model->sent->room) {
        moe_file_whole(file, "/traffic/room_rows", MOE_I64, 4, rooms, room_dims, NULL, model->sent->room);
        moe_file_whole(file, "/traffic/room_before", MOE_I64, 4, rooms, room_dims, NULL, model->sent->room_before);
    }
}

void moe_measurements_plan(struct moe_file *file, const struct moe_measurements *measurements,
                           const struct moe_results *results)
{
    const int64_t P = results->comm->ranks, shape[] = {MOE_PHASES, P, P};
    const char *const dims[] = {"phase", "from_rank", "to_rank"};
    char names[256];
    plan_timing(file, measurements, P);
    if (results->model->sent)
        moe_file_int(file, "/timing", "steps", results->model->sent->passes[MOE_TRAINING]);
    moe_file_whole(file, "/traffic/bytes", MOE_I64, 3, shape, dims, "bytes", measurements->bytes);
    moe_file_whole(file, "/traffic/messages", MOE_I64, 3, shape, dims, NULL, measurements->messages);
    join(names, sizeof names, MOE_PHASES, phase_name);
    moe_file_text(file, "/traffic/bytes", "phases", names);
    moe_file_text(file, "/traffic/messages", "phases", names);
    plan_sent(file, measurements, results->model);
}
