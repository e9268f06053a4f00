/* Settings against each other and the number of ranks, and the texts that are printed from them. */
#include "src/config.h"

#include <string.h>

#include "src/options.h"
#include "tests/tap.h"

enum { TEXT_MAX = 16384 };

static struct moe_run run;
static struct moe_error err;

/* What a function prints, as a string in a static buffer. */
static char printed[TEXT_MAX];

static FILE *start_printing(void)
{
    FILE *out = fmemopen(printed, sizeof printed, "w");
    if (!out)
        bail("no memory stream");
    return out;
}

static const char *print_all(const struct moe_run *what)
{
    FILE *out = start_printing();
    moe_config_print(what, out);
    fclose(out);
    return printed;
}

static const char *print_record(const struct moe_run *what, const char *checksum)
{
    FILE *out = start_printing();
    moe_config_print_record(what, checksum, out);
    fclose(out);
    return printed;
}

static void set(const char *word)
{
    if (moe_config_set(&run, word, &err) != MOE_OK)
        bail("cannot set %s: %s", word, err.text);
}

/* Every key of the table away from its default. */
static void set_everything(void)
{
    const char *const words[] = {
        "data.source=idx", "data.path=some/where with: blanks", "data.n=endless", "data.test_n=5",
        "data.seed=18446744073709551615", "data.tokens=3", "data.patch=4", "data.dim=5", "data.beta=0.1",
        "data.scale=0.35", "data.noise=0.30000000000000004", "data.clip=3.3333333333333335",
        "data.holdout=1e-300", "model.width=6", "model.layers=7", "model.heads=3",
        "model.experts=5", "model.top_k=4", "model.expert_width=9", "model.mask=causal", "model.positions=offset",
        "model.gate=softmax-topk", "model.router=planted", "model.planted_law=zipf:1.1000000000000001",
        "model.balance=none", "model.balance_weight=99.999", "model.seed=0", "train.steps=90000000",
        "train.batch=100", "train.rate=1e-10", "train.warmup=0", "train.decay=1", "train.loss=cross-entropy",
        "train.eval_every=1", "train.eval_batch=2", "train.checkpoint_every=9",
        "train.stop_before_s=0.5", "output.on_full=continue", "parallel.shards=12", "parallel.units=3",
        "parallel.exchange=direct", "parallel.machine=here.ini", "census.sequences=1000000000000000", "census.first=1",
        "census.every=2", "census.batch=2", "census.keep_choices=0", "census.keep_keys=yes", "output.name=other/name"};
    moe_config_default(&run);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        set(words[i]);
}

static void test_round_trip(void)
{
    static char first[TEXT_MAX];
    struct moe_run back, plain;
    const struct moe_option *table;
    int count = moe_options(&table), unchanged = 0;
    moe_config_default(&plain);
    moe_config_default(&run);
    moe_config_default(&back);
    is_int(moe_config_parse(&back, print_all(&run), "printed", &err), MOE_OK, "printed defaults are read back");
    ok(!memcmp(&run, &back, sizeof run), "to the same settings");

    set_everything();
    for (int i = 0; i < count; i++) {
        char text[MOE_VALUE_MAX];
        moe_option_get(&table[i], &run, text);
        unchanged += !strcmp(text, table[i].initial);
    }
    is_int(unchanged, 1, "only model.attention, which has one choice, is still at its default");
    strcpy(first, print_all(&run));
    is_int(moe_config_parse(&back, first, "printed", &err), MOE_OK, "other settings are read back");
    ok(!memcmp(&run, &back, sizeof run), "to the same settings");
    is_str(print_all(&back), first, "and printed the same");
    ok(strstr(first, "\nnoise = 0.30000000000000004\n") && strstr(first, "\nbeta = 0.1\n"), "doubles in shortest form");
    memset(run.output.name, 'o', MOE_PATH_MAX - 1);
    memset(run.data.path, 'p', MOE_PATH_MAX - 1);
    is_int(moe_config_parse(&back, print_all(&run), "printed", &err), MOE_OK, "the longest paths are read back");
    ok(!memcmp(&run, &back, sizeof run), "to the same settings");
    ok(!strncmp(first, "[data]\nsource = idx\n", 20) && strstr(first, "\n\n[model]\n"), "as an INI text");
}

