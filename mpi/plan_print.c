#include <string.h>

#include "mpi/exchange_mpi.h"
#include "mpi/plan.h"

/* Bytes with a unit. */
static const char *amount(double bytes, char text[32])
{
    const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    int unit = 0;
    for (; bytes >= 1000 && unit < 5; unit++)
        bytes /= 1000;
    snprintf(text, 32, unit ? "%.3g %s" : "%.0f %s", bytes, units[unit]);
    return text;
}

/* Seconds with a unit. */
static const char *duration(double seconds, char text[32])
{
    if (seconds < 1e-3)
        snprintf(text, 32, "%.3g us", 1e6 * seconds);
    else if (seconds < 1)
        snprintf(text, 32, "%.3g ms", 1e3 * seconds);
    else if (seconds < 3600)
        snprintf(text, 32, "%.4g s", seconds);
    else
        snprintf(text, 32, "%.4g h", seconds / 3600);
    return text;
}

static void print_head(const struct moe_plan *plan, FILE *out)
{
    const struct moe_job *job = &plan->job;
    const struct moe_parameter_counts counts = moe_layout_counts(&job->layout, &job->run);
    fprintf(out, "plan of a %s on %d rank%s, %d a node, one thread each\n", job->training ? "training" : "census",
            job->ranks, job->ranks > 1 ? "s" : "", job->per_node);
    fprintf(out, "  router      %s%s\n", plan->from ? "as measured in " : "uniform (--from FILE takes measured routes)",
            plan->from ? plan->from : "");
    fprintf(out, "  constants   %s\n", plan->machine.origin);
    fprintf(out, "  parameters  %lld in all, %lld active without routers   COUNT\n", (long long)counts.total,
            (long long)counts.active);
}

static void print_memory(const struct moe_plan *plan, FILE *out)
{
    const struct moe_job *job = &plan->job;
    char one[32], two[32];
    fprintf(out, "\nmemory of a rank, the most of all ranks%32s\n", "MODEL");
    for (int pool = 0; pool < MOE_POOLS; pool++)
        if (plan->peak[pool] > 0)
            fprintf(out, "  %-12s %12s\n", moe_pool_name(pool), amount(plan->peak[pool], one));
    fprintf(out, "  %-12s %12s\n", "libraries", amount(plan->machine.process, one));
    fprintf(out, "  %-12s %12s of %s that a rank of the node has: %s\n", "all", amount(plan->memory, one),
            amount(plan->limit, two),
            plan->memory <= plan->limit ? "fits" : "does not fit (fewer ranks a node, more nodes, or a smaller batch)");
    fprintf(out, "  %-12s %12s in case all patterns differ, else it is refused%s\n", "to begin",
            amount(plan->asked, one),
            plan->asked <= plan->limit ? "" : ": does not fit (count fewer sequences a job, or more nodes)");
    const double rows = (double)moe_job_batch(job, MOE_EVALUATING) * job->task.tokens * job->run.model.top_k;
    const double most = (double)job->run.train.batch * job->task.tokens * job->run.model.top_k;
    if ((rows > most ? rows : most) > 2147483647)
        fprintf(out, "  a pass of more than 2147483647 choices ends the job (a smaller batch)\n");
}

static void print_flows(const struct moe_plan *plan, FILE *out)
{
    char bytes[32], most[32], whole[32];
    fprintf(out, "\n%-19s %12s %10s %16s %14s %12s\n", "sent to others", "a step", "messages", "most of a rank",
            "the whole job", "messages");
    for (enum moe_phase phase = 0; phase < MOE_PHASES; phase++)
        fprintf(out, "  %-17s %12s %10.0f %16s %14s %12.0f   %s%s\n", moe_phase_name(phase),
                amount(plan->step[phase].bytes, bytes), plan->step[phase].messages,
                amount(plan->most[phase].bytes, most), amount(plan->whole[phase].bytes, whole),
                plan->whole[phase].messages, moe_plan_grade(plan, phase),
                !plan->knows_messages[phase] && moe_plan_grade(plan, phase)[0] != 'M' ? ", messages MODEL" : "");
}

