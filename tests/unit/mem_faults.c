/* SPDX-License-Identifier: MIT */
/* Errors of the program that the default tier must catch at once, and what happens in handlers. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "mem/heap.h"
#include "mem_fake.h"
#include "mem_names.h"

#define ARENA ((size_t)256 << 10)

static void expect_panic_on_free(void *pointer, const char *sentence)
{
    cr_assert(FAKE_PANICS(w_free(pointer)), "free(%p) was accepted, not called: %s", pointer,
              sentence);
    cr_assert(strstr(fake_panic_text, sentence), "said: %s", fake_panic_text);
}

Test(mem_faults, double_free_is_caught_for_every_size)
{
    fake_boot(ARENA, 0);
    for (size_t size = 1; size < 20000; size += 1 + size / 7) {
        void *block = w_malloc(size);

        w_free(block);
        expect_panic_on_free(block, "double free");
    }
}

Test(mem_faults, double_free_is_caught_after_the_block_went_back_to_its_span)
{
    enum { COUNT = 300 };
    void *block[COUNT];

    fake_boot(ARENA, 0);
    for (int i = 0; i < COUNT; i++)
        block[i] = w_malloc(48);
    for (int i = 1; i < COUNT; i++)
        w_free(block[i]);
    for (int i = 1; i < COUNT; i++)
        cr_assert(FAKE_PANICS(w_free(block[i])));
    w_free(block[0]);
    cr_assert(weft_heap_check() == 0, "%s", fake_console);
}

Test(mem_faults, double_free_is_caught_when_the_first_was_deferred_by_a_handler)
{
    void *small, *large;

    fake_boot(ARENA, 0);
    small = w_malloc(40);
    large = w_malloc(9000);
    fake_interrupt_enter(true);
    w_free(small);
    w_free(large);
    fake_interrupt_leave(true);
    expect_panic_on_free(small, "double free");
    expect_panic_on_free(large, "double free");
    w_free(w_malloc(9000));
    cr_assert(weft_heap_live_bytes() == 0);
    cr_assert(weft_heap_check() == 0, "%s", fake_console);
}

Test(mem_faults, a_pointer_into_a_block_is_caught_at_every_offset)
{
    static const size_t sizes[] = {8, 24, 40, 100, 168, 300, 500, 1000};

    fake_boot(ARENA, 0);
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint8_t *block = w_malloc(sizes[i]);
        size_t usable = w_malloc_usable_size(block);

        memset(block, 0x77, usable);
        for (size_t offset = 1; offset < usable; offset++)
            expect_panic_on_free(block + offset, "not to its start");
        w_free(block);
    }
}

Test(mem_faults, a_pointer_into_a_large_block_is_caught)
{
    uint8_t *block;

    fake_boot(ARENA, 0);
    block = w_malloc(5000);
    for (size_t offset = 1; offset < 5000; offset += 13)
        expect_panic_on_free(block + offset, "not to its start");
    expect_panic_on_free(block + 512, "not to its start");
    w_free(block);
}

/* Every address of the region that is not the start of a live block is refused, span ends,
 * records and free pages included. */
Test(mem_faults, no_other_address_of_the_region_can_be_freed)
{
    enum { COUNT = 400 };
    static uint8_t *block[COUNT];
    uint64_t state = 7;
    volatile unsigned refused = 0;

    fake_boot(64 << 10, 0);
    for (int i = 0; i < COUNT; i++) {
        block[i] = w_malloc(1 + fake_random(&state) % 200);
        if (block[i])
            memset(block[i], 0x77, w_malloc_usable_size(block[i]));
    }
    for (size_t offset = 0; offset < fake_region_bytes[0]; offset++) {
        uint8_t *pointer = fake_region_start[0] + offset;
        bool live = false;

        for (int i = 0; i < COUNT && !live; i++)
            live = pointer == block[i];
        if (live)
            continue;
        /* A place for an object that was never handed out looks like one; see docs/heap.md. */
        if (heap.window_kinds[(pointer - (uint8_t *)heap.window_base) >> heap.page_shift] > 0 &&
            *pointer != 0x77)
            continue;
        cr_assert(FAKE_PANICS(w_free(pointer)), "offset %zu was accepted", offset);
        refused++;
    }
    cr_assert(refused > 50000);
    cr_assert(weft_heap_check() == 0, "%s", fake_console);
}

Test(mem_faults, foreign_pointers_are_caught)
{
    int local;
    size_t usable;
    void *stack;
    void *stack_alloc(size_t bytes, size_t * usable_bytes);

    fake_boot(ARENA, 0);
    expect_panic_on_free(&local, "never returned");
    expect_panic_on_free((void *)16, "never returned");
    expect_panic_on_free(fake_region_start[0], "never returned");
    expect_panic_on_free(fake_region_start[0] + ARENA, "never returned");
    stack = stack_alloc(4096, &usable);
    expect_panic_on_free(stack, "never returned");
    w_free(NULL);
}

