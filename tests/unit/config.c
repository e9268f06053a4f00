/* Settings from words and from files: defaults, ranges, and every refusal with its exact text. */
#include "src/config.h"

#include <string.h>
#include <unistd.h>

#include "src/options.h"
#include "tests/tap.h"

static struct moe_run run;
static struct moe_error err;

static void set(const char *word)
{
    if (moe_config_set(&run, word, &err) != MOE_OK)
        bail("cannot set %s: %s", word, err.text);
}

/* The word is refused with exactly this text and changes nothing. */
static void refused(const char *word, const char *text)
{
    struct moe_run before;
    moe_config_default(&run);
    before = run;
    is_int(moe_config_set(&run, word, &err), MOE_USAGE, "%.40s is refused", word);
    is_str(err.text, text, "the message about %.40s", word);
    ok(!memcmp(&run, &before, sizeof run), "%.40s leaves the settings as they were", word);
}

static void taken(const char *word)
{
    moe_config_default(&run);
    err.text[0] = 0;
    is_int(moe_config_set(&run, word, &err), MOE_OK, "%s is taken%s", word, err.text);
}

/* moe_config_read on a file with that content ends with this status and text; @ stands for the file's name. */
static void file_gives(const char *content, size_t length, enum moe_status status, const char *text)
{
    char path[64], want[1024] = "";
    snprintf(path, sizeof path, "config-unit-%ld.ini", (long)getpid());
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(content, 1, length, file) != length || fclose(file))
        bail("cannot write %s", path);
    err.text[0] = 0;
    moe_config_default(&run);
    is_int(moe_config_read(&run, path, &err), status, "status of %.30s", text);
    unlink(path);
    if (text[0] == '@')
        snprintf(want, sizeof want, "%s%s", path, text + 1);
    is_str(err.text, want, "message: %.60s", text);
}

static void file_is(const char *content, enum moe_status status, const char *text)
{
    file_gives(content, strlen(content), status, text);
}

static void test_defaults(void)
{
    moe_config_default(&run);
    is_int(run.data.source, MOE_TORUS, "the quick start is the torus");
    is_int(run.data.n, 16384, "data.n");
    is_int(run.data.tokens, 8, "data.tokens");
    is_int(run.model.experts, 8, "model.experts");
    is_int(run.model.top_k, 2, "model.top_k");
    is_int(run.train.steps, 600, "train.steps");
    is_int(run.train.batch, 128, "train.batch");
    ok(run.train.rate == 2e-3, "train.rate");
    is_int(run.parallel.shards, 16, "parallel.shards");
    is_int(run.census.sequences, 65536, "census.sequences");
    is_int(run.census.keep_keys, 0, "census.keep_keys");
    is_str(run.model.planted_law, "uniform", "model.planted_law");
    is_str(run.output.name, "moecensus", "output.name");
    is_int(moe_config_check(&run, 4, NULL, &err), MOE_OK, "the defaults work on 4 ranks");
}

static void test_kinds(void)
{
    moe_config_default(&run);
    set("data.source=text");
    is_int(run.data.source, MOE_TEXT, "a choice");
    set("data.path=folder/a=b;c");
    is_str(run.data.path, "folder/a=b;c", "a path with signs in it");
    set("data.path=");
    is_str(run.data.path, "", "an empty path");
    set("data.n=endless");
    is_int(run.data.n, 0, "endless is 0");
    set("census.sequences=1e8");
    is_int(run.census.sequences, 100000000, "a whole number in short form");
    set("census.keep_keys=yes");
    is_int(run.census.keep_keys, 1, "yes is 1");
    set("data.seed=18446744073709551615");
    ok(run.data.seed == UINT64_MAX, "the largest seed");
    set("data.seed=9007199254740993");
    ok(run.data.seed == 9007199254740993, "a seed that double cannot hold");
    set("model.planted_law=zipf:1.50");
    is_str(run.model.planted_law, "zipf:1.5", "a law is stored in one spelling");
    ok(moe_law_exponent("zipf:1.5") == 1.5 && moe_law_exponent("uniform") == 0 && moe_law_exponent("zipf") < 0,
       "exponents of laws");
}

