/* Laws of patterns, samples of them by the project's own generator, and how often intervals hold in many samples. */
#ifndef MOE_SIMULATE_H
#define MOE_SIMULATE_H

#include "analysis/bracket.h"
#include "analysis/certified.h"
#include "analysis/collision.h"
#include "analysis/estimate.h"
#include "analysis/occam.h"
#include "src/random.h"
#include "tests/tables.h"

enum law_kind {
    LAW_UNIFORM,
    LAW_ZIPF,      /* 1/i^parameter */
    LAW_GEOMETRIC, /* (1 - parameter)^i */
    LAW_DIRICHLET, /* shares drawn once, Gamma(parameter) each; parameter below 1 */
    LAW_AND_DUST,  /* one pattern has all but 2/n, 1e30 others share that: no sample tells what the dust costs */
    LAW_DIFFUSE    /* one pattern has so much that n samples collide or not, 1e30 others share the rest */
};

struct law_shape {
    const char *name;
    enum law_kind kind;
    double parameter;
    int cells; /* patterns; 1 beside dust */
};

struct law {
    const char *name;
    int cells;
    double *p;      /* [cells] */
    double dust;    /* patterns that share the rest of the mass, so many that no two samples meet there; 0: no rest */
    double *keep;   /* [cells + 1]: with that probability a cell is itself, else the other one (Walker 1977); */
    int *other;     /* cell number `cells` is the dust */
    double entropy; /* nats */
    double second;  /* sum p^2 */
};

/* Gamma law of shape below 1 (Marsaglia and Tsang 2000). */
static inline double law_gamma(struct moe_random *random, double shape)
{
    const double d = shape + 1 - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        const double x = moe_random_normal(random), v = pow(fmax(1 + c * x, 0), 3), u = moe_random_uniform(random);
        if (v > 0 && log(u) < x * x / 2 + d - d * v + d * log(v))
            return d * v * pow(moe_random_uniform(random), 1 / shape);
    }
}

static inline double law_weight(const struct law_shape *shape, int i, int n, struct moe_random *random)
{
    switch (shape->kind) {
    case LAW_UNIFORM: return 1;
    case LAW_ZIPF: return pow(i + 1, -shape->parameter);
    case LAW_GEOMETRIC: return exp(i * log1p(-shape->parameter));
    case LAW_DIRICHLET: return law_gamma(random, shape->parameter);
    case LAW_AND_DUST: return 1 - 2.0 / n;
    case LAW_DIFFUSE: return sqrt(3.69 / (n * (n - 1.0) / 2));
    }
    return 0;
}

/* The alias table of weights that sum to 1: cells that have too little are filled up by one that has too much. */
static inline void law_alias(struct law *law, double rest)
{
    const int m = law->cells + 1;
    int *stack = calloc((size_t)m, sizeof *stack), small = 0, large = m;
    law->keep = calloc((size_t)m, sizeof *law->keep);
    law->other = calloc((size_t)m, sizeof *law->other);
    for (int i = 0; i < m; i++) {
        law->keep[i] = m * (i < law->cells ? law->p[i] : rest);
        stack[law->keep[i] < 1 ? small++ : --large] = i;
    }
    while (small > 0 && large < m) {
        const int poor = stack[--small], rich = stack[large];
        law->other[poor] = rich;
        law->keep[rich] -= 1 - law->keep[poor];
        if (law->keep[rich] < 1) {
            large++;
            stack[small++] = rich;
        }
    }
    /* what is left is 1 but for rounding */
    while (small > 0)
        law->keep[stack[--small]] = 1;
    while (large < m)
        law->keep[stack[large++]] = 1;
    free(stack);
}

