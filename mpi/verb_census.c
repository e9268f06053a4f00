#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mpi/claim.h"
#include "mpi/h5read.h"
#include "mpi/parameters.h"
#include "mpi/session.h"
#include "mpi/verbs.h"
#include "mpi/words.h"
#include "src/clock.h"
#include "src/options.h"
#include "src/pool.h"

/* What rank 0 learns from the model file, beside the settings. */
struct origin {
    int64_t step;
    char checksum[MOE_WORD_MAX]; /* of the inputs the model was trained on; "" without inputs */
};

/* Settings of a census are the model's, but for these. */
static enum moe_status set_allowed(struct moe_run *run, const char *word, struct moe_error *err)
{
    static const char *const allowed[] = {"census.", "parallel.", "output.", "data.path="};
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        if (strncmp(word, allowed[i], strlen(allowed[i])) == 0)
            return moe_config_set(run, word, err);
    return moe_fail(err, MOE_USAGE, "%s: the model decides this; a census takes census.*, parallel.*, output.name and "
                                    "data.path",
                    word);
}

static enum moe_status read_settings(struct moe_reader *reader, const char *path, const char *name,
                                     struct moe_run *run, struct moe_error *err)
{
    char *text;
    if (moe_reader_text(reader, path, name, &text, err) != MOE_OK)
        return err->code;
    moe_config_parse(run, text, name, err);
    moe_pool_free(text);
    return err->code;
}

/* Takes settings, step and checksum out of the model file. */
static enum moe_status read_origin(const char *file, struct moe_run *run, struct origin *origin, struct moe_error *err)
{
    struct moe_reader *reader;
    char *kind = NULL, *checksum = NULL;
    int64_t schema = 0;
    if (moe_reader_open(file, &reader, err) != MOE_OK)
        return err->code;
    if (moe_reader_text(reader, "/", "kind", &kind, err) == MOE_OK && strcmp(kind, "parameters") != 0 &&
        strcmp(kind, "checkpoint") != 0)
        moe_fail(err, MOE_INPUT, "%s holds %s, not a model (give NAME.model.h5)", file, kind);
    if (err->code == MOE_OK && moe_reader_int(reader, "/", "schema_version", &schema, err) == MOE_OK &&
        schema != MOE_SCHEMA_VERSION)
        moe_fail(err, MOE_INPUT, "%s has schema_version %" PRId64 ", this program reads %d", file, schema,
                 MOE_SCHEMA_VERSION);
    if (err->code == MOE_OK && read_settings(reader, "/", "config", run, err) == MOE_OK &&
        read_settings(reader, "/provenance", "settings", run, err) == MOE_OK &&
        moe_reader_int(reader, "/", "step", &origin->step, err) == MOE_OK &&
        moe_reader_text(reader, "/", "data_checksum", &checksum, err) == MOE_OK)
        snprintf(origin->checksum, sizeof origin->checksum, "%s", checksum);
    moe_pool_free(kind);
    moe_pool_free(checksum);
    moe_reader_close(reader);
    return err->code;
}

/* X.model.h5 -> X.census-FIRST, unless the command line names another. */
static enum moe_status name_output(struct moe_run *run, const struct moe_words *words, struct moe_error *err)
{
    const char *const tails[] = {".model.h5", ".h5"};
    size_t length = strlen(words->file);
    if (words->output)
        return moe_option_set(moe_option_find("output.name"), run, words->output, err);
    if (run->output.name[0])
        return MOE_OK;
    for (int i = 0; i < 2 && length == strlen(words->file); i++) {
        size_t tail = strlen(tails[i]);
        if (length > tail && strcmp(words->file + length - tail, tails[i]) == 0)
            length -= tail;
    }
    int written = snprintf(run->output.name, sizeof run->output.name, "%.*s.census-%" PRId64, (int)length, words->file,
                           run->census.first);
    if (written >= (int)sizeof run->output.name)
        return moe_fail(err, MOE_USAGE, "the output's name is longer than %zu bytes", sizeof run->output.name - 1);
    return MOE_OK;
}

