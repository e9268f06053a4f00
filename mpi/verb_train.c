#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "mpi/checkpoint.h"
#include "mpi/claim.h"
#include "mpi/memory.h"
#include "mpi/parameters.h"
#include "mpi/resume.h"
#include "mpi/session.h"
#include "mpi/stop.h"
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

static enum moe_status check_resume(const struct moe_words *words, struct moe_error *err)
{
    if (words->resume && strcmp(words->resume, "auto") != 0 && strcmp(words->resume, "any-cpu") != 0)
        return moe_fail(err, MOE_USAGE, "--resume %s: auto or any-cpu", words->resume);
    return MOE_OK;
}

/* A training, and what is done around it. */
struct job {
    struct moe_session *session;
    struct moe_results *results;
    struct moe_training *training;
    struct moe_progress progress;
    struct moe_claim claim;
    const char *name; /* of the output */
    int stored;       /* step of the newest checkpoint, -1 without */
    char resumed[MOE_RESUMED_TEXT];
};

static void begin_progress(struct job *job)
{
    const struct moe_run *run = &job->session->run;
    moe_progress_begin(&job->progress, job->session->comm->rank == 0 ? stderr : NULL, "train", "step",
                       job->training->history.steps, run->train.steps,
                       (double)run->train.batch * job->session->model.task->tokens);
}

static void progress(void *context, int step, double loss)
{
    moe_progress_tell(&((struct job *)context)->progress, step, loss);
}

static enum moe_status store(struct job *job, int step, struct moe_error *err)
{
    const double clock = moe_clock();
    moe_place("train: checkpoint of step %d", step);
    if (moe_checkpoint_write(job->results, job->training, job->name, job->stored, err) == MOE_OK) {
        job->stored = step;
        moe_claim_tell(&job->claim, MOE_RUNNING, step);
    }
    moe_clock_add(MOE_TIME_FILES, clock);
    return err->code;
}

/* Between two steps, and where a census or an evaluation was left: a checkpoint where one is due and not there, and the
 * end where it is asked for. */
static enum moe_status between(void *context, struct moe_training *training, struct moe_error *err)
{
    struct job *job = context;
    const struct moe_run *run = &job->session->run;
    const struct moe_comm *comm = job->session->comm;
    const int step = training->history.steps, every = run->train.checkpoint_every;
    const char *reason = moe_stop_asked(comm);
    if (!reason && (every == 0 || step == 0 || step % every != 0 || step == job->stored))
        return MOE_OK;
    if (step == job->stored || store(job, step, err) == MOE_OK) {
        moe_place("train: step %d", step);
        return reason ? moe_fail(err, MOE_STOPPED, "stopped by %s, %d steps are left (go on with --resume auto)",
                                 reason, run->train.steps - step)
                      : MOE_OK;
    }
    if (err->code != MOE_OUTPUT || reason || run->output.on_full == MOE_FULL_STOP)
        return err->code;
    if (comm->rank == 0)
        fprintf(stderr, "moecensus: warning: goes on without the checkpoint of step %d: %s\n", step, err->text);
    *err = (struct moe_error){0};
    return MOE_OK;
}

static int asked(void *context)
{
    return moe_stop_asked(((struct job *)context)->session->comm) != NULL;
}

static enum moe_status count(void *context, struct moe_model *model, int step, struct moe_error *err)
{
    struct job *job = context;
    (void)model;
    if (moe_session_census(job->session, job->results, step, err) == MOE_STOPPED) {
        *err = (struct moe_error){0};
        return between(job, job->training, err);
    }
    if (step == 0)
        begin_progress(job);
    return err->code;
}

static enum moe_status train_and_write(struct job *job, const char *results_name, const char *model_name,
                                       struct moe_error *err)
{
    const struct moe_observer observer = {job, count, progress, between, asked};
    struct moe_file_set files = {.comm = job->session->comm->world};
    if (job->stored >= 0)
        begin_progress(job);
    enum moe_status status = moe_train(job->training, &observer, err);
    double clock = moe_clock();
    if (status == MOE_OK) {
        moe_place("train: write");
        status = moe_parameters_prepare(job->results, job->session->run.train.steps, model_name, &files, err);
    }
    moe_clock_add(MOE_TIME_FILES, clock);
    if (status == MOE_OK)
        status = moe_results_prepare(job->results, results_name, &files, err);
    if (status == MOE_OK)
        status = moe_file_publish(&files, err);
    return status;
}

/* Trains and writes, reports on rank 0, and keeps NAME.status true. */
static void train_and_report(struct job *job, const char *results_name, const char *model_name, moe_report *report,
                             struct moe_error *err)
{
    moe_claim_tell(&job->claim, MOE_RUNNING, job->stored > 0 ? job->stored : 0);
    const enum moe_status status = train_and_write(job, results_name, model_name, err);
    if (status == MOE_OK && job->session->comm->rank == 0) {
        report(job->results, stdout);
        printf("\nwritten: %s %s\n", results_name, model_name);
    }
    moe_claim_tell(&job->claim, status, status == MOE_OK ? job->session->run.train.steps : job->claim.step);
}

/* A history that cannot be kept is refused before anything is done. */
static enum moe_status can_record(const struct moe_session *session, struct moe_error *err)
{
    const double need = moe_history_bytes(&session->run), have = (double)moe_memory_of_rank(session->comm);
    if (need > MOE_HISTORY_SHARE * have)
        return moe_fail(err, MOE_INPUT, "the history of %d steps needs %.1f GB a rank, there are %.1f GB (train fewer "
                                        "steps)",
                        session->run.train.steps, need / 1e9, have / 1e9);
    return MOE_OK;
}

