#include <math.h>

#include "analysis/bounds_parts.h"
#include "analysis/smoe.h"

#define THEOREM "SMoE paper, Theorem 1"
#define SMOE_NEEDS {"E", input->experts}, {"skills N", input->skills}, {"the Natarajan dimension", input->natarajan},  \
                   {"n", input->n}

static struct moe_smoe smoe_of(const struct moe_bound_input *input)
{
    return (struct moe_smoe){.experts = input->experts, .top_k = input->top_k, .skills = input->skills,
                             .natarajan = input->natarajan, .samples = input->n, .failure = input->failure};
}

/* Gates are no function of the training sample. */
static int gates_independent(const struct moe_bound_input *input)
{
    return input->routes > MOE_ROUTES_FROZEN ||
           (input->routes == MOE_ROUTES_FROZEN && input->inputs_fixed && input->layers == 1);
}

/* What the repaired theorem may count: the largest over layers, or all experts where gates are trained. */
static double add_effective(struct moe_sheet *sheet, const struct moe_bound_input *input)
{
    const int known = input->gate_energy && !isnan(input->layers + input->experts + input->gate_tokens);
    const char *formula = "(sum over experts of sqrt(mean squared gate))^2", *grade = MOE_MEASURED;
    double most = known ? 0 : NAN;
    for (int l = 0; known && l < input->layers; l++) {
        const double m = moe_smoe_effective(input->gate_energy + l * (int)input->experts, (int)input->experts,
                                            input->gate_tokens);
        moe_sheet_add(sheet, moe_sheet_text(sheet, "M_eff/layer-%02d", l), m, grade, formula)->unit = "experts";
        most = m > most ? m : most;
    }
    struct moe_figure *f = moe_bounds_row(sheet, "M_eff", most, grade, formula,
                                          MOE_NEEDS({"gate energies", input->gate_energy ? 0 : NAN},
                                                    {"tokens behind them", input->gate_tokens}, {"L", input->layers},
                                                    {"E", input->experts}));
    f->unit = "experts";
    f->note = gates_independent(input) ? "largest of the layers; gates do not see the sample, so the theorem may use it"
                                       : "largest of the layers; gates are trained, so it holds for these data alone";
    return gates_independent(input) && known ? most : input->experts;
}

static void add_term(struct moe_sheet *sheet, const char *name, double value, const char *grade, const char *formula,
                     const char *note, const struct moe_need *need)
{
    const int vacuous = value > 1;
    struct moe_figure *f = moe_bounds_row(sheet, name, value, vacuous ? MOE_VACUOUS : grade, formula, need);
    f->note = vacuous && !f->missing ? moe_sheet_text(sheet, "%s; beyond the trivial 1; %s", grade, note) : note;
}

