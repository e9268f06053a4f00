#include "mpi/words.h"

#include <stdio.h>
#include <string.h>

enum moe_status moe_words_parse(struct moe_words *words, int argc, char **argv, struct moe_error *err)
{
    memset(words, 0, sizeof *words);
    words->setting = argv + 1;
    for (int i = 1; i < argc; i++) {
        char *word = argv[i];
        if (strcmp(word, "--overwrite") == 0) {
            words->overwrite = 1;
        } else if (strcmp(word, "--print-config") == 0) {
            words->print_config = 1;
        } else if (strcmp(word, "-o") == 0) {
            if (++i == argc)
                return moe_fail(err, MOE_USAGE, "-o needs a name");
            words->output = argv[i];
        } else if (strcmp(word, "--resume") == 0) {
            if (++i == argc)
                return moe_fail(err, MOE_USAGE, "--resume needs auto or any-cpu");
            words->resume = argv[i];
        } else if (word[0] == '-') {
            return moe_fail(err, MOE_USAGE, "unknown option %s (see moecensus %s --help)", word, argv[0]);
        } else if (strchr(word, '=')) {
            words->setting[words->setting_count++] = word;
        } else if (words->file) {
            return moe_fail(err, MOE_USAGE, "two files, %s and %s: %s takes one", words->file, word, argv[0]);
        } else {
            words->file = word;
        }
    }
    return MOE_OK;
}

void moe_words_join(char *text, size_t size, int argc, char **argv)
{
    size_t length = (size_t)snprintf(text, size, "moecensus");
    for (int i = 0; i < argc && length < size; i++)
        length += (size_t)snprintf(text + length, size - length, " %s", argv[i]);
}
