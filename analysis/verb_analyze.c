#include "analysis/verb_analyze.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/counts_file.h"
#include "analysis/counts_text.h"
#include "analysis/fof.h"
#include "analysis/merge.h"
#include "analysis/store.h"
#include "analysis/study.h"
#include "analysis/sweep_file.h"
#include "mpi/words.h"
#include "src/pool.h"

enum form { FORM_TABLE, FORM_JSON, FORM_CSV };

/* The words of the command line, in order. */
struct task {
    int file_count;
    char **file;      /* [file_count] borrowed from argv, whose beginning they fill */
    const char *text; /* file of counts by others; null without */
    enum moe_counts_format format;
    double ln_worst;
    enum form form;
    int merge, overwrite;
    char output[MOE_PATH_MAX]; /* file to write; "" without */
    struct moe_study_options study;
};

const char *moe_analyze_usage(void)
{
    return "  analyze NAME.h5            estimates, bounds and spectra of a results file; also written to its "
           "/analysis\n"
           "  analyze A.h5 B.h5 ... [-o OUT]   a sweep: one row a file, fits over all; files stay as they are, OUT.h5\n"
           "                             takes what is printed\n"
           "  analyze --merge A B ... -o OUT   census files with stored keys over disjoint sequences become one\n"
           "  analyze --fof FILE         counts of others: lines of a count and how many patterns have it\n"
           "  analyze --incidence FILE   number of units, then lines of units and how many patterns stand in that "
           "many\n"
           "  analyze --counts FILE      lines pattern,count\n"
           "\n"
           "  --overwrite            replace OUT.h5\n"
           "  --ln-worst-case X      ln of the worst-case number of patterns, for counts of others\n"
           "  --known-support N      possible patterns, for the estimators that need it\n"
           "  --json, --csv          every figure, instead of the table\n"
           "  --snapshot NAME        one snapshot only, such as step-00000600\n"
           "  --model FILE           the model file (default: NAME.model.h5 beside NAME.h5)\n"
           "  --eta X                failure probability of what is CERTIFIED (0.05)\n"
           "  --log-factor X         ln(kappa R M0 / delta) of the covering bound (from the weights)\n"
           "  --ratio X              a / b of the constants in the SMoE paper's definitions 4 and 5\n"
           "  --skills N             skills N of the SMoE paper\n"
           "  --natarajan X          Natarajan dimension d_N of its router\n"
           "  --lipschitz X          Lipschitz constant C of the loss\n"
           "  --rademacher X         R_m(H) of its Theorem 1 as stated\n"
           "  --class-constant X     c of the expert class in the theorem as repaired\n";
}

static enum moe_status take_real(const char *word, const char *text, double low, double *value, struct moe_error *err)
{
    char *end;
    errno = 0;
    *value = strtod(text, &end);
    if (end == text || *end || errno || !(*value >= low) || !isfinite(*value))
        return moe_fail(err, MOE_USAGE, "%s %s: a number of at least %g is wanted", word, text, low);
    return MOE_OK;
}

/* OUT and OUT.h5 both name OUT.h5. */
static enum moe_status name_output(struct task *task, const char *word, struct moe_error *err)
{
    const size_t length = word ? strlen(word) : 0;
    const int ends = length > 3 && strcmp(word + length - 3, ".h5") == 0;
    const size_t most = sizeof task->output;
    if (word && snprintf(task->output, most, "%s%s", word, ends ? "" : ".h5") >= (int)most)
        return moe_fail(err, MOE_USAGE, "the output's name is longer than %zu bytes", most - 1);
    return MOE_OK;
}