/* Both ends of every range, one step outside, and what no number is, for every numeric key of the table. */
static void test_ranges(void)
{
    const struct moe_option *table;
    const char *const not_numbers[] = {"", " 1", "1 ", "x", "1x", "nan", "inf", "0x10", "1e999", "1e"};
    int count = moe_options(&table), numeric = 0;
    for (int i = 0; i < count; i++) {
        const struct moe_option *o = &table[i];
        char text[64];
        if (o->kind != MOE_KIND_INT && o->kind != MOE_KIND_LONG && o->kind != MOE_KIND_REAL)
            continue;
        int real = o->kind == MOE_KIND_REAL, open = o->rules & MOE_ABOVE, good = 1, bad = 0;
        numeric++;
        moe_config_default(&run);
        snprintf(text, sizeof text, "%.17g", o->low + (open ? 1e-9 : 0));
        good &= moe_option_set(o, &run, text, &err) == MOE_OK;
        snprintf(text, sizeof text, "%.17g", o->high);
        good &= moe_option_set(o, &run, text, &err) == MOE_OK;
        snprintf(text, sizeof text, "%.17g", open ? o->low : o->low - (real ? 1e-9 : 1));
        bad += moe_option_set(o, &run, text, &err) == MOE_USAGE;
        snprintf(text, sizeof text, "%.17g", o->high + (real ? 1e-6 : 1));
        bad += moe_option_set(o, &run, text, &err) == MOE_USAGE;
        ok(good && bad == 2, "both ends of %s are allowed, no more", o->key);
        bad = 0;
        for (size_t j = 0; j < sizeof not_numbers / sizeof *not_numbers; j++)
            bad += moe_option_set(o, &run, not_numbers[j], &err) == MOE_USAGE;
        is_int(bad, sizeof not_numbers / sizeof *not_numbers, "%s refuses what is no number", o->key);
    }
    is_int(numeric, 33, "all numeric keys were tried");
}

static void test_refused_values(void)
{
    refused("model.top_k=0", "model.top_k=0 is not allowed (allowed: whole number, 1 to 32767)");
    refused("model.top_k=-1", "model.top_k=-1 is not allowed (allowed: whole number, 1 to 32767)");
    refused("model.top_k=1.5", "model.top_k=1.5 is not allowed (allowed: whole number, 1 to 32767)");
    refused("model.experts=32768", "model.experts=32768 is not allowed (allowed: whole number, 1 to 32767)");
    refused("train.batch=99999999999999999999",
            "train.batch=99999999999999999999 is not allowed (allowed: whole number, 1 to 16777216 sequences)");
    refused("train.rate=0", "train.rate=0 is not allowed (allowed: number above 0, up to 1)");
    refused("data.holdout=0.95", "data.holdout=0.95 is not allowed (allowed: number above 0, up to 0.9)");
    refused("census.batch=1000",
            "census.batch=1000 is not allowed (allowed: power of two, 1 to 16777216 sequences)");
    refused("data.n=0", "data.n=0 is not allowed (allowed: whole number, 1 to 1e+15 sequences, or endless)");
    refused("data.test_n=endless",
            "data.test_n=endless is not allowed (allowed: whole number, 1 to 1e+15 sequences)");
    refused("data.seed=-1", "data.seed=-1 is not allowed (allowed: whole number, 0 to 18446744073709551615)");
    refused("data.seed=18446744073709551616",
            "data.seed=18446744073709551616 is not allowed (allowed: whole number, 0 to 18446744073709551615)");
    refused("data.seed=1e16", "data.seed=1e16 is not allowed (allowed: whole number, 0 to 18446744073709551615)");
    refused("data.source=texts", "data.source=texts is not allowed (allowed: torus, idx, text)");
    refused("data.source=tex", "data.source=tex is not allowed (allowed: torus, idx, text)");
    refused("census.keep_keys=1", "census.keep_keys=1 is not allowed (allowed: no, yes)");
    refused("model.planted_law=zipf:0",
            "model.planted_law=zipf:0 is not allowed (allowed: uniform, zipf:S with S above 0, up to 100)");
    refused("model.planted_law=zipf",
            "model.planted_law=zipf is not allowed (allowed: uniform, zipf:S with S above 0, up to 100)");
    refused("output.name=", "output.name= is not allowed (allowed: text, 1 to 4095 bytes)");
    refused("data.path=a\nb", "data.path=a?b is not allowed (allowed: text, 0 to 4095 bytes)");
    refused("data.path=a #b", "data.path=a #b is not allowed (allowed: text, 0 to 4095 bytes)");
    refused("data.path= a", "data.path= a is not allowed (allowed: text, 0 to 4095 bytes)");
    refused("model.planted_law=0123456789012345678901234567890123456789012345678901234567890123456789012345678901",
            "model.planted_law=0123456789012345678901234567890123456789012345678901234567890123456789012345... "
            "is not allowed (allowed: uniform, zipf:S with S above 0, up to 100)");
}

/* Choices and keys that other versions of the program may know, and this one must not. */
static void test_not_yet(void)
{
    const char *const words[] = {"data.source=sraven",        "model.attention=hyla",     "model.positions=t5",
                                 "model.router=hash-token",   "model.router=hash-position", "model.router=oracle",
                                 "model.gate=sigmoid",        "model.balance=bias",       "parallel.exchange=window",
                                 "parallel.exchange=node",    "data.features=2",          "data.split_seed=1",
                                 "model.capacity=1",          "parallel.groups=1",        "parallel.threads=1",
                                 "output.timeline=x",         "data.checksum=x"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char key[64];
        snprintf(key, sizeof key, "%.*s", (int)strcspn(words[i], "="), words[i]);
        moe_config_default(&run);
        is_int(moe_config_set(&run, words[i], &err), MOE_USAGE, "%s is refused", words[i]);
        ok(strstr(err.text, key) != NULL, "the message names %s: %s", key, err.text);
    }
    refused("parallel.exchange=window", "parallel.exchange=window is not allowed (allowed: auto, direct)");
    taken("model.positions=absolute+offset");
    taken("parallel.exchange=direct");
}

