/* Descriptions of a routing against tables small enough to add up by hand, and the null model against all K-sets. */
#include "analysis/describe.h"

#include <math.h>
#include <string.h>

#include "analysis/independent.h"
#include "tests/tap.h"

/* Loads of the law P(S) ~ product of weights over all K-sets, exact in whole numbers, with its entropy and order-2
 * number by enumeration; returns the tokens. */
static int64_t enumerate(const int *weight, int experts, int top_k, int64_t *load, double *entropy, double *collision)
{
    double all = 0, squares = 0, logs = 0;
    memset(load, 0, (size_t)experts * sizeof *load);
    for (unsigned set = 0; set < 1u << experts; set++) {
        int64_t product = 1;
        if (__builtin_popcount(set) != top_k)
            continue;
        for (int e = 0; e < experts; e++)
            product *= set >> e & 1 ? weight[e] : 1;
        for (int e = 0; e < experts; e++)
            load[e] += set >> e & 1 ? product : 0;
        all += (double)product;
        squares += (double)product * (double)product;
        logs += (double)product * (product ? log((double)product) : 0);
    }
    *entropy = log(all) - logs / all;
    *collision = all * all / squares;
    return (int64_t)all;
}

/* What the null model says of loads of so many experts a token. */
struct null {
    double entropy, collision;
};

/* The reason why there is no model, or null. */
static const char *null_of(const int64_t *load, int experts, int64_t tokens, struct null *null)
{
    struct moe_independent law;
    const char *reason = moe_independent_init(&law, load, experts, tokens);
    if (!reason)
        *null = (struct null){moe_independent_entropy(&law), moe_independent_collision(&law)};
    moe_independent_clear(&law);
    return reason;
}

static void null_model(void)
{
    static const int weights[][7] = {{1, 2, 3, 4, 5, 6, 7}, {1, 1, 1, 1, 1, 1, 1}, {1, 1, 100, 1, 90, 1, 2},
                                     {1, 0, 2, 0, 3, 4, 9}, {1, 1, 30000, 9, 20000, 1, 2}};
    int64_t load[8];
    struct null null;
    double entropy, collision;
    for (int w = 0; w < 5; w++)
        for (int k = 1; k < (w == 3 ? 5 : 7); k++) {
            const int64_t tokens = enumerate(weights[w], 7, k, load, &entropy, &collision);
            ok(!null_of(load, 7, tokens, &null), "weights %d, K = %d: the model fits", w, k);
            is_close(null.entropy, entropy, 1e-10, "weights %d, K = %d: entropy over all sets", w, k);
            is_close(null.collision, collision, 1e-10, "weights %d, K = %d: order 2 over all sets", w, k);
        }
    const int64_t even[] = {4, 4, 4, 4, 4, 4, 4, 4}, always[] = {9, 3, 3, 3}, fixed[] = {5, 0, 5};
    ok(!null_of(even, 8, 16, &null) && fabs(null.entropy - 3.332204510175) < 5e-13, "even load of 8: ln 28");
    is_close(null.collision, 28, 1e-12, "and 28 sets");
    ok(!null_of(always, 4, 9, &null) && fabs(null.entropy - log(3)) < 1e-12,
       "an expert that every token has leaves the choice of the other");
    ok(!null_of(fixed, 3, 5, &null) && null.entropy == 0 && null.collision == 1, "one set only");
    int64_t zipf[128], sum = 0;
    for (int e = 0; e < 128; e++)
        sum += zipf[e] = 1000000 / (e + 4);
    zipf[127] += 8 - sum % 8;
    ok(!null_of(zipf, 128, (sum + 8 - sum % 8) / 8, &null), "8 of 128 experts with a Zipf load");
    ok(null.entropy < 27.988 && null.collision < exp(null.entropy), "its entropy is below ln C(128, 8)");
    static int64_t many[2000];
    for (int e = 0; e < 2000; e++)
        many[e] = e % 2 ? 999 : 1;
    ok(!null_of(many, 2000, 1000, &null), "1000 of 2000 experts, each nearly always or nearly never");
    /* m of the frequent ones give way to m of the rare ones with weight C(1000, m)^2 x^m, of mean 1 */
    is_close(null.entropy, 14.557931611341257, 1e-9, "its entropy");
    is_close(null.collision, 12.344497024231308, 1e-9, "its order-2 number");
}

/* Two layers, three experts, two choices; six tokens as three sequences of two. */
enum { L = 2, E = 3, K = 2, T = 2, SEQUENCES = 3, LABELS = 2 };

static const int16_t choices[SEQUENCES * T][L][K] = {{{0, 1}, {2, 1}}, {{1, 0}, {2, 1}}, {{0, 2}, {0, 1}},
                                                     {{0, 1}, {1, 2}}, {{2, 0}, {0, 1}}, {{0, 1}, {2, 1}}};
