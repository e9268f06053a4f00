/* The planner's model: passes, memory and bytes are what the program's own code makes of them; constants survive a
 * file. */
#include <unistd.h>

#include "src/cost.h"
#include "src/flow.h"
#include "src/footprint.h"
#include "src/optim.h"
#include "src/train.h"
#include "tests/small.h"

static const struct moe_routes uniform;

static double bytes(enum moe_pool pool)
{
    return (double)moe_pool_bytes(pool);
}

/* On one rank every buffer is made by the code itself, and counted in its pool. */
static void memory(const char *settings)
{
    struct small small;
    struct moe_job job;
    struct moe_exchange ex = moe_exchange_serial();
    struct moe_model model;
    struct moe_pass pass[MOE_PURPOSES];
    struct moe_gradients gradients;
    struct moe_optim optim;
    double peak[MOE_POOLS], before[MOE_POOLS];
    small_open(&small, settings);
    moe_job_init(&job, &small.run, small.data, 1, 1, 1);
    moe_footprint(&job, &uniform, 0, peak);
    moe_job_clear(&job);
    for (int pool = 0; pool < MOE_POOLS; pool++)
        before[pool] = bytes(pool);
    moe_model_init(&model, &small.run, moe_data_task(small.data), &ex);
    for (enum moe_purpose purpose = 0; purpose < MOE_PURPOSES; purpose++) {
        const int batch[] = {small.run.census.batch, small.run.train.eval_batch, small.run.train.batch};
        moe_pass_init(&pass[purpose], &model, small.data, batch[purpose], purpose);
    }
    moe_gradients_init(&gradients, &model);
    moe_optim_init(&optim, &model);
    const enum moe_pool exact[] = {MOE_POOL_DENSE, MOE_POOL_EXPERTS, MOE_POOL_GRADIENTS, MOE_POOL_MOMENTS,
                                   MOE_POOL_ACTIVATIONS};
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++)
        is_int(llround(peak[exact[i]]), llround(bytes(exact[i]) - before[exact[i]]), "%s of %s",
               moe_pool_name(exact[i]), settings);
    is_int(llround(fmax(peak[MOE_POOL_DATA], before[MOE_POOL_DATA])),
           llround(fmax(bytes(MOE_POOL_DATA), (double)moe_pool_peak(MOE_POOL_DATA))), "data of %s", settings);
    const double reduce = bytes(MOE_POOL_REDUCE) - before[MOE_POOL_REDUCE];
    ok(peak[MOE_POOL_REDUCE] >= reduce && peak[MOE_POOL_REDUCE] < reduce + 600, "reduce of %s, and counters", settings);
    moe_optim_clear(&optim);
    moe_gradients_clear(&gradients);
    for (enum moe_purpose purpose = 0; purpose < MOE_PURPOSES; purpose++)
        moe_pass_clear(&pass[purpose], &model);
    moe_model_clear(&model);
    small_close(&small);
}

static void passes(void)
{
    struct small small;
    struct moe_job job;
    small_open(&small, "train.steps=10 train.eval_every=4 census.every=3 data.test_n=16 train.eval_batch=6 "
                       "census.sequences=20 census.batch=16");
    moe_job_init(&job, &small.run, small.data, 3, 3, 1);
    is_int(moe_job_evaluations(&job), 4, "evaluations after 0, 4, 8 and 10 steps");
    is_int(moe_job_censuses(&job), 5, "censuses after 0, 3, 6, 9 and 10 steps");
    is_close(moe_job_passes(&job, MOE_TRAINING), 10, 0, "a pass a step");
    is_close(moe_job_passes(&job, MOE_EVALUATING), 4 * 3 + 7, 0, "passes over 16 test and 40 training sequences by 6");
    is_close(moe_job_passes(&job, MOE_COUNTING), 5 * 2, 0, "passes over 20 sequences by 16");
    for (enum moe_purpose purpose = 0; purpose < MOE_PURPOSES; purpose++) {
        double local = 0;
        for (int rank = 0; rank < 3; rank++)
            local += moe_job_local(&job, purpose, rank);
        is_close(local, moe_job_sequences(&job, purpose), 0, "ranks share the sequences of purpose %d", purpose);
    }
    moe_job_clear(&job);
    small_close(&small);
}

