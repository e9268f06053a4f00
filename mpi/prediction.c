#include "mpi/prediction.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "src/flow.h"
#include "src/footprint.h"

/* Pairs of ranks are predicted up to a size that is small beside a run's own memory. */
static int has_pairs(const struct moe_results *results)
{
    return results->comm->ranks <= MOE_FLOW_PREDICTED_RANKS;
}

static void predict_flows(struct moe_prediction *prediction, const struct moe_job *job,
                          const struct moe_routes *uniform)
{
    const int P = job->ranks;
    struct moe_census_flow census;
    prediction->bytes = moe_pool_new(MOE_POOL_FILES, MOE_PHASES * (size_t)P * (size_t)P, sizeof(int64_t));
    prediction->messages = moe_pool_new(MOE_POOL_FILES, MOE_PHASES * (size_t)P * (size_t)P, sizeof(int64_t));
    moe_flow_census(&census, job, uniform);
    for (int from = 0; from < P; from++)
        for (int to = 0; to < P; to++) {
            struct moe_flow flow[MOE_PHASES];
            moe_flow_job(job, uniform, &census, from, to, flow);
            for (int phase = 0; phase < MOE_PHASES; phase++) {
                const int64_t at = ((int64_t)phase * P + from) * P + to;
                prediction->bytes[at] = llround(flow[phase].bytes);
                prediction->messages[at] = llround(flow[phase].messages);
            }
        }
    moe_flow_census_clear(&census);
}

void moe_prediction_make(struct moe_prediction *prediction, const struct moe_results *results)
{
    const size_t P = (size_t)results->comm->ranks;
    const struct moe_routes uniform = {0};
    struct moe_machine machine;
    struct moe_error unreadable = {0};
    struct moe_job job;
    memset(prediction, 0, sizeof *prediction);
    if (results->comm->rank != 0 || !results->data)
        return;
    if (moe_machine_read(&machine, results->run->parallel.machine, &unreadable) != MOE_OK)
        moe_machine_default(&machine);
    if (!results->run->parallel.machine[0])
        machine.cores = (double)sysconf(_SC_NPROCESSORS_ONLN);
    snprintf(prediction->origin, sizeof prediction->origin, "%s", machine.origin);
    moe_job_init(&job, results->run, results->data, (int)P, (int)P, results->history != NULL);
    prediction->seconds = moe_pool_new(MOE_POOL_FILES, P * MOE_TIMES, sizeof(double));
    prediction->pool_peak = moe_pool_new(MOE_POOL_FILES, P * MOE_POOLS, sizeof(int64_t));
    moe_cost(&prediction->cost, &job, &uniform, &machine);
    for (size_t rank = 0; rank < P; rank++) {
        double peak[MOE_POOLS];
        moe_footprint(&job, &uniform, (int)rank, peak);
        for (int pool = 0; pool < MOE_POOLS; pool++)
            prediction->pool_peak[rank * MOE_POOLS + (size_t)pool] = llround(peak[pool]);
        memcpy(prediction->seconds + rank * MOE_TIMES, prediction->cost.phase, MOE_TIMES * sizeof(double));
    }
    if (has_pairs(results))
        predict_flows(prediction, &job, &uniform);
    moe_job_clear(&job);
}

void moe_prediction_clear(struct moe_prediction *prediction)
{
    moe_pool_free(prediction->seconds);
    moe_pool_free(prediction->pool_peak);
    moe_pool_free(prediction->bytes);
    moe_pool_free(prediction->messages);
    memset(prediction, 0, sizeof *prediction);
}

/* What a reader must know of a prediction. */
static void say(struct moe_file *file, const char *path, const struct moe_prediction *prediction)
{
    moe_file_text(file, path, "grade", "MODEL");
    moe_file_text(file, path, "router", "uniform");
    moe_file_text(file, path, "constants", prediction->origin);
}

void moe_prediction_plan(struct moe_file *file, const struct moe_prediction *prediction,
                         const struct moe_results *results)
{
    if (!results->data)
        return;
    const int64_t P = results->comm->ranks, pairs[] = {MOE_PHASES, P, P};
    const char *const dims[] = {"phase", "from_rank", "to_rank"};
    const struct {
        const char *path;
        enum moe_type type;
        int64_t second;
        const char *dim, *unit;
        const void *data;
    } by_rank[] = {{"/timing/predicted_seconds", MOE_REAL64, MOE_TIMES, "phase", "s", prediction->seconds},
                   {"/timing/predicted_pool_peak_bytes", MOE_I64, MOE_POOLS, "pool", "bytes", prediction->pool_peak}};
    for (int i = 0; i < 2; i++) {
        const char *const names[] = {"rank", by_rank[i].dim};
        moe_file_whole(file, by_rank[i].path, by_rank[i].type, 2, (const int64_t[]){P, by_rank[i].second}, names,
                       by_rank[i].unit, by_rank[i].data);
        say(file, by_rank[i].path, prediction);
    }
    char terms[256] = "";
    for (enum moe_term term = 0; term < MOE_TERMS; term++)
        snprintf(terms + strlen(terms), sizeof terms - strlen(terms), "%s%s", term ? " " : "", moe_term_name(term));
    moe_file_whole(file, "/timing/predicted_step", MOE_REAL64, 1, (const int64_t[]){MOE_TERMS},
                   (const char *const[]){"term"}, "s", prediction->cost.term);
    moe_file_text(file, "/timing/predicted_step", "terms", terms);
    say(file, "/timing/predicted_step", prediction);
    if (!has_pairs(results))
        return;
    moe_file_whole(file, "/traffic/predicted_bytes", MOE_I64, 3, pairs, dims, "bytes", prediction->bytes);
    moe_file_whole(file, "/traffic/predicted_messages", MOE_I64, 3, pairs, dims, NULL, prediction->messages);
    say(file, "/traffic/predicted_bytes", prediction);
    say(file, "/traffic/predicted_messages", prediction);
}
