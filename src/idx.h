/* Labelled images from IDX files (the format of MNIST and Fashion-MNIST): patches as tokens.
 *
 * An IDX file of unsigned bytes: two zero bytes, type 0x08, number of dimensions, each dimension as a big-endian 32-bit
 * number, then the bytes by rows. A token is one square patch, patches and the pixels inside each by rows; a pixel p
 * becomes (p / 255 - 0.286) / 0.353, which standardises Fashion-MNIST. */
#ifndef MOE_IDX_H
#define MOE_IDX_H

#include <stddef.h>
#include <stdint.h>

#include "src/data.h"

enum { MOE_IDX_TRAIN_IMAGES, MOE_IDX_TRAIN_LABELS, MOE_IDX_TEST_IMAGES, MOE_IDX_TEST_LABELS };

/* What the header of one file says. */
struct moe_idx_head {
    size_t count, rows, columns; /* rows = columns = 1 for labels */
    size_t header, size;         /* bytes of the header, and of the whole file */
};

/* The base name of file `which`, in the order of moe_input. Static storage.
 *
 * Ranks:  local
 * Errors: never fails
 */
const char *moe_idx_name(int which);

/* Bytes in the header of file `which`.
 *
 * Ranks:  local
 * Errors: never fails
 */
size_t moe_idx_header(int which);

/* Reads the header of file `which` from its first moe_idx_header bytes; `name` is what errors call the file.
 *
 * Ranks:  local
 * Errors: MOE_INPUT not IDX, other type or number of dimensions, a dimension that is zero, sizes beyond what fits
 */
enum moe_status moe_idx_parse(struct moe_idx_head *head, const unsigned char *bytes, int which, const char *name,
                              struct moe_error *err);

/* Checks the four headers against each other; name [MOE_INPUTS] are what errors call the files.
 *
 * Ranks:  local
 * Errors: MOE_INPUT images and labels of different count, training and test images of different size
 */
enum moe_status moe_idx_match(const struct moe_idx_head *head, const char *const *name, struct moe_error *err);

struct moe_idx;

/* Borrows the four checked files in input, fills *task and count [MOE_SPLITS].
 *
 * Ranks:  local, same result on all
 * Errors: MOE_USAGE patch does not divide the image, more sequences than there are, endless training; *idx is then null
 */
enum moe_status moe_idx_open(struct moe_idx **idx, const struct moe_run *run, const struct moe_input *input,
                             struct moe_task *task, int64_t *count, struct moe_error *err);
void moe_idx_free(struct moe_idx *idx);

/* moe_data_fetch of this source.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_idx_fetch(const struct moe_idx *idx, enum moe_split split, int64_t index, struct moe_batch *batch, int slot);

#endif
