#include "analysis/estimate.h"

#include <math.h>
#include <string.h>

#include "analysis/bootstrap.h"
#include "analysis/bracket.h"
#include "analysis/certified.h"
#include "analysis/collision.h"
#include "analysis/coverage.h"
#include "analysis/entropy.h"
#include "analysis/fof.h"
#include "analysis/hill.h"
#include "analysis/incidence.h"
#include "analysis/known_support.h"
#include "analysis/pitman_yor.h"
#include "analysis/rarefy.h"
#include "analysis/sequence.h"
#include "analysis/support.h"

/* Fewer colliding pairs give only lower limits. */
enum { LEAST_PAIRS = 5 };

static struct moe_figure *find(struct moe_sheet *sheet, const char *name)
{
    return (struct moe_figure *)moe_sheet_find(sheet, name);
}

static void add_counts(struct moe_sheet *sheet, const struct moe_fof *fof)
{
    static const char *const name[] = {"f1", "f2", "f3", "f4"};
    moe_sheet_add(sheet, "n", (double)fof->n, MOE_COUNT, "samples")->unit = "samples";
    moe_sheet_add(sheet, "S_obs", (double)fof->patterns, MOE_COUNT, "patterns seen")->unit = "patterns";
    for (int j = 1; j <= 4; j++)
        moe_sheet_add(sheet, name[j - 1], (double)fof->f[j], MOE_COUNT, "patterns seen so often")->unit = "patterns";
    moe_sheet_add(sheet, "max_count", (double)fof->max, MOE_COUNT, "samples of the most frequent pattern")
        ->unit = "samples";
    const double pairs = (double)((long double)fof->pairs / 2);
    moe_sheet_add(sheet, "K2_pairs", pairs, MOE_COUNT, "pairs of samples with equal patterns")->unit = "pairs";
}

/* Too few samples to say anything. */
static void add_nothing(struct moe_sheet *sheet)
{
    static const char *const name[] = {"coverage_good_turing",
                                       "coverage_chao_jost",
                                       "coverage_zhang_huang",
                                       "coverage_esty_se",
                                       "missing_mass_upper95_mcdiarmid",
                                       "hill_obs_q0",
                                       "hill_obs_q1",
                                       "hill_obs_q2",
                                       "hill_obs_qinf",
                                       "hill_asy_q0",
                                       "hill_asy_q1",
                                       "hill_asy_q2",
                                       "H_plugin",
                                       "H_miller_madow",
                                       "H_grassberger2003",
                                       "H_jackknife",
                                       "H_zhang",
                                       "H_zhang_se",
                                       "H_cwj",
                                       "H_cwj_tail",
                                       "H_chao_shen",
                                       "H_shrink_K",
                                       "lambda_shrink_K",
                                       "H_nsb_K",
                                       "H_py",
                                       "chao1",
                                       "chao1_se",
                                       "chao1_ci95_lo",
                                       "chao1_ci95_hi",
                                       "chao1_bc",
                                       "chao1_bc_nofactor",
                                       "ichao1",
                                       "ace",
                                       "ace1",
                                       "jack1",
                                       "jack2",
                                       "simpson_unbiased",
                                       "simpson_se",
                                       "hill2_ci95_lo",
                                       "hill2_ci95_hi",
                                       "hill2_lower95_collision",
                                       "H_bracket",
                                       "H_certified"};
    for (size_t i = 0; i < sizeof name / sizeof *name; i++)
        moe_sheet_missing(sheet, name[i], "fewer than 2 samples", MOE_ESTIMATE, "");
    find(sheet, "H_bracket")->in_table = 1;
}

/* Suppresses the figures whose names begin with one of the given beginnings (null ends them). */
static void suppress(struct moe_sheet *sheet, const char *const *beginning, const char *reason)
{
    for (int i = 0; i < sheet->count; i++)
        for (int b = 0; beginning[b]; b++)
            if (strncmp(sheet->figure[i].name, beginning[b], strlen(beginning[b])) == 0)
                sheet->figure[i].suppressed = reason;
}

/* What is said of a figure beside its value. */
static void remark(struct moe_sheet *sheet, const char *name, const char *text)
{
    struct moe_figure *figure = find(sheet, name);
    if (figure && !figure->missing)
        figure->note = figure->note ? moe_sheet_text(sheet, "%s; %s", figure->note, text) : text;
}

/* Estimates beyond the worst case are to be read as the worst case. */
static void flag_beyond_worst(struct moe_sheet *sheet, double ln_worst)
{
    static const char *const entropy[] = {"H_miller_madow", "H_grassberger2003", "H_jackknife", "H_zhang",
                                          "H_cwj",          "H_chao_shen",       "H_py"};
    static const char *const number[] = {"chao1", "ichao1", "ace", "ace1", "hill_asy_q0", "hill_asy_q1", "hill_asy_q2"};
    for (size_t i = 0; i < sizeof entropy / sizeof *entropy; i++)
        if (find(sheet, entropy[i])->value > ln_worst + 1e-9)
            remark(sheet, entropy[i], "above the worst case: read as ln W");
    for (size_t i = 0; i < sizeof number / sizeof *number; i++)
        if (log(find(sheet, number[i])->value) > ln_worst + 1e-9)
            remark(sheet, number[i], "above the worst case: read as W");
}

