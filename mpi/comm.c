#include "mpi/comm.h"

#include <stdio.h>
#include <stdlib.h>

#include "src/matmul.h"

static void abort_all(int code)
{
    MPI_Abort(MPI_COMM_WORLD, code);
}

/* MPI calls are not checked one by one: any failure comes here. */
static void mpi_failed(MPI_Comm *comm, int *code, ...)
{
    (void)comm;
    char text[MPI_MAX_ERROR_STRING];
    int length = 0;
    MPI_Error_string(*code, text, &length);
    moe_fatal(MOE_BUG, "MPI failed: %.*s", length, text);
}

void moe_comm_start(struct moe_comm *comm, int *argc, char ***argv)
{
    setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0);
    setenv("OMPI_MCA_io", "romio321", 0);
    MPI_Init(argc, argv);
    MPI_Comm_dup(MPI_COMM_WORLD, &comm->world);
    MPI_Comm_rank(comm->world, &comm->rank);
    MPI_Comm_size(comm->world, &comm->ranks);
    MPI_Errhandler handler;
    MPI_Comm_create_errhandler(mpi_failed, &handler);
    MPI_Comm_set_errhandler(comm->world, handler);
    MPI_Errhandler_free(&handler);
    moe_fatal_hook(abort_all, comm->rank);
    moe_matmul_one_thread();
    const char *kernel = getenv("OPENBLAS_CORETYPE");
    if (kernel && comm->rank == 0)
        fprintf(stderr, "moecensus: warning: OPENBLAS_CORETYPE=%s picks the BLAS kernel: other bits than without it\n",
                kernel);
}

void moe_comm_end(struct moe_comm *comm)
{
    MPI_Comm_free(&comm->world);
    MPI_Finalize();
}

enum moe_status moe_comm_share(const struct moe_comm *comm, struct moe_error *err)
{
    MPI_Bcast(err, (int)sizeof *err, MPI_BYTE, 0, comm->world);
    return err->code;
}

enum moe_status moe_comm_agree(MPI_Comm world, struct moe_error *err)
{
    int rank, ranks, first;
    MPI_Comm_rank(world, &rank);
    MPI_Comm_size(world, &ranks);
    int mine = err->code ? rank : ranks;
    MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, world);
    if (first == ranks)
        return MOE_OK;
    MPI_Bcast(err, (int)sizeof *err, MPI_BYTE, first, world);
    if (first > 0) {
        const struct moe_error told = *err;
        moe_fail(err, told.code, "rank %d: %s", first, told.text);
    }
    return err->code;
}

void moe_comm_broadcast(const struct moe_comm *comm, void *data, int64_t bytes)
{
    const int64_t piece = 1 << 28;
    for (int64_t at = 0; at < bytes; at += piece)
        MPI_Bcast((char *)data + at, (int)(bytes - at < piece ? bytes - at : piece), MPI_BYTE, 0, comm->world);
}