/* On rank 0: the model's settings, what the command line changes, and where they came from. */
static enum moe_status configure(struct moe_run *run, struct origin *origin, const struct moe_words *words, int ranks,
                                 struct moe_error *err)
{
    moe_config_default(run);
    if (!words->file)
        return moe_fail(err, MOE_USAGE, "no model given (moecensus census NAME.model.h5)");
    if (read_origin(words->file, run, origin, err) != MOE_OK)
        return err->code;
    run->output.name[0] = '\0'; /* the model's own name is taken */
    run->parallel.machine[0] = '\0'; /* and a file of constants need not be here */
    for (int i = 0; i < words->setting_count; i++)
        if (set_allowed(run, words->setting[i], err) != MOE_OK)
            return err->code;
    if (name_output(run, words, err) != MOE_OK)
        return err->code;
    return moe_config_check(run, ranks, NULL, err);
}

static enum moe_status count_and_write(struct moe_session *session, const struct origin *origin, const char *file,
                                       const char *name, moe_report *report, struct moe_error *err)
{
    struct moe_results results = {.verb = session->verb,
                                  .comm = session->comm,
                                  .run = &session->run,
                                  .task = session->model.task,
                                  .model = &session->model,
                                  .data = session->data,
                                  .config = session->config,
                                  .checksum = session->input.checksum,
                                  .command = session->command};
    if (moe_parameters_read(&session->model, file, session->comm->world, err) == MOE_OK &&
        moe_session_census(session, &results, (int)origin->step, err) == MOE_OK) {
        moe_place("census: write");
        if (moe_results_write(&results, name, err) == MOE_OK && session->comm->rank == 0) {
            report(&results, stdout);
            printf("\nwritten: %s\n", name);
        }
    }
    moe_results_clear(&results);
    return err->code;
}

static enum moe_status run_session(struct moe_session *session, const struct origin *origin,
                                   const struct moe_words *words, moe_report *report, struct moe_error *err)
{
    char name[MOE_PATH_MAX + 16];
    struct moe_claim claim;
    int same;
    snprintf(name, sizeof name, "%s.h5", session->run.output.name);
    if (moe_session_open(session, err) != MOE_OK)
        return err->code;
    if (strcmp(origin->checksum, session->input.checksum) != 0)
        return moe_fail(err, MOE_USAGE, "data.path=%s is not what the model was trained on", session->run.data.path);
    if (moe_claim_take(&claim, session->comm, session->verb, session->run.output.name, 0, 0, err) != MOE_OK)
        return err->code;
    if (moe_session_output(session, name, words->overwrite, &same, err) != MOE_OK ||
        (!same && moe_session_can_count(session, err) != MOE_OK)) {
        moe_claim_refuse(&claim, err->code);
    } else {
        if (!same)
            count_and_write(session, origin, words->file, name, report, err);
        else if (session->comm->rank == 0)
            fprintf(stderr, "moecensus: census: %s is there already, from the same config: nothing to do\n", name);
        moe_claim_tell(&claim, err->code, 0);
    }
    moe_claim_release(&claim);
    return err->code;
}

enum moe_status moe_verb_census(const struct moe_comm *comm, int argc, char **argv, moe_report *report,
                                struct moe_error *err)
{
    struct moe_session session = {.comm = comm, .verb = "census"};
    struct moe_words words = {0};
    struct origin origin = {0};
    moe_place("census");
    moe_words_join(session.command, sizeof session.command, argc, argv);
    if (moe_words_parse(&words, argc, argv, err) == MOE_OK && words.resume)
        moe_fail(err, MOE_USAGE, "--resume is for train");
    if (err->code == MOE_OK && comm->rank == 0)
        configure(&session.run, &origin, &words, comm->ranks, err);
    if (moe_comm_share(comm, err) != MOE_OK)
        return err->code;
    moe_comm_broadcast(comm, &session.run, sizeof session.run);
    moe_comm_broadcast(comm, &origin, sizeof origin);
    if (words.print_config) {
        if (comm->rank == 0)
            moe_config_print(&session.run, stdout);
        return MOE_OK;
    }
    enum moe_status status = run_session(&session, &origin, &words, report, err);
    moe_session_close(&session);
    return status;
}
