#include "src/config.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <string.h>

#include "src/options.h"
#include "src/pool.h"

enum { LINE_MAX_BYTES = MOE_PATH_MAX + 128, KEYS_MAX = 128, FILE_MAX_BYTES = 1 << 16, NAME_SHOWN = 200 };

/* Where the parser stands in a text. */
struct cursor {
    struct moe_run *run;
    const char *name;          /* of the text, for errors */
    const char *rest;          /* not yet read */
    char line[LINE_MAX_BYTES]; /* the line in hand, without comment and blanks around it */
    int number;                /* of that line, from 1 */
    int cut;                   /* the parser's buffer took only the start of the line */
    int stored;                /* data.checksum is known */
    int keys;                  /* set so far */
    char seen[KEYS_MAX];       /* by option; the last place is data.checksum's */
    enum moe_status status;    /* of the first fault, in err */
    int fault_line;
    struct moe_error *err;
};

void moe_config_default(struct moe_run *run)
{
    const struct moe_option *table;
    struct moe_error err;
    int count = moe_options(&table);
    memset(run, 0, sizeof *run);
    for (int i = 0; i < count; i++)
        MOE_CHECK(moe_option_set(&table[i], run, table[i].initial, &err) == MOE_OK);
}

/* Records the first fault with the place in the text. */
static void fault(struct cursor *at, const char *what)
{
    char name[NAME_SHOWN];
    if (at->status)
        return;
    moe_visible(name, sizeof name, at->name);
    at->fault_line = at->number;
    at->status = moe_fail(at->err, MOE_USAGE, "%s: line %d: %s", name, at->number, what);
}

static void unknown_key(const char *key, struct moe_error *err)
{
    char shown[80];
    moe_visible(shown, sizeof shown, key);
    moe_fail(err, MOE_USAGE, "unknown key %s (nearest known key: %s)", shown, moe_option_nearest(key)->key);
}

/* Takes blanks off both ends and cuts a comment off, which starts at the start or after a blank. */
static void clean(char *line)
{
    size_t lead = 0, length;
    while (isspace((unsigned char)line[lead]))
        lead++;
    memmove(line, line + lead, strlen(line + lead) + 1);
    for (length = 0; line[length]; length++)
        if ((line[length] == ';' || line[length] == '#') && (length == 0 || isspace((unsigned char)line[length - 1])))
            break;
    while (length > 0 && isspace((unsigned char)line[length - 1]))
        length--;
    line[length] = 0;
}

/* Hands the parser one line, cleaned: it would read an indented line as the continuation of the one before, and knows
 * only one of the two comment signs. Its buffer is short; of a longer line the start is enough, see take. */
static char *next_line(char *out, int size, void *stream)
{
    struct cursor *at = stream;
    size_t length = strcspn(at->rest, "\n");
    if (!*at->rest || at->status)
        return NULL;
    at->number++;
    if (length >= sizeof at->line) {
        fault(at, "longer than any setting can be");
        return NULL;
    }
    memcpy(at->line, at->rest, length);
    at->line[length] = 0;
    at->rest += length + (at->rest[length] == '\n');
    clean(at->line);
    length = strlen(at->line);
    if (at->line[0] == '[' && at->line[length - 1] != ']') {
        fault(at, "a section name must end the line with ]");
        return NULL;
    }
    at->cut = length + 2 > (size_t)size;
    if (at->cut)
        length = (size_t)size - 2;
    memcpy(out, at->line, length);
    strcpy(out + length, "\n");
    return out;
}

/* Called for every setting; returns 0 to make the parser remember the line as faulty. */
static int take(void *user, const char *section, const char *name, const char *value)
{
    struct cursor *at = user;
    const struct moe_option *table, *option;
    struct moe_error err;
    char key[2 * MOE_WORD_MAX];
    int count = moe_options(&table);
    MOE_CHECK(count < KEYS_MAX);
    if (at->status)
        return 0;
    if (at->cut) {
        value = at->line + strcspn(at->line, "=:") + 1;
        value += strspn(value, " \t");
    }
    snprintf(key, sizeof key, "%s%s%s", section, section[0] ? "." : "", name);
    option = moe_option_find(key);
    int known = at->stored && !strcmp(key, "data.checksum");
    char *seen = option ? &at->seen[option - table] : &at->seen[KEYS_MAX - 1];
    if (!option && !known)
        unknown_key(key, &err);
    else if (*seen)
        moe_fail(&err, MOE_USAGE, "%s is set twice (drop one of the lines)", key);
    else if (known || moe_option_set(option, at->run, value, &err) == MOE_OK) {
        *seen = 1;
        at->keys++;
        return 1;
    }
    fault(at, err.text);
    return 0;
}

static enum moe_status parse(struct moe_run *run, const char *text, const char *name, int stored,
                             struct moe_error *err)
{
    struct cursor at = {.run = run, .name = name, .rest = text, .stored = stored, .err = err};
    char shown[NAME_SHOWN];
    int line = ini_parse_stream(next_line, &at, take, &at);
    moe_visible(shown, sizeof shown, name);
    if (line < 0)
        return moe_fail(err, MOE_INPUT, "%s: no memory to parse it", shown);
    if (line > 0 && (!at.status || line < at.fault_line))
        return moe_fail(err, MOE_USAGE, "%s: line %d: neither [section] nor key = value", shown, line);
    if (!at.status && at.keys == 0)
        return moe_fail(err, MOE_USAGE, "%s: holds no setting (expected a [section] line and key = value lines)",
                        shown);
    return at.status;
}

enum moe_status moe_config_parse(struct moe_run *run, const char *text, const char *name, struct moe_error *err)
{
    return parse(run, text, name, 1, err);
}

enum moe_status moe_config_read(struct moe_run *run, const char *path, struct moe_error *err)
{
    char shown[NAME_SHOWN];
    enum moe_status status;
    moe_visible(shown, sizeof shown, path);
    FILE *file = fopen(path, "rb");
    if (!file)
        return moe_fail(err, MOE_INPUT, "cannot read config file %s: %s", shown, strerror(errno));
    char *text = moe_pool_new(MOE_POOL_FILES, FILE_MAX_BYTES + 1, 1);
    size_t length = fread(text, 1, FILE_MAX_BYTES + 1, file);
    if (ferror(file))
        status = moe_fail(err, MOE_INPUT, "cannot read config file %s: %s", shown, strerror(errno));
    else if (length > FILE_MAX_BYTES || memchr(text, 0, length))
        status = moe_fail(err, MOE_USAGE, "%s: not a config file (zero bytes in it, or longer than %d bytes)", shown,
                          FILE_MAX_BYTES);
    else
        status = parse(run, text, path, 0, err);
    fclose(file);
    moe_pool_free(text);
    return status;
}

enum moe_status moe_config_set(struct moe_run *run, const char *word, struct moe_error *err)
{
    char key[MOE_WORD_MAX], shown[80];
    size_t length = strcspn(word, "=");
    if (!word[length]) {
        moe_visible(shown, sizeof shown, word);
        return moe_fail(err, MOE_USAGE, "%s is not of the form section.key=value", shown);
    }
    snprintf(key, sizeof key, "%.*s", (int)(length < sizeof key ? length : sizeof key), word);
    const struct moe_option *option = moe_option_find(key);
    if (option)
        return moe_option_set(option, run, word + length + 1, err);
    unknown_key(key, err);
    return MOE_USAGE;
}