static void flows(void)
{
    struct small small;
    struct moe_job job;
    struct moe_census_flow census;
    double rows = 0, gradients = 0, own = 0;
    small_open(&small, "census.keep_keys=no");
    moe_job_init(&job, &small.run, small.data, 3, 3, 1);
    moe_flow_census(&census, &job, &uniform);
    for (int from = 0; from < 3; from++) {
        own += moe_job_local(&job, MOE_TRAINING, from) * moe_job_experts(&job, from) / 5;
        for (int to = 0; to < 3; to++) {
            struct moe_flow step[MOE_PHASES], whole[MOE_PHASES];
            moe_flow_step(&job, &uniform, from, to, step);
            moe_flow_job(&job, &uniform, &census, from, to, whole);
            rows += step[MOE_PHASE_DISPATCH].bytes;
            gradients += step[MOE_PHASE_GRADIENTS].bytes;
            is_close(whole[MOE_PHASE_GRADIENTS].bytes, 10 * step[MOE_PHASE_GRADIENTS].bytes, 0,
                     "gradients of ten steps");
            is_close(whole[MOE_PHASE_COMBINE_BACKWARD].bytes, 10 * step[MOE_PHASE_COMBINE_BACKWARD].bytes, 1e-6,
                    "rows of ten steps, back");
        }
    }
    const double all = 10.0 * 4 * 3 * 2, mine = own / 10 * 4 * 3 * 2, row = 8 * sizeof(moe_real);
    ok(fabs(rows - (all - mine) * row) < 4 * row, "a uniform router sends %g bytes of rows, %g to itself", rows,
       mine * row);
    /* Shards 2, 1, 1 are nodes 1, 1, 1: each sends its node but its own slice, then each slice goes to two others. */
    is_close(gradients, (2.0 + 2.0) * (double)job.layout.dense_size * sizeof(moe_real), 0, "gradients of a step");
    moe_flow_census_clear(&census);
    moe_job_clear(&job);
    small_close(&small);
}

/* Records that a counter of random choices really makes. */
static void records(void)
{
    struct small small;
    struct moe_job job;
    small_open(&small, "model.experts=6 model.top_k=2 census.sequences=600 census.batch=64");
    moe_job_init(&job, &small.run, small.data, 1, 1, 1);
    const struct moe_census_shape shape = moe_job_census(&job);
    struct moe_counter *counter = moe_counter_new(&shape);
    const struct moe_scope *scope;
    struct moe_random random;
    moe_random_init(&random, 9, MOE_STREAM_TRAIN, 0, 0);
    for (int i = 0; i < 600; i++) {
        int16_t choices[4 * 2 * 2];
        for (int site = 0; site < 4 * 2; site++) {
            choices[2 * site] = (int16_t)moe_random_below(&random, 6);
            choices[2 * site + 1] = (int16_t)((choices[2 * site] + 1 + (int)moe_random_below(&random, 5)) % 6);
        }
        moe_counter_add(counter, i, choices);
    }
    for (int s = 0, scopes = moe_counter_scopes(counter, &scope); s < scopes; s++) {
        struct moe_record *record;
        const double count = (double)moe_counter_take(counter, s, &record);
        const double expected = moe_routes_records(&uniform, &job, -1, s, &scope[s], 1);
        ok(fabs(count / expected - 1) < 0.1, "scope %d makes %g records, expected %.0f", s, count, expected);
        moe_pool_free(record);
    }
    moe_counter_free(counter);
    moe_job_clear(&job);
    small_close(&small);
}

static void refused(const char *text, const char *says)
{
    struct moe_machine machine;
    struct moe_error err = {0};
    char path[] = "machine-XXXXXX";
    const int file = mkstemp(path);
    if (file < 0 || write(file, text, strlen(text)) != (ssize_t)strlen(text))
        bail("no file to write");
    close(file);
    is_int(moe_machine_read(&machine, path, &err), MOE_USAGE, "not a file of constants: %s", says);
    ok(strstr(err.text, says) != NULL, "says so: %s", err.text);
    unlink(path);
}

