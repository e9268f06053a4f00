/* Shannon entropy of the law behind a sample, in nats, by the estimators in use. */
#ifndef MOE_ENTROPY_H
#define MOE_ENTROPY_H

#include "analysis/fof.h"
#include "analysis/sheet.h"

/* Estimates that others are made from. */
struct moe_entropy {
    long double plugin;      /* ln n - sum j f_j ln(j) / n, with the total for n under incidence */
    long double zhang;       /* Zhang 2012: sum (j f_j / n)(psi(n) - psi(j)); its bias is never positive */
    long double tail;        /* what Chao, Wang and Jost 2013 add to it: (f1 / n) x Phi(x, 1, n) */
    long double grassberger; /* Grassberger 2003 */
    long double jackknife;   /* Zahl 1977, in closed form */
    long double chao_shen;   /* Chao and Shen 2003 */
    double zhang_se;         /* jackknife over samples: sqrt(sum j f_j (d_j - mean)^2 / (n (n - 1))), d_1 = psi(1),
                                d_j = psi(j) + 1 */
};

/* All of them.
 *
 * Ranks:  local
 * Errors: never fails; n >= 2
 */
struct moe_entropy moe_entropy_of(const struct moe_fof *fof);

/* Three of them alone; `tail` reads n, f1 and f2 only.
 *
 * Ranks:  local
 * Errors: never fails; n >= 1
 */
long double moe_entropy_plugin(const struct moe_fof *fof);
long double moe_entropy_zhang(const struct moe_fof *fof);
long double moe_entropy_tail(const struct moe_fof *fof);

/* Adds H_plugin, H_miller_madow, H_grassberger2003, H_jackknife, H_zhang, H_zhang_se, H_cwj, H_cwj_tail and
 * H_chao_shen.
 *
 * Ranks:  local
 * Errors: never fails; n >= 2
 */
void moe_add_entropy(struct moe_sheet *sheet, const struct moe_fof *fof, const struct moe_entropy *entropy);

#endif
