#include "src/idx.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "src/pool.h"

static const char *const names[MOE_INPUTS] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                              "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};

struct moe_idx {
    const unsigned char *pixels[2], *labels[2]; /* training, test; borrowed from the input */
    int rows, columns, patch, outputs;
    moe_real value[256];                        /* of a pixel */
};

const char *moe_idx_name(int which)
{
    return names[which];
}

static int dimensions(int which)
{
    return which == MOE_IDX_TRAIN_IMAGES || which == MOE_IDX_TEST_IMAGES ? 3 : 1;
}

size_t moe_idx_header(int which)
{
    return 4 + 4 * (size_t)dimensions(which);
}

enum moe_status moe_idx_parse(struct moe_idx_head *head, const unsigned char *bytes, int which, const char *name,
                              struct moe_error *err)
{
    int wanted = dimensions(which);
    size_t size[3] = {1, 1, 1}, pixels, content;
    if (bytes[0] || bytes[1])
        return moe_fail(err, MOE_INPUT, "%s: wrong magic 0x%02x%02x%02x%02x: an IDX file starts with two zero bytes",
                        name, bytes[0], bytes[1], bytes[2], bytes[3]);
    if (bytes[2] != 8)
        return moe_fail(err, MOE_INPUT, "%s: IDX type 0x%02x, where only 0x08 (unsigned bytes) is read", name,
                        bytes[2]);
    if (bytes[3] != wanted)
        return moe_fail(err, MOE_INPUT, "%s: %d dimensions where %s have %d", name, bytes[3],
                        wanted == 3 ? "images" : "labels", wanted);
    for (int i = 0; i < wanted; i++) {
        const unsigned char *at = bytes + 4 + 4 * i;
        size[i] = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
        if (size[i] == 0)
            return moe_fail(err, MOE_INPUT, "%s: dimension %d is zero: the file holds nothing", name, i);
    }
    head->count = size[0];
    head->rows = size[1];
    head->columns = size[2];
    head->header = moe_idx_header(which);
    if (__builtin_mul_overflow(size[1], size[2], &pixels) || pixels > INT_MAX
        || __builtin_mul_overflow(size[0], pixels, &content) || content > PTRDIFF_MAX - head->header)
        return moe_fail(err, MOE_INPUT, "%s: sizes %zu x %zu x %zu are too large", name, size[0], size[1], size[2]);
    head->size = head->header + content;
    return MOE_OK;
}

enum moe_status moe_idx_match(const struct moe_idx_head *head, const char *const *name, struct moe_error *err)
{
    for (int i = 0; i < MOE_INPUTS; i += 2)
        if (head[i].count != head[i + 1].count)
            return moe_fail(err, MOE_INPUT, "%s holds %zu images but %s holds %zu labels", name[i], head[i].count,
                            name[i + 1], head[i + 1].count);
    const struct moe_idx_head *train = head + MOE_IDX_TRAIN_IMAGES, *test = head + MOE_IDX_TEST_IMAGES;
    if (train->rows != test->rows || train->columns != test->columns)
        return moe_fail(err, MOE_INPUT, "%s holds images of %zu x %zu pixels but %s of %zu x %zu",
                        name[MOE_IDX_TRAIN_IMAGES], train->rows, train->columns, name[MOE_IDX_TEST_IMAGES], test->rows,
                        test->columns);
    return MOE_OK;
}

static enum moe_status check(const struct moe_run *run, const struct moe_idx_head *head, struct moe_error *err)
{
    size_t train = head[MOE_IDX_TRAIN_IMAGES].count, test = head[MOE_IDX_TEST_IMAGES].count;
    size_t rows = head[MOE_IDX_TRAIN_IMAGES].rows, columns = head[MOE_IDX_TRAIN_IMAGES].columns;
    int patch = run->data.patch;
    if (patch < 1 || rows % (size_t)patch || columns % (size_t)patch)
        return moe_fail(err, MOE_USAGE, "data.patch=%d does not divide the images' %zu x %zu pixels", patch, rows,
                        columns);
    if (run->data.n == 0)
        return moe_fail(err, MOE_USAGE, "data.n=endless needs an endless source: there are %zu training images", train);
    if (run->data.n < 0 || (uint64_t)run->data.n > train)
        return moe_fail(err, MOE_USAGE, "data.n=%" PRId64 " is more than the %zu training images there are",
                        run->data.n, train);
    if (run->data.test_n < 0 || (uint64_t)run->data.test_n > test)
        return moe_fail(err, MOE_USAGE, "data.test_n=%" PRId64 " is more than the %zu test images there are",
                        run->data.test_n, test);
    return MOE_OK;
}

