/* SPDX-License-Identifier: MIT */
/*
 * What is done to a span: taking an object out, putting one in. Inlined into central.c, which
 * explains it, and into the deterministic mode (bounded.c). Everything here that changes something:
 * the class's lock is held.
 */
#ifndef MEM_SPAN_H
#define MEM_SPAN_H

#include "mem/heap.h"
#include "mem/report.h"

/* Hides and shows the link that stands in `object`. */
static inline uintptr_t span_link_code(uintptr_t object, uintptr_t value)
{
    return value ^ heap.secret ^ object;
}

static inline void span_partial_insert(struct region *region, unsigned class, uintptr_t first)
{
    struct page *span = &region->page[first];

    page_index next = region->partial[class];

    span->previous = 0;
    span->next = next;
    if (next)
        region->page[next].previous = (page_index)first;
    region->partial[class] = (page_index)first;
}

static inline void span_partial_remove(struct region *region, unsigned class, uintptr_t first)
{
    struct page *page = region->page;
    page_index next = page[first].next, previous = page[first].previous;

    if (next)
        page[next].previous = previous;
    if (previous)
        page[previous].next = next;
    else
        region->partial[class] = next;
}

/* Takes a free object out of a span that has one. 0: its free list is broken. */
static inline uintptr_t span_pop(struct region *region, unsigned class, uintptr_t first)
{
    const struct class_info *info = &heap.class[class];
    struct page *span = &region->page[first];
    uintptr_t *object, base = region_page_address(region, (page_index)first);

    if (span->span.head) {
        uintptr_t next;

        object = (uintptr_t *)(base + (span->span.head - 1u) * info->size);
        next = span_link_code((uintptr_t)object, object[1]);
        if (next > span->span.fresh || object[0] != heap.mark)
            return 0;
        span->span.head = (unsigned)next & 0x7ff;
    } else {
        object = (uintptr_t *)(base + (size_t)span->span.fresh * info->size);
        object[0] = heap.mark;
        span->span.fresh++;
    }
    span->span.used++;
    if (span->span.used == info->objects)
        span_partial_remove(region, class, first);
    return (uintptr_t)object;
}

/* The record of a new span; it is in no list yet. */
static inline void span_begin(struct region *region, unsigned class, uintptr_t first)
{
    const struct class_info *info = &heap.class[class];
    struct page *span = &region->page[first];
    size_t used_bytes = (size_t)info->objects * info->size;

    span->span.used = 0;
    span->span.fresh = 0;
    span->span.head = 0;
    /* A pointer to the unused end would pass the test of free's fast path, but for the mark. */
    if (used_bytes < (size_t)info->pages << heap.page_shift)
        *(uintptr_t *)(region_page_address(region, (page_index)first) + used_bytes) = heap.mark;
}

/* The object's number in its span, or why it is none. */
static inline enum heap_fault span_index(const struct region *region, unsigned class,
                                         uintptr_t first, uintptr_t object, unsigned *index)
{
    const struct class_info *info = &heap.class[class];
    uintptr_t offset = object - region_page_address(region, (page_index)first);

    *index = (unsigned)(offset / info->size);
    if (offset % info->size != 0 || *index >= info->objects)
        return FAULT_MISALIGNED;
    return *index < region->page[first].span.fresh ? FAULT_NONE : FAULT_NEVER_USED;
}

/* Puts object number `index` into its span, unless it is free already. *empty: it was the last one;
 * then the span is in no list and its pages are the caller's to give back. */
static inline enum heap_fault span_put(struct region *region, unsigned class, uintptr_t first,
                                       uintptr_t object, unsigned index, bool *empty)
{
    struct page *span = &region->page[first];
    unsigned used = span->span.used, head = span->span.head, objects = heap.class[class].objects;
    uintptr_t *word = (uintptr_t *)object;

    *empty = used == 1;
    if (used == 0 || index + 1 == head)
        return FAULT_FREE;
    if (*empty) {
        if (objects != 1)
            span_partial_remove(region, class, first);
        return FAULT_NONE;
    }
    word[0] = heap.mark;
    word[1] = span_link_code(object, head);
    span->span.head = (index + 1) & 0x7ff;
    span->span.used = (used - 1) & 0x3ff;
    if (used == objects)
        span_partial_insert(region, class, first);
    return FAULT_NONE;
}

#endif
