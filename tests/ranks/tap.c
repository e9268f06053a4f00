/* tests/tap.h on many ranks. With a word it goes wrong in that way, which tests/cli/on-ranks.sh uses. */
#include <mpi.h>
#include <unistd.h>

#include "tests/tap.h"

/* Seven checks that must not hold. */
static void wrong_numbers(void)
{
    double want[3] = {1, -4, 0}, far[3] = {1, -4, 0.5};
    float lost[3] = {1, NAN, 0};
    is_int(1, 2, "integers");
    is_str("a", "b", "strings");
    is_str(NULL, "b", "null");
    is_close(1.1, 1, 0.05, "a difference");
    is_close(NAN, 1, 1e9, "not a number");
    all_close(far, want, 3, 0.1, "an array");
    all_close(lost, want, 3, 1e9, "an array with a hole");
}

/* What tests/on-ranks has to notice: each fault is on the last rank only. */
static void go_wrong(const char *how, int last)
{
    if (!strcmp(how, "fail"))
        ok(!last, "holds on all ranks but the last");
    if (!strcmp(how, "abort") && last)
        abort();
    if (!strcmp(how, "exit") && last)
        _exit(0);
    if (!strcmp(how, "hang") && last)
        for (;;)
            pause();
    if (!strcmp(how, "bail") && last)
        bail("this is the end");
    if (!strcmp(how, "plan"))
        tap_count++;
    if (!strcmp(how, "skip"))
        skip(1, "just to see");
    if (!strcmp(how, "numbers"))
        wrong_numbers();
    MPI_Barrier(MPI_COMM_WORLD);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    int rank, ranks;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);

    ok(ranks >= 1, "there is a rank");
    is_int(tap_rank(), rank, "the helper knows the rank");
    int sum = 0;
    MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    is_int(sum, ranks * (ranks - 1) / 2, "ranks add up");
    if (argc > 1)
        go_wrong(argv[1], rank == ranks - 1);

    int failed = tap_done();
    MPI_Finalize();
    return argc > 2 ? atoi(argv[2]) : failed;
}
