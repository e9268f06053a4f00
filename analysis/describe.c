#include "analysis/describe.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/fit.h"
#include "analysis/independent.h"
#include "src/pool.h"
#include "src/train.h"

enum { FEWEST_SEQUENCES = 10 };
#define CLOSE_CALL 1e-5
#define LEVEL 0.95

static double entropy_of(const int64_t *count, int n)
{
    double sum = 0, entropy = 0;
    for (int i = 0; i < n; i++)
        sum += (double)count[i];
    for (int i = 0; i < n; i++)
        if (count[i] > 0)
            entropy -= (double)count[i] / sum * log((double)count[i] / sum);
    return sum > 0 ? entropy : NAN;
}

double moe_mutual_information(const int64_t *counts, int64_t stride, int rows, int columns)
{
    int64_t *row = moe_pool_new(MOE_POOL_FILES, (size_t)rows, sizeof *row);
    int64_t *column = moe_pool_new(MOE_POOL_FILES, (size_t)columns, sizeof *column);
    double sum = 0, information = 0;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) {
            row[i] += counts[i * stride + j];
            column[j] += counts[i * stride + j];
            sum += (double)counts[i * stride + j];
        }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) {
            const double both = (double)counts[i * stride + j];
            if (both > 0)
                information += both / sum * log(both * sum / ((double)row[i] * (double)column[j]));
        }
    moe_pool_free(row);
    moe_pool_free(column);
    return sum > 0 ? fmax(information, 0) : NAN;
}

/* The counts of experts of a layer together with those of the same layer (next = 0) or of the next one. */
static const int64_t *pairs_of(const struct moe_routing *r, int layer, int next, int64_t *stride)
{
    const int64_t L = r->layers, E = r->experts;
    *stride = r->adjacent ? E : L * E;
    if (r->adjacent)
        return r->coactivation + ((int64_t)layer * 2 + next) * E * E;
    return r->coactivation + (int64_t)layer * E * L * E + (layer + next) * E;
}

void moe_coactivation_pairwise(const struct moe_routing *r, int layer, double *rate)
{
    const int E = r->experts;
    int64_t stride;
    const int64_t *pairs = pairs_of(r, layer, 0, &stride);
    for (int e = 0; e < E; e++)
        for (int other = 0; other < E; other++) {
            const double chosen = (double)pairs[e * stride + e];
            rate[e * E + other] = other == e && chosen > 0 ? 0 : (double)pairs[e * stride + other] / chosen;
        }
    for (int i = 0; i < E * E; i++)
        rate[i] = isfinite(rate[i]) ? rate[i] : NAN;
}

void moe_coactivation_score_adjacent(const struct moe_routing *r, int layer, double *rate)
{
    const int E = r->experts, K = r->top_k;
    int64_t *chosen = moe_pool_new(MOE_POOL_FILES, (size_t)E, sizeof *chosen);
    memset(rate, 0, (size_t)E * (size_t)E * sizeof *rate);
    for (int64_t token = 0; token < r->kept * r->tokens; token++) {
        const int16_t *choice = r->choices + (token * r->layers + layer) * K;
        for (int k = 0; k < K; k++)
            chosen[choice[k]]++;
        for (int k = 0; k + 1 < K; k++) {
            rate[choice[k] * E + choice[k + 1]]++;
            rate[choice[k + 1] * E + choice[k]]++;
        }
    }
    for (int e = 0; e < E; e++)
        for (int other = 0; other < E; other++)
            rate[e * E + other] = chosen[e] ? rate[e * E + other] / (double)chosen[e] : NAN;
    moe_pool_free(chosen);
}

void moe_transition(const struct moe_routing *r, int layer, double *rate)
{
    const int E = r->experts;
    int64_t stride;
    const int64_t *pairs = pairs_of(r, layer, 1, &stride);
    for (int e = 0; e < E; e++) {
        double sum = 0;
        for (int other = 0; other < E; other++)
            sum += (double)pairs[e * stride + other];
        for (int other = 0; other < E; other++)
            rate[e * E + other] = sum > 0 ? (double)pairs[e * stride + other] / sum : NAN;
    }
}

void moe_top_labels(const struct moe_routing *r, int layer, double *share, int *label)
{
    for (int e = 0; e < r->experts; e++) {
        const int64_t *count = r->load_by_label + ((int64_t)layer * r->experts + e) * r->labels;
        int64_t sum = 0;
        int best = 0;
        for (int i = 0; i < r->labels; i++) {
            sum += count[i];
            best = count[i] > count[best] ? i : best;
        }
        share[e] = sum > 0 ? (double)count[best] / (double)sum : NAN;
        label[e] = sum > 0 ? best : -1;
    }
}

