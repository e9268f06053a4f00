#include "src/loss.h"

#include <math.h>

#include "src/kernels.h"

double moe_loss_squared(moe_real *doutput, const moe_real *output, const moe_real *y, int64_t n, int outputs,
                        double scale)
{
    double sum = 0;
    for (int64_t i = 0; i < n * outputs; i++) {
        double error = (double)output[i] - (double)y[i];
        sum += error * error;
        doutput[i] = (moe_real)(2 * scale * error);
    }
    return sum;
}

static int largest(const moe_real *x, int n)
{
    int best = 0;
    for (int i = 1; i < n; i++)
        if (x[i] > x[best])
            best = i;
    return best;
}

double moe_loss_cross_entropy(moe_real *doutput, const moe_real *output, const int32_t *target, int64_t n, int outputs,
                              double scale)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++, output += outputs, doutput += outputs) {
        int best = largest(output, outputs);
        moe_softmax(doutput, output, outputs);
        /* p of the largest output is at least 1 / outputs, so its logarithm is accurate */
        sum += (double)output[best] - (double)output[target[i]] - log((double)doutput[best]);
        moe_scale(doutput, (moe_real)scale, doutput, outputs);
        doutput[target[i]] -= (moe_real)scale;
    }
    return sum;
}

int64_t moe_count_correct(const moe_real *output, const int32_t *target, int64_t n, int outputs)
{
    int64_t correct = 0;
    for (int64_t i = 0; i < n; i++)
        correct += largest(output + i * outputs, outputs) == target[i];
    return correct;
}
