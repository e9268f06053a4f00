#include "analysis/bounds.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/bounds_parts.h"
#include "analysis/scaling.h"

void moe_bound_input_init(struct moe_bound_input *input)
{
    *input = (struct moe_bound_input){
        .layers = NAN, .tokens = NAN, .experts = NAN, .top_k = NAN, .width = NAN, .attention = NAN, .expert = NAN,
        .ln_worst = NAN, .n = NAN, .magnitude = NAN, .train_loss = NAN, .failure = 0.05, .log_factor = NAN,
        .weight_max = NAN, .output_max = NAN, .input_max = NAN, .radius = NAN, .divergence = NAN,
        .disagreements = NAN, .disagreement_sites = NAN, .gate_tokens = NAN, .skills = NAN, .natarajan = NAN,
        .ratio = NAN, .alpha = 2, .lipschitz = NAN, .rademacher = NAN, .class_constant = NAN, .dim = NAN,
        .smoothness = NAN, .operations = NAN, .escape = 0.05};
}

struct moe_figure *moe_bounds_row(struct moe_sheet *sheet, const char *name, double value, const char *grade,
                                  const char *formula, const struct moe_need *need)
{
    char missing[256] = "needs";
    int some = 0;
    for (; need->name; need++)
        if (isnan(need->value)) {
            const size_t used = strlen(missing);
            snprintf(missing + used, sizeof missing - used, "%s %s", some++ ? "," : "", need->name);
        }
    struct moe_figure *figure =
        some ? moe_sheet_missing(sheet, name, moe_sheet_text(sheet, "%s", missing), grade, formula)
             : moe_sheet_add(sheet, name, value, grade, formula);
    figure->in_table = 1;
    return figure;
}

struct moe_covering_sizes moe_bounds_sizes(const struct moe_bound_input *input)
{
    const int trained = input->routes == MOE_ROUTES_LEARNED || input->routes == MOE_ROUTES_UNKNOWN;
    const int gate_is_one = input->top_k == 1 && input->topk_softmax;
    return (struct moe_covering_sizes){.layers = input->layers,
                                       .tokens = input->tokens,
                                       .experts = input->experts,
                                       .top_k = input->top_k,
                                       .dense = input->outside + input->layers * input->attention,
                                       .expert = input->expert,
                                       .router = trained && !gate_is_one ? input->experts * input->width : 0};
}

double moe_bounds_radius(const struct moe_bound_input *input)
{
    return isnan(input->radius) ? 1 / input->n : input->radius;
}

double moe_bounds_log_factor(const struct moe_bound_input *input)
{
    if (!isnan(input->log_factor))
        return input->log_factor;
    const double size[] = {input->weight_max, input->output_max, input->input_max};
    double factor = -log(moe_bounds_radius(input));
    for (int i = 0; i < 3; i++)
        factor += isnan(size[i]) ? 0 : log(size[i]);
    return factor > 0 ? factor : NAN;
}

void moe_add_scaling(struct moe_sheet *sheet, const struct moe_bound_input *input)
{
    const struct moe_scaling s = moe_scaling_of(input->dim, input->smoothness);
    const struct moe_frontier front = moe_scaling_frontier(s.size, input->operations);
    const char *rates = "2 beta / d and 2 beta / (2 beta + d), as Havrilla and Liao 2024";
    const char *under = "minimum of N^-alpha_N + N / D under F = 6 N D, constants dropped";
    const char *note = "alpha_D = alpha_N / (1 + alpha_N), whatever d and beta";
    const struct {
        const char *name;
        double value;
        const char *formula;
    } row[] = {{"alpha_N", s.size, rates},
               {"alpha_D", s.data, rates},
               {"best_size_exponent", s.best_size, "N*(n) ~ n^(d / (2 beta + d))"},
               {"frontier_size_exponent", s.front_size, under},
               {"frontier_data_exponent", s.front_data, under},
               {"frontier_error_exponent", s.front_error, under}};
    for (int i = 0; i < 6; i++) {
        struct moe_figure *f = moe_bounds_row(sheet, row[i].name, row[i].value, MOE_MODEL, row[i].formula,
                                              MOE_NEEDS({"the intrinsic dimension d", input->dim},
                                                        {"the smoothness beta", input->smoothness}));
        f->note = moe_sheet_text(sheet, "d = %g, beta = %g; %s", input->dim, input->smoothness, note);
        f->in_table = i < 2;
    }
    const double at[] = {front.size, front.data, front.error};
    const char *name[] = {"frontier_size", "frontier_data", "frontier_error"};
    for (int i = 0; i < 3; i++) {
        struct moe_figure *f = moe_bounds_row(sheet, name[i], at[i], MOE_MODEL, under,
                                              MOE_NEEDS({"the intrinsic dimension d", input->dim},
                                                        {"the smoothness beta", input->smoothness},
                                                        {"the operations F", input->operations}));
        f->note = moe_sheet_text(sheet, "F = %g", input->operations);
        f->in_table = 0;
    }
}

void moe_bounds(struct moe_sheet *sheet, const struct moe_bound_input *input)
{
    const int first = sheet->count;
    moe_add_covering(sheet, input);
    moe_add_erm(sheet, input);
    moe_add_certificates(sheet, input);
    moe_add_smoe(sheet, input);
    moe_add_scaling(sheet, input);
    for (int i = first; i < sheet->count; i++)
        if (sheet->figure[i].missing)
            sheet->figure[i].note = NULL; /* it would list the inputs, unknown ones among them */
}
