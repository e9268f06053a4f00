#include <errno.h>
#include <stdio.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include <zlib.h>

#include "src/data.h"
#include "src/idx.h"
#include "src/pool.h"

enum { CHUNK = 1 << 20, NAME_MAX_BYTES = MOE_PATH_MAX + 64 };

/* One file on its way into memory. gzFile reads plain files too; errors are of the file that was really opened. */
struct reader {
    char name[NAME_MAX_BYTES];
    gzFile file;
    unsigned char *bytes;
    size_t size, capacity;
};

static enum moe_status fail_reading(const struct reader *reader, struct moe_error *err)
{
    int code;
    const char *reason = gzerror(reader->file, &code);
    if (code == Z_ERRNO)
        return moe_fail(err, MOE_INPUT, "%s: cannot be read: %s", reader->name, strerror(errno));
    if (code == Z_BUF_ERROR)
        return moe_fail(err, MOE_INPUT, "%s: gzip data is truncated", reader->name);
    size_t prefix = strlen(reader->name) + 2; /* zlib puts "NAME: " before its own reasons */
    return moe_fail(err, MOE_INPUT, "%s: gzip data is damaged: %s", reader->name,
                    strlen(reason) > prefix ? reason + prefix : reason);
}

/* Reads on until the reader holds `wanted` bytes or the file ends. Memory grows with what is there, not with what a
 * header promises. */
static enum moe_status read_to(struct reader *reader, size_t wanted, struct moe_error *err)
{
    while (reader->size < wanted) {
        size_t more = wanted - reader->size < CHUNK ? wanted - reader->size : CHUNK;
        moe_pool_grow(MOE_POOL_DATA, (void **)&reader->bytes, &reader->capacity, reader->size + more, 1);
        int got = gzread(reader->file, reader->bytes + reader->size, (unsigned)more);
        int code;
        reader->size += got > 0 ? (size_t)got : 0;
        gzerror(reader->file, &code);
        if (got < 0 || code != Z_OK)
            return fail_reading(reader, err);
        if (got == 0)
            break;
    }
    return MOE_OK;
}

static enum moe_status open_idx(struct reader *reader, const char *folder, int which, struct moe_error *err)
{
    static const char *const ends[2] = {"", ".gz"};
    for (int i = 0; i < 2; i++) {
        snprintf(reader->name, sizeof reader->name, "%s/%s%s", folder, moe_idx_name(which), ends[i]);
        errno = 0;
        reader->file = gzopen(reader->name, "rb");
        if (reader->file)
            return MOE_OK;
        if (errno != ENOENT)
            return moe_fail(err, MOE_INPUT, "%s: cannot be opened: %s", reader->name,
                            errno ? strerror(errno) : "no memory");
    }
    return moe_fail(err, MOE_INPUT, "%s: missing, also without .gz (data.path names the folder of the four IDX files)",
                    reader->name);
}

static enum moe_status read_idx(struct reader *reader, struct moe_idx_head *head, int which, struct moe_error *err)
{
    size_t header = moe_idx_header(which);
    if (read_to(reader, header, err))
        return err->code;
    if (reader->size < header)
        return moe_fail(err, MOE_INPUT, "%s: truncated: %zu bytes, less than the IDX header's %zu", reader->name,
                        reader->size, header);
    /* One byte more than there should be: finds trailing bytes, and makes zlib check its sums at the end. */
    if (moe_idx_parse(head, reader->bytes, which, reader->name, err) || read_to(reader, head->size + 1, err))
        return err->code;
    if (reader->size < head->size)
        return moe_fail(err, MOE_INPUT, "%s: truncated: %zu bytes where the header promises %zu", reader->name,
                        reader->size, head->size);
    if (reader->size > head->size)
        return moe_fail(err, MOE_INPUT, "%s: trailing bytes after the %zu that the header promises", reader->name,
                        head->size);
    return MOE_OK;
}

