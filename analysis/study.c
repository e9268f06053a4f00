#include "analysis/study.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analysis/bounds.h"
#include "analysis/counts_file.h"
#include "analysis/describe.h"
#include "analysis/fof.h"
#include "analysis/routing_file.h"
#include "analysis/source.h"
#include "analysis/spectrum.h"
#include "analysis/weights.h"
#include "mpi/results.h"
#include "src/config.h"
#include "src/pool.h"

enum moe_status moe_study_open(struct moe_reader **reader, const char *file, struct moe_error *err)
{
    char *kind = NULL;
    int64_t schema;
    if (moe_reader_open(file, reader, err) != MOE_OK)
        return err->code;
    if (moe_reader_text(*reader, "/", "kind", &kind, err) == MOE_OK && strcmp(kind, "results") != 0)
        moe_fail(err, MOE_INPUT, "%s holds %s, not results (give NAME.h5)", file, kind);
    if (err->code == MOE_OK && moe_reader_int(*reader, "/", "schema_version", &schema, err) == MOE_OK &&
        schema != MOE_SCHEMA_VERSION)
        moe_fail(err, MOE_INPUT, "%s has schema_version %" PRId64 ", this program reads %d", file, schema,
                 MOE_SCHEMA_VERSION);
    moe_pool_free(kind);
    if (err->code != MOE_OK) {
        moe_reader_close(*reader);
        *reader = NULL;
    }
    return err->code;
}

enum moe_status moe_study_settings(struct moe_run *run, struct moe_reader *reader, struct moe_error *err)
{
    char *text;
    struct moe_error none = {0};
    moe_config_default(run);
    if (moe_reader_text(reader, "/", "config", &text, err) != MOE_OK)
        return err->code;
    moe_config_parse(run, text, "config", err);
    moe_pool_free(text);
    if (err->code == MOE_OK && moe_reader_text(reader, "/provenance", "settings", &text, &none) == MOE_OK) {
        moe_config_parse(run, text, "settings", err);
        moe_pool_free(text);
    }
    return err->code;
}

/* What the bounds need: counts of the last snapshot, and magnitudes of the weights. */
struct last {
    char snapshot[64];
    struct moe_counts sequence, path;
    double weight_max, output_max, input_max; /* NAN unknown */
};

/* Estimates of one scope; sequence and path of the last snapshot stay in `last`. */
static enum moe_status study_scope(struct moe_report_file *report, struct moe_reader *reader, const char *scope,
                                   const struct moe_study_options *options, struct last *last, struct moe_error *err)
{
    char title[160];
    struct moe_counts counts;
    struct moe_estimate_options estimate = options->estimate;
    if (moe_counts_read(&counts, reader, last->snapshot, scope, err) != MOE_OK)
        return err->code;
    if (moe_counts_check(&counts, err) != MOE_OK) {
        moe_counts_clear(&counts);
        return err->code;
    }
    snprintf(title, sizeof title, "%.40s/%.22s", last->snapshot, scope);
    estimate.path = strcmp(scope, "sequence") == 0 && last->path.samples ? &last->path : NULL;
    moe_estimate(moe_report_sheet(report, title), &counts, &estimate);
    struct moe_counts *keep = strcmp(scope, "sequence") == 0 ? &last->sequence
                              : strcmp(scope, "path") == 0   ? &last->path
                                                             : &counts;
    if (keep != &counts) {
        moe_counts_clear(keep);
        *keep = counts;
    } else {
        moe_counts_clear(&counts);
    }
    return MOE_OK;
}

static enum moe_status study_snapshot(struct moe_report_file *report, struct moe_reader *reader,
                                      const struct moe_study_options *options, const char *earlier, struct last *last,
                                      struct moe_error *err)
{
    char (*scopes)[64];
    int count = moe_counts_scopes(reader, last->snapshot, &scopes);
    moe_counts_clear(&last->sequence);
    moe_counts_clear(&last->path);
    for (int i = 0; i < count && err->code == MOE_OK; i++)
        study_scope(report, reader, scopes[i], options, last, err);
    moe_pool_free(scopes);
    if (err->code == MOE_OK && count == 0)
        moe_fail(err, MOE_INPUT, "there is no census of %s in the file", last->snapshot);
    if (err->code != MOE_OK)
        return err->code;
    struct moe_routing_file routing;
    if (moe_routing_read(&routing, reader, last->snapshot, earlier, err) == MOE_OK)
        for (int layer = 0; layer < routing.routing.layers; layer++) {
            char title[64];
            snprintf(title, sizeof title, "%.35s/routing/layer-%02d", last->snapshot, layer);
            moe_describe_layer(&routing.routing, layer, moe_report_sheet(report, title));
        }
    moe_routing_clear(&routing);
    return err->code;
}

