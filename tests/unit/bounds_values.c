/* Formulas of bounds, certificates and optimal k: known values to every printed digit, limits, order. */
#include <gsl/gsl_cdf.h>

#include "analysis/abundance.h"
#include "analysis/choose.h"
#include "analysis/covering.h"
#include "analysis/erm.h"
#include "analysis/estimate.h"
#include "analysis/occam.h"
#include "analysis/scaling.h"
#include "analysis/smoe.h"
#include "tests/tap.h"

static double ln_binomial(double n, double k)
{
    return (double)moe_ln_binomial(n, k);
}

/* got, rounded to as many places as `want` has, reads like want. */
static void digits(double got, const char *want, const char *text)
{
    const char *point = strchr(want, '.'), *power = strchr(want, 'e');
    char seen[64];
    if (power)
        snprintf(seen, sizeof seen, "%.*e", (int)(power - point - 1), got);
    else
        snprintf(seen, sizeof seen, "%.*f", point ? (int)strlen(point + 1) : 0, got);
    is_str(seen, want, "%s", text);
}

static void choices(void)
{
    static const struct {
        double n, k;
        const char *exact, *relaxed;
    } v[] = {{8, 1, "2.079441541680", "3.079441541680"},       {8, 2, "3.332204510175", "4.772588722240"},
             {16, 4, "7.506591780071", "9.545177444480"},      {64, 8, "22.210799440733", "24.635532333439"},
             {128, 8, "27.988487603194", "30.180709777918"},   {256, 8, "33.646357683609", "35.725887222398"},
             {8, 8, "0.000000000000", "8.000000000000"}};
    for (int i = 0; i < 7; i++) {
        digits(ln_binomial(v[i].n, v[i].k), v[i].exact, "ln C(n, k)");
        digits(moe_ln_binomial_relaxed(v[i].n, v[i].k), v[i].relaxed, "k ln(e n / k)");
        ok(ln_binomial(v[i].n, v[i].k) <= moe_ln_binomial_relaxed(v[i].n, v[i].k), "the relaxed one is no less");
    }
    digits(exp(ln_binomial(128, 8)), "1429702652400", "C(128, 8)");
    digits(ln_binomial(128, 8) / M_LN2, "40.378852267110", "C(128, 8) in bits");
    is_close(ln_binomial(5, 0), 0, 0, "C(5, 0)");
    ok(isnan(ln_binomial(5, NAN)) && isnan(ln_binomial(NAN, 2)), "unknown stays unknown");
    is_close(moe_ln_binomial_relaxed(5, 0), 0, 0, "nothing chosen, relaxed");
    is_close(ln_binomial(1000, 500), lgamma(1001) - 2 * lgamma(501), 1e-12, "C(1000, 500), by Stirling");
    is_close(ln_binomial(1000, 65), ln_binomial(1000, 935), 1e-14, "C(n, k) = C(n, n - k)");
    is_close(ln_binomial(1000, 65) - ln_binomial(1000, 64), log(936.0 / 65), 1e-11, "both ways join");
    is_close(moe_ln_binomial_sum(10, 3), log(176), 1e-14, "1 + 10 + 45 + 120");
    is_close(moe_ln_binomial_sum(10, 7), log(968), 1e-14, "1024 less the three last");
    is_close(moe_ln_binomial_sum(10, 10), log(1024), 1e-14, "all subsets");
    is_close(moe_ln_binomial_sum(1e9, 0), 0, 0, "the empty set only");
}

static struct moe_covering_sizes sizes_of(double experts, double top_k, double layers, double tokens)
{
    return (struct moe_covering_sizes){.layers = layers, .tokens = tokens, .experts = experts, .top_k = top_k,
                                       .dense = layers * 4096, .expert = 4192, .router = experts * 32};
}

