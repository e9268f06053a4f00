#include "analysis/summary.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "analysis/abundance.h"
#include "analysis/bound.h"
#include "analysis/choose.h"

/* An effective number in 10 columns: few digits, powers of ten where it is large; "-" where undefined. */
static void print_number(FILE *out, double value)
{
    if (!isfinite(value))
        fprintf(out, " %10s", "-");
    else if (value < 1e7)
        fprintf(out, " %10.*f", value < 100 ? 2 : 0, value);
    else
        fprintf(out, " %10.3g", value);
}

static void print_quality(const struct moe_results *results, FILE *out)
{
    const struct moe_history *history = results->history;
    if (!history)
        return;
    const struct moe_evaluation *last = &history->eval[history->evals - 1], *first = &history->eval[0];
    const char *unit = results->run->train.loss == MOE_CROSS_ENTROPY ? " nats" : "";
    fprintf(out, "test loss %.5f%s (before training %.5f)", last->loss, unit, first->loss);
    if (!isnan(last->clean))
        fprintf(out, ", noise-free squared error %.5f (before %.5f)", last->clean, first->clean);
    if (!isnan(last->correct))
        fprintf(out, ", accuracy %.4f (before %.4f)", last->correct, first->correct);
    fprintf(out, "   MEASURED\n");
    if (!isnan(history->train.loss))
        fprintf(out, "training loss %.5f over the whole set, gap %.5f%s   MEASURED\n", history->train.loss,
                moe_results_gap(results), unit);
    if (!isnan(moe_results_gap_cv(results)))
        fprintf(out, "gap with the noise of the training targets taken out %.5f   MEASURED\n",
                moe_results_gap_cv(results));
}

static void print_scope(const struct moe_scope_tables *scope, FILE *out)
{
    const struct moe_table *fof = moe_tables_find(scope, "fof");
    const struct moe_abundance a = moe_abundance_of(fof->value, fof->rows);
    fprintf(out, "  %-17s", scope->path);
    fprintf(out, " %10.0f %10.0f", a.samples, a.observed);
    print_number(out, a.plug_in);
    print_number(out, a.collision);
    fprintf(out, " %9.4f %11.2f %9.2f%s", a.coverage, scope->scope.ln_worst, scope->scope.ln_worst / M_LN10,
            a.coverage < 0.9 ? "  plug-in too low" : "");
    if (!scope->scope.exact)
        fprintf(out, "  hashed: two patterns in one with probability below %.0e",
                ldexp((double)scope->patterns * (double)scope->patterns, -129));
    fputc('\n', out);
}

/* Sum over positions of the entropy of the path there, plug-in with Miller and Madow's (1955) correction. */
static double path_entropies(const struct moe_census *census)
{
    double sum = 0;
    for (int i = 0; i < census->tables_count; i++)
        if (strncmp(census->tables[i].path, "path/", 5) == 0) {
            const struct moe_table *fof = moe_tables_find(&census->tables[i], "fof");
            const struct moe_abundance a = moe_abundance_of(fof->value, fof->rows);
            sum += a.entropy + (a.observed - 1) / (2 * a.samples);
        }
    return sum;
}

static int64_t close_choices(const struct moe_snapshot *snapshot)
{
    int64_t close = 0;
    for (int l = 0; l < snapshot->shape.layers; l++)
        for (int bin = 0; bin < MOE_MARGIN_BINS && moe_margin_edge(bin + 1) < 1.0001e-5; bin++)
            close += snapshot->margin[l * MOE_MARGIN_BINS + bin];
    return close;
}

static void print_finding(const struct moe_finding *finding, int is_planted, FILE *out)
{
    const struct moe_snapshot *snapshot = &finding->snapshot;
    const struct moe_census *census = &finding->census;
    const double worst = snapshot->shape.tokens * (double)snapshot->shape.layers *
                         (double)moe_ln_binomial(snapshot->shape.experts, snapshot->shape.top_k);
    fprintf(out, "\ncensus of %" PRId64 " sequences after step %d\n", snapshot->shape.sequences, finding->step);
    fprintf(out, "  %-17s %10s %10s %10s %10s %9s %11s %9s\n", "scope", "samples", "observed", "plug-in", "order 2",
            "coverage", "worst, ln", "log10");
    fprintf(out, "  %-17s %10s %10s %10s %10s %9s %11s %9s\n", "", "COUNT", "COUNT", "DIAGNOSTIC", "DIAGNOSTIC",
            "ESTIMATE", "COUNT", "COUNT");
    for (int i = 0; i < census->tables_count; i++)
        if (strncmp(census->tables[i].path, "path/", 5) != 0)
            print_scope(&census->tables[i], out);
    const double sum = path_entropies(census);
    fprintf(out, "  entropy of the path summed over token positions: %.2f nats, %.0f %% of the worst case   ESTIMATE\n",
            sum, worst > 0 ? 100 * sum / worst : 0);
    if (snapshot->shape.top_k < snapshot->shape.experts && !is_planted)
        fprintf(out, "  K-sets decided by a logit margin below 1e-5: %" PRId64 " of %" PRId64 "   COUNT\n",
                close_choices(snapshot), snapshot->shape.sequences * snapshot->shape.tokens * snapshot->shape.layers);
}

static void print_bound(const struct moe_results *results, FILE *out)
{
    const struct moe_bound bound = moe_bound_of(results->run, &results->model->layout, results->task->tokens);
    const int by_input = results->run->model.router != MOE_PLANTED;
    fprintf(out, "\nunion bound of arXiv 2604.09175 (Lemma 3.7), in nats\n");
    fprintf(out,
            "  parameter term  %14.2f   %.0f active parameters x ln n = %.3f   MODEL: needs ln(kappa R M0 / delta)\n",
            bound.parameter_term, bound.parameters, bound.log_factor);
    fprintf(out, "  routing term    %14.2f   L T K ln(e E / K)   STATED, its constant is suppressed\n",
            bound.routing_relaxed);
    fprintf(out, "                  %14.2f   L T ln C(E, K), exact   COUNT\n", bound.routing_exact);
    fprintf(out, "  share of the routing term: %.3f %%   MODEL%s\n", 100 * bound.share,
            by_input ? ", NOT CERTIFIED: routes depend on the input" : "");
}

void moe_summary_print(const struct moe_results *results, FILE *out)
{
    print_quality(results, out);
    for (int i = 0; i < results->finding_count; i++)
        if (i == 0 || i == results->finding_count - 1)
            print_finding(&results->finding[i], results->run->model.router == MOE_PLANTED, out);
    print_bound(results, out);
}
