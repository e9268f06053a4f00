/* moe_pool: blocks are zeroed, aligned and counted; running out of memory ends the job with one code. */
#include "src/pool.h"

#include <setjmp.h>
#include <stdint.h>

#include "src/status.h"
#include "tests/tap.h"

static jmp_buf back;

static void leave(int code)
{
    longjmp(back, code);
}

static void blocks(void)
{
    int64_t before = moe_pool_allocations();
    unsigned char *block = moe_pool_new(MOE_POOL_DATA, 10, 100);
    int zero = 1;
    for (int i = 0; i < 1000; i++)
        zero &= block[i] == 0;
    ok(zero, "a new block is zeroed");
    is_int((long long)((uintptr_t)block % 64), 0, "a block is 64-byte aligned");
    is_int((long long)moe_pool_bytes(MOE_POOL_DATA), 1000, "its bytes are counted in its pool");
    is_int((long long)moe_pool_bytes(MOE_POOL_DENSE), 0, "and in no other");
    memset(block, 255, 1000);
    void *empty = moe_pool_new(MOE_POOL_DATA, 0, 8);
    ok(empty != NULL, "a block of 0 bytes is not null");
    is_int(moe_pool_allocations() - before, 2, "both allocations are counted");
    moe_pool_free(block);
    moe_pool_free(empty);
    moe_pool_free(NULL);
    is_int((long long)moe_pool_bytes(MOE_POOL_DATA), 0, "all bytes are given back");
    is_int((long long)moe_pool_peak(MOE_POOL_DATA), 1000, "the peak stays");
}

static void growth(void)
{
    int *numbers = NULL;
    size_t capacity = 0;
    int64_t before = moe_pool_allocations();
    int kept = 1;
    for (int i = 0; i < 100000; i++) {
        moe_pool_grow(MOE_POOL_CENSUS, (void **)&numbers, &capacity, (size_t)i + 1, sizeof *numbers);
        numbers[i] = i;
    }
    for (int i = 0; i < 100000; i++)
        kept &= numbers[i] == i;
    ok(kept, "growing keeps the content");
    ok(capacity >= 100000 && capacity <= 150000, "capacity is at most half too large");
    ok(moe_pool_allocations() - before < 40, "100,000 growths by one allocate fewer than 40 times");
    is_int((long long)moe_pool_bytes(MOE_POOL_CENSUS), (long long)(capacity * sizeof *numbers), "bytes follow");
    int *same = numbers;
    moe_pool_grow(MOE_POOL_CENSUS, (void **)&numbers, &capacity, 10, sizeof *numbers);
    ok(same == numbers, "a block that is large enough stays where it is");
    moe_pool_free(numbers);
}

static void exhausted(void)
{
    moe_fatal_hook(leave, -1);
    int code = setjmp(back);
    if (code == 0)
        moe_pool_new(MOE_POOL_FILES, SIZE_MAX / 2, 4);
    is_int(code, MOE_INPUT, "a size that overflows ends with code %d", MOE_INPUT);
    code = setjmp(back);
    if (code == 0)
        moe_pool_new(MOE_POOL_FILES, 1, SIZE_MAX - 70);
    is_int(code, MOE_INPUT, "a size no machine has ends with code %d", MOE_INPUT);
    is_int((long long)moe_pool_peak(MOE_POOL_FILES), 0, "and is not counted");
}

int main(void)
{
    blocks();
    growth();
    exhausted();
    return tap_done();
}
