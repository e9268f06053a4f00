#include "analysis/smoe.h"

#include <math.h>

#include "analysis/choose.h"

double moe_smoe_growth(const struct moe_smoe *smoe, double points)
{
    const double choices = (double)moe_ln_binomial(smoe->experts, smoe->top_k), dim = smoe->skills * smoe->natarajan;
    const double lemma = dim * (2 * choices + log(points)), trivial = points * choices;
    return trivial < lemma ? trivial : lemma;
}

static double second_term(const struct moe_smoe *smoe, double choices)
{
    const double dim = smoe->skills * smoe->natarajan, m = smoe->samples;
    return 2 * sqrt((2 * dim * choices + dim * log(2 * m) + log(2 / smoe->failure)) / (2 * m));
}

double moe_smoe_stated(const struct moe_smoe *smoe)
{
    return second_term(smoe, smoe->top_k * log(smoe->experts));
}

double moe_smoe_stated_exact(const struct moe_smoe *smoe)
{
    return second_term(smoe, (double)moe_ln_binomial(smoe->experts, smoe->top_k));
}

double moe_smoe_repaired(const struct moe_smoe *smoe)
{
    return 2 * sqrt((moe_smoe_growth(smoe, 2 * smoe->samples) + log(4 / smoe->failure)) / smoe->samples);
}

double moe_smoe_definition5(const struct moe_smoe *smoe)
{
    return sqrt(smoe->skills * smoe->top_k * smoe->natarajan * log(smoe->experts / smoe->top_k) / smoe->samples);
}

double moe_smoe_weights(double skills, double alpha)
{
    if (isnan(skills + alpha))
        return NAN;
    if (alpha == 0)
        return skills * skills;
    double sum = 0; /* i + j = s in as many ways as there are pairs on that diagonal */
    for (double s = 2; s <= 2 * skills; s++)
        sum += fmin(s - 1, 2 * skills + 1 - s) * pow(s, -alpha);
    return sum;
}

double moe_smoe_effective(const double *energy, int experts, double tokens)
{
    double sum = 0;
    for (int e = 0; e < experts; e++)
        sum += sqrt(energy[e] / tokens);
    return sum * sum;
}

double moe_smoe_theorem(double lipschitz, double rademacher, double magnitude, double ln_growth, double samples,
                        double failure)
{
    return 2 * lipschitz * (rademacher + magnitude * sqrt(2 * ln_growth / samples)) +
           3 * sqrt(log(2 / failure) / (2 * samples));
}

static double error_at(const struct moe_smoe *smoe, enum moe_smoe_error error, double approximation, double top_k)
{
    struct moe_smoe at = *smoe;
    at.top_k = top_k;
    return approximation / top_k + (error == MOE_SMOE_STATED ? moe_smoe_stated(&at) : moe_smoe_definition5(&at));
}

struct moe_smoe_optimum moe_smoe_best(const struct moe_smoe *smoe, enum moe_smoe_error error, double ratio,
                                      double weights)
{
    struct moe_smoe_optimum best = {NAN, NAN};
    for (double k = 1; k <= smoe->experts; k++) {
        const double value = error_at(smoe, error, ratio * weights, k);
        if (value < best.value || (k == 1 && !isnan(value)))
            best = (struct moe_smoe_optimum){k, value};
    }
    return best;
}

struct moe_smoe_optimum moe_smoe_local(const struct moe_smoe *smoe, enum moe_smoe_error error, double ratio,
                                       double weights)
{
    for (double k = 1; k < smoe->experts; k++) {
        const double value = error_at(smoe, error, ratio * weights, k);
        if (value < error_at(smoe, error, ratio * weights, k + 1) &&
            (k == 1 || value < error_at(smoe, error, ratio * weights, k - 1)))
            return (struct moe_smoe_optimum){k, value};
    }
    return (struct moe_smoe_optimum){NAN, NAN};
}

double moe_smoe_leading(const struct moe_smoe *smoe, double ratio, double weights)
{
    const double slope = smoe->skills * smoe->natarajan * log(smoe->experts) / smoe->samples;
    const double k = cbrt(ratio * ratio * weights * weights / slope);
    return isnan(k) ? NAN : fmin(fmax(k, 1), smoe->experts);
}