static void judge(struct moe_sheet *sheet, const struct moe_counts *counts, const struct moe_fof *fof, int monotone)
{
    static const char *const points[] = {"H_plugin",    "H_miller",     "H_grassberger",
                                         "H_jackknife", "H_zhang",      "H_cwj",
                                         "H_chao_shen", "H_shrink",     "H_py",
                                         "H_nsb",       "hill_",        "chao1",
                                         "ichao1",      "jack",         "extrap_",
                                         "py_",         "good_toulmin", "sgt_",
                                         "boot_",       "lambda_",      "simpson_unbiased",
                                         "simpson_se",  "hill2_ci95",   NULL};
    static const char *const below_two[] = {"hill_asy_q0", "hill_asy_q1", "H_cwj", NULL};
    static const char *const second[] = {"hill_asy_q2",   "hill_asy_q3", "simpson_unbiased", "simpson_se", "hill2_ci95",
                                         "collision_phi", NULL};
    const double loso = moe_coverage_loso(counts);
    if (isnan(loso) ? moe_coverage_turing(fof) < 0.5 : loso < 0.5) {
        remark(sheet, "hill_asy_q1", "lower bound");
        remark(sheet, "H_cwj", "lower bound");
    }
    flag_beyond_worst(sheet, counts->ln_worst);
    if (fof->pairs < 2 * LEAST_PAIRS) {
        suppress(sheet, second, "fewer than 5 colliding pairs: lower limit only");
        find(sheet, "hill2_lower95_collision")->in_table = fof->pairs > 0;
        find(sheet, "hill2_lower975_no_collision")->in_table = fof->pairs == 0;
    }
    if (!monotone)
        suppress(sheet, below_two, "profile not monotone: undersampled");
    if (fof->f[1] == fof->n)
        suppress(sheet, points, "no repeated pattern");
}

static void set_table(struct moe_sheet *sheet)
{
    static const char *const shown[] = {"H_plugin", "H_cwj", "hill_asy_q2"};
    for (int i = 0; i < 3; i++)
        find(sheet, shown[i])->in_table = 1;
    struct moe_figure *figure = find(sheet, "hill_asy_q2");
    const double low = find(sheet, "hill2_ci95_lo")->value, high = find(sheet, "hill2_ci95_hi")->value;
    if (!figure->missing)
        moe_figure_interval(figure, low, high, 0.95);
}

static void estimate_samples(struct moe_sheet *sheet, const struct moe_counts *counts, const struct moe_fof *fof,
                             const struct moe_estimate_options *options)
{
    const int iid = counts->independent && counts->samples == counts->sequences;
    const struct moe_entropy entropy = moe_entropy_of(fof);
    moe_add_bracket(sheet, counts, fof, &entropy);
    moe_add_certified(sheet, counts, fof, options->path, options->eta);
    moe_add_coverage(sheet, fof, iid);
    moe_add_entropy(sheet, fof, &entropy);
    moe_add_pitman_yor(sheet, fof);
    moe_add_known_support(sheet, fof, options->known_support);
    const int monotone = moe_add_hill(sheet, fof, &entropy, options->order, options->order_count);
    moe_add_collision(sheet, fof, iid);
    moe_add_support(sheet, fof);
    moe_add_rarefaction(sheet, fof);
    moe_add_bootstrap(sheet, fof);
    if (counts->sequences > 0 && counts->without_fof.value)
        moe_add_sequence(sheet, counts, fof);
    set_table(sheet);
    judge(sheet, counts, fof, monotone);
}

void moe_estimate(struct moe_sheet *sheet, const struct moe_counts *counts, const struct moe_estimate_options *options)
{
    static const char *const alone[] = {"coverage_inc", "H_inc_cwj", "hill_inc_asy_q2"}; /* shown without samples */
    struct moe_fof fof;
    struct moe_error err = {0};
    if (counts->fof.value) {
        if (moe_fof_view(&fof, &counts->fof, 0, &err))
            moe_fatal(err.code, "%s: fof: %s", counts->path, err.text);
        add_counts(sheet, &fof);
        if (fof.n < 2)
            add_nothing(sheet);
        else
            estimate_samples(sheet, counts, &fof, options);
    }
    if (counts->incidence.value && counts->sequences > 0) {
        if (moe_fof_view(&fof, &counts->incidence, counts->sequences, &err))
            moe_fatal(err.code, "%s: incidence: %s", counts->path, err.text);
        moe_add_incidence(sheet, &fof);
        for (int i = 0; i < 3 && !counts->fof.value; i++)
            find(sheet, alone[i])->in_table = 1;
        const struct moe_figure *by_group = find(sheet, "group_se_chao2");
        if (by_group && !by_group->missing && !isnan(find(sheet, "chao2")->low))
            remark(sheet, "chao2", "its interval takes patterns as independent: group_se_chao2 does not");
    }
}
