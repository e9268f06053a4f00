/* What the merged files counted beside patterns. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analysis/merge_parts.h"
#include "src/pool.h"

/* A dataset below /routing of every part, added up. */
static enum moe_status add_up(const struct moe_parts *parts, const char *name, enum moe_type type, int rank,
                              const int64_t *shape, void *sum, struct moe_error *err)
{
    const int64_t start[MOE_FILE_DIMS] = {0};
    int64_t size = 1;
    char path[128];
    for (int i = 0; i < rank; i++)
        size *= shape[i];
    void *one = moe_pool_new(MOE_POOL_CENSUS, (size_t)size, 8);
    for (int p = 0; p < parts->count && err->code == MOE_OK; p++) {
        const struct moe_part *part = &parts->part[p];
        snprintf(path, sizeof path, "/routing/%s/%s", part->snapshot, name);
        if (moe_reader_slab(part->reader, path, type, rank, shape, start, shape, one, err) != MOE_OK)
            break;
        for (int64_t i = 0; i < size; i++)
            if (type == MOE_REAL64)
                ((double *)sum)[i] += ((const double *)one)[i];
            else
                ((int64_t *)sum)[i] += ((const int64_t *)one)[i];
    }
    moe_pool_free(one);
    return err->code;
}

/* Sums of whole numbers in an array of their own. */
static int64_t *counts_of(const struct moe_parts *parts, const char *name, int rank, const int64_t *shape,
                          struct moe_error *err)
{
    int64_t size = 1;
    for (int i = 0; i < rank; i++)
        size *= shape[i];
    int64_t *sum = moe_pool_new(MOE_POOL_CENSUS, (size_t)size, sizeof *sum);
    if (err->code == MOE_OK)
        add_up(parts, name, MOE_I64, rank, shape, sum, err);
    return sum;
}

/* The choices of the first sequences of the whole: every part has stored at least as many of its own as are missing. */
static enum moe_status join_choices(const struct moe_parts *parts, struct moe_snapshot *snapshot, struct moe_error *err)
{
    const struct moe_census_shape *shape = &parts->shape;
    const int64_t sites = (int64_t)shape->tokens * shape->layers * shape->top_k, asked = parts->run.census.keep_choices;
    const int64_t keep = asked < shape->sequences ? asked : shape->sequences;
    char path[96];
    snapshot->choices = moe_pool_new(MOE_POOL_CENSUS, (size_t)(keep * sites), sizeof *snapshot->choices);
    snapshot->slab = moe_pool_new(MOE_POOL_CENSUS, 1, sizeof *snapshot->slab);
    for (int p = 0; p < parts->count && err->code == MOE_OK; p++) {
        const struct moe_part *part = &parts->part[p];
        const int64_t stored = asked < part->sequences ? asked : part->sequences, left = keep - snapshot->kept;
        const int64_t all[] = {stored, shape->tokens, shape->layers, shape->top_k}, start[MOE_FILE_DIMS] = {0};
        const int64_t count[] = {stored < left ? stored : left, shape->tokens, shape->layers, shape->top_k};
        snprintf(path, sizeof path, "/census/%s/choices", part->snapshot);
        moe_reader_slab(part->reader, path, MOE_I16, 4, all, start, count, snapshot->choices + snapshot->kept * sites,
                        err);
        snapshot->kept += count[0];
    }
    snapshot->slab[0] = (struct moe_slab){0, snapshot->kept};
    snapshot->slabs = 1;
    return err->code;
}

enum moe_status moe_parts_snapshot(const struct moe_parts *parts, struct moe_snapshot *snapshot, struct moe_error *err)
{
    const int64_t L = parts->shape.layers, E = parts->shape.experts;
    const int64_t by_label[] = {L, E, parts->task.labels}, pairs[] = {L, E, L, E}, adjacent[] = {L, 2, E, E};
    const int64_t margins[] = {L, MOE_MARGIN_BINS};
    memset(snapshot, 0, sizeof *snapshot);
    snapshot->split = MOE_SPLIT_CENSUS;
    snapshot->shape = parts->shape;
    snapshot->labels = parts->task.labels;
    snapshot->load = counts_of(parts, "load", 2, by_label, err);
    if (snapshot->labels)
        snapshot->load_by_label = counts_of(parts, "load_by_label", 3, by_label, err);
    snapshot->coactivation = L * E <= MOE_COACTIVATION_MAX
                                 ? counts_of(parts, "coactivation", 4, pairs, err)
                                 : counts_of(parts, "coactivation_adjacent", 4, adjacent, err);
    snapshot->margin = counts_of(parts, "margin", 2, margins, err);
    snapshot->gate_energy = moe_pool_new(MOE_POOL_CENSUS, (size_t)(L * E), sizeof *snapshot->gate_energy);
    if (err->code == MOE_OK)
        add_up(parts, "gate_energy", MOE_REAL64, 2, by_label, snapshot->gate_energy, err);
    if (err->code == MOE_OK)
        join_choices(parts, snapshot, err);
    int64_t sum = 0;
    for (int64_t i = 0; i < L * E && err->code == MOE_OK; i++)
        sum += snapshot->load[i];
    if (err->code == MOE_OK && sum != L * parts->shape.tokens * parts->shape.top_k * parts->shape.sequences)
        return moe_fail(err, MOE_INPUT, "%s: the loads do not add up to %" PRId64 " sequences in all files",
                        parts->part[0].name, parts->shape.sequences);
    return err->code;
}
