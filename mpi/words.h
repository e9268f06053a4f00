/* The words after a verb: at most one file, settings section.key=value, and the few switches both verbs know. */
#ifndef MOE_WORDS_H
#define MOE_WORDS_H

#include "src/config.h"
#include "src/status.h"

struct moe_words {
    const char *file;   /* config or model; null without; borrowed from argv */
    const char *output; /* of -o; null without */
    int overwrite, print_config;
    const char *resume; /* of --resume; null without */
    int setting_count;
    char **setting;     /* [setting_count] borrowed from argv, whose beginning they fill */
};

/* Sorts the words of argv, which starts at the verb; settings move to the front, so argv is of no other use after.
 *
 * Ranks:  local
 * Errors: MOE_USAGE an unknown switch, a second file, -o or --resume without a word behind it
 */
enum moe_status moe_words_parse(struct moe_words *words, int argc, char **argv, struct moe_error *err);

/* The command line as one line of text, cut at size.
 *
 * Ranks:  local
 * Errors: never fails
 */
void moe_words_join(char *text, size_t size, int argc, char **argv);

#endif
