/* SPDX-License-Identifier: MIT */
/* Reading the counters, and the scavenger's trace. They are written where pages change hands
 * (page.c). */
#include "mem/cache.h"
#include "mem/guard.h"
#include "mem/page.h"
#include "mem/scavenger.h"

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

/* On whose account a page is. */
static size_t *page_account(struct weft_mstats *stats, int kind)
{
    if (page_kind_free(kind) || kind == PAGE_TAKEN || kind == PAGE_TAKEN_RELEASED)
        return &stats->idle_pages;
    if (kind == PAGE_STACK || kind == PAGE_STACK_BODY)
        return &stats->stack_pages;
    return kind == PAGE_META ? &stats->meta_pages : &stats->inuse_pages;
}

/* Pages from `page` on that are on the same account: 1, but a large object whose inner pages look
 * free (page.c: inside_looks_free) is counted whole. */
static uintptr_t stretch_pages(const struct region *region, uintptr_t page)
{
    uintptr_t pages = region->page[page].run.pages;

    if (!WEFT_CONFIG_HEAP_DETERMINISTIC || region->kinds[page] != PAGE_LARGE)
        return 1;
    return pages && pages <= region->pages - page ? pages : 1;
}

void weft_heap_stats_of(enum weft_memory kind, struct weft_mstats *stats)
{
    struct core *core = prim_enter();

    *stats = (struct weft_mstats){.page_bytes = heap.stats.page_bytes};
    for (unsigned i = 0; i < heap.regions; i++) {
        const struct region *region = heap.region[i];

        if (region->memory != kind)
            continue;
        stats->sys_pages += region->pages;
        for (uintptr_t page = 0, pages; page < region->pages; page += pages) {
            pages = stretch_pages(region, page);
            *page_account(stats, region->kinds[page]) += pages;
            stats->released_pages += region->kinds[page] == PAGE_RELEASED;
        }
    }
    prim_leave(core);
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
    if (WEFT_CONFIG_HEAP_FULL)
        cached += guard_quarantine_bytes();
    prim_leave(core);
    return bytes > cached ? bytes - cached : 0;
}

static size_t kib(size_t pages)
{
    return heap.page_shift >= 10 ? pages << (heap.page_shift - 10)
                                 : pages >> (10 - heap.page_shift);
}

/* A sum may be read while it is being changed: nothing is ever printed below 0. Preemption is off,
 * so that the console's mutex is not waited for (kernel/console.c): the caller may be anywhere. */
void stats_print(size_t number, size_t pages)
{
    struct weft_mstats stats;
    size_t sys, released, now = kib(pages);
    struct core *core = prim_enter();

    weft_heap_stats(&stats);
    sys = kib(stats.sys_pages);
    released = kib(stats.released_pages);
    if (now)
        print_console("scvg%zu: %zu KiB released\n", number, now);
    print_console("scvg%zu: inuse: %zu, idle: %zu, sys: %zu, released: %zu, consumed: %zu (KiB)\n",
                  number, kib(stats.inuse_pages), kib(stats.idle_pages), sys, released,
                  released > sys ? (size_t)0 : sys - released);
    prim_leave(core);
}

void weft_heap_trace(void)
{
    stats_print(heap.stats.scavenges, heap.round_released);
}

/* The scavenger has pages in its hands that are in no list: it may ask nobody to stop. */
static void check_not_scavenger(void)
{
    arch_irq_state state = arch_irq_save();
    const struct core *core = core_self();
    bool wrong = core->interrupt_depth == 0 && scavenger_is_at_work(core);

    arch_irq_restore(state);
    if (wrong)
        weft_panic("weft_heap_stats_consistent from the scavenger (a release hook, or the board): "
                   "stopping the world here would never end; call weft_heap_stats");
}

void weft_heap_stats_consistent(struct weft_mstats *stats)
{
    check_not_scavenger();
    weft_world_stop("consistent heap statistics");
    *stats = heap.stats;
    weft_world_start();
    ASSERT(stats->sys_pages ==
           stats->inuse_pages + stats->idle_pages + stats->stack_pages + stats->meta_pages);
    ASSERT(stats->released_pages <= stats->idle_pages);
}
