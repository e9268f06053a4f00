#include "analysis/sweep.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/fit.h"
#include "src/pool.h"

enum { ENOUGH_SEEDS = 3, ENOUGH_POINTS = 3 };
#define LEVEL 0.95

/* The runs of one config. */
struct cell {
    int first;       /* a run of the cell */
    int runs;
    double ln_error; /* mean over its runs */
};

/* Cells that go into one fit. */
struct points {
    int count;
    int *run;        /* [count] a run of each cell */
    double *x, *y;   /* [count] y: mean ln error of the cell */
};

struct exponent {
    double value, low, high, error;
    int freedom;
    const char *missing;
    char note[96];
};

enum key { BY_SAMPLES, BY_ACTIVE, BY_TOTAL };

void moe_sweep_sheet(const struct moe_sweep_row *row, struct moe_sheet *sheet)
{
    const struct {
        const char *name, *grade, *formula, *unit;
        double value;
        int in_table;
    } figures[] = {
        {"n", MOE_COUNT, "training sequences", "sequences", row->n ? (double)row->n : NAN, 1},
        {"experts", MOE_COUNT, "E", NULL, row->experts, 1},
        {"top_k", MOE_COUNT, "K", NULL, row->top_k, 1},
        {"expert_width", MOE_COUNT, "F", NULL, row->expert_width, 1},
        {"width", MOE_COUNT, "C", NULL, row->width, 0},
        {"layers", MOE_COUNT, "L", NULL, row->layers, 1},
        {"tokens", MOE_COUNT, "T", NULL, row->tokens, 0},
        {"parameters_active", MOE_COUNT, "without routers", NULL, (double)row->active, 1},
        {"parameters_total", MOE_COUNT, "all", NULL, (double)row->total, 1},
        {"experts_used", MOE_COUNT, "experts with a load, over all layers", NULL, (double)row->experts_used, 0},
        {"data_seed", MOE_COUNT, "data.seed", NULL, (double)row->data_seed, 0},
        {"model_seed", MOE_COUNT, "model.seed", NULL, (double)row->model_seed, 1},
        {"sequences_seen", MOE_COUNT, "steps x batch", "sequences", row->sequences_seen, 0},
        {"train_error", MOE_MEASURED, "training error", NULL, row->train_error, 0},
        {"test_error", MOE_MEASURED, "test error, noise-free where known", NULL, row->test_error, 1},
        {"gap_control_variate", MOE_MEASURED, "noise-free test error + training noise - training error", NULL,
         row->gap_cv, 1},
        {"noise", MOE_MEASURED, "mean squared noise of the training targets", NULL, row->noise, 0},
        {"path_entropy", MOE_DIAGNOSTIC, "plug-in, path of a token", "nats", row->path_entropy, 1},
        {"entropy_upper", MOE_ESTIMATE, "plug-in entropy of the path, summed over positions", "nats",
         row->entropy_upper, 1},
        {"sequence_entropy", MOE_DIAGNOSTIC, "plug-in, whole sequence", "nats", row->sequence_entropy, 0},
        {"ln_worst_case", MOE_COUNT, "L T ln C(E, K)", "nats", row->ln_worst, 0},
    };
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        struct moe_figure *figure =
            isfinite(figures[i].value)
                ? moe_sheet_add(sheet, figures[i].name, figures[i].value, figures[i].grade, figures[i].formula)
                : moe_sheet_missing(sheet, figures[i].name, "not known for this run", figures[i].grade,
                                    figures[i].formula);
        figure->unit = figures[i].unit;
        figure->in_table = figures[i].in_table;
    }
}

static int usable(const struct moe_sweep_row *row)
{
    return row->test_error > 0 && isfinite(row->test_error);
}

/* All cells with their mean ln error; runs without an error are in none. */
static int make_cells(const struct moe_sweep_row *rows, int count, struct cell **cells)
{
    int made = 0;
    *cells = moe_pool_new(MOE_POOL_FILES, (size_t)count, sizeof **cells);
    for (int i = 0; i < count; i++) {
        int c = 0;
        if (!usable(&rows[i]))
            continue;
        while (c < made && strcmp(rows[(*cells)[c].first].cell, rows[i].cell) != 0)
            c++;
        struct cell *cell = &(*cells)[c];
        if (c == made) {
            cell->first = i;
            made++;
        }
        cell->runs++;
        cell->ln_error += (log(rows[i].test_error) - cell->ln_error) / cell->runs;
    }
    return made;
}

