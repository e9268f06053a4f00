/* The verb analyze. */
#ifndef MOE_VERB_ANALYZE_H
#define MOE_VERB_ANALYZE_H

#include "mpi/verbs.h"

/* moecensus analyze FILE... and its other forms (moe_analyze_usage); argv starts at the verb. report is not used.
 *
 * Ranks:  collective
 * Errors: any of moe_status, text in err
 */
enum moe_status moe_verb_analyze(const struct moe_comm *comm, int argc, char **argv, moe_report *report,
                                 struct moe_error *err);

/* What the verb can be told, for people. Static storage.
 *
 * Ranks:  local
 * Errors: never fails
 */
const char *moe_analyze_usage(void);

#endif
