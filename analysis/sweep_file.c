#include "analysis/sweep_file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/abundance.h"
#include "analysis/counts_file.h"
#include "analysis/study.h"
#include "analysis/sweep.h"
#include "src/pool.h"

/* The settings of record without the seeds: files that differ in those only are one cell. */
static char *cell_of(const struct moe_run *run)
{
    struct moe_run *copy = moe_pool_new(MOE_POOL_FILES, 1, sizeof *copy);
    *copy = *run;
    copy->data.seed = copy->model.seed = 0;
    char *text = moe_config_record_text(copy, "");
    moe_pool_free(copy);
    return text;
}

static enum moe_status read_sizes(struct moe_sweep_row *row, struct moe_reader *reader, struct moe_error *err)
{
    int64_t number[9] = {0};
    double test_clean, train_clean;
    const char *const names[] = {"parameters_active", "parameters_total", "parameters_per_expert", "layers", "tokens",
                                 "experts",           "top_k",            "width",                 "expert_width"};
    for (int i = 0; i < 9; i++)
        if (moe_reader_int(reader, "/model", names[i], &number[i], err) != MOE_OK)
            return err->code;
    row->active = number[0];
    row->total = number[1];
    row->per_expert = number[2];
    row->layers = (int)number[3];
    row->tokens = (int)number[4];
    row->experts = (int)number[5];
    row->top_k = (int)number[6];
    row->width = (int)number[7];
    row->expert_width = (int)number[8];
    if (moe_reader_double(reader, "/model", "train_loss", &row->train_error, err) != MOE_OK ||
        moe_reader_double(reader, "/model", "test_loss", &row->test_error, err) != MOE_OK ||
        moe_reader_double(reader, "/model", "test_noise_free_mse", &test_clean, err) != MOE_OK ||
        moe_reader_double(reader, "/model", "train_noise_free_mse", &train_clean, err) != MOE_OK ||
        moe_reader_double(reader, "/model", "gap_control_variate", &row->gap_cv, err) != MOE_OK ||
        moe_reader_double(reader, "/model", "train_noise", &row->noise, err) != MOE_OK)
        return err->code;
    row->test_error = isnan(test_clean) ? row->test_error : test_clean;
    row->train_error = isnan(train_clean) ? row->train_error : train_clean;
    return MOE_OK;
}

static enum moe_status read_experts_used(struct moe_sweep_row *row, struct moe_reader *reader, struct moe_error *err)
{
    int64_t layers = row->layers, start = 0;
    int64_t *used = moe_pool_new(MOE_POOL_FILES, (size_t)layers, sizeof *used);
    moe_reader_slab(reader, "/model/experts_used", MOE_I64, 1, &layers, &start, &layers, used, err);
    for (int l = 0; l < row->layers; l++)
        row->experts_used += used[l];
    moe_pool_free(used);
    return err->code;
}

/* Entropies of the last census. */
static enum moe_status read_census(struct moe_sweep_row *row, struct moe_reader *reader, struct moe_error *err)
{
    char snapshot[64] = "", child[64];
    struct moe_counts counts;
    int count = moe_reader_children(reader, "/census");
    for (int i = 0; i < count; i++) {
        moe_reader_child(reader, "/census", i, child);
        if (strncmp(child, "step-", 5) == 0)
            snprintf(snapshot, sizeof snapshot, "%s", child);
    }
    row->entropy_upper = moe_path_entropies(reader, snapshot);
    if (moe_counts_read(&counts, reader, snapshot, "path", err) != MOE_OK)
        return err->code;
    row->path_entropy = moe_abundance_of(counts.fof.value, counts.fof.rows).entropy;
    moe_counts_clear(&counts);
    if (moe_counts_read(&counts, reader, snapshot, "sequence", err) != MOE_OK)
        return err->code;
    row->sequence_entropy = moe_abundance_of(counts.fof.value, counts.fof.rows).entropy;
    row->ln_worst = counts.ln_worst;
    moe_counts_clear(&counts);
    return MOE_OK;
}

static enum moe_status read_row(struct moe_sweep_row *row, const char *file, struct moe_error *err)
{
    struct moe_reader *reader;
    struct moe_run *run = moe_pool_new(MOE_POOL_FILES, 1, sizeof *run);
    memset(row, 0, sizeof *row);
    snprintf(row->name, sizeof row->name, "%s", file);
    if (moe_study_open(&reader, file, err) == MOE_OK && moe_study_settings(run, reader, err) == MOE_OK &&
        read_sizes(row, reader, err) == MOE_OK && read_experts_used(row, reader, err) == MOE_OK &&
        read_census(row, reader, err) == MOE_OK) {
        row->cell = cell_of(run);
        row->data_seed = run->data.seed;
        row->model_seed = run->model.seed;
        row->n = run->data.n;
        row->learned = run->model.router == MOE_LEARNED;
        row->dim = run->data.source == MOE_TORUS ? run->data.dim : 0;
        row->beta = run->data.source == MOE_TORUS ? run->data.beta : NAN;
        row->sequences_seen = (double)run->train.steps * run->train.batch;
    }
    moe_reader_close(reader);
    moe_pool_free(run);
    return err->code;
}

enum moe_status moe_sweep_files(struct moe_report_file *report, const char *const *file, int count,
                                struct moe_error *err)
{
    struct moe_sweep_row *row = moe_pool_new(MOE_POOL_FILES, (size_t)count, sizeof *row);
    snprintf(report->name, sizeof report->name, "sweep of %d files", count);
    for (int i = 0; i < count && err->code == MOE_OK; i++)
        read_row(&row[i], file[i], err);
    if (err->code == MOE_OK) {
        for (int i = 0; i < count; i++)
            moe_sweep_sheet(&row[i], moe_report_sheet(report, row[i].name));
        struct moe_sheet *fits = moe_report_sheet(report, "sweep");
        moe_sweep_scaling(row, count, fits);
        moe_sweep_frontier(row, count, fits);
        moe_sweep_gap(row, count, fits);
    }
    for (int i = 0; i < count; i++)
        moe_pool_free((char *)row[i].cell);
    moe_pool_free(row);
    return err->code;
}
