/* How often brackets and intervals hold in simulated samples of one law. The table says how often the nominal and the
 * certified bracket of the entropy hold, how often they lie above the truth and below it, and how wide they are on
 * average; and how often the lower limit of the order-2 number holds.
 *
 * usage: brackets LAW RUNS N...          LAW is one of the names below, N the sizes of the samples
 *        brackets repetition RUNS N...   sequences of LENGTH tokens that repeat each other, N tokens in all
 *
 * Checks on standard output with a table as comments; progress on standard error. */
#include <gsl/gsl_cdf.h>
#include <time.h>

#include "tests/simulate.h"
#include "tests/tap.h"

enum { LENGTH = 100, WORSTS = 2 };

#define REPEAT 0.7

static const struct law_shape shapes[] = {{"uniform-1e3", LAW_UNIFORM, 0, 1000},
                                          {"uniform-1e6", LAW_UNIFORM, 0, 1000000},
                                          {"zipf-1.0", LAW_ZIPF, 1.0, 1000000},
                                          {"zipf-1.25", LAW_ZIPF, 1.25, 1000000},
                                          {"zipf-1.5", LAW_ZIPF, 1.5, 1000000},
                                          {"geometric", LAW_GEOMETRIC, 1e-3, 40000},
                                          {"dirichlet", LAW_DIRICHLET, 0.1, 100000},
                                          {"one-and-dust", LAW_AND_DUST, 0, 1},
                                          {"diffuse", LAW_DIFFUSE, 0, 1}};

static const struct law_shape repeated = {"zipf-1.1", LAW_ZIPF, 1.1, 100000};

/* Clopper and Pearson 1934: the chance is above the limit, or below it, but for 1 % of all experiments. */
static double lower_limit(int holds, int runs)
{
    return holds > 0 ? gsl_cdf_beta_Pinv(0.01, holds, runs - holds + 1) : 0;
}

static double upper_limit(int holds, int runs)
{
    return holds < runs ? gsl_cdf_beta_Qinv(0.01, holds + 1, runs - holds) : 1;
}

static double percent(int holds, int runs)
{
    return 100.0 * holds / runs;
}

static void check_law(const struct law_shape *shape, int n, int runs)
{
    static const char *const name[WORSTS] = {"10 x as many", "1e30"};
    struct law law = law_of_shape(shape, n);
    const double ln_worst[WORSTS] = {log(10) + log(law.cells + law.dust), fmax(log(1e30), log(law.cells + law.dust))};
    struct brackets_tally tally[WORSTS];
    const time_t start = time(NULL);
    simulate_brackets(tally, ln_worst, WORSTS, &law, n, runs);
    for (int w = 0; w < WORSTS; w++) {
        const struct brackets_tally *t = &tally[w];
        printf("# %-12s %6d %9.5f  %-12s %6.1f %% %5d %5d %8.3f  %7.1f %% %5d %5d %8.3f  %6.1f %%\n", law.name, n,
               law.entropy, name[w], percent(t->nominal_holds, runs), t->nominal.above, t->nominal.below,
               t->nominal.width, percent(t->certified_holds, runs), t->certified.above, t->certified.below,
               t->certified.width, percent(t->order2_holds, runs));
        ok(lower_limit(t->certified_holds, runs) >= 0.95, "%s, n = %d, W = %s: the certified bracket holds", law.name,
           n, name[w]);
    }
    diag("%s, n = %d: %d samples in %.0f s", law.name, n, runs, difftime(time(NULL), start));
    law_clear(&law);
}

static void check_pair(const char *what, int n, int by_sequence, int by_token, int runs)
{
    printf("# repetition   %6d  %-10s by sequence %6.1f %%, by token %6.1f %%\n", n, what, percent(by_sequence, runs),
           percent(by_token, runs));
    ok(by_sequence >= 0.9 * runs, "repetition, n = %d: the %s by sequence holds", n, what);
    ok(upper_limit(by_token, runs) < 0.9, "repetition, n = %d: the %s by token does not", n, what);
}

static void check_repetition(int n, int runs)
{
    struct law law = law_of_shape(&repeated, n);
    const time_t start = time(NULL);
    const struct sequence_tally t = simulate_sequences(&law, n / LENGTH, LENGTH, REPEAT, runs, log(law.cells));
    check_pair("order 2", n, t.order2, t.order2_by_token, runs);
    check_pair("coverage", n, t.coverage, t.coverage_by_token, runs);
    check_pair("bracket", n, t.bracket, t.bracket_by_token, runs);
    printf("# repetition   %6d  certified  %.1f %%, warned %.1f %%\n", n, percent(t.certified, runs),
           percent(t.warned, runs));
    ok(lower_limit(t.certified, runs) >= 0.95, "repetition, n = %d: the certified bracket holds", n);
    diag("repetition, n = %d: %d samples in %.0f s", n, runs, difftime(time(NULL), start));
    law_clear(&law);
}

int main(int argc, char **argv)
{
    const struct law_shape *shape = NULL;
    const int runs = argc > 2 ? atoi(argv[2]) : 0, repetition = argc > 1 && strcmp(argv[1], "repetition") == 0;
    for (size_t i = 0; argc > 1 && i < sizeof shapes / sizeof *shapes; i++)
        if (strcmp(argv[1], shapes[i].name) == 0)
            shape = &shapes[i];
    if (runs < 1 || (!shape && !repetition)) {
        fprintf(stderr, "brackets: a law, the number of samples and their sizes are wanted\n");
        return 2;
    }
    if (!repetition)
        printf("# %-12s %6s %9s  %-12s %8s %5s %5s %8s  %9s %5s %5s %8s  %8s\n", "law", "n", "entropy", "worst case",
               "nominal", "above", "below", "width", "certified", "above", "below", "width", "2D limit");
    for (int i = 3; i < argc; i++) {
        if (repetition)
            check_repetition(atoi(argv[i]), runs);
        else
            check_law(shape, atoi(argv[i]), runs);
        fflush(stdout);
    }
    return tap_done();
}
