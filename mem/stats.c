/* SPDX-License-Identifier: MIT */
/* Reading the counters, and the scavenger's trace. They are written where pages change hands
 * (page.c). */
#include "mem/cache.h"
#include "mem/page.h"

void weft_heap_stats(struct weft_mstats *stats)
{
    *stats = heap.stats;
}

void weft_heap_peak_reset(void)
{
    arch_irq_state state = spinlock_lock(&heap_pages_lock);

    heap.stats.peak_pages = heap.stats.inuse_pages + heap.stats.stack_pages;
    spinlock_unlock(&heap_pages_lock, state);
}

size_t weft_heap_largest_free(void)
{
    struct core *core = prim_enter();
    page_index longest = 0;

    for (unsigned i = 0; i < heap.regions; i++) {
        struct region *region = heap.region[i];
        page_index length = region->memory == WEFT_MEMORY_NORMAL ? page_longest(region) : 0;

        if (length > longest)
            longest = length;
    }
    prim_leave(core);
    return (size_t)longest << heap.page_shift;
}

/* Objects in use in one region's spans, and its large objects, in bytes. */
static size_t region_used_bytes(const struct region *region)
{
    size_t bytes = 0;

    for (uintptr_t page = 1; page < region->pages;) {
        int kind = region->kinds[page];

        if (kind > 0) {
            bytes += (size_t)region->page[page].span.used * heap.class[kind].size;
            page += heap.class[kind].pages;
        } else {
            if (kind == PAGE_LARGE)
                bytes += (size_t)region->page[page].run.pages << heap.page_shift;
            page++;
        }
    }
    return bytes;
}

size_t weft_heap_live_bytes(void)
{
    struct core *core = prim_enter();
    size_t bytes = 0, cached = 0;

    for (unsigned i = 0; i < heap.regions; i++)
        bytes += region_used_bytes(heap.region[i]);
    for (unsigned class = 1; class <= heap.classes; class ++)
        cached += cache_count(class) * heap.class[class].size;
    prim_leave(core);
    return bytes > cached ? bytes - cached : 0;
}

static size_t kib(size_t pages)
{
    return heap.page_shift >= 10 ? pages << (heap.page_shift - 10)
                                 : pages >> (10 - heap.page_shift);
}

/* A sum may be read while it is being changed: nothing is ever printed below 0. */
void weft_heap_trace(void)
{
    struct weft_mstats stats;
    size_t sys, released, round;

    weft_heap_stats(&stats);
    round = kib(heap.round_released);
    sys = kib(stats.sys_pages);
    released = kib(stats.released_pages);
    if (round)
        print_console("scvg%zu: %zu KiB released\n", stats.scavenges, round);
    print_console("scvg%zu: inuse: %zu, idle: %zu, sys: %zu, released: %zu, consumed: %zu (KiB)\n",
                  stats.scavenges, kib(stats.inuse_pages), kib(stats.idle_pages), sys, released,
                  released > sys ? (size_t)0 : sys - released);
}
