#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mpi/calibrate.h"
#include "mpi/plan.h"
#include "mpi/routes_file.h"
#include "mpi/verbs.h"
#include "src/options.h"

/* The words of the command line. */
struct request {
    const char *config, *from, *output;
    int ranks, per_node; /* 0: not given */
    int calibrate, json;
    int setting_count;
    char **setting; /* borrowed from argv, whose beginning they fill */
};

const char *moe_plan_usage(void)
{
    return "  plan [CONFIG] --ranks P    what the run needs and takes on P ranks; nothing is run\n"
           "  plan --calibrate -o FILE   measure the constants of this machine, on as many ranks as started\n"
           "\n"
           "  --ranks-per-node Q     ranks of a node (default: its cores by parallel.machine, or else this node's)\n"
           "  --from FILE            a results file: its routes instead of a uniform router; without CONFIG its\n"
           "                         settings, and its verb, too\n"
           "  --json                 every figure, by pairs of ranks up to 64\n"
           "  parallel.machine=FILE  constants to use instead of the program's own\n"
           "  section.key=value      any setting (see moecensus train --help)\n";
}

static enum moe_status take_count(const char *word, const char *text, int *count, struct moe_error *err)
{
    char *end;
    errno = 0;
    const long value = strtol(text, &end, 10);
    if (end == text || *end || errno || value < 1 || value > 65536)
        return moe_fail(err, MOE_USAGE, "%s %s: a whole number from 1 to 65536 is wanted", word, text);
    *count = (int)value;
    return MOE_OK;
}

/* A switch with a value; returns whether the word is one. */
static int take_valued(struct request *request, const char *word, const char *text, struct moe_error *err)
{
    if (!text)
        return 0;
    if (strcmp(word, "--ranks") == 0)
        return take_count(word, text, &request->ranks, err), 1;
    if (strcmp(word, "--ranks-per-node") == 0)
        return take_count(word, text, &request->per_node, err), 1;
    if (strcmp(word, "--from") == 0)
        return request->from = text, 1;
    if (strcmp(word, "-o") == 0)
        return request->output = text, 1;
    return 0;
}

static enum moe_status parse(struct request *request, int argc, char **argv, struct moe_error *err)
{
    *request = (struct request){.setting = argv + 1};
    for (int i = 1; i < argc && err->code == MOE_OK; i++) {
        if (strcmp(argv[i], "--calibrate") == 0)
            request->calibrate = 1;
        else if (strcmp(argv[i], "--json") == 0)
            request->json = 1;
        else if (argv[i][0] == '-' && take_valued(request, argv[i], i + 1 < argc ? argv[i + 1] : NULL, err))
            i++;
        else if (argv[i][0] == '-')
            moe_fail(err, MOE_USAGE, "%s is unknown or lacks its value (see moecensus plan --help)", argv[i]);
        else if (strchr(argv[i], '='))
            request->setting[request->setting_count++] = argv[i];
        else if (request->config)
            moe_fail(err, MOE_USAGE, "two configs, %s and %s: plan takes one", request->config, argv[i]);
        else
            request->config = argv[i];
    }
    if (err->code != MOE_OK)
        return err->code;
    const int more = request->ranks || request->per_node || request->from || request->config || request->json ||
                     request->setting_count;
    if (request->calibrate && (!request->output || more))
        return moe_fail(err, MOE_USAGE, "--calibrate takes -o FILE and nothing else");
    if (!request->calibrate && request->output)
        return moe_fail(err, MOE_USAGE, "-o goes with --calibrate");
    if (!request->calibrate && !request->ranks)
        return moe_fail(err, MOE_USAGE, "say for how many ranks: --ranks P, and --ranks-per-node Q");
    return MOE_OK;
}