static void constants(void)
{
    struct moe_machine shipped, back;
    struct moe_error err = {0};
    char path[] = "machine-XXXXXX", text[8192];
    const int file = mkstemp(path);
    FILE *out = file < 0 ? NULL : fdopen(file, "w+");
    if (!out)
        bail("no file to write");
    moe_machine_default(&shipped);
    moe_machine_print(&shipped, out);
    rewind(out);
    text[fread(text, 1, sizeof text - 1, out)] = '\0';
    fclose(out);
    is_int(moe_machine_read(&back, path, &err), MOE_OK, "constants are read back %s", err.text);
    unlink(path);
    is_str(back.origin, shipped.origin, "with their origin");
    is_close(back.exchange[1].element, shipped.exchange[1].element, 1e-4, "and lists");
    for (enum moe_work work = 0; work < MOE_WORKS; work++)
        is_close(back.work[work].element, shipped.work[work].element, 1e-4, "work %d", work);
    for (int s = 0; s < MOE_RATE_SIDES; s++)
        for (int r = 0; r < MOE_RATE_ROWS; r++) {
            const double rows = moe_machine_rows(r), side = moe_machine_side(s);
            const double seconds = moe_machine_product(&shipped, MOE_PRODUCT_MAP, rows, side, side);
            is_close(2 * rows * side * side / seconds / shipped.rate[MOE_PRODUCT_MAP][s][r], 1, 1e-9,
                    "the curve goes through its points");
        }
    is_int(moe_machine_read(&back, "no such file", &err), MOE_INPUT, "a file that is not there");
    refused("[machine]\norigin = x\n", "lacks machine.cores");
    refused("[work]\ncopy = 1\n", "work.copy=1 is not");
    refused("[work]\ncopy = 1 -2\n", "work.copy=1 -2 is not");
    refused("[work]\nfly = 1 2\n", "unknown key work.fly");
    refused("[machine\n", "line 1");
    char *ranks = strstr(text, "ranks = 1 2");
    if (!ranks)
        bail("the shipped constants have other ranks");
    ranks[8] = '3';
    refused(text, "must rise from 1");
}

static void times(void)
{
    struct small small;
    struct moe_job one, two;
    struct moe_machine machine;
    struct moe_cost cost, shared;
    double terms = 0, phases = 0;
    small_open(&small, "model.width=64 model.expert_width=128 train.batch=256 data.tokens=8");
    moe_machine_default(&machine);
    moe_job_init(&one, &small.run, small.data, 1, 1, 1);
    moe_job_init(&two, &small.run, small.data, 2, 2, 1);
    moe_cost(&cost, &one, &uniform, &machine);
    moe_cost(&shared, &two, &uniform, &machine);
    for (enum moe_term term = 0; term < MOE_TERMS; term++)
        terms += cost.term[term];
    for (enum moe_time phase = 0; phase < MOE_TIMES; phase++)
        phases += phase == MOE_TIME_MESSAGES ? 0 : cost.phase[phase];
    is_close(terms, cost.step, 1e-12, "terms make the step");
    is_close(phases, cost.total, 1e-9, "phases make the job");
    ok(shared.step < cost.step && shared.step > cost.step / 2, "two ranks are faster, but not twice: %g %g", cost.step,
       shared.step);
    ok(cost.term[MOE_TERM_GRADIENTS] == 0 && shared.term[MOE_TERM_GRADIENTS] > 0, "one rank sends no gradients");
    machine.cores = 1;
    moe_cost(&cost, &two, &uniform, &machine);
    is_close(cost.step, 2 * shared.step, 1e-9, "two ranks on one core take turns");
    ok(cost.checkpoint_bytes > 12 * (double)moe_layout_counts(&one.layout, &small.run).total,
       "a checkpoint has parameters, moments and more");
    moe_job_clear(&one);
    moe_job_clear(&two);
    small_close(&small);
}

