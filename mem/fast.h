/* SPDX-License-Identifier: MIT */
/*
 * The fast paths of malloc and free. Every instruction here is paid for by every allocation; docs/heap.md
 * counts them. Whatever is not the common case answers NULL or false, and the slow path starts over.
 */
#ifndef MEM_FAST_H
#define MEM_FAST_H

#include "mem/heap.h"

/* A small object from the running core's cache, or NULL: look further. */
static inline __attribute__((always_inline)) void *fast_malloc(size_t size)
{
    struct core *core;
    struct cache_bin *bin;
    uintptr_t *top, *object;
    unsigned class;

    if (__builtin_expect(size > TABLE_MAX, 0))
        return NULL;
    class = heap.class_of[(size + 7) / 8];
    if (!prim_cache_enter(&core))
        return NULL;
    bin = &heap.cache[WEFT_CONFIG_CORES == 1 ? 0 : core->id].bin[class];
    top = bin->top;
    object = (uintptr_t *)top[-1];
    if (__builtin_expect(object != NULL, 1)) {
        bin->top = top - 1;
        object[0] = 0; /* takes the mark off: it is not free any more */
    }
    prim_cache_leave(core);
    return object;
}

/*
 * Puts a small object into the running core's cache. False: not the common case. Checked here: that
 * the pointer is in the heap, in a span, at a multiple of the object size from the span's start
 * (r * ceil(2^32 / size) wraps below that reciprocal exactly for the multiples), and that the mark of free
 * objects is not on it.
 */
static inline __attribute__((always_inline)) bool fast_free(void *block)
{
    uintptr_t offset = (uintptr_t)block - heap.window_base;
    struct core *core;
    struct cache_bin *bin;
    uintptr_t *top;
    bool done;
    int kind;

    if (__builtin_expect(offset >= heap.window_bytes, 0))
        return false;
    kind = heap.window_kinds[offset >> heap.page_shift];
    if (__builtin_expect(kind <= 0, 0))
        return false;
    if (!prim_cache_enter(&core))
        return false;
    bin = &heap.cache[WEFT_CONFIG_CORES == 1 ? 0 : core->id].bin[kind];
    top = bin->top;
    done = ((uint32_t)offset & bin->mask) * bin->reciprocal < bin->reciprocal &&
           *(uintptr_t *)block != heap.mark && top != bin->limit;
    if (__builtin_expect(done, 1)) {
        *top = (uintptr_t)block;
        bin->top = top + 1;
        *(uintptr_t *)block = heap.mark;
    }
    prim_cache_leave(core);
    return done;
}

#endif
