#include "analysis/compare.h"

#include <math.h>
#include <stdio.h>

#include "analysis/coverage.h"
#include "analysis/fof.h"
#include "analysis/rarefy.h"

enum { PARTS = 5 };

static const char formula[] = "rarefied or extrapolated to equal coverage, Chao and Jost 2012";
static const char *const part[PARTS] = {"m", "C", "hill0", "hill1", "hill2"};
static const char *const unit[PARTS] = {"samples", NULL, "patterns", "patterns", "patterns"};

/* The least m up to twice the sample whose coverage is as asked. */
static int64_t size_for(const struct moe_fof *fof, double coverage)
{
    int64_t low = 0, high = 2 * fof->n;
    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        if (moe_coverage_at(fof, middle) >= coverage)
            high = middle;
        else
            low = middle;
    }
    return high;
}

void moe_compare(struct moe_sheet *sheet, const struct moe_counts *first, const struct moe_counts *second)
{
    const struct moe_counts *counts[2] = {first, second};
    const char *label[2] = {"first", "second"};
    struct moe_fof fof[2];
    struct moe_error err = {0};
    double value[2][PARTS], coverage = 1;
    for (int i = 0; i < 2; i++) {
        const int broken = !counts[i]->fof.value || moe_fof_view(&fof[i], &counts[i]->fof, 0, &err);
        if (broken || fof[i].n < 2 || fof[i].f[1] == fof[i].n) {
            moe_sheet_missing(sheet, "equal_coverage", "a run has fewer than 2 samples, or no pattern twice",
                              MOE_ESTIMATE, formula);
            return;
        }
        coverage = fmin(coverage, moe_coverage_at(&fof[i], 2 * fof[i].n));
    }
    moe_sheet_add(sheet, "equal_coverage", coverage, MOE_ESTIMATE, formula);
    for (int i = 0; i < 2; i++) {
        const int64_t m = size_for(&fof[i], coverage);
        value[i][0] = (double)m;
        value[i][1] = moe_coverage_at(&fof[i], m);
        value[i][2] = moe_patterns_at(&fof[i], m);
        value[i][3] = exp(moe_entropy_at(&fof[i], m));
        value[i][4] = moe_hill2_at(&fof[i], m);
        for (int p = 0; p < PARTS; p++) {
            char name[64];
            snprintf(name, sizeof name, "equal_%s_%s", part[p], label[i]);
            struct moe_figure *figure = moe_sheet_add(sheet, name, value[i][p], MOE_ESTIMATE, formula);
            figure->unit = unit[p];
            figure->in_table = p == 3; /* exp of the entropy */
        }
    }
    for (int p = 2; p < PARTS; p++) {
        char name[64];
        snprintf(name, sizeof name, "equal_ratio_%s", part[p]);
        moe_sheet_add(sheet, name, value[1][p] / value[0][p], MOE_ESTIMATE, formula)->in_table = 1;
    }
}
