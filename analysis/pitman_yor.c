#include "analysis/pitman_yor.h"

#include <math.h>
#include <stddef.h>

#include "analysis/special.h"

/* The score needs sum f_j psi(j - d) for many d. From LARGE on, psi(j - d) is expanded in d about j, so that the table
 * is read once. */
enum { LARGE = 64, ORDER = 11 };

#define LEAST_DISCOUNT 1e-6L

struct score {
    const struct moe_fof *fof;
    int64_t small_rows;
    long double term[ORDER + 1]; /* sum over them of psi^(k)(j) / k! */
};

/* Adds f psi^(k)(x) / k! to term[k] for each k whose part in the score, at most x^-k, is above 1e-18. */
static void add_polygammas(long double *term, long double x, long double f)
{
    static const long double bernoulli[] = {1 / 6.0L, -1 / 30.0L, 1 / 42.0L, -1 / 30.0L, 5 / 66.0L};
    const long double inverse = 1 / x, square = inverse * inverse;
    const int bernoullis = x < 1e4L ? 5 : 2;
    long double power = inverse, sign = f;
    for (int k = 1; k <= ORDER && power > 1e-18L; k++, power *= inverse, sign = -sign) {
        long double sum = power / k + power * inverse / 2, rising = (k + 1) / 2.0L, fall = power * square;
        /* (2m + k - 1)! / ((2m)! k!) */
        for (int m = 1; m <= bernoullis; m++, fall *= square) {
            sum += bernoulli[m - 1] * rising * fall;
            rising *= (k + 2 * m) * (long double)(k + 2 * m + 1) / ((2 * m + 1) * (2 * m + 2));
        }
        term[k] += sign * sum;
    }
}

static struct score prepare(const struct moe_fof *fof)
{
    struct score score = {.fof = fof};
    while (score.small_rows < fof->rows && fof->row[2 * score.small_rows] < LARGE)
        score.small_rows++;
    for (int64_t i = score.small_rows; i < fof->rows; i++) {
        const long double j = fof->row[2 * i], f = fof->row[2 * i + 1];
        score.term[0] += f * moe_digamma(j);
        add_polygammas(score.term, j, f);
    }
    return score;
}

/* psi(x + step) - psi(x), also where x is far beyond step. */
static long double digamma_step(long double x, long double step)
{
    if (x > 1e6L)
        return log1pl(step / x) + moe_digamma_rest(x + step) - moe_digamma_rest(x);
    return moe_digamma(x + step) - moe_digamma(x);
}

/* sum over 0 < l < S of 1 / (a + l d). */
static long double harmonic(const struct moe_fof *fof, long double d, long double a)
{
    const long double more = fof->patterns - 1;
    return d == 0 ? more / a : digamma_step((a + d) / d, more) / d;
}

static long double strength_score(const struct moe_fof *fof, long double d, long double a)
{
    return harmonic(fof, d, a) - digamma_step(1 + a, fof->n - 1);
}

/* The a > -d at which the likelihood of a discount is largest. */
static long double best_strength(const struct moe_fof *fof, long double d)
{
    long double low = -40, high = 60;
    for (int i = 0; i < 80; i++) {
        const long double middle = (low + high) / 2;
        if (strength_score(fof, d, expl(middle) - d) > 0)
            low = middle;
        else
            high = middle;
    }
    return expl((low + high) / 2) - d;
}

static long double discount_score(const struct score *score, long double d)
{
    const struct moe_fof *fof = score->fof;
    const long double a = best_strength(fof, d);
    long double sum = ((fof->patterns - 1) - a * harmonic(fof, d, a)) / d, power = 1;
    sum += (long double)fof->patterns * moe_digamma(1 - d);
    for (int64_t i = 0; i < score->small_rows; i++)
        sum -= fof->row[2 * i + 1] * moe_digamma(fof->row[2 * i] - d);
    for (int k = 0; k <= ORDER; k++, power *= -d)
        sum -= score->term[k] * power;
    return sum;
}

