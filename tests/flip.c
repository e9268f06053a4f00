/* Flips one bit of a file at each of the places given, in turn, and says each time what the comparison with the file's
 * checksums finds; the file is whole again in the end.
 *
 * usage: flip FILE PLACE...    PLACE is a byte of the file; one line each: "PLACE fine" or "PLACE what is wrong" */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

#include "mpi/h5sum.h"

static void flip(FILE *file, long place)
{
    unsigned char byte;
    if (fseek(file, place, SEEK_SET) || fread(&byte, 1, 1, file) != 1)
        exit(2);
    byte ^= 4;
    if (fseek(file, place, SEEK_SET) || fwrite(&byte, 1, 1, file) != 1 || fflush(file))
        exit(2);
}

int main(int argc, char **argv)
{
    int rank;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    FILE *file = fopen(argv[1], "r+b");
    for (int i = 2; i < argc && file; i++) {
        struct moe_error err = {0};
        const long place = atol(argv[i]);
        if (rank == 0)
            flip(file, place);
        MPI_Barrier(MPI_COMM_WORLD);
        moe_sum_verify(argv[1], MPI_COMM_WORLD, &err);
        if (rank == 0) {
            printf("%ld %s\n", place, err.code ? err.text : "fine");
            flip(file, place);
        }
        MPI_Barrier(MPI_COMM_WORLD);
    }
    MPI_Finalize();
    return file == NULL;
}
