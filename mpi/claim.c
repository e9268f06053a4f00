#include "mpi/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static enum moe_status write_text(const struct moe_claim *claim, const char *text, struct moe_error *err)
{
    const ssize_t size = (ssize_t)strlen(text);
    if (pwrite(claim->fd, text, (size_t)size, 0) != size || ftruncate(claim->fd, size) || fsync(claim->fd))
        return moe_fail(err, MOE_OUTPUT, "cannot write %s: %s", claim->name, strerror(errno));
    return MOE_OK;
}

static enum moe_status write_status(const struct moe_claim *claim, int code, struct moe_error *err)
{
    char text[MOE_STATUS_TEXT], host[64] = "", stamp[32], state[16] = "running";
    const time_t now = time(NULL);
    const char *job = getenv("SLURM_JOB_ID");
    struct tm utc;
    gethostname(host, sizeof host - 1);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    if (code != MOE_RUNNING)
        snprintf(state, sizeof state, "%d", code);
    snprintf(text, sizeof text, "code=%s\nstep=%d\nsteps=%d\nverb=%s\nhost=%s\npid=%ld\njob=%s\ntime=%s\n", state,
             claim->step, claim->steps, claim->verb, host, (long)getpid(), job ? job : "", stamp);
    return write_text(claim, text, err);
}

/* The value of a key in the status of another job; "" without. */
static void look_up(const char *text, const char *key, char value[64])
{
    const size_t length = strlen(key);
    value[0] = '\0';
    for (const char *line = text; line && *line; line = strchr(line, '\n'), line += line != NULL)
        if (strncmp(line, key, length) == 0 && line[length] == '=')
            snprintf(value, 64, "%.*s", (int)strcspn(line + length + 1, "\n"), line + length + 1);
}

static void read_text(struct moe_claim *claim)
{
    if (pread(claim->fd, claim->before, sizeof claim->before - 1, 0) < 0)
        claim->before[0] = '\0';
}

static enum moe_status refuse(struct moe_claim *claim, struct moe_error *err)
{
    char verb[64], host[64], pid[64], job[64];
    read_text(claim);
    look_up(claim->before, "verb", verb);
    look_up(claim->before, "host", host);
    look_up(claim->before, "pid", pid);
    look_up(claim->before, "job", job);
    return moe_fail(err, MOE_USAGE, "%s is held by another job: %s, process %s on %s%s%s (wait for it, or choose "
                                    "another name with -o)",
                    claim->name, verb, pid, host, job[0] ? ", Slurm job " : "", job);
}

/* File systems without locks cannot keep two jobs apart; that is said, not refused. */
static enum moe_status lock(struct moe_claim *claim, struct moe_error *err)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(claim->fd, F_SETLK, &whole) == 0)
        return MOE_OK;
    if (errno == EACCES || errno == EAGAIN)
        return refuse(claim, err);
    fprintf(stderr, "moecensus: warning: %s cannot be locked (%s): see to it that no other job writes there\n",
            claim->name, strerror(errno));
    return MOE_OK;
}

static enum moe_status take(struct moe_claim *claim, const char *name, struct moe_error *err)
{
    if (strchr(name, ':'))
        return moe_fail(err, MOE_USAGE, "output %s: no \":\" please, MPI-IO takes what is before it for a kind of file "
                                        "system (choose another name with -o)",
                        name);
    claim->fd = open(claim->name, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (claim->fd < 0)
        return moe_fail(err, MOE_OUTPUT, "cannot write %s: %s (choose another output with -o)", claim->name,
                        strerror(errno));
    if (lock(claim, err) != MOE_OK)
        return err->code;
    read_text(claim);
    return write_status(claim, MOE_RUNNING, err);
}

enum moe_status moe_claim_take(struct moe_claim *claim, const struct moe_comm *comm, const char *verb,
                               const char *name, int step, int steps, struct moe_error *err)
{
    *claim = (struct moe_claim){.comm = comm, .verb = verb, .fd = -1, .step = step, .steps = steps};
    snprintf(claim->name, sizeof claim->name, "%s.status", name);
    if (comm->rank == 0)
        take(claim, name, err);
    if (moe_comm_share(comm, err) != MOE_OK)
        moe_claim_release(claim);
    return err->code;
}

void moe_claim_tell(struct moe_claim *claim, int code, int step)
{
    struct moe_error none = {0};
    claim->step = step;
    if (claim->comm && claim->fd >= 0)
        write_status(claim, code, &none);
}

void moe_claim_refuse(struct moe_claim *claim, int code)
{
    struct moe_error none = {0};
    if (!claim->before[0])
        moe_claim_tell(claim, code, claim->step);
    else if (claim->comm && claim->fd >= 0)
        write_text(claim, claim->before, &none);
}

void moe_claim_release(struct moe_claim *claim)
{
    if (claim->comm && claim->fd >= 0)
        close(claim->fd);
    claim->comm = NULL;
}
