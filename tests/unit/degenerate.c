/* Tables that say little: what is missing, what is suppressed, what is flagged; and tables that cannot be. */
#include "analysis/estimate.h"

#include "analysis/fof.h"
#include "src/pool.h"
#include "tests/tap.h"

static struct moe_sheet sheet;

/* Estimates a table of up to four rows, ended by 0, with samples as sequences. */
static void estimate(int64_t *row, double ln_worst)
{
    struct moe_counts counts = {.ln_worst = ln_worst,
                                .independent = 1,
                                .one_sequence = -1,
                                .pairs_within = NAN,
                                .sum_squared_lengths = NAN,
                                .fof = {.width = 2, .value = row}};
    while (row[2 * counts.fof.rows] > 0) {
        counts.samples += row[2 * counts.fof.rows] * row[2 * counts.fof.rows + 1];
        counts.fof.rows++;
    }
    counts.sequences = counts.samples;
    moe_sheet_clear(&sheet);
    moe_sheet_init(&sheet, "table");
    moe_estimate(&sheet, &counts, &(struct moe_estimate_options){.eta = 0.05});
}

static const struct moe_figure *figure(const char *name)
{
    static const struct moe_figure none = {.value = NAN, .note = "no such figure"};
    const struct moe_figure *found = moe_sheet_find(&sheet, name);
    return found ? found : &none;
}

static int has(const char *text, const char *part)
{
    return text && strstr(text, part) != NULL;
}

static int hidden(const char *name, const char *reason)
{
    return has(figure(name)->suppressed, reason);
}

static void few_samples(void)
{
    int64_t none[] = {0, 0}, one[] = {1, 1, 0, 0};
    estimate(none, 10);
    is_close(figure("n")->value, 0, 0, "no sample: counts");
    is_str(figure("H_plugin")->missing, "fewer than 2 samples", "no sample: no estimate");
    estimate(one, 10);
    is_close(figure("S_obs")->value, 1, 0, "one sample: counts");
    int values = 0;
    for (int i = 0; i < sheet.count; i++)
        values += strcmp(sheet.figure[i].grade, MOE_COUNT) != 0 && !sheet.figure[i].missing;
    is_int(values, 0, "one sample: every estimate is missing");
}

static void all_different(void)
{
    int64_t row[] = {1, 100, 0, 0};
    estimate(row, log(1e9));
    ok(hidden("chao1", "no repeated pattern") && hidden("H_cwj", "no repeated") && hidden("H_plugin", "no repeated") &&
           hidden("hill_asy_q0.5", "no repeated"),
       "all different: no point estimates");
    ok(figure("H_py")->missing && figure("H_py")->in_table, "all different: no Pitman-Yor fit");
    const struct moe_figure *limit = figure("hill2_lower975_no_collision");
    is_close(limit->value, 1e4 / 40.7, 2e-3, "all different: orders 0, 1, 2 are n^2/40.7 at least");
    ok(limit->in_table && !limit->suppressed && strcmp(limit->grade, MOE_CERTIFIED) == 0, "certified, and shown");
    is_close(figure("coverage_good_turing")->low, 0, 0, "all different: coverage from 0");
    is_close(figure("coverage_good_turing")->high, 0.07378, 1e-4, "all different: to 7.4/n");
    is_close(figure("H_bracket")->high, log(1e9), 1e-14, "all different: at most ln W");
    ok(has(figure("H_bracket")->note, "lower bound only"), "all different: the verdict");
    ok(!figure("H_bracket")->suppressed && !figure("H_certified")->suppressed, "the brackets stay");
}

static void little_repetition(void)
{
    int64_t pairs[] = {1, 90, 2, 4, 0, 0}, no_pairs[] = {1, 5, 3, 4, 0, 0}, rising[] = {1, 100, 2, 2, 0, 0},
            falling[] = {1, 12, 2, 4, 9, 2, 0, 0};
    estimate(pairs, log(1e9));
    ok(hidden("hill_asy_q2", "fewer than 5 colliding pairs") && hidden("simpson_unbiased", "fewer than 5"),
       "four colliding pairs: no order 2");
    ok(figure("hill2_lower95_collision")->in_table, "but its lower limit");
    ok(has(figure("hill_asy_q1")->note, "lower bound"), "coverage below 1/2: order 1 is a lower bound");
    is_close(figure("coverage_good_turing")->low, 0.02224, 1e-3,
             "only singletons and pairs: exact interval of the pairs");
    estimate(no_pairs, log(1e9));
    ok(has(figure("chao1")->note, "f2 = 0"), "no pair: flagged");
    ok(!hidden("hill_asy_q2", "fewer"), "twelve colliding pairs: order 2 is shown");
    estimate(falling, log(1e9));
    ok(figure("hill_profile_monotone")->value == 1 && !figure("H_cwj")->suppressed, "a profile that falls is shown");
    estimate(rising, log(1e9));
    is_close(figure("hill_profile_monotone")->value, 0, 0, "a hundred singletons and two pairs: the profile rises");
    ok(hidden("hill_asy_q1", "not monotone") && hidden("H_cwj", "not monotone") && !figure("chao1")->suppressed,
       "Chao-Jost below order 2 is suppressed, Chao1 stays as lower bound");
}

