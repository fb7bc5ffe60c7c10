/* SPDX-License-Identifier: MIT */
#include "mem/large.h"

#include <string.h>

#include "mem/page.h"

/* Objects of so many pages come from the upper ends of free runs, so that what is free between
 * small ones and these stays in one piece. Of 8 to 64 pages, 24 to 48 fill recorded traces' arenas
 * best. */
#define HIGH_PAGES 32

page_index large_pages(size_t size)
{
    size_t pages = size >> heap.page_shift;

    if (size & (((size_t)1 << heap.page_shift) - 1))
        pages++;
    if (pages == 0)
        pages = 1;
    return pages < PAGE_INDEX_MAX ? (page_index)pages : 0;
}

void *large_alloc(enum weft_memory memory, size_t size, size_t alignment)
{
    size_t align = alignment >> heap.page_shift;
    struct page_wish wish = {.pages = large_pages(size), .absolute = true};
    struct region *region;
    page_index first;
    uintptr_t *block;

    if (wish.pages == 0 || align > PAGE_INDEX_MAX)
        return NULL;
    wish.align = align > 1 ? (page_index)align : 1;
    wish.high = wish.pages >= HIGH_PAGES;
    region = page_take(memory, &wish, PAGE_OWNER_HEAP, PAGE_LARGE, PAGE_LARGE_BODY, &first);
    if (!region)
        return NULL;
    block = (uintptr_t *)region_page_address(region, first);
    *block = 0; /* a small object's mark there would make free look for it in all caches */
    return block;
}

static struct page *large_record(uintptr_t block, struct region **region, page_index *first)
{
    *region = heap_region_of(block);
    *first = (page_index)((block - (*region)->base) >> heap.page_shift);
    return &(*region)->page[*first];
}

void large_free(uintptr_t block)
{
    struct region *region;
    page_index first;
    const struct page *record = large_record(block, &region, &first);

    page_give(region, first, record->run.pages, PAGE_OWNER_HEAP);
}

size_t large_usable(uintptr_t block)
{
    struct region *region;
    page_index first;
    const struct page *record = large_record(block, &region, &first);

    return (size_t)record->run.pages << heap.page_shift;
}

bool large_resize(uintptr_t block, size_t size)
{
    struct region *region;
    page_index first, wanted = large_pages(size), pages;
    const struct page *record = large_record(block, &region, &first);

    pages = record->run.pages;
    if (wanted == 0)
        return false;
    if (wanted > pages)
        return page_extend(region, first, pages, wanted, PAGE_OWNER_HEAP, PAGE_LARGE_BODY);
    if (wanted < pages)
        page_shrink(region, first, pages, wanted, PAGE_LARGE_BODY);
    return true;
}

void *large_slide(uintptr_t block, size_t bytes, size_t size)
{
    struct region *region;
    page_index first, wanted = large_pages(size), start, has;
    const struct page *record = large_record(block, &region, &first);

    if (wanted == 0)
        return NULL;
    has = page_spread(region, first, record->run.pages, wanted, PAGE_OWNER_HEAP, PAGE_LARGE_BODY,
                      &start);
    if (has == 0)
        return NULL;
    memmove((void *)region_page_address(region, start), (void *)block, bytes);
    if (has > wanted)
        page_shrink(region, start, has, wanted, PAGE_LARGE_BODY);
    return (void *)region_page_address(region, start);
}
