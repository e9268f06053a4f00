#include "analysis/hill.h"

#include <math.h>
#include <stdio.h>

#include "analysis/coverage.h"
#include "analysis/special.h"
#include "analysis/support.h"

/* A real number as sign and ln of its size. */
struct scaled {
    int sign;
    long double ln;
};

/* Near order 1, M_q - 1 is summed instead of M_q, and its ln divided by 1 - q stays exact. */
#define NEAR_ONE 0.1

static const char no_repeat[] = "no pattern was seen q times or more (or n = 1): infinite";
static const char no_estimate[] = "the estimate exists for orders from 0 to below n + 1";

/* x^q, cheaply where 2 q is a small whole number. */
static long double power(long double x, long double q)
{
    if (q < 0 || q > 8 || 2 * q != floorl(2 * q))
        return expl(q * logl(x));
    long double product = q == floorl(q) ? 1 : sqrtl(x);
    for (int i = 1; i <= q; i++)
        product *= x;
    return product;
}

double moe_hill_observed(const struct moe_fof *fof, double q)
{
    const long double total = fof->total, top = fof->max, e = 1 - (long double)q;
    if (isinf(q))
        return (double)(total / top);
    if (q == 0)
        return (double)fof->patterns;
    long double sum = 0;
    for (int64_t i = 0; i < fof->rows; i++) {
        const long double j = fof->row[2 * i], f = fof->row[2 * i + 1];
        sum += fabsl(e) < NEAR_ONE ? f * (j / total) * expm1l(-e * logl(j / total)) : f * power(j / top, q);
    }
    if (fabsl(e) < NEAR_ONE)
        return (double)expl(log1pl(sum) / e);
    return (double)expl((logl(sum) + q * logl(top / total)) / e);
}

/* Gamma(j + 1) / Gamma(j + 1 - q). */
static struct scaled falling(int64_t j, long double q)
{
    struct scaled r = {1, 0};
    long double w = (long double)j + 1 - q;
    if (q == floorl(q) && q <= 64) {
        if (q > j)
            return (struct scaled){0, 0};
        long double product = 1;
        for (int64_t i = 0; i < (int64_t)q; i++)
            product *= (long double)(j - i);
        r.ln = logl(product);
        return r;
    }
    for (; w <= 0; w++) {
        r.sign = w == 0 ? 0 : w < 0 ? -r.sign : r.sign;
        if (r.sign == 0)
            return r;
        r.ln += logl(-w);
    }
    r.ln -= moe_ln_gamma_step((long double)j + 1, w - (long double)(j + 1));
    return r;
}

/* Gamma(j+1)/Gamma(j+1-q) over the same of top. With w = j + (1-q)/2 the ratio is w^q times a series in 1/w^2, of which
 * one term is exact for large j. */
static long double relative(int64_t j, int64_t top, long double q, long double ln_top)
{
    if (j < 10000 * (1 + q)) {
        const struct scaled term = falling(j, q);
        return term.sign * expl(term.ln - ln_top);
    }
    const long double w = j + (1 - q) / 2, w_top = top + (1 - q) / 2;
    return power(w / w_top, q) * (1 - q * (q * q - 1) / 24 * (1 / (w * w) - 1 / (w_top * w_top)));
}

/* sin(pi q), exactly 0 at whole q. */
static long double sine(long double q)
{
    const long double whole = roundl(q);
    return (fmodl(whole, 2) != 0 ? -1 : 1) * sinl(3.14159265358979323846264338327950288L * (q - whole));
}

/* The part of M_q from patterns not seen; with join that of singletons (q > 1) and pairs (q > 2) as well, which it
 * nearly cancels when few samples repeat. With I(n, q) the integral: singletons are -(f1/n) (sin(pi q)/pi) times that
 * of t^(n-q) (1-t)^(q-2), so both make -(f1/n) (sin(pi q)/pi) a I(n-1, q-1); a (n-1) f1 = 2 f2 x gives the next step.
 * join becomes the largest count that is inside. 0 at whole orders, where counts below q add nothing either. */