/* The dimension of the inputs, where the file says what they are. */
static void study_source(struct moe_report_file *report, struct moe_reader *reader, const struct moe_run *run)
{
    struct moe_error none = {0};
    char *checksum;
    if (moe_reader_text(reader, "/", "data_checksum", &checksum, &none) == MOE_OK)
        moe_source_say(run, checksum, moe_report_sheet(report, "source"));
    moe_pool_free(checksum);
}

static double number(struct moe_reader *reader, const char *name)
{
    struct moe_error none = {0};
    int64_t value;
    return moe_reader_int(reader, "/model", name, &value, &none) == MOE_OK ? (double)value : NAN;
}

static double real(struct moe_reader *reader, const char *name)
{
    struct moe_error none = {0};
    double value;
    return moe_reader_double(reader, "/model", name, &value, &none) == MOE_OK ? value : NAN;
}

/* Sizes, losses and loads out of /model and the settings; without /model almost all stays unknown. */
static void add_bounds(struct moe_report_file *report, struct moe_reader *reader,
                       const struct moe_study_options *options, const struct moe_run *run, struct last *last)
{
    struct moe_bound_input input;
    struct moe_routing_file routing = {0};
    struct moe_error none = {0};
    double *load = NULL;
    moe_bound_input_init(&input);
    input.layers = number(reader, "layers");
    input.tokens = number(reader, "tokens");
    input.experts = number(reader, "experts");
    input.top_k = number(reader, "top_k");
    input.width = number(reader, "width");
    input.expert = number(reader, "parameters_per_expert");
    const double dense = number(reader, "parameters_total") - number(reader, "parameters_experts") -
                         number(reader, "parameters_router");
    input.outside = number(reader, "parameters_embedding") + (2 + number(reader, "outputs")) * input.width +
                    number(reader, "outputs");
    input.attention = (dense - input.outside) / input.layers;
    input.routes = run->model.router == MOE_LEARNED  ? MOE_ROUTES_LEARNED
                   : run->model.router == MOE_FROZEN ? MOE_ROUTES_FROZEN
                                                     : MOE_ROUTES_FIXED;
    input.topk_softmax = run->model.gate == MOE_TOPK_SOFTMAX;
    input.n = run->data.n > 0 ? (double)run->data.n : (double)run->train.steps * run->train.batch;
    input.magnitude = real(reader, "target_bound");
    input.squared = run->train.loss == MOE_SQUARED;
    input.train_loss = real(reader, "train_loss");
    input.failure = options->estimate.eta;
    input.log_factor = options->log_factor;
    input.weight_max = last->weight_max;
    input.output_max = last->output_max;
    input.input_max = last->input_max;
    input.ratio = options->ratio;
    input.skills = options->skills;
    input.natarajan = options->natarajan;
    input.lipschitz = options->lipschitz;
    input.rademacher = options->rademacher;
    input.class_constant = options->class_constant;
    input.operations = 6 * number(reader, "parameters_active") * input.tokens * (double)run->train.steps *
                       run->train.batch;
    if (run->data.source == MOE_TORUS) {
        input.dim = run->data.dim;
        input.smoothness = run->data.beta;
    }
    input.sequence = &last->sequence;
    input.path = &last->path;
    if (moe_routing_read(&routing, reader, last->snapshot, NULL, &none) == MOE_OK) {
        const int cells = routing.routing.layers * routing.routing.experts;
        load = moe_pool_new(MOE_POOL_FILES, (size_t)cells, sizeof *load);
        for (int i = 0; i < cells; i++)
            load[i] = (double)routing.load[i];
        input.load = load;
        input.gate_energy = routing.gate_energy;
        input.gate_tokens = (double)last->path.samples;
    }
    moe_bounds(moe_report_sheet(report, "bounds"), &input);
    moe_routing_clear(&routing);
    moe_pool_free(load);
}

static enum moe_status study_bounds(struct moe_report_file *report, const char *file,
                                    const struct moe_study_options *options, struct last *last, struct moe_error *err)
{
    struct moe_reader *reader;
    struct moe_run *run = moe_pool_new(MOE_POOL_FILES, 1, sizeof *run);
    if (moe_study_open(&reader, file, err) == MOE_OK && moe_study_settings(run, reader, err) == MOE_OK)
        add_bounds(report, reader, options, run, last);
    moe_reader_close(reader);
    moe_pool_free(run);
    return err->code;
}

