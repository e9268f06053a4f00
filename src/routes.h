/* What a job's router is taken to do: choose uniformly, or what a results file has measured. */
#ifndef MOE_ROUTES_H
#define MOE_ROUTES_H

#include <stdint.h>

#include "src/job.h"

/* How often patterns occur, as rows of two numbers: occurrences, and how many patterns have so many. */
struct moe_spread {
    int64_t rows;
    int64_t *value; /* [rows, 2] */
};

/* Zeroed: a uniform router. Otherwise what a file has, all from moe_pool_new. */
struct moe_routes {
    int snapshots;
    int same;                   /* the file's settings of record are the job's */
    int layers, experts, shards;
    double *share;              /* [snapshots, L, E] of a layer's choices */
    int64_t passes[MOE_PURPOSES];
    int64_t *rows, *messages;   /* [MOE_PURPOSES, V, E] as in struct moe_sent; null where unknown */
    int64_t *all, *first, *most; /* [MOE_PURPOSES, L, E] likewise */
    int64_t *room, *room_before; /* [MOE_PURPOSES, L + 1, E, E] likewise */
    int64_t sequences;          /* of a census */
    int scopes;
    struct moe_spread *spread;  /* [snapshots, scopes]: of sequences; of counts for paths by token */
    int64_t *table_bytes;       /* [snapshots, scopes] of the tables that a census ends with */
    int16_t **choices;          /* [snapshots] all choices of the census, or null */
};

/* Gives back what routes hold, and leaves a uniform router.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_routes_clear(struct moe_routes *routes);

/* The share of a layer's choices that experts first .. first + count - 1 get in passes of a purpose; where the file
 * does not tell, in the mean of its snapshots.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_routes_share(const struct moe_routes *routes, const struct moe_job *job, enum moe_purpose purpose,
                        int layer, int first, int count);

/* Whether the rows of a purpose, and all that censuses move, follow exactly from the file.
 *
 * Ranks:  local
 * Errors: never fails
 */
int moe_routes_know_rows(const struct moe_routes *routes, const struct moe_job *job);
int moe_routes_know_census(const struct moe_routes *routes, const struct moe_job *job);

/* How many different (pattern, tag) a rank meets in a scope of a census, expected. A tag is a group and level, or a
 * position, as in struct moe_record.
 *   scope    number in the order of moe_scopes
 *   part     the rank's part of the sequences
 *
 * Ranks:  local
 * Errors: never fails
 * Formula: sum over tags and patterns of 1 - (1 - s_tag part)^j, j sequences with the pattern, s_tag the tag's share of
 *          all; of a uniform router 1 - (1 - q s_tag part)^n, n sequences that hold a pattern with probability q
 */
double moe_routes_records(const struct moe_routes *routes, const struct moe_job *job, int snapshot, int scope,
                          const struct moe_scope *what, double part);

/* Bytes of the tables that a scope of a census ends with on rank 0.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_routes_table_bytes(const struct moe_routes *routes, const struct moe_job *job, int snapshot, int scope,
                              const struct moe_scope *what);

#endif