static void add_load(const struct moe_routing *r, int layer, struct moe_sheet *sheet)
{
    static const char *const name[MOE_IMBALANCES] = {"imbalance_max_over_mean", "imbalance_max_violation",
                                                     "imbalance_balancedness", "imbalance_utilisation"};
    static const char *const formula[MOE_IMBALANCES] = {"max / mean of the experts' load",
                                                        "(max - mean) / mean of the experts' load",
                                                        "mean / max of the experts' load",
                                                        "min / mean of the experts' load"};
    const int64_t *load = r->load + (int64_t)layer * r->experts;
    const double entropy = entropy_of(load, r->experts);
    double metric[MOE_IMBALANCES];
    int used = 0;
    for (int e = 0; e < r->experts; e++)
        used += load[e] > 0;
    struct moe_figure *figure = moe_sheet_add(sheet, "load_entropy", entropy, MOE_MEASURED, "-sum p ln p of the load");
    figure->unit = "nats";
    figure->in_table = 1;
    moe_sheet_add(sheet, "load_entropy_bits", entropy / M_LN2, MOE_MEASURED, "-sum p log2 p of the load")->unit =
        "bits";
    moe_sheet_add(sheet, "load_effective", exp(entropy), MOE_MEASURED, "exp of the load's entropy")->unit = "experts";
    moe_sheet_add(sheet, "experts_used", used, MOE_COUNT, "experts with a load")->unit = "experts";
    moe_imbalance(load, r->experts, metric);
    for (int i = 0; i < MOE_IMBALANCES; i++) {
        figure = moe_sheet_add(sheet, name[i], metric[i], MOE_MEASURED, formula[i]);
        figure->note = "over experts, all tokens of the census, nothing dropped";
        figure->in_table = i == MOE_OVERLOAD;
    }
}

/* measured against null: `what` in the unit of the null model's figure. */
static void add_against(struct moe_sheet *sheet, const char *name, double measured, double value, const char *formula,
                        const char *unit)
{
    if (isnan(measured))
        moe_sheet_missing(sheet, name, "no table of the layer's K-sets", MOE_ESTIMATE, formula);
    else
        moe_sheet_add(sheet, name, value, MOE_ESTIMATE, formula)->unit = unit;
}

static void add_null(const struct moe_routing *r, int layer, struct moe_sheet *sheet)
{
    static const char formula[] = "independent draws, all different, with the measured load (Hajek 1964)";
    static const char *const names[] = {"null_entropy", "null_collision", "null_gap", "null_collision_ratio"};
    const int64_t *load = r->load + (int64_t)layer * r->experts;
    struct moe_independent law;
    int64_t choices = 0;
    for (int e = 0; e < r->experts; e++)
        choices += load[e];
    const char *reason = moe_independent_init(&law, load, r->experts, choices / r->top_k);
    if (!reason && law.top_k != r->top_k)
        reason = "the loads are not those of tokens with K experts each";
    const double null_entropy = reason ? NAN : moe_independent_entropy(&law);
    const double null_collision = reason ? NAN : moe_independent_collision(&law);
    moe_independent_clear(&law);
    if (reason) {
        for (int i = 0; i < 4; i++)
            moe_sheet_missing(sheet, names[i], reason, MOE_MODEL, formula);
        return;
    }
    struct moe_figure *figure = moe_sheet_add(sheet, names[0], null_entropy, MOE_MODEL, formula);
    figure->unit = "nats";
    figure->note = "the largest entropy of K-sets with this load";
    figure->in_table = 1;
    moe_sheet_add(sheet, names[1], null_collision, MOE_MODEL, formula)->unit = "patterns";
    const double entropy = r->subset_entropy ? r->subset_entropy[layer] : NAN;
    const double collision = r->subset_collision ? r->subset_collision[layer] : NAN;
    add_against(sheet, names[2], entropy, null_entropy - entropy, "null_entropy - plug-in entropy of the K-sets",
                "nats");
    add_against(sheet, names[3], collision, collision / null_collision, "order-2 number of the K-sets / null_collision",
                NULL);
}

/* The largest entry of a matrix, with its place as note. */
static void add_largest(struct moe_sheet *sheet, const char *name, const double *rate, int experts, const char *formula)
{
    int best = -1;
    for (int i = 0; i < experts * experts; i++)
        if (!isnan(rate[i]) && (best < 0 || rate[i] > rate[best]))
            best = i;
    if (best < 0) {
        moe_sheet_missing(sheet, name, "no token was counted", MOE_MEASURED, formula);
        return;
    }
    struct moe_figure *figure = moe_sheet_add(sheet, name, rate[best], MOE_MEASURED, formula);
    figure->note = moe_sheet_text(sheet, "expert %d, given expert %d", best % experts, best / experts);
}

