/* SPDX-License-Identifier: MIT */
#include "mem/census.h"

#include <string.h>

#include "mem/central.h"
#include "mem/guard.h"

struct span_view {
    uintptr_t base, bytes;
    unsigned size;
    uint32_t *live;
};

static void take_out(const struct span_view *view, uintptr_t object)
{
    uintptr_t offset = object - view->base, number = offset / view->size;

    if (offset < view->bytes)
        view->live[number / 32] &= ~(1u << (number % 32));
}

static void take_out_cached(const struct span_view *view, unsigned class)
{
    for (unsigned core = 0; core < WEFT_CONFIG_CORES; core++) {
        const struct cache *cache = &heap.cache[core];
        const struct cache_bin *bin = &cache->bin[class];

        for (const uintptr_t *slot = bin->limit - heap.class[class].depth; slot < bin->top; slot++)
            take_out(view, *slot);
        for (const struct deferred_block *block = cache->deferred; block; block = block->next)
            take_out(view, (uintptr_t)block);
    }
}

/* In quarantine: freed by the program, not yet by the heap. */
static bool is_kept(uintptr_t block)
{
    struct guard_history history;

    return WEFT_CONFIG_HEAP_FULL && guard_history(block, &history) && history.freed_at != 0;
}

static void take_out_kept(const struct span_view *view, unsigned fresh)
{
    for (unsigned number = 0; number < fresh; number++)
        if (view->live[number / 32] >> (number % 32) & 1 &&
            is_kept(view->base + (uintptr_t)number * view->size))
            view->live[number / 32] &= ~(1u << (number % 32));
}

bool census_large(const struct region *region, page_index first)
{
    return !is_kept(region_page_address(region, first));
}

uintptr_t census_site(uintptr_t block)
{
    struct guard_history history;

    return WEFT_CONFIG_HEAP_FULL && guard_history(block, &history) ? history.allocated_at : 0;
}

void census_span(const struct region *region, page_index first, uint32_t live[CENSUS_WORDS])
{
    unsigned class = (unsigned)region->kinds[first], fresh = region->page[first].span.fresh;
    const struct class_info *info = &heap.class[class];
    struct span_view view = {region_page_address(region, first),
                             (uintptr_t)info->objects * info->size, info->size, live};
    uintptr_t object = 0;

    memset(live, 0, CENSUS_WORDS * sizeof(*live));
    for (unsigned number = 0; number < fresh; number++)
        live[number / 32] |= 1u << (number % 32);
    for (unsigned left = fresh; left && (object = central_next_free(region, first, object)); left--)
        take_out(&view, object);
    take_out_cached(&view, class);
    if (WEFT_CONFIG_HEAP_FULL)
        take_out_kept(&view, fresh);
}

size_t census_run_pages(const struct region *region, page_index page)
{
    int kind = region->kinds[page];

    if (kind > 0)
        return heap.class[kind].pages;
    if (page_kind_free(kind) || kind == PAGE_LARGE || kind == PAGE_STACK || kind == PAGE_META ||
        kind == PAGE_GC)
        return region->page[page].run.pages;
    return 1;
}
