/* Estimates from incidence: of T sampling units, how many hold each pattern. */
#ifndef MOE_INCIDENCE_H
#define MOE_INCIDENCE_H

#include "analysis/fof.h"
#include "analysis/sheet.h"

/* Adds T, U, Q1 .. Q4, Chao2 and its kind (support.h), coverage_inc, H_inc_cwj, hill_inc_obs_q1, hill_inc_obs_q2,
 * hill_inc_asy_q1, hill_inc_asy_q2 and hill_inc_asy_q2_mvue. fof is a view with units.
 *
 * Ranks:  local
 * Errors: never fails; without 2 units and one pattern all estimates are missing
 * Formula: Chao and others 2014, with T for n
 */
void moe_add_incidence(struct moe_sheet *sheet, const struct moe_fof *fof);

#endif
