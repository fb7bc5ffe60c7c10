/* SPDX-License-Identifier: MIT */
/* Sizes, alignments, the end of the memory, realloc, regions, the remaining names. */
#include <criterion/criterion.h>
#include <errno.h>
#include <malloc.h>
#include <string.h>

#include "mem/heap.h"
#include "mem/stack.h"
#include "mem_fake.h"
#include "mem_names.h"

#define ARENA ((size_t)256 << 10)

Test(mem_limits, requests_that_overflow_get_null_and_enomem)
{
    static const size_t impossible[] = {SIZE_MAX,        SIZE_MAX - 1, SIZE_MAX - 511, SIZE_MAX / 2,
                                        (size_t)1 << 31, ARENA,        ARENA + 1};
    void *block;

    fake_boot(ARENA, 0);
    block = w_malloc(10);
    for (unsigned i = 0; i < sizeof(impossible) / sizeof(impossible[0]); i++) {
        fake_reent._errno = 0;
        cr_assert(w_malloc(impossible[i]) == NULL);
        cr_assert(fake_reent._errno == ENOMEM);
        cr_assert(w_realloc(block, impossible[i]) == NULL);
        cr_assert(w_memalign(64, impossible[i]) == NULL);
        cr_assert(w_calloc(1, impossible[i]) == NULL);
        cr_assert(w_calloc(impossible[i], 1) == NULL);
    }
    fake_reent._errno = 0;
    cr_assert(w_calloc(SIZE_MAX / 16 + 2, 16) == NULL && fake_reent._errno == ENOMEM);
    fake_reent._errno = 0;
    cr_assert(w_calloc((size_t)1 << 32, (size_t)1 << 32) == NULL && fake_reent._errno == ENOMEM);
    cr_assert(w_pvalloc(SIZE_MAX) == NULL);
    w_free(block);
    cr_assert(weft_heap_live_bytes() == 0);
    cr_assert(weft_heap_check() == 0, "%s", fake_console);
}

Test(mem_limits, a_size_of_zero_gives_distinct_blocks)
{
    void *a, *b;

    fake_boot(ARENA, 0);
    a = w_malloc(0);
    b = w_calloc(0, 5);
    cr_assert(a && b && a != b);
    w_free(a);
    w_free(b);
}

Test(mem_limits, every_size_is_served_whole_and_wastes_little)
{
    fake_boot(ARENA, 0);
    for (size_t size = 1; size <= 20000; size++) {
        uint8_t *block = w_malloc(size);
        size_t usable = w_malloc_usable_size(block);

        cr_assert(block && usable >= size);
        cr_assert((uintptr_t)block % 16 == 0);
        cr_assert(usable <= size + size / 2 + 512, "%zu bytes for %zu", usable, size);
        memset(block, 1, usable);
        w_free(block);
    }
    cr_assert(weft_heap_check() == 0, "%s", fake_console);
}

static void alignment_check(size_t alignment, size_t size)
{
    void *block = w_memalign(alignment, size);

    if (!block)
        return;
    cr_assert((uintptr_t)block % alignment == 0);
    cr_assert(w_malloc_usable_size(block) >= size);
    memset(block, 0x33, size);
    w_free(block);
    cr_assert(w_posix_memalign(&block, alignment < 8 ? 8 : alignment, size) == 0);
    cr_assert((uintptr_t)block % alignment == 0);
    w_free(block);
}

Test(mem_limits, every_power_of_two_alignment_is_kept)
{
    size_t largest;

    fake_boot(1 << 20, 0);
    largest = weft_heap_largest_free();
    for (size_t alignment = 1; alignment <= 262144; alignment *= 2)
        for (size_t size = 0; size < 100000; size = size * 3 / 2 + 1)
            alignment_check(alignment, size);
    for (size_t alignment = 1; alignment <= 131072; alignment *= 2) {
        void *block = w_memalign(alignment, 100);

        cr_assert(block, "no memory aligned to %zu in an empty heap", alignment);
        w_free(block);
    }
    cr_assert(w_memalign(3, 8) == NULL && fake_reent._errno == EINVAL);
    cr_assert(w_memalign(0, 8) == NULL);
    cr_assert(w_memalign((size_t)1 << 63, 8) == NULL);
    cr_assert(w_posix_memalign((void *[]){NULL}, 24, 8) == EINVAL);
    cr_assert(w_posix_memalign((void *[]){NULL}, 16, SIZE_MAX) == ENOMEM);
    w_free(w_aligned_alloc(32, 64));
    cr_assert((uintptr_t)w_valloc(1) % 512 == 0);
    cr_assert(w_malloc_usable_size(w_pvalloc(1)) >= 512);
    cr_assert(w_malloc(SIZE_MAX / 2) == NULL);
    cr_assert(weft_heap_largest_free() >= largest - 4096);
    cr_assert(weft_heap_check() == 0, "%s", fake_console);
}

