#include "analysis/certified.h"

#include <math.h>

#include "analysis/bracket.h"
#include "analysis/entropy.h"
#include "analysis/occam.h"
#include "analysis/split.h"
#include "src/pool.h"

enum { PARTS = 4 };

/* A law learned from counts: -ln q of a pattern by its count. */
struct law {
    int smooth;    /* add 1/2 everywhere, instead of an escape to what was not seen */
    double common; /* less ln(count), or ln(count + 1/2) */
    double unseen;
};

/* What the first half of a split holds. */
struct learned {
    double samples, seen, singles;
};

static int equal_lengths(const struct moe_counts *counts)
{
    const double n = (double)counts->samples;
    return counts->samples == counts->sequences ||
           fabs(counts->sum_squared_lengths * (double)counts->sequences - n * n) < 1e-9 * n * n;
}

static double plugin_part(const struct moe_counts *counts, const struct moe_fof *fof, double eta)
{
    const double n = (double)fof->n;
    const double squares = counts->samples == counts->sequences ? n : counts->sum_squared_lengths;
    return (double)moe_entropy_plugin(fof) - log(n) * sqrt(2 * log(1 / eta) * squares) / n;
}

static double no_collision_part(const struct moe_counts *counts, const struct moe_fof *fof, double eta)
{
    struct moe_fof thinned = *fof;
    struct moe_error err = {0};
    if (counts->samples != counts->sequences) {
        if (!counts->thinned.value || !equal_lengths(counts) || moe_fof_view(&thinned, &counts->thinned, 0, &err))
            return NAN;
    }
    return thinned.pairs == 0 && thinned.n > 1 ? moe_occam_no_collision((double)thinned.n, eta) : NAN;
}

static double path_part(const struct moe_counts *path, double eta)
{
    struct moe_fof fof;
    struct moe_error err = {0};
    if (!path || !path->fof.value || path->sequences == 0 || !equal_lengths(path) ||
        moe_fof_view(&fof, &path->fof, 0, &err))
        return NAN;
    return plugin_part(path, &fof, eta) - log((double)path->samples / (double)path->sequences);
}

/* ln(n + W/2) and ln(W - S) are made from ln W, as W can be beyond what a double holds. */
static struct law law_of(struct learned from, double ln_worst, int smooth)
{
    const double inverse = exp(-ln_worst), delta = (from.singles + 1) / (from.samples + 2);
    struct law law = {.smooth = smooth};
    if (smooth) {
        law.common = ln_worst - log(2) + log1p(2 * from.samples * inverse);
        law.unseen = law.common + log(2);
    } else {
        law.common = log(from.samples) - log1p(-delta);
        law.unseen = ln_worst + log1p(-fmin(from.seen * inverse, 1 - 0x1p-50)) - log(delta);
    }
    return law;
}

static double price(const struct law *law, int64_t count)
{
    return count == 0 ? law->unseen : law->common - log(law->smooth ? (double)count + 0.5 : (double)count);
}

/* Which way of smoothing is the shorter for the first half itself, each sample priced with itself left out. */
static int smooth_is_shorter(struct learned from, double ln_worst, const struct moe_rows *split)
{
    double sum[2] = {0, 0};
    if (from.samples < 2)
        return 1;
    for (int smooth = 0; smooth < 2; smooth++) {
        /* without a sample of a pattern seen once, twice, more often */
        const struct law law[3] = {
            law_of((struct learned){from.samples - 1, from.seen - 1, from.singles - 1}, ln_worst, smooth),
            law_of((struct learned){from.samples - 1, from.seen, from.singles + 1}, ln_worst, smooth),
            law_of((struct learned){from.samples - 1, from.seen, from.singles}, ln_worst, smooth)};
        for (int64_t i = 0; i < split->rows; i++) {
            const int64_t count = split->value[3 * i], patterns = split->value[3 * i + 1];
            if (count > 0 && patterns > 0)
                sum[smooth] += (double)count * (double)patterns * price(&law[count < 3 ? count - 1 : 2], count - 1);
        }
    }
    return sum[1] < sum[0];
}

