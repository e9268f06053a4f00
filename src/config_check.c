#include <string.h>

#include "src/config.h"
#include "src/machine.h"
#include "src/options.h"

/* Limits of what follows from several settings: numbers of sequences as of single options, subsets of a planted router
 * that number less than 2^63, and for a Zipf law a table of cumulative probabilities that fits the memory. */
static const int64_t sequences_max = 1000000000000000, uniform_max = INT64_MAX, zipf_max = 1 << 24;

static int largest_divisor(int n, int at_most)
{
    int divisor = at_most < n ? at_most : n;
    while (n % divisor)
        divisor--;
    return divisor;
}

/* C(n, k), or limit + 1 where it is larger. */
static int64_t binomial(int n, int k, int64_t limit)
{
    unsigned __int128 value = 1;
    if (k > n - k)
        k = n - k;
    for (int i = 0; i < k; i++) {
        value = value * (unsigned)(n - i) / (unsigned)(i + 1);
        if (value > (unsigned __int128)limit)
            return limit + 1;
    }
    return (int64_t)value;
}

static enum moe_status check_model(struct moe_run *run, struct moe_error *err)
{
    int experts = run->model.experts, top_k = run->model.top_k, width = run->model.width, heads = run->model.heads;
    if (top_k > experts)
        return moe_fail(err, MOE_USAGE, "model.top_k=%d exceeds model.experts=%d: use model.top_k=%d or "
                        "model.experts=%d", top_k, experts, experts, top_k);
    if (width % heads)
        return moe_fail(err, MOE_USAGE, "model.width=%d is not a multiple of model.heads=%d: use model.heads=%d or a "
                        "width that is a multiple of %d", width, heads, largest_divisor(width, heads), heads);
    run->model.zipf = moe_law_exponent(run->model.planted_law);
    if (run->model.router != MOE_PLANTED)
        return MOE_OK;
    int64_t limit = run->model.zipf > 0 ? zipf_max : uniform_max - 1;
    if (binomial(experts, top_k, limit) > limit)
        return moe_fail(err, MOE_USAGE, "model.router=planted with model.planted_law=%s cannot draw from more than "
                        "%lld subsets, and model.top_k=%d of model.experts=%d has more: use fewer experts or a "
                        "smaller model.top_k%s", run->model.planted_law, (long long)limit, top_k, experts,
                        run->model.zipf > 0 ? ", or model.planted_law=uniform" : "");
    return MOE_OK;
}

static enum moe_status check_ranks(const struct moe_run *run, int ranks, struct moe_error *err)
{
    int shards = run->parallel.shards, units = run->parallel.units, batch = run->train.batch;
    if (shards > batch) {
        int fewer = batch - batch % units;
        char fewer_too[48] = "";
        if (fewer >= ranks)
            snprintf(fewer_too, sizeof fewer_too, " or parallel.shards=%d", fewer);
        return moe_fail(err, MOE_USAGE, "parallel.shards=%d exceeds train.batch=%d: use train.batch=%d%s", shards,
                        batch, shards, fewer_too);
    }
    if (shards % units)
        return moe_fail(err, MOE_USAGE, "parallel.units=%d does not divide parallel.shards=%d: use parallel.units=%d",
                        units, shards, largest_divisor(shards, units));
    if (ranks <= shards)
        return MOE_OK;
    int wanted = (ranks + units - 1) / units * units;
    char batch_too[48] = "";
    if (wanted > batch)
        snprintf(batch_too, sizeof batch_too, " with train.batch=%d", wanted);
    return moe_fail(err, MOE_USAGE, "%d ranks need parallel.shards >= %d (now %d): use at most %d ranks or "
                    "parallel.shards=%d%s", ranks, ranks, shards, shards, wanted, batch_too);
}

static enum moe_status check_data(const struct moe_run *run, struct moe_error *err)
{
    int64_t first = run->census.first, sequences = run->census.sequences, tokens = run->data.tokens;
    int64_t most = INT64_MAX / tokens / run->model.top_k;
    if (run->data.source != MOE_TORUS && !run->data.path[0])
        return moe_fail(err, MOE_USAGE, "data.source=%s needs data.path=%s",
                        run->data.source == MOE_IDX ? "idx" : "text",
                        run->data.source == MOE_IDX ? "FOLDER, the folder of the IDX files" : "FILE");
    if (sequences > sequences_max - first)
        return moe_fail(err, MOE_USAGE, "census.first=%lld and census.sequences=%lld go beyond sequence %lld: use "
                        "census.first=%lld or less", (long long)first, (long long)sequences,
                        (long long)sequences_max, (long long)(sequences_max - sequences));
    if (sequences > most)
        return moe_fail(err, MOE_USAGE, "census.sequences=%lld of %lld tokens with model.top_k=%d make more choices "
                        "than can be counted: use census.sequences=%lld or less", (long long)sequences,
                        (long long)tokens, run->model.top_k, (long long)most);
    return MOE_OK;
}

/* A file of constants that is not one is better met before the run than after it. */
static enum moe_status check_machine(const struct moe_run *run, struct moe_error *err)
{
    struct moe_machine machine;
    return moe_machine_read(&machine, run->parallel.machine, err);
}

static enum moe_status check_output(const struct moe_run *run, struct moe_error *err)
{
    const char *name = run->output.name;
    size_t length = strlen(name);
    if (name[length - 1] == '/')
        return moe_fail(err, MOE_USAGE, "output.name=%s is a folder: give the name of the files too", name);
    if (length >= 3 && !strcmp(name + length - 3, ".h5"))
        return moe_fail(err, MOE_USAGE, "output.name=%s: give the name without .h5, which is added", name);
    return MOE_OK;
}

static void print_warnings(const struct moe_run *run, int ranks, FILE *warn)
{
    int experts = run->model.experts, idle = ranks - experts;
    if (idle > 0)
        fprintf(warn, "moecensus: warning: %d ranks but model.experts=%d: the last %d own no expert\n", ranks,
                experts, idle);
    if (run->model.top_k == 1 && run->model.gate == MOE_TOPK_SOFTMAX && run->model.router == MOE_LEARNED)
        fprintf(warn, "moecensus: warning: model.top_k=1 with model.gate=topk-softmax: the router gets no gradient "
                "from the task (model.gate=softmax-topk gives it one)\n");
}

enum moe_status moe_config_check(struct moe_run *run, int ranks, FILE *warn, struct moe_error *err)
{
    enum moe_status status = check_model(run, err);
    if (!status)
        status = check_ranks(run, ranks, err);
    if (!status)
        status = check_data(run, err);
    if (!status)
        status = check_output(run, err);
    if (!status)
        status = check_machine(run, err);
    if (!status && warn)
        print_warnings(run, ranks, warn);
    return status;
}
