#include "src/options.h"

#include <string.h>

#define AT(member) offsetof(struct moe_run, member)

/* Whole numbers up to 2^53 are exact in double, so one pair of doubles serves as range for all kinds. */
#define MANY 1e15
#define SIZE 65536

static const struct moe_option table[] = {
    {"data.source", MOE_KIND_CHOICE, AT(data.source), "torus", "torus|idx|text", 0, 0, 0, 1, "",
     "torus: regression on a d-torus, needs no file; idx: images as patches; text: bytes, next-byte prediction"},
    {"data.path", MOE_KIND_TEXT, AT(data.path), "", NULL, 0, MOE_PATH_MAX - 1, 0, 0, "",
     "folder of the IDX files (idx) or the file (text); stored by checksum"},
    {"data.n", MOE_KIND_LONG, AT(data.n), "16384", NULL, 1, MANY, MOE_ENDLESS, 1, "sequences",
     "training sequences; endless: every batch is fresh"},
    {"data.test_n", MOE_KIND_LONG, AT(data.test_n), "4096", NULL, 1, MANY, 0, 1, "sequences",
     "held-out sequences an evaluation uses"},
    {"data.seed", MOE_KIND_SEED, AT(data.seed), "1", NULL, 0, 0, 0, 1, "",
     "of data, target, noise, batch order and census groups"},
    {"data.tokens", MOE_KIND_INT, AT(data.tokens), "8", NULL, 1, SIZE, 0, 1, "tokens",
     "T, length of a sequence; idx takes it from the image and data.patch"},
    {"data.patch", MOE_KIND_INT, AT(data.patch), "7", NULL, 1, SIZE, 0, 1, "pixels",
     "side of a square patch, one token (idx)"},
    {"data.dim", MOE_KIND_INT, AT(data.dim), "2", NULL, 1, 64, 0, 1, "",
     "intrinsic dimension d (torus)"},
    {"data.beta", MOE_KIND_REAL, AT(data.beta), "2", NULL, 0, 100, MOE_ABOVE, 1, "",
     "smoothness of the target (torus)"},
    {"data.scale", MOE_KIND_REAL, AT(data.scale), "1", NULL, 0, 1000, MOE_ABOVE, 1, "",
     "scale of the target's frequencies (torus)"},
    {"data.noise", MOE_KIND_REAL, AT(data.noise), "0.1", NULL, 0, 1000, 0, 1, "target sd",
     "standard deviation of the noise on regression targets"},
    {"data.clip", MOE_KIND_REAL, AT(data.clip), "4", NULL, 0, 100, MOE_ABOVE, 1, "noise sd",
     "where the noise is cut, so that targets are bounded"},
    {"data.holdout", MOE_KIND_REAL, AT(data.holdout), "0.1", NULL, 0, 0.9, MOE_ABOVE, 1, "",
     "share of the file, at its end, that is never trained on (text)"},

    {"model.width", MOE_KIND_INT, AT(model.width), "32", NULL, 1, SIZE, 0, 1, "",
     "C, numbers a token carries; a multiple of model.heads"},
    {"model.layers", MOE_KIND_INT, AT(model.layers), "2", NULL, 1, SIZE, 0, 1, "", "L, blocks"},
    {"model.heads", MOE_KIND_INT, AT(model.heads), "2", NULL, 1, SIZE, 0, 1, "", "H, attention heads"},
    {"model.experts", MOE_KIND_INT, AT(model.experts), "8", NULL, 1, 32767, 0, 1, "", "E, experts in a layer"},
    {"model.top_k", MOE_KIND_INT, AT(model.top_k), "2", NULL, 1, 32767, 0, 1, "",
     "K, experts a token goes to; at most model.experts"},
    {"model.expert_width", MOE_KIND_INT, AT(model.expert_width), "32", NULL, 1, SIZE, 0, 1, "",
     "F, hidden width of an expert"},
    {"model.mask", MOE_KIND_CHOICE, AT(model.mask), "full", "full|causal", 0, 0, 0, 1, "",
     "causal: a token sees itself and earlier ones only"},
    {"model.attention", MOE_KIND_CHOICE, AT(model.attention), "softmax", "softmax", 0, 0, 0, 1, "",
     "kind of attention"},
    {"model.positions", MOE_KIND_CHOICE, AT(model.positions), "absolute+offset", "absolute+offset|offset", 0, 0, 0, 1,
     "", "learned vectors by position and attention biases by offset, or the biases only"},
    {"model.gate", MOE_KIND_CHOICE, AT(model.gate), "topk-softmax", "topk-softmax|softmax-topk", 0, 0, 0, 1, "",
     "softmax over the K chosen experts, or over all without renormalisation"},
    {"model.router", MOE_KIND_CHOICE, AT(model.router), "learned", "learned|frozen|planted", 0, 0, 0, 1, "",
     "frozen: as initialised; planted: experts drawn from model.planted_law, whatever the token"},
    {"model.planted_law", MOE_KIND_LAW, AT(model.planted_law), "uniform", NULL, 0, 100, MOE_ABOVE, 1, "",
     "law of a planted router over the sets of K experts"},
    {"model.balance", MOE_KIND_CHOICE, AT(model.balance), "switch", "switch|none", 0, 0, 0, 1, "",
     "balance loss: share of choices times mean probability, summed over experts"},
    {"model.balance_weight", MOE_KIND_REAL, AT(model.balance_weight), "0.01", NULL, 0, 100, 0, 1, "",
     "alpha, weight of the balance loss"},
    {"model.seed", MOE_KIND_SEED, AT(model.seed), "1", NULL, 0, 0, 0, 1, "",
     "of initial weights and router draws"},

    {"train.steps", MOE_KIND_INT, AT(train.steps), "600", NULL, 1, 9e7, 0, 1, "steps", "length of the training"},
    {"train.batch", MOE_KIND_INT, AT(train.batch), "128", NULL, 1, 1 << 24, 0, 1, "sequences",
     "B, global batch of a step, over all ranks"},
    {"train.rate", MOE_KIND_REAL, AT(train.rate), "0.002", NULL, 0, 1, MOE_ABOVE, 1, "",
     "peak learning rate; falls by a cosine to a tenth"},
    {"train.warmup", MOE_KIND_INT, AT(train.warmup), "50", NULL, 0, 1e9, 0, 1, "steps",
     "linear rise of the learning rate"},
    {"train.decay", MOE_KIND_REAL, AT(train.decay), "0.01", NULL, 0, 1, 0, 1, "", "weight decay, on matrices only"},
    {"train.loss", MOE_KIND_CHOICE, AT(train.loss), "squared", "squared|cross-entropy", 0, 0, 0, 1, "",
     "squared: regression (idx: on class indicators); cross-entropy: classes, next byte"},
    {"train.eval_every", MOE_KIND_INT, AT(train.eval_every), "50", NULL, 1, 1e9, 0, 1, "steps",
     "how often held-out data are evaluated"},
    {"train.eval_batch", MOE_KIND_INT, AT(train.eval_batch), "1024", NULL, 1, 1 << 24, 0, 1, "sequences",
     "forward pass of an evaluation"},
    {"train.checkpoint_every", MOE_KIND_INT, AT(train.checkpoint_every), "0", NULL, 0, 1e9, 0, 0, "steps",
     "how often a checkpoint is written; 0: only when asked to stop"},
    {"train.stop_before_s", MOE_KIND_REAL, AT(train.stop_before_s), "120", NULL, 0, 1e9, 0, 0, "s",
     "how long before the end of a Slurm job training stops, with a checkpoint; at most 3/4 of its time"},

    {"parallel.shards", MOE_KIND_INT, AT(parallel.shards), "16", NULL, 1, SIZE, 0, 1, "",
     "V, fixed parts of the batch; the most ranks that can run; never derived from the ranks"},
    {"parallel.units", MOE_KIND_INT, AT(parallel.units), "1", NULL, 1, SIZE, 0, 1, "",
     "U, groups of shards that experts see at once; divides parallel.shards"},
    {"parallel.exchange", MOE_KIND_CHOICE, AT(parallel.exchange), "auto", "auto|direct", 0, 0, 0, 0, "",
     "how tokens travel between ranks; changes no result (one way so far: both mean direct)"},
    {"parallel.machine", MOE_KIND_TEXT, AT(parallel.machine), "", NULL, 0, MOE_PATH_MAX - 1, 0, 0, "",
     "file of measured constants that predictions use (made by plan --calibrate); empty: the program's own"},

    {"census.sequences", MOE_KIND_LONG, AT(census.sequences), "65536", NULL, 1, MANY, 0, 1, "sequences",
     "how many a census counts"},
    {"census.first", MOE_KIND_LONG, AT(census.first), "0", NULL, 0, MANY, 0, 1, "sequences",
     "number of the first one"},
    {"census.every", MOE_KIND_INT, AT(census.every), "0", NULL, 0, 1e9, 0, 1, "steps",
     "how often a census is taken; 0: before and after training"},
    {"census.batch", MOE_KIND_INT, AT(census.batch), "1024", NULL, 1, 1 << 24, MOE_POWER_OF_TWO, 1, "sequences",
     "forward pass of a census; growth is tabled from there on"},
    {"census.keep_choices", MOE_KIND_LONG, AT(census.keep_choices), "4096", NULL, 0, MANY, 0, 1, "sequences",
     "how many have their choices stored one by one"},
    {"census.keep_keys", MOE_KIND_CHOICE, AT(census.keep_keys), "no", "no|yes", 0, 0, 0, 1, "",
     "store every pattern with its counts"},

    {"output.name", MOE_KIND_TEXT, AT(output.name), "moecensus", NULL, 1, MOE_PATH_MAX - 1, 0, 0, "",
     "results go to NAME.h5, parameters to NAME.model.h5; -o NAME is the same"},
    {"output.on_full", MOE_KIND_CHOICE, AT(output.on_full), "stop", "stop|continue", 0, 0, 0, 0, "",
     "what training does when there is no room for a checkpoint"},
};

