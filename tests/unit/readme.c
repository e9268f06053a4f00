/* The README shows the option table as the program has it, and nothing in it was left to be filled in. */
#include <regex.h>
#include <stdlib.h>

#include "src/config.h"
#include "tests/tap.h"

static char *read_all(FILE *file)
{
    char *text = NULL;
    size_t size = 0, capacity = 0, more = 1;
    while (more) {
        capacity += 1 << 16;
        text = realloc(text, capacity + 1);
        more = fread(text + size, 1, capacity - size, file);
        size += more;
    }
    text[size] = '\0';
    fclose(file);
    return text;
}

/* What is to be filled in stands between two @, in capitals. */
static void check_filled(const char *text)
{
    regex_t pattern;
    regmatch_t match = {.rm_so = 0};
    if (regcomp(&pattern, "@[A-Z]+@", REG_EXTENDED))
        bail("the pattern is wrong");
    ok(!regexec(&pattern, "a\n@ABC@\n", 0, NULL, 0) && regexec(&pattern, "a@b.org @A @", 0, NULL, 0),
       "the pattern finds what it should");
    const int found = !regexec(&pattern, text, 1, &match, 0);
    ok(!found, "README is filled in%s%.30s", found ? ", but for " : "", found ? text + match.rm_so : "");
    regfree(&pattern);
}

int main(void)
{
    char path[4096], line[1024];
    snprintf(path, sizeof path, "%s/README.md", getenv("TOP_SRCDIR") ? getenv("TOP_SRCDIR") : ".");
    FILE *readme = fopen(path, "r"), *table = tmpfile();
    if (!readme || !table)
        bail("%s: cannot be read", path);
    char *text = read_all(readme);
    moe_config_help(table, NULL, 1);
    rewind(table);
    int lines = 0;
    while (fgets(line, sizeof line, table)) {
        ok(strstr(text, line) != NULL, "README has the line %.30s", line);
        lines++;
    }
    fclose(table);
    ok(lines > 40, "the table has %d lines", lines);
    int shown = 0;
    for (const char *at = text; (at = strstr(at, "\n| `")) != NULL; at++)
        shown += strchr(at, '.') && strchr(at, '.') < strchr(at + 4, '`') && strncmp(at + 4, "data_", 5) != 0;
    is_int(shown, lines - 2, "README shows no key that the program lacks");
    check_filled(text);
    free(text);
    return tap_done();
}
