/* Writing tests in C: every check prints one line of TAP (Test Anything Protocol) and returns its verdict.
 *
 * No check leaves the function, so ranks stay in step after one has failed. A test that includes <mpi.h> before this
 * file runs on many ranks: each check then is collective, holds only if it holds on every rank, and is printed by
 * rank 0; a rank on which it fails says so on standard error. End with `return tap_done();`, before MPI_Finalize. */
#ifndef MOE_TAP_H
#define MOE_TAP_H

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAP_UNUSED __attribute__((unused))
#define TAP_PRINTF(f) __attribute__((unused, format(printf, f, f + 1)))

static int tap_count, tap_failed;

static inline int tap_rank(void)
{
    int rank = 0;
#ifdef MPI_VERSION
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
#endif
    return rank;
}

/* One verdict from all ranks; detail says on a failing rank what was seen. */
static int tap_verdict(int holds, const char *detail, const char *format, va_list args)
{
    int all = holds != 0;
#ifdef MPI_VERSION
    MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
#endif
    char text[512];
    vsnprintf(text, sizeof text, format, args);
    tap_count++;
    tap_failed += !all;
    if (tap_rank() == 0) {
        printf("%sok %d - %s\n", all ? "" : "not ", tap_count, text);
        fflush(stdout);
    }
    if (!holds) {
        fprintf(stderr, "# rank %d: %s%s%s\n", tap_rank(), text, detail[0] ? ": " : "", detail);
        fflush(stderr);
    }
    return all;
}

/* Runs the rest of a check: the caller has `holds`, `detail` and the text's format as last named argument. */
#define TAP_FINISH(holds, detail, format)                                                                              \
    do {                                                                                                               \
        va_list tap_args;                                                                                              \
        va_start(tap_args, format);                                                                                    \
        int tap_all = tap_verdict(holds, detail, format, tap_args);                                                    \
        va_end(tap_args);                                                                                              \
        return tap_all;                                                                                                \
    } while (0)

/* holds is true. */
TAP_PRINTF(2) static int ok(int holds, const char *format, ...)
{
    TAP_FINISH(holds, "", format);
}

/* Two whole numbers are equal. */
TAP_PRINTF(3) static int is_int(long long got, long long want, const char *format, ...)
{
    char detail[96];
    snprintf(detail, sizeof detail, "got %lld, want %lld", got, want);
    TAP_FINISH(got == want, detail, format);
}

/* Two strings are equal; null equals only null. */
TAP_PRINTF(3) static int is_str(const char *got, const char *want, const char *format, ...)
{
    char detail[512];
    snprintf(detail, sizeof detail, "got \"%.200s\", want \"%.200s\"", got ? got : "(null)", want ? want : "(null)");
    TAP_FINISH(got && want ? !strcmp(got, want) : got == want, detail, format);
}

/* |got - want| <= tolerance |want|, or <= tolerance where want is 0. Never holds for a NaN. */
TAP_PRINTF(4) static int is_close(double got, double want, double tolerance, const char *format, ...)
{
    double error = fabs(got - want) / (want == 0 ? 1 : fabs(want));
    char detail[128];
    snprintf(detail, sizeof detail, "got %.17g, want %.17g, error %.3g > %.3g", got, want, error, tolerance);
    TAP_FINISH(error <= tolerance || got == want, detail, format);
}

static inline double tap_read(const void *values, size_t size, long long i)
{
    return size == sizeof(float) ? (double)((const float *)values)[i] : ((const double *)values)[i];
}

/* No got[i] is farther from want[i] than tolerance times the largest |want|; the arrays are of float or double. */
#define all_close(got, want, n, tolerance, ...)                                                                        \
    tap_all_close(got, sizeof *(got), want, sizeof *(want), n, tolerance, __VA_ARGS__)

TAP_PRINTF(7)
static int tap_all_close(const void *got, size_t got_size, const void *want, size_t want_size, long long n,
                         double tolerance, const char *format, ...)
{
    double largest = 0, error = 0;
    long long worst = 0;
    for (long long i = 0; i < n; i++)
        largest = fmax(largest, fabs(tap_read(want, want_size, i)));
    for (long long i = 0; i < n; i++) {
        double g = tap_read(got, got_size, i), w = tap_read(want, want_size, i);
        double e = g == w ? 0 : fabs(g - w) / (largest == 0 ? 1 : largest);
        if (!(e <= error)) {
            error = isnan(e) ? INFINITY : e;
            worst = i;
        }
    }
    char detail[160] = "";
    if (n > 0)
        snprintf(detail, sizeof detail, "worst at %lld of %lld: got %.9g, want %.9g, error %.3g > %.3g", worst, n,
                 tap_read(got, got_size, worst), tap_read(want, want_size, worst), error, tolerance);
    TAP_FINISH(error <= tolerance, detail, format);
}

/* n checks that cannot be made here, and why. */
TAP_UNUSED static void skip(int n, const char *why)
{
    for (int i = 0; i < n; i++) {
        tap_count++;
        if (tap_rank() == 0)
            printf("ok %d - # SKIP %s\n", tap_count, why);
    }
    fflush(stdout);
}

/* A line for the reader of the log. */
TAP_PRINTF(1) static void diag(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("# ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

/* Nothing more can be tested: ends the program, on all ranks. */
TAP_PRINTF(1) static void bail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("Bail out! ", stdout);
    vprintf(format, args);
    putchar('\n');
    fflush(stdout);
    va_end(args);
#ifdef MPI_VERSION
    MPI_Abort(MPI_COMM_WORLD, 1);
#endif
    exit(1);
}

/* Prints the plan; 1 if a check failed, else 0: main's result. */
TAP_UNUSED static int tap_done(void)
{
    if (tap_rank() == 0) {
        printf("1..%d\n", tap_count);
        fflush(stdout);
    }
    return tap_failed > 0;
}

#endif
