/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer's target: each three bytes of the input are an operation on one of 64 blocks, in a heap
 * of 64 KiB that starts anew with each input. Contents, statistics and records are checked.
 */
#include <string.h>

#include "mem/heap.h"
#include "mem/scavenger.h"
#include "mem/stack.h"
#include "mem_fake.h"
#include "mem_names.h"

#include "fuzz_port/criterion/criterion.h"

#define BLOCKS 64
#define ARENA ((size_t)64 << 10)

static struct held {
    uint8_t *start;
    size_t bytes, usable;
    bool stack;
} held[BLOCKS];

static void fill(const struct held *one)
{
    for (size_t i = 0; i < one->bytes; i++)
        one->start[i] = (uint8_t)((size_t)(one - held) * 5 + i);
}

static void check(const struct held *one, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        cr_assert(one->start[i] == (uint8_t)((size_t)(one - held) * 5 + i));
}

/* 8 bits of size: fine up to 64 bytes, then in steps, to 24 KiB. */
static size_t size_of(uint8_t code)
{
    return code < 64 ? code : (size_t)(code - 63) * (size_t)(code - 63) * 2 / 3 + 64;
}

static void take(struct held *one, uint8_t how, size_t size)
{
    size_t alignment = (size_t)8 << (how >> 4);

    one->stack = (how & 15) == 1;
    if (one->stack)
        one->start = stack_alloc(size, &one->usable);
    else if ((how & 15) == 2)
        one->start = w_memalign(alignment, size);
    else if ((how & 15) == 3)
        one->start = w_calloc(1, size);
    else
        one->start = w_malloc(size);
    one->bytes = one->start ? size : 0;
    if (one->start && (how & 15) == 2)
        cr_assert((uintptr_t)one->start % alignment == 0);
    for (size_t i = 0; (how & 15) == 3 && i < one->bytes; i++)
        cr_assert(one->start[i] == 0);
    fill(one);
}

static void give(struct held *one, uint8_t how)
{
    bool handler = (how & 3) == 1, busy = (how & 4) != 0;

    check(one, one->bytes);
    if (one->stack) {
        stack_free(one->start, one->usable);
    } else {
        if (handler)
            fake_interrupt_enter(busy);
        w_free(one->start);
        if (handler)
            fake_interrupt_leave(busy);
    }
    one->start = NULL;
    one->bytes = 0;
}

static void resize(struct held *one, size_t size)
{
    uint8_t *other;

    if (one->stack || size == 0)
        return;
    other = w_realloc(one->start, size);
    if (!other)
        return;
    one->start = other;
    check(one, one->bytes < size ? one->bytes : size);
    one->bytes = size;
    fill(one);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t bytes);
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t bytes)
{
    fake_reset();
    memset(held, 0, sizeof held);
    fake_boot(ARENA, 0);
    for (; bytes >= 3; input += 3, bytes -= 3) {
        struct held *one = &held[input[0] % BLOCKS];

        if (input[0] >= 3 * BLOCKS)
            (void)(input[0] % 8 ? scavenger_step() : weft_heap_scavenge());
        else if (!one->start)
            take(one, input[1], size_of(input[2]));
        else if (input[0] >= 2 * BLOCKS)
            resize(one, size_of(input[2]));
        else
            give(one, input[1]);
    }
    fake_check_quiescent();
    for (struct held *one = held; one < held + BLOCKS; one++)
        if (one->start)
            give(one, 0);
    cr_assert(w_malloc(SIZE_MAX / 2) == NULL);
    cr_assert(weft_heap_live_bytes() == 0 && heap.stats.inuse_pages == 0);
    fake_check_quiescent();
    return 0;
}
