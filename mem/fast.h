/* SPDX-License-Identifier: MIT */
/*
 * The fast paths of malloc and free. Every instruction here is paid for by every allocation;
 * docs/heap.md counts them. Whatever is not the common case answers NULL or false, and the slow
 * path starts over.
 */
#ifndef MEM_FAST_H
#define MEM_FAST_H

#include "mem/heap.h"

/* The cache is `self`'s, or with one core the only one. */
static inline __attribute__((always_inline)) struct cache_bin *fast_bin(const struct core *self,
                                                                        unsigned class)
{
    struct cache_bin *bin = &heap.cache[WEFT_CONFIG_CORES == 1 ? 0 : self->id].bin[class];

    __asm__("" : "+r"(bin)); /* one address, not one per field */
    return bin;
}

/* An object of the class from the running core's cache, or NULL: look further. */
static inline __attribute__((always_inline)) void *fast_pop(unsigned class)
{
    struct core *core;
    struct cache_bin *bin;
    uintptr_t *object;

    if (PRIM_LOCAL_ATOMIC) {
        core = core_self();
        if (__builtin_expect(core->allocation_forbidden, 0))
            return NULL;
        object = (uintptr_t *)prim_local_pop(&heap.cache[0].bin[class].top);
        if (__builtin_expect(!object, 0))
            return NULL;
        object[0] = 0; /* takes the mark off: it is not free any more */
        return object;
    }
    if (!prim_cache_enter(&core))
        return NULL;
    bin = fast_bin(core, class);
    object = (uintptr_t *)bin->top[-1];
    if (__builtin_expect(!object, 0)) {
        (void)prim_cache_leave(core);
        return NULL;
    }
    bin->top--;
    object[0] = 0;
    return prim_cache_leave(core) ? prim_switch_pending(core, object) : object;
}

static inline __attribute__((always_inline)) void *fast_malloc(size_t size)
{
    if (__builtin_expect(size > TABLE_MAX, 0))
        return NULL;
    return fast_pop(heap.class_of[(size + 7) / 8]);
}

/* For sizes above TABLE_MAX, where small objects are that large. */
static inline void *fast_malloc_medium(size_t size)
{
    if (size <= TABLE_MAX || size > heap.small_max || heap.slow_only)
        return NULL;
    return fast_pop(heap.medium_class_of[(size - 1) / MEDIUM_STEP]);
}

/* r * ceil(2^32 / size) wraps below that reciprocal exactly for the multiples r of size. */
static inline bool fast_is_object(const struct cache_bin *bin, uint32_t offset)
{
    return (offset & bin->mask) * bin->reciprocal < bin->reciprocal;
}

/*
 * Puts a small object into the running core's cache. False: not the common case. Checked here: that
 * the pointer is in the heap, in a span, at a multiple of the object size from the span's start,
 * and that the mark of free objects is not on it.
 */
static inline __attribute__((always_inline)) bool fast_free(void *block)
{
    uintptr_t offset = (uintptr_t)block - heap.window_base, *object = block, mark = heap.mark;
    struct core *core;
    struct cache_bin *bin;
    uintptr_t *top;
    uint32_t good;
    int kind;

    if (__builtin_expect(offset >= heap.window_bytes, 0))
        return false;
    kind = heap.window_kinds[offset >> heap.page_shift];
    if (__builtin_expect(kind <= 0, 0))
        return false;
    if (PRIM_LOCAL_ATOMIC) {
        /* One branch for the three, as conditional moves. */
        core = core_self();
        bin = fast_bin(core, (unsigned)kind);
        good = fast_is_object(bin, (uint32_t)offset);
        good = prim_clear_if(good, core->preempt_off | core->allocation_forbidden);
        good = prim_clear_unless(good, (uint32_t)(*object ^ mark));
        if (__builtin_expect(!good, 0))
            return false;
        core->preempt_off = 1;
        *object = mark; /* before a handler can have it */
        if (__builtin_expect(!prim_local_push(&bin->top, bin->limit, (uintptr_t)block), 0)) {
            *object = 0;
            (void)prim_cache_leave(core);
            return false;
        }
        if (prim_cache_leave(core))
            prim_switch_pending(core, core);
        return true;
    }
    if (!prim_cache_enter(&core))
        return false;
    bin = fast_bin(core, (unsigned)kind);
    top = bin->top;
    if (__builtin_expect(
            !fast_is_object(bin, (uint32_t)offset) || *object == mark || top == bin->limit, 0)) {
        (void)prim_cache_leave(core);
        return false;
    }
    *top = (uintptr_t)block;
    bin->top = top + 1;
    *object = mark;
    if (prim_cache_leave(core))
        prim_switch_pending(core, core);
    return true;
}

#endif
