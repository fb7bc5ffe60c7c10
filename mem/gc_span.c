/* SPDX-License-Identifier: MIT */
/* Spans of collected blocks: made, taken from, swept. gc.h has the essay. */
#include <string.h>

#include "mem/gc.h"
#include "mem/page.h"
#include "mem/watch.h"

_Static_assert(PAGE_GC_BODY < PAGE_GC && PAGE_GC < PAGE_META, "gc_span_of tests for the lowest");

struct spinlock gc_lock = SPINLOCK_INITIALIZER(RANK_HEAP_GC, "collector");

static uint32_t bits_of(uint32_t blocks)
{
    return (blocks + 31) / 32;
}

/* The record and the bits of a span, with the blocks behind it aligned. */
static size_t head_bytes(uint32_t blocks)
{
    return (sizeof(struct gc_span) + bits_of(blocks) * sizeof(struct gc_bits) + GRANULE - 1) &
           ~(GRANULE - 1);
}

/* How many blocks a span holds, and its pages; 0: too many for any region. */
static uint32_t span_shape(unsigned kind, size_t block_bytes, size_t *pages)
{
    size_t page = (size_t)1 << heap.page_shift, bytes;
    uint32_t blocks = kind / 2 == 0 ? 1 : (uint32_t)(GC_SPAN_BYTES / block_bytes);

    if (kind / 2 != 0 && blocks < GC_SPAN_BLOCKS)
        blocks = GC_SPAN_BLOCKS;
    if (__builtin_add_overflow(head_bytes(blocks), blocks * block_bytes, &bytes) ||
        bytes + page < bytes)
        return 0;
    *pages = (bytes + page - 1) >> heap.page_shift;
    bytes = *pages << heap.page_shift;
    while (kind / 2 != 0 && head_bytes(blocks + 1) + (blocks + 1) * block_bytes <= bytes)
        blocks++;
    while (head_bytes(blocks) + blocks * block_bytes > bytes)
        blocks--;
    return *pages < PAGE_INDEX_MAX ? blocks : 0;
}

static struct gc_span *span_init(struct region *region, page_index first, size_t pages,
                                 uint32_t blocks, size_t block_bytes)
{
    uintptr_t base = region_page_address(region, first);
    struct gc_span *span = (struct gc_span *)base;

    memset(span, 0, head_bytes(blocks));
    span->first = base + head_bytes(blocks);
    span->extent = blocks * block_bytes;
    span->reciprocal = blocks == 1 ? 0 : (uint32_t)(UINT32_MAX / block_bytes + 1);
    span->block_bytes = block_bytes;
    span->blocks = blocks;
    for (size_t page = 0; page < pages; page++)
        region->page[first + page].previous = first;
    return span;
}

static void bounds_grow_locked(uintptr_t lo, uintptr_t hi)
{
    if (gc.extent == 0) {
        gc.lo = lo;
        gc.extent = hi - lo;
        return;
    }
    hi = hi > gc.lo + gc.extent ? hi : gc.lo + gc.extent;
    gc.lo = lo < gc.lo ? lo : gc.lo;
    gc.extent = hi - gc.lo;
}

static void span_list(struct gc_span *span, size_t bytes)
{
    arch_irq_state state = spinlock_lock(&gc_lock);

    span->all_next = gc.all;
    if (gc.all)
        gc.all->all_previous = span;
    gc.all = span;
    bounds_grow_locked((uintptr_t)span, (uintptr_t)span + bytes);
    gc.heap_bytes += bytes;
    SHARED_STORE(gc.allocated_bytes, gc.allocated_bytes + span->extent);
    spinlock_unlock(&gc_lock, state);
}

struct gc_span *gc_span_new(unsigned kind, size_t block_bytes)
{
    struct page_wish wish = {.align = 1};
    size_t pages;
    uint32_t blocks = span_shape(kind, block_bytes, &pages);
    struct region *region;
    struct gc_span *span;
    page_index first;

    ASSERT(core_self()->preempt_off);
    if (blocks == 0)
        return NULL;
    wish.pages = (page_index)pages;
    region = page_take(WEFT_MEMORY_NORMAL, &wish, PAGE_OWNER_HEAP, PAGE_GC, PAGE_GC_BODY, &first);
    if (!region)
        return NULL;
    span = span_init(region, first, pages, blocks, block_bytes);
    span->kind = (uint8_t)kind;
    span->pointer_free = kind & 1;
    span_list(span, pages << heap.page_shift);
    return span;
}

