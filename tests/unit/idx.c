/* IDX files, plain and gzipped, written here byte by byte: what comes out, and what each fault is told as. */
#include "src/idx.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "src/pool.h"
#include "tests/tap.h"

enum { TRAIN = 5, TEST = 4, ROWS = 4, COLUMNS = 6, PIXELS = ROWS * COLUMNS, FILE_MAX = 256 };

/* The four files of one folder in memory, as good as they come until a test spoils them. */
struct set {
    unsigned char bytes[MOE_INPUTS][FILE_MAX];
    size_t size[MOE_INPUTS];
};

static char folder[] = "idx-unit-XXXXXX";

static unsigned char pixel(int part, int image, int i)
{
    return (unsigned char)(part * 101 + image * 31 + i * 7);
}

static void put_size(unsigned char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(value >> (24 - 8 * i));
}

static struct set good(void)
{
    static const unsigned char labels[2][TRAIN] = {{0, 2, 1, 2, 0}, {1, 3, 0, 2}};
    struct set set = {0};
    for (int part = 0; part < 2; part++) {
        int count = part ? TEST : TRAIN;
        unsigned char *images = set.bytes[2 * part], *names = set.bytes[2 * part + 1];
        images[2] = names[2] = 8;
        images[3] = 3;
        names[3] = 1;
        put_size(images + 4, (uint32_t)count);
        put_size(images + 8, ROWS);
        put_size(images + 12, COLUMNS);
        put_size(names + 4, (uint32_t)count);
        for (int image = 0; image < count; image++)
            for (int i = 0; i < PIXELS; i++)
                images[16 + image * PIXELS + i] = pixel(part, image, i);
        memcpy(names + 8, labels[part], (size_t)count);
        set.size[2 * part] = 16 + (size_t)count * PIXELS;
        set.size[2 * part + 1] = 8 + (size_t)count;
    }
    return set;
}

static void file_name(char *name, int which, int gz)
{
    snprintf(name, 128, "%s/%s%s", folder, moe_idx_name(which), gz ? ".gz" : "");
}

static void remove_all(void)
{
    char name[128];
    for (int i = 0; i < MOE_INPUTS; i++)
        for (int gz = 0; gz < 2; gz++) {
            file_name(name, i, gz);
            unlink(name);
        }
}

static void write_bytes(const char *name, const void *bytes, size_t size)
{
    FILE *file = fopen(name, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file))
        bail("cannot write %s", name);
}

static void write_set(const struct set *set, int gz)
{
    char name[128];
    remove_all();
    for (int i = 0; i < MOE_INPUTS; i++) {
        file_name(name, i, gz);
        if (!gz) {
            write_bytes(name, set->bytes[i], set->size[i]);
            continue;
        }
        gzFile file = gzopen(name, "wb");
        if (!file || gzwrite(file, set->bytes[i], (unsigned)set->size[i]) != (int)set->size[i] || gzclose(file))
            bail("cannot write %s", name);
    }
}

static struct moe_run settings(void)
{
    struct moe_run run = {0};
    run.data.source = MOE_IDX;
    strcpy(run.data.path, folder);
    run.data.n = TRAIN;
    run.data.test_n = 2;
    run.data.patch = 2;
    run.train.batch = 2;
    run.train.loss = MOE_CROSS_ENTROPY;
    return run;
}

static void must_read(struct moe_input *input)
{
    struct moe_run run = settings();
    struct moe_error err = {0};
    if (moe_input_read(input, &run, &err))
        bail("cannot read: %s", err.text);
}

static struct moe_data *must_open(struct moe_run *run, const struct moe_input *input)
{
    struct moe_data *data;
    struct moe_error err = {0};
    if (moe_data_open(&data, run, input, &err))
        bail("cannot open: %s", err.text);
    return data;
}

