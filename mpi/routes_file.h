/* Measured routes out of a results file, for the planner. */
#ifndef MOE_ROUTES_FILE_H
#define MOE_ROUTES_FILE_H

#include "src/routes.h"

/* Reads the settings that a results file was made with over run, but for parallel.machine, and whether it
 * comes from a training.
 *
 * Ranks:  local
 * Errors: MOE_INPUT cannot be read; MOE_USAGE is no results file
 */
enum moe_status moe_routes_settings(const char *file, struct moe_run *run, int *training, struct moe_error *err);

/* Fills routes from the file for a job; config is the job's text of record. moe_routes_clear gives them back, also
 * after an error.
 *
 * Ranks:  local
 * Errors: MOE_INPUT cannot be read; MOE_USAGE its layers, experts, choices or tokens are not the job's
 */
enum moe_status moe_routes_read(struct moe_routes *routes, const char *file, const struct moe_job *job,
                                const char *config, struct moe_error *err);

#endif
