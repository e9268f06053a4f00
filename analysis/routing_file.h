/* Reading what a results file says about routing beside the pattern counts. */
#ifndef MOE_ROUTING_FILE_H
#define MOE_ROUTING_FILE_H

#include "analysis/describe.h"
#include "mpi/h5read.h"

/* A struct moe_routing and the arrays that it borrows; those that the file does not have are null. */
struct moe_routing_file {
    struct moe_routing routing;
    int64_t *load, *load_by_label, *coactivation, *margin;
    double *gate_energy, *margin_edge, *entropy, *collision;
    int16_t *choices, *earlier;
};

/* Reads the routing of a snapshot; `earlier` names one whose kept choices it is compared with, or is null.
 * moe_routing_clear gives back what it holds, also after a failure.
 *
 * Ranks:  local
 * Errors: MOE_INPUT load or gate_energy is missing, or an array has another shape than the others tell
 */
enum moe_status moe_routing_read(struct moe_routing_file *file, struct moe_reader *reader, const char *snapshot,
                                 const char *earlier, struct moe_error *err);
void moe_routing_clear(struct moe_routing_file *file);

#endif