/* Under another name first: an old file stays until the new one is whole. */
static enum moe_status write_machine(const struct moe_machine *machine, const char *name, struct moe_error *err)
{
    char part[MOE_PATH_MAX + 16];
    snprintf(part, sizeof part, "%s.part", name);
    FILE *file = fopen(part, "w");
    int failed = !file;
    if (file) {
        moe_machine_print(machine, file);
        failed = ferror(file) || fflush(file) || fsync(fileno(file));
        failed |= fclose(file) != 0;
    }
    if (failed || rename(part, name)) {
        moe_fail(err, MOE_OUTPUT, "cannot write %s: %s", name, strerror(errno));
        unlink(part);
    }
    return err->code;
}

static enum moe_status calibrate(const struct moe_comm *comm, const struct request *request, struct moe_error *err)
{
    struct moe_machine machine;
    if (moe_calibrate(&machine, comm, request->output, err) != MOE_OK || comm->rank != 0)
        return moe_comm_share(comm, err);
    if (write_machine(&machine, request->output, err) == MOE_OK)
        printf("written: %s (%s)\n", request->output, machine.origin);
    return moe_comm_share(comm, err);
}

/* The settings of the command line over those of the config, or of the file of routes, over the defaults. */
static enum moe_status configure(struct moe_run *run, int *training, const struct request *request,
                                 struct moe_error *err)
{
    *training = 1;
    moe_config_default(run);
    if (request->config && moe_config_read(run, request->config, err) != MOE_OK)
        return err->code;
    if (request->from && !request->config && moe_routes_settings(request->from, run, training, err) != MOE_OK)
        return err->code;
    for (int i = 0; i < request->setting_count; i++)
        if (moe_config_set(run, request->setting[i], err) != MOE_OK)
            return err->code;
    return moe_config_check(run, request->ranks, stderr, err);
}

/* The job on the open source. */
static enum moe_status plan_job(const struct request *request, struct moe_run *run, int training,
                                const struct moe_data *data, const char *checksum, struct moe_error *err)
{
    struct moe_plan *plan = moe_pool_new(MOE_POOL_DATA, 1, sizeof *plan);
    plan->from = request->from;
    if (moe_machine_read(&plan->machine, run->parallel.machine, err) == MOE_OK) {
        /* The program's own constants are of no node in particular. */
        const double of_node = run->parallel.machine[0] ? plan->machine.cores : (double)sysconf(_SC_NPROCESSORS_ONLN);
        const int cores = of_node < request->ranks ? (int)of_node : request->ranks;
        char *config = moe_config_record_text(run, checksum);
        moe_job_init(&plan->job, run, data, request->ranks, request->per_node ? request->per_node : cores, training);
        if (!request->from || moe_routes_read(&plan->routes, request->from, &plan->job, config, err) == MOE_OK) {
            moe_plan_make(plan, data);
            (request->json ? moe_plan_json : moe_plan_print)(plan, stdout);
        }
        moe_pool_free(config);
        moe_plan_clear(plan);
    }
    moe_pool_free(plan);
    return err->code;
}

/* On rank 0: nothing here is collective. */
static enum moe_status plan(const struct request *request, struct moe_error *err)
{
    struct moe_run run;
    struct moe_input input = {0};
    struct moe_data *data = NULL;
    int training;
    if (configure(&run, &training, request, err) != MOE_OK)
        return err->code;
    if (moe_input_read(&input, &run, err) == MOE_OK && moe_data_open(&data, &run, &input, err) == MOE_OK)
        plan_job(request, &run, training, data, input.checksum, err);
    moe_data_free(data);
    moe_input_clear(&input);
    return err->code;
}

enum moe_status moe_verb_plan(const struct moe_comm *comm, int argc, char **argv, moe_report *report,
                              struct moe_error *err)
{
    struct request request;
    (void)report;
    moe_place("plan");
    if (parse(&request, argc, argv, err) != MOE_OK)
        return err->code;
    if (request.calibrate)
        return calibrate(comm, &request, err);
    if (comm->rank == 0)
        plan(&request, err);
    return moe_comm_share(comm, err);
}
