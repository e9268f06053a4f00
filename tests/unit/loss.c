/* Losses and hits by hand, and where the numbers are extreme. Gradients are in gradients_double.c. */
#include "src/loss.h"

#include <math.h>

#include "tests/tap.h"

int main(void)
{
    const moe_real output[] = {1, 2, 3, 0, 0, -1}, y[] = {1, 0, 1, 0, 1, -1};
    moe_real d[6];
    const double squared[] = {0, 2, 2, 0, -1, 0};
    is_close(moe_loss_squared(d, output, y, 2, 3, 0.5), 9, 1e-7, "squared loss is the sum over rows and outputs");
    all_close(d, squared, 6, 1e-7, "its gradient, scaled");
    is_close(moe_loss_squared(d, output, y, 0, 3, 0.5), 0, 0, "no rows, no loss");

    const int32_t target[] = {0, 1};
    const double first = log(exp(1) + exp(2) + exp(3)), second = log(2 + exp(-1));
    const double slope[] = {0.5 * (exp(1 - first) - 1), 0.5 * exp(2 - first),      0.5 * exp(3 - first),
                            0.5 * exp(-second),         0.5 * (exp(-second) - 1), 0.5 * exp(-1 - second)};
    is_close(moe_loss_cross_entropy(d, output, target, 2, 3, 0.5), first - 1 + second, 1e-6, "cross-entropy in nats");
    all_close(d, slope, 6, 1e-6, "its gradient, scaled");
    const moe_real even[4] = {0};
    const int32_t third = 2;
    is_close(moe_loss_cross_entropy(d, even, &third, 1, 4, 1), log(4), 1e-6, "an even guess among four costs ln 4");

    const moe_real far[] = {1000, -1000}, broken[] = {NAN, 1};
    const int32_t right = 0, wrong = 1;
    is_close(moe_loss_cross_entropy(d, far, &right, 1, 2, 1), 0, 1e-30, "a sure hit costs nothing");
    is_close(moe_loss_cross_entropy(d, far, &wrong, 1, 2, 1), 2000, 1e-6, "a sure miss costs the distance");
    ok(!isfinite(moe_loss_cross_entropy(d, broken, &right, 1, 2, 1)), "cross-entropy of what is not a number");
    ok(!isfinite(moe_loss_squared(d, broken, y, 1, 2, 1)), "squared loss of what is not a number");

    const int32_t hits[] = {2, 0};
    is_int(moe_count_correct(output, hits, 2, 3), 2, "the largest output hits; the first of two equal ones counts");
    is_int(moe_count_correct(output, target, 2, 3), 0, "others miss");
    return tap_done();
}