static void covered(void)
{
    int64_t full[] = {3, 5, 9, 2, 0, 0}, one_left[] = {1, 1, 5, 4, 0, 0}, one[] = {1000, 1, 0, 0};
    int64_t even[] = {1000, 64, 0, 0};
    estimate(full, log(7));
    ok(has(figure("chao1")->note, "no evidence of unseen patterns"), "no singletons: no sign of unseen patterns");
    ok(isnan(figure("chao1")->low) && figure("chao1_se")->missing, "and no interval of width 0");
    is_close(figure("coverage_good_turing")->low, 1 - 3.69 / 33, 1e-3, "missing mass at most 3.69/n");
    estimate(one_left, log(1000));
    ok(has(figure("chao1")->note, "no evidence") && has(figure("coverage_chao_jost")->note, "exactly 1"),
       "one singleton, no pair: flagged");
    estimate(one, log(28));
    ok(figure("H_plugin")->value == 0 && figure("hill_obs_q1")->value == 1, "one pattern: entropy 0, number 1");
    ok(figure("H_grassberger2003")->value < 0 && has(figure("H_grassberger2003")->note, "negative: read as 0"),
       "one pattern: a negative estimate is flagged");
    ok(figure("H_bracket")->low == 0 && figure("H_bracket")->high < 0.01 && has(figure("H_bracket")->note, "resolved"),
       "one pattern: resolved by the leave-one-out bound");
    estimate(even, log(64));
    ok(has(figure("H_cwj")->note, "above the worst case: read as ln W"), "an estimate above ln W is flagged");
    ok(figure("H_bracket")->high <= log(64), "no end of the bracket is above it");
    estimate(even, NAN);
    ok(figure("lnW")->missing && figure("H_upper_loo_ce")->missing && isnan(figure("H_bracket")->high) &&
           figure("H_bracket")->low > 4,
       "worst case unknown: a lower end only");
}

static enum moe_status check(int64_t *row, int64_t rows, int64_t samples, double ln_worst, char *text)
{
    struct moe_error err = {0};
    struct moe_counts counts = {.ln_worst = ln_worst, .samples = samples, .one_sequence = -1, .fof = {rows, 2, row}};
    moe_counts_check(&counts, &err);
    strcpy(text, err.text);
    return err.code;
}

static void impossible(void)
{
    char text[1024];
    int64_t good[] = {1, 3, 4, 2}, falling[] = {4, 2, 1, 3}, twice[] = {2, 1, 2, 1}, zero[] = {0, 5},
            negative[] = {1, -3}, huge[] = {INT64_C(1) << 41, 3};
    is_int(check(good, 2, 11, log(5), text), MOE_OK, "a good table");
    ok(check(good, 2, 12, 10, text) == MOE_INPUT && has(text, "adds up to 11, not to 12"), "a sum that is not n");
    ok(check(falling, 2, 11, 10, text) == MOE_INPUT && has(text, "row 2"), "counts that fall");
    ok(check(twice, 2, 4, 10, text) == MOE_INPUT && has(text, "rise"), "a count twice");
    ok(check(zero, 1, 0, 10, text) == MOE_INPUT && has(text, "row 1"), "patterns seen 0 times");
    ok(check(negative, 1, -3, 10, text) == MOE_INPUT, "a negative number of patterns");
    ok(check(huge, 1, 3 * (INT64_C(1) << 41), 50, text) == MOE_INPUT && has(text, "2^42"), "more than 2^42 samples");
    ok(check(good, 2, 11, log(4.5), text) == MOE_INPUT && has(text, "possible"), "more patterns than the worst case");
    int64_t row[] = {1, 3, 7, 2};
    struct moe_error err = {0};
    struct moe_counts counts = {.ln_worst = NAN, .sequences = 5, .one_sequence = -1, .incidence = {2, 2, row}};
    ok(moe_counts_check(&counts, &err) == MOE_INPUT && has(err.text, "7 of 5"), "a pattern in 7 of 5 units");
}

static void incidence(void)
{
    int64_t row[] = {1, 4};
    struct moe_counts counts = {.ln_worst = NAN, .sequences = 1, .one_sequence = -1, .incidence = {1, 2, row}};
    moe_sheet_clear(&sheet);
    moe_sheet_init(&sheet, "incidence");
    moe_estimate(&sheet, &counts, &(struct moe_estimate_options){.eta = 0.05});
    ok(figure("U")->value == 4 && figure("chao2")->missing && figure("H_inc_cwj")->missing, "one unit: counts only");
    counts.sequences = 4;
    moe_sheet_clear(&sheet);
    moe_sheet_init(&sheet, "incidence");
    moe_estimate(&sheet, &counts, &(struct moe_estimate_options){.eta = 0.05});
    is_close(figure("chao2")->value, 4 + 0.75 * 4 * 3 / 2, 1e-14, "four units, nothing twice: the form without pairs");
    ok(figure("hill_inc_asy_q2")->missing != NULL, "and no order 2");
}

int main(void)
{
    moe_sheet_init(&sheet, "");
    few_samples();
    all_different();
    little_repetition();
    covered();
    impossible();
    incidence();
    moe_sheet_clear(&sheet);
    is_int((long long)moe_pool_bytes(MOE_POOL_FILES), 0, "all memory was given back");
    return tap_done();
}
