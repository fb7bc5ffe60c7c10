/* SPDX-License-Identifier: MIT */
/* weft_gc_alloc: from the core's span of that kind, else from one with room, else from one that is
 * swept for it, else from a new one. gc.h has the essay. */
#include <string.h>

#include "mem/gc.h"
#include "mem/watch.h"

/* Spans swept in one go while preemption is off. */
#define SWEPT_AT_ONCE 4

#define EXHAUSTED_RETRIES 8

struct gc gc = {.goal_bytes = SIZE_MAX};

/* Counts what the core may hand out of a span as allocated already. */
static void span_adopt(struct core *core, struct gc_span *span)
{
    arch_irq_state state = spinlock_lock(&gc_lock);

    SHARED_STORE(gc.allocated_bytes,
                 gc.allocated_bytes + (span->blocks - span->used) * span->block_bytes);
    spinlock_unlock(&gc_lock, state);
    gc.current[core->id][span->kind] = span;
}

static struct gc_span *room_pop(unsigned kind)
{
    struct gc_span *span;
    arch_irq_state state = spinlock_lock(&gc_lock);

    span = gc.room[kind];
    if (span)
        gc.room[kind] = span->next;
    spinlock_unlock(&gc_lock, state);
    return span;
}

/* Gives the core a span with room. False with *again: nothing yet, let others run and go on. */
static bool span_find(struct core *core, unsigned kind, bool *again)
{
    struct gc_span *span = room_pop(kind);

    *again = true;
    for (unsigned i = 0; i < SWEPT_AT_ONCE && !span && *again; i++)
        span = gc_sweep_one(kind, again);
    if (span)
        span_adopt(core, span);
    return span != NULL;
}

static bool span_make(struct core *core, unsigned kind, size_t block_bytes)
{
    struct gc_span *span = gc_span_new(kind, block_bytes);

    if (span && kind / 2 != 0)
        gc.current[core->id][kind] = span;
    return span != NULL;
}

/* A block of a size class; NULL with *again as above. */
static void *small_once(struct core *core, unsigned kind, bool *again)
{
    struct gc_span *span = gc.current[core->id][kind];
    void *block = span ? gc_span_take(span) : NULL;

    *again = false;
    if (block)
        return block;
    gc.current[core->id][kind] = NULL;
    if (span_find(core, kind, again) ||
        (!*again && span_make(core, kind, heap.class[kind / 2].size)))
        return gc_span_take(gc.current[core->id][kind]);
    return NULL;
}

static size_t granules(size_t bytes)
{
    return (bytes + GRANULE - 1) & ~(GRANULE - 1);
}

/* A span of its own, after what is left of others of that sort was given back. */
static void *large_once(unsigned kind, size_t bytes, bool *again)
{
    struct gc_span *span;

    *again = true;
    for (unsigned i = 0; i < SWEPT_AT_ONCE && *again; i++)
        (void)gc_sweep_one(kind, again);
    if (*again)
        return NULL;
    span = gc_span_new(kind, granules(bytes));
    return span ? gc_span_take(span) : NULL;
}

static void *alloc_once(size_t bytes, unsigned kind)
{
    void *block;
    bool again;

    do {
        struct core *core = prim_enter();

        if (core->allocation_forbidden)
            prim_panic_forbidden();
        block = kind / 2 == 0 ? large_once(kind, bytes, &again) : small_once(core, kind, &again);
        prim_leave(core);
    } while (!block && again);
    return block;
}

/* Memory that the last cycle has found free may still lie in spans of other kinds. */
static void *alloc_scraping(size_t bytes, unsigned kind)
{
    while (weft_gc_sweep_step())
        ;
    return alloc_once(bytes, kind);
}

/* Other threads may be faster to take what a cycle has found. */
static void *alloc_collecting(size_t bytes, unsigned kind)
{
    void *block = NULL;

    if (gc.growth_percent <= 0 || !upcall_world_may_stop())
        return NULL;
    for (unsigned tries = 0; tries < EXHAUSTED_RETRIES && !block; tries++) {
        size_t found = gc_collect(GC_EXHAUSTED);

        block = alloc_scraping(bytes, kind);
        if (found < bytes)
            break;
    }
    return block;
}

/* From the core's span, if that is all there is to do. */
static inline void *alloc_fast(unsigned kind)
{
    struct core *core = prim_enter();
    struct gc_span *span = gc.current[WEFT_CONFIG_CORES == 1 ? 0 : core->id][kind];
    void *block = NULL;

    if (__builtin_expect(span && SHARED_LOAD(gc.allocated_bytes) < SHARED_LOAD(gc.goal_bytes) &&
                             core->interrupt_depth == 0,
                         1))
        block = gc_span_take(span);
    prim_leave(core);
    return block;
}