/* A switch with a value; returns whether the word is one. */
static int take_valued(struct task *task, const char *word, const char *text, struct moe_error *err)
{
    struct moe_study_options *study = &task->study;
    const char *output = NULL;
    const struct {
        const char *word;
        double low, *value;
    } reals[] = {{"--ln-worst-case", 0, &task->ln_worst}, {"--eta", 1e-12, &study->estimate.eta},
                 {"--log-factor", 0, &study->log_factor}, {"--ratio", 1e-12, &study->ratio},
                 {"--skills", 1, &study->skills},         {"--natarajan", 1e-12, &study->natarajan},
                 {"--lipschitz", 0, &study->lipschitz},   {"--rademacher", 0, &study->rademacher},
                 {"--class-constant", 0, &study->class_constant}};
    const struct {
        const char *word, **value;
    } texts[] = {{"--snapshot", &study->snapshot}, {"--model", &study->model}, {"-o", &output}};
    const char *const formats[] = {"--fof", "--incidence", "--counts"};
    double support;
    if (text && strcmp(word, "--known-support") == 0) {
        if (take_real(word, text, 1, &support, err) == MOE_OK && (support != floor(support) || support > 0x1p53))
            moe_fail(err, MOE_USAGE, "%s %s: a whole number is wanted", word, text);
        else if (err->code == MOE_OK)
            study->estimate.known_support = (int64_t)support;
        return 1;
    }
    for (size_t i = 0; text && i < sizeof reals / sizeof *reals; i++)
        if (strcmp(word, reals[i].word) == 0)
            return take_real(word, text, reals[i].low, reals[i].value, err), 1;
    for (size_t i = 0; text && i < sizeof texts / sizeof *texts; i++)
        if (strcmp(word, texts[i].word) == 0)
            return *texts[i].value = text, name_output(task, output, err), 1;
    for (int i = 0; text && i < 3; i++)
        if (strcmp(word, formats[i]) == 0) {
            if (task->text)
                moe_fail(err, MOE_USAGE, "%s: only one of --fof, --incidence, --counts", word);
            task->text = text;
            task->format = (enum moe_counts_format)i;
            return 1;
        }
    return 0;
}

static enum moe_status parse(struct task *task, int argc, char **argv, struct moe_error *err)
{
    *task = (struct task){
        .ln_worst = NAN,
        .file = argv + 1,
        .study = {.estimate.eta = 0.05, .log_factor = NAN, .ratio = NAN, .skills = NAN, .natarajan = NAN,
                  .lipschitz = NAN, .rademacher = NAN, .class_constant = NAN}};
    for (int i = 1; i < argc && err->code == MOE_OK; i++) {
        if (strcmp(argv[i], "--json") == 0)
            task->form = FORM_JSON;
        else if (strcmp(argv[i], "--csv") == 0)
            task->form = FORM_CSV;
        else if (strcmp(argv[i], "--merge") == 0)
            task->merge = 1;
        else if (strcmp(argv[i], "--overwrite") == 0)
            task->overwrite = 1;
        else if (argv[i][0] != '-')
            task->file[task->file_count++] = argv[i];
        else if (take_valued(task, argv[i], i + 1 < argc ? argv[i + 1] : NULL, err))
            i++;
        else
            moe_fail(err, MOE_USAGE, "%s is unknown or lacks its value (see moecensus analyze --help)", argv[i]);
    }
    if (err->code != MOE_OK)
        return err->code;
    if (!task->text == !task->file_count)
        return moe_fail(err, MOE_USAGE,
                        "give results files, or one of --fof, --incidence, --counts (see moecensus "
                        "analyze --help)");
    if (task->merge && (task->file_count < 2 || !task->output[0]))
        return moe_fail(err, MOE_USAGE, "--merge takes two files or more, and -o OUT");
    if (task->output[0] && task->file_count < 2)
        return moe_fail(err, MOE_USAGE, "-o goes with two files or more (what is said of one goes into its /analysis)");
    if (task->study.estimate.eta >= 1)
        return moe_fail(err, MOE_USAGE, "--eta must be below 1");
    return MOE_OK;
}

static void print(const struct moe_report_file *report, enum form form)
{
    if (form == FORM_JSON)
        moe_print_json(report, stdout);
    else if (form == FORM_CSV)
        moe_print_csv(report, stdout, 1);
    else
        moe_print_table(report, stdout);
}

