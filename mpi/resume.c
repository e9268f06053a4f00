#include "mpi/resume.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mpi/checkpoint.h"
#include "mpi/h5read.h"
#include "mpi/h5sum.h"
#include "mpi/provenance.h"
#include "src/kernels.h"
#include "src/matmul.h"
#include "src/pool.h"

/* What the file calls itself must be what its name says. MOE_INPUT passes the checkpoint over. */
static enum moe_status check_kind(struct moe_reader *reader, const char *file, int step, struct moe_error *err)
{
    char *kind = NULL;
    int64_t schema, holds;
    if (moe_reader_text(reader, "/", "kind", &kind, err) == MOE_OK && strcmp(kind, "checkpoint") != 0)
        moe_fail(err, MOE_INPUT, "%s holds %s", file, kind);
    if (err->code == MOE_OK && moe_reader_int(reader, "/", "schema_version", &schema, err) == MOE_OK &&
        schema != MOE_SCHEMA_VERSION)
        moe_fail(err, MOE_INPUT, "%s has schema_version %" PRId64 ", this program reads %d", file, schema,
                 MOE_SCHEMA_VERSION);
    if (err->code == MOE_OK && moe_reader_int(reader, "/", "step", &holds, err) == MOE_OK && holds != step)
        moe_fail(err, MOE_INPUT, "%s holds step %" PRId64 ", not the one of its name", file, holds);
    moe_pool_free(kind);
    return err->code;
}

/* One thing that decides bits, as it was and as it is. */
static enum moe_status compare(struct moe_reader *reader, const char *file, const char *attribute, const char *what,
                               const char *now, const char *hint, struct moe_error *err)
{
    char *then;
    if (err->code != MOE_OK || moe_reader_text(reader, "/provenance", attribute, &then, err) != MOE_OK)
        return err->code;
    if (then[0] && now[0] && strcmp(then, now) != 0)
        moe_fail(err, MOE_USAGE, "%s comes from another %s: %s, now %s (%s)", file, what, then, now, hint);
    moe_pool_free(then);
    return err->code;
}

static enum moe_status compare_settings(struct moe_reader *reader, const char *file, const char *now,
                                        struct moe_error *err)
{
    char *then, difference[256];
    if (moe_reader_text(reader, "/", "config", &then, err) != MOE_OK)
        return err->code;
    if (moe_config_difference(then, now, difference, sizeof difference))
        moe_fail(err, MOE_USAGE, "%s comes from other settings: %s (give those, or another name with -o, or remove the "
                                 "checkpoints to start again)",
                 file, difference);
    moe_pool_free(then);
    return err->code;
}

/* All ranks must make the bits that rank 0 makes. */
static enum moe_status check_cpus(const struct moe_comm *comm, struct moe_error *err)
{
    char first[256], mine[sizeof first];
    snprintf(mine, sizeof mine, "%s, %s", moe_kernels_level(), moe_matmul_library());
    memcpy(first, mine, sizeof first);
    moe_comm_broadcast(comm, first, sizeof first);
    if (strcmp(first, mine) != 0)
        moe_fail(err, MOE_USAGE, "another kind of CPU or BLAS kernel than on rank 0: %s, there %s (ask for nodes of "
                                 "one kind; --resume any-cpu takes them, and may differ in the last bits)",
                 mine, first);
    return moe_comm_agree(comm->world, err);
}

/* Rank 0: whether the whole file can be gone on from here. */
static enum moe_status check(const char *file, const struct moe_results *results, int step, enum moe_resume how,
                             char resumed[MOE_RESUMED_TEXT], struct moe_error *err)
{
    struct moe_reader *reader;
    char build[MOE_BUILD_TEXT], *before = NULL;
    const char *other_cpu = "--resume any-cpu takes it, and may differ in the last bits";
    if (moe_reader_open(file, &reader, err) != MOE_OK)
        return err->code;
    if (check_kind(reader, file, step, err) == MOE_OK)
        compare_settings(reader, file, results->config, err);
    moe_program_build(build);
    compare(reader, file, "build", "build of the program", build,
            "use that, or remove the checkpoints to start again", err);
    if (how != MOE_RESUME_ANY_CPU) {
        compare(reader, file, "cpu", "kind of CPU", moe_kernels_level(), other_cpu, err);
        compare(reader, file, "blas", "BLAS library or kernel", moe_matmul_library(), other_cpu, err);
    }
    if (err->code == MOE_OK && moe_reader_text(reader, "/provenance", "resumed", &before, err) == MOE_OK)
        snprintf(resumed, MOE_RESUMED_TEXT, "%s%sstep %d on %d ranks%s", before, before[0] ? "; " : "", step,
                 results->comm->ranks, how == MOE_RESUME_ANY_CPU ? ", any CPU" : "");
    moe_pool_free(before);
    moe_reader_close(reader);
    return err->code;
}

static void say(const struct moe_comm *comm, const char *text, const char *what)
{
    if (comm->rank == 0)
        fprintf(stderr, "train: %s%s\n", what, text);
}

/* The newest step whose checkpoint is whole and ours; -1 without checkpoints. */
static enum moe_status choose(const struct moe_results *results, const char *name, enum moe_resume how,
                              char resumed[MOE_RESUMED_TEXT], int *step, struct moe_error *err)
{
    const struct moe_comm *comm = results->comm;
    char file[MOE_CHECKPOINT_PATH];
    int *steps = NULL, count = 0;
    if (comm->rank == 0)
        count = moe_checkpoint_list(name, &steps);
    moe_comm_broadcast(comm, &count, sizeof count);
    *step = -1;
    for (int i = 0; i < count && *step < 0 && err->code != MOE_USAGE; i++) {
        int candidate = comm->rank == 0 ? steps[i] : 0;
        moe_comm_broadcast(comm, &candidate, sizeof candidate);
        moe_checkpoint_file(file, name, candidate);
        *err = (struct moe_error){0};
        if (moe_sum_verify(file, comm->world, err) == MOE_OK) {
            if (comm->rank == 0)
                check(file, results, candidate, how, resumed, err);
            moe_comm_share(comm, err);
        }
        if (err->code == MOE_OK)
            *step = candidate;
        else if (err->code == MOE_INPUT)
            say(comm, err->text, "passed over: ");
    }
    moe_pool_free(steps);
    if (err->code == MOE_INPUT)
        moe_fail(err, MOE_INPUT, "none of the %d checkpoints of %s is whole (remove them to start at step 0)", count,
                 name);
    return err->code;
}

enum moe_status moe_resume(struct moe_results *results, struct moe_training *training, const char *name,
                           enum moe_resume how, char resumed[MOE_RESUMED_TEXT], int *step, struct moe_error *err)
{
    char file[MOE_CHECKPOINT_PATH], text[64];
    if (how != MOE_RESUME_ANY_CPU && check_cpus(results->comm, err) != MOE_OK)
        return err->code;
    if (choose(results, name, how, resumed, step, err) != MOE_OK)
        return err->code;
    if (*step < 0) {
        say(results->comm, name, "starts at step 0: there is no checkpoint of ");
        return MOE_OK;
    }
    moe_checkpoint_file(file, name, *step);
    if (moe_checkpoint_read(results, training, file, err) != MOE_OK)
        return err->code;
    snprintf(text, sizeof text, "goes on from step %d of %d", *step, results->run->train.steps);
    say(results->comm, text, "");
    return MOE_OK;
}
