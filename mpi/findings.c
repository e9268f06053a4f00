#include "mpi/findings.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "src/pool.h"

static void plan_coactivation(struct moe_file *file, const char *group, const struct moe_snapshot *snapshot)
{
    const int64_t L = snapshot->shape.layers, E = snapshot->shape.experts;
    char path[128];
    if (L * E <= MOE_COACTIVATION_MAX) {
        snprintf(path, sizeof path, "%s/coactivation", group);
        moe_file_whole(file, path, MOE_I64, 4, (const int64_t[]){L, E, L, E},
                       (const char *const[]){"layer", "expert", "other_layer", "other_expert"}, "tokens",
                       snapshot->coactivation);
    } else {
        snprintf(path, sizeof path, "%s/coactivation_adjacent", group);
        moe_file_whole(file, path, MOE_I64, 4, (const int64_t[]){L, 2, E, E},
                       (const char *const[]){"layer", "next", "expert", "other_expert"}, "tokens",
                       snapshot->coactivation);
    }
}

/* The edges of the margin's bins, made once for all snapshots. */
static const double *margin_edges(void)
{
    static double edge[MOE_MARGIN_BINS + 1];
    for (int i = 0; i <= MOE_MARGIN_BINS; i++)
        edge[i] = moe_margin_edge(i);
    return edge;
}

static void plan_routing(struct moe_file *file, const struct moe_finding *finding)
{
    const struct moe_snapshot *snapshot = &finding->snapshot;
    const int64_t L = snapshot->shape.layers, E = snapshot->shape.experts;
    const char *const dims[] = {"layer", "expert", "label"};
    char group[64], path[128];
    snprintf(group, sizeof group, "/routing/step-%08d", finding->step);
    snprintf(path, sizeof path, "%s/load", group);
    moe_file_whole(file, path, MOE_I64, 2, (const int64_t[]){L, E}, dims, "choices", snapshot->load);
    snprintf(path, sizeof path, "%s/gate_energy", group);
    moe_file_whole(file, path, MOE_REAL64, 2, (const int64_t[]){L, E}, dims, NULL, snapshot->gate_energy);
    if (snapshot->labels) {
        snprintf(path, sizeof path, "%s/load_by_label", group);
        moe_file_whole(file, path, MOE_I64, 3, (const int64_t[]){L, E, snapshot->labels}, dims, "choices",
                       snapshot->load_by_label);
    }
    plan_coactivation(file, group, snapshot);
    snprintf(path, sizeof path, "%s/margin", group);
    moe_file_whole(file, path, MOE_I64, 2, (const int64_t[]){L, MOE_MARGIN_BINS},
                   (const char *const[]){"layer", "margin_bin"}, "tokens", snapshot->margin);
    snprintf(path, sizeof path, "%s/margin_edge", group);
    moe_file_whole(file, path, MOE_REAL64, 1, (const int64_t[]){MOE_MARGIN_BINS + 1},
                   (const char *const[]){"edge"}, "nats", margin_edges());
}

static void plan_scope(struct moe_file *file, const char *census, const struct moe_scope_tables *scope)
{
    char group[128], path[192], rows[64], columns[32];
    snprintf(group, sizeof group, "%s/%s", census, scope->path);
    moe_file_group(file, group);
    moe_file_double(file, group, "ln_worst_case", scope->scope.ln_worst);
    moe_file_int(file, group, "samples", scope->samples);
    moe_file_int(file, group, "samples_per_sequence", scope->scope.samples);
    moe_file_int(file, group, "patterns", scope->patterns);
    moe_file_text(file, group, "keys", scope->scope.exact ? "exact" : "xxh3-128");
    moe_file_double(file, group, "collision_bound",
                    scope->scope.exact ? 0 : ldexp((double)scope->patterns * (double)scope->patterns, -129));
    for (int i = 0; i < scope->count; i++) {
        const struct moe_table *table = &scope->table[i];
        snprintf(path, sizeof path, "%s/%s", group, table->name);
        snprintf(rows, sizeof rows, "%s_row", table->name);
        snprintf(columns, sizeof columns, "/columns_%d", table->width);
        moe_file_whole(file, path, MOE_I64, 2, (const int64_t[]){table->rows, table->width},
                       (const char *const[]){rows, columns}, NULL, table->value);
        moe_file_text(file, path, "columns", table->columns);
    }
}

