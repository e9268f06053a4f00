/* Merging what all ranks counted into one census.
 *
 * Every rank counts its own sequences in a moe_counter. A flush moves its records to the owners of their keys: keys
 * fall into fixed partitions, and each rank owns a contiguous range of those. Since the tables are made from the
 * owners' sorted records only, they are the same for every number of ranks and whenever flushes happened.
 *
 *     counter --take, sort--> rounds of all-to-all --> owner's records --> cells --> rank 0: tables
 *                                                                    \--> keys and rows, each owner its own */
#ifndef MOE_MPI_CENSUS_H
#define MOE_MPI_CENSUS_H

#include <mpi.h>
#include <stdint.h>

#include "src/census.h"

/* This rank's part of the keys and rows of one scope. The parts lie in rank order in the file. */
struct moe_census_keys {
    char path[64]; /* as moe_scope_path */
    int64_t patterns, first_pattern, all_patterns;
    int64_t rows, first_row, all_rows;
    int64_t positions, first_position, all_positions; /* of path; else 0 */
    uint64_t *key; /* [patterns, 2]: high, low */
    int64_t *row; /* [rows, 5]: pattern (counted from 0 over all ranks), group, count, sequences, thinned */
    int64_t *position; /* [positions, 3]: pattern, token, count */
};

struct moe_census {
    int tables_count;
    struct moe_scope_tables *tables;              /* in file order; on rank 0, null and 0 elsewhere */
    int keys_count;
    struct moe_census_keys *keys;                 /* all scopes but TOKEN_PATH; null and 0 without keep_keys */
};

struct moe_census_merge;

/* Starts a merge of the ranks' counters, all of the same shape. The counter, and bytes and messages, are borrowed until
 * moe_census_finish.
 *   round_bytes            the most a rank sends in one message round, if it is at least a record to each rank
 *   bytes, messages [P]    what this rank sends to each other rank is added to them: sizes, records and cells, but not
 *                          reductions, which have no one receiver; both may be null
 *
 * Ranks:  collective on comm
 * Errors: never returns without memory
 */
struct moe_census_merge *moe_census_begin(struct moe_counter *counter, MPI_Comm comm, int64_t round_bytes,
                                          int64_t *bytes, int64_t *messages);

/* Moves the counters' records to their owners if the tables of any rank take more than `budget` bytes. Returns whether
 * they did, the same on all ranks. Only between sequences.
 *
 * Ranks:  collective
 * Errors: never returns without memory
 */
int moe_census_flush(struct moe_census_merge *merge, int64_t budget);

/* Ends the merge and makes the census; the counters are empty afterwards. Gives `merge` back; moe_census_clear gives
 * back what census holds.
 *
 * Ranks:  collective
 * Errors: ends the job with MOE_BUG if the tables do not add up to the sequences of the shape
 */
void moe_census_finish(struct moe_census_merge *merge, struct moe_census *census);

/* Gives back a merge that is not to be finished; null is allowed.
 *
 * Ranks:  every rank, no communication
 * Errors: never fails
 */
void moe_census_abandon(struct moe_census_merge *merge);
void moe_census_clear(struct moe_census *census);

/* Bytes that the merge may need on one rank, at most, without the counter's own tables (the budget of moe_census_flush
 * bounds those). Records are taken to be as many as there can be, the smaller of samples and worst-case patterns x
 * groups x levels, shared by the ranks; times 5, for an owner holds up to twice its records before it combines them,
 * and half more again beside them while its array grows. INT64_MAX when it is more than that.
 *
 * Ranks:  local
 * Errors: never fails
 */
int64_t moe_census_estimate_bytes(const struct moe_census_shape *shape, int ranks, int64_t round_bytes);

#endif
