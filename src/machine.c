#include "src/machine.h"

#include <errno.h>
#include <ini.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Everything in the file but the origin: numbers side by side in struct moe_machine. */
struct field {
    const char *section, *key;
    size_t offset;
    int count;         /* numbers; 0: as many as there are, up to MOE_EXCHANGE_MAX */
    double scale;      /* of the unit in the file */
    const char *about;
};

#define AT(member) offsetof(struct moe_machine, member)
#define WORK(kind) AT(work) + (kind) * sizeof(struct moe_rate)
#define RATE(product, side) AT(rate) + ((product) * MOE_RATE_SIDES + (side)) * MOE_RATE_ROWS * sizeof(double)

static const struct field fields[] = {
    {"machine", "cores", AT(cores), 1, 1, "cores of a node"},
    {"machine", "memory", AT(memory), 1, 1, "bytes of memory of a node"},
    {"machine", "cache", AT(cache), 1, 1, "bytes that stay near a core"},
    {"machine", "process", AT(process), 1, 1, "bytes of a rank outside of the program's pools"},
    {"products", "map_8", RATE(MOE_PRODUCT_MAP, 0), MOE_RATE_ROWS, 1e9,
     "GFLOP/s of 1 4 16 64 256 1024 4096 rows through a matrix of 8 x 8"},
    {"products", "map_16", RATE(MOE_PRODUCT_MAP, 1), MOE_RATE_ROWS, 1e9, ""},
    {"products", "map_32", RATE(MOE_PRODUCT_MAP, 2), MOE_RATE_ROWS, 1e9, ""},
    {"products", "map_64", RATE(MOE_PRODUCT_MAP, 3), MOE_RATE_ROWS, 1e9, ""},
    {"products", "map_128", RATE(MOE_PRODUCT_MAP, 4), MOE_RATE_ROWS, 1e9, ""},
    {"products", "map_256", RATE(MOE_PRODUCT_MAP, 5), MOE_RATE_ROWS, 1e9, ""},
    {"products", "map_512", RATE(MOE_PRODUCT_MAP, 6), MOE_RATE_ROWS, 1e9, ""},
    {"products", "gradient_8", RATE(MOE_PRODUCT_GRADIENT, 0), MOE_RATE_ROWS, 1e9,
     "the same for the gradient of the matrix, a sum over so many rows"},
    {"products", "gradient_16", RATE(MOE_PRODUCT_GRADIENT, 1), MOE_RATE_ROWS, 1e9, ""},
    {"products", "gradient_32", RATE(MOE_PRODUCT_GRADIENT, 2), MOE_RATE_ROWS, 1e9, ""},
    {"products", "gradient_64", RATE(MOE_PRODUCT_GRADIENT, 3), MOE_RATE_ROWS, 1e9, ""},
    {"products", "gradient_128", RATE(MOE_PRODUCT_GRADIENT, 4), MOE_RATE_ROWS, 1e9, ""},
    {"products", "gradient_256", RATE(MOE_PRODUCT_GRADIENT, 5), MOE_RATE_ROWS, 1e9, ""},
    {"products", "gradient_512", RATE(MOE_PRODUCT_GRADIENT, 6), MOE_RATE_ROWS, 1e9, ""},
    {"work", "copy", WORK(MOE_WORK_COPY), 2, 1e-9, "ns a call and ns an element of adding, scaling or copying a row"},
    {"work", "far", WORK(MOE_WORK_FAR), 2, 1e-9, "more for elements that are not near"},
    {"work", "norm", WORK(MOE_WORK_NORM), 2, 1e-9, ""},
    {"work", "norm_backward", WORK(MOE_WORK_NORM_BACKWARD), 2, 1e-9, ""},
    {"work", "softmax", WORK(MOE_WORK_SOFTMAX), 2, 1e-9, ""},
    {"work", "softmax_backward", WORK(MOE_WORK_SOFTMAX_BACKWARD), 2, 1e-9, ""},
    {"work", "loss", WORK(MOE_WORK_LOSS), 2, 1e-9, "cross-entropy of a prediction; elements are outputs"},
    {"work", "gelu", WORK(MOE_WORK_GELU), 2, 1e-9, ""},
    {"work", "gelu_backward", WORK(MOE_WORK_GELU_BACKWARD), 2, 1e-9, ""},
    {"work", "route", WORK(MOE_WORK_ROUTE), 2, 1e-9, "a token; elements are experts"},
    {"work", "route_backward", WORK(MOE_WORK_ROUTE_BACKWARD), 2, 1e-9, ""},
    {"work", "adamw", WORK(MOE_WORK_ADAMW), 2, 1e-9, "a tensor; elements are parameters"},
    {"work", "point", WORK(MOE_WORK_POINT), 2, 1e-9, "tokens of a torus sequence; elements are dimensions"},
    {"work", "target", WORK(MOE_WORK_TARGET), 2, 1e-9, "target of a torus sequence; elements are cosines"},
    {"work", "image", WORK(MOE_WORK_IMAGE), 2, 1e-9, "an image; elements are pixels"},
    {"work", "text", WORK(MOE_WORK_TEXT), 2, 1e-9, "a window of text; elements are bytes"},
    {"work", "count", WORK(MOE_WORK_COUNT), 2, 1e-9, "a sequence of a census; elements are patterns counted"},
    {"work", "merge", WORK(MOE_WORK_MERGE), 2, 1e-9, "elements are records of a census, moved, sorted and tabled"},
    {"files", "file", AT(file), 2, 1e-9, "ns a file and ns a byte, written and synced"},
    {"exchange", "ranks", AT(ranks), 0, 1, "of an all-to-all inside a node; then ns a call and ns a byte a rank sends"},
    {"exchange", "call", AT(exchange), 0, 1e-9, ""},
    {"exchange", "byte", AT(exchange), 0, 1e-9, ""},
    {"network", "network", AT(network), 2, 1e-9, "ns a message between nodes and ns a byte that leaves a node"},
};
enum { FIELDS = sizeof fields / sizeof *fields, LINE = 1024 };