static void patterns(void)
{
    static const struct {
        double e, k, l, t;
        const char *exact, *relaxed;
    } v[] = {{8, 2, 2, 16, "106.630544326", "152.722839112"},
             {16, 2, 4, 32, "612.798943076", "788.337034670"},
             {64, 8, 16, 2048, "727803.476073944", "807257.123502119"},
             {128, 8, 48, 4096, "5502760.570688803", "5933768.988016951"}};
    for (int i = 0; i < 4; i++) {
        const struct moe_covering_sizes s = sizes_of(v[i].e, v[i].k, v[i].l, v[i].t);
        digits(moe_covering_patterns(&s), v[i].exact, "patterns");
        digits(moe_covering_patterns_relaxed(&s), v[i].relaxed, "patterns, relaxed");
    }
    struct moe_covering_sizes s = sizes_of(8, 2, 2, 16);
    digits(moe_covering_patterns(&s) / M_LN2, "153.835358", "in bits");
    digits(moe_covering_patterns(&s) / M_LN10, "46.309057", "as a power of ten");
    struct moe_covering c = moe_covering_quoted(&s, log(1e6));
    digits(c.parameter_term, "344835.14", "the quoted bound's parameter term");
    digits(c.routing_term, "152.72", "the quoted bound's routing term");
    digits(100 * c.share, "0.044", "its share");
    c = moe_covering_table(&s, log(1e6));
    is_close(c.parameters, 2 * (4096 + 8 * 4192 + 256), 0, "16 tokens reach all experts: total parameters");
    s.tokens = 3;
    c = moe_covering_table(&s, 1);
    is_close(c.parameters, 2 * (4096 + 6 * 4192 + 256), 0, "3 tokens reach 6 experts");
    is_close(moe_covering_sample(&s, 1, 2, 5).parameters, 2 * (4096 + 8 * 4192 + 256), 0, "2 sequences reach all");
    is_close(moe_covering_sample(&s, 1, 1, 5).total, 2 * (4096 + 6 * 4192 + 256) + 5, 0, "labelings are added");
    s = sizes_of(8, 8, 2, 16);
    c = moe_covering_table(&s, 2);
    is_close(c.routing_term, 0, 0, "K = E: one pattern");
    is_close(c.share, 0, 0, "no share");
    is_close(moe_covering_quoted(&s, 2).routing_term, 2 * 16 * 8, 1e-15, "K = E: the quoted bound still charges L T E");
    is_close(moe_covering_quoted(&s, 0).share, 1, 0, "LF = 0 leaves the routing term");
}

static void growth(void)
{
    struct moe_covering_growth g = moe_covering_growth_of(1024 * 16, 8, 2, 16);
    is_close(g.hyperplanes, 458752, 0, "hyperplanes");
    is_close(g.dimension, 112, 0, "dimension");
    digits(g.ln, "1032.672950817", "n = 1024: Cover");
    digits(g.trivial, "54594.838694711", "n = 1024: trivial");
    ok(g.ln <= log(2) + 111 * (1 + log(458751 / 111.0)), "no more than ln 2 + (p - 1) ln(e (m - 1) / (p - 1))");
    g = moe_covering_growth_of(64 * 16, 8, 2, 16);
    digits(g.ln, "724.715726906", "n = 64: Cover");
    digits(g.trivial, "3412.177418419", "n = 64: trivial");
    g = moe_covering_growth_of(16, 4, 1, 8);
    digits(g.cells, "51.290605120", "n = 16: Cover");
    digits(g.ln, "22.180709778", "n = 16: the trivial count wins");
    g = moe_covering_growth_of(50, 2, 1, 1);
    is_close(g.ln, log(2), 1e-15, "two experts on a line (p = 1): two labelings however many points");
    g = moe_covering_growth_of(3, 2, 1, 5);
    is_close(g.cells, 3 * log(2), 1e-15, "3 planes in 5 dimensions: 2^3 cells");
    g = moe_covering_growth_of(5, 2, 1, 5);
    is_close(g.cells, 5 * log(2), 1e-15, "as many planes as dimensions: 2^5 cells");
    g = moe_covering_growth_of(6, 2, 1, 5);
    is_close(g.cells, log(62), 1e-14, "one plane more: 2^6 - 2");
    g = moe_covering_growth_of(100, 1, 1, 5);
    is_close(g.ln, 0, 0, "one expert: one labeling");
    g = moe_covering_growth_of(100, 4, 4, 5);
    is_close(g.ln, 0, 0, "all experts: one labeling");
    for (double n = 16, last = 0; n < 1e9; n *= 8) {
        const double ln = moe_covering_growth_of(n, 8, 2, 16).ln;
        ok(ln > last, "more sites, more labelings");
        last = ln;
    }
    is_close(exp(moe_covering_orders(8, 2, INFINITY)), 56, 1e-13, "orders of 8 in the plane");
    is_close(exp(moe_covering_orders(16, 2, INFINITY)), 240, 1e-13, "orders of 16 in the plane");
    is_close(exp(moe_covering_orders(8, 4, INFINITY)), 3976, 1e-13, "orders of 8 in 4 dimensions");
    is_close(exp(moe_covering_orders(8, 7, INFINITY)), 40320, 1e-13, "7 dimensions show all orders of 8");
    is_close(exp(moe_covering_orders(8, 70, INFINITY)), 40320, 1e-13, "and no more in 70");
    is_close(exp(moe_covering_orders(9, 1, INFINITY)), 2, 1e-14, "a line has two directions");
    is_close(moe_covering_orders(1, 3, INFINITY), 0, 0, "one expert has one order");
    is_close(moe_covering_orders(4096, 512, 10), 10, 0, "stops where asked");
}

