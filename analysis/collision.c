#include "analysis/collision.h"

#include <math.h>
#include <string.h>

#include "analysis/occam.h"
#include "analysis/special.h"

/* A whole number of 320 bits, lowest word first. */
enum { WORDS = 5 };
struct wide {
    uint64_t word[WORDS];
};

static struct wide widen(unsigned __int128 value)
{
    return (struct wide){{(uint64_t)value, (uint64_t)(value >> 64)}};
}

static struct wide times(struct wide a, uint64_t b)
{
    unsigned __int128 carry = 0;
    for (int i = 0; i < WORDS; i++) {
        carry += (unsigned __int128)a.word[i] * b;
        a.word[i] = (uint64_t)carry;
        carry >>= 64;
    }
    return a;
}

static struct wide plus(struct wide a, struct wide b)
{
    unsigned __int128 carry = 0;
    for (int i = 0; i < WORDS; i++) {
        carry += (unsigned __int128)a.word[i] + b.word[i];
        a.word[i] = (uint64_t)carry;
        carry >>= 64;
    }
    return a;
}

static struct wide square(unsigned __int128 value)
{
    struct wide high = times(widen(value), (uint64_t)(value >> 64));
    memmove(high.word + 1, high.word, sizeof high.word - sizeof *high.word);
    high.word[0] = 0;
    return plus(times(widen(value), (uint64_t)value), high);
}

/* max(a - b, 0). */
static long double excess(struct wide a, struct wide b)
{
    long double value = 0;
    for (int i = 0; i < WORDS; i++)
        b.word[i] = ~b.word[i];
    struct wide difference = plus(plus(a, b), widen(1));
    if (difference.word[WORDS - 1] >> 63)
        return 0;
    for (int i = WORDS - 1; i >= 0; i--)
        value = value * 0x1p64L + difference.word[i];
    return value;
}

struct moe_collision moe_collision_of(const struct moe_fof *fof)
{
    const uint64_t n = (uint64_t)fof->n;
    const unsigned __int128 all = (unsigned __int128)n * (n - 1);
    const long double N = n, pairs = (long double)all, s2 = (long double)fof->pairs / pairs;
    /* s3 - s2^2 over the common denominator n^2 (n-1)^2 (n-2), of which (n-2) cancels against the variance's */
    const long double spread = excess(times(times(widen(fof->triples), n), n - 1), times(square(fof->pairs), n - 2));
    const long double off = (long double)(all - fof->pairs) / pairs;
    const long double variance = (4 * (spread / pairs / pairs) + 2 * s2 * off) / pairs;
    struct moe_collision c = {(double)((long double)fof->pairs / 2), (double)s2, (double)sqrtl(variance), 1};
    if (fof->pairs > 0)
        c.dispersion = (double)fmaxl(1, variance * (N * (N - 1) / 2) * (N * (N - 1) / 2) * 2 / (long double)fof->pairs);
    return c;
}

double moe_collision_lower(const struct moe_fof *fof, double alpha)
{
    const struct moe_collision c = moe_collision_of(fof);
    const double pairs = (double)fof->n * (double)(fof->n - 1) / 2;
    return pairs / (c.dispersion * moe_chi2_quantile(1 - alpha, 2 * c.colliding / c.dispersion + 2) / 2);
}

static void add_interval(struct moe_sheet *sheet, const struct moe_collision *c, double se)
{
    static const char *const formula = "U-statistic, interval on the log scale";
    const char *name[] = {"hill2_ci95_lo", "hill2_ci95_hi"};
    for (int i = 0; i < 2; i++) {
        const double reach = (i == 0 ? -1 : 1) * moe_normal_quantile(0.05) * se;
        struct moe_figure *figure = c->colliding > 0
                                        ? moe_sheet_add(sheet, name[i], exp(reach) / c->s2, MOE_ESTIMATE, formula)
                                        : moe_sheet_missing(sheet, name[i], "no repeated pattern", MOE_ESTIMATE,
                                                            formula);
        figure->unit = "patterns";
    }
}

void moe_add_collision(struct moe_sheet *sheet, const struct moe_fof *fof, int iid)
{
    const struct moe_collision c = moe_collision_of(fof);
    moe_sheet_add(sheet, "simpson_unbiased", c.s2, MOE_ESTIMATE, "Simpson 1949");
    moe_sheet_add(sheet, "simpson_se", c.se, MOE_ESTIMATE, "exact variance of the U-statistic, Hoeffding 1948");
    add_interval(sheet, &c, c.se / c.s2);
    moe_sheet_add(sheet, "collision_phi", c.dispersion, MOE_ESTIMATE, "variance over mean of the colliding pairs");
    struct moe_figure *figure = moe_sheet_add(sheet, "hill2_lower95_collision", moe_collision_lower(fof, 0.05),
                                              MOE_ESTIMATE, "colliding pairs as Poisson, widened by collision_phi");
    figure->unit = "patterns";
    figure->note = "one-sided 95 % lower limit";
    static const char *const none = "no-collision certificate";
    figure = fof->pairs == 0
                 ? moe_sheet_add(sheet, "hill2_lower975_no_collision",
                                 exp(moe_occam_no_collision((double)fof->n, 0.025)),
                                 iid ? MOE_CERTIFIED : MOE_NOT_CERTIFIED, none)
                 : moe_sheet_missing(sheet, "hill2_lower975_no_collision", "samples collide", MOE_CERTIFIED, none);
    figure->unit = "patterns";
    figure->note = "one-sided 97.5 % lower limit of orders 0, 1 and 2 when all samples differ";
}
