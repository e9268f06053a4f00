/* Telling a person how far a long phase is: a bar on a terminal, one plain line every so often in a log. */
#ifndef MOE_PROGRESS_H
#define MOE_PROGRESS_H

#include <stdint.h>
#include <stdio.h>

struct moe_progress {
    FILE *out;            /* null: silent */
    const char *what, *unit; /* "train", "step"; borrowed */
    int64_t first, total; /* units of work done at the beginning, and in the end */
    double tokens;        /* tokens a unit of work */
    double started, told; /* clock */
    int64_t told_done;    /* units done when it was last told */
    int is_terminal;
};

/* Begins a phase of `total` units, `done` of which are done already. Give null as out on all ranks but one.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_progress_begin(struct moe_progress *progress, FILE *out, const char *what, const char *unit, int64_t done,
                        int64_t total, double tokens);

/* Says that `done` units are done; prints at most twice a second on a terminal, else every 10 s, and at the end. loss
 * is left out where it is NAN.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_progress_tell(struct moe_progress *progress, int64_t done, double loss);

/* Ends the line of a bar that was left open, so that an error starts its own.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_progress_close(void);

#endif