static void plan_keys(struct moe_file *file, const char *census, const struct moe_census_keys *keys)
{
    char path[192];
    snprintf(path, sizeof path, "%s/%s/keys", census, keys->path);
    moe_file_dataset(file, path, MOE_U64, 2, (const int64_t[]){keys->all_patterns, 2},
                     (const char *const[]){"pattern", "/columns_2"}, NULL);
    moe_file_text(file, path, "columns", "high low");
    moe_file_slab(file, path, MOE_U64, 2, (const int64_t[]){keys->first_pattern, 0},
                  (const int64_t[]){keys->patterns, 2}, keys->key);
    snprintf(path, sizeof path, "%s/%s/rows", census, keys->path);
    moe_file_dataset(file, path, MOE_I64, 2, (const int64_t[]){keys->all_rows, 5},
                     (const char *const[]){"row", "/columns_5"}, NULL);
    moe_file_text(file, path, "columns", "pattern group count sequences thinned");
    moe_file_slab(file, path, MOE_I64, 2, (const int64_t[]){keys->first_row, 0}, (const int64_t[]){keys->rows, 5},
                  keys->row);
    if (keys->all_positions == 0)
        return;
    snprintf(path, sizeof path, "%s/%s/positions", census, keys->path);
    moe_file_dataset(file, path, MOE_I64, 2, (const int64_t[]){keys->all_positions, 3},
                     (const char *const[]){"position", "/columns_3"}, NULL);
    moe_file_text(file, path, "columns", "pattern token count");
    moe_file_slab(file, path, MOE_I64, 2, (const int64_t[]){keys->first_position, 0},
                  (const int64_t[]){keys->positions, 3}, keys->position);
}

static void plan_choices(struct moe_file *file, const char *census, const struct moe_run *run,
                         const struct moe_snapshot *snapshot)
{
    const struct moe_census_shape *shape = &snapshot->shape;
    const int64_t sites = (int64_t)shape->tokens * shape->layers * shape->top_k;
    const int64_t keep = moe_kept_choices(run);
    int64_t at = 0;
    char path[128];
    snprintf(path, sizeof path, "%s/choices", census);
    moe_file_dataset(file, path, MOE_I16, 4, (const int64_t[]){keep, shape->tokens, shape->layers, shape->top_k},
                     (const char *const[]){"/sequence", "token", "layer", "choice"}, "expert");
    for (int i = 0; i < snapshot->slabs; at += snapshot->slab[i++].count)
        moe_file_slab(file, path, MOE_I16, 4, (const int64_t[]){snapshot->slab[i].first, 0, 0, 0},
                      (const int64_t[]){snapshot->slab[i].count, shape->tokens, shape->layers, shape->top_k},
                      snapshot->choices + at * sites);
}

static void plan_census(struct moe_file *file, const struct moe_run *run, const struct moe_task *task,
                        const struct moe_finding *finding)
{
    const struct moe_census_shape *shape = &finding->snapshot.shape;
    char group[64];
    snprintf(group, sizeof group, "/census/step-%08d", finding->step);
    moe_file_group(file, group);
    moe_file_text(file, group, "split",
                  run->data.source == MOE_TORUS ? "fresh sequences" : "held-out sequences");
    moe_file_int(file, group, "first_sequence", shape->first);
    moe_file_int(file, group, "sequences", shape->sequences);
    moe_file_int(file, group, "tokens", shape->sequences * shape->tokens);
    moe_file_int(file, group, "sum_squared_lengths", shape->sequences * shape->tokens * shape->tokens);
    moe_file_int(file, group, "independent", task->independent);
    moe_file_int(file, group, "groups", MOE_GROUPS);
    for (int i = 0; i < finding->census.tables_count; i++)
        plan_scope(file, group, &finding->census.tables[i]);
    for (int i = 0; i < finding->census.keys_count; i++)
        plan_keys(file, group, &finding->census.keys[i]);
    plan_choices(file, group, run, &finding->snapshot);
}

void moe_finding_plan(struct moe_file *file, const struct moe_run *run, const struct moe_task *task,
                      const struct moe_finding *finding)
{
    plan_routing(file, finding);
    plan_census(file, run, task, finding);
}
