/* What a model file says about the size of its weights: spectra, and the magnitudes that covering bounds ask for. */
#ifndef MOE_WEIGHTS_H
#define MOE_WEIGHTS_H

#include "analysis/grid.h"
#include "analysis/sheet.h"

/* Adds the figures of a model file to rank 0's sheet; the sheets of others are not looked at and may be null.
 *
 *   layer-00/in_weight/...   all experts' stacked, [E F, C]; out_weight [E C, F], router [E, C]: spectral_norm,
 *                            stable_rank, effective_rank, by layer
 *   in_weight_spectral_norm  the largest over the layers; and so on
 *   kappa                    largest |weight| of all tensors that README names
 *   output_bound             largest |output| that final norm and head can give, whatever comes before
 *   expert_input_bound       largest |number| that the norms can give to routers and experts
 *
 * Ranks:  collective
 * Errors: the same on all ranks: MOE_INPUT: not one of our model files, not readable, too large for these ranks;
 *         MOE_NUMERIC: a weight is not finite, or as moe_singular_of
 */
enum moe_status moe_weights_say(const struct moe_grid *grid, const char *model, struct moe_sheet *sheet,
                                struct moe_error *err);

#endif
