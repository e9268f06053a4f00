/* All ranks fail or none: agreeing on a fault, and files that appear together. */
#include <unistd.h>

#include "mpi/comm.h"
#include "mpi/h5file.h"
#include "tests/tap.h"

static int rank, ranks;

static int there(const char *name)
{
    return !access(name, F_OK);
}

static enum moe_status prepare(const char *name, struct moe_file_set *set, struct moe_error *err)
{
    const int64_t shape[] = {ranks};
    struct moe_file *file = moe_file_new();
    moe_file_dataset(file, "/rank", MOE_I32, 1, shape, (const char *const[]){"n"}, NULL);
    moe_file_slab(file, "/rank", MOE_I32, 1, (const int64_t[]){rank}, (const int64_t[]){1}, &rank);
    moe_file_prepare(file, name, set, err);
    moe_file_free(file);
    return err->code;
}

static void test_set(void)
{
    struct moe_file_set set = {.comm = MPI_COMM_WORLD};
    struct moe_error err;
    is_int(prepare("h5file-a.h5", &set, &err), MOE_OK, "a file is prepared %s", err.text);
    is_int(prepare("h5file-absent/b.h5", &set, &err), MOE_OUTPUT, "one that belongs to it cannot be: %s", err.text);
    ok(set.count == 0 && !there("h5file-a.h5") && !there("h5file-a.h5.part"), "so neither is left");
    MPI_Barrier(MPI_COMM_WORLD);
    is_int(prepare("h5file-a.h5", &set, &err) || prepare("h5file-b.h5", &set, &err), MOE_OK, "two are prepared %s",
           err.text);
    ok(!there("h5file-a.h5") && !there("h5file-b.h5"), "neither is there yet");
    MPI_Barrier(MPI_COMM_WORLD);
    is_int(moe_file_publish(&set, &err), MOE_OK, "and both are published %s", err.text);
    ok(there("h5file-a.h5") && there("h5file-b.h5") && !there("h5file-a.h5.part") && !there("h5file-b.h5.part"),
       "so that both are there, and nothing else");
    MPI_Barrier(MPI_COMM_WORLD);
    if (rank == 0) {
        unlink("h5file-a.h5");
        unlink("h5file-b.h5");
    }
}

static void test_agree(void)
{
    struct moe_error err = {0};
    is_int(moe_comm_agree(MPI_COMM_WORLD, &err), MOE_OK, "without a fault all agree");
    is_str(err.text, "", "on nothing");
    if (rank == ranks - 1)
        moe_fail(&err, MOE_INPUT, "the last rank's fault");
    is_int(moe_comm_agree(MPI_COMM_WORLD, &err), MOE_INPUT, "the last rank's fault is everyone's");
    char want[64];
    snprintf(want, sizeof want, "rank %d: the last rank's fault", ranks - 1);
    is_str(err.text, ranks == 1 ? "the last rank's fault" : want, "with its cause and place");
    err = (struct moe_error){0};
    if (rank > 0 || ranks == 1)
        moe_fail(&err, rank == 1 ? MOE_OUTPUT : MOE_INPUT, "rank %d's fault", rank);
    is_int(moe_comm_agree(MPI_COMM_WORLD, &err), ranks == 1 ? MOE_INPUT : MOE_OUTPUT, "the lowest of several counts");
    is_str(err.text, ranks == 1 ? "rank 0's fault" : "rank 1: rank 1's fault", "and speaks for all");
}

int main(int count, char **argument)
{
    struct moe_comm comm;
    moe_comm_start(&comm, &count, &argument);
    rank = comm.rank;
    ranks = comm.ranks;
    test_agree();
    test_set();
    int failed = tap_done();
    moe_comm_end(&comm);
    return failed;
}
