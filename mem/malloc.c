/* SPDX-License-Identifier: MIT */
/*
 * What the fast paths leave: other sizes, empty and full caches, other regions, handlers,
 * alignment, realloc, errors of the program, and the end of the memory.
 */
#include <string.h>

#include "mem/cache.h"
#include "mem/central.h"
#include "mem/heap.h"
#include "mem/large.h"
#include "mem/report.h"
#include "mem/tier.h"
#include "mem/watch.h"

#define OOM_RETRIES 8

/* A request: alignment GRANULE means that any class will do. */
struct request {
    size_t size;
    size_t alignment;
    unsigned class; /* 0: a page run */
    enum weft_memory memory;
};

/* In the full tier the guard tells, which knows what the program asked for and gave back. */
static void tell_allocated(void *block, size_t bytes)
{
    if (!WEFT_CONFIG_HEAP_FULL)
        watch_allocated(block, bytes - ACCOUNT_BYTES);
}

static void tell_freed(void *block)
{
    if (!WEFT_CONFIG_HEAP_FULL)
        watch_freed(block);
}

/* The smallest class whose objects all have the alignment: its size is a multiple of it. */
static unsigned aligned_class(size_t size, size_t alignment)
{
    unsigned class = heap_class_of(size < alignment ? alignment : size);

    if (alignment <= GRANULE || class == 0)
        return class;
    if (alignment > (size_t)1 << heap.page_shift)
        return 0;
    while (class <= heap.classes && heap.class[class].size & (alignment - 1))
        class ++;
    return class <= heap.classes ? class : 0;
}

/* An object of a larger class, from a span that has one free. */
static void *larger_get(const struct request *request)
{
    for (unsigned class = request->class + 1; class <= heap.classes; class ++) {
        uintptr_t *object;

        if (request->alignment > GRANULE && heap.class[class].size & (request->alignment - 1))
            continue;
        object = central_get_existing(request->memory, class);
        if (object) {
            object[0] = 0;
            return object;
        }
    }
    return NULL;
}

static void *run_get(const struct request *request)
{
    return large_alloc(request->memory, request->size, request->alignment);
}

/* An object of the request's class: there are caches for NORMAL memory only. */
static void *object_get(struct core *core, const struct request *request)
{
    uintptr_t object;

    if (request->memory == WEFT_MEMORY_NORMAL)
        return cache_get(core, request->class);
    if (!central_get(request->memory, request->class, &object, 1))
        return NULL;
    *(uintptr_t *)object = 0;
    return (void *)object;
}

/* Caches give back what they hold, in case whole spans come free; then any object will do. */
static void *alloc_scraping(struct core *core, const struct request *request)
{
    void *block;

    if (request->memory == WEFT_MEMORY_NORMAL)
        cache_flush(core);
    if (!request->class)
        return run_get(request);
    block = object_get(core, request);
    if (!block)
        block = run_get(request);
    return block ? block : larger_get(request);
}

static void *alloc_once(const struct request *request)
{
    struct core *core = prim_enter();
    void *block = NULL;

    if (core->allocation_forbidden)
        prim_panic_forbidden();
    if (core->interrupt_depth) {
        /* The cache is there for a handler that has not interrupted the heap. */
        if (core->preempt_off == 1 && request->class && request->memory == WEFT_MEMORY_NORMAL)
            block = cache_get_cached(core, request->class);
    } else if (heap.regions) {
        cache_drain(core);
        block = request->class ? object_get(core, request) : run_get(request);
        if (!block)
            block = alloc_scraping(core, request);
    }
    prim_leave(core);
    return block;
}

/* The scheduler, then the program, may have something to give away. Not from a handler. */
static bool ask_hook(const struct request *request)
{
    if (core_in_interrupt())
        return false;
    if (WEFT_CONFIG_HEAP_FULL && guard_quarantine_flush())
        return true;
    if (request->memory == WEFT_MEMORY_NORMAL && upcall_memory_pressure())
        return true;
    return heap.oom_hook && heap.oom_hook(request->size);
}

static void *alloc(const struct request *request)
{
    bool fails = heap_fails_now();

    for (unsigned tries = 0; tries <= OOM_RETRIES && !fails; tries++) {
        void *block = alloc_once(request);

        if (block) {
            tell_allocated(block, request->size);
            return block;
        }
        if (WEFT_CONFIG_CORES > 1 && heap.lent)
            arch_cpu_relax();
        else if (!ask_hook(request))
            break;
    }
    __atomic_fetch_add(&heap.stats.failures, 1, __ATOMIC_RELAXED);
    return NULL;
}

void *heap_malloc_general(size_t size)
{
    struct request request = {size, GRANULE, heap_class_of(size), WEFT_MEMORY_NORMAL};

    return alloc(&request);
}

void *heap_alloc(enum weft_memory memory, size_t alignment, size_t size)
{
    struct request request = {size, alignment, aligned_class(size, alignment), memory};
    void *block = NULL;

    ASSERT(alignment && (alignment & (alignment - 1)) == 0);
    if (WEFT_CONFIG_HEAP_DETERMINISTIC && alignment <= GRANULE)
        block = bounded_alloc(memory, size);
    return block ? block : alloc(&request);
}