static void test_record(void)
{
    struct moe_run back;
    set_everything();
    const char *text = print_record(&run, "xxh3:00ff");
    ok(strstr(text, "[data]\nsource = idx\nchecksum = xxh3:00ff\nn = endless\n") != NULL,
       "the checksum stands in [data]");
    ok(!strstr(text, "path") && !strstr(text, "exchange") && !strstr(text, "machine") &&
           !strstr(text, "[output]"), "other keys do not");
    ok(strstr(text, "keep_keys = yes") && strstr(text, "units = 3") && strstr(text, "seed = 0"), "those of record do");
    moe_config_default(&back);
    is_int(moe_config_parse(&back, text, "config", &err), MOE_OK, "the record is read back");
    back.parallel.exchange = run.parallel.exchange;
    back.train.checkpoint_every = run.train.checkpoint_every;
    back.train.stop_before_s = run.train.stop_before_s;
    back.output.on_full = run.output.on_full;
    memcpy(back.data.path, run.data.path, sizeof back.data.path);
    memcpy(back.output.name, run.output.name, sizeof back.output.name);
    memcpy(back.parallel.machine, run.parallel.machine, sizeof back.parallel.machine);
    ok(!memcmp(&run, &back, sizeof run), "to the same settings of record");
    ok(!strstr(print_record(&run, ""), "checksum"), "no checksum without inputs");
    is_int(moe_config_parse(&back, "[data]\nchecksum=a\nchecksum=b\n", "config", &err), MOE_USAGE,
           "two checksums are refused");
    is_str(err.text, "config: line 3: data.checksum is set twice (drop one of the lines)", "with the key");
}

static void test_other(void)
{
    set_everything();
    FILE *out = start_printing();
    moe_config_print_other(&run, out);
    fclose(out);
    is_str(printed, "[data]\npath = some/where with: blanks\n\n"
                    "[train]\ncheckpoint_every = 9\nstop_before_s = 0.5\n\n"
                    "[parallel]\nexchange = direct\nmachine = here.ini\n\n"
                    "[output]\nname = other/name\non_full = continue\n", "the settings that are not of record");
}

/* The words, blank between, are refused by the check with this text, or work when it is "". */
static void check_gives(int ranks, const char *words, const char *text)
{
    char copy[512];
    snprintf(copy, sizeof copy, "%s", words);
    moe_config_default(&run);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        set(word);
    err.text[0] = 0;
    is_int(moe_config_check(&run, ranks, NULL, &err), text[0] ? MOE_USAGE : MOE_OK, "%d ranks, %s", ranks, words);
    is_str(err.text, text, "message");
}

static void test_check_model(void)
{
    check_gives(1, "model.top_k=9", "model.top_k=9 exceeds model.experts=8: use model.top_k=8 or model.experts=9");
    check_gives(1, "model.top_k=8", "");
    check_gives(1, "model.heads=3", "model.width=32 is not a multiple of model.heads=3: use model.heads=2 or a width "
                                    "that is a multiple of 3");
    check_gives(1, "model.heads=64", "model.width=32 is not a multiple of model.heads=64: use model.heads=32 or a "
                                     "width that is a multiple of 64");
    check_gives(1, "model.router=planted model.planted_law=zipf:1 model.experts=64 model.top_k=8",
                "model.router=planted with model.planted_law=zipf:1 cannot draw from more than 16777216 subsets, and "
                "model.top_k=8 of model.experts=64 has more: use fewer experts or a smaller model.top_k, or "
                "model.planted_law=uniform");
    ok(run.model.zipf == 1, "model.zipf is derived");
    check_gives(1, "model.router=planted model.experts=64 model.top_k=8", "");
    ok(run.model.zipf == 0, "and is 0 for uniform");
    check_gives(1, "model.planted_law=zipf:1 model.experts=64 model.top_k=8", "");
    /* Around 2^24 lie C(5793, 2) = 16776528 and C(5794, 2) = 16782321, around 2^63 C(66, 33) and C(67, 33). */
    check_gives(1, "model.router=planted model.planted_law=zipf:0.5 model.experts=5793", "");
    check_gives(1, "model.router=planted model.planted_law=zipf:0.5 model.experts=5793 model.top_k=5791", "");
    check_gives(1, "model.router=planted model.experts=66 model.top_k=33", "");
    check_gives(1, "model.router=planted model.experts=67 model.top_k=33",
                "model.router=planted with model.planted_law=uniform cannot draw from more than 9223372036854775806 "
                "subsets, and model.top_k=33 of model.experts=67 has more: use fewer experts or a smaller "
                "model.top_k");
    moe_config_set(&run, "model.planted_law=zipf:0.5", &err);
    run.model.experts = 5794;
    run.model.top_k = 2;
    is_int(moe_config_check(&run, 1, NULL, &err), MOE_USAGE, "one expert more than a table of 2^24 takes");
    run.model.top_k = 5792;
    is_int(moe_config_check(&run, 1, NULL, &err), MOE_USAGE, "the same for all but two");
}