Test(mem_faults, a_write_to_freed_memory_is_caught_before_its_link_is_used)
{
    enum { COUNT = 64 };
    uintptr_t *block[COUNT];
    bool caught = false;

    fake_boot(ARENA, 0);
    for (int i = 0; i < COUNT; i++)
        block[i] = w_malloc(32);
    for (int i = 0; i < COUNT; i++)
        w_free(block[i]);
    for (int i = 0; i < COUNT; i++)
        block[i][1] = (uintptr_t)&caught;
    cr_assert(weft_heap_check() != 0);
    for (int i = 0; i < 2 * COUNT && !caught; i++)
        caught = FAKE_PANICS(w_malloc(32));
    cr_assert(caught);
    cr_assert(strstr(fake_panic_text, "was written to"), "said: %s", fake_panic_text);
}

Test(mem_faults, links_of_free_objects_do_not_show_addresses)
{
    enum { COUNT = 64 };
    uintptr_t *block[COUNT];

    fake_boot(ARENA, 0);
    for (int i = 0; i < COUNT; i++)
        block[i] = w_malloc(32);
    for (int i = 0; i < COUNT; i++)
        w_free(block[i]);
    for (int i = 0; i < COUNT; i++)
        for (int word = 0; word < 2; word++)
            cr_assert(block[i][word] - heap.window_base >= heap.window_bytes);
}

Test(mem_faults, a_live_block_that_holds_the_mark_can_be_freed)
{
    uintptr_t *block;

    fake_boot(ARENA, 0);
    for (size_t size = 16; size < 5000; size *= 2) {
        block = w_malloc(size);
        block[0] = heap.mark;
        w_free(block);
    }
    cr_assert(weft_heap_check() == 0, "%s", fake_console);
    cr_assert(weft_heap_live_bytes() == 0);
}

Test(mem_faults, the_report_names_block_and_size)
{
    uint8_t *block;
    char expected[64];

    fake_boot(ARENA, 0);
    block = w_malloc(100);
    sprintf(expected, "(block %p of %zu bytes)", (void *)block, w_malloc_usable_size(block));
    expect_panic_on_free(block + 16, expected);
}

Test(mem_faults, the_tick_may_neither_allocate_nor_free)
{
    void *block;

    fake_boot(ARENA, 0);
    block = w_malloc(16);
    cores[0].allocation_forbidden = 1;
    cr_assert(FAKE_PANICS((void)w_malloc(16)));
    cr_assert(strstr(fake_panic_text, "allocation in profiler"));
    cr_assert(FAKE_PANICS((void)w_malloc(5000)));
    cr_assert(FAKE_PANICS(w_free(block)));
    cr_assert(FAKE_PANICS((void)w_realloc(block, 5000)));
    cr_assert(FAKE_PANICS((void)w_calloc(1, 1)));
    cr_assert(FAKE_PANICS((void)w_memalign(64, 1)));
    cr_assert(FAKE_PANICS(__malloc_lock(&fake_reent)));
    cr_assert(FAKE_PANICS((void)_sbrk(16)));
    cores[0].allocation_forbidden = 0;
    w_free(block);
}

Test(mem_faults, a_handler_that_interrupts_the_heap_only_notes_what_it_frees)
{
    enum { COUNT = 200 };
    void *block[COUNT];
    struct weft_mstats stats;

    if (WEFT_CONFIG_HEAP_DETERMINISTIC)
        cr_skip_test("the deterministic mode frees it at once (mem_bounded.c)");
    fake_boot(ARENA, 0);
    for (int i = 0; i < COUNT; i++)
        block[i] = w_malloc((size_t)(1 + i * 37 % 1500));
    fake_interrupt_enter(true);
    for (int i = 0; i < COUNT; i++)
        w_free(block[i]);
    cr_assert(w_malloc(16) == NULL);
    fake_interrupt_leave(true);
    weft_heap_stats(&stats);
    cr_assert(stats.deferred >= COUNT);
    w_free(w_malloc(30000));
    cr_assert(weft_heap_live_bytes() == 0);
    cr_assert(weft_heap_check() == 0, "%s", fake_console);
}

Test(mem_faults, a_handler_gets_memory_from_the_cache_only)
{
    void *block = NULL;

    fake_boot(ARENA, 0);
    w_free(w_malloc(16));
    fake_interrupt_enter(false);
    block = w_malloc(16);
    cr_assert(block != NULL);
    while (w_malloc(16))
        ;
    cr_assert(w_malloc(5000) == NULL);
    w_free(block);
    fake_interrupt_leave(false);
    cr_assert(weft_heap_check() == 0, "%s", fake_console);
}

Test(mem_faults, a_switch_that_was_wanted_meanwhile_is_taken)
{
    void *block;

    fake_boot(ARENA, 0);
    w_free(w_malloc(16));
    cores[0].reschedule = 1;
    block = w_malloc(16);
    cr_assert(fake_switches == 1 && cores[0].reschedule == 0);
    cores[0].reschedule = 1;
    w_free(block);
    cr_assert(fake_switches == 2);
    cores[0].reschedule = 1;
    block = w_malloc(50000);
    /* The deterministic mode has no preemption off, so that nothing has to wait for its end. */
    cr_assert(fake_switches == (WEFT_CONFIG_HEAP_DETERMINISTIC ? 2 : 3));
    cores[0].reschedule = 1;
    cores[0].preempt_off = 1;
    w_free(block);
    w_free(w_malloc(16));
    cores[0].preempt_off = 0;
    cr_assert(fake_switches == (WEFT_CONFIG_HEAP_DETERMINISTIC ? 2 : 3),
              "switched with preemption off");
}