static struct moe_smoe smoe(double experts, double top_k, double skills, double natarajan, double samples)
{
    return (struct moe_smoe){experts, top_k, skills, natarajan, samples, 0.05};
}

static void smoe_terms(void)
{
    struct moe_smoe s = smoe(8, 2, 4, 10, 1000);
    digits(moe_smoe_growth(&s, 2000), "570.612459196", "T = 8: labelings");
    digits(2000 * ln_binomial(8, 2), "6664.409020350", "T = 8: trivial labelings");
    is_close(moe_smoe_growth(&s, 20), 20 * ln_binomial(8, 2), 1e-15, "20 points: the trivial count is smaller");
    digits(moe_smoe_stated(&s), "1.131755826", "T = 8: second term");
    digits(moe_smoe_stated_exact(&s), "1.071728826", "T = 8: with the binomial");
    digits(moe_smoe_repaired(&s), "1.516567817", "T = 8: repaired");
    is_close(moe_smoe_repaired(&s), 2 * sqrt((570.612459196 + log(80)) / 1000), 1e-10,
             "2 sqrt(ln(4 Gamma / delta) / m)");
    ok(moe_smoe_repaired(&s) >= sqrt(2) * moe_smoe_stated_exact(&s), "the repair costs a factor sqrt(2) at least");
    digits(moe_smoe_definition5(&s), "0.333021844", "T = 8: Definition 5");
    s = smoe(64, 8, 4, 10, 1000);
    digits(moe_smoe_growth(&s, 2000), "2080.900053640", "T = 64: labelings");
    digits(moe_smoe_stated(&s), "2.436969491", "T = 64: second term");
    digits(moe_smoe_stated_exact(&s), "2.041856475", "T = 64: with the binomial");
    digits(moe_smoe_repaired(&s), "2.888101162", "T = 64: repaired");
    digits(moe_smoe_definition5(&s), "0.815733592", "T = 64: Definition 5");
    s.top_k = 64;
    is_close(moe_smoe_definition5(&s), 0, 0, "k = T: Definition 5 is 0");
    ok(moe_smoe_stated_exact(&s) > 0.5, "k = T: Theorem 1 is not");
    static const char *quarter[] = {"0.470964", "0.941928", "1.883856"}, *four[] = {"0.4710", "0.6660", "0.8157"};
    for (int i = 0; i < 3; i++) {
        s = smoe(16 << 2 * i, 4 << 2 * i, 4, 10, 1000);
        digits(moe_smoe_definition5(&s), quarter[i], "k = T / 4: Definition 5 doubles as T quadruples");
        s = smoe(16 << 2 * i, 4, 4, 10, 1000);
        if (i < 2)
            digits(moe_smoe_definition5(&s), four[i], "k = 4: Definition 5 grows less");
    }
    double peak = 0, at = 0;
    for (int k = 1; k <= 64; k++) {
        s = smoe(64, k, 4, 10, 1000);
        if (moe_smoe_definition5(&s) > peak) {
            peak = moe_smoe_definition5(&s);
            at = k;
        }
    }
    is_close(at, 24, 0, "Definition 5 peaks at k = 24");
    digits(peak, "0.970359", "its peak");
    digits(64 / M_E, "23.544", "T / e");
    static const double skills[] = {4, 128}, alpha[] = {1.2, 2, 2.5};
    static const char *sum[] = {"2.744140", "0.959497", "0.525353", "74.295939", "4.102839", "1.119273"};
    for (int i = 0; i < 6; i++)
        digits(moe_smoe_weights(skills[i / 3], alpha[i % 3]), sum[i], "sum of power-law weights");
    is_close(moe_smoe_weights(5, 0), 25, 0, "uniform tasks: N^2");
}

static double best(double experts, double skills, double natarajan, double samples, double alpha)
{
    const struct moe_smoe s = smoe(experts, NAN, skills, natarajan, samples);
    return moe_smoe_best(&s, MOE_SMOE_STATED, 1, moe_smoe_weights(skills, alpha)).top_k;
}

