/* The README shows the option table as the program has it. */
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
    free(text);
    return tap_done();
}
