#include <jansson.h>
#include <string.h>

#include "mpi/exchange_mpi.h"
#include "mpi/plan.h"

/* Matrices by pairs of ranks are printed up to here. */
enum { PAIRS_RANKS = 64 };

static json_t *flows(const struct moe_flow *flow, const struct moe_plan *plan)
{
    json_t *all = json_object();
    for (enum moe_phase phase = 0; phase < MOE_PHASES; phase++) {
        json_object_set_new(all, moe_phase_name(phase),
                            json_pack("{s:f, s:s, s:f, s:s}", "bytes", flow[phase].bytes, "grade",
                                      moe_plan_grade(plan, phase), "messages", flow[phase].messages, "messages_grade",
                                      plan->knows_messages[phase] ? moe_plan_grade(plan, phase) : "MODEL"));
    }
    return all;
}

/* Bytes and messages of the job [phase][from][to]. */
static void pairs(json_t *object, const struct moe_plan *plan)
{
    const int P = plan->job.ranks;
    json_t *bytes = json_object(), *messages = json_object();
    for (int phase = 0; phase < MOE_PHASES; phase++) {
        json_object_set_new(bytes, moe_phase_name(phase), json_array());
        json_object_set_new(messages, moe_phase_name(phase), json_array());
        for (int from = 0; from < P; from++) {
            json_array_append_new(json_object_get(bytes, moe_phase_name(phase)), json_array());
            json_array_append_new(json_object_get(messages, moe_phase_name(phase)), json_array());
        }
    }
    for (int from = 0; from < P; from++)
        for (int to = 0; to < P; to++) {
            struct moe_flow flow[MOE_PHASES];
            moe_flow_job(&plan->job, &plan->routes, &plan->census, from, to, flow);
            for (int phase = 0; phase < MOE_PHASES; phase++) {
                const char *name = moe_phase_name(phase);
                json_array_append_new(json_array_get(json_object_get(bytes, name), (size_t)from),
                                      json_real(flow[phase].bytes));
                json_array_append_new(json_array_get(json_object_get(messages, name), (size_t)from),
                                      json_real(flow[phase].messages));
            }
        }
    json_object_set_new(object, "job_bytes", bytes);
    json_object_set_new(object, "job_messages", messages);
}

static json_t *memory(const struct moe_plan *plan)
{
    json_t *ranks = json_array();
    for (int rank = 0; rank < plan->job.ranks && rank < PAIRS_RANKS; rank++) {
        json_t *pools = json_object();
        double peak[MOE_POOLS];
        moe_footprint(&plan->job, &plan->routes, rank, peak);
        for (int pool = 0; pool < MOE_POOLS; pool++)
            json_object_set_new(pools, moe_pool_name(pool), json_real(peak[pool]));
        json_array_append_new(ranks, pools);
    }
    return json_pack("{s:o, s:f, s:f, s:f, s:f, s:b, s:s}", "pool_peak_bytes", ranks, "process_bytes",
                     plan->machine.process, "rank_bytes", plan->memory, "asked_bytes", plan->asked, "limit_bytes",
                     plan->limit, "fits", moe_plan_fits(plan), "grade", "MODEL");
}

static json_t *times(const struct moe_cost *cost)
{
    json_t *terms = json_object(), *phases = json_object();
    for (enum moe_term term = 0; term < MOE_TERMS; term++)
        json_object_set_new(terms, moe_term_name(term), json_real(cost->term[term]));
    for (enum moe_time phase = 0; phase < MOE_TIMES; phase++)
        json_object_set_new(phases, moe_time_name(phase), json_real(cost->phase[phase]));
    return json_pack("{s:f, s:o, s:f, s:o, s:f, s:f, s:s}", "step_s", cost->step, "terms_s", terms, "job_s",
                     cost->total, "phases_s", phases, "checkpoint_s", cost->checkpoint, "checkpoint_bytes",
                     cost->checkpoint_bytes, "grade", "MODEL");
}

static json_t *rows(const struct moe_plan *plan)
{
    json_t *all = json_array();
    for (int i = 0; i < plan->rows; i++) {
        const struct moe_plan_row *row = &plan->row[i];
        json_array_append_new(
            all, json_pack("{s:i, s:i, s:i, s:b, s:b, s:f, s:f, s:f, s:b, s:s, s:s, s:s}", "ranks", row->ranks,
                           "shards", row->shards, "batch", row->batch, "changed", row->changed, "extrapolated",
                           row->extrapolated, "step_s", row->step, "efficiency", row->efficiency, "rank_bytes",
                           row->memory, "fits", row->fits, "largest", moe_term_name(row->largest), "excess",
                           moe_term_name(row->excess), "grade", "MODEL"));
    }
    return all;
}

void moe_plan_json(const struct moe_plan *plan, FILE *out)
{
    const struct moe_job *job = &plan->job;
    const struct moe_parameter_counts counts = moe_layout_counts(&job->layout, &job->run);
    char lines[512];
    moe_plan_sbatch(plan, lines, sizeof lines);
    json_t *object = json_pack(
        "{s:s, s:i, s:i, s:s, s:s?, s:{s:I, s:I, s:s}}", "verb", job->training ? "train" : "census", "ranks",
        job->ranks, "ranks_per_node", job->per_node, "constants", plan->machine.origin, "from", plan->from,
        "parameters", "total", (json_int_t)counts.total, "active", (json_int_t)counts.active, "grade", "COUNT");
    json_object_set_new(object, "memory", memory(plan));
    json_object_set_new(object, "step", flows(plan->step, plan));
    json_object_set_new(object, "job", flows(plan->whole, plan));
    if (job->ranks <= PAIRS_RANKS)
        pairs(object, plan);
    json_object_set_new(object, "time", times(&plan->cost));
    if (plan->rows) {
        json_object_set_new(object, "ranks_table", rows(plan));
        if (plan->suggested >= 0)
            json_object_set_new(object, "suggested_ranks", json_integer(plan->row[plan->suggested].ranks));
    }
    if (plan->bottleneck >= 0 && plan->rows)
        json_object_set_new(object, "first_bottleneck",
                            json_string(moe_term_name(plan->row[plan->bottleneck].excess)));
    if (moe_plan_fits(plan))
        json_object_set_new(object, "sbatch", json_string(lines));
    json_dumpf(object, out, JSON_INDENT(1));
    fputc('\n', out);
    json_decref(object);
}
