#include "mpi/stop.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum reason { GO_ON, TIME_LIMIT, TERMINATE, USER };

static volatile sig_atomic_t asked = GO_ON;

static void note_signal(int number)
{
    asked = number == SIGUSR1 ? USER : TERMINATE;
}

void moe_stop_listen(void)
{
    struct sigaction action = {.sa_handler = note_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static int time_is_up(double before_s)
{
    const char *end = getenv("SLURM_JOB_END_TIME");
    const double seconds = end ? strtod(end, NULL) : 0;
    return seconds > 0 && (double)time(NULL) >= seconds - before_s;
}

const char *moe_stop_asked(const struct moe_comm *comm, double before_s)
{
    static const char *const name[] = {[GO_ON] = NULL, [TIME_LIMIT] = "the time limit", [TERMINATE] = "TERM",
                                       [USER] = "USR1"};
    int mine = asked, all;
    if (mine == GO_ON && comm->rank == 0 && time_is_up(before_s))
        mine = TIME_LIMIT;
    MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_MAX, comm->world);
    return name[all];
}
