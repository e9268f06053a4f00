#include "analysis/print.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/pool.h"
#include "src/status.h"

struct moe_sheet *moe_report_sheet(struct moe_report_file *file, const char *title)
{
    size_t capacity = (size_t)file->capacity;
    moe_pool_grow(MOE_POOL_FILES, (void **)&file->sheet, &capacity, (size_t)file->count + 1, sizeof *file->sheet);
    file->capacity = (int)capacity;
    struct moe_sheet *sheet = &file->sheet[file->count++];
    moe_sheet_init(sheet, title);
    return sheet;
}

void moe_report_clear(struct moe_report_file *file)
{
    for (int i = 0; i < file->count; i++)
        moe_sheet_clear(&file->sheet[i]);
    moe_pool_free(file->sheet);
    memset(file, 0, sizeof *file);
}

static int shown(const struct moe_figure *figure)
{
    return figure->in_table && !figure->suppressed;
}

static int widest(const struct moe_sheet *sheet)
{
    int width = 0;
    for (int i = 0; i < sheet->count; i++)
        if (sheet->figure[i].in_table && (int)strlen(sheet->figure[i].name) > width)
            width = (int)strlen(sheet->figure[i].name);
    return width;
}

static void print_figure(const struct moe_figure *figure, int width, FILE *out)
{
    char interval[64] = "";
    fprintf(out, "  %-*s ", width, figure->name);
    if (!shown(figure) || figure->missing) {
        fprintf(out, "%13s %-27s %-14s %s\n", "-", "", figure->grade,
                figure->suppressed ? figure->suppressed : figure->missing);
        return;
    }
    if (!isnan(figure->low) || !isnan(figure->high))
        snprintf(interval, sizeof interval, "[%.5g, %.5g]", figure->low, figure->high);
    fprintf(out, "%13.7g %-27s %-14s %s", figure->value, interval, figure->grade, figure->unit ? figure->unit : "");
    if (figure->note)
        fprintf(out, "%s%s", figure->unit ? "; " : "", figure->note);
    fputc('\n', out);
}

void moe_print_table(const struct moe_report_file *file, FILE *out)
{
    fprintf(out, "%s\n", file->name);
    for (int i = 0; i < file->count; i++) {
        const struct moe_sheet *sheet = &file->sheet[i];
        const int width = widest(sheet);
        if (!width)
            continue;
        fprintf(out, "\n%s\n", sheet->title);
        for (int j = 0; j < sheet->count; j++)
            if (sheet->figure[j].in_table)
                print_figure(&sheet->figure[j], width, out);
    }
}

static void set(json_t *object, const char *key, json_t *value)
{
    if (!value || json_object_set_new(object, key, value) != 0)
        moe_fatal(MOE_INPUT, "no memory for the JSON");
}

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text)
        set(object, key, json_string(text));
}

static void set_number(json_t *object, const char *key, double value)
{
    if (isfinite(value))
        set(object, key, json_real(value));
}

static json_t *figure_json(const struct moe_figure *figure)
{
    json_t *object = json_object();
    set(object, "value", isfinite(figure->value) ? json_real(figure->value) : json_null());
    set_number(object, "low", figure->low);
    set_number(object, "high", figure->high);
    set_number(object, "level", figure->level);
    set_text(object, "unit", figure->unit);
    set_text(object, "grade", figure->grade);
    set_text(object, "formula", figure->formula);
    set_text(object, "missing", figure->missing);
    set_text(object, "suppressed", figure->suppressed);
    set_text(object, "note", figure->note);
    return object;
}

void moe_print_json(const struct moe_report_file *file, FILE *out)
{
    json_t *object = json_object(), *sheets = json_object();
    set(object, "file", json_string(file->name));
    for (int i = 0; i < file->count; i++) {
        json_t *figures = json_object();
        for (int j = 0; j < file->sheet[i].count; j++)
            set(figures, file->sheet[i].figure[j].name, figure_json(&file->sheet[i].figure[j]));
        set(sheets, file->sheet[i].title, figures);
    }
    set(object, "sheets", sheets);
    json_dumpf(object, out, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
    fputc('\n', out);
    json_decref(object);
}

/* A field of CSV, quoted where it must be (RFC 4180). */
static void print_field(const char *text, FILE *out)
{
    fputc(',', out);
    if (!text)
        return;
    if (!strpbrk(text, ",\"\n")) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void print_number(double value, FILE *out)
{
    fputc(',', out);
    if (isfinite(value))
        fprintf(out, "%.17g", value);
}

void moe_print_csv(const struct moe_report_file *file, FILE *out, int with_head)
{
    if (with_head)
        fputs("file,sheet,name,value,low,high,level,unit,grade,formula,missing,suppressed,note\n", out);
    for (int i = 0; i < file->count; i++)
        for (int j = 0; j < file->sheet[i].count; j++) {
            const struct moe_figure *figure = &file->sheet[i].figure[j];
            fputs(file->name, out);
            print_field(file->sheet[i].title, out);
            print_field(figure->name, out);
            print_number(figure->value, out);
            print_number(figure->low, out);
            print_number(figure->high, out);
            print_number(figure->level, out);
            print_field(figure->unit, out);
            print_field(figure->grade, out);
            print_field(figure->formula, out);
            print_field(figure->missing, out);
            print_field(figure->suppressed, out);
            print_field(figure->note, out);
            fputc('\n', out);
        }
}
