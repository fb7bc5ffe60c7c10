/* SPDX-License-Identifier: MIT */
/* What the deterministic mode does in its own way; everything else is tested by the heap's other
 * tests, which run with it as well. */
#include <criterion/criterion.h>
#include <string.h>

#include "mem/heap.h"
#include "mem_fake.h"
#include "mem_names.h"

#define ARENA (256u << 10)
#define PAGE 512u

Test(mem_bounded, spans_are_single_pages_and_larger_blocks_are_runs)
{
    fake_boot(ARENA, 0);
    cr_assert(heap.stats.page_bytes == PAGE && heap.small_max == PAGE / 2);
    for (unsigned class = 1; class <= heap.classes; class ++)
        cr_assert(heap.class[class].pages == 1 && heap.class[class].batch == 1);
    for (size_t size = 1; size < 20000; size += 7) {
        void *block = w_malloc(size);

        cr_assert(w_malloc_usable_size(block) >= size);
        cr_assert(w_malloc_usable_size(block) < size + PAGE);
        w_free(block);
    }
    fake_check_quiescent();
}

Test(mem_bounded, pages_are_small_in_large_heaps_too)
{
    fake_boot(40 << 20, 0);
    cr_assert(heap.stats.page_bytes <= (sizeof(void *) == 4 ? 1024 : 512));
}

Test(mem_bounded, a_handler_gets_memory_and_gives_it_back)
{
    enum { COUNT = 300 };
    static void *block[COUNT];

    fake_boot(ARENA, 0);
    for (int busy = 0; busy < 2; busy++) {
        fake_interrupt_enter(busy != 0);
        for (int i = 0; i < COUNT; i++)
            cr_assert((block[i] = w_malloc((size_t)(1 + i * 37 % 700))) != NULL);
        for (int i = 0; i < COUNT; i++)
            w_free(block[i]);
        fake_interrupt_leave(busy != 0);
        cr_assert(FAKE_PANICS(w_free(block[0])));
        cr_assert(heap.stats.deferred == 0);
        cr_assert(weft_heap_live_bytes() == 0);
        fake_check_quiescent();
    }
}

Test(mem_bounded, pointers_into_large_blocks_are_known_for_what_they_are)
{
    uint8_t *small, *block, *after;

    fake_boot(ARENA, 0);
    block = w_malloc(20 * PAGE);
    small = w_malloc(PAGE);
    after = w_malloc(3 * PAGE);
    for (unsigned page = 1; page < 20; page++) {
        cr_assert(FAKE_PANICS(w_free(block + page * PAGE)));
        cr_assert(strstr(fake_panic_text, "into a block"), "%s", fake_panic_text);
    }
    cr_assert(FAKE_PANICS(w_free(block + 8)) && strstr(fake_panic_text, "into a block"));
    w_free(after);
    cr_assert(FAKE_PANICS(w_free(after)) && strstr(fake_panic_text, "double free"));
    cr_assert(FAKE_PANICS(w_free(after + PAGE)) && strstr(fake_panic_text, "double free"));
    w_free(small);
    w_free(block);
    fake_check_quiescent();
}

/* Every length from every other, in place where the pages behind are free. */
Test(mem_bounded, a_large_block_grows_and_shrinks_with_its_records_whole)
{
    fake_boot(ARENA, 0);
    for (size_t from = 1; from < 12; from++) {
        for (size_t to = 1; to < 12; to++) {
            uint8_t *block = w_malloc(from * PAGE);

            memset(block, (int)to, from * PAGE);
            block = w_realloc(block, to * PAGE);
            for (size_t i = 0; i < (from < to ? from : to) * PAGE; i++)
                cr_assert(block[i] == to);
            cr_assert(weft_heap_check() == 0, "%s", fake_console);
            w_free(block);
            cr_assert(weft_heap_check() == 0, "%s", fake_console);
        }
    }
    fake_check_quiescent();
}

/* Released pages have to be asked for: by whoever gets them, whichever way the call goes. */
Test(mem_bounded, released_pages_come_back_before_anybody_has_them)
{
    uint8_t *block;
    size_t released;

    fake_boot(ARENA, 0);
    weft_heap_scavenge();
    released = fake_released_bytes;
    for (size_t size = 1; size < 60000; size *= 3) {
        block = w_malloc(size);
        memset(block, 1, size);
        fake_check_quiescent(); /* what the board has is what the heap says it has */
        w_free(block);
        fake_check_quiescent();
    }
    cr_assert(fake_commits > 0 && fake_released_bytes < released - 50000);
}

/* Four runs of one group, 33 pages and one of 34, which is not the first: a request for 34 finds it
 * although it does not surely fit. */
Test(mem_bounded, a_run_that_may_fit_is_found_when_none_surely_does)
{
    void *block[5], *between[5], *last;

    fake_boot(ARENA, 0);
    for (int i = 0; i < 5; i++) {
        block[i] = w_malloc((i == 0 ? 34 : 33) * PAGE);
        between[i] = w_malloc(PAGE);
    }
    while (w_malloc(PAGE))
        ;
    for (int i = 0; i < 3; i++)
        w_free(block[i]);
    cr_assert((last = w_malloc(34 * PAGE)) == block[0]);
    cr_assert(w_malloc(34 * PAGE) == NULL);
    cr_assert(weft_heap_check() == 0, "%s", fake_console);
    w_free(last);
    for (int i = 0; i < 5; i++)
        w_free(between[i]);
    cr_assert(weft_heap_check() == 0, "%s", fake_console);
}

/* Overwritten records beside a block that is freed: it is free, and they are reported. */
Test(mem_bounded, overwritten_records_beside_a_block_are_reported)
{
    for (volatile int side = 0; side < 2; side++) {
        uint8_t *before, *block, *after, *wall;
        struct region *region;
        size_t page;

        fake_boot(ARENA, 0);
        region = heap.region[0];
        before = w_malloc(3 * PAGE);
        block = w_malloc(3 * PAGE);
        after = w_malloc(3 * PAGE);
        wall = w_malloc(3 * PAGE);
        w_free(before);
        w_free(after);
        page = ((uintptr_t)(side ? after : before) - region->base) / PAGE;
        region->page[page].next ^= 0x40;
        cr_assert(FAKE_PANICS(w_free(block)));
        cr_assert(strstr(fake_panic_text, "records of free pages"), "%s", fake_panic_text);
        region->page[page].next ^= 0x40;
        w_free(wall);
        fake_reset();
    }
}