Test(mem_limits, exhaustion_is_null_and_everything_comes_back)
{
    static void *block[32768];
    size_t largest;

    fake_boot(ARENA, 0);
    largest = weft_heap_largest_free();
    for (size_t size = 1; size < 150000; size = size * 2 + 1) {
        unsigned count = 0;

        while (count < 32768 && (block[count] = w_malloc(size)) != NULL)
            memset(block[count++], 0x11, size);
        cr_assert(count > 0 && count < 32768);
        cr_assert(fake_reent._errno == ENOMEM);
        cr_assert(weft_heap_check() == 0, "%s", fake_console);
        while (count)
            w_free(block[--count]);
        cr_assert(w_malloc(SIZE_MAX / 2) == NULL);
        cr_assert(weft_heap_largest_free() == largest);
    }
}

Test(mem_limits, the_last_bytes_are_found_in_larger_blocks)
{
    static void *block[32768];
    unsigned count = 0;
    struct weft_mstats stats;

    fake_boot(ARENA, 0);
    while ((block[count] = w_malloc(200)) != NULL)
        count++;
    /* No page is free, and the class of 24 bytes has no span. */
    w_free(block[0]);
    weft_heap_stats(&stats);
    cr_assert(weft_heap_largest_free() == 0);
    cr_assert(w_malloc(24) != NULL);
}

static unsigned hook_calls;
static void *reserve;

static bool hook_that_frees(size_t bytes)
{
    cr_assert(bytes == 40000);
    hook_calls++;
    w_free(reserve);
    reserve = NULL;
    return hook_calls < 3;
}

Test(mem_limits, the_hook_may_free_something_and_the_request_is_tried_again)
{
    fake_boot(ARENA, 0);
    reserve = w_malloc(weft_heap_largest_free());
    cr_assert(reserve);
    weft_heap_set_oom_hook(hook_that_frees);
    cr_assert(w_malloc(40000) != NULL);
    cr_assert(hook_calls == 1);
    reserve = w_malloc(weft_heap_largest_free());
    hook_calls = 3;
    cr_assert(w_malloc(40000) == NULL, "the hook gave up");
    weft_heap_set_oom_hook(NULL);
    reserve = w_malloc(weft_heap_largest_free());
    cr_assert(w_malloc(40000) == NULL);
    cr_assert(hook_calls == 4);
}

Test(mem_limits, realloc_keeps_the_content_whatever_the_sizes)
{
    static const size_t sizes[] = {1,    7,    16,   40,   100,  200,   513,  1000,
                                   1024, 1025, 2000, 5000, 9000, 20000, 60000};
    enum { COUNT = sizeof(sizes) / sizeof(sizes[0]) };

    fake_boot(ARENA, 0);
    for (int from = 0; from < COUNT; from++) {
        for (int to = 0; to < COUNT; to++) {
            size_t kept = sizes[from] < sizes[to] ? sizes[from] : sizes[to];
            uint8_t *block = w_malloc(sizes[from]);

            for (size_t i = 0; i < sizes[from]; i++)
                block[i] = (uint8_t)(i * 13 + 5);
            block = w_realloc(block, sizes[to]);
            cr_assert(block && w_malloc_usable_size(block) >= sizes[to]);
            for (size_t i = 0; i < kept; i++)
                cr_assert(block[i] == (uint8_t)(i * 13 + 5));
            w_free(block);
        }
    }
    cr_assert(w_realloc(w_realloc(NULL, 10), 0) == NULL);
    cr_assert(weft_heap_live_bytes() == 0);
    cr_assert(weft_heap_check() == 0, "%s", fake_console);
}

Test(mem_limits, realloc_stays_in_place_when_there_is_room_behind)
{
    uint8_t *block, *grown, *shrunk;

    fake_boot(ARENA, 0);
    block = w_malloc(10000);
    grown = w_realloc(block, 60000);
    cr_assert(grown == block);
    cr_assert(w_malloc_usable_size(grown) >= 60000);
    shrunk = w_realloc(grown, 5000);
    cr_assert(shrunk == block);
    cr_assert(w_malloc_usable_size(shrunk) < 6000);
    cr_assert(weft_heap_check() == 0, "%s", fake_console);
    cr_assert(w_realloc(w_malloc(20), 25) != NULL);
}

