/* Sequences as sampling units, against definitions applied to the samples themselves. */
#include "analysis/sequence.h"

#include "analysis/bracket.h"
#include "analysis/certified.h"
#include "analysis/entropy.h"
#include "analysis/estimate.h"
#include "src/random.h"
#include "tests/tables.h"
#include "tests/tap.h"

enum { PATTERNS = 300, SEQUENCES = 130, LENGTH = 20 };

static double law[PATTERNS];

/* Zipf's law; each sample repeats an earlier one of its sequence with the given probability, else is drawn. So every
 * sample has the same law. */
static void make_samples(int *token, int sequences, double repeat, uint64_t seed)
{
    for (int s = 0; s < sequences; s++) {
        struct moe_random random;
        moe_random_init(&random, seed, MOE_STREAM_CENSUS, (uint64_t)s, 0);
        for (int i = 0; i < LENGTH; i++) {
            double u = moe_random_uniform(&random);
            int p = 0;
            if (i > 0 && moe_random_uniform(&random) < repeat) {
                token[s * LENGTH + i] = token[s * LENGTH + (int)moe_random_below(&random, (uint64_t)i)];
                continue;
            }
            for (; p < PATTERNS - 1 && u > law[p]; p++)
                u -= law[p];
            token[s * LENGTH + i] = p;
        }
    }
}

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

static int holds(const struct moe_sheet *sheet, const char *name, double truth)
{
    const struct moe_figure *figure = moe_sheet_find(sheet, name);
    return figure->low <= truth && truth <= figure->high;
}

/* The share of simulated samples whose intervals hold the truth, by sequence and by sample. */
static void check_repetition(void)
{
    enum { RUNS = 60 };
    static int token[SEQUENCES * LENGTH];
    int by_sequence = 0, by_token = 0, bracket = 0, certified = 0, loso = 0, esty = 0, warned = 0;
    double second = 0, entropy = 0;
    for (int p = 0; p < PATTERNS; p++) {
        second += law[p] * law[p];
        entropy -= law[p] * log(law[p]);
    }
    for (int run = 0; run < RUNS; run++) {
        const struct tokens t = {SEQUENCES, LENGTH, PATTERNS, token, 3};
        make_samples(token, SEQUENCES, 0.7, 100 + (uint64_t)run);
        struct moe_counts counts = tables_of(&t, log(1000));
        struct moe_sheet sheet;
        moe_sheet_init(&sheet, "path");
        moe_estimate(&sheet, &counts, &(struct moe_estimate_options){.eta = 0.05});
        int seen[PATTERNS] = {0};
        double coverage = 0;
        for (int i = 0; i < SEQUENCES * LENGTH; i++)
            coverage += seen[token[i]]++ ? 0 : law[token[i]];
        by_sequence += holds(&sheet, "hill2_cross", 1 / second);
        by_token += holds(&sheet, "hill_asy_q2", 1 / second);
        bracket += holds(&sheet, "H_bracket", entropy);
        certified += holds(&sheet, "H_certified", entropy);
        loso += holds(&sheet, "coverage_loso", coverage);
        esty += holds(&sheet, "coverage_good_turing", coverage);
        warned += moe_sheet_find(&sheet, "sequence_disagrees")->value == 1;
        moe_sheet_clear(&sheet);
        tables_clear(&counts);
    }
    diag("of %d: order 2 %d (by token %d), coverage %d (%d), bracket %d, certified %d, warned %d", RUNS, by_sequence,
         by_token, loso, esty, bracket, certified, warned);
    ok(by_sequence >= 0.85 * RUNS, "70 %% repetition: the interval of order 2 by sequence holds");
    ok(by_token < 0.75 * RUNS, "70 %% repetition: the one by token does not");
    ok(loso >= 0.85 * RUNS, "70 %% repetition: the interval of the coverage by sequence holds");
    ok(esty < 0.1 * RUNS, "70 %% repetition: the one by token does not");
    ok(bracket >= 0.9 * RUNS, "70 %% repetition: the nominal bracket holds");
    is_int(certified, RUNS, "70 %% repetition: the certified bracket holds");
    ok(warned >= 0.9 * RUNS, "70 %% repetition: tokens and sequences disagree, and it is said");
}

int main(void)
{
    static int token[SEQUENCES * LENGTH];
    double sum = 0;
    for (int p = 0; p < PATTERNS; p++)
        sum += law[p] = pow(p + 1, -1.1);
    for (int p = 0; p < PATTERNS; p++)
        law[p] /= sum;
    const struct tokens t = {SEQUENCES, LENGTH, PATTERNS, token, 3};
    make_samples(token, SEQUENCES, 0, 1);
    check_figures(&t, "independent samples");
    make_samples(token, SEQUENCES, 0.7, 1);
    check_figures(&t, "repeated samples");

    struct moe_sheet sheet;
    struct moe_counts counts;
    int disagree = 0;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        make_samples(token, SEQUENCES, 0, seed);
        counts = tables_of(&t, log(1000));
        moe_sheet_init(&sheet, "path");
        moe_estimate(&sheet, &counts, &(struct moe_estimate_options){.eta = 0.05});
        disagree += moe_sheet_find(&sheet, "sequence_disagrees")->value != 0;
        moe_sheet_clear(&sheet);
        tables_clear(&counts);
    }
    ok(disagree <= 1, "no warning for independent samples (%d of 10)", disagree);
    check_repetition();

    const struct tokens few = {9, LENGTH, PATTERNS, token, 0};
    counts = tables_of(&few, NAN);
    struct moe_group_errors errors;
    is_str(moe_group_errors_of(&counts, &errors), "fewer than 10 sequences", "nine sequences give no interval");
    tables_clear(&counts);
    is_int((long long)moe_pool_bytes(MOE_POOL_FILES), 0, "all memory was given back");
    return tap_done();
}
