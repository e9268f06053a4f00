#include "analysis/fof.h"

#include <inttypes.h>
#include <math.h>

#include "src/pool.h"

static enum moe_status check_row(const int64_t *row, int64_t i, int64_t units, struct moe_error *err)
{
    const int64_t j = row[2 * i], patterns = row[2 * i + 1];
    if (j < 1 || patterns < 1)
        return moe_fail(err, MOE_INPUT,
                        "row %" PRId64 ": %" PRId64 " patterns seen %" PRId64 " times (both must be at least 1)", i + 1,
                        patterns, j);
    if (i > 0 && row[2 * i - 2] >= j)
        return moe_fail(err, MOE_INPUT,
                        "row %" PRId64 ": count %" PRId64 " after %" PRId64 " (counts must rise from row to row)",
                        i + 1, j, row[2 * i - 2]);
    if (units > 0 && j > units)
        return moe_fail(err, MOE_INPUT, "row %" PRId64 ": patterns held by %" PRId64 " of %" PRId64 " sampling units",
                        i + 1, j, units);
    if (j > MOE_FOF_LIMIT || patterns > MOE_FOF_LIMIT)
        return moe_fail(err, MOE_INPUT, "row %" PRId64 ": more than 2^42 samples", i + 1);
    return MOE_OK;
}

enum moe_status moe_fof_view(struct moe_fof *fof, const struct moe_rows *table, int64_t units, struct moe_error *err)
{
    *fof = (struct moe_fof){.row = table->value, .rows = table->rows};
    unsigned __int128 total = 0, patterns = 0;
    for (int64_t i = 0; i < fof->rows; i++) {
        if (check_row(fof->row, i, units, err))
            return err->code;
        const unsigned __int128 j = (unsigned __int128)fof->row[2 * i], f = (unsigned __int128)fof->row[2 * i + 1];
        total += j * f;
        patterns += f;
        if (total > (unsigned __int128)MOE_FOF_LIMIT)
            return moe_fail(err, MOE_INPUT, "row %" PRId64 ": more than 2^42 samples", i + 1);
        fof->pairs += f * j * (j - 1);
        if (j > 2)
            fof->triples += f * j * (j - 1) * (j - 2);
        fof->squares += f * j * j;
        if (j < 5)
            fof->f[j] = (int64_t)f;
        fof->max = (int64_t)j;
    }
    fof->total = (int64_t)total;
    fof->patterns = (int64_t)patterns;
    fof->n = units > 0 ? units : fof->total;
    return MOE_OK;
}

/* One table whose sum, or whose number of patterns, is known: -1 where it is not. */
static enum moe_status check_table(const char *name, const struct moe_rows *table, int64_t units, int64_t total,
                                   int64_t patterns, struct moe_error *err)
{
    struct moe_fof fof;
    struct moe_error inner = {0};
    if (!table->value)
        return MOE_OK;
    if (table->width != 2)
        return moe_fail(err, MOE_INPUT, "%s has %d columns, not 2", name, table->width);
    if (moe_fof_view(&fof, table, units, &inner))
        return moe_fail(err, MOE_INPUT, "%s: %s", name, inner.text);
    if (total >= 0 && fof.total != total)
        return moe_fail(err, MOE_INPUT, "%s adds up to %" PRId64 ", not to %" PRId64, name, fof.total, total);
    if (patterns >= 0 && fof.patterns != patterns)
        return moe_fail(err, MOE_INPUT, "%s has %" PRId64 " patterns, not %" PRId64, name, fof.patterns, patterns);
    return MOE_OK;
}

/* A table by group: groups in order, no negative count (the last column may be the low half of 128 bits). */
static enum moe_status check_groups(const char *name, const struct moe_rows *table, struct moe_error *err)
{
    for (int64_t i = 0; table->value && i < table->rows; i++) {
        const int64_t *row = table->value + i * table->width;
        if (row[0] < 0 || row[0] >= MOE_COUNT_GROUPS || (i > 0 && row[0] < row[-table->width]))
            return moe_fail(err, MOE_INPUT, "%s: row %" PRId64 ": group %" PRId64 " (groups rise from 0 to %d)", name,
                            i + 1, row[0], MOE_COUNT_GROUPS - 1);
        if (row[1] < 0)
            return moe_fail(err, MOE_INPUT, "%s: row %" PRId64 ": negative count", name, i + 1);
    }
    return MOE_OK;
}

