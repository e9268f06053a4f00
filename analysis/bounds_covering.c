#include <math.h>
#include <stddef.h>

#include "analysis/bounds_parts.h"
#include "analysis/choose.h"
#include "analysis/erm.h"
#include "analysis/occam.h"

#define QUOTED "arXiv 2604.09175, Lemma 3.7 as quoted"
#define PATTERN_NEEDS {"L", input->layers}, {"T", input->tokens}, {"E", input->experts}, {"K", input->top_k}
#define CLASS_NEEDS                                                                                                    \
    PATTERN_NEEDS, {"the attention parameters", input->attention}, {"the expert parameters", input->expert},           \
        {"LF, or n and kappa R M0 above delta", moe_bounds_log_factor(input)}

static const char *how(const struct moe_bound_input *input)
{
    switch (input->routes) {
    case MOE_ROUTES_LEARNED: return "routers are trained";
    case MOE_ROUTES_FROZEN: return "routers frozen, but the routes follow the input";
    case MOE_ROUTES_FIXED: return "routes fixed before training, by sequence";
    case MOE_ROUTES_TABLE: return "the same routes for every sequence";
    default: return "how routes are made is unknown";
    }
}

/* Whether every sequence takes the same routes, and whether training changes none. */
static int is_table(const struct moe_bound_input *input)
{
    return input->routes == MOE_ROUTES_TABLE || input->experts == input->top_k;
}

static int is_fixed(const struct moe_bound_input *input)
{
    return is_table(input) || input->routes == MOE_ROUTES_FIXED ||
           (input->routes == MOE_ROUTES_FROZEN && input->inputs_fixed && input->layers == 1);
}

/* ln of the number of labelings on the training sites, and whether the model keeps what the count assumes. */
struct labelings {
    struct moe_covering_growth layer; /* one layer's */
    double ln;
    double width; /* of the router's input where the count needs it, else 0 */
    int certified;
};

static struct labelings labelings_of(const struct moe_bound_input *input)
{
    struct labelings r = {.layer = moe_covering_growth_of(input->n * input->tokens, input->experts, input->top_k,
                                                          input->width)};
    const double trivial = input->layers * r.layer.trivial;
    const int weights_move = !is_fixed(input) && input->routes != MOE_ROUTES_FROZEN;
    r.ln = is_fixed(input) ? 0 : weights_move ? input->layers * r.layer.ln : trivial;
    r.width = weights_move ? input->width : 0;
    r.certified = is_fixed(input) || r.ln == trivial ||
                  (input->routes == MOE_ROUTES_LEARNED && input->inputs_fixed && input->layers == 1);
    return r;
}

/* A covering number, and the share of its routing term. */
static void add_cover(struct moe_sheet *sheet, const char *name, const struct moe_covering *c, const char *grade,
                      const char *formula, const char *note, const struct moe_bound_input *input,
                      const struct moe_need *need)
{
    struct moe_figure *f = moe_bounds_row(sheet, name, c->total, grade, formula, need);
    f->unit = "nats";
    f->note = moe_sheet_text(sheet, "%.0f parameters x LF = %.6g, routing %.6g; %s", c->parameters,
                             moe_bounds_log_factor(input), c->routing_term, note);
    f = moe_bounds_row(sheet, moe_sheet_text(sheet, "%s_routing_share", name), 100 * c->share, grade, formula, need);
    f->unit = "%";
    f->note = moe_sheet_text(sheet, "of %s, at LF = %.6g", name, moe_bounds_log_factor(input));
}

static void add_quoted(struct moe_sheet *sheet, const struct moe_bound_input *input, const char *fixed)
{
    const struct moe_covering_sizes sizes = moe_bounds_sizes(input);
    const double factor = moe_bounds_log_factor(input);
    const struct moe_covering quoted = moe_covering_quoted(&sizes, factor), table = moe_covering_table(&sizes, factor);
    add_cover(sheet, "covering_quoted", &quoted, MOE_STATED, QUOTED,
              moe_sheet_text(sheet, "its constant is suppressed; for routes that no input changes; %s", how(input)),
              input, MOE_NEEDS(CLASS_NEEDS));
    struct moe_figure *f = moe_bounds_row(sheet, "covering_quoted_tokens_equal",
                                          quoted.parameter_term / (quoted.routing_term / input->tokens), MOE_STATED,
                                          QUOTED, MOE_NEEDS(CLASS_NEEDS));
    f->unit = "tokens";
    f->note = "sequence length at which the routing term equals the parameter term";
    f->in_table = 0;
    add_cover(sheet, "covering_table", &table, fixed,
              "min(E, T K) experts a layer for each of C(E, K)^(L T) input-independent patterns",
              moe_sheet_text(sheet, "cover in the sup norm; %s", how(input)), input,
              MOE_NEEDS(CLASS_NEEDS, {"the router width", sizes.router}));
}

