/* Bounds as they are said: values with grade, what is missing and why. */
#include "analysis/bounds.h"

#include "analysis/alphabet.h"
#include "analysis/choose.h"
#include "analysis/covering.h"
#include "analysis/erm.h"
#include "analysis/occam.h"
#include "analysis/smoe.h"
#include "tests/tap.h"

/* Sequences 100 + 90, 2 samples each: patterns of count 60, 50, 4 (twice), 1 (82 times), and unseen ones. */
static int64_t split_rows[] = {0, 30, 40, 1, 82, 35, 4, 2, 10, 50, 1, 45, 60, 1, 50};

static struct moe_counts tokens(void)
{
    return (struct moe_counts){.path = "path", .ln_worst = log(784), .samples = 380, .sequences = 190,
                               .sum_squared_lengths = 760, .independent = 1, .split = {5, 3, split_rows}};
}

static void alphabets(void)
{
    const struct moe_counts counts = tokens();
    struct moe_alphabet a = moe_alphabet_of(&counts.split, 0.45);
    is_close(a.first, 200, 0, "samples of the first half");
    is_close(a.second, 180, 0, "samples of the second");
    is_close(a.patterns, 2, 0, "two patterns hold 55 %%");
    is_close(a.smallest, 2, 0, "and fewer do not");
    is_close(a.escaped, 85, 0, "85 of the second half escape");
    a = moe_alphabet_of(&counts.split, 0.05);
    is_close(a.smallest, 76, 0, "95 %%: 4 patterns and 72 of the 82 single ones");
    is_close(a.patterns, 86, 0, "equal counts go in together");
    is_close(a.escaped, 40, 0, "what is new escapes");
    a = moe_alphabet_of(&counts.split, 0.43);
    is_close(a.patterns, 4, 0, "57 %% needs one of the two of count 4, both go in");
    is_close(a.smallest, 3, 0, "one would do");
    a = moe_alphabet_of(&counts.split, 0);
    is_close(a.patterns, 86, 0, "eps = 0: all seen, never the unseen");
    is_close(a.mass, 1, 0, "all of the mass");
    double longest;
    const double code = moe_alphabet_code(&counts.split, log(784), &longest);
    const double seen = 35 * log(1.5) + 10 * log(4.5) + 45 * log(50.5) + 50 * log(60.5);
    const double want = log(592) - (40 * log(.5) + seen) / 180;
    is_close(code, want, 1e-13, "held-out code length");
    is_close(longest, log(1184), 1e-14, "of a pattern never seen");
    is_close(moe_alphabet_units(&counts, 180), 90, 0, "2 samples a sequence: 90 sequences");
}

static void alphabet_sheets(void)
{
    struct moe_counts counts = tokens();
    double longest;
    const double code = moe_alphabet_code(&counts.split, log(784), &longest);
    struct moe_sheet sheet;
    moe_sheet_init(&sheet, "path");
    moe_add_alphabet(&sheet, &counts, "", 0.05, 0.05);
    const struct moe_figure *f = moe_sheet_find(&sheet, "K_eps_escape_upper");
    is_str(f->grade, MOE_CERTIFIED, "tokens of equally long sequences: certified");
    is_close(f->value, moe_occam_mean_upper(40 / 180.0, 90, 0.05), 1e-14, "by sequences");
    f = moe_sheet_find(&sheet, "code_held_out_upper");
    is_close(f->value, longest * moe_occam_mean_upper(code / longest, 90, 0.05), 1e-14, "code, by sequences");
    is_str(f->grade, MOE_CERTIFIED, "certified");
    moe_sheet_clear(&sheet);

    counts.sum_squared_lengths = 764;
    moe_sheet_init(&sheet, "path");
    moe_add_alphabet(&sheet, &counts, "x/", 0.05, 0.05);
    f = moe_sheet_find(&sheet, "x/K_eps_escape_upper");
    is_str(f->grade, MOE_DIAGNOSTIC, "lengths differ: a diagnostic");
    ok(strstr(f->note, "escapes of each sequence") != NULL, "and it says what is missing");
    is_close(f->value, moe_occam_upper(40, 180, 0.05), 1e-14, "at the level of tokens");
    moe_sheet_clear(&sheet);

    counts.samples = counts.sequences = 380;
    counts.sum_squared_lengths = 380;
    moe_sheet_init(&sheet, "sequence");
    moe_add_alphabet(&sheet, &counts, "", 0.05, 0.05);
    is_close(moe_sheet_find(&sheet, "K_eps_escape_upper")->value, moe_occam_upper(40, 180, 0.05), 1e-14,
             "samples are sequences: Clopper and Pearson");
    moe_sheet_clear(&sheet);
    int64_t unique[] = {0, 90, 90, 1, 100, 0};
    counts.split = (struct moe_rows){2, 3, unique};
    counts.samples = counts.sequences = 190;
    counts.sum_squared_lengths = 190;
    moe_sheet_init(&sheet, "sequence");
    moe_add_alphabet(&sheet, &counts, "", 0.05, 0.05);
    is_str(moe_sheet_find(&sheet, "K_eps_escape_upper")->grade, MOE_VACUOUS, "all unique: everything escapes");
    is_str(moe_sheet_find(&sheet, "code_held_out_upper")->grade, MOE_VACUOUS, "and no code is shorter");
    is_close(moe_sheet_find(&sheet, "code_held_out_upper")->value, log(784), 1e-15, "than the worst case");
    moe_sheet_clear(&sheet);
    counts.split = (struct moe_rows){0, 3, NULL};
    moe_sheet_init(&sheet, "sequence");
    moe_add_alphabet(&sheet, &counts, "", 0.05, 0.05);
    is_str(moe_sheet_find(&sheet, "K_eps")->missing, "no table split", "without the table");
    moe_sheet_clear(&sheet);
}

