#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "mpi/memory.h"
#include "mpi/session.h"
#include "mpi/verbs.h"
#include "mpi/words.h"
#include "src/clock.h"
#include "src/options.h"
#include "src/pool.h"
#include "src/progress.h"

/* On rank 0: the settings of the command line over those of the file over the defaults. */
static enum moe_status configure(struct moe_run *run, const struct moe_words *words, int ranks, struct moe_error *err)
{
    moe_config_default(run);
    if (words->file && moe_config_read(run, words->file, err) != MOE_OK)
        return err->code;
    for (int i = 0; i < words->setting_count; i++)
        if (moe_config_set(run, words->setting[i], err) != MOE_OK)
            return err->code;
    if (words->output && moe_option_set(moe_option_find("output.name"), run, words->output, err) != MOE_OK)
        return err->code;
    return moe_config_check(run, ranks, words->print_config ? NULL : stderr, err);
}

struct watch {
    struct moe_session *session;
    struct moe_results *results;
    struct moe_progress progress;
};

static enum moe_status count(void *context, struct moe_model *model, int step, struct moe_error *err)
{
    struct watch *watch = context;
    (void)model;
    enum moe_status status = moe_session_census(watch->session, watch->results, step, err);
    if (step == 0) {
        const struct moe_run *run = &watch->session->run;
        moe_progress_begin(&watch->progress, watch->session->comm->rank == 0 ? stderr : NULL, "train", "step",
                           run->train.steps, (double)run->train.batch * watch->session->model.task->tokens);
    }
    return status;
}

static void progress(void *context, int step, double loss)
{
    moe_progress_tell(&((struct watch *)context)->progress, step, loss);
}

static enum moe_status train_and_write(struct moe_session *session, struct moe_results *results,
                                       struct moe_history *history, const char *name, const char *model_name,
                                       struct moe_error *err)
{
    struct watch watch = {session, results, {0}};
    const struct moe_observer observer = {&watch, count, progress};
    struct moe_file_set files = {.comm = session->comm->world};
    enum moe_status status = moe_train(&session->model, session->data, &observer, history, err);
    double clock = moe_clock();
    if (status == MOE_OK) {
        moe_place("train: write");
        status = moe_parameters_prepare(results, session->run.train.steps, model_name, &files, err);
    }
    moe_clock_add(MOE_TIME_FILES, clock);
    if (status == MOE_OK)
        status = moe_results_prepare(results, name, &files, err);
    if (status == MOE_OK)
        status = moe_file_publish(&files, err);
    return status;
}

/* A history that cannot be kept is refused before anything is done. */
static enum moe_status can_record(const struct moe_session *session, struct moe_error *err)
{
    const double need = moe_history_bytes(&session->run), have = (double)moe_memory_of_rank(session->comm);
    if (need > 0.5 * have)
        return moe_fail(err, MOE_INPUT, "the history of %d steps needs %.1f GB a rank, there are %.1f GB (train fewer "
                                        "steps)",
                        session->run.train.steps, need / 1e9, have / 1e9);
    return MOE_OK;
}

/* From checked settings to written files; report on rank 0. */
static enum moe_status run_session(struct moe_session *session, int overwrite, moe_report *report,
                                   struct moe_error *err)
{
    char name[MOE_PATH_MAX + 16], model_name[MOE_PATH_MAX + 16];
    int same, same_model;
    double clock = moe_clock();
    snprintf(name, sizeof name, "%s.h5", session->run.output.name);
    snprintf(model_name, sizeof model_name, "%s.model.h5", session->run.output.name);
    if (moe_session_open(session, err) != MOE_OK ||
        moe_session_output(session, model_name, overwrite, &same_model, err) != MOE_OK ||
        moe_session_output(session, name, overwrite, &same, err) != MOE_OK)
        return err->code;
    if (same && same_model) {
        if (session->comm->rank == 0)
            fprintf(stderr, "moecensus: train: %s is there already, from the same config: nothing to do\n", name);
        return MOE_OK;
    }
    if (moe_session_can_count(session, err) != MOE_OK || can_record(session, err) != MOE_OK)
        return err->code;
    moe_clock_add(MOE_TIME_SETUP, clock);
    struct moe_history history;
    struct moe_results results = {.verb = session->verb,
                                  .comm = session->comm,
                                  .run = &session->run,
                                  .task = session->model.task,
                                  .model = &session->model,
                                  .history = &history,
                                  .config = session->config,
                                  .checksum = session->input.checksum,
                                  .command = session->command};
    enum moe_status status = train_and_write(session, &results, &history, name, model_name, err);
    if (status == MOE_OK && session->comm->rank == 0) {
        report(&results, stdout);
        printf("\nwritten: %s %s\n", name, model_name);
    }
    moe_history_clear(&history);
    moe_results_clear(&results);
    return status;
}

enum moe_status moe_verb_train(const struct moe_comm *comm, int argc, char **argv, moe_report *report,
                               struct moe_error *err)
{
    struct moe_session session = {.comm = comm, .verb = "train"};
    struct moe_words words = {0};
    moe_place("train");
    moe_words_join(session.command, sizeof session.command, argc, argv);
    if (moe_words_parse(&words, argc, argv, err) == MOE_OK && comm->rank == 0)
        configure(&session.run, &words, comm->ranks, err);
    if (moe_comm_share(comm, err) != MOE_OK)
        return err->code;
    moe_comm_broadcast(comm, &session.run, sizeof session.run);
    if (words.print_config) {
        if (comm->rank == 0)
            moe_config_print(&session.run, stdout);
        return MOE_OK;
    }
    enum moe_status status = run_session(&session, words.overwrite, report, err);
    moe_session_close(&session);
    return status;
}