double moe_machine_rows(int i)
{
    return ldexp(1, 2 * i);
}

double moe_machine_side(int i)
{
    return ldexp(8, i);
}

/* The place of number i of a field. The two lists of rates by ranks stand interleaved. */
static double *place(struct moe_machine *machine, const struct field *field, int i)
{
    double *first = (double *)((char *)machine + field->offset);
    if (field->offset != AT(exchange))
        return first + i;
    return strcmp(field->key, "call") == 0 ? &machine->exchange[i].call : &machine->exchange[i].element;
}

struct cursor {
    struct moe_machine *machine;
    const char *path;
    char seen[FIELDS + 1]; /* the last is the origin's */
    int lists[3];          /* lengths of the lists by ranks */
    struct moe_error *err;
};

static int take_numbers(struct cursor *at, const struct field *field, const char *value)
{
    const char *rest = value;
    const int most = field->count ? field->count : MOE_EXCHANGE_MAX;
    int n = 0;
    for (char *end; n < most; n++, rest = end) {
        const double number = strtod(rest, &end);
        if (end == rest)
            break;
        if (!isfinite(number) || number < 0 || (field->section[0] == 'p' && number == 0))
            return 0;
        *place(at->machine, field, n) = number * field->scale;
    }
    rest += strspn(rest, " \t");
    if (*rest || n == 0 || (field->count && n != field->count))
        return 0;
    if (!field->count)
        at->lists[field->key[0] == 'r' ? 0 : field->key[0] == 'c' ? 1 : 2] = n;
    return 1;
}

static int take(void *user, const char *section, const char *key, const char *value)
{
    struct cursor *at = user;
    if (at->err->code != MOE_OK)
        return 0;
    if (strcmp(section, "machine") == 0 && strcmp(key, "origin") == 0) {
        snprintf(at->machine->origin, sizeof at->machine->origin, "%s", value);
        return at->seen[FIELDS] = 1;
    }
    for (int i = 0; i < FIELDS; i++)
        if (strcmp(section, fields[i].section) == 0 && strcmp(key, fields[i].key) == 0) {
            at->seen[i] = 1;
            if (!take_numbers(at, &fields[i], value))
                moe_fail(at->err, MOE_USAGE, "parallel.machine=%s: %s.%s=%.40s is not %s", at->path, section, key,
                         value, fields[i].count == 1 ? "a number that can be" : "the numbers that it must be");
            return at->err->code == MOE_OK;
        }
    moe_fail(at->err, MOE_USAGE, "parallel.machine=%s: unknown key %.40s.%.40s", at->path, section, key);
    return 0;
}

