/* One expert against its definition, and the way of rows to experts and back on one rank. Gradients are in
 * gradients_double.c. */
#include "src/expert.h"

#include <math.h>

#include "src/matmul.h"
#include "src/moe.h"
#include "src/share.h"
#include "tests/small.h"

enum { C = 6, F = 9, BLOCK = 2 * C * F + F + C, E = 5, K = 2, N = 21, U = 3 };

/* out [C] = W_out gelu(W_in x + b_in) + b_out for one row, in double. */
static void plain(const moe_real *block, const moe_real *x, double *out)
{
    double act[F];
    for (int f = 0; f < F; f++) {
        double sum = (double)block[C * F + f];
        for (int c = 0; c < C; c++)
            sum += (double)block[f * C + c] * (double)x[c];
        act[f] = sum * 0.5 * erfc(-sum / sqrt(2));
    }
    const moe_real *out_weight = block + C * F + F;
    for (int c = 0; c < C; c++) {
        out[c] = (double)out_weight[C * F + c];
        for (int f = 0; f < F; f++)
            out[c] += (double)out_weight[c * F + f] * act[f];
    }
}

static void test_expert(void)
{
    static moe_real block[BLOCK], rows[N * C], out[N * C], hidden[N * F], act[N * F];
    static double want[N * C];
    const struct moe_expert expert = {C, F, block};
    small_shake(block, BLOCK, 1, 1);
    small_shake(rows, N * C, 2, 1);
    is_int(moe_expert_size(C, F), BLOCK, "elements of a block");
    moe_expert_forward(&expert, out, hidden, act, rows, N);
    for (int i = 0; i < N; i++)
        plain(block, rows + i * C, want + i * C);
    all_close(out, want, N * C, 2e-6, "results of %d rows", N);
    out[0] = 7;
    moe_expert_forward(&expert, out, hidden, act, rows, 0);
    ok(out[0] == 7, "no rows, no results");
}

static struct moe_placement placement_of(struct moe_exchange *ex)
{
    return (struct moe_placement){.experts = E, .top_k = K, .units = U, .width = C, .hidden = F, .count = E, .ex = ex};
}

/* Slots are a permutation by expert, then token; rows of a unit stand together. */
static void check_order(const struct moe_dispatch *dispatch, const moe_real *x, const int16_t *choice,
                        const int32_t *unit)
{
    int permutation[N * K] = {0}, once = 1, sorted = 1, in_unit = 1, rows = 1;
    for (int i = 0; i < N * K; i++)
        permutation[dispatch->slot[i]]++;
    for (int i = 0; i < N * K; i++) {
        const int slot = dispatch->slot[i], pair = choice[i] * U + unit[i / K];
        once &= permutation[i] == 1;
        in_unit &= slot >= dispatch->unit_start[pair] && slot < dispatch->unit_start[pair + 1];
        rows &= !memcmp(dispatch->rows + slot * C, x + i / K * C, C * sizeof *x);
        for (int j = 0; j < i; j++)
            if (choice[j] == choice[i])
                sorted &= dispatch->slot[j] < slot;
    }
    ok(once, "every choice has a slot of its own");
    ok(sorted, "an expert's rows are in the order of tokens");
    ok(in_unit, "and of units");
    ok(rows, "each slot holds its token's row");
}

static void test_dispatch(void)
{
    static moe_real block[E * BLOCK], x[N * C], returned[N * K * C], again[N * K * C];
    static double want[N * K * C], got[N * K * C];
    int16_t choice[N * K];
    int32_t unit[N];
    struct moe_exchange ex = moe_exchange_serial();
    struct moe_placement placement = placement_of(&ex);
    struct moe_dispatch dispatch;
    struct moe_wire wire;
    struct moe_random random;
    moe_random_init(&random, 3, MOE_STREAM_NOISE, 0, 0);
    small_shake(block, E * BLOCK, 4, 1);
    small_shake(x, N * C, 5, 1);
    for (int i = 0; i < N; i++) { /* expert 3 gets nothing */
        choice[i * K] = (int16_t)moe_random_below(&random, 3);
        choice[i * K + 1] = (int16_t)(i % 2 ? 4 : (choice[i * K] + 1) % 3);
        unit[i] = (int32_t)moe_share_owner(N, U, i);
    }
    moe_dispatch_init(&dispatch, &placement, N);
    moe_wire_init(&wire, &placement, N);
    moe_experts_forward(&placement, &dispatch, &wire, returned, x, choice, unit, N, block);
    check_order(&dispatch, x, choice, unit);
    for (int i = 0; i < N * K; i++) {
        plain(block + choice[i] * BLOCK, x + i / K * C, want + i * C);
        for (int c = 0; c < C; c++)
            got[i * C + c] = (double)returned[dispatch.slot[i] * C + c];
    }
    all_close(got, want, N * K * C, 2e-6, "every choice gets the result of its expert");
    is_int(wire.growths, 0, "first buffers are not growths");
    const int64_t allocations = moe_pool_allocations();
    moe_experts_forward(&placement, &dispatch, &wire, again, x, choice, unit, N, block);
    ok(!memcmp(again, returned, sizeof again), "the same rows give the same bits");
    is_int(moe_pool_allocations(), allocations, "and need no new memory");
    for (int i = 0; i < N; i++)
        choice[i * K] = 3; /* all to one: larger than any (expert, unit) before */
    moe_experts_forward(&placement, &dispatch, &wire, again, x, choice, unit, N, block);
    is_int(wire.growths, moe_pool_allocations() - allocations, "an expert that gets all makes buffers grow, counted");
    ok(wire.growths > 0, "at least one of them");
    moe_dispatch_clear(&dispatch);
    moe_wire_clear(&wire);
    is_int((long long)moe_pool_bytes(MOE_POOL_DISPATCH), 0, "all memory was given back");
}

