/* What the parts of analysis/bounds.h share. */
#ifndef MOE_BOUNDS_PARTS_H
#define MOE_BOUNDS_PARTS_H

#include "analysis/bounds.h"

/* An input by the name under which a missing figure asks for it. */
struct moe_need {
    const char *name;
    double value;
};

/* Adds a figure that goes into the table; where one of `need` (ended by a null name) is NAN, a missing one whose reason
 * lists them.
 *
 * Ranks:  local
 * Errors: never returns without memory
 */
struct moe_figure *moe_bounds_row(struct moe_sheet *sheet, const char *name, double value, const char *grade,
                                  const char *formula, const struct moe_need *need);
#define MOE_NEEDS(...) ((const struct moe_need[]){__VA_ARGS__, {0}})

/* The class as the covering bounds count it: the router's weights only where they are trained and gate values depend
 * on them. And LF: the given one, or ln(kappa R M0 / delta); NAN where that is not above 0.
 *
 * Ranks:  local
 * Errors: never fails
 */
struct moe_covering_sizes moe_bounds_sizes(const struct moe_bound_input *input);
double moe_bounds_log_factor(const struct moe_bound_input *input);
double moe_bounds_radius(const struct moe_bound_input *input);

/* The parts, in the order in which moe_bounds calls them.
 *
 * Ranks:  local
 * Errors: never returns without memory
 */
void moe_add_covering(struct moe_sheet *sheet, const struct moe_bound_input *input);
void moe_add_erm(struct moe_sheet *sheet, const struct moe_bound_input *input);
void moe_add_certificates(struct moe_sheet *sheet, const struct moe_bound_input *input);
void moe_add_smoe(struct moe_sheet *sheet, const struct moe_bound_input *input);
void moe_add_scaling(struct moe_sheet *sheet, const struct moe_bound_input *input);

#endif