Test(mem_limits, realloc_that_fails_leaves_the_block_alone)
{
    uint8_t *block, *rest;

    fake_boot(ARENA, 0);
    block = w_malloc(3000);
    memset(block, 0x42, 3000);
    rest = w_malloc(weft_heap_largest_free());
    cr_assert(rest);
    cr_assert(w_realloc(block, 100000) == NULL);
    for (int i = 0; i < 3000; i++)
        cr_assert(block[i] == 0x42);
    w_free(block);
}

Test(mem_limits, regions_can_be_added_and_bad_ones_are_refused)
{
    struct weft_mstats before, after;
    uint8_t *more, *dma;
    void *block;

    fake_boot(ARENA, 0);
    more = fake_memory(100 << 10);
    weft_heap_stats(&before);
    cr_assert(weft_heap_add_region(NULL, 4096, WEFT_MEMORY_NORMAL) == WEFT_EINVAL);
    cr_assert(weft_heap_add_region(more, 64, WEFT_MEMORY_NORMAL) == WEFT_EINVAL);
    cr_assert(weft_heap_add_region(more, SIZE_MAX, WEFT_MEMORY_NORMAL) == WEFT_EINVAL);
    cr_assert(weft_heap_add_region(fake_region_start[0] + 100, 50000, WEFT_MEMORY_NORMAL) ==
              WEFT_EINVAL);
    cr_assert(weft_heap_add_region(more, 100 << 10, WEFT_MEMORY_NORMAL) == 0);
    cr_assert(weft_heap_add_region(more, 100 << 10, WEFT_MEMORY_NORMAL) == WEFT_EINVAL);
    weft_heap_stats(&after);
    cr_assert(after.sys_pages == before.sys_pages + (100 << 10) / after.page_bytes);
    w_free(w_malloc(90000));
    block = w_malloc(weft_heap_largest_free());
    dma = w_malloc(80000);
    cr_assert(dma >= more && dma < more + (100 << 10), "the second region serves too");
    w_free(dma);
    for (int i = 0; i < 500; i++)
        cr_assert(w_malloc(100));
    cr_assert(weft_heap_check() == 0, "%s", fake_console);
    w_free(block);
    cr_assert(weft_heap_check() == 0, "%s", fake_console);
}

Test(mem_limits, memory_of_a_kind_is_given_only_to_those_who_ask)
{
    uint8_t *dma, *block;

    fake_boot(ARENA, 0);
    dma = fake_memory(64 << 10);
    cr_assert(weft_heap_alloc(100, 0, WEFT_MEMORY_DMA) == NULL);
    cr_assert(weft_heap_add_region(dma, 64 << 10, WEFT_MEMORY_DMA) == 0);
    while ((block = w_malloc(2000)) != NULL)
        cr_assert(block < dma || block >= dma + (64 << 10));
    block = weft_heap_alloc(1000, 1024, WEFT_MEMORY_DMA);
    cr_assert(block >= dma && block < dma + (64 << 10) && (uintptr_t)block % 1024 == 0);
    cr_assert(weft_heap_alloc(10, 0, WEFT_MEMORY_FAST) == NULL);
    cr_assert(weft_heap_alloc(10, 48, WEFT_MEMORY_DMA) == NULL);
    cr_assert(weft_heap_check() == 0, "%s", fake_console);
    w_free(block);
    cr_assert(weft_heap_check() == 0, "%s", fake_console);
}

Test(mem_limits, stacks_are_whole_aligned_and_counted_apart)
{
    size_t usable, largest;
    struct weft_mstats stats;
    uint8_t *stack;

    fake_boot(ARENA, 0);
    largest = weft_heap_largest_free();
    for (size_t bytes = 1; bytes < 60000; bytes = bytes * 3 / 2 + 1) {
        stack = stack_alloc(bytes, &usable);
        cr_assert(stack && usable >= bytes && usable < bytes + 512 && (uintptr_t)stack % 16 == 0);
        memset(stack, 1, usable);
        weft_heap_stats(&stats);
        cr_assert(stats.stack_pages * stats.page_bytes == usable && stats.inuse_pages == 0);
        stack_free(stack, usable);
    }
    cr_assert(stack_alloc(SIZE_MAX, &usable) == NULL);
    cr_assert(stack_alloc(ARENA, &usable) == NULL);
    cr_assert(weft_heap_largest_free() == largest);
    stack = stack_alloc(1000, &usable);
    cr_assert(FAKE_PANICS(stack_free(stack + 512, usable)));
    cr_assert(FAKE_PANICS(stack_free(stack, usable + 512)));
    stack_free(stack, usable);
}