/* The law of a shape; those with dust depend on the size n of the samples. */
static inline struct law law_of_shape(const struct law_shape *shape, int n)
{
    struct law law = {.name = shape->name, .cells = shape->cells};
    struct moe_random random;
    long double sum = 0, entropy = 0, second = 0;
    moe_random_init(&random, 1, MOE_STREAM_PLANTED, 0, 0);
    law.p = calloc((size_t)law.cells, sizeof *law.p);
    law.dust = shape->kind == LAW_AND_DUST || shape->kind == LAW_DIFFUSE ? 1e30 : 0;
    for (int i = 0; i < law.cells; i++)
        sum += law.p[i] = law_weight(shape, i, n, &random);
    for (int i = 0; i < law.cells; i++) {
        law.p[i] /= law.dust > 0 ? 1 : (double)sum;
        entropy -= law.p[i] > 0 ? law.p[i] * logl(law.p[i]) : 0;
        second += law.p[i] * law.p[i];
    }
    const double rest = law.dust > 0 ? 1 - law.p[0] : 0;
    law.entropy = (double)(entropy - (rest > 0 ? rest * logl(rest / law.dust) : 0));
    law.second = (double)second + (rest > 0 ? rest * rest / law.dust : 0);
    law_alias(&law, rest);
    return law;
}

static inline void law_clear(struct law *law)
{
    free(law->p);
    free(law->keep);
    free(law->other);
}

static inline int law_draw(const struct law *law, struct moe_random *random)
{
    const int cell = (int)moe_random_below(random, (uint64_t)law->cells + 1);
    return moe_random_uniform(random) < law->keep[cell] ? cell : law->other[cell];
}

/* Counts of n independent samples, sample number `run`. Each sample of the dust is a pattern of its own. */
static inline struct moe_counts law_counts(const struct law *law, int n, int run, double ln_worst)
{
    struct moe_random random;
    int *count = calloc((size_t)law->cells + (size_t)n, sizeof *count), patterns = law->cells;
    moe_random_init(&random, (uint64_t)n, MOE_STREAM_CENSUS, (uint64_t)run, 0);
    for (int i = 0; i < n; i++) {
        const int cell = law_draw(law, &random);
        count[cell < law->cells ? cell : patterns++]++;
    }
    const struct moe_counts counts = tables_of_counts(count, patterns, ln_worst);
    free(count);
    return counts;
}

/* Fills token[sequences, length]: each sample repeats an earlier one of its sequence with a probability, else is drawn.
 * So every sample has the law, whatever the repetition. */
static inline void law_repeat(const struct law *law, int *token, int sequences, int length, double repeat, int run)
{
    for (int s = 0; s < sequences; s++) {
        struct moe_random random;
        int *own = token + s * length;
        moe_random_init(&random, (uint64_t)run, MOE_STREAM_CENSUS, (uint64_t)s, 1);
        for (int i = 0; i < length; i++)
            own[i] = i > 0 && moe_random_uniform(&random) < repeat ? own[moe_random_below(&random, (uint64_t)i)]
                                                                   : law_draw(law, &random);
    }
}

/* Of `runs` samples: how often a bracket of the entropy lay above or below the truth, and its mean width. */
struct bracket_tally {
    int above, below;
    double width;
};

static inline int tally_bracket(struct bracket_tally *tally, const struct moe_sheet *sheet, const char *name,
                                double truth, int runs)
{
    const struct moe_figure *bracket = moe_sheet_find(sheet, name);
    const int above = !(bracket->low <= truth), below = !(truth <= bracket->high);
    tally->above += above;
    tally->below += below;
    tally->width += (bracket->high - bracket->low) / runs;
    return !above && !below;
}

/* The nominal and the certified bracket, and the lower limit of the order-2 number that goes into the nominal one. */
struct brackets_tally {
    int nominal_holds, certified_holds, order2_holds;
    struct bracket_tally nominal, certified;
};

static inline void tally_brackets(struct brackets_tally *tally, const struct law *law, const struct moe_counts *counts,
                                  int runs)
{
    struct moe_sheet sheet;
    struct moe_fof fof;
    struct moe_error err = {0};
    moe_sheet_init(&sheet, law->name);
    moe_fof_view(&fof, &counts->fof, 0, &err);
    const struct moe_entropy entropy = moe_entropy_of(&fof);
    moe_add_bracket(&sheet, counts, &fof, &entropy);
    moe_add_certified(&sheet, counts, &fof, NULL, 0.05);
    tally->nominal_holds += tally_bracket(&tally->nominal, &sheet, "H_bracket", law->entropy, runs);
    tally->certified_holds += tally_bracket(&tally->certified, &sheet, "H_certified", law->entropy, runs);
    const double least = fof.pairs > 0 ? moe_collision_lower(&fof, 0.05 / 4)
                                       : exp(moe_occam_no_collision((double)fof.n, 0.05 / 4));
    tally->order2_holds += least <= 1 / law->second;
    moe_sheet_clear(&sheet);
}

