#include "mpi/stop.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

enum reason { GO_ON, TIME_LIMIT, TERMINATE, USER };

static volatile sig_atomic_t asked = GO_ON;
static double deadline = INFINITY; /* seconds since 1970 */

static void note_signal(int number)
{
    asked = number == SIGUSR1 ? USER : TERMINATE;
}

void moe_stop_listen(double before_s)
{
    struct sigaction action = {.sa_handler = note_signal, .sa_flags = SA_RESTART};
    const char *end = getenv("SLURM_JOB_END_TIME");
    const double seconds = end ? strtod(end, NULL) : 0, left = seconds - (double)time(NULL);
    if (seconds > 0)
        deadline = seconds - fmin(before_s, 0.75 * fmax(left, 0));
    sigemptyset(&action.sa_mask);
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

const char *moe_stop_asked(const struct moe_comm *comm)
{
    static const char *const name[] = {[GO_ON] = NULL, [TIME_LIMIT] = "the time limit", [TERMINATE] = "TERM",
                                       [USER] = "USR1"};
    int mine = asked, all;
    if (mine == GO_ON && comm->rank == 0 && (double)time(NULL) >= deadline)
        mine = TIME_LIMIT;
    MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_MAX, comm->world);
    return name[all];
}
