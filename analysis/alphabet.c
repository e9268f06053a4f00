#include "analysis/alphabet.h"

#include <math.h>
#include <stdio.h>

#include "analysis/choose.h"
#include "analysis/occam.h"

struct moe_alphabet moe_alphabet_of(const struct moe_rows *split, double escape)
{
    struct moe_alphabet a = {0};
    for (int64_t i = 0; split->value && i < split->rows; i++) {
        const int64_t *row = split->value + 3 * i;
        a.first += (double)row[0] * (double)row[1];
        a.second += (double)row[2];
    }
    const double goal = ceil((1 - escape) * a.first * (1 - 1e-14)); /* (1 - 0.1) n may round above a whole number */
    double held = 0, caught = 0;
    for (int64_t i = split->value ? split->rows - 1 : -1; i >= 0 && held < goal; i--) {
        const int64_t *row = split->value + 3 * i;
        const double all = (double)row[0] * (double)row[1];
        a.smallest = a.patterns + (held + all <= goal ? (double)row[1] : ceil((goal - held) / (double)row[0]));
        a.patterns += (double)row[1];
        held += all;
        caught += (double)row[2];
    }
    a.mass = a.first > 0 ? held / a.first : 0;
    a.escaped = a.second - caught;
    return a;
}

double moe_alphabet_code(const struct moe_rows *split, double ln_alphabet, double *longest)
{
    double first = 0, second = 0, sum = 0;
    for (int64_t i = 0; split->value && i < split->rows; i++)
        first += (double)split->value[3 * i] * (double)split->value[3 * i + 1];
    const double ln_whole = moe_ln_sum(log(first), ln_alphabet - M_LN2);
    for (int64_t i = 0; split->value && i < split->rows; i++) {
        const int64_t *row = split->value + 3 * i;
        sum += (double)row[2] * (ln_whole - log((double)row[0] + 0.5));
        second += (double)row[2];
    }
    *longest = ln_whole + M_LN2;
    return second > 0 ? sum / second : NAN;
}

double moe_alphabet_units(const struct moe_counts *counts, double samples)
{
    const double n = (double)counts->samples, sequences = (double)counts->sequences;
    if (!(sequences > 0) || isnan(counts->sum_squared_lengths))
        return NAN;
    const double length = n / sequences; /* equal lengths alone reach the least sum of squares */
    const int equal = length == floor(length) && counts->sum_squared_lengths == n * length;
    const double units = samples / length;
    return equal && units == floor(units) ? units : NAN;
}

static struct moe_figure *add(struct moe_sheet *sheet, const char *prefix, const char *name, double value,
                              const char *missing, const char *grade, const char *formula)
{
    const char *full = moe_sheet_text(sheet, "%s%s", prefix, name);
    return isnan(value) ? moe_sheet_missing(sheet, full, missing, grade, formula)
                        : moe_sheet_add(sheet, full, value, grade, formula);
}

/* Why a line that needs independent sequences of one length is no more than a description; null where it is more. */
static const char *obstacle(const struct moe_counts *counts, double units)
{
    if (!counts->independent)
        return "sequences are not independent of each other and of the model";
    return isnan(units) ? "needs the escapes of each sequence: lengths differ or are unknown" : NULL;
}

static void add_escape(struct moe_sheet *sheet, const struct moe_counts *counts, const char *prefix, double escape,
                       double failure)
{
    const char *absent = counts->split.value ? "one half has no samples" : "no table split";
    const struct moe_alphabet a = moe_alphabet_of(&counts->split, escape);
    const int there = a.first > 0 && a.second > 0;
    const double units = moe_alphabet_units(counts, a.second), rate = there ? a.escaped / a.second : NAN;
    const char *why = obstacle(counts, units);
    const int whole = units == a.second; /* a sample is a sequence: the trials are independent */
    const double n = isnan(units) ? a.second : units;
    const double upper = !there          ? NAN
                         : whole || why  ? moe_occam_upper(a.escaped, a.second, failure)
                                         : moe_occam_mean_upper(rate, n, failure);
    struct moe_figure *f = add(sheet, prefix, "K_eps", there ? a.patterns : NAN, absent, MOE_COUNT,
                               "coverage number: most frequent patterns of groups 0-19");
    f->unit = "patterns";
    f->in_table = 1;
    f->note = moe_sheet_text(sheet, "eps = %g; the set holds %.6g of groups 0-19, %.0f patterns would do", escape,
                             a.mass, a.smallest);
    f = add(sheet, prefix, "K_eps_escape", rate, absent, MOE_MEASURED, "share of groups 20-39 outside the K_eps set");
    f->note = moe_sheet_text(sheet, "%.0f of %.0f samples", a.escaped, a.second);
    f = add(sheet, prefix, "K_eps_escape_upper", upper, absent,
            upper >= 1 ? MOE_VACUOUS
            : why      ? MOE_DIAGNOSTIC
                       : MOE_CERTIFIED,
            whole || why ? "Clopper and Pearson 1934" : "Hoeffding 1963, Theorem 1, by sequences");
    f->in_table = 1;
    f->note = why ? moe_sheet_text(sheet, "samples taken as independent; %s", why)
                  : moe_sheet_text(sheet, "eta = %g for this line, %.0f sequences; adds to the loss of a router masked "
                                          "to the set", failure, units);
}

static void add_code(struct moe_sheet *sheet, const struct moe_counts *counts, const char *prefix, double failure)
{
    double longest = NAN, second = 0;
    for (int64_t i = 0; counts->split.value && i < counts->split.rows; i++)
        second += (double)counts->split.value[3 * i + 2];
    const double mean = moe_alphabet_code(&counts->split, counts->ln_worst, &longest);
    const double units = moe_alphabet_units(counts, second);
    const char *absent = isnan(counts->ln_worst) ? "needs the worst case" : "no samples in groups 20-39 of table split";
    const char *why = obstacle(counts, units);
    struct moe_figure *f = add(sheet, prefix, "code_held_out", mean, absent, MOE_ESTIMATE,
                               "cross-entropy of groups 20-39 under add-1/2 frequencies of groups 0-19");
    f->unit = "nats";
    f->note = "its mean is at least the entropy";
    const double upper = longest * moe_occam_mean_upper(mean / longest, isnan(units) ? second : units, failure);
    const int worst = upper >= counts->ln_worst;
    f = add(sheet, prefix, "code_held_out_upper", worst ? counts->ln_worst : upper, absent,
            worst ? MOE_VACUOUS : why ? MOE_DIAGNOSTIC : MOE_CERTIFIED,
            "held-out code length, Hoeffding 1963, Theorem 1, by sequences");
    f->unit = "nats";
    f->in_table = 1;
    f->note = worst ? "no better than ln of the worst case"
              : why ? why
                    : moe_sheet_text(sheet, "upper limit of the entropy; eta = %g for this line, %.0f sequences",
                                     failure, units);
}

void moe_add_alphabet(struct moe_sheet *sheet, const struct moe_counts *counts, const char *prefix, double escape,
                      double failure)
{
    add_escape(sheet, counts, prefix, escape, failure);
    add_code(sheet, counts, prefix, failure);
}
