/* Both brackets of the entropy: their parts by hand, and whether they hold in simulated samples. */
#include "analysis/bracket.h"

#include "analysis/collision.h"
#include "analysis/split.h"
#include "tests/simulate.h"
#include "tests/tap.h"

/* How often the brackets hold in `runs` samples of n. */
static void simulate(const struct law_shape *shape, int n, int runs, int nominal_breaks)
{
    struct law law = law_of_shape(shape, n);
    const double ln_worst = log(1e30);
    struct brackets_tally tally;
    simulate_brackets(&tally, &ln_worst, 1, &law, n, runs);
    diag("%s, n = %d: nominal %d, certified %d of %d", law.name, n, tally.nominal_holds, tally.certified_holds, runs);
    ok(tally.certified_holds >= 0.97 * runs, "%s, n = %d: the certified bracket holds", law.name, n);
    if (!nominal_breaks)
        ok(tally.nominal_holds >= 0.93 * runs, "%s, n = %d: the nominal bracket holds", law.name, n);
    law_clear(&law);
}

static void by_hand(void)
{
    /* 3 of one pattern, 2 of another, 1 of a third; W = 10 */
    const int count[] = {3, 2, 1};
    struct moe_counts counts = tables_of_counts(count, 3, log(10));
    struct moe_fof fof;
    struct moe_error err = {0};
    moe_fof_view(&fof, &counts.fof, 0, &err);
    const double want = -(3 * (log(5.0 / 7) + log(2.0 / 5)) / 6 + 2 * (log(4.0 / 7) + log(1.0 / 5)) / 6 +
                          log(1.0 / 7 / 8) / 6);
    is_close(moe_loo_cross_entropy(&fof, log(10)).mean, want, 1e-14, "leave-one-out cross entropy by hand");
    ok(isnan(moe_loo_cross_entropy(&fof, NAN).mean), "none without a worst case");

    /* learned: 2 of a, 1 of b, none of c; tested: 1 of a, 1 of b, 1 of c */
    int64_t row[] = {0, 1, 1, 1, 1, 1, 2, 1, 1};
    counts.split = (struct moe_rows){3, 3, row};
    const double eta = 0.05 / 4, smooth[] = {0.5 / 8, 1.5 / 8, 2.5 / 8};
    const double mean = -(log(smooth[0]) + log(smooth[1]) + log(smooth[2])) / 3, most = -log(smooth[0]),
                 least = -log(smooth[2]);
    const struct moe_certified c = moe_certified_of(&counts, &fof, NULL, 0.05);
    const double z = (mean - least) / (most - least), u = (c.code_length - least) / (most - least);
    is_close(z * log(z / u) + (1 - z) * log((1 - z) / (1 - u)), log(1 / eta) / 3, 1e-9,
             "the code length bound is where kl is ln(1/eta)/m");
    ok(u > z, "it lies above the mean");
    const double h = log(6) - (3 * log(3) + 2 * log(2)) / 6;
    is_close(c.plugin, h - log(6) * sqrt(2 * log(1 / eta) / 6), 1e-14, "the plug-in less its range");
    ok(isnan(c.no_collision) && isnan(c.path), "no certificate when samples collide, none of paths");
    counts.split.value = NULL;
    tables_clear(&counts);

    is_close(1e4 / exp(moe_occam_no_collision(100, 0.025)), 40.7, 2e-3, "at 97.5 %% the limit is n^2 / 40.7");
    is_str(moe_bracket_verdict(0.09), "resolved", "below 0.1 nats");
    is_str(moe_bracket_verdict(0.1), "order of magnitude", "below 2.3 nats");
    is_str(moe_bracket_verdict(NAN), "lower bound only", "an end is missing");
}

/* The price is a law: over all patterns it sums to at most 1, so the bound cannot be met by a cheat. */
static void dealt(void)
{
    const int count[] = {5000, 2, 1, 1, 1, 1, 1};
    struct moe_counts counts = tables_of_counts(count, 7, log(10));
    struct moe_fof fof;
    struct moe_error err = {0};
    struct moe_rows split;
    int64_t patterns = 0, learned = 0, tested = 0;
    moe_fof_view(&fof, &counts.fof, 0, &err);
    ok(moe_split_by_coin(&split, &fof), "samples are dealt");
    for (int64_t i = 0; i < split.rows; i++) {
        patterns += split.value[3 * i + 1];
        learned += split.value[3 * i] * split.value[3 * i + 1];
        tested += split.value[3 * i + 2];
    }
    ok(patterns == 7 && learned + tested == 5007, "every sample to one half");
    ok(abs((int)(learned - tested)) < 400, "about as many to each");
    moe_pool_free(split.value);
    tables_clear(&counts);
    int64_t row[] = {1, INT64_C(1000000000000)};
    counts = (struct moe_counts){.fof = {1, 2, row}};
    moe_fof_view(&fof, &counts.fof, 0, &err);
    ok(moe_split_by_coin(&split, &fof) && split.rows == 2, "1e12 singletons give two rows");
    is_close((double)split.value[1], 5e11, 1e-5, "about half of them");
    moe_pool_free(split.value);
}

int main(void)
{
    static const struct law_shape uniform = {"uniform on 1000", LAW_UNIFORM, 0, 1000},
                                  zipf = {"Zipf 1.2 on 20000", LAW_ZIPF, 1.2, 20000},
                                  dust = {"one pattern and dust", LAW_AND_DUST, 0, 1},
                                  diffuse = {"one small pattern and dust", LAW_DIFFUSE, 0, 1};
    by_hand();
    dealt();
    for (int n = 100; n <= 1000; n *= 10) {
        simulate(&uniform, n, 100, 0);
        simulate(&zipf, n, 60, 0);
        simulate(&dust, n, 200, 1);
        simulate(&diffuse, n, 200, 1);
    }
    is_int((long long)moe_pool_bytes(MOE_POOL_FILES), 0, "all memory was given back");
    return tap_done();
}