static void add_growth(struct moe_sheet *sheet, const struct moe_bound_input *input, const struct labelings *labels)
{
    const struct moe_covering_sizes sizes = moe_bounds_sizes(input);
    const struct moe_covering c = moe_covering_sample(&sizes, moe_bounds_log_factor(input), input->n, labels->ln);
    const char *grade = labels->certified ? MOE_DERIVED : MOE_NOT_CERTIFIED;
    struct moe_figure *f = moe_bounds_row(sheet, "ln_growth", labels->ln, grade,
                                          "Cover 1965 for a linear router, or C(E, K)^(n T L) where smaller",
                                          MOE_NEEDS(PATTERN_NEEDS, {"n", input->n},
                                                    {"the router width", labels->width}));
    f->unit = "nats";
    f->note = moe_sheet_text(sheet, "a layer: %.6g hyperplanes, dimension %.6g; in all Cover %.6g, trivial %.6g; "
                                    "needs inputs fixed before training; %s", labels->layer.hyperplanes,
                             labels->layer.dimension, input->layers * labels->layer.cells,
                             input->layers * labels->layer.trivial, how(input));
    add_cover(sheet, "covering_sample", &c, grade, "labelings of the n sequences, min(E, n T K) experts a layer",
              moe_sheet_text(sheet, "cover on the sample; %s", how(input)), input,
              MOE_NEEDS(CLASS_NEEDS, {"n", input->n}, {"the router width", labels->width}));
    const double each = (double)moe_ln_binomial(input->experts, input->top_k);
    const double cap = isnan(each + input->width) ? NAN : moe_covering_orders(input->experts, input->width, each);
    const int linear = input->routes == MOE_ROUTES_LEARNED || input->routes == MOE_ROUTES_FROZEN;
    f = moe_bounds_row(sheet, "ln_support_cap", cap, linear ? MOE_DERIVED : MOE_NOT_CERTIFIED,
                       "orders of E points along a direction (Cover's recursion)",
                       MOE_NEEDS({"E", input->experts}, {"K", input->top_k}, {"the router width", input->width}));
    f->unit = "nats";
    f->note = "K-sets of one token in one layer that a linear router can show, whatever the data";
    f->suppressed = cap < each ? NULL : "does not bind: C(E, K) is smaller";
}

/* LF and what it is made of, each a row of its own. */
static void add_factor(struct moe_sheet *sheet, const struct moe_bound_input *input)
{
    static const char formula[] = "LF = ln(kappa R M0 / delta)";
    const struct {
        const char *name, *needs, *note, *grade;
        double value;
    } rows[] = {{"covering_kappa", "the model file", "largest |weight| of this model", MOE_MEASURED, input->weight_max},
                {"covering_R", "the model file", "|output| of this model, whatever the data", MOE_DERIVED,
                 input->output_max},
                {"covering_M0", "the model file", "|input| of its routers and experts", MOE_DERIVED, input->input_max}};
    const int given = !isnan(input->log_factor);
    int known = 0;
    for (int i = 0; i < 3; i++) {
        struct moe_figure *f = moe_bounds_row(sheet, rows[i].name, rows[i].value, rows[i].grade, formula,
                                              MOE_NEEDS({rows[i].needs, rows[i].value}));
        f->note = rows[i].note;
        known += !f->missing;
    }
    struct moe_figure *f = moe_bounds_row(sheet, "covering_LF", moe_bounds_log_factor(input), MOE_MODEL, formula,
                                          MOE_NEEDS({"LF, or n and kappa R M0 above delta",
                                                     moe_bounds_log_factor(input)}));
    f->unit = "nats";
    f->note = given ? "given"
                    : moe_sheet_text(sheet, "delta = %.3g; %s", moe_bounds_radius(input),
                                     known == 3 ? "magnitudes measured on this model; the class needs them fixed before"
                                                : "magnitudes that are missing count as 1");
}