static const int16_t earlier[SEQUENCES * T][L][K] = {{{0, 1}, {0, 1}}, {{0, 1}, {1, 2}}, {{0, 1}, {0, 1}},
                                                     {{0, 1}, {1, 2}}, {{0, 1}, {0, 1}}, {{0, 1}, {1, 2}}};
static const int label[SEQUENCES * T] = {0, 0, 1, 1, 1, 0};

struct counted {
    int64_t load[L][E], by_label[L][E][LABELS], pairs[L][E][L][E], adjacent[L][2][E][E];
};

static void count(struct counted *c)
{
    memset(c, 0, sizeof *c);
    for (int i = 0; i < SEQUENCES * T; i++)
        for (int l = 0; l < L; l++)
            for (int k = 0; k < K; k++) {
                const int e = choices[i][l][k];
                c->load[l][e]++;
                c->by_label[l][e][label[i]]++;
                for (int m = 0; m < L; m++)
                    for (int j = 0; j < K; j++) {
                        c->pairs[l][e][m][choices[i][m][j]]++;
                        if (m == l || m == l + 1)
                            c->adjacent[l][m - l][e][choices[i][m][j]]++;
                    }
            }
}

static double value_of(const struct moe_sheet *sheet, const char *name)
{
    const struct moe_figure *figure = moe_sheet_find(sheet, name);
    return figure ? figure->value : NAN;
}

static int has_reason(const struct moe_sheet *sheet, const char *name)
{
    const struct moe_figure *figure = moe_sheet_find(sheet, name);
    return figure && isnan(figure->value) && figure->missing && figure->grade && figure->formula;
}

static double xlogx(double x)
{
    return x * log(x);
}

static void layer(const struct moe_routing *routing)
{
    struct moe_sheet sheet;
    moe_sheet_init(&sheet, "routing/layer-00");
    moe_describe_layer(routing, 0, &sheet);
    const double entropy = -xlogx(0.5) - xlogx(4.0 / 12) - xlogx(2.0 / 12); /* load 6, 4, 2 */
    is_close(value_of(&sheet, "load_entropy"), entropy, 1e-14, "entropy of the load");
    is_close(value_of(&sheet, "load_entropy_bits"), entropy / log(2), 1e-14, "in bits");
    is_close(value_of(&sheet, "load_effective"), exp(entropy), 1e-14, "as a number of experts");
    is_close(value_of(&sheet, "imbalance_max_over_mean"), 1.5, 1e-15, "max / mean");
    is_close(value_of(&sheet, "imbalance_max_violation"), 0.5, 1e-15, "(max - mean) / mean");
    is_close(value_of(&sheet, "imbalance_balancedness"), 2.0 / 3, 1e-15, "mean / max");
    is_close(value_of(&sheet, "imbalance_utilisation"), 0.5, 1e-15, "min / mean");
    is_close(value_of(&sheet, "null_entropy"), -xlogx(2.0 / 3) - xlogx(1.0 / 3), 1e-12,
             "expert 0 always: the other one is 1 or 2");
    is_close(value_of(&sheet, "null_collision"), 9.0 / 5, 1e-12, "order 2 of that");
    is_close(value_of(&sheet, "null_gap"), value_of(&sheet, "null_entropy") - 0.5, 1e-12, "gap to the measured one");
    is_close(value_of(&sheet, "null_collision_ratio"), 1.5 / 1.8, 1e-12, "ratio to the measured number");
    is_close(value_of(&sheet, "coactivation_max"), 1, 0, "experts 1 and 2 are never without 0");
    is_close(value_of(&sheet, "coactivation_score_adjacent_max"), 1, 0, "the published rate is the same at K = 2");
    is_close(value_of(&sheet, "saturation_top_1"), 4.0 / 6, 1e-15, "first choices that were first before");
    is_close(value_of(&sheet, "saturation_top_2"), 10.0 / 12, 1e-15, "choices that were chosen before");
    ok(isnan(moe_sheet_find(&sheet, "saturation_top_2")->low), "no interval from three sequences");
    /* labels 0, 1 by expert: (3, 3), (3, 1), (0, 2) of 12 */
    is_close(value_of(&sheet, "label_information"),
             (3 * log(1.0) + 3 * log(1.0) + 3 * log(1.5) + log(0.5) + 2 * log(2)) / 12, 1e-13, "label information");
    is_close(value_of(&sheet, "top_label_share_max"), 1, 0, "expert 2 has one label");
    is_close(value_of(&sheet, "top_label_share_mean"), 8.0 / 12, 1e-15, "mean over choices");
    is_close(value_of(&sheet, "margin_median"), sqrt(0.1), 1e-14, "median of the margin");
    is_close(value_of(&sheet, "margin_close"), 2.0 / 6, 1e-15, "close choices");
    /* one random choice in either layer: layer 1 of tokens with {0,1}: {1,2} always; with {0,2}: {0,1} always */
    const double joint[3][3] = {{2, 6, 4}, {0, 4, 4}, {2, 2, 0}}, from[3] = {12, 8, 4}, to[3] = {4, 12, 8};
    double information = 0;
    for (int i = 0; i < 9; i++)
        if (joint[i / 3][i % 3] > 0)
            information += joint[i / 3][i % 3] / 24 * log(joint[i / 3][i % 3] * 24 / (from[i / 3] * to[i % 3]));
    is_close(value_of(&sheet, "transition_information"), information, 1e-13, "information on the next layer");
    moe_sheet_clear(&sheet);
}

