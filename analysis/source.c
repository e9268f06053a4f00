#include "analysis/source.h"

#include <stdio.h>
#include <string.h>

#include "analysis/twonn.h"
#include "src/data.h"
#include "src/pool.h"

void moe_source_text(const struct moe_run *run, const char *checksum, char text[MOE_SOURCE_TEXT])
{
    if (run->data.source == MOE_TORUS)
        snprintf(text, MOE_SOURCE_TEXT, "torus, data.dim=%d", run->data.dim);
    else if (run->data.source == MOE_IDX)
        snprintf(text, MOE_SOURCE_TEXT, "idx, data.patch=%d, %.63s", run->data.patch, checksum);
    else
        snprintf(text, MOE_SOURCE_TEXT, "text, %.63s", checksum);
}

/* Why there is no estimate: a text of the sheet. */
static struct moe_twonn without(struct moe_sheet *sheet, const char *why)
{
    return (struct moe_twonn){.missing = moe_sheet_text(sheet, "%s", why)};
}

static struct moe_twonn estimate(struct moe_run *run, const char *checksum, struct moe_sheet *sheet)
{
    struct moe_input input = {0};
    struct moe_data *data;
    struct moe_error err = {0};
    struct moe_twonn twonn;
    if (run->data.source == MOE_TEXT)
        return without(sheet, "tokens are symbols: there is no distance");
    if (moe_input_read(&input, run, &err) != MOE_OK)
        return without(sheet, err.text);
    if (strcmp(input.checksum, checksum) != 0)
        twonn = without(sheet, "the files at data.path are not those of the run");
    else if (moe_data_open(&data, run, &input, &err) != MOE_OK)
        twonn = without(sheet, err.text);
    else {
        twonn = moe_twonn_source(data, MOE_TWONN_MOST);
        moe_data_free(data);
    }
    moe_input_clear(&input);
    return twonn;
}

void moe_source_say(const struct moe_run *run, const char *checksum, struct moe_sheet *sheet)
{
    char text[MOE_SOURCE_TEXT];
    struct moe_run *copy = moe_pool_new(MOE_POOL_FILES, 1, sizeof *copy);
    *copy = *run;
    moe_source_text(run, checksum, text);
    const struct moe_twonn twonn = estimate(copy, checksum, sheet);
    moe_twonn_sheet(&twonn, text, sheet);
    moe_pool_free(copy);
}
