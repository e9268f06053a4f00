/* Starting and ending the ranks, and telling all of them what one of them found. */
#ifndef MOE_COMM_H
#define MOE_COMM_H

#include <mpi.h>
#include <stdint.h>

#include "src/status.h"

struct moe_comm {
    MPI_Comm world; /* a duplicate of MPI_COMM_WORLD with our error handler */
    int rank, ranks;
};

/* Starts MPI with the settings this program needs (yield when idle, an MPI-IO that reports a full disk), unless the
 * user's environment says otherwise; one BLAS thread; faults end all ranks with one line.
 *
 * Ranks:  collective on MPI_COMM_WORLD, once
 * Errors: ends the job with MOE_BUG when MPI fails, then and ever after
 */
void moe_comm_start(struct moe_comm *comm, int *argc, char ***argv);

/* Ends MPI.
 *
 * Ranks:  collective
 * Errors: never fails
 */
void moe_comm_end(struct moe_comm *comm);

/* Makes rank 0's status and text that of all ranks, and returns it.
 *
 * Ranks:  collective
 * Errors: what rank 0 found
 */
enum moe_status moe_comm_share(const struct moe_comm *comm, struct moe_error *err);

/* Makes the fault of the lowest rank that has one that of all ranks, and returns its code; the text names the rank when
 * it is not rank 0.
 *
 * Ranks:  collective
 * Errors: what a rank found
 */
enum moe_status moe_comm_agree(MPI_Comm world, struct moe_error *err);

/* Copies a block of any size from rank 0 to all ranks.
 *
 * Ranks:  collective, same size on all
 * Errors: never fails
 */
void moe_comm_broadcast(const struct moe_comm *comm, void *data, int64_t bytes);

#endif