/* Checkpoints that nobody asks to go on from are not lost in passing: the user says so, or they stay. */
static enum moe_status look_at_checkpoints(const struct moe_comm *comm, const char *name, int overwrite,
                                           struct moe_error *err)
{
    int *steps = NULL;
    if (comm->rank == 0 && moe_checkpoint_list(name, &steps) > 0) {
        if (overwrite)
            moe_checkpoint_keep(name, -1, -1);
        else
            moe_fail(err, MOE_USAGE, "there is a checkpoint of step %d of %s (go on with --resume auto, or start again "
                                     "with --overwrite)",
                     steps[0], name);
    }
    moe_pool_free(steps);
    return moe_comm_share(comm, err);
}

/* Trains, from the beginning or a checkpoint, writes, and reports on rank 0. */
static enum moe_status run_job(struct job *job, enum moe_resume how, const char *results_name, const char *model_name,
                               moe_report *report, struct moe_error *err)
{
    struct moe_session *session = job->session;
    struct moe_training training;
    struct moe_results results = {.verb = session->verb,
                                  .comm = session->comm,
                                  .run = &session->run,
                                  .task = session->model.task,
                                  .model = &session->model,
                                  .history = &training.history,
                                  .data = session->data,
                                  .config = session->config,
                                  .checksum = session->input.checksum,
                                  .command = session->command,
                                  .resumed = job->resumed};
    job->training = &training;
    job->results = &results;
    moe_training_init(&training, &session->model, session->data);
    if (session->comm->rank == 0)
        moe_checkpoint_clean(job->name);
    if (how != MOE_RESUME_NO &&
        moe_resume(&results, &training, job->name, how, job->resumed, &job->stored, err) != MOE_OK)
        moe_claim_refuse(&job->claim, err->code);
    else
        train_and_report(job, results_name, model_name, report, err);
    moe_training_clear(&training);
    moe_results_clear(&results);
    return err->code;
}

/* Of the checkpoints of a name; 0 without. */
static int newest_step(const char *name)
{
    int *steps;
    const int step = moe_checkpoint_list(name, &steps) > 0 ? steps[0] : 0;
    moe_pool_free(steps);
    return step;
}

/* From checked settings to written files. */
static enum moe_status run_session(struct moe_session *session, const struct moe_words *words, moe_report *report,
                                   struct moe_error *err)
{
    const struct moe_run *run = &session->run;
    struct job job = {.session = session, .name = run->output.name, .stored = -1};
    char name[MOE_PATH_MAX + 16], model_name[MOE_PATH_MAX + 16];
    int same, same_model;
    const enum moe_resume how = !words->resume                          ? MOE_RESUME_NO
                                : strcmp(words->resume, "any-cpu") == 0 ? MOE_RESUME_ANY_CPU
                                                                        : MOE_RESUME_AUTO;
    double clock = moe_clock();
    snprintf(name, sizeof name, "%s.h5", run->output.name);
    snprintf(model_name, sizeof model_name, "%s.model.h5", run->output.name);
    if (moe_session_open(session, err) != MOE_OK ||
        moe_claim_take(&job.claim, session->comm, session->verb, job.name, newest_step(job.name), run->train.steps,
                       err) != MOE_OK)
        return err->code;
    if (moe_session_output(session, model_name, words->overwrite, &same_model, err) == MOE_OK &&
        moe_session_output(session, name, words->overwrite, &same, err) == MOE_OK && same && same_model) {
        if (session->comm->rank == 0)
            fprintf(stderr, "moecensus: train: %s is there already, from the same config: nothing to do\n", name);
        moe_claim_tell(&job.claim, MOE_OK, run->train.steps);
    } else if (err->code == MOE_OK &&
               (how != MOE_RESUME_NO ||
                look_at_checkpoints(session->comm, job.name, words->overwrite, err) == MOE_OK) &&
               moe_session_can_count(session, err) == MOE_OK && can_record(session, err) == MOE_OK) {
        moe_clock_add(MOE_TIME_SETUP, clock);
        run_job(&job, how, name, model_name, report, err);
    } else {
        moe_claim_refuse(&job.claim, err->code);
    }
    moe_claim_release(&job.claim);
    return err->code;
}

enum moe_status moe_verb_train(const struct moe_comm *comm, int argc, char **argv, moe_report *report,
                               struct moe_error *err)
{
    struct moe_session session = {.comm = comm, .verb = "train"};
    struct moe_words words = {0};
    moe_place("train");
    moe_words_join(session.command, sizeof session.command, argc, argv);
    if (moe_words_parse(&words, argc, argv, err) == MOE_OK && check_resume(&words, err) == MOE_OK && comm->rank == 0)
        configure(&session.run, &words, comm->ranks, err);
    if (moe_comm_share(comm, err) != MOE_OK)
        return err->code;
    moe_comm_broadcast(comm, &session.run, sizeof session.run);
    if (words.print_config) {
        if (comm->rank == 0)
            moe_config_print(&session.run, stdout);
        return MOE_OK;
    }
    moe_stop_listen(session.run.train.stop_before_s);
    enum moe_status status = run_session(&session, &words, report, err);
    moe_session_close(&session);
    return status;
}
