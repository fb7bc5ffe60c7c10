/* SPDX-License-Identifier: MIT */
/* The full tier: what it catches, and what its reports say. The random model runs on it as well. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "mem/guard.h"
#include "mem_fake.h"
#include "mem_names.h"

#define ARENA ((size_t)256 << 10)

static const size_t sizes[] = {0, 1, 7, 8, 30, 100, 500, 1000, 1017, 3000, 20000};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static void expect(const char *sentence)
{
    cr_assert(strstr(fake_panic_text, sentence), "said: %s\n%s", fake_panic_text, fake_console);
}

/* Calls that stand at known places: their return addresses are in the function. */
static __attribute__((noinline)) void *allocate_here(size_t size)
{
    void *block = w_malloc(size);

    __asm__ volatile("" : "+r"(block));
    return block;
}

static __attribute__((noinline)) void free_here(void *block)
{
    w_free(block);
    __asm__ volatile("");
}

static bool is_in(uintptr_t pc, const void *function)
{
    return pc - (uintptr_t)function < 256;
}

Test(mem_full, every_byte_behind_a_block_is_guarded)
{
    fake_boot(ARENA, 0);
    for (unsigned i = 0; i < SIZES; i++) {
        uint8_t *block = w_malloc(sizes[i]);
        size_t whole = heap_usable_size(block);

        for (volatile size_t at = sizes[i]; at < whole; at++) {
            block[at] ^= 0x10;
            cr_assert(weft_heap_check() != 0, "byte %zu of %zu", at, sizes[i]);
            cr_assert(FAKE_PANICS(w_free(block)), "byte %zu of %zu", at, sizes[i]);
            expect("past its end");
            block[at] ^= 0x10;
            if (at - sizes[i] > 80 && at + 80 < whole)
                at += 13; /* a canary like those before it */
        }
        w_free(block);
        cr_assert(weft_heap_check() == 0, "%s", fake_console);
    }
}

/* A large block is filled at its ends. */
static bool is_junk(size_t at, size_t size)
{
    return size < 2 * WEFT_CONFIG_HEAP_JUNK || at < WEFT_CONFIG_HEAP_JUNK ||
           at >= size - WEFT_CONFIG_HEAP_JUNK;
}

Test(mem_full, a_write_to_a_freed_block_is_caught_when_it_leaves_quarantine)
{
    fake_boot(1 << 20, 0);
    for (unsigned i = 1; i < SIZES; i++)
        for (size_t at = 0; at < sizes[i]; at += 1 + sizes[i] / 27) { /* each is lost for good */
            uint8_t *block;

            if (!is_junk(at, sizes[i]) || (at % 3 != 0 && at + sizes[i] / 27 + 1 < sizes[i]))
                continue;
            block = w_malloc(sizes[i]);
            w_free(block);
            block[at] = 0;
            cr_assert(weft_heap_check() != 0);
            fake_console_clear();
            cr_assert(FAKE_PANICS(guard_quarantine_flush()));
            expect("was written to");
            cr_assert(strstr(fake_console, "freed at pc=0x"), "%s", fake_console);
        }
}

Test(mem_full, new_and_freed_blocks_are_filled_with_junk)
{
    fake_boot(ARENA, 0);
    for (unsigned i = 0; i < SIZES; i++) {
        uint8_t *block = w_malloc(sizes[i]);

        cr_assert_eq(w_malloc_usable_size(block), sizes[i]);
        for (size_t at = 0; at < sizes[i]; at++)
            cr_assert(!is_junk(at, sizes[i]) || block[at] == 0xa5);
        w_free(block);
        for (size_t at = 0; at < sizes[i]; at++)
            cr_assert(!is_junk(at, sizes[i]) || block[at] == 0xdf);
    }
}

Test(mem_full, a_double_free_is_reported_with_both_call_sites_and_the_owner)
{
    struct guard_history history;
    char expected[128];
    void *block;

    fake_boot(ARENA, 0);
    fake_thread_id = 42;
    block = allocate_here(100);
    free_here(block);
    cr_assert(guard_history((uintptr_t)block, &history));
    cr_assert(history.bytes == 100 && history.owner == 42);
    cr_assert(is_in(history.allocated_at, (void *)allocate_here));
    cr_assert(is_in(history.freed_at, (void *)free_here));
    fake_console_clear();
    cr_assert(FAKE_PANICS(w_free(block)));
    expect("double free");
    snprintf(expected, sizeof expected,
             "heap: block %p: 100 bytes asked for, allocated by thread 42 at pc=0x%zx\n", block,
             history.allocated_at);
    cr_assert(strstr(fake_console, expected), "%s", fake_console);
    snprintf(expected, sizeof expected, "heap: block %p: freed at pc=0x%zx\n", block,
             history.freed_at);
    cr_assert(strstr(fake_console, expected), "%s", fake_console);
}

