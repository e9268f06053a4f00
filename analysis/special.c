#include "analysis/special.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

enum { SERIES = 10, SERIES_FROM = 16 };

/* B_2k / (2k) and B_2k / (2k (2k - 1)), k = 1.. */
static const long double digamma_series[SERIES] = {1 / 12.0L,        -1 / 120.0L,      1 / 252.0L, -1 / 240.0L,
                                                   1 / 132.0L,       -691 / 32760.0L,  1 / 12.0L,  -3617 / 8160.0L,
                                                   43867 / 14364.0L, -174611 / 6600.0L};
static const long double stirling_series[SERIES] = {
    1 / 12.0L,        -1 / 360.0L, 1 / 1260.0L,       -1 / 1680.0L,      1 / 1188.0L,
    -691 / 360360.0L, 1 / 156.0L,  -3617 / 122400.0L, 43867 / 244188.0L, -174611 / 125400.0L};

long double moe_digamma_rest(long double x)
{
    long double inverse = 1 / x, square = inverse * inverse, sum = 0;
    /* later terms vanish beside the first ones */
    for (int k = x > 1e4L ? 3 : SERIES; k > 0; k--)
        sum = (sum + digamma_series[k - 1]) * square;
    return -inverse / 2 - sum;
}

long double moe_digamma(long double x)
{
    long double low = 0;
    for (; x < SERIES_FROM; x++)
        low -= 1 / x;
    return low + logl(x) + moe_digamma_rest(x);
}

/* s(x + step) - s(x), where s is what Stirling's series adds to (x - 1/2) ln x - x. */
static long double stirling_step(long double x, long double step)
{
    long double u = 1 / x, v = 1 / (x + step);
    long double power = u, difference = -step * u * v, square_difference = difference * (u + v), sum = 0;
    for (int k = 0; k < (x > 1e4L && x + step > 1e4L ? 3 : SERIES); k++) {
        sum += stirling_series[k] * difference;
        difference = v * v * difference + power * square_difference;
        power *= u * u;
    }
    return sum;
}

long double moe_ln_gamma_step(long double x, long double step)
{
    long double low = 0;
    for (; x < SERIES_FROM || x + step < SERIES_FROM; x++)
        low -= log1pl(step / x);
    return low + (x - 0.5L) * log1pl(step / x) + step * logl(x + step) - step + stirling_step(x, step);
}

long double moe_ln_miss(int64_t n, int64_t j, int64_t m)
{
    if (j == 0 || m == 0)
        return 0;
    const int64_t left = n - j - m;
    if (left < 0)
        return -INFINITY;
    if (left < 2 * SERIES_FROM) {
        int64_t few = j < m ? j : m, many = j < m ? m : j;
        long double sum = 0;
        for (int64_t i = 0; i < few && sum > -200; i++)
            sum += log1pl(-(long double)many / (long double)(n - i));
        return sum;
    }
    /* Stirling for the four factorials, with their logarithms gathered so that each term has the size of the result */
    const long double N = n, J = j, M = m, a = N - J, b = N - M, rest = left;
    const long double shared = log1pl(-J * M / (a * b));
    return -(rest + 0.5L) * shared + M * log1pl(-J / N) + J * log1pl(-M / N) + stirling_step(rest, M) -
           stirling_step(b, M);
}

/* ln of the integrand at w = ln(s / (1 - s)), s = 1 - t, with ds = s (1 - s) dw. */
static long double ln_integrand(long double w, long double q, long double rest, long double a)
{
    const long double ln_more = log1pl(expl(-fabsl(w))); /* ln(1 + e^w), less w where w > 0 */
    const long double ln_s = fminl(w, 0) - ln_more, ln_t = -fmaxl(w, 0) - ln_more;
    return q * ln_s + rest * ln_t - logl(a + (1 - a) * expl(ln_s));
}

long double moe_ln_tail_integral(int64_t n, long double q, long double a)
{
    const long double rest = (long double)n + 1 - q, middle = logl(q / rest);
    const long double h = 0.1L / sqrtl(fmaxl(1, q / 4)), reference = ln_integrand(middle, q, rest, a);
    long double sum = 1, term = 1;
    for (long double w = middle + h; term > 1e-24L * sum; w += h)
        sum += term = expl(ln_integrand(w, q, rest, a) - reference);
    /* to the left the integrand becomes s^q / a: from there on a geometric series */
    const long double lowest = fminl(middle, logl(a) - logl(1 + (long double)n * a)) - 48;
    long double w = middle - h;
    for (term = 1; w > lowest && term > 1e-24L * sum; w -= h)
        sum += term = expl(ln_integrand(w, q, rest, a) - reference);
    return reference + logl(h * (sum + term / expm1l(q * h)));
}

/* x^a e^-x / Gamma(a + 1). */
static long double gamma_weight(long double a, long double x)
{
    if (a < 30)
        return expl(a * logl(x) - x - lgammal(a + 1));
    const long double t = (x - a) / a;
    long double series = 0, power = 1 / a;
    for (int k = 0; k < SERIES; k++, power /= a * a)
        series += stirling_series[k] * power;
    return expl(a * (log1pl(t) - t) - series) / sqrtl(2 * 3.14159265358979323846L * a);
}

/* The share of the gamma law of shape a below x, minus p. */
static long double gamma_excess(long double a, long double x, long double p)
{
    const long double weight = gamma_weight(a, x);
    if (x < a + 1) {
        long double sum = 1, term = 1;
        for (long double k = a + 1; term > 1e-22L * sum; k++)
            sum += term *= x / k;
        return weight * sum - p;
    }
    /* Lentz on the continued fraction of the upper share */
    long double b = x + 1 - a, c = 1e300L, d = 1 / b, fraction = d, change = 0;
    for (long double i = 1; fabsl(change - 1) > 1e-19L && i < 1e7L; i++) {
        const long double numerator = -i * (i - a);
        b += 2;
        d = 1 / (numerator * d + b);
        c = b + numerator / c;
        change = c * d;
        fraction *= change;
    }
    return (1 - p) - weight * a * fraction;
}

double moe_chi2_quantile(double p, double df)
{
    const double z = p < 0.5 ? gsl_cdf_ugaussian_Pinv(p) : gsl_cdf_ugaussian_Qinv(1 - p);
    if (df > 2e8)
        return df + z * sqrt(2 * df) + 2 * (z * z - 1) / 3 + (z * z * z - 7 * z) / (9 * sqrt(2 * df));
    const long double a = df / 2.0L, cube = 1 - 1 / (9 * a) + z / (3 * sqrtl(a));
    long double x = a * cube * cube * cube;
    if (cube < 0.1L)
        x = expl((logl(p) + lgammal(a + 1)) / a);
    for (int i = 0; i < 60; i++) {
        const long double excess = gamma_excess(a, x, p), density = gamma_weight(a, x) * a / x;
        const long double next = fmaxl(x - excess / density, x / 4);
        const long double moved = fabsl(next - x);
        x = next;
        if (moved < 1e-17L * x)
            break;
    }
    return (double)(2 * x);
}

double moe_normal_quantile(double alpha)
{
    return gsl_cdf_ugaussian_Qinv(alpha / 2);
}