static void span_free(struct gc_span *span)
{
    struct region *region = heap_region_of((uintptr_t)span);
    page_index first = (page_index)(((uintptr_t)span - region->base) >> heap.page_shift);
    page_index pages = region->page[first].run.pages;
    arch_irq_state state = spinlock_lock(&gc_lock);

    if (span->all_next)
        span->all_next->all_previous = span->all_previous;
    if (span->all_previous)
        span->all_previous->all_next = span->all_next;
    else
        gc.all = span->all_next;
    gc.heap_bytes -= (size_t)pages << heap.page_shift;
    spinlock_unlock(&gc_lock, state);
    page_give(region, first, pages, PAGE_OWNER_HEAP);
}

/* The profile of allocations learns of the dead blocks, while nobody can have them yet. */
static void tell_dead(const struct gc_span *span)
{
    for (uint32_t i = 0; i < bits_of(span->blocks); i++)
        for (uint32_t dead = span->bits[i].allocated & span->bits[i].white; dead; dead &= dead - 1)
            watch_collected((void *)(span->first +
                                     (i * 32 + (uint32_t)__builtin_ctz(dead)) * span->block_bytes));
}

/* The marked blocks are now the allocated ones. How many? */
static uint32_t span_sweep(struct gc_span *span)
{
    uint32_t end = bits_of(span->blocks), used = 0;

    if (heap.watcher)
        tell_dead(span);
    for (uint32_t i = 0; i < end; i++) {
        span->bits[i].allocated &= ~span->bits[i].white;
        used += (uint32_t)__builtin_popcount(span->bits[i].allocated);
    }
    span->used = used;
    span->cursor = 0;
    span->unswept = 0;
    return used;
}

static struct gc_span *unswept_pop(unsigned kind)
{
    struct gc_span *span;
    arch_irq_state state = spinlock_lock(&gc_lock);

    span = gc.unswept[kind];
    if (span) {
        gc.unswept[kind] = span->next;
        SHARED_STORE(gc.unswept_spans, gc.unswept_spans - 1);
    }
    spinlock_unlock(&gc_lock, state);
    return span;
}

struct gc_span *gc_sweep_one(unsigned kind, bool *any)
{
    struct gc_span *span = unswept_pop(kind);

    ASSERT(core_self()->preempt_off);
    *any = span != NULL;
    if (!span)
        return NULL;
    span->next = NULL;
    if (span_sweep(span) == 0) {
        span_free(span);
        return NULL;
    }
    return span->used < span->blocks ? span : NULL;
}

static void room_put(struct gc_span *span)
{
    arch_irq_state state = spinlock_lock(&gc_lock);

    span->next = gc.room[span->kind];
    gc.room[span->kind] = span;
    spinlock_unlock(&gc_lock, state);
}

bool weft_gc_sweep_step(void)
{
    static unsigned kind; /* where the last step ended: a hint */
    struct core *core = prim_enter();
    unsigned swept = 0, looked = 0;

    ASSERT(core->interrupt_depth == 0);
    while (swept < GC_SWEEP_STEP && looked < GC_KINDS && SHARED_LOAD(gc.unswept_spans)) {
        unsigned now = __atomic_load_n(&kind, __ATOMIC_RELAXED) % GC_KINDS;
        bool any;
        struct gc_span *span = gc_sweep_one(now, &any);

        if (span)
            room_put(span);
        if (any)
            swept++;
        else
            __atomic_store_n(&kind, now + 1, __ATOMIC_RELAXED);
        looked = any ? 0 : looked + 1;
    }
    prim_leave(core);
    return SHARED_LOAD(gc.unswept_spans) != 0;
}

size_t gc_spans_whiten(void)
{
    size_t bytes = 0;

    for (struct gc_span *span = gc.all; span; span = span->all_next) {
        uint32_t end = bits_of(span->blocks);

        for (uint32_t i = 0; i < end; i++)
            span->bits[i].white = span->bits[i].allocated;
        bytes += span->used * span->block_bytes;
    }
    return bytes;
}

void gc_spans_unsweep(void)
{
    memset(gc.current, 0, sizeof(gc.current));
    memset(gc.room, 0, sizeof(gc.room));
    gc.unswept_spans = 0;
    for (struct gc_span *span = gc.all; span; span = span->all_next) {
        ASSERT(!span->unswept);
        span->unswept = 1;
        span->next = gc.unswept[span->kind];
        gc.unswept[span->kind] = span;
        gc.unswept_spans++;
    }
}