/* All that rank 0 does alone before the others join in. */
static enum moe_status study_alone(struct moe_report_file *report, const char *file,
                                   const struct moe_study_options *options, struct last *last, struct moe_error *err)
{
    struct moe_reader *reader;
    struct moe_run *run = moe_pool_new(MOE_POOL_FILES, 1, sizeof *run);
    char child[64], earlier[64] = "";
    int matched = 0;
    if (moe_study_open(&reader, file, err) == MOE_OK && moe_study_settings(run, reader, err) == MOE_OK) {
        int snapshots = moe_reader_children(reader, "/census");
        for (int i = 0; i < snapshots && err->code == MOE_OK; i++) {
            moe_reader_child(reader, "/census", i, child);
            if (!moe_reader_is_group(reader, "/census") || (strncmp(child, "step-", 5) && strcmp(child, "import")) ||
                (options->snapshot && strcmp(options->snapshot, child)))
                continue;
            snprintf(last->snapshot, sizeof last->snapshot, "%s", child);
            study_snapshot(report, reader, options, earlier[0] ? earlier : NULL, last, err);
            snprintf(earlier, sizeof earlier, "%s", child);
            matched++;
        }
        if (err->code == MOE_OK && !matched)
            moe_fail(err, MOE_INPUT, "%s: there is no census%s%s", file, options->snapshot ? " " : "",
                     options->snapshot ? options->snapshot : "");
        if (err->code == MOE_OK)
            study_source(report, reader, run);
    }
    moe_reader_close(reader);
    moe_pool_free(run);
    return err->code;
}

/* NAME.model.h5 beside NAME.h5, or "" where there is none; on rank 0, then on all. */
static void find_model(char *model, size_t size, const char *file, const struct moe_study_options *options,
                       const struct moe_comm *comm)
{
    model[0] = '\0';
    if (options->model) {
        snprintf(model, size, "%s", options->model);
    } else if (comm->rank == 0) {
        size_t length = strlen(file);
        if (length > 3 && strcmp(file + length - 3, ".h5") == 0)
            snprintf(model, size, "%.*s.model.h5", (int)(length - 3), file);
        if (access(model, R_OK) != 0)
            model[0] = '\0';
    }
    moe_comm_broadcast(comm, model, (int64_t)size);
}

static double figure_of(const struct moe_sheet *sheet, const char *name)
{
    const struct moe_figure *figure = moe_sheet_find(sheet, name);
    return figure ? figure->value : NAN;
}

/* Spectra of the last snapshot, and the weights where there is a model file. */
static enum moe_status study_together(struct moe_report_file *report, const char *file,
                                      const struct moe_study_options *options, const struct moe_comm *comm,
                                      const struct moe_grid *grid, struct last *last, struct moe_error *err)
{
    struct moe_spectra spectra;
    char model[MOE_PATH_MAX], title[64];
    if (moe_spectra_read(&spectra, grid, file, last->snapshot, err) == MOE_OK && comm->rank == 0) {
        snprintf(title, sizeof title, "%.40s/spectra", last->snapshot);
        moe_spectra_say(&spectra, grid, moe_report_sheet(report, title));
    }
    moe_spectra_clear(&spectra);
    find_model(model, sizeof model, file, options, comm);
    if (err->code != MOE_OK || !model[0])
        return err->code;
    struct moe_sheet *sheet = comm->rank == 0 ? moe_report_sheet(report, "weights") : NULL;
    if (moe_weights_say(grid, model, sheet, err) == MOE_OK && sheet) {
        last->weight_max = figure_of(sheet, "kappa");
        last->output_max = figure_of(sheet, "output_bound");
        last->input_max = figure_of(sheet, "expert_input_bound");
    }
    return err->code;
}

enum moe_status moe_study_file(struct moe_report_file *report, const char *file,
                               const struct moe_study_options *options, const struct moe_comm *comm,
                               const struct moe_grid *grid, struct moe_error *err)
{
    struct last last = {.weight_max = NAN, .output_max = NAN, .input_max = NAN};
    snprintf(report->name, sizeof report->name, "%s", file);
    if (comm->rank == 0)
        study_alone(report, file, options, &last, err);
    moe_comm_broadcast(comm, last.snapshot, sizeof last.snapshot);
    if (moe_comm_share(comm, err) == MOE_OK &&
        study_together(report, file, options, comm, grid, &last, err) == MOE_OK && comm->rank == 0)
        study_bounds(report, file, options, &last, err);
    moe_counts_clear(&last.sequence);
    moe_counts_clear(&last.path);
    return moe_comm_share(comm, err);
}
