/* Counts what a program passes to MPI_Alltoallv for other ranks, rows of floats apart from all else. For LD_PRELOAD.
 *
 * Every rank r writes one line to the file named by MOE_PMPI_OUT with .r appended when it ends:
 *
 *     rows B0 B1 ... other B0 B1 ...
 *
 * B is the number of bytes for each rank, 0 for r itself. A row is a datatype made of consecutive MPI_FLOATs. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

enum { RANKS_MAX = 1024 };

static struct {
    long long rows[RANKS_MAX], other[RANKS_MAX];
} sent;

static int is_row(MPI_Datatype type)
{
    int integers, addresses, types, combiner, count;
    MPI_Aint unused;
    MPI_Datatype element;
    MPI_Type_get_envelope(type, &integers, &addresses, &types, &combiner);
    if (combiner != MPI_COMBINER_CONTIGUOUS)
        return 0;
    MPI_Type_get_contents(type, 1, 0, 1, &count, &unused, &element);
    return element == MPI_FLOAT;
}

int MPI_Alltoallv(const void *send, const int *counts, const int *offsets, MPI_Datatype type, void *receive,
                  const int *receive_counts, const int *receive_offsets, MPI_Datatype receive_type, MPI_Comm comm)
{
    int size, rank, ranks;
    MPI_Type_size(type, &size);
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &ranks);
    long long *bytes = is_row(type) ? sent.rows : sent.other;
    for (int p = 0; p < ranks && p < RANKS_MAX; p++)
        if (p != rank)
            bytes[p] += (long long)counts[p] * size;
    return PMPI_Alltoallv(send, counts, offsets, type, receive, receive_counts, receive_offsets, receive_type, comm);
}

int MPI_Finalize(void)
{
    int rank, ranks;
    char name[4096];
    const char *out = getenv("MOE_PMPI_OUT");
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    snprintf(name, sizeof name, "%s.%d", out ? out : "pmpi_count", rank);
    FILE *file = fopen(name, "w");
    if (file) {
        fprintf(file, "rows");
        for (int p = 0; p < ranks && p < RANKS_MAX; p++)
            fprintf(file, " %lld", sent.rows[p]);
        fprintf(file, " other");
        for (int p = 0; p < ranks && p < RANKS_MAX; p++)
            fprintf(file, " %lld", sent.other[p]);
        fprintf(file, "\n");
        fclose(file);
    }
    return PMPI_Finalize();
}
