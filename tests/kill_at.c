/* Kills a job, or asks it to stop, at a chosen call. For LD_PRELOAD; counts, on every rank r, calls of MPI_Allreduce
 * ("mpi"), calls that change files whose name has ".h5" or ".status" in it ("io"), and those among them that write no
 * data ("meta"). In the environment:
 *
 *     KILL_AT=KIND:N:RANK    at the N-th call of that kind on that rank ("" only counts)
 *     KILL_SIGNAL=NUMBER     with that signal to the rank, and the call is made; else with SIGKILL
 *     KILL_ALL=1             every process named by a file pid.* in the folder dies, else the rank alone
 *     KILL_TORN=1            half of a write is done first
 *     KILL_COUNTS=FILE       a line "calls MPI IO META" to FILE.r when the program ends
 *     KILL_LOG=FILE          a line with the call and the file it was for, before the kill */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <glob.h>
#include <mpi.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static long mpi_calls, io_calls, meta_calls;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int own_rank(void)
{
    const char *rank = getenv("OMPI_COMM_WORLD_RANK");
    return rank ? atoi(rank) : 0;
}

static void say(const char *name, const char *call, const char *file)
{
    char line[4200];
    const int size = snprintf(line, sizeof line, "%s %s\n", call, file);
    const int fd = REAL(open)(name, O_WRONLY | O_CREAT | O_APPEND, 0666);
    if (fd >= 0 && REAL(write)(fd, line, (size_t)size) == size)
        close(fd);
}

static void kill_now(const char *call, const char *file)
{
    glob_t found;
    if (getenv("KILL_LOG"))
        say(getenv("KILL_LOG"), call, file);
    if (getenv("KILL_ALL") && glob("pid.*", 0, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++)
            if (atoi(found.gl_pathv[i] + 4) != getpid())
                kill(atoi(found.gl_pathv[i] + 4), SIGKILL);
    raise(getenv("KILL_SIGNAL") ? atoi(getenv("KILL_SIGNAL")) : SIGKILL);
}

/* Whether this call is the one. */
static int is_due(const char *kind, long calls)
{
    char wanted[8] = "";
    long at = 0;
    int rank = -1;
    const char *text = getenv("KILL_AT");
    return text && sscanf(text, "%7[a-z]:%ld:%d", wanted, &at, &rank) == 3 && strcmp(wanted, kind) == 0 &&
           calls == at && rank == own_rank();
}

static int is_ours(const char *file)
{
    return strstr(file, ".h5") || strstr(file, ".status");
}

static void note(const char *call, const char *file)
{
    if (!is_ours(file))
        return;
    const int io = is_due("io", ++io_calls), meta = is_due("meta", ++meta_calls);
    if (io || meta)
        kill_now(call, file);
}

static void file_of(int fd, char file[4096])
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t length = readlink(link, file, 4095);
    file[length > 0 ? length : 0] = '\0';
}

static void note_fd(const char *call, int fd)
{
    char file[4096];
    file_of(fd, file);
    note(call, file);
}

int MPI_Allreduce(const void *send, void *receive, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm)
{
    if (is_due("mpi", ++mpi_calls))
        kill_now("step", "");
    return PMPI_Allreduce(send, receive, count, type, op, comm);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
    char file[4096];
    file_of(fd, file);
    if (is_ours(file) && is_due("io", ++io_calls)) {
        if (getenv("KILL_TORN") && REAL(pwrite64)(fd, data, size / 2, offset) < 0)
            perror("pwrite");
        kill_now("pwrite", file);
    }
    return REAL(pwrite64)(fd, data, size, offset);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    return pwrite64(fd, data, size, offset);
}

ssize_t write(int fd, const void *data, size_t size)
{
    note_fd("write", fd);
    return REAL(write)(fd, data, size);
}

size_t fwrite(const void *data, size_t size, size_t count, FILE *file)
{
    note_fd("fwrite", fileno(file));
    return REAL(fwrite)(data, size, count, file);
}

int fsync(int fd)
{
    note_fd("fsync", fd);
    return REAL(fsync)(fd);
}

int ftruncate64(int fd, off64_t size)
{
    note_fd("ftruncate", fd);
    return REAL(ftruncate64)(fd, size);
}

int posix_fallocate64(int fd, off64_t offset, off64_t size)
{
    note_fd("fallocate", fd);
    return REAL(posix_fallocate64)(fd, offset, size);
}

int posix_fallocate(int fd, off_t offset, off_t size)
{
    return posix_fallocate64(fd, offset, size);
}

int rename(const char *from, const char *to)
{
    note("rename", from);
    return REAL(rename)(from, to);
}

int unlink(const char *file)
{
    note("unlink", file);
    return REAL(unlink)(file);
}

int open64(const char *file, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    const mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    if (flags & O_CREAT)
        note("open", file);
    return REAL(open64)(file, flags, mode);
}

__attribute__((destructor)) static void tell(void)
{
    char name[4200], line[64];
    const char *counts = getenv("KILL_COUNTS");
    if (!counts)
        return;
    snprintf(name, sizeof name, "%s.%d", counts, own_rank());
    snprintf(line, sizeof line, "%ld %ld %ld", mpi_calls, io_calls, meta_calls);
    say(name, "calls", line);
}
