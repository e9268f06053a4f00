/* Effective numbers and coverage of small tables by hand. */
#include "analysis/abundance.h"

#include <math.h>

#include "tests/tap.h"

int main(void)
{
    /* two patterns seen once, one seen twice */
    const int64_t few[] = {1, 2, 2, 1};
    struct moe_abundance a = moe_abundance_of(few, 2);
    is_close(a.samples, 4, 0, "samples");
    is_close(a.observed, 3, 0, "observed patterns");
    is_close(a.entropy, 1.5 * log(2), 1e-14, "entropy of 1/4, 1/4, 1/2");
    is_close(a.plug_in, 2 * sqrt(2), 1e-14, "its exponential");
    is_close(a.collision, 6, 1e-14, "one of six pairs collides");
    is_close(a.coverage, 0.5, 1e-14, "half of the samples were seen once");

    /* five patterns, each 20 times: 5 * 190 of 4950 pairs collide */
    const int64_t even[] = {20, 5};
    a = moe_abundance_of(even, 1);
    is_close(a.plug_in, 5, 1e-13, "five equal patterns count five");
    is_close(a.collision, 99.0 / 19, 1e-13, "without replacement collisions are fewer: 99/19");
    is_close(a.coverage, 1, 0, "nothing was seen once");

    const int64_t single[] = {7, 1}, lone[] = {1, 9};
    a = moe_abundance_of(single, 1);
    ok(a.plug_in == 1 && a.collision == 1 && a.entropy == 0, "a single pattern counts one");
    a = moe_abundance_of(lone, 1);
    ok(isnan(a.collision) && a.coverage == 0 && fabs(a.plug_in - 9) < 1e-13, "nine different ones: no pair collides");
    a = moe_abundance_of(lone, 0);
    ok(a.samples == 0 && a.observed == 0 && isnan(a.collision) && isnan(a.coverage), "no samples at all");
    const int64_t large[] = {INT64_C(3000000000), 2, INT64_C(6000000000), 1};
    a = moe_abundance_of(large, 2);
    is_close(a.entropy, 1.5 * log(2), 1e-12, "counts beyond 32 bits");
    is_close(a.collision, 8.0 / 3, 1e-8, "and their pairs");
    return tap_done();
}
