/* SPDX-License-Identifier: MIT */
/* What the scavenger takes off the page heap, and puts back (scavenger.c; page.c has the essay). */
#include <string.h>

#include "mem/page.h"
#include "mem/run.h"

/* Where the run, or the span, that starts at `page` ends; 0 while it changes hands. */
static uintptr_t run_end(const struct region *region, page_index page)
{
    int kind = region->kinds[page];

    if (kind > 0)
        return (uintptr_t)page + heap.class[kind].pages;
    if (page_kind_free(kind) || kind == PAGE_LARGE || kind == PAGE_STACK || kind == PAGE_META ||
        kind == PAGE_GC)
        return (uintptr_t)page + region->page[page].run.pages;
    return 0;
}

#define SCAN_PAGES 512

/* A stretch of unreleased pages in a free run, looked for where the last look ended. */
static page_index run_unreleased(struct region *region, page_index run, page_index most,
                                 page_index *first)
{
    uintptr_t end = (uintptr_t)run + region->page[run].run.pages, stop;
    page_index from = region->scan > run && region->scan < end ? region->scan : run;
    const int8_t *found;
    page_index count = 0;

    stop = end - from > SCAN_PAGES ? (uintptr_t)from + SCAN_PAGES : end;
    found = memchr(&region->kinds[from], (uint8_t)PAGE_FREE, stop - from);
    if (!found) {
        if (from == run && stop == end)
            region->page[run].run.age &= (uint16_t)~1u;
        region->scan = stop == end ? 0 : (page_index)stop;
        return 0;
    }
    *first = (page_index)(found - region->kinds);
    while (count < most && *first + count < end && found[count] == PAGE_FREE)
        count++;
    region->scan = *first + count;
    return count;
}

/* May it hold pages that are not released, and was it last added to `age` rounds ago? */
static bool run_is_old(const struct page *run, unsigned age)
{
    return run->run.age & 1 && ((heap.epoch - run->run.age) & 0xffffu) >= 2 * age;
}

page_index page_scavenge_get(struct region *region, unsigned age, unsigned budget, page_index most,
                             page_index *first, bool *wrapped)
{
    page_index count = 0;
    arch_irq_state state = spinlock_lock(&heap_pages_lock);

    while (budget-- && count == 0 && !*wrapped) {
        page_index page = region->cursor;
        const struct page *run = &region->page[page];
        uintptr_t end = run_end(region, page);

        if (end == 0)
            break;
        if (page_kind_free(region->kinds[page]) && run_is_old(run, age)) {
            count = run_unreleased(region, page, most, first);
            if (count && !run_carve(region, page, *first, count)) {
                run_report(region, page);
                count = 0;
            }
            if (count) {
                heap.lent++;
                break;
            }
            if (region->scan)
                continue;
        }
        *wrapped = end >= region->pages;
        region->cursor = *wrapped ? 0 : (page_index)end;
    }
    spinlock_unlock(&heap_pages_lock, state);
    return count;
}

/* A released run joins its neighbours, which keep their age: there is nothing new to give back. */
static uintptr_t give_released_locked(struct region *region, uintptr_t first, uintptr_t pages)
{
    uintptr_t before = 0, after = 0, broken = 0;
    unsigned age = heap.epoch & ~1u, age_after;

    region->kinds[first] = region->kinds[first + pages - 1] = PAGE_RELEASED;
    if (run_end_is_free(region, first - 1))
        before = run_take_before(region, first, &broken);
    if (before)
        age = region->page[first - before].run.age;
    age_after = region->page[first + pages].run.age;
    if (run_end_is_free(region, first + pages))
        after = run_take_after(region, first + pages, &broken);
    if (after)
        age = age_after | (age & 1);
    first -= before;
    pages += before + after;
    run_cursor_joined(region, first, pages);
    run_insert(region, first, pages, age);
    return broken;
}

void page_scavenge_put(struct region *region, page_index first, page_index pages)
{
    arch_irq_state state;
    uintptr_t broken;

    if (pages > 2)
        memset(&region->kinds[first + 1], PAGE_RELEASED, pages - 2u);
    state = spinlock_lock(&heap_pages_lock);
    broken = give_released_locked(region, first, pages);
    heap.stats.released_pages += pages;
    heap.lent--;
    spinlock_unlock(&heap_pages_lock, state);
    if (broken)
        run_report(region, broken);
}
