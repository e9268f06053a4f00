/* The bootstrap draws tables; here the same law is resampled pattern by pattern. */
#include "analysis/bootstrap.h"

#include "analysis/collision.h"
#include "analysis/coverage.h"
#include "analysis/entropy.h"
#include "analysis/sampling.h"
#include "analysis/support.h"
#include "src/clock.h"
#include "tests/tables.h"
#include "tests/tap.h"

enum { FIGURES = 5, REPLICATES = 250, MOST = 20000 };

static const char *const names[FIGURES] = {"boot_se_H_plugin", "boot_se_H_cwj", "boot_se_simpson", "boot_se_chao1",
                                           "boot_se_coverage_chao_jost"};

/* Standard errors from REPLICATES samples in which every pattern has a Poisson count of its own. */
static void resample(double se[FIGURES], const struct moe_fof *fof)
{
    static double mean[MOST];
    static int count[MOST];
    const struct moe_community law = moe_community_of(fof);
    double sum[FIGURES] = {0}, squares[FIGURES] = {0};
    const double n = (double)fof->n;
    int patterns = 0;
    for (int64_t i = 0; i < fof->rows; i++)
        for (int64_t k = 0; k < fof->row[2 * i + 1]; k++) {
            const double share = (double)fof->row[2 * i] / n;
            mean[patterns++] = n * share * (1 - (double)law.lambda * pow(1 - share, n));
        }
    for (int k = 0; k < (int)law.unseen; k++)
        mean[patterns++] = n * (double)law.unseen_p;
    double all = 0;
    for (int p = 0; p < patterns; p++)
        all += mean[p];
    is_close(all, n, 1e-9, "the estimated law has mass 1");
    for (int r = 0; r < REPLICATES; r++) {
        struct moe_random random;
        moe_random_init(&random, 7, MOE_STREAM_CENSUS, (uint64_t)r, 0);
        for (int p = 0; p < patterns; p++)
            count[p] = (int)moe_draw_poisson(&random, mean[p]);
        struct moe_counts counts = tables_of_counts(count, patterns, NAN);
        struct moe_fof drawn;
        struct moe_error err = {0};
        moe_fof_view(&drawn, &counts.fof, 0, &err);
        const struct moe_entropy entropy = moe_entropy_of(&drawn);
        const double value[FIGURES] = {(double)entropy.plugin, (double)(entropy.zhang + entropy.tail),
                                       moe_collision_of(&drawn).s2, moe_chao(&drawn).estimate,
                                       moe_coverage_chao_jost(&drawn)};
        for (int i = 0; i < FIGURES; i++) {
            sum[i] += value[i] / REPLICATES;
            squares[i] += value[i] * value[i] / REPLICATES;
        }
        tables_clear(&counts);
    }
    for (int i = 0; i < FIGURES; i++)
        se[i] = squares[i] - sum[i] * sum[i] < 1e-13 * squares[i] ? 0 : sqrt(squares[i] - sum[i] * sum[i]);
}

static void compare(const char *name, int64_t *row, int64_t rows)
{
    const struct moe_rows table = {rows, 2, row};
    struct moe_fof fof;
    struct moe_error err = {0};
    struct moe_sheet sheet, again;
    double se[FIGURES];
    moe_fof_view(&fof, &table, 0, &err);
    moe_sheet_init(&sheet, name);
    moe_sheet_init(&again, name);
    moe_add_bootstrap(&sheet, &fof);
    moe_add_bootstrap(&again, &fof);
    resample(se, &fof);
    int same = 1;
    for (int i = 0; i < FIGURES; i++) {
        const double got = moe_sheet_find(&sheet, names[i])->value;
        ok(got == se[i] || fabs(log(got / se[i])) < 0.22, "%s: %s = %.4g, resampled %.4g", name, names[i], got, se[i]);
        same &= got == moe_sheet_find(&again, names[i])->value;
    }
    ok(same, "%s: twice the same", name);
    moe_sheet_clear(&sheet);
    moe_sheet_clear(&again);
}

int main(void)
{
    int64_t spiders[] = {1, 12, 2, 4, 4, 1, 6, 2, 8, 1, 9, 1, 15, 2, 17, 1, 22, 1, 46, 1};
    int64_t many[] = {1, 2000, 2, 600, 3, 200, 5, 100, 20, 40, 80, 30, 300, 20, 4000, 2};
    int64_t covered[] = {60, 10, 90, 30, 200, 5};
    compare("spiders", spiders, 10);
    compare("many patterns", many, 8);
    compare("covered", covered, 3);

    struct moe_rows table = {3, 2, covered};
    struct moe_fof fof;
    struct moe_error err = {0};
    struct moe_sheet sheet;
    moe_fof_view(&fof, &table, 0, &err);
    moe_sheet_init(&sheet, "covered");
    moe_add_bootstrap(&sheet, &fof);
    is_str(moe_sheet_find(&sheet, "boot_se_H_cwj")->note, "200 replicates; conditional on full coverage",
           "nothing unseen: it says so");
    is_close(moe_sheet_find(&sheet, "boot_f0")->value, 0, 0, "nothing unseen");
    moe_sheet_clear(&sheet);

    int64_t giant[] = {1, INT64_C(100000000000), 2, 3, INT64_C(500000000000), 1};
    table = (struct moe_rows){3, 2, giant};
    moe_fof_view(&fof, &table, 0, &err);
    moe_sheet_init(&sheet, "giant");
    const double start = moe_clock();
    moe_add_bootstrap(&sheet, &fof);
    ok(moe_clock() - start < 1, "6e11 samples take less than a second");
    is_close(moe_sheet_find(&sheet, "boot_f0")->value, 1e22 / 6 * (1 - 1 / 6e11), 1e-9, "1.7e21 unseen patterns");
    ok(isfinite(moe_sheet_find(&sheet, "boot_se_H_cwj")->value), "and an error");
    moe_sheet_clear(&sheet);
    return tap_done();
}
