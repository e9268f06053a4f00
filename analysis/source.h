/* The inputs that runs were made from, made once more: how many dimensions they have. */
#ifndef MOE_SOURCE_H
#define MOE_SOURCE_H

#include "analysis/sheet.h"
#include "src/config.h"

enum { MOE_SOURCE_TEXT = 160 };

/* What a run's inputs are, such as "torus, data.dim=2": equal texts are the same law of inputs. checksum is that of the
 * input files, "" without.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_source_text(const struct moe_run *run, const char *checksum, char text[MOE_SOURCE_TEXT]);

/* Adds the figures of moe_twonn_sheet for the sequences that the run's census would count. Files are read from
 * run->data.path.
 *
 * Ranks:  local; rank 0
 * Errors: never fails; missing, with the reason, where tokens are symbols, or the files are not there or not those of
 *         the checksum
 */
void moe_source_say(const struct moe_run *run, const char *checksum, struct moe_sheet *sheet);

#endif
