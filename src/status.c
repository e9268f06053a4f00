#include "src/status.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void (*fatal_hook)(int code) = exit;
static int fatal_rank = -1;
static char place[64];

enum moe_status moe_fail(struct moe_error *err, enum moe_status code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    err->code = code;
    return code;
}

/* A fault that several ranks meet at once is for the lowest of them to tell, and to end the others, by TERM. */
static void wait_turn(void)
{
    enum { SECONDS_MAX = 5 };
    const int seconds = fatal_rank < SECONDS_MAX ? fatal_rank : SECONDS_MAX;
    signal(SIGTERM, SIG_DFL);
    if (seconds > 0)
        nanosleep(&(struct timespec){.tv_sec = seconds}, NULL);
}

_Noreturn void moe_fatal(enum moe_status code, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    char who[32] = "";
    if (fatal_rank >= 0)
        snprintf(who, sizeof who, "rank %d: ", fatal_rank);
    wait_turn();
    fprintf(stderr, "moecensus: %s%s%s%s\n", place, place[0] ? ": " : "", who, text);
    fflush(stderr);
    fatal_hook(code);
    abort();
}

void moe_fatal_hook(void (*hook)(int code), int rank)
{
    fatal_hook = hook;
    fatal_rank = rank;
}

void moe_place(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(place, sizeof place, format, args);
    va_end(args);
}

const char *moe_place_name(void)
{
    return place;
}