static void test_reading(void)
{
    struct set set = good();
    struct moe_input plain, gz;
    write_set(&set, 0);
    must_read(&plain);
    write_set(&set, 1);
    must_read(&gz);
    int equal = plain.count == MOE_INPUTS && gz.count == MOE_INPUTS;
    for (int i = 0; i < MOE_INPUTS && equal; i++)
        equal = plain.size[i] == set.size[i] && !memcmp(plain.bytes[i], set.bytes[i], set.size[i])
                && gz.size[i] == set.size[i] && !memcmp(gz.bytes[i], set.bytes[i], set.size[i]);
    ok(equal, "plain and gzipped files give the bytes that were written");
    ok(strlen(plain.checksum) == 37 && !strncmp(plain.checksum, "xxh3:", 5), "checksum %s", plain.checksum);
    is_str(gz.checksum, plain.checksum, "the checksum is of the content, not of the files");
    moe_input_clear(&gz);
    set.bytes[3][8] ^= 1;
    write_set(&set, 0);
    must_read(&gz);
    ok(strcmp(gz.checksum, plain.checksum) != 0, "one label changes the checksum");
    moe_input_clear(&gz);
    moe_input_clear(&plain);
}

static int patches_right(const moe_real *x, int part, int image)
{
    for (int token = 0; token < 6; token++)
        for (int f = 0; f < 4; f++) {
            int row = token / 3 * 2 + f / 2, column = token % 3 * 2 + f % 2;
            double wanted = (pixel(part, image, row * COLUMNS + column) / 255.0 - 0.286) / 0.353;
            if (!(fabs((double)x[token * 4 + f] - wanted) <= 1e-6))
                return 0;
        }
    return 1;
}

static void test_classes(const struct moe_input *input)
{
    struct moe_run run = settings();
    struct moe_data *data = must_open(&run, input);
    const struct moe_task *task = moe_data_task(data);
    struct moe_batch batch;
    ok(task->tokens == 6 && task->features == 4 && task->symbols == 0 && task->outputs == 4 && task->per_token == 0
       && task->labels == 4 && task->independent == 1 && isnan(task->bound), "shape of the task");
    is_int(run.data.tokens, 6, "data.tokens is set");
    is_int(moe_data_count(data, MOE_SPLIT_TRAIN), TRAIN, "data.n training images");
    is_int(moe_data_count(data, MOE_SPLIT_TEST), 2, "data.test_n test images");
    is_int(moe_data_count(data, MOE_SPLIT_CENSUS), TEST, "all test images in the census");
    moe_batch_new(&batch, data, 2);
    ok(batch.x && batch.target && batch.label && !batch.y && !batch.clean, "arrays of a batch");
    moe_data_fetch(data, MOE_SPLIT_TRAIN, 3, &batch, 0);
    moe_data_fetch(data, MOE_SPLIT_TEST, 1, &batch, 1);
    ok(patches_right(batch.x, 0, 3) && batch.target[0] == 2 && batch.label[0] == 2, "training image 3");
    ok(patches_right(batch.x + PIXELS, 1, 1) && batch.target[1] == 3 && batch.label[1] == 3, "test image 1");
    moe_data_fetch(data, MOE_SPLIT_CENSUS, 3, &batch, 1);
    ok(patches_right(batch.x + PIXELS, 1, 3) && batch.label[1] == 2, "census image 3 is test image 3");
    moe_batch_free(&batch);
    moe_data_free(data);
}

static void test_one_hot(const struct moe_input *input)
{
    struct moe_run run = settings();
    run.train.loss = MOE_SQUARED;
    struct moe_data *data = must_open(&run, input);
    struct moe_batch batch, inputs;
    is_close(moe_data_task(data)->bound, 1, 0, "one-hot targets are bounded by 1");
    moe_batch_new(&batch, data, 2);
    moe_batch_new_inputs(&inputs, data, 1);
    ok(batch.y && !batch.target && batch.label && !inputs.y && inputs.label, "arrays of a batch, squared loss");
    moe_data_fetch(data, MOE_SPLIT_TRAIN, 1, &batch, 1);
    moe_data_fetch(data, MOE_SPLIT_TRAIN, 2, &batch, 1);
    ok(batch.y[4] == 0 && batch.y[5] == 1 && batch.y[6] == 0 && batch.y[7] == 0, "one-hot, nothing of the last one");
    moe_data_fetch(data, MOE_SPLIT_TRAIN, 2, &inputs, 0);
    ok(patches_right(inputs.x, 0, 2) && inputs.label[0] == 1, "a batch of inputs");
    moe_batch_free(&batch);
    moe_batch_free(&inputs);
    moe_data_free(data);
}

