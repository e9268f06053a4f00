#include <string.h>

#include "src/census.h"
#include "src/pool.h"

enum { KEY_BYTES = 16, ORDER_BYTES = 20, BYTE_VALUES = 256, FEW = 16 };

int moe_key_partition(struct moe_key key)
{
    uint64_t hash = (key.low ^ key.low >> 31) * 0xbf58476d1ce4e5b9u;
    hash = (hash ^ hash >> 29 ^ key.high) * 0x94d049bb133111ebu;
    hash = (hash ^ hash >> 32) * 0x9e3779b97f4a7c15u;
    return (int)(hash >> (64 - 10));
}

_Static_assert(MOE_PARTITIONS == 1 << 10, "the partition is the top ten bits");

static int same_key(const struct moe_record *a, const struct moe_record *b)
{
    return a->key.high == b->key.high && a->key.low == b->key.low;
}

static int comes_before(const struct moe_record *a, const struct moe_record *b)
{
    if (a->key.high != b->key.high)
        return a->key.high < b->key.high;
    return a->key.low != b->key.low ? a->key.low < b->key.low : a->tag < b->tag;
}

/* The order inside a partition is that of 20 bytes: key.high, key.low, tag, most significant first. */
static int order_byte(const struct moe_record *record, int place)
{
    if (place < 8)
        return (int)(record->key.high >> (56 - 8 * place) & 0xff);
    if (place < KEY_BYTES)
        return (int)(record->key.low >> (56 - 8 * (place - 8)) & 0xff);
    return (int)(record->tag >> (24 - 8 * (place - KEY_BYTES)) & 0xff);
}

static int bucket_of(const struct moe_record *record, int place)
{
    return place < 0 ? moe_key_partition(record->key) : order_byte(record, place);
}

/* Brings records into buckets in place: each is swapped to the next free spot of its bucket until all are home. Place
 * -1 stands for the partition. end [buckets] becomes where each bucket ends. */
static void spread(struct moe_record *records, int64_t count, int place, int64_t *end, int buckets)
{
    int64_t next[MOE_PARTITIONS];
    memset(end, 0, (size_t)buckets * sizeof *end);
    for (int64_t i = 0; i < count; i++)
        end[bucket_of(&records[i], place)]++;
    int64_t sum = 0;
    for (int bucket = 0; bucket < buckets; bucket++) {
        next[bucket] = sum;
        end[bucket] = sum += end[bucket];
    }
    for (int bucket = 0; bucket < buckets; bucket++) {
        while (next[bucket] < end[bucket]) {
            struct moe_record *here = &records[next[bucket]];
            int home = bucket_of(here, place);
            if (home == bucket) {
                next[bucket]++;
                continue;
            }
            struct moe_record swapped = records[next[home]];
            records[next[home]++] = *here;
            *here = swapped;
        }
    }
}

static void sort_few(struct moe_record *records, int64_t count)
{
    for (int64_t i = 1; i < count; i++) {
        struct moe_record record = records[i];
        int64_t place = i;
        for (; place > 0 && comes_before(&record, &records[place - 1]); place--)
            records[place] = records[place - 1];
        records[place] = record;
    }
}

/* The first byte in which the records differ, or ORDER_BYTES. Keys share long runs of zero bytes: this skips them in
 * one pass. */
static int first_difference(const struct moe_record *records, int64_t count)
{
    uint64_t high = 0, low = 0, tag = 0;
    for (int64_t i = 1; i < count; i++) {
        high |= records[i].key.high ^ records[0].key.high;
        low |= records[i].key.low ^ records[0].key.low;
        tag |= records[i].tag ^ records[0].tag;
    }
    if (high)
        return __builtin_clzll(high) / 8;
    if (low)
        return 8 + __builtin_clzll(low) / 8;
    return tag ? KEY_BYTES + (__builtin_clzll(tag) - 32) / 8 : ORDER_BYTES;
}

/* Radix sort from the most significant byte: in place, and no order of input makes it slow. */
static void sort_bytes(struct moe_record *records, int64_t count)
{
    if (count <= FEW) {
        sort_few(records, count);
        return;
    }
    int place = first_difference(records, count);
    if (place == ORDER_BYTES)
        return;
    int64_t end[BYTE_VALUES], start = 0;
    spread(records, count, place, end, BYTE_VALUES);
    for (int value = 0; value < BYTE_VALUES; start = end[value++])
        sort_bytes(records + start, end[value] - start);
}

int64_t moe_records_combine(struct moe_record *records, int64_t count)
{
    if (count == 0)
        return 0;
    int64_t end[MOE_PARTITIONS], start = 0, last = 0;
    spread(records, count, -1, end, MOE_PARTITIONS);
    for (int partition = 0; partition < MOE_PARTITIONS; start = end[partition++])
        sort_bytes(records + start, end[partition] - start);
    for (int64_t i = 1; i < count; i++) {
        struct moe_record *kept = &records[last];
        if (same_key(kept, &records[i]) && kept->tag == records[i].tag) {
            kept->count += records[i].count;
            kept->sequences += records[i].sequences;
            kept->thinned += records[i].thinned;
        } else {
            records[++last] = records[i];
        }
    }
    return last + 1;
}

static int starts_pattern(const struct moe_record *records, int64_t i)
{
    return i == 0 || !same_key(&records[i], &records[i - 1]);
}

static int starts_row(const struct moe_record *records, int64_t i)
{
    return starts_pattern(records, i) || records[i].tag >> 8 != records[i - 1].tag >> 8;
}

void moe_records_rows(const struct moe_record *records, int64_t count, int64_t *patterns, uint64_t **keys,
                      int64_t *rows_count, int64_t **rows)
{
    *patterns = *rows_count = 0;
    for (int64_t i = 0; i < count; i++) {
        *patterns += starts_pattern(records, i);
        *rows_count += starts_row(records, i);
    }
    *keys = moe_pool_new(MOE_POOL_CENSUS, 2 * (size_t)*patterns, sizeof **keys);
    *rows = moe_pool_new(MOE_POOL_CENSUS, 5 * (size_t)*rows_count, sizeof **rows);
    int64_t pattern = -1, next = -1;
    for (int64_t i = 0; i < count; i++) {
        if (starts_pattern(records, i)) {
            pattern++;
            (*keys)[2 * pattern] = records[i].key.high;
            (*keys)[2 * pattern + 1] = records[i].key.low;
        }
        next += starts_row(records, i);
        int64_t *row = *rows + 5 * next;
        row[0] = pattern;
        row[1] = records[i].tag >> 8;
        row[2] += records[i].count;
        row[3] += records[i].sequences;
        row[4] += records[i].thinned;
    }
}

int64_t moe_records_positions(const struct moe_record *records, int64_t count, int64_t **rows)
{
    int64_t pattern = -1;
    *rows = moe_pool_new(MOE_POOL_CENSUS, 3 * (size_t)count, sizeof **rows);
    for (int64_t i = 0; i < count; i++) {
        pattern += starts_pattern(records, i);
        (*rows)[3 * i] = pattern;
        (*rows)[3 * i + 1] = records[i].tag;
        (*rows)[3 * i + 2] = records[i].count;
    }
    return count;
}