enum weft_memory heap_memory_of(const void *block)
{
    return (enum weft_memory)heap_region_of((uintptr_t)block)->memory;
}

/* What the pointer is: FAULT_NONE with *kind a class or PAGE_LARGE, or what is wrong with it. */
static enum heap_fault block_kind(uintptr_t block, int *kind)
{
    const struct region *region = heap_region_of(block);
    uintptr_t offset;

    if (!region)
        return FAULT_FOREIGN;
    offset = block - region->base;
    *kind = region->kinds[offset >> heap.page_shift];
    if (*kind > 0)
        return central_locate(region, (unsigned)*kind, block);
    if (*kind == PAGE_LARGE)
        return offset & (((uintptr_t)1 << heap.page_shift) - 1) ? FAULT_MISALIGNED : FAULT_NONE;
    if (heap_large_around(region, (page_index)(offset >> heap.page_shift)))
        return FAULT_MISALIGNED;
    return page_kind_free(*kind) ? FAULT_FREE : FAULT_FOREIGN;
}

/* The mark alone proves nothing: a program may have such a word in its block. */
enum heap_fault heap_examine(uintptr_t block, int *kind)
{
    enum heap_fault fault = block_kind(block, kind);

    if (fault == FAULT_NONE && *(const uintptr_t *)block == heap.mark &&
        (cache_holds(*kind > 0 ? (unsigned)*kind : 0, block) ||
         (*kind > 0 && central_holds(block))))
        fault = FAULT_FREE;
    return fault;
}

void heap_free_general(void *pointer)
{
    uintptr_t block = (uintptr_t)pointer;
    struct core *core = prim_enter();
    enum heap_fault fault;
    int kind = 0;

    if (core->allocation_forbidden)
        prim_panic_forbidden();
    if (block) {
        fault = heap_examine(block, &kind);
        if (fault == FAULT_NONE)
            tell_freed(pointer);
        if (fault != FAULT_NONE)
            report_fault(fault, block);
        else if (core->interrupt_depth)
            cache_defer(core, block);
        else
            cache_free(core, kind, block);
        if (core->interrupt_depth == 0)
            cache_drain(core);
    }
    prim_leave(core);
}

size_t heap_bytes_of(uintptr_t block)
{
    uintptr_t offset = block - heap.window_base;
    const struct region *region;
    int kind = offset < heap.window_bytes ? heap.window_kinds[offset >> heap.page_shift] : 0;

    if (kind > 0)
        return heap.class[kind].size;
    region = heap_region_of(block);
    kind = region->kinds[(block - region->base) >> heap.page_shift];

    return kind > 0 ? heap.class[kind].size : large_usable(block);
}

size_t heap_usable_size(void *block)
{
    int kind = 0;
    enum heap_fault fault;

    if (!block)
        return 0;
    fault = heap_examine((uintptr_t)block, &kind);
    if (fault != FAULT_NONE) {
        report_fault(fault, (uintptr_t)block);
        return 0;
    }
    return kind > 0 ? heap.class[kind].size : large_usable((uintptr_t)block);
}

/* The large block, with room for `size` bytes: where it is, or moved down. NULL: neither. */
static void *resize_large(void *block, size_t usable, size_t size)
{
    struct core *core = prim_enter();
    void *result = NULL;

    if (core->allocation_forbidden)
        prim_panic_forbidden();
    if (core->interrupt_depth == 0) {
        if (large_resize((uintptr_t)block, size))
            result = block;
        else if (!heap.slow_only) /* a watcher sees a new block before the old one goes */
            result = large_slide((uintptr_t)block, usable, size);
    }
    prim_leave(core);
    return result;
}

/* The block with room for `size` bytes, without a copy of it, and without wasting half of it. */
static void *resize_in_place(void *block, size_t usable, size_t size)
{
    if (usable > heap.small_max)
        return size > heap.small_max ? resize_large(block, usable, size) : NULL;
    return size <= usable && (size > usable / 2 || usable <= 2 * GRANULE) ? block : NULL;
}

void *heap_realloc(void *block, size_t size)
{
    size_t usable = heap_usable_size(block);
    void *other;

    if (usable == 0)
        return NULL;
    other = resize_in_place(block, usable, size);
    if (other) {
        tell_freed(block);
        tell_allocated(other, size);
        return other;
    }
    other = heap_alloc(heap_memory_of(block), GRANULE, size);
    if (!other)
        return size <= usable ? block : NULL;
    memcpy(other, block, size < usable ? size : usable);
    heap_free_slow(block);
    return other;
}

void *weft_heap_alloc(size_t bytes, size_t alignment, enum weft_memory kind)
{
    if (alignment & (alignment - 1) || kind > WEFT_MEMORY_FAST)
        return NULL;
    if (alignment == 0)
        alignment = GRANULE;
    return TIER_DRESSED ? tier_alloc(kind, alignment, bytes, (uintptr_t)__builtin_return_address(0))
                        : heap_alloc(kind, alignment, bytes);
}

void weft_heap_set_oom_hook(bool (*hook)(size_t bytes))
{
    heap.oom_hook = hook;
    heap_seal();
}