static void optimum(void)
{
    struct moe_smoe s = smoe(64, NAN, 4, 10, 1000);
    struct moe_smoe_optimum o = moe_smoe_best(&s, MOE_SMOE_DEFINITION5, 1, 16);
    is_close(o.top_k, 64, 0, "Definitions 4 and 5: k* = T");
    is_close(o.value, 0.25, 1e-15, "their value");
    ok(isnan(moe_smoe_local(&s, MOE_SMOE_DEFINITION5, 1, 16).top_k), "no other local minimum");
    o = moe_smoe_best(&s, MOE_SMOE_STATED, 1, 16);
    is_close(o.top_k, 12, 0, "with Theorem 1's term");
    digits(o.value, "4.265995175", "its value");
    s = smoe(64, NAN, 2, 200, 300);
    o = moe_smoe_local(&s, MOE_SMOE_DEFINITION5, 1, 4);
    is_close(o.top_k, 3, 0, "a local minimum of Definitions 4 and 5");
    digits(o.value, "4.832059", "its value");
    o = moe_smoe_best(&s, MOE_SMOE_DEFINITION5, 1, 4);
    is_close(o.top_k, 64, 0, "the global one is at T");
    is_close(o.value, 0.0625, 1e-15, "its value");
    static const double by_t[] = {14, 13, 12, 11, 11, 10, 10}, by_m[] = {3, 6, 12, 25, 54}, by_d[] = {25, 12, 6, 3},
                        by_n[] = {3, 6, 12, 23, 46};
    for (int i = 0; i < 7; i++)
        is_close(best(16 << i, 4, 10, 1000, 0), by_t[i], 0, "T = %d: k* falls", 16 << i);
    for (int i = 0; i < 5; i++)
        is_close(best(64, 4, 10, pow(10, i + 1), 0), by_m[i], 0, "m = 1e%d: k* rises", i + 1);
    for (int i = 0; i < 4; i++)
        is_close(best(64, 4, pow(10, i), 1000, 0), by_d[i], 0, "d_N = 1e%d: k* falls", i);
    for (int i = 0; i < 5; i++)
        is_close(best(64, 1 << i, 10, 1000, 0), by_n[i], 0, "N = %d: k* rises", 1 << i);
    is_close(best(64, 4, 10, 1000, 1.2), 4, 0, "N = 4, power law 1.2");
    is_close(best(64, 4, 10, 1000, 2.5), 1, 0, "N = 4, power law 2.5");
    is_close(best(64, 16, 10, 1000, 1.2), 6, 0, "N = 16, power law 1.2");
    s = smoe(64, NAN, 4, 10, 1000);
    is_close(moe_smoe_leading(&s, 1, 16), 4 * cbrt(1000 / (10 * log(64))), 1e-14,
             "leading order: N cbrt(m / (d_N ln T))");
    is_close(moe_smoe_leading(&s, 1e9, 16), 64, 0, "clipped to T");
    is_close(moe_smoe_leading(&s, 1e-9, 16), 1, 0, "clipped to 1");
    unsigned seed = 1;
    int exceptions = 0;
    for (int i = 0; i < 400; i++) {
        double r[4];
        for (int j = 0; j < 4; j++)
            r[j] = (double)((seed = seed * 1664525u + 1013904223u) >> 8) / (1 << 24);
        s = smoe(2 + floor(200 * r[0]), NAN, 1 + floor(16 * r[1]), pow(10, 3 * r[2]), pow(10, 1 + 4 * r[3]));
        exceptions += moe_smoe_best(&s, MOE_SMOE_DEFINITION5, 1, s.skills * s.skills).top_k != s.experts;
    }
    is_int(exceptions, 0, "Definitions 4 and 5 at 400 settings: always k* = T");
}

static void losses(void)
{
    digits(moe_erm_squared(0.01, 1, 1e-3, 5000, 1e6, 0.05), "0.228890348", "squared error of the minimiser");
    digits(moe_erm_union_gap(106.630544326, 5000, 1e6, 0.05), "0.050545159", "union of patterns");
    digits(moe_erm_union_gap(0, 5000, 1e6, 0.05), "0.050014976", "without the pattern term");
    digits(moe_erm_pac_bayes_gap(100, 4096, 0.05), "0.114738878", "PAC-Bayes");
    is_close(moe_erm_sample_gap(log(10), 128, 0.05), sqrt(log(1600)), 1e-14, "covers on the sample");
    ok(moe_erm_squared(0, 1, 1e-3, 100, 1e5, .01) > moe_erm_squared(0, 1, 1e-3, 100, 1e5, .1), "surer is dearer");
    ok(moe_erm_union_gap(1, 1, 100, .05) > moe_erm_union_gap(1, 1, 200, .05), "more data, smaller gap");
}