static double code_length_of(const struct moe_rows *split, double ln_worst, double length, double eta)
{
    struct learned from = {0};
    double mean = 0, tested = 0, least = INFINITY, most = 0;
    for (int64_t i = 0; i < split->rows; i++) {
        const int64_t *row = split->value + 3 * i;
        from.samples += (double)row[0] * (double)row[1];
        from.seen += row[0] > 0 ? (double)row[1] : 0;
        from.singles += row[0] == 1 ? (double)row[1] : 0;
        tested += (double)row[2];
    }
    const struct law law = law_of(from, ln_worst, smooth_is_shorter(from, ln_worst, split));
    for (int64_t i = 0; i < split->rows; i++) {
        const double cost = price(&law, split->value[3 * i]);
        mean += (double)split->value[3 * i + 2] * cost / tested;
        least = fmin(least, cost);
        most = fmax(most, cost);
    }
    /* what the first half has not met, unless there is nothing left */
    if (log(from.seen + 0.5) < ln_worst) {
        least = fmin(least, law.unseen);
        most = fmax(most, law.unseen);
    }
    if (!(most > least))
        return most;
    return least + (most - least) * moe_occam_mean_upper((mean - least) / (most - least), tested / length, eta);
}

static double code_length_part(const struct moe_counts *counts, const struct moe_fof *fof, double eta,
                               const char **missing)
{
    struct moe_rows split = counts->split;
    *missing = NULL;
    if (isnan(counts->ln_worst))
        *missing = "worst case unknown";
    else if (!equal_lengths(counts))
        *missing = "sequences differ in length";
    else if (!split.value && counts->samples != counts->sequences)
        *missing = "no counts by halves of the sequences";
    else if (!split.value && !moe_split_by_coin(&split, fof))
        *missing = "too many rows to deal into halves";
    int64_t tested = 0;
    for (int64_t i = 0; !*missing && i < split.rows; i++)
        tested += split.value[3 * i + 2];
    if (!*missing && tested == 0)
        *missing = "no samples to test on";
    double value = NAN;
    if (!*missing)
        value = code_length_of(&split, counts->ln_worst, (double)counts->samples / (double)counts->sequences, eta);
    if (split.value != counts->split.value)
        moe_pool_free(split.value);
    return value;
}

struct moe_certified moe_certified_of(const struct moe_counts *counts, const struct moe_fof *fof,
                                      const struct moe_counts *path, double eta)
{
    struct moe_certified parts = {plugin_part(counts, fof, eta / PARTS), no_collision_part(counts, fof, eta / PARTS),
                                  path_part(path, eta / PARTS), NAN, NULL};
    parts.code_length = code_length_part(counts, fof, eta / PARTS, &parts.code_missing);
    return parts;
}

void moe_add_certified(struct moe_sheet *sheet, const struct moe_counts *counts, const struct moe_fof *fof,
                       const struct moe_counts *path, double eta)
{
    static const char *const name[PARTS] = {"H_certified_plugin", "H_certified_no_collision", "H_certified_path",
                                            "H_certified_code_length"};
    static const char *const formula[PARTS] = {"plug-in less its McDiarmid range", "no-collision certificate",
                                               "path entropy less ln l", "held-out code length, Hoeffding 1963"};
    static const char *const whole = "best of the certified parts";
    const char *none = !counts->independent ? "sequences are not known to be independent of each other and of the model"
                       : counts->sequences == 0 ? "number of independent sequences unknown"
                                                : NULL;
    if (none) {
        for (int i = 0; i < PARTS; i++)
            moe_sheet_missing(sheet, name[i], none, MOE_NOT_CERTIFIED, formula[i])->unit = "nats";
        struct moe_figure *figure = moe_sheet_missing(sheet, "H_certified", none, MOE_NOT_CERTIFIED, whole);
        figure->unit = "nats";
        figure->in_table = 1;
        return;
    }
    const struct moe_certified c = moe_certified_of(counts, fof, path, eta);
    const double value[PARTS] = {c.plugin, c.no_collision, c.path, c.code_length};
    const char *reason[PARTS] = {"sequence lengths unknown", "samples collide, or were not thinned",
                                 "for scopes of whole sequences with counts of paths", c.code_missing};
    double low = 0;
    for (int i = 0; i < PARTS; i++) {
        struct moe_figure *figure = isnan(value[i])
                                        ? moe_sheet_missing(sheet, name[i], reason[i], MOE_CERTIFIED, formula[i])
                                        : moe_sheet_add(sheet, name[i], value[i], MOE_CERTIFIED, formula[i]);
        figure->unit = "nats";
        figure->note = moe_sheet_text(sheet, "alone with probability %.4g", 1 - eta / PARTS);
        if (i < 3)
            low = fmax(low, value[i]);
    }
    low = fmin(low, counts->ln_worst);
    moe_add_bracket_figures(sheet, "H_certified", low, fmin(c.code_length, counts->ln_worst), 1 - eta, MOE_CERTIFIED,
                            whole, "independent sequences");
}
