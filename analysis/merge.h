/* Several censuses of one model over neighbouring ranges of sequences become one, the same as one run over all of them.
 *
 * The parts must have stored their patterns (census.keep_keys = yes). From the rows (pattern, group, count, sequences,
 * thinned) of all parts, and of paths (pattern, token, count), follow the records of the whole, and from those all
 * tables but `growth`: a cut of the whole is known where it lies in the first part, or where a part ends.
 * Choices of the parts meet in the kept choices of the whole; all counts add up; gate energies are added in the order
 * of the sequences, so that they may differ from those of one run in the last bits. Where a part does not end at a
 * multiple of census.batch, batches differ from those of one run, and with them routes decided by rounding. */
#ifndef MOE_MERGE_H
#define MOE_MERGE_H

#include <stdint.h>

#include "src/status.h"

/* What the merged file has to do without. */
struct moe_merge_gaps {
    int cuts;          /* cuts of `growth` that no part knows */
    int64_t first_cut; /* sequences at the first of them; 0 without */
};

/* Merges the census files `names` [count], in any order, and writes the result to `output`, replacing an older file
 * only once the new one is whole. `command` is the command line, for the record.
 *
 * Ranks:  local: one rank does it all, with memory for the patterns of all parts; call it on rank 0 alone
 * Errors: MOE_USAGE files of different models or settings, without stored patterns, with ranges that overlap or leave
 *         something out, or fewer than two files; MOE_INPUT a file that cannot be read or contradicts itself;
 *         MOE_OUTPUT as moe_file_write. Nothing is written then.
 */
enum moe_status moe_merge_files(const char *const *names, int count, const char *output, const char *command,
                                struct moe_merge_gaps *gaps, struct moe_error *err);

#endif