static double x_of(const struct moe_sweep_row *row, enum key key)
{
    return key == BY_SAMPLES ? (double)row->n : key == BY_ACTIVE ? (double)row->active : (double)row->total;
}

static int64_t largest_n(const struct moe_sweep_row *rows, int count)
{
    int64_t most = 0;
    for (int i = 0; i < count; i++)
        most = usable(&rows[i]) && rows[i].n > most ? rows[i].n : most;
    return most;
}

static void points_init(struct points *points, int most)
{
    points->count = 0;
    points->run = moe_pool_new(MOE_POOL_FILES, (size_t)most, sizeof *points->run);
    points->x = moe_pool_new(MOE_POOL_FILES, (size_t)most, sizeof *points->x);
    points->y = moe_pool_new(MOE_POOL_FILES, (size_t)most, sizeof *points->y);
}

static void points_clear(struct points *points)
{
    moe_pool_free(points->run);
    moe_pool_free(points->x);
    moe_pool_free(points->y);
}

/* The best cell at every value of the key: over all n, or at the largest n for sizes. */
static void select_best(const struct moe_sweep_row *rows, int count, enum key key, struct points *points)
{
    struct cell *cells;
    const int made = make_cells(rows, count, &cells);
    const int64_t most = largest_n(rows, count);
    points_init(points, made);
    for (int c = 0; c < made; c++) {
        const struct moe_sweep_row *row = &rows[cells[c].first];
        const double x = log(x_of(row, key));
        int p = 0;
        if (row->n == 0 || (key != BY_SAMPLES && row->n != most))
            continue;
        while (p < points->count && points->x[p] != x)
            p++;
        if (p < points->count && points->y[p] <= cells[c].ln_error)
            continue;
        points->count += p == points->count;
        points->run[p] = cells[c].first;
        points->x[p] = x;
        points->y[p] = cells[c].ln_error;
    }
    moe_pool_free(cells);
}

/* The run of a cell that has the seeds of another run, or -1. */
static int run_with_seeds(const struct moe_sweep_row *rows, int count, const char *cell,
                          const struct moe_sweep_row *seeds)
{
    for (int i = 0; i < count; i++)
        if (usable(&rows[i]) && rows[i].data_seed == seeds->data_seed && rows[i].model_seed == seeds->model_seed &&
            strcmp(rows[i].cell, cell) == 0)
            return i;
    return -1;
}

/* The slope of every seed that has a run in each cell of the fit; returns how many. */
static int slopes_of_seeds(const struct moe_sweep_row *rows, int count, const struct points *points, double *slope)
{
    double *y = moe_pool_new(MOE_POOL_FILES, (size_t)points->count, sizeof *y);
    int seeds = 0;
    for (int i = 0; i < count; i++) {
        int p = 0;
        if (!usable(&rows[i]) || strcmp(rows[i].cell, rows[points->run[0]].cell) != 0 ||
            run_with_seeds(rows, count, rows[i].cell, &rows[i]) != i) /* the same file given twice */
            continue;
        for (; p < points->count; p++) {
            const int run = run_with_seeds(rows, count, rows[points->run[p]].cell, &rows[i]);
            if (run < 0)
                break;
            y[p] = log(rows[run].test_error);
        }
        if (p == points->count)
            slope[seeds++] = moe_fit_line(points->x, y, points->count, LEVEL).slope;
    }
    moe_pool_free(y);
    return seeds;
}

