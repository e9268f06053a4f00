/* The gradient of every layer against central differences, in double precision. Whole models are in
 * model_gradients_double.c. */
#include <math.h>

#include "src/attention.h"
#include "src/expert.h"
#include "src/kernels.h"
#include "src/loss.h"
#include "src/matmul.h"
#include "src/router.h"
#include "tests/small.h"

/* A random weight for each output turns it into one number, whose gradient by output is the weight. */
static double weighted(const double *weight, const double *value, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += weight[i] * value[i];
    return sum;
}

static void random_values(double *x, int n, uint64_t seed)
{
    memset(x, 0, (size_t)n * sizeof *x);
    small_shake(x, n, seed, 1);
}

/* Holds gradient [n] against central differences of value(context) by p [n]. */
static void check(const char *what, double *p, const double *gradient, int n, double (*value)(void *), void *context)
{
    const double h = 1e-5;
    double *difference = calloc((size_t)n, sizeof *difference);
    for (int i = 0; i < n; i++) {
        const double old = p[i];
        p[i] = old + h;
        double above = value(context);
        p[i] = old - h;
        double below = value(context);
        p[i] = old;
        difference[i] = (above - below) / (2 * h);
    }
    all_close(gradient, difference, n, 1e-6, "%s", what);
    free(difference);
}

enum { ROWS = 5, WIDE = 7 };

struct norm_case {
    double x[ROWS * WIDE], gain[WIDE], bias[WIDE], weight[ROWS * WIDE], y[ROWS * WIDE], stats[2 * ROWS];
};

static double norm_value(void *context)
{
    struct norm_case *c = context;
    moe_norm(c->y, c->stats, c->x, c->gain, c->bias, ROWS, WIDE);
    return weighted(c->weight, c->y, ROWS * WIDE);
}

static void test_norm(void)
{
    struct norm_case c;
    double dx[ROWS * WIDE] = {0}, dgain[WIDE] = {0}, dbias[WIDE] = {0};
    random_values(c.x, ROWS * WIDE, 1);
    random_values(c.gain, WIDE, 2);
    random_values(c.bias, WIDE, 3);
    random_values(c.weight, ROWS * WIDE, 4);
    norm_value(&c);
    moe_norm_backward(dx, dgain, dbias, c.weight, c.x, c.stats, c.gain, ROWS, WIDE);
    check("norm by input", c.x, dx, ROWS * WIDE, norm_value, &c);
    check("norm by gain", c.gain, dgain, WIDE, norm_value, &c);
    check("norm by bias", c.bias, dbias, WIDE, norm_value, &c);
    double more[ROWS * WIDE];
    memcpy(more, dx, sizeof more);
    moe_norm_backward(more, dgain, dbias, c.weight, c.x, c.stats, c.gain, ROWS, WIDE);
    for (int i = 0; i < ROWS * WIDE; i++)
        more[i] /= 2;
    all_close(more, dx, ROWS * WIDE, 1e-15, "norm adds to the gradient by input");
}

struct gelu_case {
    double h[WIDE], a[WIDE], weight[WIDE];
};

static double gelu_value(void *context)
{
    struct gelu_case *c = context;
    moe_gelu(c->a, c->h, WIDE);
    return weighted(c->weight, c->a, WIDE);
}

static double softmax_value(void *context)
{
    struct gelu_case *c = context;
    moe_softmax(c->a, c->h, WIDE);
    return weighted(c->weight, c->a, WIDE);
}

static void test_elements(void)
{
    struct gelu_case c;
    double d[WIDE], again[WIDE];
    random_values(c.h, WIDE, 5);
    random_values(c.weight, WIDE, 6);
    gelu_value(&c);
    memcpy(d, c.weight, sizeof d);
    moe_gelu_backward(d, again, c.h, WIDE);
    all_close(again, c.a, WIDE, 0, "the backward pass of gelu makes its values once more");
    check("gelu", c.h, d, WIDE, gelu_value, &c);
    softmax_value(&c);
    moe_softmax_backward(d, c.a, c.weight, WIDE);
    check("softmax", c.h, d, WIDE, softmax_value, &c);
}

enum { SEQUENCES = 2, TOKENS = 4, CHANNELS = 6, HEADS = 2, MIXED = SEQUENCES * TOKENS * CHANNELS };

struct attention_case {
    struct moe_attention shape;
    double qkv[3 * MIXED], bias[HEADS * (2 * TOKENS - 1)], mixed[MIXED], weight[MIXED];
    double attention[SEQUENCES * HEADS * TOKENS * TOKENS];
};

static double attention_value(void *context)
{
    struct attention_case *c = context;
    moe_attention_forward(&c->shape, c->mixed, c->attention, c->qkv, c->bias);
    return weighted(c->weight, c->mixed, MIXED);
}

static void test_attention(int causal)
{
    struct attention_case c = {.shape = {SEQUENCES, TOKENS, CHANNELS, HEADS, causal}};
    double dqkv[3 * MIXED], dbias[HEADS * (2 * TOKENS - 1)] = {0}, scratch[2 * TOKENS * TOKENS];
    random_values(c.qkv, 3 * MIXED, 7);
    random_values(c.bias, HEADS * (2 * TOKENS - 1), 8);
    random_values(c.weight, MIXED, 9);
    attention_value(&c);
    moe_attention_backward(&c.shape, dqkv, dbias, c.weight, c.attention, c.qkv, scratch);
    check(causal ? "causal attention by q, k, v" : "attention by q, k, v", c.qkv, dqkv, 3 * MIXED, attention_value, &c);
    check(causal ? "causal attention by offset bias" : "attention by offset bias", c.bias, dbias,
          HEADS * (2 * TOKENS - 1), attention_value, &c);
}

