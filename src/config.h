/* What a run is: one struct of resolved settings, and the one table of options that parses, prints, checks and
 * documents them.
 *
 * Settings come from a config file (INI, sections data, model, train, parallel, census, output) and from words
 * section.key=value, which win. Settings that decide bits are "of record": they form the text that is stored as
 * `config` in every file and that two runs compare to find out whether they are the same. */
#ifndef MOE_CONFIG_H
#define MOE_CONFIG_H

#include <stdint.h>
#include <stdio.h>

#include "src/status.h"

enum moe_source { MOE_TORUS, MOE_IDX, MOE_TEXT };
enum moe_mask { MOE_FULL, MOE_CAUSAL };
enum moe_positions { MOE_ABSOLUTE_OFFSET, MOE_OFFSET };
enum moe_gate { MOE_TOPK_SOFTMAX, MOE_SOFTMAX_TOPK };
enum moe_router { MOE_LEARNED, MOE_FROZEN, MOE_PLANTED };
enum moe_balance { MOE_SWITCH, MOE_NO_BALANCE };
enum moe_loss { MOE_SQUARED, MOE_CROSS_ENTROPY };
enum moe_on_full { MOE_FULL_STOP, MOE_FULL_CONTINUE };
enum moe_exchange_choice { MOE_EXCHANGE_AUTO, MOE_EXCHANGE_DIRECT };

enum { MOE_PATH_MAX = 4096, MOE_WORD_MAX = 64 };

struct moe_run {
    struct {
        int source;            /* enum moe_source */
        char path[MOE_PATH_MAX];
        int64_t n;             /* training sequences; 0 = endless */
        int64_t test_n;        /* sequences */
        uint64_t seed;
        int tokens;            /* T; for idx set by moe_data_open */
        int patch;             /* pixels */
        int dim;
        double beta, scale;
        double noise;          /* standard deviation in units of the standardised target */
        double clip;           /* standard deviations of the noise */
        double holdout;        /* share of the text */
    } data;
    struct {
        int width, layers, heads, experts, top_k, expert_width;
        int mask, attention, positions, gate, router;
        char planted_law[MOE_WORD_MAX]; /* "uniform" or "zipf:S" */
        double zipf;           /* S; 0 = uniform (derived from planted_law) */
        int balance;
        double balance_weight;
        uint64_t seed;
    } model;
    struct {
        int steps, batch;      /* batch: sequences of the global batch */
        double rate;
        int warmup;            /* steps */
        double decay;
        int loss;
        int eval_every;        /* steps */
        int eval_batch;        /* sequences a forward pass of an evaluation */
        int checkpoint_every;  /* steps; 0 = on signal only */
        double stop_before_s;  /* seconds before the end of the job */
    } train;
    struct {
        int shards, units;
        int exchange;          /* enum moe_exchange_choice */
        char machine[MOE_PATH_MAX]; /* file of measured constants, "" for the program's own */
    } parallel;
    struct {
        int64_t sequences, first;
        int every;             /* steps; 0 = start and end */
        int batch;             /* sequences a forward pass of the census */
        int64_t keep_choices;  /* sequences */
        int keep_keys;         /* 0 or 1 */
    } census;
    struct {
        char name[MOE_PATH_MAX];
        int on_full;           /* enum moe_on_full */
    } output;
};

/* Fills run with the defaults: the quick start.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_config_default(struct moe_run *run);

/* Reads the INI file at path over run. A comment starts with ; or # at the start of a line or after a blank.
 *
 * Ranks:  local; call on one rank and hand the result on
 * Errors: MOE_INPUT cannot be read; MOE_USAGE for a file without any setting, a line that is not INI or too long, an
 *         unknown key (the nearest known key is named), a key set twice or a value that is not allowed, each with the
 *         number of the line; run is then half set
 */
enum moe_status moe_config_read(struct moe_run *run, const char *path, struct moe_error *err);

/* The same from a text that the program stored itself, such as the config attribute of a file; `name` is what errors
 * call it. Only here data.checksum is known: it is skipped, since it says what the data were, not where they are.
 *
 * Ranks:  local
 * Errors: as moe_config_read, but for MOE_INPUT
 */
enum moe_status moe_config_parse(struct moe_run *run, const char *text, const char *name, struct moe_error *err);

/* Sets one option from the word "section.key=value".
 *
 * Ranks:  local
 * Errors: MOE_USAGE, run untouched
 */
enum moe_status moe_config_set(struct moe_run *run, const char *word, struct moe_error *err);

/* Checks the settings against each other and for the given number of ranks (K > E, V > B, P > V, U and V, width by
 * heads, a planted law over too many subsets, no data.path, ...) and derives model.zipf; reads the file that
 * parallel.machine names, to see that it is one. What needs the data themselves is checked where they are opened.
 * Warnings (more ranks than experts; a router without gradient) go to `warn`, one line each, unless null.
 *
 * Ranks:  local; pass `warn` on one rank only
 * Errors: MOE_USAGE, with what would work; MOE_INPUT parallel.machine cannot be read
 */
enum moe_status moe_config_check(struct moe_run *run, int ranks, FILE *warn, struct moe_error *err);

/* Prints settings as an INI text that moe_config_parse reads back: all of them, or those of record only, in the order
 * of the option table. data.path is not of record: the checksum of its content is, as data.checksum, unless checksum
 * is "".
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_config_print(const struct moe_run *run, FILE *out);
void moe_config_print_record(const struct moe_run *run, const char *checksum, FILE *out);

/* Prints the settings that are not of record, data.path among them, as an INI text.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_config_print_other(const struct moe_run *run, FILE *out);

/* The same two as text from moe_pool_new.
 *
 * Ranks:  local
 * Errors: never returns without memory
 */
char *moe_config_record_text(const struct moe_run *run, const char *checksum);
char *moe_config_other_text(const struct moe_run *run);

/* Whether two INI texts of this program differ; then `what` says the first key that does, with both values.
 *
 * Ranks:  local
 * Errors: never fails; longer texts are cut
 */
int moe_config_difference(const char *then, const char *now, char *what, size_t size);

/* Prints the option table for people, one option a line: key, = (of record) or -, default, unit or choices, range,
 * what it means; or, with markdown, as the table of the README. With `only` not null those of a section, or one key.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_config_help(FILE *out, const char *only, int markdown);

#endif
