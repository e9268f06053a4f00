#include "src/clock.h"

#include <time.h>

static const char *const names[MOE_TIMES] = {"setup",      "data",   "forward", "backward", "optimiser",
                                             "evaluation", "census", "files",   "messages"};
static double spent[MOE_TIMES];

const char *moe_time_name(enum moe_time phase)
{
    return names[phase];
}

double moe_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double moe_clock_add(enum moe_time phase, double since)
{
    double now = moe_clock();
    spent[phase] += now - since;
    return now;
}

double moe_clock_spent(enum moe_time phase)
{
    return spent[phase];
}