static void prices(void)
{
    const double each = ln_binomial(8, 2);
    static const double disagreements[] = {0, 8, 82};
    static const char *code[] = {"9.011", "97.148", "738.266"}, *gap[] = {"0.0766", "0.2211", "0.6016"};
    for (int i = 0; i < 3; i++) {
        const double length = moe_occam_disagreements(2 * 4096, disagreements[i], each);
        digits(length, code[i], "code of a labeling");
        digits(moe_occam_gap(length, 0, 4096, 0.05), gap[i], "its gap");
    }
    const double churn = moe_occam_disagreements(2 * 4096 * 16, floor(2 * 4096 * 16 * 0.01 + 0.5), each);
    digits(churn, "11717", "1 % churn at 16 sites");
    digits(moe_occam_gap(churn, 0, 4096, 0.05), "2.392", "vacuous");
    const int64_t fof[] = {1, 2, 2, 1, 4, 1}; /* counts 4, 2, 1, 1 */
    digits(moe_occam_kt(fof, 3, 6), "14.203870198169", "KT code, 6 symbols");
    digits(moe_occam_kt(fof, 3, 28), "22.620579851007", "KT code, 28 symbols");
    is_close(moe_occam_kt(fof, 0, 28), 0, 0, "nothing costs nothing");
    const struct moe_abundance a = moe_abundance_of(fof, 3);
    digits(a.entropy, "1.213007565980", "plug-in entropy");
    digits(a.entropy + 3.0 / 16, "1.400507565980", "with the Miller-Madow term");
    digits(a.plug_in, "3.363585661", "its exponential");
    const double counts[] = {4, 2, 1, 1};
    digits(moe_smoe_effective(counts, 4, 8), "3.664213562373", "(sum sqrt p)^2");
    const double loads[] = {.5, .25, .125, .125}, even[] = {1, 1, 1, 1, 1, 1, 1, 1};
    digits(moe_smoe_effective(loads, 4, 1), "3.664213562373", "M_eff, k = 1");
    is_close(moe_smoe_effective(even, 8, 16), 4, 1e-15, "balanced, k = 2, gates 1/2: T / k");
    const double one[] = {8, 0, 0};
    is_close(moe_smoe_effective(one, 3, 8), 1, 1e-15, "one expert takes all: 1");
    const int64_t first[] = {4, 2}, second[] = {3, 1, 5, 1}, joint[] = {1, 1, 3, 1, 4, 1};
    const double h1 = moe_abundance_of(first, 1).entropy, h12 = moe_abundance_of(joint, 3).entropy;
    digits(h1, "0.693147180560", "H1");
    digits(moe_abundance_of(second, 2).entropy, "0.661563238158", "H2");
    digits(h12, "0.974314752869", "H(path)");
    digits(h12 - h1, "0.281167572309", "H(S2 | S1)");
    const double eight[] = {2, 2, 2, 2, 2, 2, 2, 2};
    digits(moe_occam_load_entropy(eight, 8, 8), "4.498681", "balanced loads say less than ln 28");
    const double all[] = {5, 5, 0};
    is_close(moe_occam_load_entropy(all, 3, 5), 0, 0, "always and never chosen: no entropy");
}

/* What counts 4, 2, 1, 1 say of patterns, S = 4, f1 = 2, f2 = 1, n = 8. Chao1 is 6 without its factor (n - 1) / n,
 * which multiplies f1^2 / (2 f2) = 2: 4 + 2 x 7/8. */
static void eight_samples(void)
{
    int64_t row[] = {1, 2, 2, 1, 4, 1};
    const struct moe_counts counts = {.ln_worst = NAN, .samples = 8, .one_sequence = -1, .pairs_within = NAN,
                                      .sum_squared_lengths = NAN, .fof = {.rows = 3, .width = 2, .value = row}};
    static const char *const want[][2] = {
        {"chao1", "5.75"}, {"chao1_bc_nofactor", "4.5"}, {"chao1_bc", "4.4375"}, {"coverage_good_turing", "0.75"},
        {"hill_obs_q2", "2.909090909"}, {"hill_obs_q0.5", "3.664213562373"}, {"H_miller_madow", "1.400507565980"}};
    struct moe_sheet sheet;
    moe_sheet_init(&sheet, "counts");
    moe_estimate(&sheet, &counts, &(struct moe_estimate_options){.eta = 0.05});
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        digits(moe_sheet_find(&sheet, want[i][0])->value, want[i][1], want[i][0]);
    moe_sheet_clear(&sheet);
}

