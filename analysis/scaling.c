#include "analysis/scaling.h"

#include <math.h>

struct moe_scaling moe_scaling_of(double dim, double smoothness)
{
    const double d = dim, b = smoothness;
    return (struct moe_scaling){.size = 2 * b / d,
                                .data = 2 * b / (2 * b + d),
                                .best_size = d / (2 * b + d),
                                .front_size = d / (2 * b + 2 * d),
                                .front_data = (2 * b + d) / (2 * b + 2 * d),
                                .front_error = b / (b + d)};
}

struct moe_frontier moe_scaling_frontier(double alpha_size, double operations)
{
    const double size = pow(alpha_size * operations / 12, 1 / (2 + alpha_size)), data = operations / (6 * size);
    return (struct moe_frontier){.size = size, .data = data, .error = pow(size, -alpha_size) + size / data};
}