static struct moe_bound_input quick(void)
{
    struct moe_bound_input input;
    moe_bound_input_init(&input);
    input.layers = 2, input.tokens = 16, input.experts = 8, input.top_k = 2, input.width = 32;
    input.attention = 4096, input.expert = 4192, input.log_factor = log(1e6), input.n = 1e6;
    input.routes = MOE_ROUTES_LEARNED, input.squared = 1, input.magnitude = 1, input.train_loss = 0.01;
    return input;
}

/* The figure's grade and value; value 0: any. */
static void figure(const struct moe_bound_input *input, const char *name, const char *grade, double value)
{
    struct moe_sheet sheet;
    moe_sheet_init(&sheet, "bounds");
    moe_bounds(&sheet, input);
    const struct moe_figure *f = moe_sheet_find(&sheet, name);
    ok(f && !f->missing, "%s is there", name);
    if (f) {
        is_str(f->grade, grade, "%s is %s", name, grade);
        if (value != 0)
            is_close(f->value, value, 1e-9, "%s", name);
    }
    moe_sheet_clear(&sheet);
}

static void missing(const struct moe_bound_input *input, const char *name, const char *reason)
{
    struct moe_sheet sheet;
    moe_sheet_init(&sheet, "bounds");
    moe_bounds(&sheet, input);
    const struct moe_figure *f = moe_sheet_find(&sheet, name);
    is_str(f ? f->missing : "absent", reason, "%s: %s", name, reason);
    ok(!f || !f->note, "%s: no note on what is not there", name);
    moe_sheet_clear(&sheet);
}