/* Counts of others: estimates only, printed only. */
static enum moe_status analyze_text(const struct task *task, struct moe_error *err)
{
    struct moe_counts counts;
    struct moe_report_file report = {0};
    if (moe_counts_text(&counts, task->text, task->format, task->ln_worst, err) != MOE_OK)
        return err->code;
    if (moe_counts_check(&counts, err) != MOE_OK) {
        moe_counts_clear(&counts);
        return err->code;
    }
    snprintf(report.name, sizeof report.name, "%s", task->text);
    moe_estimate(moe_report_sheet(&report, "counts"), &counts, &task->study.estimate);
    print(&report, task->form);
    moe_report_clear(&report);
    moe_counts_clear(&counts);
    return MOE_OK;
}

static enum moe_status check_output(const struct task *task, struct moe_error *err)
{
    if (task->output[0] && !task->overwrite && access(task->output, F_OK) == 0)
        return moe_fail(err, MOE_USAGE, "%s is there already (choose another name with -o, or give --overwrite)",
                        task->output);
    return MOE_OK;
}

static enum moe_status merge(const struct task *task, const char *command, struct moe_error *err)
{
    struct moe_merge_gaps gaps = {0};
    if (check_output(task, err) != MOE_OK ||
        moe_merge_files((const char *const *)task->file, task->file_count, task->output, command, &gaps, err) != MOE_OK)
        return err->code;
    if (gaps.cuts)
        fprintf(stderr, "moecensus: warning: growth is known below %lld sequences only\n", (long long)gaps.first_cut);
    printf("written: %s\n", task->output);
    return MOE_OK;
}

/* One file: all of it, printed and stored. */
static enum moe_status analyze_file(const struct moe_comm *comm, const struct task *task, const struct moe_grid *grid,
                                    struct moe_error *err)
{
    struct moe_report_file report = {0};
    moe_study_file(&report, task->file[0], &task->study, comm, grid, err);
    if (err->code == MOE_OK && comm->rank == 0 && moe_store_report(&report, err) == MOE_OK)
        print(&report, task->form);
    moe_report_clear(&report);
    return moe_comm_share(comm, err);
}

static enum moe_status analyze_sweep(const struct moe_comm *comm, const struct task *task, const char *command,
                                     const struct moe_grid *grid, struct moe_error *err)
{
    struct moe_report_file report = {0};
    if (comm->rank == 0)
        check_output(task, err);
    if (moe_comm_share(comm, err) == MOE_OK)
        moe_sweep_files(&report, (const char *const *)task->file, task->file_count, grid, err);
    if (err->code == MOE_OK && comm->rank == 0 &&
        (!task->output[0] || moe_store_sweep(&report, task->output, command, err) == MOE_OK)) {
        print(&report, task->form);
        if (task->output[0] && task->form == FORM_TABLE)
            printf("\nwritten: %s\n", task->output);
    }
    moe_report_clear(&report);
    return moe_comm_share(comm, err);
}

/* What works on results files uses all ranks as a grid. */
static enum moe_status analyze_results(const struct moe_comm *comm, const struct task *task, const char *command,
                                       struct moe_error *err)
{
    struct moe_grid grid;
    int rows, cols;
    moe_grid_shape(comm->ranks, &rows, &cols);
    moe_grid_open(&grid, comm, rows, cols, MOE_GRID_BLOCK);
    if (task->file_count == 1)
        analyze_file(comm, task, &grid, err);
    else
        analyze_sweep(comm, task, command, &grid, err);
    moe_grid_close(&grid);
    return err->code;
}

enum moe_status moe_verb_analyze(const struct moe_comm *comm, int argc, char **argv, moe_report *report,
                                 struct moe_error *err)
{
    struct task task;
    char command[1024];
    (void)report;
    moe_place("analyze");
    moe_words_join(command, sizeof command, argc, argv);
    if (parse(&task, argc, argv, err) != MOE_OK)
        return err->code;
    if (!task.text && !task.merge)
        return analyze_results(comm, &task, command, err);
    if (comm->rank == 0 && task.text)
        analyze_text(&task, err);
    else if (comm->rank == 0)
        merge(&task, command, err);
    return moe_comm_share(comm, err);
}
