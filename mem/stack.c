/* SPDX-License-Identifier: MIT */
#include "mem/stack.h"

#include "mem/cache.h"
#include "mem/page.h"

_Static_assert(ARCH_STACK_ALIGN <= 512, "pages of 512 bytes are aligned to no more");

static void *stack_take(struct core *core, const struct page_wish *wish)
{
    page_index first;
    struct region *region =
        page_take(WEFT_MEMORY_NORMAL, wish, PAGE_OWNER_STACK, PAGE_STACK, PAGE_STACK_BODY, &first);

    if (!region) {
        cache_flush(core);
        region = page_take(WEFT_MEMORY_NORMAL, wish, PAGE_OWNER_STACK, PAGE_STACK, PAGE_STACK_BODY,
                           &first);
    }
    return region ? (void *)region_page_address(region, first) : NULL;
}

void *stack_alloc(size_t bytes, size_t *usable_bytes)
{
    size_t pages = (bytes >> heap.page_shift) + 1;
    struct page_wish wish = {.align = 1, .high = true};
    struct core *core;
    void *stack;

    if (bytes && (bytes & (((size_t)1 << heap.page_shift) - 1)) == 0)
        pages--;
    if (pages >= PAGE_INDEX_MAX)
        return NULL;
    wish.pages = (page_index)pages;
    core = prim_enter();
    if (core->allocation_forbidden)
        prim_panic_forbidden();
    ASSERT(core->interrupt_depth == 0);
    stack = heap_fails_now() ? NULL : stack_take(core, &wish);
    prim_leave(core);
    *usable_bytes = pages << heap.page_shift;
    return stack;
}

void stack_free(void *stack, size_t usable_bytes)
{
    struct region *region = heap_region_of((uintptr_t)stack);
    page_index first;
    struct core *core = prim_enter();

    if (core->allocation_forbidden)
        prim_panic_forbidden();
    ASSERT(region != NULL);
    first = (page_index)(((uintptr_t)stack - region->base) >> heap.page_shift);
    ASSERT(region->kinds[first] == PAGE_STACK &&
           (size_t)region->page[first].run.pages << heap.page_shift == usable_bytes);
    page_give(region, first, region->page[first].run.pages, PAGE_OWNER_STACK);
    prim_leave(core);
}