/* A router that collapses, a token of each unit a time, onto one expert. N tokens, one choice each. */
enum { MANY = 64, HALVES = 2, PAIR = MANY / HALVES / 4 };

struct lane {
    struct moe_dispatch dispatch;
    struct moe_wire wire;
};

static void lane_open(struct lane *lane, const struct moe_placement *placement)
{
    moe_dispatch_init(&lane->dispatch, placement, MANY);
    moe_wire_init(&lane->wire, placement, MANY);
}

static void lane_close(struct lane *lane)
{
    moe_dispatch_clear(&lane->dispatch);
    moe_wire_clear(&lane->wire);
}

/* Results by token, so that lanes and routes can be compared. */
static void lane_forward(struct lane *lane, const struct moe_placement *placement, const int16_t *choice,
                         const moe_real *x, const moe_real *block, moe_real *by_token)
{
    static moe_real returned[MANY * C];
    int32_t unit[MANY];
    for (int i = 0; i < MANY; i++)
        unit[i] = i * HALVES / MANY;
    moe_experts_forward(placement, &lane->dispatch, &lane->wire, returned, x, choice, unit, MANY, block);
    for (int i = 0; i < MANY; i++)
        memcpy(by_token + i * C, returned + lane->dispatch.slot[i] * C, C * sizeof *returned);
}

static void test_growth(void)
{
    static moe_real block[4 * BLOCK], x[MANY * C], first[MANY * C], kept[MANY * C], fresh[MANY * C];
    struct moe_exchange ex = moe_exchange_serial();
    const struct moe_placement placement = {.experts = 4, .top_k = 1, .units = HALVES, .width = C, .hidden = F,
                                            .count = 4, .ex = &ex};
    struct lane lane, other;
    int16_t choice[MANY];
    int same = 1, geometric = 1, times = 0;
    small_shake(block, 4 * BLOCK, 6, 1);
    small_shake(x, MANY * C, 7, 1);
    for (int i = 0; i < MANY; i++)
        choice[i] = (int16_t)(i % 4);
    lane_open(&lane, &placement);
    lane_forward(&lane, &placement, choice, x, block, first);
    is_int((long long)lane.wire.act_capacity, PAIR * F, "even: room for the rows of one expert and unit");
    for (int i = 0; i < MANY / HALVES; i++) {
        const size_t before = lane.wire.act_capacity;
        choice[i] = choice[i + MANY / HALVES] = 2;
        lane_forward(&lane, &placement, choice, x, block, kept);
        lane_open(&other, &placement);
        lane_forward(&other, &placement, choice, x, block, fresh);
        same &= !memcmp(kept, fresh, sizeof kept);
        lane_close(&other);
        times += lane.wire.act_capacity > before;
        geometric &= lane.wire.act_capacity == before || lane.wire.act_capacity >= before + before / 2;
    }
    ok(same, "on the way, old buffers give the bits of fresh ones");
    ok(lane.wire.act_capacity >= MANY / HALVES * F, "all on one: room for all rows of a unit");
    ok(geometric, "each growth is by half at least");
    ok(times > 0 && times <= 4, "a four-fold need in %d steps makes %d growths", MANY / HALVES - PAIR, times);
    is_int(lane.wire.growths, times, "and all are counted");
    for (int i = 0; i < MANY; i++)
        choice[i] = (int16_t)(i % 4);
    const int64_t allocations = moe_pool_allocations();
    lane_forward(&lane, &placement, choice, x, block, kept);
    is_int(lane.wire.growths, times, "even again: nothing grows");
    is_int(moe_pool_allocations(), allocations, "nor is allocated");
    ok(!memcmp(kept, first, sizeof kept), "and the results are those of the beginning");
    lane_close(&lane);
}

int main(void)
{
    moe_matmul_one_thread();
    test_expert();
    test_dispatch();
    test_growth();
    return tap_done();
}
