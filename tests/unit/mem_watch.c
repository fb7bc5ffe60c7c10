/* SPDX-License-Identifier: MIT */
/* The profile's hook sees every allocation and free, and a failure comes where it was asked for. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "mem/heap.h"
#include "mem/stack.h"
#include "mem/watch.h"
#include "mem_fake.h"
#include "mem_names.h"

#define ARENA ((size_t)256 << 10)

static size_t allocations, frees, live_bytes;
static void *last;

static void on_allocated(void *block, size_t bytes)
{
    allocations++;
    last = block;
    live_bytes += bytes;
}

static void on_freed(void *block)
{
    frees++;
    last = block;
}

static const struct heap_watcher watcher = {.allocated = on_allocated, .freed = on_freed};

Test(mem_watch, every_call_is_seen_once_with_its_block_and_size)
{
    size_t calls = 0, bytes = 0;

    fake_boot(ARENA, 0);
    w_free(w_malloc(100)); /* something in the caches */
    heap_watch(&watcher);
    for (size_t size = 1; size < 20000; size += 1 + size / 3) {
        void *block = w_malloc(size);

        cr_assert(allocations == ++calls && last == block);
        cr_assert(live_bytes == (bytes += size));
        last = NULL;
        w_free(block);
        cr_assert(frees == calls && last == block);
    }
    w_free(w_calloc(3, 5));
    w_free(w_memalign(64, 5));
    w_free(weft_heap_alloc(5000, 0, WEFT_MEMORY_NORMAL));
    cr_assert(allocations == calls + 3 && frees == calls + 3);
    heap_watch(NULL);
    w_free(w_malloc(100));
    cr_assert(allocations == calls + 3 && frees == calls + 3, "seen after the end");
    fake_check_quiescent();
}

Test(mem_watch, realloc_is_a_free_and_an_allocation)
{
    void *block;

    fake_boot(ARENA, 0);
    heap_watch(&watcher);
    block = w_malloc(100);
    block = w_realloc(block, 101);
    cr_assert(allocations == 2 && frees == 1);
    block = w_realloc(block, 9000);
    cr_assert(allocations == 3 && frees == 2);
    block = w_realloc(block, 9100);
    cr_assert(allocations == 4 && frees == 3);
    w_free(block);
    cr_assert(allocations == frees);
}

Test(mem_watch, a_handler_still_gets_what_is_cached)
{
    void *block;

    fake_boot(ARENA, 0);
    w_free(w_malloc(16));
    heap_watch(&watcher);
    fake_interrupt_enter(false);
    block = w_malloc(16);
    cr_assert(block != NULL && allocations == 1 && last == block);
    w_free(block);
    cr_assert(frees == 1);
    fake_interrupt_leave(false);
    fake_interrupt_enter(true);
    cr_assert(w_malloc(16) == NULL, "the heap was interrupted");
    fake_interrupt_leave(true);
    fake_check_quiescent();
}

Test(mem_watch, the_request_that_was_named_fails_and_no_other)
{
    size_t usable;
    void *block[6];

    fake_boot(ARENA, 0);
    for (uint32_t at = 1; at <= 6; at++) {
        (void)heap_fail_at(at);
        fake_reent._errno = 0;
        block[0] = w_malloc(10);
        block[1] = w_malloc(5000);
        block[2] = w_calloc(2, 10);
        block[3] = w_memalign(64, 10);
        block[4] = stack_alloc(4096, &usable);
        block[5] = weft_heap_alloc(100, 0, WEFT_MEMORY_NORMAL);
        cr_assert(heap_fail_at(0), "not reached");
        for (uint32_t i = 0; i < 6; i++) {
            cr_assert((block[i] == NULL) == (i == at - 1), "request %u of %u", i, at);
            if (i == 4 && block[i])
                stack_free(block[i], usable);
            else
                w_free(block[i]);
        }
        cr_assert((fake_reent._errno == ENOMEM) == (at <= 4));
    }
    (void)heap_fail_at(5);
    w_free(w_malloc(10));
    cr_assert(!heap_fail_at(0));
    cr_assert(weft_heap_live_bytes() == 0);
    fake_check_quiescent();
}