int moe_pitman_yor_fit(const struct moe_fof *fof, struct moe_pitman_yor *fit)
{
    if (fof->patterns == fof->n || fof->patterns < 2)
        return 0;
    const struct score score = prepare(fof);
    long double low = discount_score(&score, LEAST_DISCOUNT) > 0 ? LEAST_DISCOUNT : 0, high = 1 - 1e-15L;
    if (low > 0)
        for (int i = 0; i < 64; i++) {
            const long double middle = (low + high) / 2;
            if (discount_score(&score, middle) > 0)
                low = middle;
            else
                high = middle;
        }
    *fit = (struct moe_pitman_yor){low, best_strength(fof, low)};
    return 1;
}

double moe_pitman_yor_entropy(const struct moe_fof *fof, struct moe_pitman_yor law)
{
    const long double d = law.discount, a = law.strength, whole = a + fof->n;
    long double sum = (a + fof->patterns * d) / whole * moe_digamma(1 - d);
    for (int64_t i = 0; i < fof->rows; i++) {
        const long double left = fof->row[2 * i] - d;
        sum += fof->row[2 * i + 1] * left / whole * moe_digamma(left + 1);
    }
    return (double)(moe_digamma(whole + 1) - sum);
}

double moe_pitman_yor_new(const struct moe_fof *fof, struct moe_pitman_yor law, int64_t m)
{
    const long double d = law.discount, a = law.strength, whole = a + fof->n;
    if (d == 0)
        return (double)(a * (moe_digamma(whole + m) - moe_digamma(whole)));
    const long double grown = moe_ln_gamma_step(whole + m, d) - moe_ln_gamma_step(whole, d);
    return (double)((fof->patterns + a / d) * expm1l(grown));
}

void moe_add_pitman_yor(struct moe_sheet *sheet, const struct moe_fof *fof)
{
    static const char *const archer = "Archer, Park and Pillow 2014", *const favaro = "Favaro and others 2009";
    static const char *const name[] = {"H_py", "hill_py_q1", "py_discount", "py_strength", "py_new_m=n"};
    static const char *const unit[] = {"nats", "patterns", NULL, NULL, "patterns"};
    const struct moe_pitman_yor fixed = {0.5, 10};
    struct moe_pitman_yor fit;
    const int fitted = moe_pitman_yor_fit(fof, &fit);
    double value[5] = {0};
    if (fitted) {
        value[0] = moe_pitman_yor_entropy(fof, fit);
        value[1] = exp(value[0]);
        value[2] = (double)fit.discount;
        value[3] = (double)fit.strength;
        value[4] = moe_pitman_yor_new(fof, fit, fof->n);
    }
    const char *law = moe_sheet_text(sheet, "fitted discount %.4g, strength %.4g", value[2], value[3]);
    for (int i = 0; i < 5; i++) {
        const char *formula = i == 4 ? favaro : archer;
        const char *reason = fof->patterns < 2 ? "one pattern only: no fit" : "no repeated pattern: no fit";
        struct moe_figure *figure = fitted ? moe_sheet_add(sheet, name[i], value[i], MOE_MODEL, formula)
                                           : moe_sheet_missing(sheet, name[i], reason, MOE_MODEL, formula);
        figure->unit = unit[i];
        figure->in_table = i == 0;
        figure->note = fitted ? law : NULL;
    }
    struct moe_figure *figure = moe_sheet_add(sheet, "H_py_d0.5_a10", moe_pitman_yor_entropy(fof, fixed), MOE_MODEL,
                                              archer);
    figure->unit = "nats";
    figure->note = "discount 0.5, strength 10";
    figure = moe_sheet_add(sheet, "py_new_d0.5_a10_m=n", moe_pitman_yor_new(fof, fixed, fof->n), MOE_MODEL, favaro);
    figure->unit = "patterns";
    figure->note = "discount 0.5, strength 10";
}
