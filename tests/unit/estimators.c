/* Every value of tests/data/estimator_vectors.json, at the tolerance the file states, and no value exactly where it
 * says that there is none. */
#include "analysis/estimate.h"

#include <jansson.h>

#include "analysis/fof.h"
#include "src/pool.h"
#include "tests/tap.h"

/* ln of a product of powers, written as 64, C(8,2) or C(8,2)^6. */
static long double ln_worst_of(const char *text)
{
    int n, k, power = 1;
    if (sscanf(text, "C(%d,%d)^%d", &n, &k, &power) < 2)
        return logl(strtold(text, NULL));
    long double sum = 0;
    for (int i = 0; i < k; i++)
        sum += logl((long double)(n - i) / (i + 1));
    return power * sum;
}

static struct moe_rows rows_of(const json_t *pairs)
{
    struct moe_rows rows = {.rows = (int64_t)json_array_size(pairs), .width = 2};
    rows.value = moe_pool_new(MOE_POOL_FILES, (size_t)(2 * rows.rows), sizeof *rows.value);
    for (int64_t i = 0; i < 2 * rows.rows; i++)
        rows.value[i] = json_integer_value(json_array_get(json_array_get(pairs, (size_t)(i / 2)), (size_t)(i % 2)));
    return rows;
}

/* The tolerance that the file states for a name: its lists name beginnings, with blanks after commas. */
static double tolerance_of(const json_t *tolerance, const char *name)
{
    const char *list;
    json_t *value;
    double found = strtod(json_string_value(json_object_get(tolerance, "default_relative")), NULL);
    json_object_foreach((json_t *)tolerance, list, value)
    {
        char copy[256];
        snprintf(copy, sizeof copy, "%s", list);
        for (char *rest = copy, *item = strtok_r(copy, ", ", &rest); item; item = strtok_r(NULL, ", ", &rest))
            if (strncmp(name, item, strlen(item)) == 0)
                found = strtod(json_string_value(value), NULL);
    }
    return found;
}

static void check_value(const struct moe_sheet *sheet, const json_t *tolerance, const char *id, const char *name,
                        const char *text)
{
    const struct moe_figure *figure = moe_sheet_find(sheet, name);
    const double want = strtod(text, NULL);
    const double floor_of_file = strtod(json_string_value(json_object_get(tolerance, "absolute floor")), NULL);
    const double allowed = fmax(tolerance_of(tolerance, name) * fabs(want), floor_of_file);
    const double error = figure ? fabs(figure->value - want) : NAN;
    if (!ok(error <= allowed, "%s: %s = %s", id, name, text))
        diag("got %.17g (%s), error %.3g > %.3g", figure ? figure->value : NAN,
             figure && figure->missing ? figure->missing : "no reason", error, allowed);
}

static void check_case(const json_t *one, const json_t *tolerance)
{
    const char *id = json_string_value(json_object_get(one, "id")), *name;
    const int64_t units = json_integer_value(json_object_get(one, "T"));
    const json_t *worst = json_object_get(one, "W"), *values = json_object_get(one, "values");
    const json_t *undefined = json_object_get(one, "undefined");
    const struct moe_estimate_options options = {.known_support = json_integer_value(json_object_get(one, "K_known")),
                                                 .eta = 0.05};
    struct moe_counts counts = {.ln_worst = worst ? (double)ln_worst_of(json_string_value(worst)) : NAN,
                                .samples = json_integer_value(json_object_get(one, "n")),
                                .sequences = units,
                                .sum_squared_lengths = NAN,
                                .one_sequence = -1,
                                .pairs_within = NAN};
    *(units > 0 ? &counts.incidence : &counts.fof) = rows_of(json_object_get(one, "fof"));
    struct moe_error err = {0};
    is_int(moe_counts_check(&counts, &err), MOE_OK, "%s: the counts are consistent%s", id, err.text);
    struct moe_sheet sheet;
    moe_sheet_init(&sheet, id);
    moe_estimate(&sheet, &counts, &options);
    json_t *value;
    json_object_foreach((json_t *)values, name, value)
        check_value(&sheet, tolerance, id, name, json_string_value(value));
    json_object_foreach((json_t *)undefined, name, value)
    {
        const struct moe_figure *figure = moe_sheet_find(&sheet, name);
        ok(figure && isnan(figure->value) && figure->missing, "%s: %s has no value: %s", id, name,
           json_string_value(value));
    }
    for (int i = 0; i < sheet.count; i++)
        for (int j = 0; j < i; j++)
            if (strcmp(sheet.figure[i].name, sheet.figure[j].name) == 0)
                ok(0, "%s: the name %s is given twice", id, sheet.figure[i].name);
    moe_sheet_clear(&sheet);
    moe_pool_free(counts.fof.value);
    moe_pool_free(counts.incidence.value);
}

int main(void)
{
    char path[1024];
    const char *top = getenv("TOP_SRCDIR");
    json_error_t error;
    snprintf(path, sizeof path, "%s/tests/data/estimator_vectors.json", top ? top : ".");
    json_t *file = json_load_file(path, 0, &error);
    if (!file)
        bail("%s: %s", path, error.text);
    const json_t *cases = json_object_get(file, "cases"), *tolerance = json_object_get(file, "tolerance");
    is_int((long long)json_array_size(cases), 8, "eight cases");
    for (size_t i = 0; i < json_array_size(cases); i++)
        check_case(json_array_get(cases, i), tolerance);
    is_int((long long)moe_pool_bytes(MOE_POOL_FILES), 0, "all memory was given back");
    json_decref(file);
    return tap_done();
}
