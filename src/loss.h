/* Losses of one shard's predictions, with their gradients. */
#ifndef MOE_LOSS_H
#define MOE_LOSS_H

#include <stdint.h>

#include "src/real.h"

/* Squared loss: returns the sum over n rows and all outputs of (output - y)^2.
 *   doutput [n, outputs]   scale x gradient of that sum   out
 *
 * Ranks:  local
 * Errors: never fails; not finite where the output is not
 */
double moe_loss_squared(moe_real *doutput, const moe_real *output, const moe_real *y, int64_t n, int outputs,
                        double scale);

/* Cross-entropy in nats: returns the sum over n rows of -ln softmax(output)[target].
 *   doutput [n, outputs]   scale x gradient of that sum   out
 *
 * Ranks:  local
 * Errors: never fails; not finite where the output is not
 */
double moe_loss_cross_entropy(moe_real *doutput, const moe_real *output, const int32_t *target, int64_t n, int outputs,
                              double scale);

/* How many rows have their largest output (the first, in a tie) at the target.
 *
 * Ranks:  local
 * Errors: never fails
 */
int64_t moe_count_correct(const moe_real *output, const int32_t *target, int64_t n, int outputs);

#endif
