/* How a function says that it failed: a code, which is also the program's exit code, and one line of text. */
#ifndef MOE_STATUS_H
#define MOE_STATUS_H

enum moe_status {
    MOE_OK = 0,
    MOE_INPUT = 1,    /* input could not be read, or memory is short */
    MOE_USAGE = 2,    /* command line, config, or a combination that cannot work */
    MOE_NUMERIC = 3,  /* a value is not finite */
    MOE_BUG = 70,     /* a broken invariant, or MPI failed */
    MOE_OUTPUT = 74,  /* output could not be written */
    MOE_STOPPED = 75  /* stopped in good order, and can go on */
};

struct moe_error {
    enum moe_status code;
    char text[1024];  /* cause, place and hint in one line, no newline; "" when code is MOE_OK */
};

/* Records code and the formatted text in err, which must not be null, and returns code.
 *
 * Ranks:  local
 * Errors: never fails; longer texts are cut
 */
enum moe_status moe_fail(struct moe_error *err, enum moe_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Ends the whole job with one line on standard error, for what cannot be shared between ranks: broken invariants,
 * exhausted memory, a failed collective call. A higher rank waits longer (5 s at most) before it speaks, so that of
 * several ranks that fail together one does.
 *
 * Ranks:  local; takes all ranks down through the hook
 * Errors: does not return
 */
_Noreturn void moe_fatal(enum moe_status code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Sets what moe_fatal calls after printing (default: exit), and the rank that it names (-1: none). The MPI program
 * installs MPI_Abort.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_fatal_hook(void (*hook)(int code), int rank);

/* Names the place that the next faults are reported with, such as "train: step 120" (copied, cut at 63 bytes).
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_place(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The place last named, "" at first. Borrowed; changes with the next moe_place.
 *
 * Ranks:  local
 * Errors: never fails
 */
const char *moe_place_name(void);

/* Ends the job with MOE_BUG when cond does not hold. Stays on in every build. */
#define MOE_CHECK(cond) \
    ((cond) ? (void)0 : moe_fatal(MOE_BUG, "%s:%d: does not hold: %s (please report it)", __FILE__, __LINE__, #cond))

#endif