/* What one line cannot show: that nothing is missing, and that the lists by ranks go together. */
static enum moe_status check(const struct cursor *at)
{
    const struct moe_machine *machine = at->machine;
    for (int i = 0; i < FIELDS; i++)
        if (!at->seen[i])
            return moe_fail(at->err, MOE_USAGE, "parallel.machine=%s lacks %s.%s (make it by plan --calibrate)",
                            at->path, fields[i].section, fields[i].key);
    if (!at->seen[FIELDS])
        return moe_fail(at->err, MOE_USAGE, "parallel.machine=%s lacks machine.origin", at->path);
    int rising = machine->ranks[0] == 1 && at->lists[0] == at->lists[1] && at->lists[0] == at->lists[2];
    for (int i = 1; i < at->lists[0]; i++)
        rising &= machine->ranks[i] > machine->ranks[i - 1];
    if (!rising)
        return moe_fail(at->err, MOE_USAGE,
                        "parallel.machine=%s: exchange.ranks must rise from 1, and call and byte be as many", at->path);
    if (machine->cores < 1 || machine->memory < 1)
        return moe_fail(at->err, MOE_USAGE, "parallel.machine=%s: machine.cores and memory must be 1 or more",
                        at->path);
    return MOE_OK;
}

enum moe_status moe_machine_read(struct moe_machine *machine, const char *path, struct moe_error *err)
{
    struct cursor at = {.machine = machine, .path = path, .err = err};
    moe_machine_default(machine);
    if (!path[0])
        return MOE_OK;
    FILE *file = fopen(path, "r");
    if (!file)
        return moe_fail(err, MOE_INPUT, "cannot read parallel.machine=%s: %s", path, strerror(errno));
    memset(machine, 0, sizeof *machine);
    const int line = ini_parse_file(file, take, &at);
    fclose(file);
    if (err->code == MOE_OK && line != 0)
        moe_fail(err, MOE_USAGE, "parallel.machine=%s: line %d: neither [section] nor key = value", path, line);
    machine->exchanges = at.lists[0];
    return err->code == MOE_OK ? check(&at) : err->code;
}

void moe_machine_print(const struct moe_machine *machine, FILE *out)
{
    const char *section = "";
    struct moe_machine copy = *machine;
    fprintf(out, "; Constants of a machine for moecensus plan, read by parallel.machine.\n[machine]\norigin = %s\n",
            machine->origin);
    for (int i = 0; i < FIELDS; i++) {
        const struct field *field = &fields[i];
        if (i > 0 && strcmp(section, field->section) != 0)
            fprintf(out, "\n[%s]\n", field->section);
        section = field->section;
        if (field->about[0])
            fprintf(out, "; %s\n", field->about);
        fprintf(out, "%s =", field->key);
        for (int n = 0; n < (field->count ? field->count : machine->exchanges); n++)
            fprintf(out, " %.5g", *place(&copy, field, n) / field->scale);
        fprintf(out, "\n");
    }
}

/* Between which points of a grid x lies, whose points are start x ratio^i, and how far on the way. */
static int point(double x, double start, double ratio, int count, double *part)
{
    double at = log(x / start) / log(ratio);
    at = fmin(fmax(at, 0), count - 1);
    const int i = at >= count - 1 ? count - 2 : (int)at;
    *part = at - i;
    return i;
}

double moe_machine_product(const struct moe_machine *machine, enum moe_product product, double rows, double inner,
                           double outer)
{
    double by_row, by_side;
    if (rows <= 0)
        return 0;
    const int r = point(rows, moe_machine_rows(0), 4, MOE_RATE_ROWS, &by_row);
    const int s = point(sqrt(inner * outer), moe_machine_side(0), 2, MOE_RATE_SIDES, &by_side);
    const double(*rate)[MOE_RATE_ROWS] = machine->rate[product];
    const double low = (1 - by_row) * log(rate[s][r]) + by_row * log(rate[s][r + 1]);
    const double high = (1 - by_row) * log(rate[s + 1][r]) + by_row * log(rate[s + 1][r + 1]);
    return 2 * rows * inner * outer / exp((1 - by_side) * low + by_side * high);
}

double moe_machine_exchange(const struct moe_machine *machine, double ranks, double per_node, double bytes)
{
    const double inside = fmin(ranks, per_node), last = machine->ranks[machine->exchanges - 1];
    const struct moe_rate *most = &machine->exchange[machine->exchanges - 1];
    double call = most->call, byte = most->element;
    for (int i = machine->exchanges - 1; i > 0 && inside < machine->ranks[i]; i--) {
        const double part = fmax(0, (inside - machine->ranks[i - 1]) / (machine->ranks[i] - machine->ranks[i - 1]));
        const struct moe_rate *low = &machine->exchange[i - 1], *high = &machine->exchange[i];
        call = low->call + part * (high->call - low->call);
        byte = low->element + part * (high->element - low->element);
    }
    if (inside > last && last > 1)
        call *= (inside - 1) / (last - 1);
    if (ranks <= per_node)
        return call + bytes * byte;
    const double away = (ranks - per_node) / (ranks - 1);
    return call + (ranks - per_node) * machine->network.call + (1 - away) * bytes * byte +
           away * bytes * per_node * machine->network.element;
}
