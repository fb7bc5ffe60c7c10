/* SPDX-License-Identifier: MIT */
/*
 * The fast paths of malloc and free. Every instruction here is paid for by every allocation;
 * docs/heap.md counts them. Whatever is not the common case answers NULL or false, and the slow
 * path starts over.
 */
#ifndef MEM_FAST_H
#define MEM_FAST_H

#include "mem/heap.h"

/* The heap, or while the profiler's tick runs one that is empty and whose window is (mem/gate.h).
 */
static inline __attribute__((always_inline)) struct heap *fast_heap(void)
{
    return PRIM_RESTARTABLE ? heap_gate : &heap;
}

/* The cache is `self`'s, or with one core the only one. */
static inline __attribute__((always_inline)) struct cache_bin *fast_bin(const struct core *self,
                                                                        unsigned class)
{
    struct cache_bin *bin = &heap.cache[WEFT_CONFIG_CORES == 1 ? 0 : self->id].bin[class];

    __asm__("" : "+r"(bin)); /* one address, not one per field */
    return bin;
}

/* The cache of the only core; one address, that of the class's part plus a constant. */
static inline __attribute__((always_inline)) struct cache_bin *fast_only_bin(struct heap *of,
                                                                             unsigned class)
{
    of = (struct heap *)((uintptr_t)of + class * sizeof(struct cache_bin));
    __asm__("" : "+r"(of));
    return &of->cache[0].bin[0];
}

/* An object of the class from the running core's cache, or NULL: look further. */
static inline __attribute__((always_inline)) void *fast_pop(unsigned class)
{
    struct core *core;
    struct cache_bin *bin;
    uintptr_t *object;

    if (!WEFT_CONFIG_HEAP)
        return NULL; /* nobody has set the caches up */
    if (PRIM_RESTARTABLE) {
        object = (uintptr_t *)arch_stack_pop(&fast_only_bin(fast_heap(), class)->top);
        if (object)
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

/* With one core, interrupts off. */
static inline __attribute__((always_inline)) void *fast_pop_irqoff(unsigned class)
{
    const struct core *core = core_self();
    struct cache_bin *bin = fast_only_bin(fast_heap(), class);
    uintptr_t *object;

    if (!WEFT_CONFIG_HEAP)
        return NULL;
    /* Elsewhere the cache is shut to handlers that have interrupted the heap. */
    if (!PRIM_RESTARTABLE && __builtin_expect(core->preempt_off | core->allocation_forbidden, 0))
        return NULL;
    object = (uintptr_t *)bin->top[-1];
    if (object) {
        bin->top--;
        object[0] = 0;
    }
    return object;
}

static inline __attribute__((always_inline)) void *fast_malloc(size_t size)
{
    if (__builtin_expect(size > TABLE_MAX, 0))
        return NULL;
    return fast_pop(fast_heap()->class_of[(size + 7) / 8]);
}

/* For sizes above TABLE_MAX, where small objects are that large. */
static inline void *fast_malloc_medium(size_t size)
{
    if (size <= TABLE_MAX || size > heap.small_max || heap.slow_only || fast_heap() != &heap)
        return NULL;
    return fast_pop(heap.medium_class_of[(size - 1) / MEDIUM_STEP]);
}

/* r * ceil(2^32 / size) wraps below that reciprocal exactly for the multiples r of size. */
static inline bool fast_is_object(const struct cache_bin *bin, uint32_t offset)
{
    return (offset & bin->mask) * bin->reciprocal < bin->reciprocal;
}

/* The class of an object of the window that was handed out some time, and is not free: exactly what
 * heap_examine finds out; but 0 or less says nothing. */
static inline int fast_live_class(const void *block)
{
    const struct heap *of = fast_heap();
    uintptr_t offset = (uintptr_t)block - of->window_base;
    int kind = offset < of->window_bytes ? of->window_kinds[offset >> of->page_shift] : 0;

    if (kind > 0 && (!fast_is_object(&of->cache[0].bin[kind], (uint32_t)offset) ||
                     *(const uintptr_t *)block == of->mark))
        return 0;
    return kind;
}

static inline bool fast_is_live(const void *block)
{
    return fast_live_class(block) > 0;
}

/* A small object of the window, which is the program's no more, into the running core's cache.
 * False: it has no room, or may not be used now. */
static inline __attribute__((always_inline)) bool fast_push(unsigned class, uintptr_t *object)
{
    struct core *core;
    struct cache_bin *bin;

    if (PRIM_RESTARTABLE) {
        bin = fast_only_bin(fast_heap(), class);
        *object = fast_heap()->mark; /* before a handler can have it */
        if (__builtin_expect(arch_stack_push(&bin->top, &bin->limit, (uintptr_t)object), 1))
            return true;
        *object = 0;
        return false;
    }
    if (!prim_cache_enter(&core))
        return false;
    bin = fast_bin(core, class);
    if (bin->top == bin->limit) {
        (void)prim_cache_leave(core);
        return false;
    }
    *bin->top++ = (uintptr_t)object;
    *object = heap.mark;
    if (prim_cache_leave(core))
        prim_switch_pending(core, core);
    return true;
}

/*
 * Puts a small object into the running core's cache. False: not the common case. Checked here: that
 * the pointer is in the heap, in a span, at a multiple of the object size from the span's start,
 * and that the mark of free objects is not on it.
 */
static inline __attribute__((always_inline)) bool fast_free(void *block)
{
    struct heap *of = fast_heap();
    uintptr_t offset = (uintptr_t)block - of->window_base, *object = block, mark = of->mark;
    struct core *core;
    struct cache_bin *bin;
    uintptr_t *top;
    int kind;

    if (__builtin_expect(offset >= of->window_bytes, 0))
        return false;
    kind = of->window_kinds[offset >> of->page_shift];
    if (__builtin_expect(kind <= 0, 0)) {
        if (!WEFT_CONFIG_HEAP_DETERMINISTIC || !PRIM_RESTARTABLE || kind != PAGE_LARGE)
            return false;
        bounded_free_large(block);
        return true;
    }
    if (PRIM_RESTARTABLE) {
        bin = fast_only_bin(of, (unsigned)kind);
        /* One branch for the two, as a conditional move. */
        if (__builtin_expect(
                !arch_clear_unless(fast_is_object(bin, (uint32_t)offset), *object ^ mark), 0))
            return false;
        *object = mark; /* before a handler can have it */
        if (__builtin_expect(arch_stack_push(&bin->top, &bin->limit, (uintptr_t)block), 1))
            return true;
        *object = 0;
        if (!WEFT_CONFIG_HEAP_DETERMINISTIC)
            return false;
        bounded_free_cached(block, (unsigned)kind);
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