static void refused(const struct moe_input *input, struct moe_run run, const char *part, const char *what)
{
    struct moe_error err = {0};
    struct moe_data *data;
    is_int(moe_data_open(&data, &run, input, &err), MOE_USAGE, "refused: %s", what);
    ok(!data && strstr(err.text, part), "it says: %s", err.text);
}

static void test_refused(const struct moe_input *input)
{
    struct moe_run run = settings();
    run.data.patch = 4;
    refused(input, run, "data.patch=4 does not divide", "a patch that divides the rows only");
    run.data.patch = 3;
    refused(input, run, "data.patch=3 does not divide", "a patch that divides the columns only");
    run.data.patch = 12;
    refused(input, run, "4 x 6", "a patch larger than the image");
    run = settings();
    run.data.n = TRAIN + 1;
    refused(input, run, "5 training images", "more training images than there are");
    run.data.n = 0;
    refused(input, run, "endless", "endless training");
    run = settings();
    run.data.test_n = TEST + 1;
    refused(input, run, "4 test images", "more test images than there are");
}

/* Reads the folder as it stands and expects MOE_INPUT, the file's name and `part` in one line. */
static void faulty(int which, int gz, const char *part, const char *what)
{
    struct moe_run run = settings();
    struct moe_input input;
    struct moe_error err = {0};
    enum moe_status status = moe_input_read(&input, &run, &err);
    int empty = input.count == 0 && !input.bytes[0] && !input.checksum[0], one_line = !strchr(err.text, '\n');
    ok(status == MOE_INPUT && empty && one_line && strstr(err.text, moe_idx_name(which)) && strstr(err.text, part),
       "%s%s", what, gz ? ", gzipped" : "");
    diag("%s", err.text);
    moe_input_clear(&input);
}

static void test_content_faults(int gz)
{
    static const struct {
        int which, at, value; /* sets byte `at`, unless at < 0 */
        int grow;             /* changes the size */
        const char *part, *what;
    } faults[] = {
        {0, 0, 0x1f, 0, "wrong magic 0x1f000803", "wrong magic"},
        {1, 1, 0x20, 0, "wrong magic 0x00200801", "wrong magic in labels"},
        {0, 2, 0x0d, 0, "type 0x0d", "floating-point images"},
        {0, 3, 1, 0, "1 dimensions where images have 3", "labels in place of images"},
        {3, 3, 3, 0, "3 dimensions where labels have 1", "images in place of labels"},
        {0, -1, 0, -1, "truncated: 135 bytes where the header promises 136", "one byte short"},
        {2, -1, 0, -100, "truncated: 12 bytes, less than the IDX header's 16", "a header cut short"},
        {1, -1, 0, -13, "truncated: 0 bytes", "an empty file"},
        {3, -1, 0, 1, "trailing bytes after the 12", "a byte too many"},
        {1, 7, 0, 0, "dimension 0 is zero", "no labels"},
        {0, 11, 0, 0, "dimension 1 is zero", "no rows"},
        {0, 15, 0, 0, "dimension 2 is zero", "no columns"},
        {0, 8, 0x80, 0, "too large", "rows beyond what fits"},
        {0, 4, 0xff, 0, "truncated", "a header that promises the moon"},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct set set = good();
        if (faults[i].at >= 0)
            set.bytes[faults[i].which][faults[i].at] = (unsigned char)faults[i].value;
        set.size[faults[i].which] += (size_t)faults[i].grow;
        write_set(&set, gz);
        faulty(faults[i].which, gz, faults[i].part, faults[i].what);
    }
}

static void test_overflow(void)
{
    struct moe_idx_head head;
    struct moe_error err = {0};
    unsigned char bytes[16] = {0, 0, 8, 3};
    put_size(bytes + 4, UINT32_MAX);
    put_size(bytes + 8, 1 << 15);
    put_size(bytes + 12, (1 << 16) - 1);
    is_int(moe_idx_parse(&head, bytes, 0, "F", &err), MOE_OK, "2^32 - 1 images of nearly 2^31 pixels fit 63 bits");
    ok(head.size == 16 + (size_t)UINT32_MAX * (((size_t)1 << 31) - (1 << 15)), "and their product is right");
    put_size(bytes + 12, 1 << 16);
    is_int(moe_idx_parse(&head, bytes, 0, "F", &err), MOE_INPUT, "images of 2^31 pixels are refused");
    put_size(bytes + 8, UINT32_MAX);
    put_size(bytes + 12, UINT32_MAX);
    is_int(moe_idx_parse(&head, bytes, 0, "F", &err), MOE_INPUT, "a product beyond 64 bits is refused");
    is_str(err.text, "F: sizes 4294967295 x 4294967295 x 4294967295 are too large", "it says so");
}

