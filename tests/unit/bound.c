/* The two terms of the union bound against known values. */
#include "analysis/bound.h"

#include <math.h>

#include "analysis/choose.h"
#include "tests/small.h"

static struct moe_bound bound_of(const char *settings, int tokens)
{
    struct moe_run run;
    struct moe_layout layout;
    const struct moe_task task = {.tokens = tokens, .features = 32 / tokens, .outputs = 1};
    moe_config_default(&run);
    small_set(&run, settings);
    moe_layout_init(&layout, &run, &task);
    const struct moe_bound bound = moe_bound_of(&run, &layout, tokens);
    moe_layout_clear(&layout);
    return bound;
}

int main(void)
{
    is_close((double)moe_ln_binomial(8, 2), 3.33220, 2e-6, "ln C(8, 2)");
    is_close((double)moe_ln_binomial(16, 4), 7.50659, 2e-6, "ln C(16, 4)");
    is_close((double)moe_ln_binomial(40, 40), 0, 1e-12, "ln C(40, 40)");
    is_close((double)moe_ln_binomial(40, 0), 0, 0, "ln C(40, 0)");
    is_close((double)moe_ln_binomial(256, 8), lgamma(257) - lgamma(9) - lgamma(249), 1e-12, "ln C(256, 8)");

    struct moe_bound bound = bound_of("", 8);
    is_close(bound.routing_exact, 53.3153, 2e-6, "quick start: logarithm of the number of full patterns");
    is_close(bound.routing_relaxed, 76.361, 1e-5, "quick start: routing term of the lemma");
    is_close(bound.parameters, 17725, 0, "quick start: parameters that count");
    is_close(bound.log_factor, log(16384), 1e-14, "quick start: logarithm of n");
    is_close(bound.parameter_term, 17725 * log(16384), 1e-12, "quick start: parameter term");
    is_close(bound.share, 76.361 / (76.361 + 17725 * log(16384)), 1e-5, "quick start: share of the routing term");
    bound = bound_of("data.n=endless train.steps=100 train.batch=32", 8);
    is_close(bound.log_factor, log(3200), 1e-14, "endless data: n is what was trained on");
    bound = bound_of("model.experts=16 model.top_k=4", 16);
    is_close(bound.routing_exact, 240.211, 2e-6, "K 4 of 16, T 16: number of full patterns");
    is_close(bound.routing_relaxed, 305.446, 2e-6, "K 4 of 16, T 16: routing term of the lemma");
    return tap_done();
}
