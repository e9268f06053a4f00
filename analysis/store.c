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
    snprintf(group, sizeof group, "/analysis/%s", sheet->title);
    snprintf(scale, sizeof scale, "%s/figure", group);
    store_names(append, sheet, scale, err);
    for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++)
        store_doubles(append, sheet, group, doubles[i].name, doubles[i].field, scale, err);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        store_texts(append, sheet, group, texts[i].name, texts[i].field, scale, err);
    return err->code;
}

enum moe_status moe_store_report(const struct moe_report_file *report, struct moe_error *err)
{
    struct moe_append *append;
    int64_t bytes = 1 << 20;
    for (int i = 0; i < report->count; i++)
        bytes += (int64_t)report->sheet[i].count * 2048 + 65536;
    if (moe_append_open(report->name, "/analysis", bytes, &append, err) != MOE_OK)
        return err->code;
    for (int i = 0; i < report->count && err->code == MOE_OK; i++)
        store_sheet(append, &report->sheet[i], err);
    if (err->code == MOE_OK)
        return moe_append_commit(append, err);
    moe_append_drop(append);
    return err->code;
}