static void test_nearest(void)
{
    refused("model.topk=2", "unknown key model.topk (nearest known key: model.top_k)");
    refused("modle.top_k=2", "unknown key modle.top_k (nearest known key: model.top_k)");
    refused("modle.seed=2", "unknown key modle.seed (nearest known key: model.seed)");
    refused("train.experts=2", "unknown key train.experts (nearest known key: model.experts)");
    refused("top_k=2", "unknown key top_k (nearest known key: model.top_k)");
    refused("model-top_k=2", "unknown key model-top_k (nearest known key: model.top_k)");
    refused("trian.bacth=2", "unknown key trian.bacth (nearest known key: train.batch)");
    refused("=2", "unknown key  (nearest known key: data.n)");
    refused("quick.ini", "quick.ini is not of the form section.key=value");
    refused("data.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=1",
            "unknown key data.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa "
            "(nearest known key: data.path)");
}

static void test_files(void)
{
    char path[MOE_PATH_MAX], text[2 * MOE_PATH_MAX];
    file_is("[data]\nsource = text ; one\npath = a#b.txt # two\n# three\n\n[model]\n  width: 64\r\n\theads=4\n", MOE_OK,
            "");
    is_int(run.data.source, MOE_TEXT, "a comment after ;");
    is_str(run.data.path, "a#b.txt", "a comment after #, but not inside a word");
    is_int(run.model.width, 64, "an indented key, a colon and a carriage return");
    is_int(run.model.heads, 4, "a second indented key");
    is_int(run.model.layers, 2, "what the file does not set stays");
    file_is("\xEF\xBB\xBF[model]\nlayers=3", MOE_OK, "");
    is_int(run.model.layers, 3, "a byte-order mark, and no newline at the end");

    memset(path, 'p', sizeof path - 1);
    path[sizeof path - 1] = 0;
    snprintf(text, sizeof text, "[data]\npath   =  %s  # long\nn=7\n", path);
    file_is(text, MOE_OK, "");
    is_str(run.data.path, path, "the longest path is not cut");
    is_int(run.data.n, 7, "and the line after it is read");
    memset(text, 'x', sizeof text);
    memcpy(text, "[data]\npath=", 12);
    text[sizeof text - 1] = 0;
    file_is(text, MOE_USAGE, "@: line 2: longer than any setting can be");
    snprintf(text, sizeof text, "[data]\npath = p%s\n", path);
    is_int(moe_config_parse(&run, text, "t", &err), MOE_USAGE, "a path of one byte too many is refused");
}

static void test_bad_files(void)
{
    file_is("", MOE_USAGE, "@: holds no setting (expected a [section] line and key = value lines)");
    file_is("\n# only words\n[data]\n", MOE_USAGE,
            "@: holds no setting (expected a [section] line and key = value lines)");
    file_is("[data]\nn = 5\n\njust words\n[model]\ntopk=1\n", MOE_USAGE,
            "@: line 4: neither [section] nor key = value");
    file_is("[data]\nn = 5\n[model\ntop_k=1\n", MOE_USAGE, "@: line 3: a section name must end the line with ]");
    file_is("[data]\nn = 5\n[model] x\n", MOE_USAGE, "@: line 3: a section name must end the line with ]");
    file_is("[model]\n\n\ntop_k = 99999\n", MOE_USAGE,
            "@: line 4: model.top_k=99999 is not allowed (allowed: whole number, 1 to 32767)");
    file_is("[model]\ntop_k = \n", MOE_USAGE,
            "@: line 2: model.top_k= is not allowed (allowed: whole number, 1 to 32767)");
    file_is("[modle]\ntop_k = 1\nbad line\n", MOE_USAGE,
            "@: line 2: unknown key modle.top_k (nearest known key: model.top_k)");
    file_is("top_k = 1\n", MOE_USAGE, "@: line 1: unknown key top_k (nearest known key: model.top_k)");
    file_is("[data]\nn=1\n[model]\ntop_k=1\n[data]\nn=1\n", MOE_USAGE,
            "@: line 6: data.n is set twice (drop one of the lines)");
    file_is("[data]\nchecksum = xxh3:0\n", MOE_USAGE,
            "@: line 2: unknown key data.checksum (nearest known key: data.holdout)");
    file_gives("[data]\nn=\0005\n", 12, MOE_USAGE,
               "@: not a config file (zero bytes in it, or longer than 65536 bytes)");
    moe_config_default(&run);
    is_int(moe_config_read(&run, "no/such.ini", &err), MOE_INPUT, "a missing file");
    is_str(err.text, "cannot read config file no/such.ini: No such file or directory", "says so");
    is_int(moe_config_read(&run, ".", &err), MOE_INPUT, "a folder");
    is_str(err.text, "cannot read config file .: Is a directory", "says so");
}

int main(void)
{
    test_defaults();
    test_kinds();
    test_ranges();
    test_refused_values();
    test_not_yet();
    test_nearest();
    test_files();
    test_bad_files();
    return tap_done();
}