Test(mem_limits, the_high_water_mark_follows_and_can_be_reset)
{
    struct weft_mstats stats;
    void *block;

    fake_boot(ARENA, 0);
    block = w_malloc(100000);
    w_free(block);
    weft_heap_stats(&stats);
    cr_assert(stats.peak_pages * stats.page_bytes >= 100000);
    weft_heap_peak_reset();
    weft_heap_stats(&stats);
    cr_assert(stats.peak_pages == stats.inuse_pages + stats.stack_pages);
}

Test(mem_limits, the_other_names_work)
{
    struct mallinfo info;
    void *block;

    fake_boot(ARENA, 0);
    block = _malloc_r(&fake_reent, 100);
    info = w_mallinfo();
    cr_assert(info.uordblks == (int)w_malloc_usable_size(block));
    cr_assert((size_t)info.arena == ARENA);
    cr_assert(_malloc_usable_size_r(&fake_reent, block) >= 100);
    block = _realloc_r(&fake_reent, block, 300);
    _free_r(&fake_reent, block);
    w_cfree(_calloc_r(&fake_reent, 3, 5));
    w_free(_memalign_r(&fake_reent, 64, 5));
    w_free(_valloc_r(&fake_reent, 5));
    w_free(_pvalloc_r(&fake_reent, 5));
    info = _mallinfo_r(&fake_reent);
    cr_assert(info.uordblks == 0);
    cr_assert(w_mallopt(1, 2) == 0 && _mallopt_r(&fake_reent, 1, 2) == 0);
    cr_assert(w_malloc_trim(0) == 1);
    cr_assert(_malloc_trim_r(&fake_reent, 0) == 0, "there is nothing left to give back");
    fake_console_clear();
    w_malloc_stats();
    _malloc_stats_r(&fake_reent);
    cr_assert(strstr(fake_console, "consumed"));
    cr_assert(w_malloc_usable_size(NULL) == 0);
    fake_reent._errno = 0;
    cr_assert(_sbrk(16) == (void *)-1 && fake_reent._errno == ENOMEM);
    cr_assert(w_sbrk(0) == (void *)-1 && _sbrk_r(&fake_reent, 1) == (void *)-1);
    __malloc_lock(&fake_reent);
    __malloc_unlock(&fake_reent);
}

Test(mem_limits, a_tiny_board_still_gets_a_heap_or_a_clear_sentence)
{
    fake_boot(16 << 10, 0);
    w_free(w_malloc(2000));
    cr_assert(weft_heap_check() == 0, "%s", fake_console);
}

Test(mem_limits, a_board_without_memory_is_told_so)
{
    cr_assert(FAKE_PANICS(fake_boot(1024, 0)));
    cr_assert(strstr(fake_panic_text, "too small"));
}

Test(mem_limits, accounts_are_refused_where_none_are_kept)
{
    struct weft_heap_account account;
    size_t blocks, bytes;

    fake_boot(ARENA, 0);
    w_free(w_malloc(10));
    cr_assert(weft_heap_account_read(1, &account) == WEFT_ENOTSUP);
    cr_assert(weft_heap_accounts_read(&account, 1) == WEFT_ENOTSUP);
    cr_assert(weft_heap_owned(1, &blocks, &bytes) == WEFT_ENOTSUP);
    weft_heap_accounts_print();
    cr_assert(strstr(fake_console, "built without WEFT_CONFIG_HEAP_THREADS"));
}

/* Free pages before a block that grows are as good as those behind it. */
Test(mem_limits, a_large_block_that_grows_moves_down_over_free_pages)
{
    uint8_t *before, *block, *behind, *moved;
    size_t bytes, released;

    fake_boot(256 << 10, 0);
    for (int round = 0; round < 2; round++) {
        before = w_malloc(15000);
        block = w_malloc(3000);
        behind = w_malloc(3000);
        while (w_malloc(2000))
            ;
        bytes = w_malloc_usable_size(block);
        for (size_t i = 0; i < bytes; i++)
            block[i] = (uint8_t)(i * 7);
        w_free(before);
        if (round == 1)
            cr_assert(weft_heap_scavenge() > 0);
        released = fake_released_bytes;
        moved = w_realloc(block, 17000);
        cr_assert(moved == before, "it is at %p, not at %p", moved, before);
        cr_assert(w_malloc_usable_size(moved) >= 17000);
        for (size_t i = 0; i < bytes; i++)
            cr_assert(moved[i] == (uint8_t)(i * 7), "byte %zu", i);
        cr_assert(round == 0 || fake_released_bytes < released);
        cr_assert(weft_heap_check() == 0, "%s", fake_console);
        cr_assert(w_realloc(moved, 30000) == NULL);
        w_free(moved);
        w_free(behind);
        cr_assert(weft_heap_check() == 0, "%s", fake_console);
        fake_reset();
        fake_boot(256 << 10, 0);
    }
}