static __attribute__((noinline)) void *alloc_slow(size_t bytes, unsigned kind)
{
    void *block;

    if (core_in_interrupt())
        weft_panic("weft_gc_alloc was called in an interrupt handler: allocate in a thread");
    if (bytes > SIZE_MAX / 2 || (!SHARED_LOAD(gc.marker[0].stack) && !gc_marker_make()))
        return NULL;
    if (SHARED_LOAD(gc.allocated_bytes) >= SHARED_LOAD(gc.goal_bytes) && upcall_world_may_stop())
        (void)gc_collect(GC_GOAL);
    block = alloc_once(bytes, kind);
    if (!block)
        block = alloc_scraping(bytes, kind);
    if (!block)
        block = alloc_collecting(bytes, kind);
    if (block)
        watch_allocated(block, bytes);
    return block;
}

/* Blocks are whole granules of two words. */
static inline void *cleared(uintptr_t *block, size_t bytes)
{
    if (bytes > 256)
        return memset(block, 0, bytes);
    for (uintptr_t *at = block, *end = block + bytes / sizeof(*at); at != end; at += 2)
        at[0] = at[1] = 0;
    return block;
}

void *weft_gc_alloc(size_t bytes, unsigned flags)
{
    unsigned class = bytes <= TABLE_MAX ? heap.class_of[(bytes + 7) / 8]
                     : heap.slow_only   ? 0
                                        : heap_class_of(bytes);
    unsigned pointer_free = (flags & WEFT_GC_POINTER_FREE) != 0;
    void *block = alloc_fast(class * 2 + pointer_free); /* 0: no core has such a span */

    if (__builtin_expect(!block, 0)) {
        class = heap_class_of(bytes); /* class_of is all 0 while somebody watches */
        block = alloc_slow(bytes, class * 2 + pointer_free);
    }
    if (!block || flags & WEFT_GC_POINTER_FREE)
        return block;
    return cleared(block, class == 0 ? granules(bytes) : heap.class[class].size);
}

void *weft_gc_block_of(const void *address)
{
    struct core *core = prim_enter();
    const struct gc_span *span = gc_span_of((uintptr_t)address);
    int32_t block = span ? gc_block_at(span, (uintptr_t)address) : -1;
    void *start = block >= 0 ? (void *)(span->first + (uint32_t)block * span->block_bytes) : NULL;

    prim_leave(core);
    return start;
}

/* ---- roots ---- */

struct weft_gc_root gc_roots;

/* In a debug build all are looked at; else the one that was added last. */
static bool is_listed_locked(const struct weft_gc_root *root)
{
    const struct weft_gc_root *at = gc_roots.next;

    while (WEFT_CONFIG_DEBUG && at != NULL && at != root)
        at = at->next;
    return at == root;
}

void weft_gc_root_add(struct weft_gc_root *root, const void *start, size_t bytes)
{
    arch_irq_state state;

    if ((uintptr_t)start + bytes < (uintptr_t)start)
        weft_panic("weft_gc_root_add: %zu bytes from %p wrap round the address space", bytes,
                   start);
    state = spinlock_lock(&gc_lock);
    if (is_listed_locked(root))
        weft_panic("weft_gc_root_add(%p): this root was added already: remove it first",
                   (void *)root);
    root->lo = (uintptr_t)start;
    root->hi = (uintptr_t)start + bytes;
    root->next = gc_roots.next;
    root->previous = &gc_roots.next;
    if (root->next)
        root->next->previous = &root->next;
    gc_roots.next = root;
    spinlock_unlock(&gc_lock, state);
}

void weft_gc_root_remove(struct weft_gc_root *root)
{
    arch_irq_state state = spinlock_lock(&gc_lock);
    bool listed = root->previous != NULL && *root->previous == root;

    if (listed) {
        *root->previous = root->next;
        if (root->next)
            root->next->previous = root->previous;
        root->previous = NULL;
    }
    spinlock_unlock(&gc_lock, state);
    if (!listed)
        weft_panic("weft_gc_root_remove(%p): this root was not added", (void *)root);
}

/* An ordinary block that starts with its root's record. */
struct rooted {
    struct weft_gc_root root;
    uintptr_t block[] __attribute__((aligned(GRANULE)));
};

void *weft_gc_root_alloc(size_t bytes)
{
    struct rooted *rooted;

    if (bytes > SIZE_MAX / 2)
        return NULL;
    rooted = gc_own_alloc(sizeof(*rooted) + bytes);
    if (!rooted)
        return NULL;
    memset(rooted, 0, sizeof(*rooted) + bytes);
    weft_gc_root_add(&rooted->root, rooted->block, bytes);
    return rooted->block;
}

void weft_gc_root_free(void *block)
{
    struct rooted *rooted = (struct rooted *)((uintptr_t)block - sizeof(struct rooted));

    if (!block)
        return;
    weft_gc_root_remove(&rooted->root);
    gc_own_free(rooted);
}
