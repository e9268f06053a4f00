#include "mpi/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "mpi/census.h"
#include "src/share.h"
#include "src/snapshot.h"
#include "src/train.h"

/* MemAvailable of the kernel, which counts caches that can be given up; else the free pages. */
static int64_t available(void)
{
    int64_t kilobytes = 0;
    char line[256];
    FILE *file = fopen("/proc/meminfo", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "MemAvailable: %" SCNd64, &kilobytes) == 1)
            break;
    if (file)
        fclose(file);
    return kilobytes ? kilobytes * 1024 : (int64_t)sysconf(_SC_AVPHYS_PAGES) * sysconf(_SC_PAGESIZE);
}

/* The number in a file of the control group, or INT64_MAX. */
static int64_t group_number(const char *path)
{
    int64_t value = INT64_MAX;
    FILE *file = fopen(path, "r");
    if (file && fscanf(file, "%" SCNd64, &value) != 1)
        value = INT64_MAX;
    if (file)
        fclose(file);
    return value;
}

/* What Slurm grants the job on a node, or INT64_MAX. */
static int64_t granted(void)
{
    const char *megabytes = getenv("SLURM_MEM_PER_NODE");
    return megabytes && atoll(megabytes) > 0 ? (int64_t)atoll(megabytes) << 20 : INT64_MAX;
}

static int64_t least_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t moe_memory_of_rank(const struct moe_comm *comm)
{
    MPI_Comm node;
    int on_node;
    int64_t limit = group_number("/sys/fs/cgroup/memory.max"), used = group_number("/sys/fs/cgroup/memory.current");
    int64_t bytes = least_of(available(), granted());
    if (limit < INT64_MAX && used < INT64_MAX)
        bytes = least_of(bytes, limit > used ? limit - used : 0);
    MPI_Comm_split_type(comm->world, MPI_COMM_TYPE_SHARED, comm->rank, MPI_INFO_NULL, &node);
    MPI_Comm_size(node, &on_node);
    MPI_Comm_free(&node);
    int64_t mine = bytes / on_node, least;
    MPI_Allreduce(&mine, &least, 1, MPI_INT64_T, MPI_MIN, comm->world);
    return least;
}

/* Choices that a rank keeps one by one until they are written. */
static double kept_bytes(const struct moe_run *run, const struct moe_task *task, int ranks)
{
    const int shards = run->parallel.shards;
    const double share = (double)moe_share_count(shards, ranks, 0) / shards;
    return share * (double)moe_kept_choices(run) * task->tokens * run->model.layers * run->model.top_k *
           (double)sizeof(int16_t);
}

static double coactivation_bytes(const struct moe_run *run)
{
    const double experts = (double)run->model.layers * run->model.experts;
    const double wide = 2 * experts * run->model.experts;
    return (experts > MOE_COACTIVATION_MAX ? wide : experts * experts) * (double)sizeof(int64_t);
}

double moe_memory_of_censuses(const struct moe_run *run, const struct moe_task *task, int ranks, int training)
{
    const struct moe_census_shape shape = moe_census_shape_of(run);
    const double kept = kept_bytes(run, task, ranks) + coactivation_bytes(run);
    return (double)moe_census_estimate_bytes(&shape, ranks, MOE_CENSUS_ROUND) +
           (training ? moe_train_censuses(run) : 1) * kept;
}
