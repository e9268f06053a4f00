/* What a snapshot counts, against a recount by brute force from a pass of one's own. */
#include "src/snapshot.h"

#include <math.h>

#include "src/matmul.h"
#include "tests/small.h"

struct plain {
    int64_t *load, *by_label, *pairs, *margin;
    double *energy;
};

static void *zeros(int64_t n)
{
    return calloc((size_t)n, 8);
}

/* Counts one token of a batch: all that is by layer and expert, and pairs among all layers' experts. */
static void count_token(struct plain *plain, const struct moe_model *model, const struct moe_pass *pass, int64_t i)
{
    const int L = model->run->model.layers, E = model->run->model.experts, K = model->run->model.top_k,
              labels = model->task->labels;
    for (int l = 0; l < L; l++) {
        if (K < E)
            plain->margin[l * MOE_MARGIN_BINS + moe_margin_bin((double)pass->layer[l].margin[i])]++;
        for (int k = 0; k < K; k++) {
            const int at = l * E + pass->layer[l].choice[i * K + k];
            const double gate = (double)pass->layer[l].gate[i * K + k];
            plain->load[at]++;
            plain->energy[at] += gate * gate;
            if (labels)
                plain->by_label[at * labels +
                                pass->data.label[model->task->per_token ? i : i / model->task->tokens]]++;
            for (int m = 0; m < L; m++)
                for (int j = 0; j < K; j++)
                    plain->pairs[(int64_t)at * L * E + m * E + pass->layer[m].choice[i * K + j]]++;
        }
    }
}

/* Whether the kept choices, slab after slab, are those of the batch's sequences. */
static int kept_as_chosen(const struct moe_snapshot *snapshot, const struct moe_pass *pass, int64_t done)
{
    const int T = snapshot->shape.tokens, L = snapshot->shape.layers, K = snapshot->shape.top_k;
    for (int s = 0; s < pass->sequences && done + s < snapshot->kept; s++)
        for (int t = 0; t < T; t++)
            for (int l = 0; l < L; l++)
                if (memcmp(snapshot->choices + (((done + s) * T + t) * L + l) * K,
                           pass->layer[l].choice + ((int64_t)s * T + t) * K, (size_t)K * sizeof(int16_t)))
                    return 0;
    return 1;
}

static int same_pairs(const struct moe_snapshot *snapshot, const int64_t *pairs)
{
    const int64_t L = snapshot->shape.layers, E = snapshot->shape.experts;
    if (L * E <= MOE_COACTIVATION_MAX)
        return !memcmp(snapshot->coactivation, pairs, (size_t)(L * E * L * E) * sizeof *pairs);
    for (int64_t l = 0; l < L; l++)
        for (int64_t next = 0; next < 2; next++)
            for (int64_t a = 0; a < E; a++)
                for (int64_t b = 0; b < E; b++) {
                    const int64_t got = snapshot->coactivation[((l * 2 + next) * E + a) * E + b];
                    const int64_t want = l + next < L ? pairs[(l * E + a) * L * E + (l + next) * E + b] : 0;
                    if (got != want)
                        return 0;
                }
    return 1;
}

static int between_calls;

static enum moe_status between(void *context, struct moe_snapshot *snapshot, int64_t sequences, struct moe_error *err)
{
    (void)snapshot;
    between_calls += sequences == ((const struct moe_run *)context)->census.batch * (between_calls + 1) ||
                     sequences == ((const struct moe_run *)context)->census.sequences;
    return err->code;
}

static void compare(const struct moe_snapshot *snapshot, const struct plain *plain, const char *settings)
{
    const int64_t L = snapshot->shape.layers, E = snapshot->shape.experts;
    ok(!memcmp(snapshot->load, plain->load, (size_t)(L * E) * 8), "loads: %s", settings);
    ok(same_pairs(snapshot, plain->pairs), "pairs of experts: %s", settings);
    ok(!memcmp(snapshot->margin, plain->margin, (size_t)(L * MOE_MARGIN_BINS) * 8), "margins: %s", settings);
    all_close(snapshot->gate_energy, plain->energy, L * E, 1e-12, "squared gates: %s", settings);
    if (snapshot->labels)
        ok(!memcmp(snapshot->load_by_label, plain->by_label, (size_t)(L * E * snapshot->labels) * 8),
           "loads by label: %s", settings);
    else
        ok(!snapshot->load_by_label, "no labels, no loads by label: %s", settings);
}