/* The largest label of both files decides: a class that only the test images have still needs an output. */
static int classes(const struct moe_idx *idx, const struct moe_idx_head *head)
{
    int largest = 0;
    for (int part = 0; part < 2; part++)
        for (size_t i = 0; i < head[2 * part].count; i++)
            if (idx->labels[part][i] > largest)
                largest = idx->labels[part][i];
    return largest + 1;
}

enum moe_status moe_idx_open(struct moe_idx **idx, const struct moe_run *run, const struct moe_input *input,
                             struct moe_task *task, int64_t *count, struct moe_error *err)
{
    struct moe_idx_head head[MOE_INPUTS];
    *idx = NULL;
    MOE_CHECK(input->count == MOE_INPUTS);
    for (int i = 0; i < MOE_INPUTS; i++) {
        MOE_CHECK(input->size[i] >= moe_idx_header(i));
        if (moe_idx_parse(head + i, input->bytes[i], i, names[i], err))
            return err->code;
        MOE_CHECK(input->size[i] == head[i].size);
    }
    if (moe_idx_match(head, names, err) || check(run, head, err))
        return err->code;
    struct moe_idx *made = moe_pool_new(MOE_POOL_DATA, 1, sizeof *made);
    for (int part = 0; part < 2; part++) {
        made->pixels[part] = input->bytes[2 * part] + head[2 * part].header;
        made->labels[part] = input->bytes[2 * part + 1] + head[2 * part + 1].header;
    }
    made->rows = (int)head[0].rows;
    made->columns = (int)head[0].columns;
    made->patch = run->data.patch;
    made->outputs = classes(made, head);
    for (int i = 0; i < 256; i++)
        made->value[i] = (moe_real)((i / 255.0 - 0.286) / 0.353);
    task->tokens = (made->rows / made->patch) * (made->columns / made->patch);
    task->features = made->patch * made->patch;
    task->outputs = task->labels = made->outputs;
    task->independent = 1;
    if (run->train.loss == MOE_SQUARED)
        task->bound = 1;
    count[MOE_SPLIT_TRAIN] = run->data.n;
    count[MOE_SPLIT_TEST] = run->data.test_n;
    count[MOE_SPLIT_CENSUS] = (int64_t)head[MOE_IDX_TEST_IMAGES].count;
    *idx = made;
    return MOE_OK;
}

void moe_idx_free(struct moe_idx *idx)
{
    moe_pool_free(idx);
}

void moe_idx_fetch(const struct moe_idx *idx, enum moe_split split, int64_t index, struct moe_batch *batch, int slot)
{
    int part = split != MOE_SPLIT_TRAIN, patch = idx->patch;
    size_t pixels = (size_t)idx->rows * idx->columns;
    const unsigned char *image = idx->pixels[part] + (size_t)index * pixels;
    int label = idx->labels[part][index];
    moe_real *x = batch->x + (size_t)slot * pixels;
    for (int top = 0; top < idx->rows; top += patch)
        for (int left = 0; left < idx->columns; left += patch)
            for (int row = top; row < top + patch; row++)
                for (int column = left; column < left + patch; column++)
                    *x++ = idx->value[image[row * idx->columns + column]];
    if (batch->y) {
        moe_real *y = batch->y + (size_t)slot * idx->outputs;
        memset(y, 0, idx->outputs * sizeof *y);
        y[label] = 1;
    }
    if (batch->target)
        batch->target[slot] = label;
    batch->label[slot] = label;
}
