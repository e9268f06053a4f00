/* Measured constants of a machine, which predictions of time are made from.
 *
 * They stand in an INI file that `plan --calibrate` writes and parallel.machine names; without one the program's own
 * serve, which were measured once on one machine. Seconds, bytes and FLOP/s throughout. */
#ifndef MOE_MACHINE_H
#define MOE_MACHINE_H

#include <stdio.h>

#include "src/status.h"

/* The grid of the rate of matrix products: rows that meet a matrix of side x side. */
enum { MOE_RATE_ROWS = 7, MOE_RATE_SIDES = 7, MOE_EXCHANGE_MAX = 8, MOE_ORIGIN_MAX = 200 };

enum moe_product {
    MOE_PRODUCT_MAP,      /* rows through a matrix */
    MOE_PRODUCT_GRADIENT, /* the gradient of a matrix, a sum over rows */
    MOE_PRODUCTS
};

/* Work that is not a product: each has seconds a call and seconds an element. */
enum moe_work {
    MOE_WORK_COPY,             /* adding, scaling or copying a row that is near */
    MOE_WORK_FAR,              /* more for elements that are not */
    MOE_WORK_NORM,
    MOE_WORK_NORM_BACKWARD,
    MOE_WORK_SOFTMAX,
    MOE_WORK_SOFTMAX_BACKWARD,
    MOE_WORK_LOSS,             /* cross-entropy of a prediction, and whether it is right; elements are outputs */
    MOE_WORK_GELU,
    MOE_WORK_GELU_BACKWARD,
    MOE_WORK_ROUTE,            /* a token; elements are experts */
    MOE_WORK_ROUTE_BACKWARD,
    MOE_WORK_ADAMW,
    MOE_WORK_POINT,            /* a torus sequence's tokens; elements are dimensions */
    MOE_WORK_TARGET,           /* its target; elements are cosines */
    MOE_WORK_IMAGE,            /* an image; elements are pixels */
    MOE_WORK_TEXT,             /* a window of text; elements are bytes */
    MOE_WORK_COUNT,            /* a sequence of a census; elements are patterns */
    MOE_WORK_MERGE,            /* elements are records of a census */
    MOE_WORKS
};

struct moe_rate {
    double call, element; /* seconds */
};

struct moe_machine {
    char origin[MOE_ORIGIN_MAX];
    double cores, memory; /* of a node */
    double cache;         /* bytes that stay near a core */
    double process;       /* bytes of a rank that are in no pool: libraries and their buffers */
    double rate[MOE_PRODUCTS][MOE_RATE_SIDES][MOE_RATE_ROWS]; /* FLOP/s */
    struct moe_rate work[MOE_WORKS];
    struct moe_rate file; /* a file, and its bytes, synced */
    int exchanges;        /* an all-to-all inside a node: */
    double ranks[MOE_EXCHANGE_MAX]; /* rising, from 1 */
    struct moe_rate exchange[MOE_EXCHANGE_MAX]; /* elements are bytes that a rank sends */
    struct moe_rate network; /* a message between nodes; elements are bytes of all ranks of a node */
};

/* Rows and side of the grid's points.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_machine_rows(int i);
double moe_machine_side(int i);

/* The program's own constants.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_machine_default(struct moe_machine *machine);

/* Reads the file at path; an empty path gives the program's own.
 *
 * Ranks:  local
 * Errors: MOE_INPUT cannot be read; MOE_USAGE not such a file: an unknown key, a bad number, a key that is missing
 */
enum moe_status moe_machine_read(struct moe_machine *machine, const char *path, struct moe_error *err);

/* Writes what moe_machine_read reads, with comments.
 *
 * Ranks:  local
 * Errors: never fails; look at ferror(out)
 */
void moe_machine_print(const struct moe_machine *machine, FILE *out);

/* Seconds of a product: rate interpolated between the grid's points in the logarithms of rows and side, that of the
 * nearest edge outside of it.
 *   rows          of the map, or summed over in a gradient
 *   inner, outer  the sizes of the matrix; side^2 = inner x outer
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_machine_product(const struct moe_machine *machine, enum moe_product product, double rows, double inner,
                           double outer);

/* Seconds of an all-to-all of `ranks` ranks, `per_node` of them on a node, in which the busiest rank sends `bytes`.
 *
 * Ranks:  local
 * Errors: never fails
 * Formula: inside a node: measured up to the most ranks that were; beyond, calls grow as P - 1. To other nodes: one
 *          latency a rank there, and the share of bytes that leaves the node at the node's rate, shared by its ranks
 */
double moe_machine_exchange(const struct moe_machine *machine, double ranks, double per_node, double bytes);

#endif
