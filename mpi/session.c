#include "mpi/session.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mpi/h5read.h"
#include "mpi/memory.h"
#include "mpi/stop.h"
#include "src/clock.h"
#include "src/pool.h"
#include "src/progress.h"

/* Rank 0 reads the inputs; the others get the bytes. */
static enum moe_status share_input(struct moe_session *session, struct moe_error *err)
{
    const struct moe_comm *comm = session->comm;
    struct moe_input *input = &session->input;
    if (comm->rank == 0)
        moe_input_read(input, &session->run, err);
    if (moe_comm_share(comm, err) != MOE_OK)
        return err->code;
    struct moe_input shape = *input;
    moe_comm_broadcast(comm, &shape, sizeof shape);
    if (comm->rank != 0) {
        *input = shape;
        for (int i = 0; i < input->count; i++)
            input->bytes[i] = moe_pool_new(MOE_POOL_DATA, input->size[i], 1);
    }
    for (int i = 0; i < input->count; i++)
        moe_comm_broadcast(comm, input->bytes[i], (int64_t)input->size[i]);
    return MOE_OK;
}

enum moe_status moe_session_open(struct moe_session *session, struct moe_error *err)
{
    if (share_input(session, err) != MOE_OK)
        return err->code;
    if (moe_data_open(&session->data, &session->run, &session->input, err) != MOE_OK)
        return err->code;
    session->config = moe_config_record_text(&session->run, session->input.checksum);
    session->ex = moe_exchange_mpi(session->comm);
    moe_model_init(&session->model, &session->run, moe_data_task(session->data), &session->ex);
    session->is_open = 1;
    return MOE_OK;
}

void moe_session_close(struct moe_session *session)
{
    if (session->is_open) {
        moe_model_clear(&session->model);
        moe_exchange_mpi_free(&session->ex);
    }
    if (session->data)
        moe_data_free(session->data);
    moe_input_clear(&session->input);
    moe_pool_free(session->config);
    session->config = NULL;
    session->data = NULL;
    session->is_open = 0;
}

/* Whether the file is what this session would write. A model file names no verb, as only training writes one. */
static int is_same(const struct moe_session *session, struct moe_reader *reader, struct moe_error *err)
{
    struct moe_error no_verb;
    char *config = NULL, *verb = NULL;
    moe_reader_text(reader, "/", "config", &config, err);
    moe_reader_text(reader, "/", "verb", &verb, &no_verb);
    int same = config && strcmp(config, session->config) == 0 && (!verb || strcmp(verb, session->verb) == 0);
    moe_pool_free(config);
    moe_pool_free(verb);
    return same;
}

static enum moe_status look_at_output(const struct moe_session *session, const char *name, int overwrite, int *same,
                                      struct moe_error *err)
{
    struct moe_reader *reader;
    struct stat there;
    if (stat(name, &there) != 0)
        return MOE_OK;
    if (!S_ISREG(there.st_mode))
        return moe_fail(err, MOE_OUTPUT, "cannot write %s: it is there and not a file (choose another output with -o)",
                        name);
    if (overwrite)
        return MOE_OK;
    struct moe_error unreadable = {0};
    if (moe_reader_open(name, &reader, &unreadable) == MOE_OK)
        *same = is_same(session, reader, &unreadable);
    moe_reader_close(reader);
    if (!*same)
        return moe_fail(err, MOE_USAGE, "%s is there already and comes from %s (choose another name with -o, or give "
                                        "--overwrite)",
                        name, unreadable.code == MOE_OK ? "another config or verb" : "elsewhere");
    return MOE_OK;
}

enum moe_status moe_session_output(const struct moe_session *session, const char *name, int overwrite, int *same,
                                   struct moe_error *err)
{
    *same = 0;
    if (session->comm->rank == 0)
        look_at_output(session, name, overwrite, same, err);
    moe_comm_broadcast(session->comm, same, sizeof *same);
    return moe_comm_share(session->comm, err);
}

enum moe_status moe_session_can_count(const struct moe_session *session, struct moe_error *err)
{
    const struct moe_run *run = &session->run;
    const int64_t there = moe_data_count(session->data, MOE_SPLIT_CENSUS);
    if (run->census.first + run->census.sequences > there)
        return moe_fail(err, MOE_USAGE,
                        "census.sequences=%" PRId64 " from census.first=%" PRId64 " on: there are %" PRId64
                        " held-out sequences, and each counts once",
                        run->census.sequences, run->census.first, there);
    const int training = strcmp(session->verb, "train") == 0;
    const double need = moe_memory_of_censuses(run, session->model.task, session->comm->ranks, training);
    const double have = (double)moe_memory_of_rank(session->comm);
    if (need > MOE_CENSUS_SHARE * have)
        return moe_fail(err, MOE_INPUT,
                        "a census of %" PRId64 " sequences may need %.0f MB a rank, there are %.0f MB (use more ranks "
                        "or nodes, or count fewer sequences a job)",
                        run->census.sequences, need / 1e6, have / 1e6);
    return MOE_OK;
}

struct count_context {
    struct moe_session *session;
    struct moe_census_merge *merge;
    struct moe_progress progress;
    int64_t *bytes, *messages;
};

static enum moe_status between_batches(void *context, struct moe_snapshot *snapshot, int64_t sequences,
                                       struct moe_error *err)
{
    struct count_context *c = context;
    if (!c->merge)
        c->merge = moe_census_begin(snapshot->counter, c->session->comm->world, MOE_CENSUS_ROUND, c->bytes,
                                    c->messages);
    moe_census_flush(c->merge, MOE_CENSUS_BUDGET);
    moe_progress_tell(&c->progress, sequences, NAN);
    if (sequences < snapshot->shape.sequences && moe_stop_asked(c->session->comm))
        moe_fail(err, MOE_STOPPED, "asked to stop");
    return err->code;
}

enum moe_status moe_session_census(struct moe_session *session, struct moe_results *results, int step,
                                   struct moe_error *err)
{
    const int P = session->comm->ranks;
    double clock = moe_clock();
    moe_place("%s: census of step %d", session->verb, step);
    const struct moe_traffic *traffic = moe_exchange_traffic(&session->ex);
    struct count_context context = {.session = session,
                                    .bytes = traffic->bytes + MOE_PHASE_CENSUS * P,
                                    .messages = traffic->messages + MOE_PHASE_CENSUS * P};
    moe_progress_begin(&context.progress, session->comm->rank == 0 ? stderr : NULL,
                       moe_place_name() + strlen(session->verb) + 2, "sequence", 0,
                       session->run.census.sequences, session->model.task->tokens);
    struct moe_finding *finding = moe_results_add(results, step);
    moe_snapshot_count(&finding->snapshot, &session->model, session->data, between_batches, &context, err);
    if (err->code == MOE_OK) {
        moe_census_finish(context.merge, &finding->census);
    } else {
        moe_census_abandon(context.merge);
        moe_results_remove(results);
    }
    moe_clock_add(MOE_TIME_CENSUS, clock);
    return err->code;
}
