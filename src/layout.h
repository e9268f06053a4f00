/* Every parameter tensor by name: shape, place, initial law. One table drives memory, gradients, optimiser and files.
 *
 * Dense tensors (all but the experts') stand in one vector, cut into segments in the order of the forward pass: input,
 * one a layer, output. The tensors of one expert stand in one block; blocks are kept by layer, then expert. */
#ifndef MOE_LAYOUT_H
#define MOE_LAYOUT_H

#include <stdint.h>

#include "src/config.h"
#include "src/data.h"
#include "src/real.h"

enum moe_law { MOE_LAW_ZERO, MOE_LAW_ONE, MOE_LAW_NORMAL, MOE_LAW_UNIFORM };

struct moe_tensor {
    char name[64];          /* path below /parameters, such as layer-00/attention/qkv_weight */
    int rank;               /* 1 or 2: without the expert dimension */
    int64_t shape[2];
    const char *dims[2];    /* names of the dimensions; static */
    int64_t size;           /* elements */
    int64_t offset;         /* in the dense vector, or in one expert's block */
    int layer;              /* of an expert's tensor; -1 for dense tensors */
    int matrix;             /* takes part in a matrix product: gets weight decay */
    int is_router;
    enum moe_law law;
    double law_scale;       /* deviation, or half width */
};

/* Offsets of one layer's dense tensors in the dense vector. */
struct moe_layer_at {
    int64_t norm1_gain, norm1_bias, qkv_weight, qkv_bias, out_weight, out_bias, offset_bias;
    int64_t norm2_gain, norm2_bias, router;
};

struct moe_layout {
    int count;
    struct moe_tensor *tensor;     /* in the order of their names' first use; owned */
    int64_t dense_size;            /* elements of the dense vector */
    int64_t expert_size;           /* elements of one expert's block */
    int64_t layers_start;          /* segments of the dense vector: input [0, layers_start), layers of layer_size */
    int64_t layer_size;            /* elements each, output [output_start, dense_size) */
    int64_t output_start;
    int64_t input_weight, input_bias, positions;   /* -1 where absent; text: input_weight is the table */
    int64_t norm_gain, norm_bias, head_weight, head_bias;
    struct moe_layer_at *layer;    /* [L]; owned */
};

/* Numbers of parameters as /model stores them. */
struct moe_parameter_counts {
    int64_t total, active;     /* active: dense without routers, and K experts a layer */
    int64_t per_expert, experts, attention, router, embedding;
};

/* Lays out the tensors of a model on a task.
 *
 * Ranks:  local
 * Errors: never returns without memory
 */
void moe_layout_init(struct moe_layout *layout, const struct moe_run *run, const struct moe_task *task);
void moe_layout_clear(struct moe_layout *layout);

/* Counts parameters; attention is Q, K, V, O and the offset bias of all layers, embedding the input layer and the
 * positions.
 *
 * Ranks:  local
 * Errors: never fails
 */
struct moe_parameter_counts moe_layout_counts(const struct moe_layout *layout, const struct moe_run *run);

/* Initial values of a tensor: a function of (seed, name, expert), whatever rank asks. expert is 0 for dense tensors.
 *   out [tensor->size]
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_tensor_init(const struct moe_tensor *tensor, uint64_t seed, int expert, moe_real *out);

#endif
