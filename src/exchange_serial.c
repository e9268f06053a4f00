#include <string.h>

#include "src/exchange.h"
#include "src/status.h"

static void copy_sizes(struct moe_exchange *ex, const int32_t *send, const int *send_count, int32_t *receive,
                       const int *receive_count)
{
    (void)ex;
    MOE_CHECK(send_count[0] == receive_count[0]);
    memcpy(receive, send, (size_t)send_count[0] * sizeof *send);
}

static void copy_rows(struct moe_exchange *ex, const moe_real *send, const int *send_rows, moe_real *receive,
                      const int *receive_rows, int width, enum moe_phase phase)
{
    (void)ex;
    (void)phase;
    MOE_CHECK(send_rows[0] == receive_rows[0]);
    memcpy(receive, send, (size_t)send_rows[0] * (size_t)width * sizeof *send);
}

/* One rank's nodes are the whole tree, so there is one node and it is the sum. */
static void fold(struct moe_exchange *ex, const struct moe_tree *tree, moe_real *nodes, int64_t n, moe_real *out)
{
    (void)ex;
    MOE_CHECK(tree->mine == 1);
    if (out != nodes)
        memcpy(out, nodes, (size_t)n * sizeof *out);
}

static void fold_double(struct moe_exchange *ex, const struct moe_tree *tree, double *nodes, int64_t n, double *out)
{
    (void)ex;
    MOE_CHECK(tree->mine == 1);
    if (out != nodes)
        memcpy(out, nodes, (size_t)n * sizeof *out);
}

static void sum(struct moe_exchange *ex, int64_t *values, int64_t n)
{
    (void)ex;
    (void)values;
    (void)n;
}

static void gather(struct moe_exchange *ex, const double *mine, const int *counts, double *all)
{
    (void)ex;
    memcpy(all, mine, (size_t)counts[0] * sizeof *all);
}

struct moe_exchange moe_exchange_serial(void)
{
    return (struct moe_exchange){.ranks = 1,
                                 .sizes = copy_sizes,
                                 .rows = copy_rows,
                                 .fold = fold,
                                 .fold_double = fold_double,
                                 .sum = sum,
                                 .gather = gather};
}