static void sheets(void)
{
    struct moe_bound_input input = quick();
    const double dense = 2 * 4096, f = log(1e6), whole = dense + 2 * (8 * 4192 + 256);
    const double cover = moe_covering_growth_of(16e6, 8, 2, 32).ln;
    figure(&input, "ln_patterns_exact", MOE_COUNT, 32 * log(28));
    figure(&input, "ln_patterns_relaxed", MOE_COUNT, 64 * (1 + log(4)));
    figure(&input, "covering_quoted", MOE_STATED, (dense + 4 * 4192) * f + 64 * (1 + log(4)));
    figure(&input, "covering_quoted_tokens_equal", MOE_STATED, (dense + 4 * 4192) * f / (4 * (1 + log(4))));
    figure(&input, "covering_table", MOE_NOT_CERTIFIED, whole * f + 32 * log(28));
    figure(&input, "ln_growth", MOE_NOT_CERTIFIED, 2 * cover);
    figure(&input, "covering_sample", MOE_NOT_CERTIFIED, whole * f + 2 * cover);
    figure(&input, "covering_sample_routing_share", MOE_NOT_CERTIFIED, 200 * cover / (whole * f + 2 * cover));
    figure(&input, "erm_quoted", MOE_VACUOUS, 0);
    figure(&input, "erm_table", MOE_VACUOUS, 0);
    figure(&input, "sample_gap", MOE_VACUOUS, 0);
    figure(&input, "union_gap", MOE_NOT_CERTIFIED,
           moe_erm_union_gap(32 * log(28), whole * f, 1e6, .05) + 2e-6);
    figure(&input, "erm_optimisation_gap_upper", MOE_MEASURED, 0.01);
    figure(&input, "k_star_literal", MOE_DERIVED, 8);
    missing(&input, "k_star", "needs skills N, the Natarajan dimension, a/b");
    missing(&input, "M_eff", "needs gate energies, tokens behind them");
    missing(&input, "pac_bayes_gap", "needs KL(Q, P) over routers");
    missing(&input, "labeling_code", "needs disagreements with a router trained on a disjoint split");
    missing(&input, "alpha_N", "needs the intrinsic dimension d, the smoothness beta");
    input.n = 1e9;
    figure(&input, "erm_quoted", MOE_NOT_CERTIFIED, 0);
    figure(&input, "sample_gap", MOE_NOT_CERTIFIED, 0);
    input.layers = 1;
    figure(&input, "ln_growth", MOE_NOT_CERTIFIED, 0);
    input.inputs_fixed = 1;
    figure(&input, "sample_gap", MOE_DERIVED, 0);
    figure(&input, "ln_growth", MOE_DERIVED, moe_covering_growth_of(16e9, 8, 2, 32).ln);
    input.layers = 2, input.routes = MOE_ROUTES_FROZEN;
    figure(&input, "ln_growth", MOE_DERIVED, 32e9 * log(28));
    input.routes = MOE_ROUTES_FIXED;
    figure(&input, "covering_sample", MOE_DERIVED, (whole - 512) * f);
    figure(&input, "covering_table", MOE_NOT_CERTIFIED, (whole - 512) * f + 32 * log(28));
    input.routes = MOE_ROUTES_TABLE;
    figure(&input, "erm_table", MOE_DERIVED, 0);
    figure(&input, "erm_quoted", MOE_STATED, 0);
    input = quick();
    input.top_k = 8;
    figure(&input, "ln_growth", MOE_DERIVED, 0);
    figure(&input, "covering_table_routing_share", MOE_DERIVED, 0);
    input = quick();
    input.top_k = 1, input.topk_softmax = 1;
    figure(&input, "covering_table", MOE_NOT_CERTIFIED, (whole - 512) * f + 32 * log(8));
    input = quick();
    input.width = NAN;
    missing(&input, "ln_growth", "needs the router width");
    missing(&input, "covering_table", "needs the router width");
    input.routes = MOE_ROUTES_FIXED;
    figure(&input, "covering_sample", MOE_DERIVED, 0);
    moe_bound_input_init(&input);
    missing(&input, "ln_patterns_exact", "needs L, T, E, K");
    missing(&input, "union_gap",
            "needs L, T, E, K, the attention parameters, the expert parameters, LF, or n and kappa R M0 above delta, "
            "n, the Lipschitz constant of the loss, the router width");
    input.ln_worst = 12.5;
    figure(&input, "ln_patterns_exact", MOE_COUNT, 12.5);
}

static struct moe_smoe smoe(double experts, double top_k, double skills, double natarajan, double samples)
{
    return (struct moe_smoe){experts, top_k, skills, natarajan, samples, 0.05};
}