static void test(const char *settings)
{
    struct small small;
    struct moe_exchange ex = moe_exchange_serial();
    struct moe_model model;
    struct moe_pass pass;
    struct moe_snapshot snapshot;
    struct moe_error err = {0};
    small_open(&small, settings);
    moe_model_init(&model, &small.run, moe_data_task(small.data), &ex);
    const int64_t L = small.run.model.layers, E = small.run.model.experts, wide = L * E;
    struct plain plain = {zeros(wide), zeros(wide * 256), zeros(wide * wide), zeros(L * MOE_MARGIN_BINS), zeros(wide)};
    between_calls = 0;
    moe_snapshot_count(&snapshot, &model, small.data, between, &small.run, &err);
    moe_pass_init(&pass, &model, small.data, small.run.census.batch, MOE_EVALUATING);
    const int64_t sequences = small.run.census.sequences,
                  keep = small.run.census.keep_choices < sequences ? small.run.census.keep_choices : sequences;
    int kept = snapshot.kept == keep, slabs = 1, batches = 0;
    for (int64_t done = 0; done < sequences; done += pass.batch, batches++) {
        const int64_t left = sequences - done;
        moe_pass_begin(&pass, &model, MOE_SPLIT_CENSUS, (int)(left < pass.capacity ? left : pass.capacity));
        for (int s = 0; s < pass.sequences; s++)
            pass.index[s] = small.run.census.first + done + s;
        moe_pass_fetch(&pass, small.data);
        moe_model_forward(&model, &pass);
        kept &= kept_as_chosen(&snapshot, &pass, done);
        slabs &= done >= keep || snapshot.slab[batches].first == done;
        for (int64_t i = 0; i < pass.tokens; i++)
            count_token(&plain, &model, &pass, i);
    }
    ok(kept, "kept choices of %lld sequences: %s", (long long)keep, settings);
    ok(slabs, "slabs start where they should: %s", settings);
    is_int(between_calls, batches, "called after each batch: %s", settings);
    compare(&snapshot, &plain, settings);
    free(plain.load);
    free(plain.by_label);
    free(plain.pairs);
    free(plain.margin);
    free(plain.energy);
    moe_snapshot_clear(&snapshot);
    moe_pass_clear(&pass, &model);
    moe_model_clear(&model);
    small_close(&small);
    is_int((long long)moe_pool_bytes(MOE_POOL_CENSUS), 0, "all memory was given back: %s", settings);
}

static void test_bins(void)
{
    int inside = 1, rising = moe_margin_edge(0) == 0 && isinf(moe_margin_edge(MOE_MARGIN_BINS));
    for (int bin = 0; bin < MOE_MARGIN_BINS; bin++) {
        const double low = fmax(moe_margin_edge(bin), 1e-9), high = fmin(moe_margin_edge(bin + 1), 1e4);
        inside &= moe_margin_bin(low * 1.0001) == bin && moe_margin_bin(sqrt(low * high)) == bin &&
                  moe_margin_bin(high * 0.9999) == bin;
        rising &= moe_margin_edge(bin) < moe_margin_edge(bin + 1);
    }
    ok(inside, "every margin lies between the edges of its bin");
    ok(rising, "edges rise from 0 to infinity");
    is_close(moe_margin_edge(1), 1e-7, 1e-12, "the first edge is 1e-7");
    is_close(moe_margin_edge(MOE_MARGIN_BINS - 1), 100, 1e-12, "the last one is 100");
    ok(moe_margin_bin(0) == 0 && moe_margin_bin(NAN) == 0, "no margin is in the first bin");
    ok(moe_margin_bin(500) == MOE_MARGIN_BINS - 1 && moe_margin_bin(INFINITY) == MOE_MARGIN_BINS - 1,
       "margins beyond the last edge are in the last bin");
}

int main(void)
{
    moe_matmul_one_thread();
    test_bins();
    test("");
    test("census.keep_choices=13 census.first=3 model.gate=softmax-topk");
    test("census.keep_choices=0 model.top_k=5");
    test("data.source=idx model.top_k=1");
    test("data.source=text train.loss=cross-entropy model.mask=causal");
    /* several blocks of tokens, then only adjacent layers */
    test("census.sequences=8192 census.keep_choices=8192 census.batch=2048 model.layers=1");
    test("model.layers=17 model.experts=241 model.top_k=2 model.width=4 model.expert_width=2");
    return tap_done();
}
