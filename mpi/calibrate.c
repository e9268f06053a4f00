#include "mpi/calibrate.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "src/clock.h"
#include "src/config.h"
#include "src/matmul.h"
#include "src/pool.h"

enum { TRIALS = 9, FEW = 1 << 10, MANY = 1 << 20, WRITTEN = 32 << 20, PING_TAG = 2 };

/* Seconds of an all-to-all in which every rank sends `bytes`, the least of some trials of several calls. */
static double exchange_seconds(MPI_Comm comm, int ranks, int bytes, char *send, char *receive)
{
    const int calls = bytes > FEW ? 20 : 200;
    int counts[1 << MOE_EXCHANGE_MAX], starts[1 << MOE_EXCHANGE_MAX];
    double best = INFINITY;
    const int part = ranks > 1 ? bytes / (ranks - 1) : bytes;
    int rank;
    MPI_Comm_rank(comm, &rank);
    for (int p = 0; p < ranks; p++) {
        counts[p] = ranks > 1 && p == rank ? 0 : part;
        starts[p] = p * part;
    }
    for (int trial = 0; trial < TRIALS; trial++) {
        MPI_Barrier(comm);
        double start = moe_clock(), spent;
        for (int i = 0; i < calls; i++)
            MPI_Alltoallv(send, counts, starts, MPI_BYTE, receive, counts, starts, MPI_BYTE, comm);
        spent = (moe_clock() - start) / calls;
        best = spent < best ? spent : best;
    }
    MPI_Bcast(&best, 1, MPI_DOUBLE, 0, comm);
    return best;
}

/* 1, 2, 4, ... ranks of the first node, as far as there are cores. */
static void exchange(struct moe_machine *machine, const struct moe_comm *comm, MPI_Comm node, int on_node)
{
    int rank;
    MPI_Comm_rank(node, &rank);
    char *send = moe_pool_new(MOE_POOL_REDUCE, 2 * MANY, 1), *receive = moe_pool_new(MOE_POOL_REDUCE, 2 * MANY, 1);
    machine->exchanges = 0;
    for (int p = 1; p <= on_node && p <= (int)machine->cores && machine->exchanges < MOE_EXCHANGE_MAX; p *= 2) {
        MPI_Comm some;
        MPI_Comm_split(node, rank < p ? 0 : MPI_UNDEFINED, rank, &some);
        if (rank < p) {
            const double few = exchange_seconds(some, p, FEW, send, receive);
            const double many = exchange_seconds(some, p, MANY, send, receive);
            const double byte = many > few ? (many - few) / (MANY - FEW) : many / MANY;
            machine->ranks[machine->exchanges] = p;
            machine->exchange[machine->exchanges] = (struct moe_rate){fmax(few - FEW * byte, 0), byte};
            MPI_Comm_free(&some);
        }
        machine->exchanges++;
        MPI_Barrier(comm->world);
    }
    moe_pool_free(send);
    moe_pool_free(receive);
}

/* Half of there and back between rank 0 and a rank of another node. */
static double ping_seconds(const struct moe_comm *comm, int other, int bytes, char *buffer)
{
    double best = INFINITY;
    for (int trial = 0; trial < 100; trial++) {
        const double start = moe_clock();
        if (comm->rank == 0) {
            MPI_Send(buffer, bytes, MPI_BYTE, other, PING_TAG, comm->world);
            MPI_Recv(buffer, bytes, MPI_BYTE, other, PING_TAG, comm->world, MPI_STATUS_IGNORE);
        } else {
            MPI_Recv(buffer, bytes, MPI_BYTE, 0, PING_TAG, comm->world, MPI_STATUS_IGNORE);
            MPI_Send(buffer, bytes, MPI_BYTE, 0, PING_TAG, comm->world);
        }
        best = fmin(best, (moe_clock() - start) / 2);
    }
    return best;
}