static void print_times(const struct moe_plan *plan, FILE *out)
{
    const struct moe_cost *cost = &plan->cost;
    char text[32], bytes[32];
    if (plan->job.training)
        fprintf(out, "\na training step %21s   MODEL\n", duration(cost->step, text));
    for (enum moe_term term = 0; term < MOE_TERMS && plan->job.training; term++)
        fprintf(out, "  %-16s %17s %5.1f %%\n", moe_term_name(term), duration(cost->term[term], text),
                100 * cost->term[term] / cost->step);
    fprintf(out, "the job %29s   MODEL\n", duration(cost->total, text));
    for (enum moe_time phase = 0; phase < MOE_TIMES; phase++)
        if (cost->phase[phase] > 0)
            fprintf(out, "  %-16s %17s%s\n", moe_time_name(phase), duration(cost->phase[phase], text),
                    phase == MOE_TIME_MESSAGES ? ", inside the others" : "");
    if (plan->job.training)
        fprintf(out, "a checkpoint %24s, %s   MODEL\n", amount(cost->checkpoint_bytes, bytes),
                duration(cost->checkpoint, text));
}

static void print_rows(const struct moe_plan *plan, FILE *out)
{
    char step[32], memory[32];
    fprintf(out, "\n%6s %11s %10s %10s  %-10s %-12s   MODEL\n", "ranks", "step", "efficiency", "memory", "largest",
            "needs");
    for (int i = 0; i < plan->rows; i++) {
        const struct moe_plan_row *row = &plan->row[i];
        char needs[64] = "";
        size_t used = 0;
        if (row->shards != plan->job.run.parallel.shards)
            used = (size_t)snprintf(needs, sizeof needs, " parallel.shards=%d", row->shards);
        if (row->batch != plan->job.run.train.batch)
            snprintf(needs + used, sizeof needs - used, " train.batch=%d", row->batch);
        fprintf(out, "%6d %11s %8.0f %% %10s  %-10s%s%s%s\n", row->ranks, duration(row->step, step),
                100 * row->efficiency, amount(row->memory, memory), moe_term_name(row->largest), needs,
                row->ranks > plan->job.run.model.experts ? " (more ranks than experts)" : "",
                row->extrapolated ? " extrapolation" : "");
    }
    if (plan->bottleneck >= 0)
        fprintf(out, "first bottleneck: %s, at %d ranks (efficiency below 50 %%)\n",
                moe_term_name(plan->row[plan->bottleneck].excess), plan->row[plan->bottleneck].ranks);
    if (plan->rows && plan->row[plan->rows - 1].batch != plan->job.run.train.batch)
        fprintf(out, "efficiency: per sequence, so where train.batch grows it is that of larger batches\n");
    if (plan->cost.beyond)
        fprintf(out, "extrapolation: products of more rows, or larger matrices, than were calibrated\n");
    if (plan->suggested >= 0)
        fprintf(out, "suggested: %d rank%s x 1 thread (the program has one thread a rank)\n",
                plan->row[plan->suggested].ranks, plan->row[plan->suggested].ranks > 1 ? "s" : "");
    else
        fprintf(out, "suggested: none, as no number of ranks above fits (fewer ranks a node, or a smaller batch)\n");
}

void moe_plan_print(const struct moe_plan *plan, FILE *out)
{
    char lines[512];
    print_head(plan, out);
    print_memory(plan, out);
    print_flows(plan, out);
    print_times(plan, out);
    if (plan->rows)
        print_rows(plan, out);
    if (!moe_plan_fits(plan))
        return;
    moe_plan_sbatch(plan, lines, sizeof lines);
    fprintf(out, "\n%s", lines);
}
