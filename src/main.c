/* The program: a table of verbs. The only file that may see every folder. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "analysis/summary.h"
#include "analysis/verb_analyze.h"
#include "mpi/comm.h"
#include "mpi/verbs.h"
#include "src/config.h"
#include "src/options.h"
#include "src/progress.h"

static const struct verb {
    const char *name, *usage, *about;
    enum moe_status (*run)(const struct moe_comm *comm, int argc, char **argv, moe_report *report,
                           struct moe_error *err);
    const char *settings[5]; /* sections and keys it takes; none: all */
    const char *(*options)(void); /* what it takes instead of settings; null */
} verbs[] = {
    {"train", "train [CONFIG] [section.key=value ...] [-o NAME] [--resume auto] [--overwrite] [--print-config]",
     "train an MoE Transformer, count its routing patterns before and after, write NAME.h5 and NAME.model.h5",
     moe_verb_train, {NULL}, NULL},
    {"census", "census NAME.model.h5 [census.key=value ...] [-o OUT] [--overwrite] [--print-config]",
     "count the routing patterns of a trained model, write NAME.census-FIRST.h5", moe_verb_census,
     {"data.path", "parallel", "census", "output"}, NULL},
    {"analyze", "analyze FILE... [--json] [--csv] [option ...]",
     "estimate, bound and describe what results files hold", moe_verb_analyze, {NULL}, moe_analyze_usage},
    {"plan", "plan [CONFIG] --ranks P [--ranks-per-node Q] [--from FILE] [section.key=value ...] [--json]",
     "predict memory, messages and time of a run, and the lines of a batch script", moe_verb_plan, {NULL},
     moe_plan_usage},
};
enum { VERBS = sizeof verbs / sizeof *verbs };

static void print_usage(FILE *out)
{
    fprintf(out, "moecensus counts which routing patterns of a Mixture-of-Experts Transformer really occur.\n\n");
    for (int i = 0; i < VERBS; i++)
        fprintf(out, "  moecensus %s\n      %s\n", verbs[i].usage, verbs[i].about);
    fprintf(out, "\n  moecensus VERB --help    what a verb can be told\n  moecensus --version\n\n"
                 "Start it with mpirun -n RANKS, or alone for one rank.\n"
                 "Exit status: 0 done, 1 input or memory, 2 usage, 3 not finite, 70 bug or MPI, 74 output,\n"
                 "75 stopped in good order.\n");
}

static void print_help(const struct verb *verb)
{
    printf("moecensus %s\n%s\n\n", verb->usage, verb->about);
    if (verb->options) {
        fputs(verb->options(), stdout);
        return;
    }
    printf("  -o NAME          output.name\n  --overwrite      replace files of another config%s\n"
           "  --print-config   print the settings and end\n",
           verb->run == moe_verb_train ? ", and start again where checkpoints are" : "");
    if (verb->run == moe_verb_train)
        printf("  --resume auto    go on from the newest whole checkpoint, where there is one\n"
               "  --resume any-cpu the same, also from another kind of CPU or BLAS library: other last bits\n");
    printf("\n"
           "Settings, = of record (they decide the bits of the results), - not:\n");
    if (!verb->settings[0])
        moe_config_help(stdout, NULL, 0);
    for (int i = 0; verb->settings[i]; i++)
        moe_config_help(stdout, verb->settings[i], 0);
    if (verb->settings[0])
        printf("What is not set is as in the model's own settings, not as in this table.\n");
}

static const struct verb *find_verb(const char *name)
{
    for (int i = 0; i < VERBS; i++)
        if (strcmp(name, verbs[i].name) == 0)
            return &verbs[i];
    return NULL;
}

static int asks_for_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* Runs the verb that argv asks for. */
static enum moe_status run(const struct moe_comm *comm, int argc, char **argv, struct moe_error *err)
{
    const struct verb *verb = argc > 1 ? find_verb(argv[1]) : NULL;
    if (verb) {
        for (int i = 2; i < argc; i++)
            if (asks_for_help(argv[i])) {
                if (comm->rank == 0)
                    print_help(verb);
                return MOE_OK;
            }
        return verb->run(comm, argc - 1, argv + 1, moe_summary_print, err);
    }
    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        if (comm->rank == 0)
            puts(PACKAGE_STRING);
        return MOE_OK;
    }
    if (argc > 1 && asks_for_help(argv[1])) {
        if (comm->rank == 0)
            print_usage(stdout);
        return MOE_OK;
    }
    return moe_fail(err, MOE_USAGE, argc > 1 ? "unknown verb %s (train, census, analyze, plan; see moecensus --help)"
                                             : "no verb given (train, census, analyze, plan; see moecensus --help)",
                    argc > 1 ? argv[1] : "");
}

/* What was printed may still be on its way, to a disk that is full. */
static enum moe_status finish_output(struct moe_error *err)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return MOE_OK;
    return moe_fail(err, MOE_OUTPUT, "cannot write standard output: %s",
                    errno ? strerror(errno) : "some of it was lost");
}

int main(int argc, char **argv)
{
    struct moe_comm comm;
    struct moe_error err = {0};
    moe_comm_start(&comm, &argc, &argv);
    enum moe_status status = run(&comm, argc, argv, &err);
    if (status == MOE_OK)
        status = finish_output(&err);
    moe_progress_close();
    if (status != MOE_OK && comm.rank == 0) {
        char text[sizeof err.text];
        moe_visible(text, sizeof text, err.text); /* users' words may hold anything, and an error is one line */
        fprintf(stderr, "moecensus: %s%s%s\n", moe_place_name(), moe_place_name()[0] ? ": " : "", text);
    }
    moe_comm_end(&comm);
    return (int)status;
}