enum { OPTIONS = sizeof table / sizeof table[0], LONGEST_KEY = 63 };

int moe_options(const struct moe_option **options)
{
    *options = table;
    return OPTIONS;
}

const struct moe_option *moe_option_find(const char *key)
{
    for (int i = 0; i < OPTIONS; i++)
        if (!strcmp(table[i].key, key))
            return &table[i];
    return NULL;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

/* Levenshtein's distance between the first bytes of two texts, known's at most LONGEST_KEY. */
static int distance(const char *typed, size_t typed_length, const char *known, size_t known_length)
{
    int row[LONGEST_KEY + 1];
    for (size_t j = 0; j <= known_length; j++)
        row[j] = (int)j;
    for (size_t i = 1; i <= typed_length; i++) {
        int diagonal = row[0];
        row[0] = (int)i;
        for (size_t j = 1; j <= known_length; j++) {
            int replace = diagonal + (typed[i - 1] != known[j - 1]);
            diagonal = row[j];
            row[j] = smaller(replace, 1 + smaller(row[j], row[j - 1]));
        }
    }
    return row[known_length];
}

const struct moe_option *moe_option_nearest(const char *key)
{
    const struct moe_option *best = NULL;
    int least = 0;
    size_t length = strlen(key), section = strcspn(key, ".");
    for (int i = 0; i < OPTIONS; i++) {
        const char *known = table[i].key, *name = strchr(known, '.') + 1;
        size_t known_section = (size_t)(name - known) - 1, name_length = strlen(name);
        int cost;
        if (section < length)
            cost = distance(key, section, known, known_section) +
                   2 * distance(key + section + 1, length - section - 1, name, name_length);
        else
            cost = smaller(distance(key, length, name, name_length), distance(key, length, known, strlen(known)));
        if (!best || cost < least) {
            best = &table[i];
            least = cost;
        }
    }
    return best;
}
