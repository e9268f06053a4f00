#include <math.h>

#include "analysis/abundance.h"
#include "analysis/alphabet.h"
#include "analysis/bounds_parts.h"
#include "analysis/choose.h"
#include "analysis/occam.h"

/* CERTIFIED only where sequences are independent of each other and of the model. */
static const char *grade_of(const struct moe_counts *counts)
{
    return counts->independent ? MOE_CERTIFIED : MOE_DIAGNOSTIC;
}

static struct moe_figure *entropy_row(struct moe_sheet *sheet, const char *name, double value,
                                      const struct moe_counts *counts, const char *formula,
                                      const struct moe_bound_input *input)
{
    struct moe_figure *f = moe_bounds_row(sheet, name, value, grade_of(counts), formula,
                                          MOE_NEEDS({"the number of sequences, all of one length", value}));
    f->unit = "nats";
    f->note = moe_sheet_text(sheet, "lower limit of a sequence's entropy, %lld sequences, eta = %g for this line%s",
                             (long long)counts->sequences, input->failure,
                             counts->independent ? "" : "; they are not independent");
    if (value < 0)
        f->suppressed = "below 0: says nothing";
    return f;
}

static void add_sequence(struct moe_sheet *sheet, const struct moe_bound_input *input)
{
    const struct moe_counts *counts = input->sequence;
    const double n = counts->sequences > 0 ? (double)counts->sequences : NAN;
    const struct moe_abundance a = moe_abundance_of(counts->fof.value, counts->fof.rows);
    entropy_row(sheet, "entropy_lower_plugin", moe_occam_plugin_lower(a.entropy, a.samples, n, input->failure), counts,
                "plug-in less ln(n) sqrt(2 ln(1 / eta) / n), McDiarmid 1989", input)->in_table = 0;
    const char *formula = "no collision among n: 2 ln n - 2 ln x, x - ln(1 + x) = ln(2 / eta)";
    if (a.observed == a.samples && a.samples > 1) {
        struct moe_figure *f = entropy_row(sheet, "entropy_lower_no_collision",
                                           moe_occam_no_collision(a.samples, input->failure), counts, formula, input);
        f->note = moe_sheet_text(sheet, "%s; no such rule says more than %.6f here", f->note,
                                 moe_occam_no_collision_limit(a.samples, input->failure));
    } else {
        struct moe_figure *f = moe_sheet_missing(sheet, "entropy_lower_no_collision",
                                                 "patterns repeat: the rule then says nothing", grade_of(counts),
                                                 formula);
        f->in_table = 1;
    }
    moe_add_alphabet(sheet, counts, "sequence/", input->escape, input->failure);
}

static void add_path(struct moe_sheet *sheet, const struct moe_bound_input *input)
{
    const struct moe_counts *counts = input->path;
    const struct moe_abundance a = moe_abundance_of(counts->fof.value, counts->fof.rows);
    const double n = moe_alphabet_units(counts, a.samples);
    const double lower = moe_occam_plugin_lower(a.entropy, a.samples, n, input->failure) - log(a.samples / n);
    entropy_row(sheet, "entropy_lower_path", lower, counts,
                "pooled path less ln T: H(R) >= H(path) - ln T, McDiarmid 1989", input)->in_table = 0;
    moe_add_alphabet(sheet, counts, "path/", input->escape, input->failure);
}

/* Upper estimate from loads alone: balanced loads give more than ln C(E, K), so the smaller counts. */
static void add_loads(struct moe_sheet *sheet, const struct moe_bound_input *input)
{
    const struct moe_need there = {"expert loads", input->load ? 0 : NAN};
    double sum = input->load ? 0 : NAN, cut = 0;
    const double each = (double)moe_ln_binomial(input->experts, input->top_k);
    for (int l = 0; input->load && l < input->layers; l++) {
        const double h = moe_occam_load_entropy(input->load + l * (int)input->experts, (int)input->experts,
                                                input->gate_tokens);
        sum += h < each ? h : each;
        cut += h < each;
    }
    struct moe_figure *f = moe_bounds_row(sheet, "entropy_upper_loads", input->tokens * sum, MOE_ESTIMATE,
                                          "T times sum over layers of min(ln C(E, K), sum over e of h(load_e))",
                                          MOE_NEEDS(there, {"tokens behind the loads", input->gate_tokens},
                                                    {"L", input->layers}, {"T", input->tokens}, {"E", input->experts},
                                                    {"K", input->top_k}));
    f->unit = "nats";
    f->note = moe_sheet_text(sheet, "measured loads in place of probabilities; the loads tell in %.0f of %.0f layers",
                             cut, input->layers);
    if (cut == 0 && !f->missing)
        f->suppressed = "loads are too even to tell: equal to the worst case";
    f->in_table = 0;
}

void moe_add_certificates(struct moe_sheet *sheet, const struct moe_bound_input *input)
{
    if (input->sequence)
        add_sequence(sheet, input);
    if (input->path)
        add_path(sheet, input);
    add_loads(sheet, input);
}