/* Takes over what the reader holds, whatever the outcome, so that the input owns it. */
static void hand_over(struct moe_input *input, struct reader *reader)
{
    input->bytes[input->count] = reader->bytes;
    input->size[input->count] = reader->size;
    input->count++;
    reader->bytes = NULL;
    reader->size = reader->capacity = 0;
}

static enum moe_status read_folder(struct moe_input *input, const char *folder, struct moe_error *err)
{
    struct reader *reader = moe_pool_new(MOE_POOL_DATA, MOE_INPUTS, sizeof *reader);
    struct moe_idx_head head[MOE_INPUTS];
    const char *name[MOE_INPUTS];
    enum moe_status status = MOE_OK;
    for (int i = 0; i < MOE_INPUTS && status == MOE_OK; i++) {
        name[i] = reader[i].name;
        status = open_idx(reader + i, folder, i, err);
        if (status != MOE_OK)
            break;
        status = read_idx(reader + i, head + i, i, err);
        gzclose(reader[i].file);
        hand_over(input, reader + i);
    }
    if (status == MOE_OK)
        status = moe_idx_match(head, name, err);
    moe_pool_free(reader);
    return status;
}

static enum moe_status read_text(struct moe_input *input, const char *path, struct moe_error *err)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return moe_fail(err, MOE_INPUT, "%s: cannot be opened: %s (data.path names the text file)", path,
                        strerror(errno));
    size_t capacity = 0, got;
    input->count = 1;
    do {
        moe_pool_grow(MOE_POOL_DATA, (void **)&input->bytes[0], &capacity, input->size[0] + CHUNK, 1);
        got = fread(input->bytes[0] + input->size[0], 1, CHUNK, file);
        input->size[0] += got;
    } while (got > 0);
    int failed = ferror(file) ? errno : 0;
    fclose(file);
    if (failed)
        return moe_fail(err, MOE_INPUT, "%s: cannot be read: %s", path, strerror(failed));
    if (input->size[0] == 0)
        return moe_fail(err, MOE_INPUT, "%s: the text is empty", path);
    return MOE_OK;
}

static void take_checksum(struct moe_input *input)
{
    XXH3_state_t state;
    XXH3_INITSTATE(&state);
    XXH3_128bits_reset(&state);
    for (int i = 0; i < input->count; i++) {
        unsigned char size[8];
        for (int byte = 0; byte < 8; byte++)
            size[byte] = (unsigned char)((uint64_t)input->size[i] >> 8 * byte);
        XXH3_128bits_update(&state, size, sizeof size);
        XXH3_128bits_update(&state, input->bytes[i], input->size[i]);
    }
    XXH128_hash_t hash = XXH3_128bits_digest(&state);
    snprintf(input->checksum, sizeof input->checksum, "xxh3:%016llx%016llx", (unsigned long long)hash.high64,
             (unsigned long long)hash.low64);
}

enum moe_status moe_input_read(struct moe_input *input, const struct moe_run *run, struct moe_error *err)
{
    enum moe_status status;
    *input = (struct moe_input){0};
    if (run->data.source == MOE_TORUS)
        return MOE_OK;
    if (!run->data.path[0])
        return moe_fail(err, MOE_USAGE, "data.source=%s needs data.path: %s",
                        run->data.source == MOE_IDX ? "idx" : "text",
                        run->data.source == MOE_IDX ? "the folder of the four IDX files" : "the text file");
    if (run->data.source == MOE_IDX)
        status = read_folder(input, run->data.path, err);
    else
        status = read_text(input, run->data.path, err);
    if (status == MOE_OK)
        take_checksum(input);
    else
        moe_input_clear(input);
    return status;
}

void moe_input_clear(struct moe_input *input)
{
    for (int i = 0; i < MOE_INPUTS; i++)
        moe_pool_free(input->bytes[i]);
    *input = (struct moe_input){0};
}