void moe_add_covering(struct moe_sheet *sheet, const struct moe_bound_input *input)
{
    const struct moe_covering_sizes sizes = moe_bounds_sizes(input);
    const struct labelings labels = labelings_of(input);
    const double exact = moe_covering_patterns(&sizes), worst = isnan(exact) ? input->ln_worst : exact;
    struct moe_figure *f = isnan(worst) ? moe_bounds_row(sheet, "ln_patterns_exact", NAN, MOE_COUNT,
                                                         "L T ln C(E, K)", MOE_NEEDS(PATTERN_NEEDS))
                                        : moe_bounds_row(sheet, "ln_patterns_exact", worst, MOE_COUNT,
                                                         "L T ln C(E, K)", MOE_NEEDS({"", 0}));
    f->unit = "nats";
    f->note = moe_sheet_text(sheet, "10^%.6f", worst / M_LN10);
    f = moe_bounds_row(sheet, "ln_patterns_relaxed", moe_covering_patterns_relaxed(&sizes), MOE_COUNT,
                       "L T K ln(e E / K)", MOE_NEEDS(PATTERN_NEEDS));
    f->unit = "nats";
    f->note = moe_sheet_text(sheet, "10^%.6f; at K = E it charges L T E for the only pattern",
                             moe_covering_patterns_relaxed(&sizes) / M_LN10);
    add_factor(sheet, input);
    add_quoted(sheet, input, is_table(input) ? MOE_DERIVED : MOE_NOT_CERTIFIED);
    add_growth(sheet, input, &labels);
}

/* A bound beyond the trivial one is VACUOUS, whatever else holds; the note keeps the grade it would have had. */
static void add_bound(struct moe_sheet *sheet, const char *name, double value, double trivial, const char *grade,
                      const char *formula, const char *note, const struct moe_need *need)
{
    const int vacuous = value > trivial;
    struct moe_figure *f = moe_bounds_row(sheet, name, value, vacuous ? MOE_VACUOUS : grade, formula, need);
    f->note = vacuous && !f->missing
                  ? moe_sheet_text(sheet, "%s; beyond the trivial %.6g; %s", grade, trivial, note)
                  : note;
}

static void add_squared(struct moe_sheet *sheet, const struct moe_bound_input *input)
{
    const struct moe_covering_sizes sizes = moe_bounds_sizes(input);
    const double factor = moe_bounds_log_factor(input), radius = moe_bounds_radius(input), b = input->magnitude;
    const double trivial = 4 * b * b;
    const double quoted = moe_covering_quoted(&sizes, factor).total, table = moe_covering_table(&sizes, factor).total;
    const char *formula = "ERM: 12 B delta + 112 B^2 / (3 n) (ln N(delta) + 2 ln(1 / eta)), beside 3 inf";
    const char *note = moe_sheet_text(sheet, "for an exact empirical minimiser, outputs in [-B, B], B = %g, n = %g, "
                                             "delta = %.3g, probability 1 - 2 x %g; %s", b, input->n, radius,
                                      input->failure, how(input));
    const double squared = input->squared ? 0 : NAN;
    add_bound(sheet, "erm_quoted", moe_erm_squared(0, b, radius, quoted, input->n, input->failure) + squared, trivial,
              is_table(input) ? MOE_STATED : MOE_NOT_CERTIFIED, formula, note,
              MOE_NEEDS(CLASS_NEEDS, {"n", input->n}, {"B", b}, {"squared loss", squared}));
    add_bound(sheet, "erm_table", moe_erm_squared(0, b, radius, table, input->n, input->failure) + squared, trivial,
              is_table(input) ? MOE_DERIVED : MOE_NOT_CERTIFIED, formula, note,
              MOE_NEEDS(CLASS_NEEDS, {"n", input->n}, {"B", b}, {"squared loss", squared},
                        {"the router width", sizes.router}));
    struct moe_figure *f = moe_bounds_row(sheet, "erm_optimisation_gap_upper", input->train_loss, MOE_MEASURED,
                                          "training loss: the best of the class has at least 0",
                                          MOE_NEEDS({"the training loss", input->train_loss}));
    f->note = "what the found model may lose against the empirical minimiser";
}