static void test_check_ranks(void)
{
    check_gives(6, "parallel.shards=4",
                "6 ranks need parallel.shards >= 6 (now 4): use at most 4 ranks or parallel.shards=6");
    check_gives(6, "parallel.shards=4 parallel.units=4",
                "6 ranks need parallel.shards >= 6 (now 4): use at most 4 ranks or parallel.shards=8");
    check_gives(6, "parallel.shards=4 train.batch=5",
                "6 ranks need parallel.shards >= 6 (now 4): use at most 4 ranks or parallel.shards=6 with "
                "train.batch=6");
    check_gives(4, "parallel.shards=4", "");
    check_gives(1, "train.batch=8", "parallel.shards=16 exceeds train.batch=8: use train.batch=16 or "
                                    "parallel.shards=8");
    check_gives(1, "train.batch=8 parallel.units=3 parallel.shards=9",
                "parallel.shards=9 exceeds train.batch=8: use train.batch=9 or parallel.shards=6");
    check_gives(9, "train.batch=8", "parallel.shards=16 exceeds train.batch=8: use train.batch=16");
    check_gives(1, "train.batch=16", "");
    check_gives(1, "parallel.units=3", "parallel.units=3 does not divide parallel.shards=16: use parallel.units=2");
    check_gives(1, "parallel.units=32", "parallel.units=32 does not divide parallel.shards=16: use parallel.units=16");
    check_gives(1, "parallel.units=16", "");
}

static void test_check_data(void)
{
    check_gives(1, "data.source=idx", "data.source=idx needs data.path=FOLDER, the folder of the IDX files");
    check_gives(1, "data.source=text", "data.source=text needs data.path=FILE");
    check_gives(1, "data.source=text data.path=x", "");
    check_gives(1, "census.first=1000000000000000",
                "census.first=1000000000000000 and census.sequences=65536 go beyond sequence 1000000000000000: use "
                "census.first=999999999934464 or less");
    check_gives(1, "census.first=999999999934464", "");
    check_gives(1, "census.sequences=1000000000000000 data.tokens=65536",
                "census.sequences=1000000000000000 of 65536 tokens with model.top_k=2 make more choices than can be "
                "counted: use census.sequences=70368744177663 or less");
    check_gives(1, "train.warmup=1000", "");
}

static void warns(int ranks, const char *word, const char *text)
{
    moe_config_default(&run);
    set(word);
    memset(printed, 0, sizeof printed);
    FILE *out = start_printing();
    is_int(moe_config_check(&run, ranks, out, &err), MOE_OK, "%d ranks with %s work", ranks, word);
    fclose(out);
    is_str(printed, text, "and warn of what should be warned of");
}

static void test_warnings(void)
{
    const char *one = "moecensus: warning: model.top_k=1 with model.gate=topk-softmax: the router gets no gradient "
                      "from the task (model.gate=softmax-topk gives it one)\n";
    warns(5, "model.experts=2", "moecensus: warning: 5 ranks but model.experts=2: the last 3 own no expert\n");
    warns(2, "model.experts=2", "");
    warns(1, "model.top_k=1", one);
    warns(1, "model.top_k=2", "");
    run.model.top_k = 1;
    run.model.router = MOE_FROZEN;
    FILE *out = start_printing();
    moe_config_check(&run, 1, out, &err);
    run.model.router = MOE_LEARNED;
    run.model.gate = MOE_SOFTMAX_TOPK;
    moe_config_check(&run, 1, out, &err);
    ok(ftell(out) == 0, "no warning for a frozen router or the other gate");
    fclose(out);
}

static void test_help(void)
{
    const struct moe_option *table;
    int count = moe_options(&table), lines = 0, named = 0;
    for (int i = 0; i < count; i++) {
        FILE *out = start_printing();
        moe_config_help(out, NULL, i % 2);
        fclose(out);
        named += strstr(printed, table[i].key) && strstr(printed, table[i].help) && table[i].help[0];
    }
    is_int(named, count, "the help names and explains every key");
    FILE *out = start_printing();
    moe_config_help(out, "train", 0);
    fclose(out);
    for (const char *c = printed; *c; c++)
        lines += *c == '\n';
    is_int(lines, 10, "the help of a section has its keys");
    ok(!strstr(printed, "model.") && strstr(printed, "  train.rate "), "and no others");
    out = start_printing();
    moe_config_help(out, "output.name", 1);
    fclose(out);
    is_str(printed, "| key | | default | unit, choices, range | meaning |\n|---|---|---|---|---|\n"
                    "| `output.name` | - | `moecensus` | text, 1 to 4095 bytes | results go to NAME.h5, parameters to "
                    "NAME.model.h5; -o NAME is the same |\n", "as a table of the README");
}

int main(void)
{
    test_round_trip();
    test_record();
    test_other();
    test_check_model();
    test_check_ranks();
    test_check_data();
    test_warnings();
    test_help();
    return tap_done();
}
