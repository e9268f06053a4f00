/* Experts live on their owner alone: its memory holds its share, a token that chose an expert elsewhere travels there,
 * and changing an expert on its owner changes exactly the tokens that chose it. */
#include <mpi.h>

#include "mpi/exchange_mpi.h"
#include "src/matmul.h"
#include "src/share.h"
#include "tests/small.h"

static struct moe_comm comm;

static void test_memory(const struct moe_model *model, int64_t before)
{
    const struct moe_run *run = model->run;
    const int64_t own = moe_share_count(run->model.experts, comm.ranks, comm.rank), C = run->model.width,
                  F = run->model.expert_width;
    is_int((int64_t)moe_pool_bytes(MOE_POOL_EXPERTS) - before,
           run->model.layers * own * (2 * C * F + F + C) * (int64_t)sizeof(moe_real),
           "%d experts: the rank's bytes of experts are its share", run->model.experts);
}

static int chose(const struct moe_pass *pass, int layer, int64_t token, int top_k, int expert)
{
    for (int k = 0; k < top_k; k++)
        if (pass->layer[layer].choice[token * top_k + k] == expert)
            return 1;
    return 0;
}

/* Rows that left this rank in one forward pass, against its choices. */
static void test_traffic(struct moe_model *model, struct moe_pass *pass, struct moe_exchange *ex)
{
    const struct moe_run *run = model->run;
    const int L = run->model.layers, E = run->model.experts, K = run->model.top_k;
    int64_t there[8] = {0}, back[8], before[2][8];
    const int64_t *bytes = moe_exchange_traffic(ex)->bytes;
    memcpy(before[0], bytes + MOE_PHASE_DISPATCH * comm.ranks, (size_t)comm.ranks * sizeof *bytes);
    memcpy(before[1], bytes + MOE_PHASE_COMBINE * comm.ranks, (size_t)comm.ranks * sizeof *bytes);
    moe_model_forward(model, pass);
    for (int l = 0; l < L; l++)
        for (int64_t i = 0; i < pass->tokens * K; i++)
            there[moe_share_owner(E, comm.ranks, pass->layer[l].choice[i])] += run->model.width * (int)sizeof(moe_real);
    there[comm.rank] = 0;
    MPI_Alltoall(there, 1, MPI_INT64_T, back, 1, MPI_INT64_T, MPI_COMM_WORLD);
    int dispatch = 1, combine = 1;
    for (int p = 0; p < comm.ranks; p++) {
        dispatch &= bytes[MOE_PHASE_DISPATCH * comm.ranks + p] - before[0][p] == there[p];
        combine &= bytes[MOE_PHASE_COMBINE * comm.ranks + p] - before[1][p] == back[p];
    }
    ok(dispatch, "%d experts: bytes to each rank are the choices it owns", E);
    ok(combine, "%d experts: the same bytes come back", E);
}

/* One layer, so that choices do not depend on experts. */
static void test_change(struct moe_model *model, struct moe_pass *pass, int expert)
{
    const int K = model->run->model.top_k, C = model->run->model.width;
    const size_t size = (size_t)(pass->tokens * C), row = (size_t)C * sizeof(moe_real);
    const int owner = (int)moe_share_owner(model->run->model.experts, comm.ranks, expert);
    moe_real *before = calloc(size + 1, sizeof *before);
    int64_t counts[3] = {0}; /* wrong, changed, all */
    moe_model_forward(model, pass);
    memcpy(before, pass->x, size * sizeof *before);
    moe_real *bias = NULL; /* of the last channel of its results */
    if (comm.rank == owner)
        bias = moe_model_expert(model, 0, expert - model->placement.first) + model->layout.expert_size - 1;
    if (bias)
        *bias += 1;
    moe_model_forward(model, pass);
    for (int64_t i = 0; i < pass->tokens; i++) {
        const int changed = memcmp(before + i * C, pass->x + i * C, row) != 0;
        counts[0] += changed != chose(pass, 0, i, K, expert);
        counts[1] += changed;
        counts[2]++;
    }
    MPI_Allreduce(MPI_IN_PLACE, counts, 3, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
    ok(counts[0] == 0 && counts[1] > 0 && counts[1] < counts[2],
       "expert %d changed on rank %d: exactly the %lld of %lld tokens that chose it change", expert, owner,
       (long long)counts[1], (long long)counts[2]);
    if (bias)
        *bias -= 1;
    free(before);
}

static void test(struct moe_exchange *ex, const char *settings, int change)
{
    struct small small;
    struct moe_model model;
    struct moe_pass pass;
    char words[256];
    snprintf(words, sizeof words, "parallel.shards=%d %s", ex->ranks > 4 ? ex->ranks + ex->ranks % 2 : 4, settings);
    small_open(&small, words);
    const int64_t before = (int64_t)moe_pool_bytes(MOE_POOL_EXPERTS);
    moe_model_init(&model, &small.run, moe_data_task(small.data), ex);
    test_memory(&model, before);
    moe_pass_init(&pass, &model, small.data, small.run.train.batch, MOE_TRAINING);
    small_batch(&small, &model, &pass, 0);
    test_traffic(&model, &pass, ex);
    for (int expert = 0; change && expert < small.run.model.experts; expert++)
        test_change(&model, &pass, expert);
    moe_pass_clear(&pass, &model);
    moe_model_clear(&model);
    small_close(&small);
}

int main(int argc, char **argv)
{
    moe_comm_start(&comm, &argc, &argv);
    if (comm.ranks > 8)
        bail("this test has shards for 8 ranks");
    struct moe_exchange ex = moe_exchange_mpi(&comm);
    test(&ex, "", 0);
    test(&ex, "model.layers=1 model.top_k=2 train.batch=19", 1);
    test(&ex, "model.layers=1 model.experts=2 model.top_k=1 model.gate=softmax-topk train.batch=12", 1);
    test(&ex, "model.experts=1 model.top_k=1", 0);
    moe_exchange_mpi_free(&ex);
    int failed = tap_done();
    moe_comm_end(&comm);
    return failed;
}
