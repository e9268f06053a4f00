#include "analysis/sheet.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "src/pool.h"

void moe_sheet_init(struct moe_sheet *sheet, const char *title)
{
    memset(sheet, 0, sizeof *sheet);
    snprintf(sheet->title, sizeof sheet->title, "%s", title);
}

void moe_sheet_clear(struct moe_sheet *sheet)
{
    for (int i = 0; i < sheet->text_count; i++)
        moe_pool_free(sheet->text[i]);
    moe_pool_free(sheet->text);
    moe_pool_free(sheet->figure);
    memset(sheet, 0, sizeof *sheet);
}

struct moe_figure *moe_sheet_add(struct moe_sheet *sheet, const char *name, double value, const char *grade,
                                 const char *formula)
{
    size_t capacity = (size_t)sheet->capacity;
    moe_pool_grow(MOE_POOL_FILES, (void **)&sheet->figure, &capacity, (size_t)sheet->count + 1, sizeof *sheet->figure);
    sheet->capacity = (int)capacity;
    struct moe_figure *figure = &sheet->figure[sheet->count++];
    *figure = (struct moe_figure){.value = value,
                                  .low = NAN,
                                  .high = NAN,
                                  .level = NAN,
                                  .grade = grade,
                                  .formula = formula};
    snprintf(figure->name, sizeof figure->name, "%s", name);
    if (!isfinite(value)) {
        figure->value = NAN;
        figure->missing = "not finite";
    }
    return figure;
}

struct moe_figure *moe_sheet_missing(struct moe_sheet *sheet, const char *name, const char *reason, const char *grade,
                                     const char *formula)
{
    struct moe_figure *figure = moe_sheet_add(sheet, name, NAN, grade, formula);
    figure->missing = reason;
    return figure;
}

void moe_figure_interval(struct moe_figure *figure, double low, double high, double level)
{
    figure->low = low;
    figure->high = high;
    figure->level = level;
}

const char *moe_sheet_text(struct moe_sheet *sheet, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t capacity = (size_t)sheet->text_count;
    moe_pool_grow(MOE_POOL_FILES, (void **)&sheet->text, &capacity, (size_t)sheet->text_count + 1, sizeof *sheet->text);
    char *copy = moe_pool_new(MOE_POOL_FILES, strlen(text) + 1, 1);
    strcpy(copy, text);
    sheet->text[sheet->text_count++] = copy;
    return copy;
}

const struct moe_figure *moe_sheet_find(const struct moe_sheet *sheet, const char *name)
{
    for (int i = 0; i < sheet->count; i++)
        if (strcmp(sheet->figure[i].name, name) == 0)
            return &sheet->figure[i];
    return NULL;
}
