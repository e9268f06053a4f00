/* What a forward pass sums up, against a recount from the rows it leaves. Gradients are in
 * model_gradients_double.c. */
#include "src/model.h"

#include <math.h>

#include "src/matmul.h"
#include "tests/small.h"

/* E sum_e f_e p_e, mean over layers, from logits and choices. */
static double plain_balance(const struct moe_model *model, const struct moe_pass *pass)
{
    const int L = model->run->model.layers, E = model->run->model.experts, K = model->run->model.top_k;
    double balance = 0;
    for (int l = 0; l < L; l++) {
        const struct moe_layer_pass *layer = &pass->layer[l];
        for (int e = 0; e < E; e++) {
            double f = 0, p = 0;
            for (int64_t i = 0; i < pass->tokens; i++) {
                double all = 0;
                for (int other = 0; other < E; other++)
                    all += exp((double)layer->logits[i * E + other]);
                p += exp((double)layer->logits[i * E + e]) / all / (double)pass->tokens;
                for (int k = 0; k < K; k++)
                    f += (layer->choice[i * K + k] == e) / (double)(pass->tokens * K);
            }
            balance += E * f * p / L;
        }
    }
    return balance;
}

struct judgement {
    double loss, correct, clean, noise;
};

/* Loss, hits and distances from the outputs. */
static struct judgement plain_judgement(const struct moe_model *model, const struct moe_pass *pass)
{
    const int O = model->task->outputs;
    const struct moe_batch *data = &pass->data;
    const int64_t rows = model->task->per_token ? pass->tokens : pass->sequences;
    struct judgement sum = {0};
    for (int64_t i = 0; i < rows; i++) {
        const moe_real *output = pass->output + i * O;
        const int32_t target = data->target ? data->target[i] : data->label ? data->label[i] : 0;
        double all = 0, most = -INFINITY;
        for (int o = 0; o < O; o++) {
            all += exp((double)output[o]);
            most = fmax(most, (double)output[o]);
            if (data->y)
                sum.loss += pow((double)output[o] - (double)data->y[i * O + o], 2) / (double)rows;
        }
        if (data->target)
            sum.loss += (log(all) - (double)output[target]) / (double)rows;
        sum.correct += ((double)output[target] == most) / (double)rows;
        if (data->clean) {
            sum.clean += pow((double)output[0] - data->clean[i], 2) / (double)rows;
            sum.noise += pow((double)data->y[i] - data->clean[i], 2) / (double)rows;
        }
    }
    return sum;
}

static void check_totals(const struct moe_model *model, const struct moe_pass *pass, const struct moe_totals *totals,
                         const char *settings)
{
    const int L = model->run->model.layers, E = model->run->model.experts;
    const struct judgement want = plain_judgement(model, pass);
    int64_t load = 0;
    for (int i = 0; i < L * E; i++)
        load += totals->load[i];
    is_int(load, pass->tokens * L * model->run->model.top_k, "every choice is a load: %s", settings);
    is_close(totals->balance, plain_balance(model, pass), 1e-6, "balance: %s", settings);
    is_close(totals->loss, want.loss, 1e-6, "loss: %s", settings);
    if (pass->data.label)
        is_close(totals->correct, want.correct, 1e-12, "share of hits: %s", settings);
    else
        ok(isnan(totals->correct), "no classes, no hits: %s", settings);
    if (pass->data.clean) {
        is_close(totals->clean, want.clean, 1e-6, "distance from the clean target: %s", settings);
        is_close(totals->noise, want.noise, 1e-6, "noise of the target: %s", settings);
    } else {
        ok(isnan(totals->clean) && isnan(totals->noise), "no clean target: %s", settings);
    }
}

/* The three kinds of pass send the same rows through the same products. */
static void check_purposes(const struct small *small, const struct moe_model *model, const struct moe_pass *training,
                           const struct moe_totals *totals, const char *settings)
{
    const int K = small->run.model.top_k;
    struct moe_pass evaluating, counting;
    moe_pass_init(&evaluating, model, small->data, small->run.train.batch + 3, MOE_EVALUATING);
    moe_pass_init(&counting, model, small->data, small->run.train.batch, MOE_COUNTING);
    small_batch(small, model, &evaluating, 0);
    small_batch(small, model, &counting, 0);
    const struct moe_totals again = moe_model_forward(model, &evaluating);
    moe_model_forward(model, &counting);
    ok(again.loss == totals->loss && again.balance == totals->balance, "evaluating has the bits of training: %s",
       settings);
    int same = 1;
    for (int l = 0; l < small->run.model.layers; l++)
        same &= !memcmp(training->layer[l].choice, counting.layer[l].choice,
                        (size_t)(training->tokens * K) * sizeof(int16_t));
    ok(same, "counting makes the same choices: %s", settings);
    moe_pass_clear(&evaluating, model);
    moe_pass_clear(&counting, model);
}

static void test(const char *settings)
{
    struct small small;
    struct moe_exchange ex = moe_exchange_serial();
    struct moe_model model;
    struct moe_pass pass;
    small_open(&small, settings);
    moe_model_init(&model, &small.run, moe_data_task(small.data), &ex);
    small_shake(model.dense, model.layout.dense_size, 1, 0.2);
    moe_pass_init(&pass, &model, small.data, small.run.train.batch, MOE_TRAINING);
    small_batch(&small, &model, &pass, 0);
    const struct moe_totals totals = moe_model_forward(&model, &pass);
    check_totals(&model, &pass, &totals, settings);
    check_purposes(&small, &model, &pass, &totals, settings);
    moe_pass_clear(&pass, &model);
    moe_model_clear(&model);
    small_close(&small);
}

/* A causal model's outputs before a symbol do not depend on it; under a full mask they do. */
static void test_mask(const char *mask, int sees)
{
    struct small small;
    struct moe_exchange ex = moe_exchange_serial();
    struct moe_model model;
    struct moe_pass pass;
    moe_real before[3 * 256];
    char settings[128];
    snprintf(settings, sizeof settings, "data.source=text train.loss=cross-entropy model.mask=%s", mask);
    small_open(&small, settings);
    moe_model_init(&model, &small.run, moe_data_task(small.data), &ex);
    moe_pass_init(&pass, &model, small.data, small.run.train.batch, MOE_EVALUATING);
    small_batch(&small, &model, &pass, 0);
    moe_model_forward(&model, &pass);
    memcpy(before, pass.output, sizeof before);
    pass.data.symbol[3]++;
    moe_model_forward(&model, &pass);
    double largest = 0;
    for (int i = 0; i < 3 * 256; i++)
        largest = fmax(largest, fabs((double)pass.output[i] - (double)before[i]));
    ok(sees ? largest > 1e-4 : largest < 1e-6, "%s mask: earlier outputs move by %.2g", mask, largest);
    moe_pass_clear(&pass, &model);
    moe_model_clear(&model);
    small_close(&small);
}

int main(void)
{
    moe_matmul_one_thread();
    test("");
    test("model.top_k=2 model.experts=7 model.gate=softmax-topk parallel.shards=10");
    test("model.router=planted model.layers=3");
    test("data.source=idx");
    test("data.source=idx train.loss=cross-entropy parallel.shards=1 parallel.units=1");
    test("data.source=text train.loss=cross-entropy model.mask=causal");
    test_mask("causal", 0);
    test_mask("full", 1);
    is_int((long long)moe_pool_bytes(MOE_POOL_ACTIVATIONS), 0, "all memory was given back");
    return tap_done();
}
