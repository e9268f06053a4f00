/* The exchange of src/exchange.h over MPI, with a count of what every rank sends. */
#ifndef MOE_EXCHANGE_MPI_H
#define MOE_EXCHANGE_MPI_H

#include <stdint.h>

#include "mpi/comm.h"
#include "src/exchange.h"

/* What this rank sent to every other rank: [MOE_PHASES, P]. A message to itself counts as none, and a reduction, which
 * has no one receiver, neither. */
struct moe_traffic {
    int64_t *bytes, *messages;
};

/* An exchange on comm, which must outlive it. moe_exchange_mpi_free gives it back.
 *
 * Ranks:  collective
 * Errors: never returns without memory
 */
struct moe_exchange moe_exchange_mpi(const struct moe_comm *comm);
void moe_exchange_mpi_free(struct moe_exchange *ex);

/* The exchange's traffic so far; borrowed until it is freed.
 *
 * Ranks:  local
 * Errors: never fails
 */
const struct moe_traffic *moe_exchange_traffic(const struct moe_exchange *ex);

/* The phase's name as it stands in /traffic. Static storage.
 *
 * Ranks:  local
 * Errors: never fails
 */
const char *moe_phase_name(enum moe_phase phase);

#endif
