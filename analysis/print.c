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
    char interval[64] = "", high[32];
    fprintf(out, "  %-*s ", width, figure->name);
    if (!shown(figure) || figure->missing) {
        fprintf(out, "%13s %-27s %-14s %s\n", "-", "", figure->grade,
                figure->suppressed ? figure->suppressed : figure->missing);
        return;
    }
    if (!isnan(figure->low)) {
        snprintf(high, sizeof high, isnan(figure->high) ? "-" : "%.7g", figure->high);
        snprintf(interval, sizeof interval, "[%.7g, %s]", figure->low, high);
    }
    fprintf(out, "%13.7g %-27s %-14s %s", figure->value, interval, figure->grade, figure->unit ? figure->unit : "");
    if (figure->note)
        fprintf(out, "%s%s", figure->unit ? "; " : "", figure->note);
    fputc('\n', out);
}

enum { HEAD = 5, GRADE_LINE = 3, UNIT_LINE = 4 };

/* A line of a column's head: the words of its name one below the other, then grade and unit. */
static void head_text(const struct moe_figure *figure, int line, char text[64])
{
    const char *word = figure->name;
    for (int i = 0; i < line && line < GRADE_LINE && word; i++)
        word = (word = strchr(word, '_')) ? word + 1 : NULL;
    if (line == GRADE_LINE)
        snprintf(text, 64, "%s", figure->grade);
    else if (line == UNIT_LINE)
        snprintf(text, 64, "%s", figure->unit ? figure->unit : "");
    else
        snprintf(text, 64, "%.*s", word ? (int)(line + 1 < GRADE_LINE ? strcspn(word, "_") : strlen(word)) : 0,
                 word ? word : "");
}

static void cell_text(const struct moe_figure *figure, char text[64])
{
    snprintf(text, 64, figure->missing ? "-" : "%.7g", figure->value);
}

static const char *row_text(const struct moe_report_file *file, int line, int column, char text[64])
{
    if (line < HEAD)
        head_text(&file->sheet[0].figure[column], line, text);
    else
        cell_text(&file->sheet[line - HEAD].figure[column], text);
    return text;
}

/* Width of the names, then of each column; 0 where it is not shown. */
static int *row_widths(const struct moe_report_file *file)
{
    const int columns = file->sheet[0].count;
    int *width = moe_pool_new(MOE_POOL_FILES, (size_t)columns + 1, sizeof *width);
    char text[64];
    for (int line = 0; line < HEAD + file->rows; line++) {
        const int name = line < HEAD ? 0 : (int)strlen(file->sheet[line - HEAD].title);
        width[0] = name > width[0] ? name : width[0];
        for (int c = 0; c < columns; c++) {
            const int length = file->sheet[0].figure[c].in_table ? (int)strlen(row_text(file, line, c, text)) : 0;
            width[c + 1] = length > width[c + 1] ? length : width[c + 1];
        }
    }
    return width;
}

static void print_rows(const struct moe_report_file *file, FILE *out)
{
    int *width = row_widths(file);
    const char *missing = NULL;
    char text[64];
    fputc('\n', out);
    for (int line = 0; line < HEAD + file->rows; line++) {
        fprintf(out, "  %-*s", width[0], line < HEAD ? "" : file->sheet[line - HEAD].title);
        for (int c = 0; c < file->sheet[0].count; c++) {
            if (!width[c + 1])
                continue;
            fprintf(out, " %*s", width[c + 1], row_text(file, line, c, text));
            if (line >= HEAD && file->sheet[line - HEAD].figure[c].missing)
                missing = file->sheet[line - HEAD].figure[c].missing;
        }
        fputc('\n', out);
    }
    if (missing)
        fprintf(out, "  -  %s\n", missing);
    moe_pool_free(width);
}

void moe_print_table(const struct moe_report_file *file, FILE *out)
{
    fprintf(out, "%s\n", file->name);
    if (file->rows)
        print_rows(file, out);
    for (int i = file->rows; i < file->count; i++) {
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

static json_t *sheet_json(const struct moe_sheet *sheet)
{
    json_t *figures = json_object();
    for (int i = 0; i < sheet->count; i++)
        set(figures, sheet->figure[i].name, figure_json(&sheet->figure[i]));
    return figures;
}

static json_t *rows_json(const struct moe_report_file *file)
{
    json_t *rows = json_array();
    for (int i = 0; i < file->rows; i++) {
        json_t *row = json_object();
        set(row, "file", json_string(file->sheet[i].title));
        set(row, "figures", sheet_json(&file->sheet[i]));
        if (json_array_append_new(rows, row) != 0)
            moe_fatal(MOE_INPUT, "no memory for the JSON");
    }
    return rows;
}

void moe_print_json(const struct moe_report_file *file, FILE *out)
{
    json_t *object = json_object(), *sheets = json_object();
    set(object, "file", json_string(file->name));
    if (file->rows)
        set(object, "rows", rows_json(file));
    for (int i = file->rows; i < file->count; i++)
        set(sheets, file->sheet[i].title, sheet_json(&file->sheet[i]));
    set(object, "sheets", sheets);
    json_dumpf(object, out, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
    fputc('\n', out);
    json_decref(object);
}

/* A field of CSV, quoted where it must be (RFC 4180). */
static void print_text(const char *text, FILE *out)
{
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

static void print_field(const char *text, FILE *out)
{
    fputc(',', out);
    if (text)
        print_text(text, out);
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
            print_text(file->name, out);
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