/* The same samples under each of several worst cases. */
static inline void simulate_brackets(struct brackets_tally *tally, const double *ln_worst, int worsts,
                                     const struct law *law, int n, int runs)
{
    memset(tally, 0, (size_t)worsts * sizeof *tally);
    for (int run = 0; run < runs; run++) {
        struct moe_counts counts = law_counts(law, n, run, NAN);
        for (int w = 0; w < worsts; w++) {
            counts.ln_worst = ln_worst[w];
            tally_brackets(&tally[w], law, &counts, runs);
        }
        tables_clear(&counts);
    }
}

/* How often intervals hold in `runs` samples of sequences: by sequence, and as if their samples were independent. */
struct sequence_tally {
    int order2, coverage, bracket, certified, warned;
    int order2_by_token, coverage_by_token, bracket_by_token;
};

static inline int sheet_holds(const struct moe_sheet *sheet, const char *name, double truth)
{
    const struct moe_figure *figure = moe_sheet_find(sheet, name);
    return figure->low <= truth && truth <= figure->high;
}

static inline void tally_sequences(struct sequence_tally *tally, const struct law *law, const struct tokens *t,
                                   double ln_worst)
{
    struct moe_counts counts = tables_of(t, ln_worst), by_token = counts;
    struct moe_sheet sheet, token_sheet;
    struct moe_fof fof;
    struct moe_error err = {0};
    char *seen = calloc((size_t)law->cells, 1);
    double coverage = 0;
    for (int i = 0; i < t->sequences * t->length; i++) {
        coverage += seen[t->token[i]] ? 0 : law->p[t->token[i]];
        seen[t->token[i]] = 1;
    }
    moe_sheet_init(&sheet, "sequences");
    moe_estimate(&sheet, &counts, &(struct moe_estimate_options){.eta = 0.05});
    by_token.sequences = by_token.samples;
    moe_sheet_init(&token_sheet, "tokens");
    moe_fof_view(&fof, &by_token.fof, 0, &err);
    const struct moe_entropy entropy = moe_entropy_of(&fof);
    moe_add_bracket(&token_sheet, &by_token, &fof, &entropy);
    tally->order2 += sheet_holds(&sheet, "hill2_cross", 1 / law->second);
    tally->order2_by_token += sheet_holds(&sheet, "hill_asy_q2", 1 / law->second);
    tally->coverage += sheet_holds(&sheet, "coverage_loso", coverage);
    tally->coverage_by_token += sheet_holds(&sheet, "coverage_good_turing", coverage);
    tally->bracket += sheet_holds(&sheet, "H_bracket", law->entropy);
    tally->bracket_by_token += sheet_holds(&token_sheet, "H_bracket", law->entropy);
    tally->certified += sheet_holds(&sheet, "H_certified", law->entropy);
    tally->warned += moe_sheet_find(&sheet, "sequence_disagrees")->value == 1;
    moe_sheet_clear(&sheet);
    moe_sheet_clear(&token_sheet);
    tables_clear(&counts);
    free(seen);
}

static inline struct sequence_tally simulate_sequences(const struct law *law, int sequences, int length, double repeat,
                                                       int runs, double ln_worst)
{
    struct sequence_tally tally = {0};
    int *token = calloc((size_t)(sequences * length), sizeof *token);
    const struct tokens t = {sequences, length, law->cells, token, length / 2};
    for (int run = 0; run < runs; run++) {
        law_repeat(law, token, sequences, length, repeat, run);
        tally_sequences(&tally, law, &t, ln_worst);
    }
    free(token);
    return tally;
}

#endif