static struct scaled tail(const struct moe_fof *fof, long double q, int *join)
{
    const long double a = moe_coverage_a(fof), wave = sine(q), n = fof->n;
    const int inside = !*join || q < 1 ? 0 : q > 2 && fof->f[2] > 0 ? 2 : 1;
    const long double weight = inside == 2   ? 2 * fof->f[2] / (n * (n - 1)) * a
                               : inside == 1 ? -fof->f[1] / n * a
                                             : fof->f[1] / n * (1 - a);
    *join = inside;
    if (weight == 0 || wave == 0)
        return (struct scaled){0, 0};
    const long double ln = logl(fabsl(weight * wave) / 3.14159265358979323846264338327950288L);
    return (struct scaled){weight * wave > 0 ? 1 : -1, ln + moe_ln_tail_integral(fof->n - inside, q - inside, a)};
}

static double near_one(const struct moe_fof *fof, long double e)
{
    const long double n = fof->n, whole = moe_ln_gamma_step(n, e);
    int join = 0;
    const struct scaled unseen = tail(fof, 1 - e, &join);
    long double sum = unseen.sign == 0 ? 0 : unseen.sign * expl(unseen.ln);
    for (int64_t i = 0; i < fof->rows; i++) {
        const long double j = fof->row[2 * i], f = fof->row[2 * i + 1];
        sum += f * (j / n) * expm1l(whole - moe_ln_gamma_step(j, e));
    }
    return (double)expl(log1pl(sum) / e);
}

double moe_hill_asymptotic(const struct moe_fof *fof, double order)
{
    const long double q = order, e = 1 - q;
    if (order == 0)
        return moe_chao(fof).estimate;
    if (!(order > 0) || q >= (long double)fof->n + 1)
        return NAN;
    if (fabsl(e) < NEAR_ONE)
        return near_one(fof, e);
    int join = 1;
    const struct scaled unseen = tail(fof, q, &join);
    const long double top = falling(fof->max, q).ln, scale = top - falling(fof->n, q).ln;
    long double sum = unseen.sign == 0 ? 0 : unseen.sign * expl(unseen.ln - scale);
    for (int64_t i = 0; i < fof->rows; i++)
        if (fof->row[2 * i] > join)
            sum += fof->row[2 * i + 1] * relative(fof->row[2 * i], fof->max, q, top);
    return sum > 0 ? (double)expl((logl(sum) + scale) / e) : NAN;
}

static void add_order(struct moe_sheet *sheet, const struct moe_fof *fof, const struct moe_entropy *entropy, double q)
{
    char name[64];
    snprintf(name, sizeof name, "hill_obs_q%.15g", q);
    if (moe_sheet_find(sheet, name))
        return;
    const double observed = q == 1 ? (double)expl(entropy->plugin) : moe_hill_observed(fof, q);
    moe_sheet_add(sheet, name, observed, MOE_MEASURED, "Hill 1973")->unit = "patterns";
    if (isinf(q))
        return;
    const int exists = q >= 0 && q < (double)fof->n + 1;
    const double value = q == 1 ? (double)expl(entropy->zhang + entropy->tail) : moe_hill_asymptotic(fof, q);
    snprintf(name, sizeof name, "hill_asy_q%.15g", q);
    struct moe_figure *figure = isfinite(value) ? moe_sheet_add(sheet, name, value, MOE_ESTIMATE, "Chao and Jost 2015")
                                                : moe_sheet_missing(sheet, name, exists ? no_repeat : no_estimate,
                                                                    MOE_ESTIMATE, "Chao and Jost 2015");
    figure->unit = "patterns";
}

int moe_add_hill(struct moe_sheet *sheet, const struct moe_fof *fof, const struct moe_entropy *entropy,
                 const double *extra, int extra_count)
{
    static const double order[] = {0, 0.5, 1, 1.5, 2, 3};
    const int orders = (int)(sizeof order / sizeof *order);
    int falls = 1;
    double before = INFINITY;
    for (int i = 0; i < orders; i++) {
        add_order(sheet, fof, entropy, order[i]);
        const double value = sheet->figure[sheet->count - 1].value;
        if (value > before * (1 + 1e-12))
            falls = 0;
        before = isnan(value) ? before : value;
    }
    add_order(sheet, fof, entropy, INFINITY);
    for (int i = 0; i < extra_count; i++)
        add_order(sheet, fof, entropy, extra[i]);
    struct moe_figure *figure = moe_sheet_add(sheet, "hill_profile_monotone", falls, MOE_DIAGNOSTIC,
                                              "every true profile falls with q");
    if (!falls)
        figure->note = "profile not monotone: undersampled";
    return falls;
}