/* Returns whether there was a second node to measure. */
static int network(struct moe_machine *machine, const struct moe_comm *comm, MPI_Comm node)
{
    int first = comm->rank, other;
    MPI_Bcast(&first, 1, MPI_INT, 0, node); /* the node's lowest rank */
    int mine = first > 0 ? first : comm->ranks;
    MPI_Allreduce(&mine, &other, 1, MPI_INT, MPI_MIN, comm->world);
    if (other == comm->ranks)
        return 0;
    if (comm->rank == 0 || comm->rank == other) {
        char *buffer = moe_pool_new(MOE_POOL_REDUCE, MANY, 1);
        const double few = ping_seconds(comm, other, FEW, buffer), many = ping_seconds(comm, other, MANY, buffer);
        const double byte = fmax(many - few, 0) / (MANY - FEW);
        machine->network = (struct moe_rate){fmax(few - FEW * byte, 0), byte};
        moe_pool_free(buffer);
    }
    return 1;
}

/* Seconds until so many bytes stand in a file and on the disk. */
static double write_seconds(const char *name, const char *bytes, size_t count, struct moe_error *err)
{
    const double start = moe_clock();
    int file = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0666), failed = file < 0;
    for (size_t done = 0; !failed && done < count;) {
        const ssize_t more = write(file, bytes + done, count - done);
        failed = more < 0;
        done += failed ? 0 : (size_t)more;
    }
    failed |= file >= 0 && fsync(file) != 0;
    if (failed)
        moe_fail(err, MOE_OUTPUT, "cannot write %s: %s (choose another file with -o)", name, strerror(errno));
    if (file >= 0)
        close(file);
    unlink(name);
    return moe_clock() - start;
}

static enum moe_status files(struct moe_machine *machine, const char *path, struct moe_error *err)
{
    char name[MOE_PATH_MAX + 16], *bytes = moe_pool_new(MOE_POOL_FILES, WRITTEN, 1);
    double few = INFINITY, many = INFINITY;
    snprintf(name, sizeof name, "%s.part", path);
    for (int trial = 0; trial < 3 && err->code == MOE_OK; trial++) {
        few = fmin(few, write_seconds(name, bytes, FEW, err));
        if (err->code == MOE_OK)
            many = fmin(many, write_seconds(name, bytes, WRITTEN, err));
    }
    moe_pool_free(bytes);
    machine->file = (struct moe_rate){few, fmax(many - few, 0) / WRITTEN};
    return err->code;
}

enum moe_status moe_calibrate(struct moe_machine *machine, const struct moe_comm *comm, const char *path,
                              struct moe_error *err)
{
    MPI_Comm node;
    struct rusage usage;
    int on_node;
    MPI_Comm_split_type(comm->world, MPI_COMM_TYPE_SHARED, comm->rank, MPI_INFO_NULL, &node);
    MPI_Comm_size(node, &on_node);
    MPI_Bcast(&on_node, 1, MPI_INT, 0, comm->world);
    moe_machine_default(machine);
    machine->cores = (double)sysconf(_SC_NPROCESSORS_ONLN);
    MPI_Bcast(&machine->cores, 1, MPI_DOUBLE, 0, comm->world); /* nodes may differ; all go through the same trials */
    machine->memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    getrusage(RUSAGE_SELF, &usage);
    machine->process = (double)usage.ru_maxrss * 1024;
    if (comm->rank == 0)
        files(machine, path, err);
    if (moe_comm_share(comm, err) == MOE_OK) {
        if (comm->rank == 0)
            moe_calibrate_work(machine);
        MPI_Barrier(comm->world);
        exchange(machine, comm, node, on_node);
        const int nodes = network(machine, comm, node);
        snprintf(machine->origin, sizeof machine->origin,
                 "measured by plan --calibrate, %d rank%s, BLAS kernel %.100s; network %s", comm->ranks,
                 comm->ranks > 1 ? "s" : "", moe_matmul_library(), nodes ? "measured" : "not measured");
    }
    MPI_Comm_free(&node);
    return err->code;
}
