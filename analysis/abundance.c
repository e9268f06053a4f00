#include "analysis/abundance.h"

#include <math.h>

struct moe_abundance moe_abundance_of(const int64_t *fof, int64_t rows)
{
    struct moe_abundance a = {0};
    double singletons = 0, pairs = 0, sum = 0;
    for (int64_t i = 0; i < rows; i++) {
        const double j = (double)fof[2 * i], patterns = (double)fof[2 * i + 1];
        a.samples += j * patterns;
        a.observed += patterns;
        sum += j * patterns * log(j);
        pairs += patterns * j * (j - 1);
        singletons += j == 1 ? patterns : 0;
    }
    a.entropy = a.samples > 0 ? log(a.samples) - sum / a.samples : 0;
    a.plug_in = exp(a.entropy);
    a.collision = pairs > 0 ? a.samples * (a.samples - 1) / pairs : NAN;
    a.coverage = a.samples > 0 ? 1 - singletons / a.samples : NAN;
    return a;
}
