#include "analysis/erm.h"

#include <math.h>

double moe_erm_squared(double best, double magnitude, double radius, double ln_cover, double n, double failure)
{
    return 3 * best + 12 * magnitude * radius + 112 * magnitude * magnitude / (3 * n) * (ln_cover - 2 * log(failure));
}

double moe_erm_union_gap(double ln_patterns, double ln_nets, double n, double failure)
{
    return sqrt((ln_patterns + ln_nets - log(failure)) / (2 * n));
}

double moe_erm_sample_gap(double ln_cover, double n, double failure)
{
    return sqrt(128 * (ln_cover + log(8 / failure)) / n);
}

double moe_erm_pac_bayes_gap(double divergence, double n, double failure)
{
    return sqrt((divergence + log(2 * sqrt(n) / failure)) / (2 * n));
}
