/* SPDX-License-Identifier: MIT */
/*
 * Size classes, made at boot for the size of the heap.
 *
 * A class is an object size and a span of 1, 2, 4 or 8 pages that it fills well. The next size
 * wanted is the last one plus an eighth (a quarter in a small heap, where every class costs half a
 * span on average); the span is the smallest that leaves no more than an eighth (a fifth) of itself
 * over, and what is left over is then given to the objects: 3 objects in 512 bytes are 168 bytes
 * each, not 160. The figures come from filling arenas of 256 KiB to 16 MiB with random sizes until
 * malloc failed (tests/unit/mem_share.c).
 */
#include <string.h>

#include "mem/heap.h"

/* In the deterministic mode a span is a page, which needs no alignment (bounded.c). */
#define SPAN_PAGES_MAX (WEFT_CONFIG_HEAP_DETERMINISTIC ? 1 : 8)

/* Bytes that one core's cache may hold of one class. */
static size_t cache_bytes(size_t heap_bytes)
{
    size_t bytes = heap_bytes / 2048;

    return bytes < 65536 ? bytes : 65536;
}

/* Larger heaps refill a cache from fewer, larger spans. */
static unsigned span_pages_min(size_t heap_bytes)
{
    unsigned pages = 1;

    while (pages < SPAN_PAGES_MAX && (size_t)pages << heap.page_shift < 4096 &&
           (size_t)pages << heap.page_shift < heap_bytes / 4096)
        pages *= 2;
    return pages;
}

/* The class for objects of at least `want` bytes; of the span, no more than 1/left_over is
 * wasted. */
static bool class_fit(struct class_info *class, size_t want, unsigned pages, size_t left_over)
{
    for (; pages <= SPAN_PAGES_MAX; pages *= 2) {
        size_t bytes = (size_t)pages << heap.page_shift, objects = bytes / want;

        if (objects == 0 || (bytes - objects * want) * left_over > bytes)
            continue;
        if (objects > SPAN_OBJECTS_MAX)
            objects = SPAN_OBJECTS_MAX;
        class->pages = (uint8_t)pages;
        class->objects = (uint16_t)objects;
        class->size = (uint16_t)(bytes / objects & ~(GRANULE - 1));
        return true;
    }
    return false;
}

static void class_depth(struct class_info *class, size_t budget)
{
    size_t depth = budget / class->size, batch;

    depth = depth > 32 ? 32 : depth;
    depth = depth < 2 ? 2 : depth;
    /* Each object of a span of few may be its last, and cost as much as a page run. */
    batch = class->objects / 2 < depth / 2 ? class->objects / 2u : depth / 2;
    batch = batch > CACHE_BATCH_MAX ? CACHE_BATCH_MAX : batch;
    if (WEFT_CONFIG_HEAP_DETERMINISTIC || batch == 0)
        batch = 1;
    class->depth = (uint8_t)depth;
    class->batch = (uint8_t)batch;
}

static void class_tables(void)
{
    unsigned class = 1;

    for (size_t i = 0; i <= TABLE_MAX / 8; i++) {
        while (class <= heap.classes && heap.class[class].size < i * 8)
            class ++;
        heap.table[i] = heap.class_of[i] = class <= heap.classes ? (uint8_t) class : 0;
    }
    for (size_t i = 0; i < MEDIUM_MAX / MEDIUM_STEP; i++) {
        while (class <= heap.classes && heap.class[class].size < (i + 1) * MEDIUM_STEP)
            class ++;
        heap.medium_class_of[i] = class <= heap.classes ? (uint8_t) class : 0;
    }
}

void class_init(size_t bytes)
{
    size_t size = 0, span = (size_t)SPAN_PAGES_MAX << heap.page_shift;
    size_t largest = WEFT_CONFIG_HEAP_DETERMINISTIC ? span / 2 : span / 4;
    bool small = bytes < (size_t)2 << 20;
    unsigned count = 0, finer = small ? 2 : 3, pages = span_pages_min(bytes);

    if (largest > MEDIUM_MAX)
        largest = MEDIUM_MAX;
    while (size < largest && count + 1 < CLASS_MAX) {
        size_t step = size >> finer & ~(GRANULE - 1);
        size_t want = size + (step < GRANULE ? GRANULE : step);

        if (want > largest)
            want = largest;
        if (!class_fit(&heap.class[count + 1], want, pages, small ? 5 : 8)) {
            size = want;
            continue;
        }
        count++;
        class_depth(&heap.class[count], cache_bytes(bytes));
        size = heap.class[count].size;
    }
    heap.classes = count;
    heap.small_max = heap.class[count].size;
    class_tables();
}

size_t class_slots(void)
{
    size_t slots = 0;

    for (unsigned class = 1; class <= heap.classes; class ++)
        slots += heap.class[class].depth + 2u; /* the 0 below, the scratch word above */
    return slots;
}
