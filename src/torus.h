/* Regression on a d-torus: points on a manifold of known dimension, a target of known smoothness.
 *
 * z is uniform on [0, 2 pi)^d and embedded in 32 dimensions by a fixed random map, x = tanh(u G1 + shift) G2 with
 * u = (cos z, sin z), entries of G1 N(0, 1 / (2 d)), of the shift uniform(-1, 1), of G2 N(0, 1/128); coordinates are
 * standardised and cut into T tokens. The target is a sum of c cos(w . z + phase), w = round(scale x normal vector /
 * sqrt(chi-square with 2 beta degrees of freedom / (2 beta))): the spectral law of a Matern process of smoothness beta,
 * rounded so that it lives on the torus; terms with w = 0 are dropped, the sum is standardised.
 *
 * Draws, all with key data.seed. Point `index` of a split: stream of the split, a = index, d uniforms times 2 pi.
 * Noise: stream noise, a = index, b = split, one normal. Embedding: stream target, b = 0, a = 0 for G1 [2d, 128] by
 * rows, a = 1 for the shift [128], a = 2 for G2 [128, 32] by rows. Term j of the sum: stream target, a = 3, b = j:
 * normal c, uniform phase / 2 pi, d normals, uniform of the chi-square quantile. Means and (population) deviations are
 * those of the 4096 points of stream scale, a = 0..4095. */
#ifndef MOE_TORUS_H
#define MOE_TORUS_H

#include <stdint.h>

#include "src/data.h"

enum { MOE_TORUS_WIDTH = 32, MOE_TORUS_HIDDEN = 128, MOE_TORUS_TERMS = 512, MOE_TORUS_POINTS = 4096 };

struct moe_torus;

/* Makes the embedding and the target, fills *task and count [MOE_SPLITS].
 *
 * Ranks:  local, same result on all
 * Errors: MOE_USAGE tokens that do not divide 32, a loss other than squared, or a beta and scale without a usable
 *         frequency; *torus is then null
 */
enum moe_status moe_torus_open(struct moe_torus **torus, const struct moe_run *run, struct moe_task *task,
                               int64_t *count, struct moe_error *err);
void moe_torus_free(struct moe_torus *torus);

/* Cosines in the target, after those of one frequency became one.
 *
 * Ranks:  local
 * Errors: never fails
 */
int moe_torus_cosines(const struct moe_torus *torus);

/* moe_data_fetch of this source. The target is computed only where the batch has y or clean.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_torus_fetch(const struct moe_torus *torus, enum moe_split split, int64_t index, struct moe_batch *batch,
                     int slot);

#endif