static void certificates(void)
{
    static const double n[] = {256, 1024, 4096, 16384};
    static const char *low[] = {"7.654974782", "10.427563504", "13.200152226", "15.972740948"};
    for (int i = 0; i < 4; i++)
        digits(moe_occam_no_collision(n[i], 0.05), low[i], "no collision");
    digits(exp(log(4096) - moe_occam_no_collision(4096, 0.05) / 2), "5.571643390939", "x");
    digits(moe_occam_no_collision_limit(4096, 0.05), "14.845196", "no such rule says more");
    digits(moe_occam_plugin_lower(log(4096), 4096, 4096, 0.05), "7.999645", "plug-in, all differ");
    is_close(moe_occam_upper(0, 100, 0.05), 1 - pow(0.05, 0.01), 1e-12, "no hits: 1 - eta^(1/n)");
    is_close(moe_occam_upper(100, 100, 0.05), 1, 0, "all hits: 1");
    static const double trials[] = {10, 1000, 1e5}, rate[] = {.1, .3, .9};
    for (int i = 0; i < 9; i++) {
        const double t = trials[i / 3], h = floor(t * rate[i % 3]);
        is_close(moe_occam_upper(h, t, 0.05), gsl_cdf_beta_Pinv(0.95, h + 1, t - h), 1e-9, "%g of %g: beta quantile", h,
                 t);
        ok(moe_occam_mean_upper(h / t, t, 0.05) > moe_occam_upper(h, t, 0.05), "%g of %g: of a mean, more", h, t);
    }
    is_close(moe_occam_upper(1e6, 1e9, 0.05), 1e-3 + 1.645 * sqrt(1e-3 * 0.999 / 1e9), 1e-5, "a billion trials");
    is_close(moe_occam_mean_upper(0, 100, 0.05), 1 - pow(0.05, 0.01), 1e-12, "mean 0: 1 - eta^(1/n)");
    is_close(moe_occam_mean_upper(1, 100, 0.05), 1, 0, "mean 1: 1");
    const double t = moe_occam_mean_upper(0.25, 50, 0.05);
    is_close(exp(-50 * (.25 * log(.25 / t) + .75 * log(.75 / (1 - t)))), 0.05, 1e-10, "divergence at the limit");
}

static void exponents(void)
{
    struct moe_scaling s = moe_scaling_of(2, 1);
    ok(s.size == 1 && s.data == .5, "d = 2, beta = 1: alpha_N, alpha_D");
    is_close(s.front_size, 1 / 3., 1e-15, "N*");
    is_close(s.front_data, 2 / 3., 1e-15, "D*");
    is_close(s.front_error, 1 / 3., 1e-15, "E*");
    s = moe_scaling_of(8, 1);
    is_close(s.size, .25, 1e-15, "d = 8: alpha_N");
    is_close(s.data, .2, 1e-15, "alpha_D");
    is_close(s.data, s.size / (1 + s.size), 1e-15, "alpha_D = alpha_N / (1 + alpha_N)");
    is_close(s.front_size, 4 / 9., 1e-15, "N*");
    is_close(s.front_data, 5 / 9., 1e-15, "D*");
    is_close(s.front_error, 1 / 9., 1e-15, "E*");
    is_close(s.best_size, .8, 1e-15, "best size");
    const struct moe_frontier f = moe_scaling_frontier(1, 1e12);
    digits(f.size, "4367.902324", "N* at F = 1e12");
    digits(f.data, "38157141.418", "D*");
    digits(f.error, "3.434142728e-04", "E*");
    for (double to = 0.9; to < 1.2; to += 0.2)
        ok(1 / (f.size * to) + f.size * to / (1e12 / (6 * f.size * to)) > f.error, "and %.1f of it is worse", to);
}

int main(void)
{
    choices();
    patterns();
    growth();
    smoe_terms();
    optimum();
    losses();
    prices();
    eight_samples();
    certificates();
    exponents();
    return tap_done();
}
