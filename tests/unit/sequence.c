/* Sequences as sampling units, against definitions applied to the samples themselves. */
#include "analysis/sequence.h"

#include "tests/simulate.h"
#include "tests/tap.h"

enum { PATTERNS = 300, SEQUENCES = 130, LENGTH = 20 };

static const struct law_shape zipf = {"Zipf 1.1", LAW_ZIPF, 1.1, PATTERNS};

/* A statistic of the sequences outside a group (-1: of all). */
static double plain_plugin(const struct tokens *t, int group)
{
    int count[PATTERNS] = {0};
    double n = 0, h = 0;
    for (int i = 0; i < t->sequences * t->length; i++)
        if (i / t->length % MOE_COUNT_GROUPS != group) {
            count[t->token[i]]++;
            n++;
        }
    for (int p = 0; p < PATTERNS; p++)
        h -= count[p] > 0 ? count[p] / n * log(count[p] / n) : 0;
    return h;
}

static double plain_cross(const struct tokens *t, int group)
{
    double same = 0, pairs = 0;
    const int l = t->length;
    for (int i = 0; i < t->sequences * l; i++)
        for (int k = 0; k < t->sequences * l; k++)
            if (i / l != k / l && i / l % MOE_COUNT_GROUPS != group && k / l % MOE_COUNT_GROUPS != group) {
                pairs++;
                same += t->token[i] == t->token[k];
            }
    return same / pairs;
}

static double plain_loso(const struct tokens *t, int group)
{
    double alone = 0, n = 0;
    const int l = t->length;
    for (int i = 0; i < t->sequences * l; i++) {
        int elsewhere = 0;
        if (i / l % MOE_COUNT_GROUPS == group)
            continue;
        for (int k = 0; k < t->sequences * l && !elsewhere; k++)
            elsewhere = k / l != i / l && k / l % MOE_COUNT_GROUPS != group && t->token[i] == t->token[k];
        n++;
        alone += !elsewhere;
    }
    return 1 - alone / n;
}

static double plain_jackknife(const struct tokens *t, double statistic(const struct tokens *t, int group),
                              int logarithm)
{
    double value[MOE_COUNT_GROUPS], mean = 0, sum = 0;
    for (int g = 0; g < MOE_COUNT_GROUPS; g++) {
        value[g] = logarithm ? log(statistic(t, g)) : statistic(t, g);
        mean += value[g] / MOE_COUNT_GROUPS;
    }
    for (int g = 0; g < MOE_COUNT_GROUPS; g++)
        sum += (value[g] - mean) * (value[g] - mean);
    return sqrt(sum * (MOE_COUNT_GROUPS - 1) / MOE_COUNT_GROUPS);
}

/* Each sample priced by the samples of all other groups. */
static double plain_cross_entropy(const struct tokens *t, double worst)
{
    double cost = 0;
    for (int g = 0; g < MOE_COUNT_GROUPS; g++) {
        int count[PATTERNS] = {0};
        double n = 0, seen = 0, singles = 0;
        for (int i = 0; i < t->sequences * t->length; i++)
            if (i / t->length % MOE_COUNT_GROUPS != g) {
                count[t->token[i]]++;
                n++;
            }
        for (int p = 0; p < PATTERNS; p++) {
            seen += count[p] > 0;
            singles += count[p] == 1;
        }
        const double escape = (singles + 1) / (n + 2);
        for (int i = 0; i < t->sequences * t->length; i++)
            if (i / t->length % MOE_COUNT_GROUPS == g)
                cost -= count[t->token[i]] > 0 ? log((1 - escape) * count[t->token[i]] / n)
                                               : log(escape / (worst - seen));
    }
    return cost / (t->sequences * t->length);
}

static void check_figures(const struct tokens *t, const char *name)
{
    struct moe_counts counts = tables_of(t, log(1000));
    struct moe_group_errors errors;
    struct moe_cross_entropy cost;
    struct moe_error err = {0};
    struct moe_fof fof;
    is_int(moe_counts_check(&counts, &err), MOE_OK, "%s: the tables agree%s", name, err.text);
    moe_fof_view(&fof, &counts.fof, 0, &err);
    is_close(moe_coverage_loso(&counts), plain_loso(t, -1), 1e-14, "%s: leave-one-sequence-out coverage", name);
    is_close(moe_cross_collision(&counts, &fof), plain_cross(t, -1), 1e-12, "%s: pairs across sequences", name);
    ok(moe_group_errors_of(&counts, &errors) == NULL, "%s: standard errors by groups", name);
    is_int(errors.groups, 40, "%s: forty groups", name);
    is_close(errors.quantile, 2.0227, 1e-4, "%s: t quantile", name);
    is_close(errors.plugin, plain_jackknife(t, plain_plugin, 0), 1e-10, "%s: error of the plug-in", name);
    is_close(errors.ln_cross, plain_jackknife(t, plain_cross, 1), 1e-10, "%s: error of order 2", name);
    is_close(errors.loso, plain_jackknife(t, plain_loso, 0), 1e-10, "%s: error of the coverage", name);
    ok(moe_group_cross_entropy(&counts, &cost), "%s: cross entropy by groups", name);
    is_close(cost.mean, plain_cross_entropy(t, 1000), 1e-12, "%s: what held-out groups cost", name);
    tables_clear(&counts);
}

