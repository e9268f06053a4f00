#include "analysis/bootstrap.h"

#include <math.h>
#include <string.h>

#include "analysis/coverage.h"
#include "analysis/entropy.h"
#include "analysis/sampling.h"
#include "analysis/special.h"
#include "analysis/support.h"

/* Patterns of larger means enter by their normal limit; a table of counts of smaller ones ends at MOST. */
enum { SMALL = 50, MOST = 200, CLASSES = SMALL + 2, SUMS = 3, FIGURES = 6 };

/* Patterns of one mean. */
struct class
{
    double members, mean;
};

/* What replicates are drawn from. */
struct source {
    int64_t n;
    int classes;
    struct class class[CLASSES];
    double members;          /* patterns in the normal part */
    double mean[SUMS];       /* of sum X, sum X ln X and sum X^2 over it */
    double root[SUMS][SUMS]; /* of their covariance: lower triangle */
    long double psi[MOST], ln[MOST];
};

/* Sums of a replicate. */
struct drawn {
    double samples, patterns, f1, f2, x_ln_x, x_psi, pairs;
};

static long double ceil_share(unsigned __int128 numerator, unsigned __int128 denominator)
{
    return (long double)((numerator + denominator - 1) / denominator);
}

struct moe_community moe_community_of(const struct moe_fof *fof)
{
    /* (1 - j/n)^n is below e^-j */
    const long double n = fof->n, missing = (long double)fof->f[1] / n * (1 - moe_coverage_a(fof));
    const unsigned __int128 f1 = (unsigned __int128)fof->f[1], f2 = (unsigned __int128)fof->f[2];
    const unsigned __int128 N = (unsigned __int128)fof->n;
    struct moe_community community = {0};
    if (f1 > 0)
        community.unseen = f2 > 0 ? ceil_share((N - 1) * f1 * f1, 2 * N * f2)
                                  : ceil_share((N - 1) * f1 * (f1 - 1), 2 * N);
    if (community.unseen > 0)
        community.unseen_p = missing / community.unseen;
    long double sum = 0;
    for (int64_t i = 0; i < fof->rows && fof->row[2 * i] <= 60; i++) {
        const long double p = fof->row[2 * i] / n;
        sum += fof->row[2 * i + 1] * p * expl(n * log1pl(-p));
    }
    community.lambda = missing > 0 ? missing / sum : 0;
    return community;
}

/* Lower triangle L with L L' = covariance; rows that add nothing stay 0. */
static void take_root(double root[SUMS][SUMS], double covariance[SUMS][SUMS])
{
    for (int i = 0; i < SUMS; i++)
        for (int j = 0; j <= i; j++) {
            double left = covariance[i][j];
            for (int k = 0; k < j; k++)
                left -= root[i][k] * root[j][k];
            if (i == j)
                root[i][i] = left > 1e-13 * covariance[i][i] ? sqrt(left) : 0;
            else
                root[i][j] = root[j][j] > 0 ? left / root[j][j] : 0;
        }
}

/* Each pattern's share in the normal part: X has mean and variance mu, functions of it by their slope. */
static void add_normal(struct source *source, double covariance[SUMS][SUMS], double members, double mu)
{
    const double ln = log(mu), slope[SUMS] = {1, ln + 1, 2 * mu + 1};
    source->members += members;
    source->mean[0] += members * mu;
    source->mean[1] += members * (mu * ln + 0.5 + 1 / (12 * mu));
    source->mean[2] += members * mu * (mu + 1);
    for (int i = 0; i < SUMS; i++)
        for (int j = 0; j < SUMS; j++)
            covariance[i][j] += members * mu * slope[i] * slope[j];
}

static void prepare(struct source *source, const struct moe_fof *fof, const struct moe_community *community)
{
    const long double n = fof->n;
    double covariance[SUMS][SUMS] = {{0}};
    memset(source, 0, sizeof *source);
    source->n = fof->n;
    if (community->unseen > 0)
        source->class[source->classes++] = (struct class){(double)community->unseen, (double)(n * community->unseen_p)};
    for (int64_t i = 0; i < fof->rows; i++) {
        const long double j = fof->row[2 * i], miss = j > 60 ? 0 : expl(n * log1pl(-j / n));
        const double mu = (double)(j * (1 - community->lambda * miss));
        if (mu < SMALL)
            source->class[source->classes++] = (struct class){(double)fof->row[2 * i + 1], mu};
        else
            add_normal(source, covariance, (double)fof->row[2 * i + 1], mu);
    }
    take_root(source->root, covariance);
    for (int k = 1; k < MOST; k++) {
        source->psi[k] = k * moe_digamma(k);
        source->ln[k] = k * logl(k);
    }
}