static enum moe_status check_tables(const struct moe_counts *counts, struct moe_error *err)
{
    const int64_t samples = counts->samples, sequences = counts->sequences;
    int64_t patterns = -1;
    for (int64_t i = 0; counts->fof.value && counts->fof.width == 2 && i < counts->fof.rows; i++)
        patterns = (patterns < 0 ? 0 : patterns) + counts->fof.value[2 * i + 1];
    if (check_table("fof", &counts->fof, 0, samples, -1, err) ||
        check_table("incidence", &counts->incidence, sequences, -1, patterns, err) ||
        check_table("thinned", &counts->thinned, 0, sequences > 0 ? sequences : -1, -1, err) ||
        check_groups("without_fof", &counts->without_fof, err) ||
        check_groups("without_incidence", &counts->without_incidence, err) ||
        check_groups("without_one_sequence", &counts->without_one_sequence, err) ||
        check_groups("without_pairs_within", &counts->without_pairs_within, err) ||
        check_groups("held_out", &counts->held_out, err))
        return err->code;
    if (patterns > 0 && log((double)patterns) > counts->ln_worst + 1e-9)
        return moe_fail(err, MOE_INPUT,
                        "%" PRId64 " patterns, but at most exp(%.10g) are possible (is the worst case "
                        "right?)",
                        patterns, counts->ln_worst);
    int64_t learned = 0, tested = 0;
    for (int64_t i = 0; counts->split.value && i < counts->split.rows; i++) {
        const int64_t *row = counts->split.value + 3 * i;
        if (row[0] < 0 || row[1] < 0 || row[2] < 0 || row[0] > MOE_FOF_LIMIT || row[1] > MOE_FOF_LIMIT)
            return moe_fail(err, MOE_INPUT, "split: row %" PRId64 " is negative or beyond 2^42", i + 1);
        learned += row[0] * row[1];
        tested += row[2];
    }
    if (counts->split.value && samples > 0 && learned + tested != samples)
        return moe_fail(err, MOE_INPUT, "split adds up to %" PRId64 " samples, not to %" PRId64, learned + tested,
                        samples);
    if (counts->one_sequence > samples && samples > 0)
        return moe_fail(err, MOE_INPUT, "one_sequence counts %" PRId64 " of %" PRId64 " samples", counts->one_sequence,
                        samples);
    return MOE_OK;
}

enum moe_status moe_counts_check(const struct moe_counts *counts, struct moe_error *err)
{
    struct moe_error inner = {0};
    return check_tables(counts, &inner) ? moe_fail(err, inner.code, "%s: %.900s", counts->path, inner.text) : MOE_OK;
}

/* The first row of a group, or of a later one. */
static int64_t first_row(const struct moe_rows *table, int group)
{
    int64_t low = 0, high = table->rows;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (table->value[middle * table->width] >= group)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

struct moe_fof moe_fof_of_group(const struct moe_rows *table, int group, int64_t **copy)
{
    const int64_t first = first_row(table, group), rows = first_row(table, group + 1) - first;
    *copy = moe_pool_new(MOE_POOL_FILES, (size_t)(2 * rows), sizeof **copy);
    for (int64_t i = 0; i < rows; i++) {
        (*copy)[2 * i] = table->value[3 * (first + i) + 1];
        (*copy)[2 * i + 1] = table->value[3 * (first + i) + 2];
    }
    const struct moe_rows part = {.rows = rows, .width = 2, .value = *copy};
    struct moe_fof fof;
    struct moe_error err = {0};
    if (moe_fof_view(&fof, &part, 0, &err))
        moe_fatal(err.code, "counts without group %d: %s", group, err.text);
    return fof;
}