static void add_coactivation(const struct moe_routing *r, int layer, struct moe_sheet *sheet)
{
    static const char pairwise[] = "tokens that chose both / tokens that chose e";
    static const char adjacent[] = "tokens with both next to each other in score order / choices of e (OLMoE)";
    static const char alone[] = "one choice a token makes no pair";
    const int E = r->experts;
    double *rate = moe_pool_new(MOE_POOL_FILES, (size_t)E * (size_t)E, sizeof *rate);
    if (r->top_k == 1 || !r->coactivation) {
        moe_sheet_missing(sheet, "coactivation_max", r->top_k == 1 ? alone : "no co-activation in the file",
                          MOE_MEASURED, pairwise);
    } else {
        moe_coactivation_pairwise(r, layer, rate);
        add_largest(sheet, "coactivation_max", rate, E, pairwise);
    }
    if (r->top_k == 1 || !r->choices || r->kept == 0) {
        moe_sheet_missing(sheet, "coactivation_score_adjacent_max", r->top_k == 1 ? alone : "no choices in the file",
                          MOE_MEASURED, adjacent);
    } else {
        moe_coactivation_score_adjacent(r, layer, rate);
        add_largest(sheet, "coactivation_score_adjacent_max", rate, E, adjacent);
    }
    moe_pool_free(rate);
}

static void add_transition(const struct moe_routing *r, int layer, struct moe_sheet *sheet)
{
    static const char information[] = "mutual information of one random choice in either layer, plug-in";
    static const char share[] = "transition_information / the smaller of both layers' load entropies";
    const char *reason = layer + 1 >= r->layers ? "the last layer has no next one" :
                         !r->coactivation       ? "no co-activation in the file" :
                                                  NULL;
    if (reason) {
        moe_sheet_missing(sheet, "transition_information", reason, MOE_MEASURED, information);
        moe_sheet_missing(sheet, "transition_share", reason, MOE_MEASURED, share);
        return;
    }
    int64_t stride;
    const int64_t *pairs = pairs_of(r, layer, 1, &stride), *load = r->load + (int64_t)layer * r->experts;
    const double value = moe_mutual_information(pairs, stride, r->experts, r->experts);
    const double least = fmin(entropy_of(load, r->experts), entropy_of(load + r->experts, r->experts));
    struct moe_figure *figure = moe_sheet_add(sheet, "transition_information", value, MOE_MEASURED, information);
    figure->unit = "nats";
    figure->in_table = 1;
    if (least > 0)
        moe_sheet_add(sheet, "transition_share", value / least, MOE_MEASURED, share);
    else
        moe_sheet_missing(sheet, "transition_share", "a layer uses one expert only", MOE_MEASURED, share);
}

/* How many of the first `top` choices of a token are among the first `top` of another list. */
static int kept_choices(const int16_t *now, const int16_t *then, int top)
{
    int kept = 0;
    for (int i = 0; i < top; i++)
        for (int j = 0; j < top; j++)
            kept += now[i] == then[j];
    return kept;
}

/* Mean over sequences, and its interval: sequences are the sampling units. */
static void add_saturation_of(const struct moe_routing *r, int layer, int top, struct moe_sheet *sheet)
{
    char name[64];
    double sum = 0, squares = 0;
    const double n = (double)r->kept;
    for (int64_t s = 0; s < r->kept; s++) {
        double kept = 0;
        for (int t = 0; t < r->tokens; t++) {
            const int64_t site = ((s * r->tokens + t) * r->layers + layer) * r->top_k;
            kept += kept_choices(r->choices + site, r->earlier + site, top);
        }
        kept /= (double)r->tokens * top;
        sum += kept;
        squares += kept * kept;
    }
    const double mean = sum / n, variance = fmax(squares - n * mean * mean, 0) / (n - 1);
    snprintf(name, sizeof name, "saturation_top_%d", top);
    struct moe_figure *figure = moe_sheet_add(sheet, name, mean, MOE_MEASURED,
                                              "share of a token's first k choices that were among its first k before");
    figure->in_table = top == r->top_k;
    if (r->kept >= FEWEST_SEQUENCES) {
        const double half = moe_fit_half(sqrt(variance / n), (int)r->kept - 1, LEVEL);
        moe_figure_interval(figure, fmax(mean - half, 0), fmin(mean + half, 1), LEVEL);
    }
}

static void add_saturation(const struct moe_routing *r, int layer, struct moe_sheet *sheet)
{
    if (!r->choices || !r->earlier || r->kept == 0) {
        moe_sheet_missing(sheet, "saturation_top_1", "needs the choices of the same sequences at two snapshots",
                          MOE_MEASURED, "OLMoE (arXiv 2409.02060)");
        return;
    }
    for (int top = 1; top <= r->top_k; top++)
        add_saturation_of(r, layer, top, sheet);
}