/* The share of simulated samples whose intervals hold the truth, by sequence and by sample. */
static void check_repetition(const struct law *law)
{
    enum { RUNS = 60 };
    const struct sequence_tally t = simulate_sequences(law, SEQUENCES, LENGTH, 0.7, RUNS, log(1000));
    diag("of %d: order 2 %d (by token %d), coverage %d (%d), bracket %d (%d), certified %d, warned %d", RUNS, t.order2,
         t.order2_by_token, t.coverage, t.coverage_by_token, t.bracket, t.bracket_by_token, t.certified, t.warned);
    ok(t.order2 >= 0.85 * RUNS, "70 %% repetition: the interval of order 2 by sequence holds");
    ok(t.order2_by_token < 0.75 * RUNS, "70 %% repetition: the one by token does not");
    ok(t.coverage >= 0.85 * RUNS, "70 %% repetition: the interval of the coverage by sequence holds");
    ok(t.coverage_by_token < 0.1 * RUNS, "70 %% repetition: the one by token does not");
    ok(t.bracket >= 0.9 * RUNS, "70 %% repetition: the nominal bracket holds");
    is_int(t.certified, RUNS, "70 %% repetition: the certified bracket holds");
    ok(t.warned >= 0.9 * RUNS, "70 %% repetition: tokens and sequences disagree, and it is said");
}

int main(void)
{
    static int token[SEQUENCES * LENGTH];
    struct law law = law_of_shape(&zipf, 0);
    const struct tokens t = {SEQUENCES, LENGTH, PATTERNS, token, 3};
    law_repeat(&law, token, SEQUENCES, LENGTH, 0, 1);
    check_figures(&t, "independent samples");
    law_repeat(&law, token, SEQUENCES, LENGTH, 0.7, 1);
    check_figures(&t, "repeated samples");

    struct moe_sheet sheet;
    struct moe_counts counts;
    int disagree = 0;
    for (int seed = 1; seed <= 10; seed++) {
        law_repeat(&law, token, SEQUENCES, LENGTH, 0, seed);
        counts = tables_of(&t, log(1000));
        moe_sheet_init(&sheet, "path");
        moe_estimate(&sheet, &counts, &(struct moe_estimate_options){.eta = 0.05});
        disagree += moe_sheet_find(&sheet, "sequence_disagrees")->value != 0;
        moe_sheet_clear(&sheet);
        tables_clear(&counts);
    }
    ok(disagree <= 1, "no warning for independent samples (%d of 10)", disagree);
    check_repetition(&law);
    law_clear(&law);

    for (int i = 0; i < SEQUENCES * LENGTH; i++)
        token[i] = i % 3;
    counts = tables_of(&t, log(1000));
    moe_sheet_init(&sheet, "path");
    moe_estimate(&sheet, &counts, &(struct moe_estimate_options){.eta = 0.05});
    const struct moe_figure *loso = moe_sheet_find(&sheet, "coverage_loso"), *chao2 = moe_sheet_find(&sheet, "chao2");
    ok(loso->value == 1 && isnan(loso->low) && loso->note, "all seen in every sequence: no interval of width 0");
    ok(!strstr(chao2->note, "interval"), "and no word on one that is not there");
    moe_sheet_clear(&sheet);
    tables_clear(&counts);

    const struct tokens few = {9, LENGTH, PATTERNS, token, 0};
    counts = tables_of(&few, NAN);
    struct moe_group_errors errors;
    is_str(moe_group_errors_of(&counts, &errors), "fewer than 10 sequences", "nine sequences give no interval");
    tables_clear(&counts);
    is_int((long long)moe_pool_bytes(MOE_POOL_FILES), 0, "all memory was given back");
    return tap_done();
}