/* Gaps of losses whose range is 1; squared error is divided by 4 B^2. */
static void add_gaps(struct moe_sheet *sheet, const struct moe_bound_input *input)
{
    const struct moe_covering_sizes sizes = moe_bounds_sizes(input);
    const struct labelings labels = labelings_of(input);
    const double factor = moe_bounds_log_factor(input), radius = moe_bounds_radius(input), n = input->n;
    const struct moe_covering table = moe_covering_table(&sizes, factor);
    const double slope = input->squared ? 1 / input->magnitude : input->lipschitz; /* of the loss, range 1 */
    const double net = 2 * slope * radius;
    const char *kind = input->squared ? "squared error over 4 B^2" : "loss cut to a range of 1";
    const double sample = moe_covering_sample(&sizes, factor, n, labels.ln).total;
    double pollard = moe_erm_sample_gap(sample, n, input->failure);
    if (pollard < 8 * slope * radius) /* the cover is no finer than that */
        pollard = 8 * slope * radius;
    const struct moe_need slope_need = {input->squared ? "B" : "the Lipschitz constant of the loss", slope};
    add_bound(sheet, "union_gap", moe_erm_union_gap(table.routing_term, table.parameter_term, n, input->failure) + net,
              1, is_table(input) ? MOE_DERIVED : MOE_NOT_CERTIFIED,
              "union bound over input-independent patterns and nets, Hoeffding 1963",
              moe_sheet_text(sheet, "%s, n = %g, eta = %g, routing share %.3g %%, net error %.3g; %s", kind, n,
                             input->failure, 100 * table.share, net, how(input)),
              MOE_NEEDS(CLASS_NEEDS, {"n", n}, slope_need, {"the router width", sizes.router}));
    add_bound(sheet, "sample_gap", pollard + 0 * slope, 1, labels.certified ? MOE_DERIVED : MOE_NOT_CERTIFIED,
              "covering number on the sample, Theorem 9.1 of Gyorfi et al. 2002",
              moe_sheet_text(sheet, "%s, n = %g, eta = %g, routing share %.3g %%; %s", kind, n, input->failure,
                             100 * labels.ln / sample, how(input)),
              MOE_NEEDS(CLASS_NEEDS, {"n", n}, slope_need, {"the router width", labels.width}));
    add_bound(sheet, "pac_bayes_gap", moe_erm_pac_bayes_gap(input->divergence, n, input->failure), 1, MOE_DERIVED,
              "PAC-Bayes, Maurer 2004", moe_sheet_text(sheet, "%s, KL = %g, n = %g, eta = %g; the prior must not have "
                                                              "seen the sample", kind, input->divergence, n,
                                                       input->failure),
              MOE_NEEDS({"KL(Q, P) over routers", input->divergence}, {"n", n}));
    const double each = (double)moe_ln_binomial(input->experts, input->top_k);
    const double code = moe_occam_disagreements(input->disagreement_sites, input->disagreements, each);
    const struct moe_need prior = {"disagreements with a router trained on a disjoint split", code};
    struct moe_figure *f = moe_bounds_row(sheet, "labeling_code", code, MOE_CERTIFIED,
                                          "ln(P + 1) + ln C(P, dis) + dis ln C(E, K)",
                                          MOE_NEEDS(prior, {"E", input->experts}, {"K", input->top_k}));
    f->unit = "nats";
    f->note = moe_sheet_text(sheet, "%.0f disagreements on %.0f sites; the prior must not have seen the split",
                             input->disagreements, input->disagreement_sites);
    add_bound(sheet, "labeling_gap", moe_occam_gap(code, 0, n, input->failure), 1, MOE_CERTIFIED,
              "transductive Occam bound, routing alone", moe_sheet_text(sheet, "%s, n = %g a half, eta = %g", kind, n,
                                                                        input->failure),
              MOE_NEEDS(prior, {"n", n}));
}

void moe_add_erm(struct moe_sheet *sheet, const struct moe_bound_input *input)
{
    add_squared(sheet, input);
    add_gaps(sheet, input);
}