static void test_count_faults(void)
{
    for (int part = 0; part < 2; part++) {
        struct set set = good();
        set.bytes[2 * part + 1][7]--;
        set.size[2 * part + 1]--;
        write_set(&set, part);
        faulty(2 * part, part, part ? "holds 4 images but" : "holds 5 images but", "a label is missing");
    }
    struct set set = good();
    memcpy(set.bytes[2] + 8, (unsigned char[]){0, 0, 0, COLUMNS, 0, 0, 0, ROWS}, 8);
    write_set(&set, 0);
    faulty(2, 0, "4 x 6 pixels but", "test images of another size");
}

static void test_file_faults(void)
{
    struct set set = good();
    char name[128];
    for (int i = 0; i < MOE_INPUTS; i++) {
        write_set(&set, i % 2);
        file_name(name, i, i % 2);
        unlink(name);
        faulty(i, i % 2, "missing", "a file is missing");
    }
    write_set(&set, 0);
    file_name(name, 1, 0);
    unlink(name);
    if (symlink(".", name))
        bail("cannot link %s", name);
    faulty(1, 0, "cannot be read", "a folder in place of a file");
    struct moe_run run = settings();
    struct moe_input input;
    struct moe_error err = {0};
    file_name(run.data.path, 0, 0);
    is_int(moe_input_read(&input, &run, &err), MOE_INPUT, "a file in place of the folder");
    ok(strstr(err.text, "Not a directory") != NULL, "it says: %s", err.text);
}

/* Spoils the gzipped training images themselves: cut at, or flip a bit of, the byte `from_end` before the end. */
static void spoil(long from_end, int cut)
{
    struct set set = good();
    unsigned char bytes[2 * FILE_MAX];
    char name[128];
    write_set(&set, 1);
    file_name(name, 0, 1);
    FILE *file = fopen(name, "rb");
    if (!file)
        bail("cannot read %s", name);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    bytes[size - (size_t)from_end] ^= 1;
    write_bytes(name, bytes, cut ? size - (size_t)from_end : size);
}

static void test_gzip_faults(void)
{
    spoil(8, 0);
    faulty(0, 1, "gzip data is damaged", "a wrong check sum");
    spoil(1, 0);
    faulty(0, 1, "gzip data is damaged", "a wrong length");
    spoil(20, 1);
    faulty(0, 1, "gzip data is truncated", "cut inside the data");
    spoil(4, 1);
    faulty(0, 1, "gzip data is truncated", "cut inside the trailer");
    int told = 0;
    for (long from_end = 1; from_end <= 100; from_end++) {
        struct moe_run run = settings();
        struct moe_input input;
        struct moe_error err = {0};
        spoil(from_end, 0);
        told += moe_input_read(&input, &run, &err) == MOE_INPUT && err.text[0];
        moe_input_clear(&input);
    }
    is_int(told, 100, "a flipped bit anywhere in the last 100 bytes is found");
}

int main(void)
{
    size_t before = moe_pool_bytes(MOE_POOL_DATA);
    struct moe_input input;
    if (!mkdtemp(folder))
        bail("cannot make a folder");
    test_reading();
    struct set set = good();
    write_set(&set, 1);
    must_read(&input);
    test_classes(&input);
    test_one_hot(&input);
    test_refused(&input);
    moe_input_clear(&input);
    test_content_faults(0);
    test_content_faults(1);
    test_overflow();
    test_count_faults();
    test_file_faults();
    test_gzip_faults();
    is_int((int64_t)moe_pool_bytes(MOE_POOL_DATA), (int64_t)before, "all memory was given back");
    remove_all();
    rmdir(folder);
    return tap_done();
}
