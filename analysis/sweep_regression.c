/* The regression of the error on samples and parameters together. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/leastsq.h"
#include "analysis/sweep.h"
#include "src/pool.h"

enum { TERMS = 4 };
#define LEVEL 0.95

static const char *const names[TERMS] = {"regression_intercept", "regression_n", "regression_N_active",
                                         "regression_N_total"};
static const char formula[] = "ln error on ln n, ln N_active and ln N_total, least squares";

/* Whether a run takes part, and its terms. */
static int terms_of(const struct moe_sweep_row *row, double *term)
{
    if (!(row->test_error > 0) || !isfinite(row->test_error) || row->n < 1 || row->active < 1 || row->total < 1)
        return 0;
    term[0] = 1;
    term[1] = log((double)row->n);
    term[2] = log((double)row->active);
    term[3] = log((double)row->total);
    return 1;
}

/* The table of the regression. */
struct table {
    int runs, columns;
    int term[TERMS]; /* [columns] */
    double *x, *y;   /* [runs, columns], [runs] */
};

static void table_init(struct table *table, const struct moe_sweep_row *rows, int count)
{
    double term[TERMS], low[TERMS], high[TERMS];
    memset(table, 0, sizeof *table);
    for (int i = 0; i < count; i++) {
        if (!terms_of(&rows[i], term))
            continue;
        for (int t = 0; t < TERMS; t++) {
            low[t] = table->runs ? fmin(low[t], term[t]) : term[t];
            high[t] = table->runs ? fmax(high[t], term[t]) : term[t];
        }
        table->runs++;
    }
    for (int t = 0; t < TERMS && table->runs; t++)
        if (t == 0 || high[t] > low[t])
            table->term[table->columns++] = t;
    table->x = moe_pool_new(MOE_POOL_ANALYSIS, (size_t)table->runs * TERMS, sizeof *table->x);
    table->y = moe_pool_new(MOE_POOL_ANALYSIS, (size_t)table->runs, sizeof *table->y);
    for (int i = 0, run = 0; i < count; i++) {
        if (!terms_of(&rows[i], term))
            continue;
        for (int c = 0; c < table->columns; c++)
            table->x[run * table->columns + c] = term[table->term[c]];
        table->y[run++] = log(rows[i].test_error);
    }
}

static void say(const struct table *table, const struct moe_leastsq *fit, const char *why, struct moe_sheet *sheet)
{
    const char *used[TERMS];
    int next = 0;
    moe_sheet_add(sheet, "regression_runs", table->runs, MOE_COUNT, "runs with an error and a finite n")->unit = "runs";
    for (int c = 0; c < table->columns; c++)
        used[c] = names[table->term[c]];
    if (!why)
        moe_leastsq_say(fit, used, "regression", sheet);
    for (int t = 0; t < TERMS; t++) {
        const int varies = next < table->columns && table->term[next] == t;
        next += varies;
        if (why || !varies)
            moe_sheet_missing(sheet, names[t], why ? why : "the same in all runs", MOE_ESTIMATE, formula)->in_table = 1;
    }
}

enum moe_status moe_sweep_regression(const struct moe_grid *grid, const struct moe_sweep_row *rows, int count,
                                     struct moe_sheet *sheet, struct moe_error *err)
{
    const int root = grid->comm->rank == 0;
    struct table table = {0};
    struct moe_leastsq fit = {.rows = 0};
    if (root)
        table_init(&table, rows, count);
    int size[2] = {table.runs, table.columns};
    moe_comm_broadcast(grid->comm, size, sizeof size);
    const char *why = size[1] < 2         ? "no size varies among the runs with an error"
                      : size[0] <= size[1] ? "no more runs than terms"
                                           : NULL;
    if (!why && moe_leastsq_fit(grid, size[0], size[1], table.x, table.y, LEVEL, &fit, err) == MOE_INPUT)
        why = "n, N_active and N_total do not vary independently";
    if (root && (why || err->code == MOE_OK))
        say(&table, &fit, why, sheet);
    if (err->code == MOE_INPUT)
        *err = (struct moe_error){.code = MOE_OK};
    moe_leastsq_clear(&fit);
    moe_pool_free(table.x);
    moe_pool_free(table.y);
    return err->code;
}
