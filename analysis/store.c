#include "analysis/store.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "mpi/h5append.h"
#include "src/pool.h"

enum { PATH = 192 };

/* One column of texts. */
static void store_texts(struct moe_append *append, const struct moe_sheet *sheet, const char *group, const char *name,
                        size_t field, const char *scale, struct moe_error *err)
{
    char path[PATH];
    const char **text = moe_pool_new(MOE_POOL_FILES, (size_t)sheet->count, sizeof *text);
    for (int i = 0; i < sheet->count; i++)
        memcpy(&text[i], (const char *)&sheet->figure[i] + field, sizeof text[i]);
    snprintf(path, sizeof path, "%s/%s", group, name);
    if (err->code == MOE_OK)
        moe_append_texts(append, path, sheet->count, text, scale, err);
    moe_pool_free(text);
}

static void store_doubles(struct moe_append *append, const struct moe_sheet *sheet, const char *group,
                          const char *name, size_t field, const char *scale, struct moe_error *err)
{
    char path[PATH];
    double *value = moe_pool_new(MOE_POOL_FILES, (size_t)sheet->count, sizeof *value);
    for (int i = 0; i < sheet->count; i++)
        memcpy(&value[i], (const char *)&sheet->figure[i] + field, sizeof value[i]);
    snprintf(path, sizeof path, "%s/%s", group, name);
    if (err->code == MOE_OK)
        moe_append_doubles(append, path, sheet->count, value, scale, err);
    moe_pool_free(value);
}

static void store_names(struct moe_append *append, const struct moe_sheet *sheet, const char *path,
                        struct moe_error *err)
{
    const char **name = moe_pool_new(MOE_POOL_FILES, (size_t)sheet->count, sizeof *name);
    for (int i = 0; i < sheet->count; i++)
        name[i] = sheet->figure[i].name;
    moe_append_texts(append, path, sheet->count, name, NULL, err);
    moe_pool_free(name);
}

static enum moe_status store_sheet(struct moe_append *append, const struct moe_sheet *sheet, struct moe_error *err)
{
    static const struct {
        const char *name;
        size_t field;
    } doubles[] = {{"value", offsetof(struct moe_figure, value)},
                   {"low", offsetof(struct moe_figure, low)},
                   {"high", offsetof(struct moe_figure, high)},
                   {"level", offsetof(struct moe_figure, level)}},
      texts[] = {{"grade", offsetof(struct moe_figure, grade)},
                 {"formula", offsetof(struct moe_figure, formula)},
                 {"unit", offsetof(struct moe_figure, unit)},
                 {"missing", offsetof(struct moe_figure, missing)},
                 {"suppressed", offsetof(struct moe_figure, suppressed)},
                 {"note", offsetof(struct moe_figure, note)}};
    char group[PATH / 2], scale[PATH];
    if (sheet->count == 0)
        return MOE_OK;
    snprintf(group, sizeof group, "/analysis/%.80s", sheet->title);
    snprintf(scale, sizeof scale, "%s/figure", group);
    store_names(append, sheet, scale, err);
    for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++)
        store_doubles(append, sheet, group, doubles[i].name, doubles[i].field, scale, err);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        store_texts(append, sheet, group, texts[i].name, texts[i].field, scale, err);
    return err->code;
}

/* Room that the sheets surely fit into. */
static int64_t bytes_of(const struct moe_report_file *report)
{
    int64_t bytes = 1 << 20;
    for (int i = 0; i < report->count; i++)
        bytes += (int64_t)report->sheet[i].count * 2048 + 65536;
    return bytes;
}

/* All sheets that are no rows, then the end: the file is there or as it was. */
static enum moe_status finish(struct moe_append *append, const struct moe_report_file *report, struct moe_error *err)
{
    for (int i = report->rows; i < report->count && err->code == MOE_OK; i++)
        store_sheet(append, &report->sheet[i], err);
    if (err->code == MOE_OK)
        return moe_append_commit(append, err);
    moe_append_drop(append);
    return err->code;
}

enum moe_status moe_store_report(const struct moe_report_file *report, struct moe_error *err)
{
    struct moe_append *append;
    if (moe_append_open(report->name, "/analysis", bytes_of(report), &append, err) != MOE_OK)
        return err->code;
    return finish(append, report, err);
}

static void store_column(struct moe_append *append, const struct moe_report_file *report, int column,
                         struct moe_error *err)
{
    const struct moe_figure *head = &report->sheet[0].figure[column];
    const char *const name[] = {"units", "grade", "formula"}, *const text[] = {head->unit, head->grade, head->formula};
    char path[PATH];
    double *value = moe_pool_new(MOE_POOL_FILES, (size_t)report->rows, sizeof *value);
    for (int i = 0; i < report->rows; i++)
        value[i] = report->sheet[i].figure[column].value;
    snprintf(path, sizeof path, "/sweep/%s", head->name);
    if (err->code == MOE_OK)
        moe_append_doubles(append, path, report->rows, value, "/sweep/file", err);
    for (int i = 0; i < 3 && err->code == MOE_OK; i++)
        if (text[i])
            moe_append_attribute(append, path, name[i], text[i], err);
    moe_pool_free(value);
}

enum moe_status moe_store_sweep(const struct moe_report_file *report, const char *name, const char *command,
                                struct moe_error *err)
{
    struct moe_append *append;
    if (moe_append_create(name, "sweep", bytes_of(report), &append, err) != MOE_OK)
        return err->code;
    const char **file = moe_pool_new(MOE_POOL_FILES, (size_t)report->rows, sizeof *file);
    for (int i = 0; i < report->rows; i++)
        file[i] = report->sheet[i].title;
    if (moe_append_attribute(append, "/", "command", command, err) == MOE_OK)
        moe_append_texts(append, "/sweep/file", report->rows, file, NULL, err);
    for (int column = 0; column < report->sheet[0].count; column++)
        store_column(append, report, column, err);
    moe_pool_free(file);
    return finish(append, report, err);
}
