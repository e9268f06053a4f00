/* Planted routes follow their law, and are functions of the place they are drawn for. */
#include "src/planted.h"

#include <math.h>

#include "tests/small.h"

enum { E = 5, K = 2, SETS = 10, DRAWS = 40000 };

static struct moe_planted *plant(struct moe_run *run, const char *settings)
{
    struct moe_error err = {0};
    moe_config_default(run);
    small_set(run, settings);
    if (moe_config_check(run, 1, NULL, &err))
        bail("%s", err.text);
    return moe_planted_new(run);
}

/* Colex rank of an ascending pair. */
static int rank_of(const int16_t *set)
{
    return set[0] + set[1] * (set[1] - 1) / 2;
}

/* Chi-square of counts [n] against expected counts; with 9 degrees of freedom one in a million is beyond 44.8, with
 * 99 beyond 183. */
static double chi_square(const int *count, const double *expected, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += pow(count[i] - expected[i], 2) / expected[i];
    return sum;
}

static void test_law(const char *law, double exponent)
{
    struct moe_run run;
    char settings[96];
    snprintf(settings, sizeof settings, "model.router=planted model.experts=5 model.top_k=2 model.planted_law=%s", law);
    struct moe_planted *planted = plant(&run, settings);
    int count[SETS] = {0}, pairs[SETS * SETS] = {0}, valid = 1;
    double p[SETS], expected[SETS], expected_pairs[SETS * SETS], sum = 0;
    for (int i = 0; i < DRAWS; i++) {
        int16_t set[2][K];
        for (int layer = 0; layer < 2; layer++) {
            moe_planted_draw(planted, MOE_SPLIT_CENSUS, i / 8, i % 8, layer, set[layer]);
            valid &= set[layer][0] >= 0 && set[layer][0] < set[layer][1] && set[layer][1] < E;
        }
        if (!valid)
            break;
        count[rank_of(set[0])]++;
        pairs[rank_of(set[0]) * SETS + rank_of(set[1])]++;
    }
    for (int i = 0; i < SETS; i++)
        sum += p[i] = pow(i + 1, -exponent);
    for (int i = 0; i < SETS; i++)
        expected[i] = DRAWS * p[i] / sum;
    for (int i = 0; i < SETS * SETS; i++)
        expected_pairs[i] = expected[i / SETS] * expected[i % SETS] / DRAWS;
    ok(valid, "%s: every set is ascending experts", law);
    ok(chi_square(count, expected, SETS) < 44.8, "%s: sets are as frequent as they should be", law);
    ok(chi_square(pairs, expected_pairs, SETS * SETS) < 183, "%s: two layers are independent", law);
    moe_planted_free(planted);
}

static void test_places(void)
{
    struct moe_run run;
    struct moe_planted *planted = plant(&run, "model.router=planted model.experts=40 model.top_k=4 model.layers=3");
    struct moe_planted *again = plant(&run, "model.router=planted model.experts=40 model.top_k=4 model.layers=3");
    struct moe_planted *other =
        plant(&run, "model.router=planted model.experts=40 model.top_k=4 model.layers=3 model.seed=2");
    int16_t set[4], same[4], differs[5][4];
    moe_planted_draw(planted, MOE_SPLIT_TEST, 9, 5, 1, set);
    moe_planted_draw(planted, MOE_SPLIT_TRAIN, 9, 5, 1, differs[0]);
    moe_planted_draw(planted, MOE_SPLIT_TEST, 10, 5, 1, differs[1]);
    moe_planted_draw(planted, MOE_SPLIT_TEST, 9, 6, 1, differs[2]);
    moe_planted_draw(planted, MOE_SPLIT_TEST, 9, 5, 2, differs[3]);
    moe_planted_draw(other, MOE_SPLIT_TEST, 9, 5, 1, differs[4]);
    moe_planted_draw(again, MOE_SPLIT_TEST, 9, 5, 1, same);
    ok(!memcmp(set, same, sizeof set), "a draw has no memory");
    static const char *const places[] = {"split", "sequence", "token", "layer", "seed"};
    for (int i = 0; i < 5; i++)
        ok(memcmp(set, differs[i], sizeof set) != 0, "another %s draws another set", places[i]);
    moe_planted_free(planted);
    moe_planted_free(again);
    moe_planted_free(other);

    enum { TOKENS = 8, LAYERS = 3, SITES = TOKENS * LAYERS * MOE_SPLITS };
    int16_t all[SITES][8];
    int different = 1;
    planted = plant(&run, "model.router=planted model.experts=40 model.top_k=8 model.layers=3");
    for (int i = 0; i < SITES; i++) {
        moe_planted_draw(planted, (enum moe_split)(i % MOE_SPLITS), 9, i / MOE_SPLITS / LAYERS,
                         i / MOE_SPLITS % LAYERS, all[i]);
        for (int j = 0; j < i; j++)
            different &= memcmp(all[i], all[j], sizeof all[i]) != 0;
    }
    ok(different, "no two of %d sites share a draw", SITES);
    moe_planted_free(planted);

    planted = plant(&run, "model.router=planted model.experts=3 model.top_k=3");
    moe_planted_draw(planted, MOE_SPLIT_TRAIN, 1, 2, 0, set);
    ok(set[0] == 0 && set[1] == 1 && set[2] == 2, "K = E has one set only");
    moe_planted_free(planted);
    is_int((long long)moe_pool_bytes(MOE_POOL_DATA), 0, "all memory was given back");
}

int main(void)
{
    test_law("uniform", 0);
    test_law("zipf:1", 1);
    test_law("zipf:0.4", 0.4);
    test_places();
    return tap_done();
}