/* -slope of ln error in ln key. */
static struct exponent exponent_of(const struct moe_sweep_row *rows, int count, enum key key)
{
    struct exponent e = {NAN, NAN, NAN, NAN, 0, NULL, ""};
    struct points points;
    select_best(rows, count, key, &points);
    double *slope = moe_pool_new(MOE_POOL_FILES, (size_t)count, sizeof *slope);
    const int seeds = points.count >= 2 ? slopes_of_seeds(rows, count, &points, slope) : 0;
    struct moe_line line = moe_fit_line(points.x, points.y, points.count, LEVEL);
    if (points.count < 2 || (seeds < ENOUGH_SEEDS && points.count < ENOUGH_POINTS)) {
        e.missing = "needs three sizes, or two with three seeds in common";
    } else if (seeds >= ENOUGH_SEEDS) {
        double low, high;
        e.value = -moe_fit_mean(slope, seeds, LEVEL, &low, &high);
        e.low = -high;
        e.high = -low;
        e.freedom = seeds - 1;
        e.error = (high - low) / 2 / moe_fit_half(1, e.freedom, LEVEL);
    } else {
        e.value = -line.slope;
        e.low = -line.high;
        e.high = -line.low;
        e.freedom = line.freedom;
        e.error = line.error;
    }
    snprintf(e.note, sizeof e.note, "%d points, interval from %s, largest residual %.2g", points.count,
             seeds >= ENOUGH_SEEDS ? "seeds" : "least squares", line.residual);
    moe_pool_free(slope);
    points_clear(&points);
    return e;
}

static void add_exponent(struct moe_sheet *sheet, const char *name, const struct exponent *e, const char *formula)
{
    struct moe_figure *figure = e->missing ? moe_sheet_missing(sheet, name, e->missing, MOE_ESTIMATE, formula)
                                           : moe_sheet_add(sheet, name, e->value, MOE_ESTIMATE, formula);
    figure->in_table = 1;
    if (e->missing)
        return;
    moe_figure_interval(figure, e->low, e->high, LEVEL);
    if (e->note[0])
        figure->note = moe_sheet_text(sheet, "%s", e->note);
}

/* d and beta that all runs share; 0 where they do not. */
static int source_of(const struct moe_sweep_row *rows, int count, double *d, double *beta)
{
    for (int i = 0; i < count; i++)
        if (rows[i].dim != rows[0].dim || !(rows[i].beta == rows[0].beta))
            return 0;
    *d = count ? rows[0].dim : 0;
    *beta = count ? rows[0].beta : NAN;
    return *d > 0 && *beta > 0;
}

static void add_theory(struct moe_sheet *sheet, const char *name, int known, double value, const char *formula)
{
    if (known)
        moe_sheet_add(sheet, name, value, MOE_DERIVED, formula)->note = "squared error, constants and logs dropped";
    else
        moe_sheet_missing(sheet, name, "the runs do not share a known dimension and smoothness", MOE_DERIVED, formula);
}

/* alpha_D against alpha_N / (1 + alpha_N); both are taken as independent. */
static void add_identity(struct moe_sheet *sheet, const char *which, const struct exponent *d, const struct exponent *n)
{
    char name[64];
    const char *missing = n->missing      ? n->missing
                          : n->low <= -1 ? "the interval of alpha_N goes below -1, where the identity has a pole"
                                         : NULL;
    struct exponent from = {.missing = missing}, gap = {.missing = missing ? missing : d->missing};
    const double slope = 1 / ((1 + n->value) * (1 + n->value));
    from.value = n->value / (1 + n->value);
    from.low = n->low / (1 + n->low);
    from.high = n->high / (1 + n->high);
    gap.value = d->value - from.value;
    gap.freedom = d->freedom < n->freedom ? d->freedom : n->freedom;
    const double half =
        moe_fit_half(sqrt(d->error * d->error + slope * slope * n->error * n->error), gap.freedom, LEVEL);
    gap.low = gap.value - half;
    gap.high = gap.value + half;
    if (!gap.missing)
        snprintf(gap.note, sizeof gap.note, "the identity is %s the interval",
                 gap.low <= 0 && gap.high >= 0 ? "in" : "outside");
    snprintf(name, sizeof name, "alpha_D_identity_%s", which);
    add_exponent(sheet, name, &from, "alpha_N / (1 + alpha_N)");
    snprintf(name, sizeof name, "identity_gap_%s", which);
    add_exponent(sheet, name, &gap, "alpha_D - alpha_N / (1 + alpha_N)");
}

void moe_sweep_scaling(const struct moe_sweep_row *rows, int count, struct moe_sheet *sheet)
{
    double d, beta;
    const int known = source_of(rows, count, &d, &beta);
    const struct exponent by_n = exponent_of(rows, count, BY_SAMPLES), active = exponent_of(rows, count, BY_ACTIVE),
                          total = exponent_of(rows, count, BY_TOTAL);
    add_exponent(sheet, "alpha_D", &by_n, "-slope of ln error in ln n, best cell of every n");
    add_exponent(sheet, "alpha_N_active", &active, "-slope of ln error in ln N_active at the largest n");
    add_exponent(sheet, "alpha_N_total", &total, "-slope of ln error in ln N_total at the largest n");
    add_theory(sheet, "alpha_D_theory", known, 2 * beta / (2 * beta + d), "2 beta / (2 beta + d)");
    add_theory(sheet, "alpha_N_theory", known, 2 * beta / d, "2 beta / d");
    add_identity(sheet, "active", &by_n, &active);
    add_identity(sheet, "total", &by_n, &total);
}

