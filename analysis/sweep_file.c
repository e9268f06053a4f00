#include "analysis/sweep_file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/abundance.h"
#include "analysis/compare.h"
#include "analysis/counts_file.h"
#include "analysis/fof.h"
#include "analysis/source.h"
#include "analysis/study.h"
#include "analysis/sweep.h"
#include "src/pool.h"

/* A file of the sweep, beside its row. */
struct member {
    const char *name;
    struct moe_run run;
    char source[MOE_SOURCE_TEXT], checksum[MOE_WORD_MAX];
    char snapshot[64]; /* the last */
};

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
    return MOE_OK;
}

/* How well the model does; a census does not know. */
static enum moe_status read_losses(struct moe_sweep_row *row, struct moe_reader *reader, struct moe_error *err)
{
    double value[6] = {NAN, NAN, NAN, NAN, NAN, NAN};
    const char *const names[] = {"train_loss",           "test_loss",           "test_noise_free_mse",
                                 "train_noise_free_mse", "gap_control_variate", "train_noise"};
    char *verb;
    if (moe_reader_text(reader, "/", "verb", &verb, err) != MOE_OK)
        return err->code;
    for (int i = 0; i < 6 && strcmp(verb, "train") == 0 && err->code == MOE_OK; i++)
        moe_reader_double(reader, "/model", names[i], &value[i], err);
    moe_pool_free(verb);
    row->test_error = isnan(value[2]) ? value[1] : value[2];
    row->train_error = isnan(value[3]) ? value[0] : value[3];
    row->gap_cv = value[4];
    row->noise = value[5];
    return err->code;
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
static enum moe_status read_census(struct moe_sweep_row *row, struct moe_reader *reader, char snapshot[64],
                                   struct moe_error *err)
{
    char child[64];
    struct moe_counts counts;
    int count = moe_reader_children(reader, "/census");
    for (int i = 0; i < count; i++) {
        moe_reader_child(reader, "/census", i, child);
        if (strncmp(child, "step-", 5) == 0)
            snprintf(snapshot, 64, "%s", child);
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

/* An error says in which of the files it is. */
static enum moe_status name_file(const struct member *member, struct moe_error *err)
{
    const struct moe_error inner = *err;
    if (err->code != MOE_OK && !strstr(inner.text, member->name))
        moe_fail(err, inner.code, "%s: %.600s", member->name, inner.text);
    return err->code;
}

static enum moe_status read_row(struct moe_sweep_row *row, struct member *member, struct moe_error *err)
{
    struct moe_reader *reader;
    const struct moe_run *run = &member->run;
    const size_t length = strlen(member->name), most = sizeof row->name - 1;
    char *checksum = NULL;
    snprintf(row->name, sizeof row->name, "%s", member->name + (length > most ? length - most : 0));
    if (moe_study_open(&reader, member->name, err) == MOE_OK &&
        moe_study_settings(&member->run, reader, err) == MOE_OK && read_sizes(row, reader, err) == MOE_OK &&
        read_losses(row, reader, err) == MOE_OK && read_experts_used(row, reader, err) == MOE_OK &&
        read_census(row, reader, member->snapshot, err) == MOE_OK &&
        moe_reader_text(reader, "/", "data_checksum", &checksum, err) == MOE_OK) {
        row->cell = cell_of(run);
        row->data_seed = run->data.seed;
        row->model_seed = run->model.seed;
        row->n = run->data.n;
        row->learned = run->model.router == MOE_LEARNED;
        row->dim = run->data.source == MOE_TORUS ? run->data.dim : 0;
        row->beta = run->data.source == MOE_TORUS ? run->data.beta : NAN;
        row->sequences_seen = (double)run->train.steps * run->train.batch;
        snprintf(member->checksum, sizeof member->checksum, "%s", checksum);
        moe_source_text(run, checksum, member->source);
    }
    moe_pool_free(checksum);
    moe_reader_close(reader);
    return name_file(member, err);
}

static int has_source_before(const struct member *member, int i)
{
    for (int j = 0; j < i; j++)
        if (strcmp(member[j].source, member[i].source) == 0)
            return 1;
    return 0;
}

/* A sheet for every source, from the first file that has it. */
static void add_sources(struct moe_report_file *report, const struct member *member, int count)
{
    int sources = 0, next = 0;
    for (int i = 0; i < count; i++)
        sources += !has_source_before(member, i);
    for (int i = 0; i < count; i++) {
        char title[64] = "source";
        if (has_source_before(member, i))
            continue;
        if (sources > 1)
            snprintf(title, sizeof title, "source-%d", next++);
        moe_source_say(&member[i].run, member[i].checksum, moe_report_sheet(report, title));
    }
}

static enum moe_status compare_scope(struct moe_report_file *report, struct moe_reader *const *reader,
                                     const struct member *member, const char *scope, struct moe_error *err)
{
    struct moe_counts counts[2] = {{.samples = 0}, {.samples = 0}};
    char title[80];
    for (int i = 0; i < 2 && err->code == MOE_OK; i++)
        if (moe_counts_read(&counts[i], reader[i], member[i].snapshot, scope, err) != MOE_OK ||
            moe_counts_check(&counts[i], err) != MOE_OK)
            name_file(&member[i], err);
    if (err->code == MOE_OK) {
        snprintf(title, sizeof title, "compare/%s", scope);
        struct moe_sheet *sheet = moe_report_sheet(report, title);
        moe_compare(sheet, &counts[0], &counts[1]);
        sheet->figure[0].in_table = 1;
        sheet->figure[0].note =
            moe_sheet_text(sheet, "first: %s %s, second: %s %s", member[0].name, member[0].snapshot, member[1].name,
                           member[1].snapshot);
    }
    for (int i = 0; i < 2; i++)
        moe_counts_clear(&counts[i]);
    return err->code;
}

/* The last censuses of two files, scope by scope where both have it. */
static enum moe_status compare_files(struct moe_report_file *report, const struct member *member,
                                     struct moe_error *err)
{
    struct moe_reader *reader[2] = {NULL, NULL};
    char(*scope)[64] = NULL, group[192];
    for (int i = 0; i < 2 && err->code == MOE_OK; i++)
        moe_study_open(&reader[i], member[i].name, err);
    const int scopes = err->code == MOE_OK ? moe_counts_scopes(reader[0], member[0].snapshot, &scope) : 0;
    for (int s = 0; s < scopes && err->code == MOE_OK; s++) {
        snprintf(group, sizeof group, "/census/%s/%s/incidence", member[1].snapshot, scope[s]);
        if (moe_reader_has(reader[1], group))
            compare_scope(report, reader, member, scope[s], err);
    }
    moe_pool_free(scope);
    for (int i = 0; i < 2; i++)
        moe_reader_close(reader[i]);
    return err->code;
}

/* The fits over all rows; those of several columns are collective. */
static enum moe_status add_fits(struct moe_report_file *report, const struct moe_sweep_row *row, int count,
                                const struct moe_grid *grid, struct moe_error *err)
{
    enum moe_verdict verdict;
    struct moe_sheet *fits = NULL;
    if (grid->comm->rank == 0) {
        fits = moe_report_sheet(report, "sweep");
        moe_sweep_scaling(row, count, fits);
        moe_sweep_frontier(row, count, fits);
    }
    if (moe_sweep_regression(grid, row, count, fits, err) == MOE_OK)
        moe_sweep_gap(grid, row, count, fits, &verdict, err);
    return err->code;
}

enum moe_status moe_sweep_files(struct moe_report_file *report, const char *const *file, int count,
                                const struct moe_grid *grid, struct moe_error *err)
{
    const int root = grid->comm->rank == 0;
    const size_t rows = root ? (size_t)count : 0;
    struct moe_sweep_row *row = moe_pool_new(MOE_POOL_FILES, rows, sizeof *row);
    struct member *member = moe_pool_new(MOE_POOL_FILES, rows, sizeof *member);
    snprintf(report->name, sizeof report->name, "sweep of %d files", count);
    for (size_t i = 0; i < rows && err->code == MOE_OK; i++) {
        member[i].name = file[i];
        if (read_row(&row[i], &member[i], err) == MOE_OK)
            moe_sweep_sheet(&row[i], moe_report_sheet(report, row[i].name));
    }
    report->rows = (int)rows;
    if (moe_comm_share(grid->comm, err) == MOE_OK && add_fits(report, row, (int)rows, grid, err) == MOE_OK && root) {
        add_sources(report, member, count);
        if (count == 2)
            compare_files(report, member, err);
    }
    for (size_t i = 0; i < rows; i++)
        moe_pool_free((char *)row[i].cell);
    moe_pool_free(member);
    moe_pool_free(row);
    return moe_comm_share(grid->comm, err);
}
