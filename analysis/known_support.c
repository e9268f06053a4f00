#include "analysis/known_support.h"

#include <math.h>
#include <stddef.h>

#include "analysis/special.h"

/* The shrinkage towards 1/K, from sums in whole numbers: sum p^2 = Q / n^2. */
static long double shrinkage(const struct moe_fof *fof, int64_t support)
{
    const unsigned __int128 n = (unsigned __int128)fof->n, all = n * n, squares = fof->squares;
    const unsigned __int128 spread = squares * (unsigned __int128)support - all;
    if (spread == 0)
        return 1;
    const long double wanted = (long double)(all - squares) * support;
    return fminl(wanted / ((long double)(fof->n - 1) * (long double)spread), 1);
}

static double shrunk_entropy(const struct moe_fof *fof, int64_t support, long double lambda)
{
    const long double floor_share = lambda / support;
    long double sum = 0;
    for (int64_t i = 0; i < fof->rows; i++) {
        const long double p = (1 - lambda) * fof->row[2 * i] / fof->n + floor_share;
        sum -= fof->row[2 * i + 1] * p * logl(p);
    }
    if (floor_share > 0)
        sum -= (long double)(support - fof->patterns) * floor_share * logl(floor_share);
    return (double)sum;
}

/* What the posterior of ln(beta) needs. */
struct posterior {
    const struct moe_fof *fof;
    long double support;
};

/* psi'(x). */
static long double trigamma(long double x)
{
    long double low = 0;
    for (; x < 20; x++)
        low += 1 / (x * x);
    const long double s = 1 / (x * x);
    return low + 1 / x + s / 2 +
           s / x * (1 / 6.0L - s * (1 / 30.0L - s * (1 / 42.0L - s * (1 / 30.0L - s * (5 / 66.0L - s * 691 / 2730)))));
}

/* ln of the posterior density of u = ln(beta), up to a constant. */
static long double ln_density(const struct posterior *post, long double u)
{
    const long double beta = expl(u), k = post->support, whole = k * beta;
    long double sum = -moe_ln_gamma_step(whole, post->fof->n);
    for (int64_t i = 0; i < post->fof->rows; i++)
        sum += post->fof->row[2 * i + 1] * moe_ln_gamma_step(beta, post->fof->row[2 * i]);
    /* the slope of the prior entropy; for large beta, what is left of two terms that go as 1/beta */
    const long double slope = beta > 1e7L ? (1 - 1 / k) / (2 * beta * beta)
                                          : k * trigamma(whole + 1) - trigamma(beta + 1);
    return sum + logl(slope) + u;
}

static long double mean_entropy(const struct posterior *post, long double u)
{
    const long double beta = expl(u), whole = post->fof->n + post->support * beta;
    long double sum = (post->support - post->fof->patterns) * beta / whole * moe_digamma(beta + 1);
    for (int64_t i = 0; i < post->fof->rows; i++) {
        const long double mass = post->fof->row[2 * i] + beta;
        sum += post->fof->row[2 * i + 1] * mass / whole * moe_digamma(mass + 1);
    }
    return moe_digamma(whole + 1) - sum;
}

/* The u beyond `top` in direction `sign` where the density has fallen by e^-40, to within a step. */
static long double edge(const struct posterior *post, long double top, long double peak, int sign)
{
    long double step = 0.0625L, u = top;
    while (ln_density(post, u) > peak - 40 && fabsl(u) < 200) {
        u += sign * step;
        step *= 1.5L;
    }
    return u;
}

double moe_entropy_nsb(const struct moe_fof *fof, int64_t support)
{
    const struct posterior post = {fof, support};
    long double top = 0, peak = -INFINITY;
    for (long double u = -40; u <= 40; u += 1) {
        const long double density = ln_density(&post, u);
        if (density > peak) {
            peak = density;
            top = u;
        }
    }
    for (long double step = 0.5L; step > 1e-3L; step /= 2)
        for (int sign = -1; sign <= 1; sign += 2) {
            const long double density = ln_density(&post, top + sign * step);
            if (density > peak) {
                peak = density;
                top += sign * step;
            }
        }
    const long double low = edge(&post, top, peak, -1), high = edge(&post, top, peak, 1);
    long double mass = 0, sum = 0, before = NAN;
    for (int points = 32; points <= 1 << 14; points *= 2) {
        /* the points of the coarser rule are every other one of this */
        const long double h = (high - low) / points;
        for (int i = points == 32 ? 0 : 1; i <= points; i += points == 32 ? 1 : 2) {
            const long double u = low + i * h, weight = expl(ln_density(&post, u) - peak);
            mass += weight;
            if (weight > 0)
                sum += weight * mean_entropy(&post, u);
        }
        if (fabsl(sum / mass - before) < 1e-12L * before)
            break;
        before = sum / mass;
    }
    return (double)(sum / mass);
}

void moe_add_known_support(struct moe_sheet *sheet, const struct moe_fof *fof, int64_t support)
{
    static const char *const name[] = {"H_shrink_K", "lambda_shrink_K", "H_nsb_K"};
    static const char *const formula[] = {"Hausser and Strimmer 2009", "Hausser and Strimmer 2009",
                                          "Nemenman, Shafee and Bialek 2001"};
    const char *reason = support == 0                      ? "number of possible patterns not given"
                         : support < fof->patterns         ? "more patterns were seen than are possible"
                         : support < 2                     ? "one possible pattern"
                         : support > MOE_KNOWN_SUPPORT_MAX ? "for at most 65536 possible patterns"
                                                           : NULL;
    const long double lambda = reason ? NAN : shrinkage(fof, support);
    for (int i = 0; i < 3; i++) {
        struct moe_figure *figure;
        if (reason)
            figure = moe_sheet_missing(sheet, name[i], reason, MOE_ESTIMATE, formula[i]);
        else if (i == 1)
            figure = moe_sheet_add(sheet, name[i], (double)lambda, MOE_ESTIMATE, formula[i]);
        else
            figure = moe_sheet_add(sheet, name[i],
                                   i == 0 ? shrunk_entropy(fof, support, lambda) : moe_entropy_nsb(fof, support),
                                   MOE_ESTIMATE, formula[i]);
        figure->unit = i == 1 ? NULL : "nats";
        figure->note = reason ? NULL : moe_sheet_text(sheet, "%lld possible patterns", (long long)support);
    }
}
