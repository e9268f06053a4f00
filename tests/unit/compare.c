/* Rarefied figures by enumeration, and two runs at equal coverage. */
#include "analysis/compare.h"

#include "analysis/coverage.h"
#include "analysis/rarefy.h"
#include "tests/tables.h"
#include "tests/tap.h"

static long double ln_choose(int64_t n, int64_t k)
{
    return k < 0 || k > n ? -INFINITY : lgammal(n + 1) - lgammal(k + 1) - lgammal(n - k + 1);
}

/* Expected plug-in entropy of m of the samples, from the hypergeometric law of every pattern. */
static double plain_entropy(const struct moe_fof *fof, int m)
{
    double h = 0;
    for (int64_t i = 0; i < fof->rows; i++)
        for (int k = 1; k <= m; k++) {
            const int64_t j = fof->row[2 * i], n = fof->n;
            const double p = (double)expl(ln_choose(j, k) + ln_choose(n - j, m - k) - ln_choose(n, m));
            h -= (double)fof->row[2 * i + 1] * p * k / m * log((double)k / m);
        }
    return h;
}

static double value(const struct moe_sheet *sheet, const char *name)
{
    const struct moe_figure *figure = moe_sheet_find(sheet, name);
    return figure ? figure->value : NAN;
}

int main(void)
{
    int64_t small[] = {1, 12, 2, 4, 4, 1, 6, 2, 46, 1}, large[] = {900, 1, 4000, 2, 20000, 1};
    struct moe_rows table = {5, 2, small};
    struct moe_fof fof;
    struct moe_error err = {0};
    moe_fof_view(&fof, &table, 0, &err);
    for (int m = 1; m < fof.n; m += 11)
        is_close(moe_entropy_at(&fof, m), plain_entropy(&fof, m), m == 1 ? 1e-12 : 1e-10, "entropy of %d of %d", m,
                 (int)fof.n);
    const double here = moe_entropy_at(&fof, fof.n), more = moe_entropy_at(&fof, 2 * fof.n);
    ok(moe_entropy_at(&fof, fof.n - 1) < here && here < more, "it grows with the sample, also beyond its size");
    is_close(moe_patterns_at(&fof, fof.n), (double)fof.patterns, 1e-14, "the whole sample has all its patterns");
    is_close(moe_patterns_at(&fof, 1), 1, 1e-14, "one sample has one");
    is_close(moe_coverage_at(&fof, fof.n), moe_coverage_chao_jost(&fof), 1e-14, "coverage at n is that of the sample");
    ok(moe_coverage_at(&fof, fof.n - 1) < moe_coverage_at(&fof, fof.n), "and no less below");

    table = (struct moe_rows){3, 2, large};
    struct moe_fof big;
    moe_fof_view(&big, &table, 0, &err);
    is_close(moe_entropy_at(&big, 9000), plain_entropy(&big, 9000), 1e-8, "moments serve for large counts");

    struct moe_counts first = {.fof = {5, 2, small}}, second = {.fof = {3, 2, large}}, twice = first;
    struct moe_sheet sheet;
    moe_sheet_init(&sheet, "compare");
    moe_compare(&sheet, &first, &twice);
    ok(value(&sheet, "equal_ratio_hill0") == 1 && value(&sheet, "equal_ratio_hill2") == 1, "a run equals itself");
    is_close(value(&sheet, "equal_m_first"), 2 * (double)fof.n, 0, "at twice its size");
    moe_sheet_clear(&sheet);
    moe_sheet_init(&sheet, "compare");
    moe_compare(&sheet, &first, &second);
    const double coverage = value(&sheet, "equal_coverage");
    ok(value(&sheet, "equal_C_first") >= coverage && value(&sheet, "equal_C_second") >= coverage, "both reach it");
    const int64_t m = (int64_t)value(&sheet, "equal_m_second");
    ok(m > 1 && m < big.n && moe_coverage_at(&big, m - 1) < coverage, "with no sample more than needed");
    is_close(value(&sheet, "equal_hill1_second"), exp(moe_entropy_at(&big, m)), 1e-14, "order 1 there");
    moe_sheet_clear(&sheet);
    int64_t lone[] = {1, 9};
    second.fof = (struct moe_rows){1, 2, lone};
    moe_sheet_init(&sheet, "compare");
    moe_compare(&sheet, &first, &second);
    ok(moe_sheet_find(&sheet, "equal_coverage")->missing && sheet.count == 1, "nothing repeated: no comparison");
    moe_sheet_clear(&sheet);
    return tap_done();
}