static void add_theorem(struct moe_sheet *sheet, const struct moe_bound_input *input, double effective)
{
    const struct moe_smoe smoe = smoe_of(input);
    const double points = 2 * input->n, growth = moe_smoe_growth(&smoe, points), one = moe_smoe_growth(&smoe, input->n);
    const struct moe_need top_k = {"K", input->top_k};
    const char *inputs = moe_sheet_text(sheet, "N = %g, d_N = %g, m = %g, delta = %g", input->skills, input->natarajan,
                                        input->n, input->failure);
    struct moe_figure *f = moe_bounds_row(sheet, "smoe_ln_growth", growth, MOE_STATED,
                                          "SMoE paper, eq. 13, or C(T, k)^(2 m) where smaller",
                                          MOE_NEEDS(SMOE_NEEDS, top_k));
    f->unit = "nats";
    f->note = moe_sheet_text(sheet, "on 2 m points; %s", inputs);
    f->in_table = 0;
    add_term(sheet, "smoe_second_term", moe_smoe_stated(&smoe), MOE_STATED, THEOREM " as stated, second term",
             moe_sheet_text(sheet, "constant suppressed, 4 C R_m(H) comes to it; %s", inputs),
             MOE_NEEDS(SMOE_NEEDS, top_k));
    add_term(sheet, "smoe_second_term_exact", moe_smoe_stated_exact(&smoe), MOE_STATED,
             THEOREM " with ln C(T, k) for k ln T, second term", inputs, MOE_NEEDS(SMOE_NEEDS, top_k));
    add_term(sheet, "smoe_second_term_repaired", moe_smoe_repaired(&smoe), MOE_DERIVED,
             THEOREM ", second term repaired: 2 sqrt(ln(4 Gamma / delta) / m)", inputs, MOE_NEEDS(SMOE_NEEDS, top_k));
    add_term(sheet, "smoe_theorem", 4 * input->lipschitz * input->rademacher + moe_smoe_stated(&smoe),
             MOE_NOT_CERTIFIED, THEOREM " as stated",
             moe_sheet_text(sheet, "takes input-dependent gates for one convex mixture; %s", inputs),
             MOE_NEEDS(SMOE_NEEDS, top_k, {"the Lipschitz constant of the loss", input->lipschitz},
                       {"R_m(H)", input->rademacher}));
    const double r = input->class_constant * sqrt(effective / input->n);
    add_term(sheet, "smoe_theorem_repaired",
             moe_smoe_theorem(input->lipschitz, r, input->magnitude, one, input->n, input->failure),
             gates_independent(input) || input->top_k == 1 ? MOE_DERIVED : MOE_NOT_CERTIFIED,
             THEOREM " repaired: 2 C (c sqrt(M_eff / m) + B sqrt(2 ln Gamma_m / m)) + 3 sqrt(ln(2 / delta) / (2 m))",
             moe_sheet_text(sheet, "M_eff = %.6g (T where gates are trained), routing share %.3g %%; %s", effective,
                            100 * 2 * input->lipschitz * input->magnitude * sqrt(2 * one / input->n) /
                                moe_smoe_theorem(input->lipschitz, r, input->magnitude, one, input->n, input->failure),
                            inputs),
             MOE_NEEDS(SMOE_NEEDS, top_k, {"the Lipschitz constant of the loss", input->lipschitz},
                       {"B", input->magnitude}, {"the constant c of the expert class", input->class_constant}));
}

static void add_optimum(struct moe_sheet *sheet, const struct moe_bound_input *input)
{
    const struct moe_smoe smoe = smoe_of(input);
    const double uniform = moe_smoe_weights(input->skills, 0), power = moe_smoe_weights(input->skills, input->alpha);
    const char *literal = "SMoE paper, Definitions 4 and 5";
    const char *uniform_tasks = "Definition 4 and Theorem 1's second term, uniform tasks";
    const char *power_tasks = "Definition 4 and Theorem 1's second term, power-law tasks";
    struct moe_figure *f = moe_bounds_row(sheet, "k_star_literal", input->experts, MOE_DERIVED, literal,
                                          MOE_NEEDS({"E", input->experts}));
    f->unit = "experts";
    f->note = "Definitions 4 and 5 literally give k* = T: Definition 5 is 0 there, Definition 4 smallest";
    for (int i = 0; i < 2; i++) {
        const double weights = i == 0 ? uniform : power;
        const struct moe_smoe_optimum best = moe_smoe_best(&smoe, MOE_SMOE_STATED, input->ratio, weights);
        f = moe_bounds_row(sheet, i == 0 ? "k_star" : "k_star_power_law", best.top_k, MOE_MODEL,
                           i == 0 ? uniform_tasks : power_tasks,
                           MOE_NEEDS(SMOE_NEEDS, {"a/b", input->ratio}));
        f->unit = "experts";
        f->note = moe_sheet_text(sheet, "a/b = %g, alpha = %g, sum of weights %.6g, value %.6g b, leading order %.4g",
                                 input->ratio, i == 0 ? 0 : input->alpha, weights, best.value,
                                 moe_smoe_leading(&smoe, input->ratio, weights));
    }
    const struct moe_smoe_optimum local = moe_smoe_local(&smoe, MOE_SMOE_DEFINITION5, input->ratio, uniform);
    const int known = !isnan(input->experts + input->skills + input->natarajan + input->n + input->ratio);
    f = known && isnan(local.top_k)
            ? moe_sheet_missing(sheet, "k_star_literal_local", "the sum falls all the way to k = T", MOE_MODEL, literal)
            : moe_bounds_row(sheet, "k_star_literal_local", local.top_k, MOE_MODEL, literal,
                             MOE_NEEDS(SMOE_NEEDS, {"a/b", input->ratio}));
    f->unit = "experts";
    f->note = "smallest local minimum below T";
    f->in_table = 0;
}

void moe_add_smoe(struct moe_sheet *sheet, const struct moe_bound_input *input)
{
    add_theorem(sheet, input, add_effective(sheet, input));
    add_optimum(sheet, input);
}