/* A cell and what it costs. */
struct spent {
    double cost, size, tokens, ln_error;
};

static int by_cost(const void *left, const void *right)
{
    const struct spent *a = left, *b = right;
    if (a->cost != b->cost)
        return a->cost < b->cost ? -1 : 1;
    return (a->ln_error > b->ln_error) - (a->ln_error < b->ln_error);
}

/* The cells that no cheaper one beats, by rising cost; returns how many. */
static int make_frontier(const struct moe_sweep_row *rows, int count, enum key key, struct spent **frontier)
{
    struct cell *cells;
    const int made = make_cells(rows, count, &cells);
    int all = 0, kept = 0;
    *frontier = moe_pool_new(MOE_POOL_FILES, (size_t)made, sizeof **frontier);
    for (int c = 0; c < made; c++) {
        const struct moe_sweep_row *row = &rows[cells[c].first];
        const double tokens = row->sequences_seen * row->tokens, size = x_of(row, key);
        if (tokens > 0)
            (*frontier)[all++] = (struct spent){6 * size * tokens, size, tokens, cells[c].ln_error};
    }
    moe_pool_free(cells);
    qsort(*frontier, (size_t)all, sizeof **frontier, by_cost);
    for (int i = 0; i < all; i++)
        if (kept == 0 || (*frontier)[i].ln_error < (*frontier)[kept - 1].ln_error)
            (*frontier)[kept++] = (*frontier)[i];
    return kept;
}

static void add_frontier(const struct moe_sweep_row *rows, int count, enum key key, const char *which,
                         struct moe_sheet *sheet)
{
    static const char *const names[] = {"N", "D", "error"};
    struct spent *frontier;
    char name[64];
    const int points = make_frontier(rows, count, key, &frontier);
    double *x = moe_pool_new(MOE_POOL_FILES, 2 * (size_t)points, sizeof *x), *y = x + points;
    snprintf(name, sizeof name, "frontier_%s_points", which);
    moe_sheet_add(sheet, name, points, MOE_COUNT, "cells that no cheaper cell beats, cost 6 N D")->unit = "cells";
    for (int quantity = 0; quantity < 3; quantity++) {
        for (int i = 0; i < points; i++) {
            x[i] = log(frontier[i].cost);
            y[i] = quantity == 0   ? log(frontier[i].size)
                   : quantity == 1 ? log(frontier[i].tokens)
                                   : frontier[i].ln_error;
        }
        const struct moe_line line = moe_fit_line(x, y, points, LEVEL);
        struct exponent e = {line.slope, line.low, line.high, line.error, line.freedom, line.missing, ""};
        if (points < ENOUGH_POINTS)
            e.missing = "fewer than three cells on the frontier";
        else
            snprintf(e.note, sizeof e.note, "%d cells, interval from least squares", points);
        snprintf(name, sizeof name, "frontier_%s_%s", which, names[quantity]);
        add_exponent(sheet, name, &e, "slope in ln F along the frontier, F = 6 N D");
    }
    moe_pool_free(x);
    moe_pool_free(frontier);
}

void moe_sweep_frontier(const struct moe_sweep_row *rows, int count, struct moe_sheet *sheet)
{
    double d, beta;
    const int known = source_of(rows, count, &d, &beta);
    add_frontier(rows, count, BY_ACTIVE, "active", sheet);
    add_frontier(rows, count, BY_TOTAL, "total", sheet);
    add_theory(sheet, "frontier_N_theory", known, d / (2 * beta + 2 * d), "d / (2 beta + 2 d)");
    add_theory(sheet, "frontier_D_theory", known, (2 * beta + d) / (2 * beta + 2 * d), "(2 beta + d) / (2 beta + 2 d)");
    add_theory(sheet, "frontier_error_theory", known, -beta / (beta + d), "-beta / (beta + d)");
}