static void add_count(struct drawn *drawn, const struct source *source, int64_t count, double patterns)
{
    if (count == 0)
        return;
    const int k = count < MOST ? (int)count : MOST - 1;
    drawn->samples += patterns * k;
    drawn->patterns += patterns;
    drawn->f1 += k == 1 ? patterns : 0;
    drawn->f2 += k == 2 ? patterns : 0;
    drawn->x_ln_x += patterns * (double)source->ln[k];
    drawn->x_psi += patterns * (double)source->psi[k];
    drawn->pairs += patterns * k * (k - 1.0);
}

/* New counts of the members of a class: one by one where they are few, else how many get 0, 1, 2, ... */
static void draw_class(struct drawn *drawn, const struct source *source, struct class class, struct moe_random *random)
{
    if (class.members < 2 * class.mean + 40) {
        for (double i = 0; i < class.members; i++)
            add_count(drawn, source, moe_draw_poisson(random, class.mean), 1);
        return;
    }
    /* rest: the share of the law from k on; that of 1 on keeps its digits for means near 0 */
    double rest = -expm1(-class.mean), term = class.mean * exp(-class.mean);
    double left = moe_draw_binomial(random, class.members, rest);
    for (int k = 1; k < MOST && left > 0; k++) {
        const double got = rest > term ? moe_draw_binomial(random, left, fmin(term / rest, 1)) : left;
        add_count(drawn, source, k, got);
        left -= got;
        rest -= term;
        term *= class.mean / (k + 1);
    }
}

static struct drawn draw(const struct source *source, uint64_t replicate)
{
    struct moe_random random;
    struct drawn drawn = {0};
    double normal[SUMS], sum[SUMS];
    moe_random_init(&random, 1, MOE_STREAM_BOOTSTRAP, replicate, 0);
    for (int i = 0; i < SUMS; i++) {
        normal[i] = moe_random_normal(&random);
        sum[i] = source->mean[i];
        for (int j = 0; j <= i; j++)
            sum[i] += source->root[i][j] * normal[j];
    }
    drawn.samples = rint(sum[0]);
    drawn.patterns = source->members;
    drawn.x_ln_x = sum[1];
    drawn.x_psi = sum[1] - source->members / 2;
    drawn.pairs = sum[2] - sum[0];
    for (int c = 0; c < source->classes; c++)
        draw_class(&drawn, source, source->class[c], &random);
    return drawn;
}

static void evaluate(double figure[FIGURES], const struct drawn *drawn)
{
    const double n = drawn->samples;
    const struct moe_fof fof = {.n = (int64_t)n,
                                .total = (int64_t)n,
                                .patterns = (int64_t)drawn->patterns,
                                .f = {0, (int64_t)drawn->f1, (int64_t)drawn->f2, 0, 0}};
    figure[0] = log(n) - drawn->x_ln_x / n;
    figure[1] = (double)(moe_digamma(n) - drawn->x_psi / n + moe_entropy_tail(&fof));
    figure[2] = exp(figure[1]);
    figure[3] = drawn->pairs / (n * (n - 1));
    figure[4] = moe_chao(&fof).estimate;
    figure[5] = moe_coverage_chao_jost(&fof);
}

void moe_add_bootstrap(struct moe_sheet *sheet, const struct moe_fof *fof)
{
    static const char *const formula = "estimated community, Chao and Jost 2015";
    static const char *const name[FIGURES] = {"boot_se_H_plugin", "boot_se_H_cwj", "boot_se_hill_asy_q1",
                                              "boot_se_simpson",  "boot_se_chao1", "boot_se_coverage_chao_jost"};
    static const char *const unit[FIGURES] = {"nats", "nats", "patterns", NULL, "patterns", NULL};
    const struct moe_community community = moe_community_of(fof);
    struct source source;
    double mean[FIGURES] = {0}, squares[FIGURES] = {0};
    int used = 0;
    moe_sheet_add(sheet, "boot_f0", (double)community.unseen, MOE_ESTIMATE, formula)->unit = "patterns";
    moe_sheet_add(sheet, "boot_lambda", (double)community.lambda, MOE_ESTIMATE, formula);
    moe_sheet_add(sheet, "boot_p_unseen", (double)community.unseen_p, MOE_ESTIMATE, formula);
    prepare(&source, fof, &community);
    for (int r = 0; r < MOE_BOOTSTRAP_REPLICATES; r++) {
        double figure[FIGURES];
        const struct drawn drawn = draw(&source, (uint64_t)r);
        if (drawn.samples < 2)
            continue;
        evaluate(figure, &drawn);
        used++;
        for (int i = 0; i < FIGURES; i++) {
            const double off = figure[i] - mean[i];
            mean[i] += off / used;
            squares[i] += off * (figure[i] - mean[i]);
        }
    }
    for (int i = 0; i < FIGURES; i++) {
        struct moe_figure *figure = moe_sheet_add(sheet, name[i], sqrt(squares[i] / (used - 1)), MOE_ESTIMATE, formula);
        figure->unit = unit[i];
        figure->note = community.unseen > 0 ? "200 replicates, independent samples"
                                            : "200 replicates; conditional on full coverage";
    }
}
