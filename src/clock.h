/* Wall-clock seconds by phase of a run, for /timing. */
#ifndef MOE_CLOCK_H
#define MOE_CLOCK_H

enum moe_time {
    MOE_TIME_SETUP,
    MOE_TIME_DATA,       /* making batches */
    MOE_TIME_FORWARD,    /* of training steps, messages included */
    MOE_TIME_BACKWARD,   /* messages and folding included */
    MOE_TIME_OPTIMISER,
    MOE_TIME_EVALUATION,
    MOE_TIME_CENSUS,     /* passes, counting and merging */
    MOE_TIME_FILES,
    MOE_TIME_MESSAGES,   /* inside the other phases: between calling and leaving the message library */
    MOE_TIMES
};

/* The phase's name as it stands in /timing. Static storage.
 *
 * Ranks:  local
 * Errors: never fails
 */
const char *moe_time_name(enum moe_time phase);

/* Seconds of a clock that never goes back.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_clock(void);

/* Adds the time since `since` to a phase and returns the clock.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_clock_add(enum moe_time phase, double since);

/* Seconds added to a phase so far.
 *
 * Ranks:  local
 * Errors: never fails
 */
double moe_clock_spent(enum moe_time phase);

#endif