static void models(void)
{
    struct moe_bound_input input = quick();
    input.log_factor = NAN;
    figure(&input, "covering_quoted", MOE_STATED, (8192 + 4 * 4192) * log(1e6) + 64 * (1 + log(4)));
    input.weight_max = 2, input.output_max = 3, input.input_max = 5, input.radius = 0.1;
    figure(&input, "covering_quoted", MOE_STATED, (8192 + 4 * 4192) * log(300) + 64 * (1 + log(4)));
    input.radius = 30;
    missing(&input, "covering_quoted", "needs LF, or n and kappa R M0 above delta");
    input = quick();
    double energy[] = {1, 1, 1, 1, 1, 1, 1, 1, 8, 0, 0, 0, 0, 0, 0, 0};
    double load[] = {4, 4, 4, 4, 4, 4, 4, 4, 16, 16, 0, 0, 0, 0, 0, 0};
    input.gate_energy = energy, input.load = load, input.gate_tokens = 16;
    figure(&input, "M_eff", MOE_MEASURED, 4);
    figure(&input, "M_eff/layer-01", MOE_MEASURED, .5);
    figure(&input, "entropy_upper_loads", MOE_ESTIMATE, 16 * log(28));
    input.skills = 4, input.natarajan = 10, input.ratio = 1, input.experts = 64, input.n = 1000;
    input.gate_energy = input.load = NULL;
    figure(&input, "k_star", MOE_MODEL, 12);
    input.alpha = 1.2;
    figure(&input, "k_star_power_law", MOE_MODEL, 4);
    missing(&input, "k_star_literal_local", "the sum falls all the way to k = T");
    input.top_k = 8;
    figure(&input, "smoe_second_term", MOE_VACUOUS, 0);
    input.n = 1e6, input.lipschitz = 1, input.rademacher = 0.01, input.class_constant = 1;
    figure(&input, "smoe_second_term", MOE_STATED, 0);
    figure(&input, "smoe_theorem", MOE_NOT_CERTIFIED, 0);
    const struct moe_smoe s = smoe(64, 8, 4, 10, 1e6);
    const double growth_term = sqrt(2 * moe_smoe_growth(&s, 1e6) / 1e6), tail = 3 * sqrt(log(40) / 2e6);
    figure(&input, "smoe_theorem_repaired", MOE_NOT_CERTIFIED, 2 * (sqrt(64 / 1e6) + growth_term) + tail);
    input.routes = MOE_ROUTES_FIXED;
    double equal[128];
    for (int i = 0; i < 128; i++)
        equal[i] = 16 * 8 / 64.0 / 64;
    input.gate_energy = equal;
    figure(&input, "smoe_theorem_repaired", MOE_DERIVED, 2 * (sqrt(8 / 1e6) + growth_term) + tail);
    input.divergence = 100, input.disagreements = 82, input.disagreement_sites = 8192, input.n = 4096;
    figure(&input, "pac_bayes_gap", MOE_DERIVED, moe_erm_pac_bayes_gap(100, 4096, .05));
    input.experts = 8, input.top_k = 2;
    const double code = moe_occam_disagreements(8192, 82, log(28));
    figure(&input, "labeling_code", MOE_CERTIFIED, code);
    figure(&input, "labeling_gap", MOE_CERTIFIED, moe_occam_gap(code, 0, 4096, .05));
    input.disagreements = 4000;
    figure(&input, "labeling_gap", MOE_VACUOUS, 0);
    input.dim = 2, input.smoothness = 1, input.operations = 1e12;
    figure(&input, "alpha_D", MOE_MODEL, .5);
    figure(&input, "frontier_size", MOE_MODEL, pow(1e12 / 12, 1 / 3.));
}

static void census(void)
{
    struct moe_bound_input input = quick();
    int64_t distinct[] = {1, 4096}, repeated[] = {1, 4094, 2, 1}, paths[] = {64, 1024};
    struct moe_counts sequence = {.path = "sequence", .ln_worst = 106.63, .samples = 4096, .sequences = 4096,
                                  .sum_squared_lengths = 4096, .independent = 1, .fof = {1, 2, distinct}};
    struct moe_counts path = {.path = "path", .ln_worst = 6.66, .samples = 65536, .sequences = 4096,
                              .sum_squared_lengths = 1048576, .independent = 1, .fof = {1, 2, paths}};
    input.sequence = &sequence, input.path = &path;
    figure(&input, "entropy_lower_no_collision", MOE_CERTIFIED, moe_occam_no_collision(4096, .05));
    figure(&input, "entropy_lower_plugin", MOE_CERTIFIED, moe_occam_plugin_lower(log(4096), 4096, 4096, .05));
    figure(&input, "entropy_lower_path", MOE_CERTIFIED,
           log(1024) - log(65536) * sqrt(2 * log(20) / 4096) - log(16));
    path.sum_squared_lengths = 1048600;
    missing(&input, "entropy_lower_path", "needs the number of sequences, all of one length");
    sequence.fof = (struct moe_rows){2, 2, repeated};
    missing(&input, "entropy_lower_no_collision", "patterns repeat: the rule then says nothing");
    sequence.fof = (struct moe_rows){1, 2, distinct};
    path.sum_squared_lengths = 1048576;
    sequence.independent = path.independent = 0;
    figure(&input, "entropy_lower_no_collision", MOE_DIAGNOSTIC, 0);
    figure(&input, "entropy_lower_path", MOE_DIAGNOSTIC, 0);
}

int main(void)
{
    alphabets();
    alphabet_sheets();
    sheets();
    models();
    census();
    return tap_done();
}