Test(mem_full, a_double_free_is_caught_however_long_ago_the_first_was)
{
    void *block;

    fake_boot(ARENA, 0);
    block = w_malloc(100);
    for (int i = 0; i < 10; i++)
        w_free(w_malloc(100));
    w_free(block);
    cr_assert(FAKE_PANICS(w_free(block)));
    expect("double free");
    guard_quarantine_flush();
    cr_assert(FAKE_PANICS(w_free(block)));
    expect("double free");
}

Test(mem_full, quarantine_gives_way_to_who_needs_the_memory)
{
    size_t size;
    void *block;

    fake_boot(64 << 10, 0);
    size = weft_heap_largest_free() - 64;
    for (int i = 0; i < 3; i++) {
        block = w_malloc(size);
        cr_assert(block);
        w_free(block);
    }
    for (int i = 0; i < 200; i++)
        w_free(w_malloc(1000));
    cr_assert(heap.stats.failures == 0);
    cr_assert(guard_quarantine_flush() && !guard_quarantine_flush());
    cr_assert(weft_heap_live_bytes() == 0 && weft_heap_check() == 0, "%s", fake_console);
}

Test(mem_full, the_owner_of_every_block_is_known)
{
    size_t blocks, bytes;
    void *block[20];

    fake_boot(ARENA, 0);
    for (unsigned i = 0; i < 20; i++) {
        fake_thread_id = 1 + i % 2;
        block[i] = i < 18 ? w_malloc(i * 10) : w_malloc(5000);
    }
    cr_assert(weft_heap_owned(1, &blocks, &bytes) == 0);
    cr_assert(blocks == 10 && bytes == 10 * (0 + 2 + 4 + 6 + 8 + 10 + 12 + 14 + 16) + 5000);
    w_free(block[1]);
    w_free(block[19]);
    cr_assert(weft_heap_owned(2, &blocks, &bytes) == 0);
    cr_assert(blocks == 8 && bytes == 10 * (3 + 5 + 7 + 9 + 11 + 13 + 15 + 17));
    cr_assert(weft_heap_owned(3, &blocks, &bytes) == 0 && blocks == 0 && bytes == 0);
}

Test(mem_full, other_names_are_guarded_too)
{
    uint8_t *block;

    fake_boot(ARENA, 0);
    block = w_memalign(256, 10);
    cr_assert((uintptr_t)block % 256 == 0 && w_malloc_usable_size(block) == 10);
    block = w_realloc(block, 20);
    cr_assert(w_malloc_usable_size(block) == 20);
    block = _realloc_r(&fake_reent, block, 5);
    block[5] = 0;
    cr_assert(FAKE_PANICS(_free_r(&fake_reent, block)));
    expect("past its end");
    block = w_calloc(3, 5);
    block[15] = 1;
    cr_assert(FAKE_PANICS((void)w_realloc(block, 100)));
    expect("past its end");
    block = weft_heap_alloc(5000, 512, WEFT_MEMORY_NORMAL);
    cr_assert((uintptr_t)block % 512 == 0);
    w_free(block);
    cr_assert(w_malloc(SIZE_MAX) == NULL && fake_reent._errno == 12);
    cr_assert(w_calloc(SIZE_MAX / 2, 1) == NULL);
}

Test(mem_full, a_handler_frees_into_quarantine)
{
    void *block;

    fake_boot(ARENA, 0);
    block = w_malloc(100);
    fake_interrupt_enter(true);
    w_free(block);
    fake_interrupt_leave(true);
    cr_assert(FAKE_PANICS(w_free(block)));
    expect("double free");
    guard_quarantine_flush();
    cr_assert(weft_heap_live_bytes() == 0 && weft_heap_check() == 0, "%s", fake_console);
}

/* Who allocates is asked before the block is taken from the cache; of a large block, and when the
 * cache is empty, between that and the block's record. */
static unsigned looks;

static void look(void)
{
    looks++;
    cr_assert(core_self()->ranks_held || weft_heap_check() == 0, "%s", fake_console);
}

Test(mem_full, a_check_in_the_middle_of_an_allocation_finds_nothing_wrong)
{
    uint8_t *block;

    fake_boot(ARENA, 0);
    for (unsigned i = 0; i < 100; i++)
        w_free(w_malloc(40)); /* what is next has been in quarantine */
    fake_thread_hook = look;
    block = w_malloc(40);
    w_free(w_malloc(20000));
    for (unsigned i = 0; i < 40; i++)
        (void)w_malloc(300);
    fake_thread_hook = NULL;
    cr_assert(looks >= 42);
    block[40] ^= 1;
    cr_assert(weft_heap_check() != 0);
}
