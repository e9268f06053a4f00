/* Prints every figure of a table of counts as one JSON object, for tests that recompute them.
 *
 * usage: estimate_fof FILE [ln-worst [known-support [order...]]]
 *
 * FILE has two columns, count and patterns. Samples are taken to be independent. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "analysis/estimate.h"
#include "analysis/fof.h"
#include "src/pool.h"

static void print_number(const char *name, double value)
{
    if (isfinite(value))
        printf(", \"%s\": %.17g", name, value);
}

static void print_text(const char *name, const char *text)
{
    if (text)
        printf(", \"%s\": \"%s\"", name, text);
}

static void print_sheet(const struct moe_sheet *sheet)
{
    for (int i = 0; i < sheet->count; i++) {
        const struct moe_figure *f = &sheet->figure[i];
        printf("%s\n\"%s\": {\"grade\": \"%s\"", i ? "," : "{", f->name, f->grade);
        print_number("value", f->value);
        print_number("low", f->low);
        print_number("high", f->high);
        print_text("missing", f->missing);
        print_text("suppressed", f->suppressed);
        print_text("note", f->note);
        printf(", \"in_table\": %d}", f->in_table);
    }
    printf("\n}\n");
}

int main(int argc, char **argv)
{
    FILE *file = argc > 1 ? fopen(argv[1], "r") : NULL;
    struct moe_counts counts = {.independent = 1, .sum_squared_lengths = NAN, .one_sequence = -1, .pairs_within = NAN};
    struct moe_sheet sheet;
    struct moe_error err = {0};
    double order[32];
    int orders = 0;
    size_t capacity = 0;
    long long j, patterns;
    if (!file) {
        fprintf(stderr, "estimate_fof: no table\n");
        return 2;
    }
    counts.fof.width = 2;
    while (fscanf(file, "%lld %lld", &j, &patterns) == 2) {
        moe_pool_grow(MOE_POOL_FILES, (void **)&counts.fof.value, &capacity, (size_t)counts.fof.rows + 1,
                      2 * sizeof *counts.fof.value);
        counts.fof.value[2 * counts.fof.rows] = j;
        counts.fof.value[2 * counts.fof.rows++ + 1] = patterns;
        counts.samples += j * patterns;
    }
    fclose(file);
    counts.sequences = counts.samples;
    counts.ln_worst = argc > 2 ? atof(argv[2]) : NAN;
    for (int i = 4; i < argc && orders < 32; i++)
        order[orders++] = atof(argv[i]);
    const struct moe_estimate_options options = {
        .known_support = argc > 3 ? atoll(argv[3]) : 0, .order = order, .order_count = orders, .eta = 0.05};
    if (moe_counts_check(&counts, &err)) {
        fprintf(stderr, "estimate_fof: %s\n", err.text);
        return err.code;
    }
    moe_sheet_init(&sheet, "table");
    moe_estimate(&sheet, &counts, &options);
    print_sheet(&sheet);
    moe_sheet_clear(&sheet);
    moe_pool_free(counts.fof.value);
    return 0;
}