enum { ROUTED = 6, EXPERTS_MAX = 5 };

struct router_case {
    struct moe_routing routing;
    double balance, f[EXPERTS_MAX];
    double logits[ROUTED * EXPERTS_MAX], weight[ROUTED * EXPERTS_MAX], gate[ROUTED * EXPERTS_MAX], margin[ROUTED];
    int16_t choice[ROUTED * EXPERTS_MAX];
    int64_t load[EXPERTS_MAX];
};

static double router_value(void *context)
{
    struct router_case *c = context;
    const int E = c->routing.experts;
    double p_sum[EXPERTS_MAX] = {0}, scratch[EXPERTS_MAX];
    memset(c->load, 0, sizeof c->load);
    moe_route(&c->routing, c->choice, c->gate, c->margin, c->load, p_sum, c->logits, ROUTED, NULL, scratch);
    return weighted(c->weight, c->gate, ROUTED * c->routing.top_k) +
           c->balance * E * weighted(c->f, p_sum, E) / ROUTED;
}

static void test_router(int gate, int experts, int top_k, double balance)
{
    struct router_case c = {.routing = {experts, top_k, gate}};
    const int choices = ROUTED * top_k;
    double dlogits[ROUTED * EXPERTS_MAX], scratch[EXPERTS_MAX];
    char what[96];
    random_values(c.logits, ROUTED * experts, 10);
    random_values(c.weight, choices, 11);
    router_value(&c);
    for (int e = 0; e < experts; e++)
        c.f[e] = (double)c.load[e] / choices;
    c.balance = balance;
    moe_route_backward(&c.routing, dlogits, c.weight, c.gate, c.choice, c.logits, ROUTED, c.f, balance, ROUTED,
                       scratch);
    snprintf(what, sizeof what, "router %s, K %d of %d, balance %g",
             gate == MOE_TOPK_SOFTMAX ? "topk-softmax" : "softmax-topk", top_k, experts, balance);
    for (int i = 0; i < ROUTED; i++)
        if (c.margin[i] < 1e-3)
            bail("%s: the margin %g of token %d is too small for a step", what, c.margin[i], i);
    check(what, c.logits, dlogits, ROUTED * experts, router_value, &c);
}

enum { F = 4, BLOCK = 2 * WIDE * F + F + WIDE };

struct expert_case {
    double block[BLOCK], rows[ROWS * WIDE], out[ROWS * WIDE], hidden[ROWS * F], act[ROWS * F], weight[ROWS * WIDE];
};

static double expert_value(void *context)
{
    struct expert_case *c = context;
    const struct moe_expert expert = {WIDE, F, c->block};
    moe_expert_forward(&expert, c->out, c->hidden, c->act, c->rows, ROWS);
    return weighted(c->weight, c->out, ROWS * WIDE);
}

static void test_expert(void)
{
    struct expert_case c;
    const struct moe_expert expert = {WIDE, F, c.block};
    double dblock[BLOCK], d[ROWS * WIDE], act[ROWS * F], dact[ROWS * F];
    is_int(moe_expert_size(WIDE, F), BLOCK, "an expert's block is two matrices and two biases");
    random_values(c.block, BLOCK, 12);
    random_values(c.rows, ROWS * WIDE, 13);
    random_values(c.weight, ROWS * WIDE, 14);
    expert_value(&c);
    memcpy(d, c.weight, sizeof d);
    memset(dblock, 1, sizeof dblock);
    moe_expert_backward(&expert, dblock, d, act, dact, c.hidden, c.rows, ROWS);
    check("expert by parameters", c.block, dblock, BLOCK, expert_value, &c);
    check("expert by rows", c.rows, d, ROWS * WIDE, expert_value, &c);
    moe_expert_backward(&expert, dblock, d, act, dact, c.hidden, c.rows, 0);
    double sum = 0;
    for (int i = 0; i < BLOCK; i++)
        sum += fabs(dblock[i]);
    ok(sum == 0, "an expert without rows has no gradient");
}

struct loss_case {
    double output[ROWS * WIDE], y[ROWS * WIDE], doutput[ROWS * WIDE];
    int32_t target[ROWS];
    double scale;
};

static double squared_value(void *context)
{
    struct loss_case *c = context;
    return c->scale * moe_loss_squared(c->doutput, c->output, c->y, ROWS, WIDE, c->scale);
}

static double cross_entropy_value(void *context)
{
    struct loss_case *c = context;
    return c->scale * moe_loss_cross_entropy(c->doutput, c->output, c->target, ROWS, WIDE, c->scale);
}

static void test_losses(void)
{
    struct loss_case c = {.target = {0, 6, 3, 3, 1}, .scale = 0.3};
    double gradient[ROWS * WIDE];
    random_values(c.output, ROWS * WIDE, 15);
    random_values(c.y, ROWS * WIDE, 16);
    squared_value(&c);
    memcpy(gradient, c.doutput, sizeof gradient);
    check("squared loss", c.output, gradient, ROWS * WIDE, squared_value, &c);
    cross_entropy_value(&c);
    memcpy(gradient, c.doutput, sizeof gradient);
    check("cross-entropy", c.output, gradient, ROWS * WIDE, cross_entropy_value, &c);
}

int main(void)
{
    moe_matmul_one_thread();
    test_norm();
    test_elements();
    test_attention(0);
    test_attention(1);
    for (int gate = MOE_TOPK_SOFTMAX; gate <= MOE_SOFTMAX_TOPK; gate++)
        for (int alpha = 0; alpha < 2; alpha++) {
            test_router(gate, 5, 3, 0.7 * alpha);
            test_router(gate, 5, 1, 0.7 * alpha);
            test_router(gate, 3, 3, 0.7 * alpha);
        }
    test_expert();
    test_losses();
    return tap_done();
}