static void add_top_labels(const struct moe_routing *r, int layer, struct moe_sheet *sheet)
{
    const int64_t *load = r->load + (int64_t)layer * r->experts;
    double *share = moe_pool_new(MOE_POOL_FILES, (size_t)r->experts, sizeof *share), sum = 0, weighted = 0;
    int *label = moe_pool_new(MOE_POOL_FILES, (size_t)r->experts, sizeof *label), best = -1;
    moe_top_labels(r, layer, share, label);
    for (int e = 0; e < r->experts; e++) {
        if (label[e] < 0)
            continue;
        best = best < 0 || share[e] > share[best] ? e : best;
        weighted += share[e] * (double)load[e];
        sum += (double)load[e];
    }
    if (best >= 0) {
        moe_sheet_add(sheet, "top_label_share_max", share[best], MOE_MEASURED,
                      "share of an expert's most frequent label")
            ->note = moe_sheet_text(sheet, "expert %d, label %d", best, label[best]);
        moe_sheet_add(sheet, "top_label_share_mean", weighted / sum, MOE_MEASURED, "its mean over choices");
    }
    moe_pool_free(share);
    moe_pool_free(label);
}

static void add_labels(const struct moe_routing *r, int layer, struct moe_sheet *sheet)
{
    static const char information[] = "mutual information of expert and label over choices, plug-in";
    static const char share[] = "label_information / entropy of the labels";
    if (!r->load_by_label) {
        moe_sheet_missing(sheet, "label_information", "the source has no labels", MOE_MEASURED, information);
        moe_sheet_missing(sheet, "label_share", "the source has no labels", MOE_MEASURED, share);
        return;
    }
    const int64_t *counts = r->load_by_label + (int64_t)layer * r->experts * r->labels;
    int64_t *by_label = moe_pool_new(MOE_POOL_FILES, (size_t)r->labels, sizeof *by_label);
    for (int i = 0; i < r->experts * r->labels; i++)
        by_label[i % r->labels] += counts[i];
    const double value = moe_mutual_information(counts, r->labels, r->experts, r->labels);
    const double entropy = entropy_of(by_label, r->labels);
    struct moe_figure *figure = moe_sheet_add(sheet, "label_information", value, MOE_MEASURED, information);
    figure->unit = "nats";
    figure->in_table = 1;
    if (entropy > 0)
        moe_sheet_add(sheet, "label_share", value / entropy, MOE_MEASURED, share);
    else
        moe_sheet_missing(sheet, "label_share", "there is one label only", MOE_MEASURED, share);
    add_top_labels(r, layer, sheet);
    moe_pool_free(by_label);
}

static void add_margins(const struct moe_routing *r, int layer, struct moe_sheet *sheet)
{
    static const char median[] = "median of the logit of choice K less that of the next expert, middle of its bin";
    static const char close[] = "share of choices won by less than 1e-5";
    const int64_t *count = r->margin + (int64_t)layer * r->margin_bins;
    int64_t all = 0, below = 0, seen = 0;
    int bin = 0;
    for (int i = 0; r->margin && i < r->margin_bins; i++) {
        all += count[i];
        below += r->margin_edge[i + 1] <= CLOSE_CALL * (1 + 1e-9) ? count[i] : 0;
    }
    if (all == 0) {
        const char *reason = r->top_k == r->experts ? "every expert is chosen" : "no margins in the file";
        moe_sheet_missing(sheet, "margin_median", reason, MOE_MEASURED, median);
        moe_sheet_missing(sheet, "margin_close", reason, MOE_MEASURED, close);
        return;
    }
    while ((seen += count[bin]) * 2 < all)
        bin++;
    const double low = r->margin_edge[bin], high = r->margin_edge[bin + 1];
    struct moe_figure *figure =
        moe_sheet_add(sheet, "margin_median", low > 0 && isfinite(high) ? sqrt(low * high) : fmin(low, high),
                      MOE_MEASURED, median);
    figure->unit = "nats";
    figure->note = moe_sheet_text(sheet, "in the bin from %.3g to %.3g", low, high);
    moe_sheet_add(sheet, "margin_close", (double)below / (double)all, MOE_MEASURED, close);
}

void moe_describe_layer(const struct moe_routing *routing, int layer, struct moe_sheet *sheet)
{
    add_load(routing, layer, sheet);
    add_null(routing, layer, sheet);
    add_coactivation(routing, layer, sheet);
    add_transition(routing, layer, sheet);
    add_saturation(routing, layer, sheet);
    add_labels(routing, layer, sheet);
    add_margins(routing, layer, sheet);
}
