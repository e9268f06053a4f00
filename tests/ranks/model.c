/* A model on many ranks has the bits of the same model on one: parameters, losses, loads, census. */
#include <mpi.h>

#include "mpi/exchange_mpi.h"
#include "src/matmul.h"
#include "src/optim.h"
#include "src/snapshot.h"
#include "src/train.h"
#include "tests/small.h"

enum { STEPS = 3 };

/* One side of the comparison. */
struct side {
    struct moe_model model;
    struct moe_pass pass;
    struct moe_gradients gradients;
    struct moe_optim optim;
    double loss[STEPS], balance[STEPS], norm[STEPS];
    int64_t *load; /* of the last step */
    struct moe_evaluation test;
};

static void side_open(struct side *side, const struct small *small, struct moe_exchange *ex)
{
    const struct moe_run *run = &small->run;
    moe_model_init(&side->model, run, moe_data_task(small->data), ex);
    moe_pass_init(&side->pass, &side->model, small->data, run->train.batch, MOE_TRAINING);
    moe_gradients_init(&side->gradients, &side->model);
    moe_optim_init(&side->optim, &side->model);
    for (int step = 0; step < STEPS; step++) {
        small_batch(small, &side->model, &side->pass, step);
        const struct moe_totals totals = moe_model_forward(&side->model, &side->pass);
        moe_model_backward(&side->model, &side->pass, &side->gradients);
        side->norm[step] = moe_optim_step(&side->optim, &side->model, &side->gradients, step);
        side->loss[step] = totals.loss;
        side->balance[step] = totals.balance;
        side->load = (int64_t *)totals.load;
    }
    struct moe_pass pass;
    moe_pass_init(&pass, &side->model, small->data, run->train.eval_batch, MOE_EVALUATING);
    /* 13 = 8 + 5: not one a shard */
    moe_evaluate(&side->model, small->data, &pass, MOE_SPLIT_TEST, 13, NULL, &side->test);
    moe_pass_clear(&pass, &side->model);
}

static void side_close(struct side *side)
{
    moe_optim_clear(&side->optim);
    moe_gradients_clear(&side->gradients);
    moe_pass_clear(&side->pass, &side->model);
    moe_model_clear(&side->model);
}

/* The rank's own experts are those of the lone model from its first one on, layer by layer. */
static int same_experts(const struct moe_model *mine, const moe_real *own, const struct moe_model *alone,
                        const moe_real *all)
{
    const int64_t size = mine->layout.expert_size;
    for (int l = 0; l < mine->run->model.layers; l++)
        if (memcmp(own + l * mine->placement.count * size,
                   all + (l * alone->placement.count + mine->placement.first) * size,
                   (size_t)(mine->placement.count * size) * sizeof *own))
            return 0;
    return 1;
}

/* Rows of the last batch: a rank has those of its own sequences. */
static int same_rows(const struct side *mine, const struct side *alone)
{
    const int T = mine->model.task->tokens, C = mine->model.run->model.width;
    return !memcmp(mine->pass.x, alone->pass.x + (int64_t)mine->pass.first * T * C,
                   (size_t)(mine->pass.tokens * C) * sizeof(moe_real));
}

