/* A checkpoint of 256 MB and more, with its checksums, rename and syncs, beside a plain parallel write of as many
 * bytes: every rank writes its part of one file and syncs it. Both in turn, RUNS times; prints the medians and their
 * ratio.
 *
 * usage: checkpoint FOLDER */
#include <mpi.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mpi/checkpoint.h"
#include "src/clock.h"
#include "src/share.h"
#include "tests/small.h"

enum { RUNS = 7, PIECE = 1 << 24 };

/* All ranks' time from the first that begins to the last that is done. */
static double plain_write(const struct moe_comm *comm, const char *file, int64_t bytes, const char *data)
{
    int64_t at = moe_share_first(bytes, comm->ranks, comm->rank);
    const int64_t end = at + moe_share_count(bytes, comm->ranks, comm->rank);
    MPI_Barrier(comm->world);
    const double start = moe_clock();
    if (comm->rank == 0)
        close(open(file, O_WRONLY | O_CREAT | O_TRUNC, 0666));
    MPI_Barrier(comm->world);
    int fd = open(file, O_WRONLY);
    for (; at < end; at += PIECE) {
        const size_t size = (size_t)(end - at < PIECE ? end - at : PIECE);
        if (pwrite(fd, data, size, at) != (ssize_t)size)
            bail("cannot write %s", file);
    }
    if (fsync(fd) || close(fd))
        bail("cannot sync %s", file);
    MPI_Barrier(comm->world);
    return moe_clock() - start;
}

static double checkpoint(const struct moe_results *results, const struct moe_training *training, const char *name)
{
    struct moe_error err = {0};
    MPI_Barrier(results->comm->world);
    const double start = moe_clock();
    if (moe_checkpoint_write(results, training, name, -1, &err) != MOE_OK)
        bail("%s", err.text);
    MPI_Barrier(results->comm->world);
    return moe_clock() - start;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double times[RUNS])
{
    qsort(times, RUNS, sizeof *times, by_value);
    return times[RUNS / 2];
}

static void compare(const struct moe_results *results, const struct moe_training *training, const char *folder)
{
    char name[4096], file[MOE_CHECKPOINT_PATH], plain[4200];
    double stored[RUNS], written[RUNS];
    struct stat now;
    snprintf(name, sizeof name, "%s/timed", folder);
    snprintf(plain, sizeof plain, "%s/plain", folder);
    moe_checkpoint_file(file, name, 0);
    char *data = moe_pool_new(MOE_POOL_FILES, PIECE, 1);
    memset(data, 1, PIECE);
    checkpoint(results, training, name);
    if (stat(file, &now))
        bail("no %s", file);
    for (int run = 0; run < RUNS; run++) {
        stored[run] = checkpoint(results, training, name);
        written[run] = plain_write(results->comm, plain, now.st_size, data);
    }
    moe_pool_free(data);
    const double ours = median(stored), bare = median(written);
    if (results->comm->rank == 0)
        printf("%d ranks, %.0f MB: %.2f of a plain write (%.3f s, %.3f s)\n", results->comm->ranks,
               (double)now.st_size / 1e6, ours / bare, ours, bare);
}

int main(int argc, char **argv)
{
    struct moe_comm comm;
    struct small small;
    struct moe_model model;
    struct moe_training training;
    moe_comm_start(&comm, &argc, &argv);
    struct moe_exchange ex = moe_exchange_mpi(&comm);
    small_open(&small, "model.width=256 model.layers=6 model.heads=4 model.experts=16 model.expert_width=512");
    moe_model_init(&model, &small.run, moe_data_task(small.data), &ex);
    moe_training_init(&training, &model, small.data);
    char *config = moe_config_record_text(&small.run, "");
    const struct moe_results results = {.verb = "train",
                                        .comm = &comm,
                                        .run = &small.run,
                                        .task = moe_data_task(small.data),
                                        .model = &model,
                                        .history = &training.history,
                                        .config = config,
                                        .checksum = "",
                                        .command = "checkpoint"};
    compare(&results, &training, argv[1]);
    moe_pool_free(config);
    moe_training_clear(&training);
    moe_model_clear(&model);
    moe_exchange_mpi_free(&ex);
    small_close(&small);
    moe_comm_end(&comm);
    return 0;
}
