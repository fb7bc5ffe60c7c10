/* SPDX-License-Identifier: MIT */
/* weft_heap_check: everything that must agree with something else, does it? */
#include <weft/world.h>

#include "kernel/upcall.h"
#include "mem/cache.h"
#include "mem/central.h"
#include "mem/guard.h"
#include "mem/page.h"
#include "mem/report.h"
#include "mem/run.h"

/* What the walk over one region adds up. */
struct census {
    size_t meta, idle, released, inuse, stacks;
    size_t free_runs;
};

static int check_free_run(const struct region *region, page_index first, struct census *census)
{
    page_index length = region->page[first].run.pages;
    uintptr_t address = region_page_address(region, first);

    if (length == 0 || (uintptr_t)first + length > region->pages ||
        region->page[first + length - 1].run.pages != length)
        return report_state("free run's length", address);
    if (page_kind_free(region->kinds[first + length]))
        return report_state("free runs that touch", address);
    for (page_index page = first; page < first + length; page++) {
        if (!page_kind_free(region->kinds[page]))
            return report_state("page kind in a free run", region_page_address(region, page));
        census->released += region->kinds[page] == PAGE_RELEASED;
        if (region->kinds[page] == PAGE_FREE && (region->page[first].run.age & 1) == 0)
            return report_state("clean run with an unreleased page", address);
    }
    census->idle += length;
    census->free_runs++;
    return 0;
}

static int check_owned_run(const struct region *region, page_index first, int body)
{
    uintptr_t length = region->page[first].run.pages;

    if (length == 0 || first + length > region->pages)
        return report_state("run's length", region_page_address(region, first));
    for (uintptr_t page = first + 1u; page < first + length; page++) {
        /* page.c: inside_looks_free */
        bool looks_free =
            WEFT_CONFIG_HEAP_DETERMINISTIC && body == PAGE_LARGE_BODY && page != first + length - 1;

        if (region->kinds[page] != (looks_free ? PAGE_FREE : body))
            return report_state("page kind in a run", region_page_address(region, first));
    }
    return 0;
}

/* Checks what starts at `page`; *next is where it ends. */
static int check_run(struct region *region, page_index page, struct census *census, uintptr_t *next)
{
    int kind = region->kinds[page], result;
    size_t length = region->page[page].run.pages;

    if (kind > 0 && kind <= (int)heap.classes) {
        length = heap.class[kind].pages;
        result = central_check_span(region, page);
        census->inuse += length;
    } else if (page_kind_free(kind)) {
        result = check_free_run(region, page, census);
    } else if (kind == PAGE_LARGE) {
        result = check_owned_run(region, page, PAGE_LARGE_BODY);
        census->inuse += length;
    } else if (kind == PAGE_GC) {
        result = check_owned_run(region, page, PAGE_GC_BODY);
        census->inuse += length;
    } else if (kind == PAGE_STACK) {
        result = check_owned_run(region, page, PAGE_STACK_BODY);
        census->stacks += length;
    } else if (kind == PAGE_META && page == 0) {
        result = check_owned_run(region, page, PAGE_META);
        census->meta += length;
    } else {
        result = report_state("page kind", region_page_address(region, page));
    }
    *next = page + length;
    return result;
}

/* Every free run is in the list of its size group, and nothing else is. */
static int check_bins(const struct region *region, size_t free_runs)
{
    for (unsigned bin = 0; bin < RUN_BINS; bin++) {
        bool occupied = (region->occupied[bin / RUN_WORD_BITS] & run_bit(bin)) != 0;
        page_index previous = RUN_HEAD_OF(bin);

        if (occupied != (region->bin[bin] != 0))
            return report_state("size group's bit", (uintptr_t)&region->bin[bin]);
        for (page_index run = region->bin[bin]; run; run = region->page[run].next) {
            if (free_runs-- == 0 || run >= region->pages || !page_kind_free(region->kinds[run]) ||
                run_bin_of(region->page[run].run.pages) != bin ||
                region->page[run].previous != previous)
                return report_state("size group", (uintptr_t)&region->bin[bin]);
            previous = run;
        }
    }
    if (RUN_BINS % RUN_WORD_BITS != 0 &&
        region->occupied[RUN_WORDS - 1] << (RUN_BINS % RUN_WORD_BITS) != 0)
        return report_state("bits of size groups", (uintptr_t)region->occupied);
    return free_runs ? report_state("number of listed free runs", region->base) : 0;
}

/* Every span in a class's list has a free object; the walk has counted how many such spans
 * exist. */
static int check_partial(const struct region *region)
{
    size_t listed = 0, expected = 0;

    for (unsigned class = 1; class <= heap.classes; class ++) {
        page_index previous = 0;

        for (page_index span = region->partial[class]; span; span = region->page[span].next) {
            if (span >= region->pages || region->kinds[span] != (int)class ||
                region->page[span].span.used == heap.class[class].objects ||
                region->page[span].previous != previous || listed++ > region->pages)
                return report_state("list of spans", (uintptr_t)&region->partial[class]);
            previous = span;
        }
    }
    for (uintptr_t page = 1; page < region->pages;) {
        int kind = region->kinds[page];

        if (kind > 0 && region->page[page].span.used < heap.class[kind].objects)
            expected++;
        page += kind > 0 ? heap.class[kind].pages : 1u;
    }
    return listed == expected ? 0 : report_state("number of listed spans", region->base);
}

static int check_region(struct region *region, struct census *census)
{
    uintptr_t page = 0, next;
    size_t runs_before = census->free_runs;
    bool cursor_seen = false;
    int result;

    for (; page < region->pages; page = next) {
        cursor_seen |= page == region->cursor;
        result = check_run(region, (page_index)page, census, &next);
        if (result)
            return result;
    }
    if (page != region->pages || !cursor_seen)
        return report_state("last run, or the scavenger's cursor", region->base);
    result = check_bins(region, census->free_runs - runs_before);
    return result ? result : check_partial(region);
}

static int check_census(const struct census *census)
{
    const struct weft_mstats *stats = &heap.stats;

    if (census->meta != stats->meta_pages || census->idle != stats->idle_pages ||
        census->released != stats->released_pages || census->inuse != stats->inuse_pages ||
        census->stacks != stats->stack_pages)
        return report_state("counter", (uintptr_t)stats);
    if (stats->sys_pages !=
        stats->inuse_pages + stats->idle_pages + stats->stack_pages + stats->meta_pages)
        return report_state("sum of counters", (uintptr_t)stats);
    return 0;
}

static int check_all(struct core *core)
{
    struct census census = {0};
    int result = 0;

    ASSERT(core->interrupt_depth == 0);
    if (!heap_is_sealed())
        result = report_state("constant", (uintptr_t)&heap);
    for (unsigned i = 0; i < heap.regions && result == 0; i++)
        result = check_region(heap.region[i], &census);
    if (result == 0)
        result = check_census(&census);
    for (unsigned i = 0; i < WEFT_CONFIG_CORES && result == 0; i++)
        result = cache_check(&cores[i]);
    if (WEFT_CONFIG_HEAP_FULL && result == 0)
        result = guard_check();
    return result;
}

int weft_heap_check(void)
{
    bool stops = WEFT_CONFIG_CORES > 1 && upcall_world_may_stop();
    struct core *core;
    int result;

    if (stops)
        weft_world_stop("heap check");
    core = prim_enter();
    result = check_all(core);
    prim_leave(core);
    if (stops)
        weft_world_start();
    return result;
}