static void matrices(const struct moe_routing *routing)
{
    double rate[E * E];
    const double pairwise[] = {0, 4.0 / 6, 2.0 / 6, 1, 0, 0, 1, 0, 0};
    const double next[] = {2.0 / 12, 6.0 / 12, 4.0 / 12, 0, 0.5, 0.5, 0.5, 0.5, 0};
    moe_coactivation_pairwise(routing, 0, rate);
    all_close(rate, pairwise, E * E, 1e-15, "P(e' | e)");
    moe_coactivation_score_adjacent(routing, 0, rate);
    all_close(rate, pairwise, E * E, 1e-15, "the same from neighbours in score order, as K = 2");
    moe_transition(routing, 0, rate);
    all_close(rate, next, E * E, 1e-15, "P(e' in the next layer | e)");
}

/* Three choices: the first and the third are no pair in the published figure. */
static void score_order(void)
{
    const int16_t token[] = {0, 1, 2, 0, 2, 1};
    const struct moe_routing routing = {.layers = 1, .experts = 4, .top_k = 3, .tokens = 1, .kept = 2,
                                        .choices = token};
    const double want[] = {0, 0.5, 0.5, 0, 0.5, 0, 1, 0, 0.5, 1, 0, 0};
    double rate[16];
    moe_coactivation_score_adjacent(&routing, 0, rate);
    all_close(rate, want, 12, 1e-15, "neighbours in score order only, over all choices of e");
    ok(isnan(rate[12]) && isnan(rate[15]), "an expert without choices has no rate");
}

/* Everything that may be absent is missing with a reason. */
static void absent(const struct moe_routing *routing)
{
    static const char *const names[] = {"null_gap", "null_collision_ratio", "coactivation_max",
                                        "coactivation_score_adjacent_max", "transition_information",
                                        "transition_share", "saturation_top_1", "label_information", "label_share",
                                        "margin_median", "margin_close"};
    struct moe_routing bare = {.layers = L, .experts = E, .top_k = K, .tokens = T, .load = routing->load};
    struct moe_sheet sheet;
    moe_sheet_init(&sheet, "bare");
    moe_describe_layer(&bare, 0, &sheet);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        ok(has_reason(&sheet, names[i]), "%s is missing, with a reason", names[i]);
    moe_sheet_clear(&sheet);
    moe_sheet_init(&sheet, "last");
    moe_describe_layer(routing, L - 1, &sheet);
    ok(has_reason(&sheet, "transition_information"), "the last layer has no next one");
    moe_sheet_clear(&sheet);
    const int64_t nothing[L * E] = {0};
    bare.load = nothing;
    moe_sheet_init(&sheet, "nothing");
    moe_describe_layer(&bare, 0, &sheet);
    ok(has_reason(&sheet, "load_entropy") && has_reason(&sheet, "null_entropy"), "no tokens: no entropy");
    moe_sheet_clear(&sheet);
}

int main(void)
{
    static const int64_t margin[L * 4] = {2, 0, 3, 1, 0, 0, 0, 6};
    static const double edge[] = {0, 1e-5, 1e-2, 10, INFINITY};
    const double entropy[] = {0.5, NAN}, collision[] = {1.5, NAN};
    struct counted c;
    count(&c);
    struct moe_routing routing = {.layers = L, .experts = E, .top_k = K, .tokens = T, .labels = LABELS,
                                  .load = c.load[0], .load_by_label = c.by_label[0][0],
                                  .coactivation = c.pairs[0][0][0], .margin_bins = 4, .margin = margin,
                                  .margin_edge = edge, .kept = SEQUENCES, .choices = choices[0][0],
                                  .earlier = earlier[0][0], .subset_entropy = entropy, .subset_collision = collision};
    null_model();
    layer(&routing);
    matrices(&routing);
    routing.coactivation = c.adjacent[0][0][0];
    routing.adjacent = 1;
    layer(&routing);
    matrices(&routing);
    score_order();
    absent(&routing);
    return tap_done();
}