/* What else the settings change: checkpoints, products beyond the grid, pairs of ranks, inputs that others read. */
static void more_settings(void)
{
    struct small small;
    struct moe_job job, often, wide;
    struct moe_machine machine;
    struct moe_cost cost, dear, beyond;
    struct moe_run run;
    double peak[MOE_POOLS], first[MOE_POOLS];
    small_open(&small, "data.source=text train.loss=cross-entropy");
    moe_machine_default(&machine);
    run = small.run;
    moe_job_init(&job, &run, small.data, 3, 3, 1);
    run.train.checkpoint_every = 3;
    moe_job_init(&often, &run, small.data, 3, 3, 1);
    is_int(moe_job_checkpoints(&job), 0, "no checkpoints");
    is_int(moe_job_checkpoints(&often), 3, "checkpoints after 3, 6 and 9 of 10 steps");
    moe_cost(&cost, &job, &uniform, &machine);
    moe_cost(&dear, &often, &uniform, &machine);
    is_close(dear.total - cost.total, 3 * cost.checkpoint, 1e-9, "each takes its time");
    ok(moe_footprint_files(&often, 0) > moe_footprint_files(&job, 0) + 4e6, "and rank 0 reads it in large pieces");
    ok(moe_footprint_files(&often, 1) < moe_footprint_files(&job, 1) + (1 << 20), "while the others do not");
    job.ranks = 1024;
    const double stored = moe_footprint_files(&job, 0);
    job.ranks = 1025;
    ok(stored > 4 * 8 * 8 * 1024.0 * 1024 && moe_footprint_files(&job, 0) < 0.6 * stored,
       "rank 0 holds pairs of ranks, predicted ones up to 1024");
    job.ranks = 3;
    ok(!cost.beyond, "small products are inside the calibrated grid");
    run.model.width = 1024;
    moe_job_init(&wide, &run, small.data, 3, 3, 1);
    moe_cost(&beyond, &wide, &uniform, &machine);
    ok(beyond.beyond, "wide ones are beyond it");
    job.source_peak = 1 << 30;
    moe_footprint(&job, &uniform, 0, first);
    moe_footprint(&job, &uniform, 1, peak);
    is_close(first[MOE_POOL_DATA], 1 << 30, 0, "rank 0 takes room for reading");
    ok(peak[MOE_POOL_DATA] < 1e6, "the others do not");
    is_int(job.received_bytes, job.source_bytes, "a text in memory is as large for them");
    moe_job_clear(&job);
    moe_job_clear(&often);
    moe_job_clear(&wide);
    small_close(&small);
}

/* The rooms that a model notes are those that its buffers have: on one rank, of all experts. */
static void rooms(void)
{
    struct small small;
    struct moe_exchange ex = moe_exchange_serial();
    struct moe_model model;
    struct moe_pass pass;
    small_open(&small, "");
    moe_model_init(&model, &small.run, moe_data_task(small.data), &ex);
    moe_pass_init(&pass, &model, small.data, small.run.train.batch, MOE_TRAINING);
    const int L = small.run.model.layers, E = small.run.model.experts, C = small.run.model.width;
    for (int batch = 4; batch <= small.run.train.batch; batch += 2) {
        moe_pass_begin(&pass, &model, MOE_SPLIT_TRAIN, batch);
        for (int s = 0; s < pass.sequences; s++)
            pass.index[s] = s;
        moe_pass_fetch(&pass, small.data);
        moe_model_forward(&model, &pass);
    }
    const int64_t *room = model.sent->room + (int64_t)MOE_TRAINING * (L + 1) * E * E;
    for (int l = 0; l < L; l++)
        is_int(room[(int64_t)l * E * E + E - 1], (int64_t)pass.layer[l].dispatch->rows_capacity / C,
               "rows of layer %d as its buffer has grown", l);
    is_int(room[(int64_t)L * E * E + E - 1], (int64_t)pass.wire.out_capacity / C, "and of all layers in turn");
    moe_pass_clear(&pass, &model);
    moe_model_clear(&model);
    small_close(&small);
}

int main(void)
{
    memory("data.source=torus");
    memory("data.source=text train.loss=cross-entropy model.router=planted");
    memory("data.source=idx train.loss=cross-entropy model.positions=offset");
    passes();
    flows();
    records();
    constants();
    times();
    more_settings();
    rooms();
    return tap_done();
}