static void test_snapshot(const struct side *mine, const struct side *alone, const struct small *small,
                          const char *settings)
{
    struct moe_snapshot a, b;
    struct moe_error err = {0};
    const int64_t L = small->run.model.layers, E = small->run.model.experts;
    moe_snapshot_count(&a, &mine->model, small->data, NULL, NULL, &err);
    moe_snapshot_count(&b, &alone->model, small->data, NULL, NULL, &err);
    int good = !memcmp(a.load, b.load, (size_t)(L * E) * sizeof *a.load) &&
               !memcmp(a.gate_energy, b.gate_energy, (size_t)(L * E) * sizeof *a.gate_energy) &&
               !memcmp(a.coactivation, b.coactivation, (size_t)(L * E * L * E) * sizeof *a.coactivation) &&
               !memcmp(a.margin, b.margin, (size_t)(L * MOE_MARGIN_BINS) * sizeof *a.margin);
    if (a.labels)
        good &= !memcmp(a.load_by_label, b.load_by_label, (size_t)(L * E * a.labels) * sizeof *a.load_by_label);
    const int64_t sites = (int64_t)a.shape.tokens * L * a.shape.top_k;
    int64_t at = 0, kept = a.kept;
    for (int i = 0; i < a.slabs; at += a.slab[i++].count)
        good &= !memcmp(a.choices + at * sites, b.choices + a.slab[i].first * sites,
                        (size_t)(a.slab[i].count * sites) * sizeof *a.choices);
    good &= at == a.kept;
    MPI_Allreduce(MPI_IN_PLACE, &kept, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
    ok(good && kept == b.kept, "a snapshot's counts and kept choices: %s", settings);
    moe_snapshot_clear(&a);
    moe_snapshot_clear(&b);
}

static void test(struct moe_exchange *ex, const char *settings)
{
    struct small small;
    struct side mine, alone;
    struct moe_exchange serial = moe_exchange_serial();
    char words[256];
    /* as many shards as ranks at least, and for few ranks uneven numbers of them */
    snprintf(words, sizeof words, "parallel.shards=%d %s", ex->ranks > 4 ? ex->ranks + ex->ranks % 2 : 4, settings);
    small_open(&small, words);
    side_open(&mine, &small, ex);
    side_open(&alone, &small, &serial);
    const struct moe_layout *layout = &mine.model.layout;
    const size_t dense = (size_t)layout->dense_size * sizeof(moe_real);
    const int64_t L = small.run.model.layers, E = small.run.model.experts;
    ok(!memcmp(mine.model.dense, alone.model.dense, dense), "dense parameters after %d steps: %s", STEPS, settings);
    ok(same_experts(&mine.model, mine.model.experts, &alone.model, alone.model.experts),
       "experts on their owners: %s", settings);
    ok(!memcmp(mine.gradients.dense, alone.gradients.dense, dense) &&
           same_experts(&mine.model, mine.gradients.experts, &alone.model, alone.gradients.experts),
       "gradients of the last step: %s", settings);
    ok(!memcmp(mine.optim.dense_v, alone.optim.dense_v, dense) &&
           same_experts(&mine.model, mine.optim.experts_v, &alone.model, alone.optim.experts_v),
       "moments: %s", settings);
    ok(!memcmp(mine.loss, alone.loss, sizeof mine.loss) && !memcmp(mine.balance, alone.balance, sizeof mine.balance),
       "losses: %s", settings);
    ok(!memcmp(mine.norm, alone.norm, sizeof mine.norm), "norms of the gradient: %s", settings);
    ok(!memcmp(mine.load, alone.load, (size_t)(L * E) * sizeof *mine.load), "loads: %s", settings);
    ok(same_rows(&mine, &alone), "rows of the rank's own tokens: %s", settings);
    ok(!memcmp(&mine.test, &alone.test, sizeof mine.test), "an evaluation: %s", settings);
    test_snapshot(&mine, &alone, &small, settings);
    side_close(&mine);
    side_close(&alone);
    small_close(&small);
}

/* A whole training, evaluations included, with its own account of memory. */
static void test_training(struct moe_exchange *ex)
{
    struct small small;
    struct moe_model mine, alone;
    struct moe_exchange serial = moe_exchange_serial();
    struct moe_training first, second;
    struct moe_error err = {0};
    const struct moe_observer observer = {0};
    small_open(&small, "train.steps=12 train.rate=0.05 train.eval_every=5 parallel.shards=8 parallel.units=4");
    moe_model_init(&mine, &small.run, moe_data_task(small.data), ex);
    moe_model_init(&alone, &small.run, moe_data_task(small.data), &serial);
    moe_training_init(&first, &mine, small.data);
    moe_training_init(&second, &alone, small.data);
    int good = moe_train(&first, &observer, &err) == MOE_OK;
    good &= moe_train(&second, &observer, &err) == MOE_OK;
    const struct moe_history *a = &first.history, *b = &second.history;
    good &= !memcmp(a->loss, b->loss, 12 * sizeof *a->loss) && !memcmp(a->norm, b->norm, 12 * sizeof *a->norm) &&
            !memcmp(a->imbalance, b->imbalance, 12 * 2 * MOE_IMBALANCES * sizeof *a->imbalance);
    good &= a->evals == b->evals && !memcmp(a->eval, b->eval, (size_t)a->evals * sizeof *a->eval) &&
            !memcmp(&a->train, &b->train, offsetof(struct moe_evaluation, correct));
    ok(good, "a whole training: series and evaluations");
    is_int(a->allocations, a->growths, "its steps allocate nothing but growing dispatch buffers");
    moe_training_clear(&first);
    moe_training_clear(&second);
    moe_model_clear(&mine);
    moe_model_clear(&alone);
    small_close(&small);
}

int main(int argc, char **argv)
{
    struct moe_comm comm;
    moe_comm_start(&comm, &argc, &argv);
    if (comm.ranks > 8)
        bail("this test has shards for 8 ranks");
    struct moe_exchange ex = moe_exchange_mpi(&comm);
    test(&ex, "");
    test(&ex, "model.experts=2 model.top_k=2 model.gate=softmax-topk model.balance_weight=0.5");
    test(&ex, "model.experts=1 model.top_k=1 parallel.units=1");
    test(&ex, "model.layers=3 model.mask=causal model.router=planted model.planted_law=zipf:1");
    test(&ex, "data.source=idx model.top_k=1 model.gate=softmax-topk");
    test(&ex, "data.source=idx train.loss=cross-entropy model.experts=8 model.top_k=2 train.batch=17");
    test(&ex, "data.source=text train.loss=cross-entropy model.mask=causal model.positions=offset");
    test_training(&ex);
    moe_exchange_mpi_free(&ex);
    int failed = tap_done();
    moe_comm_end(&comm);
    return failed;
}
