/* SPDX-License-Identifier: MIT */
/*
 * The deterministic mode: WEFT_CONFIG_HEAP_DETERMINISTIC=1.
 *
 * A malloc or free that the fast path does not finish is finished here, in one go with interrupts
 * off, in a number of instructions that depends neither on the size nor on what the heap holds:
 * docs/heap.md has it, and tests/board/heap holds it. What makes that possible:
 *
 *  - A span is one page, so any free page will do; larger objects are runs of pages, and pages are
 *    small (heap.c). Pages inside a large object keep the kind of free ones, so that nobody has to
 *    go through them.
 *  - One object moves between a cache and the spans; to a full cache nothing is added.
 *  - One lock, the pages lock, guards the spans as well.
 *  - A run is taken from the first group all of whose runs fit: a good fit, as in TLSF (M. Masmano,
 *    I. Ripoll, A. Crespo, J. Real, "TLSF: A New Dynamic Memory Allocator for Real-Time Systems",
 *    ECRTS 2004). Of the group that the size itself falls into, the first run is looked at.
 *
 * Since interrupts are off throughout and no cache is touched, handlers may come here as well: in
 * this mode they get memory, and give it back, like threads.
 *
 * Everything else goes the general way (malloc.c), which takes longer: aligned blocks, realloc,
 * memory of other kinds, a request for which no run surely fits (before it fails, caches are
 * emptied and runs that may fit looked at), errors, a request for pages while the board has some
 * (they must be asked back), and all calls while somebody watches.
 */
#define RUN_INLINE static inline __attribute__((always_inline))
#include "mem/run.h"
#include "mem/span.h"

/* With one core a lock is nothing but interrupts that are off. */
#define LOCKED (WEFT_CONFIG_CORES > 1 || WEFT_CONFIG_DEBUG)

static inline arch_irq_state bounded_lock(void)
{
    return LOCKED ? spinlock_lock(&heap_pages_lock) : arch_irq_save();
}

static inline void bounded_unlock(arch_irq_state state)
{
    if (LOCKED)
        spinlock_unlock_irqoff(&heap_pages_lock);
    arch_irq_restore_unswitched(state);
}

/* Is this the profiler's tick, or is every call to be seen? Locked. */
static inline bool bounded_is_forbidden(void)
{
    return (core_self()->allocation_forbidden | heap.slow_only) != 0;
}

/* Takes a free run that surely holds `wanted` pages out of its group: how many it has. 0: there is
 * none, or its records are broken, which the general way will find. */
static inline __attribute__((always_inline)) uintptr_t run_get(struct region *region,
                                                               uintptr_t wanted, uintptr_t *run)
{
    unsigned bin = run_bin_of(wanted);
    const struct page *record;
    uintptr_t pages;

    if (wanted >= 16 && region->page[region->bin[bin]].run.pages < wanted)
        bin++; /* of an empty group too: what page 0 is part of is smaller, or it makes no odds */
    bin = run_bin_occupied(region, bin);
    if (bin == RUN_BINS)
        return 0;
    *run = region->bin[bin];
    record = &region->page[*run];
    pages = record->run.pages;
    if (pages < wanted || pages > region->pages - *run || record->previous != RUN_HEAD_OF(bin) ||
        !run_agrees(region, *run, pages))
        return 0;
    run_unlink_head(region, bin, record->next);
    return pages;
}

/* Takes `wanted` pages from the lower end of a free run: the first one. 0: there is none. */
static inline __attribute__((always_inline)) uintptr_t pages_take(struct region *region,
                                                                  uintptr_t wanted)
{
    uintptr_t run, pages;

    if (heap.stats.released_pages != 0 || wanted >= region->pages)
        return 0;
    pages = run_get(region, wanted, &run);
    if (pages == 0)
        return 0;
    if (pages != wanted)
        run_insert(region, run + wanted, pages - wanted, region->page[run].run.age);
    if (region->cursor - run < wanted)
        region->cursor = run + wanted < region->pages ? (page_index)(run + wanted) : 0;
    run_account_take(PAGE_OWNER_HEAP, wanted);
    return run;
}

/* An object of the class, with its mark on. 0: none, or (malloc.c finds that out, and reports it) a
 * broken list. */
static inline __attribute__((always_inline)) uintptr_t object_take(struct region *region,
                                                                   unsigned class)
{
    uintptr_t span = region->partial[class];

    if (!span) {
        span = pages_take(region, 1);
        if (!span)
            return 0;
        region->kinds[span] = (int8_t) class;
        span_begin(region, class, (page_index)span);
        span_partial_insert(region, class, (page_index)span);
    }
    return span_pop(region, class, (page_index)span);
}

static inline __attribute__((always_inline)) uintptr_t large_take(struct region *region,
                                                                  uintptr_t pages)
{
    uintptr_t first = pages_take(region, pages), block;

    if (first == 0)
        return 0;
    region->kinds[first + pages - 1] = PAGE_LARGE_BODY;
    region->kinds[first] = PAGE_LARGE;
    region->page[first].run.pages = (page_index)pages;
    block = region_page_address(region, (page_index)first);
    *(uintptr_t *)block = 0; /* the mark of a small object may still stand there */
    return block;
}

static uintptr_t pages_for(size_t size)
{
    return (size - 1) >> heap.page_shift; /* and one more; size 0 has a class */
}

void *bounded_alloc(enum weft_memory memory, size_t size)
{
    unsigned class = heap_class_of(size);
    arch_irq_state state = bounded_lock();
    uintptr_t block = 0;

    for (unsigned i = 0; i < heap.regions && !block && !bounded_is_forbidden(); i++) {
        struct region *region = heap.region[i];

        if (region->memory == memory)
            block = class ? object_take(region, class) : large_take(region, pages_for(size) + 1);
    }
    bounded_unlock(state);
    if (block && class)
        *(uintptr_t *)block = 0;
    return (void *)block;
}

/* The first region has none. */
static __attribute__((noinline)) void *malloc_anywhere(size_t size)
{
    void *block = bounded_alloc(WEFT_MEMORY_NORMAL, size);

    return block ? block : heap_malloc_general(size);
}

static void *object_malloc(unsigned class, size_t size)
{
    arch_irq_state state = bounded_lock();
    uintptr_t block;

    if (__builtin_expect(bounded_is_forbidden(), 0)) {
        bounded_unlock(state);
        return heap_malloc_general(size);
    }
    block = object_take(heap.region[0], class);
    bounded_unlock(state);
    if (__builtin_expect(!block, 0))
        return malloc_anywhere(size);
    *(uintptr_t *)block = 0;
    return (void *)block;
}

static void *large_malloc(size_t size)
{
    arch_irq_state state = bounded_lock();
    uintptr_t block;

    if (__builtin_expect(bounded_is_forbidden(), 0)) {
        bounded_unlock(state);
        return heap_malloc_general(size);
    }
    block = large_take(heap.region[0], pages_for(size) + 1);
    bounded_unlock(state);
    return __builtin_expect(block != 0, 1) ? (void *)block : malloc_anywhere(size);
}

void *bounded_malloc(size_t size)
{
    unsigned class = heap_class_of(size);

    if (class)
        return object_malloc(class, size);
    return __builtin_expect(heap.regions != 0, 1) ? large_malloc(size) : heap_malloc_general(size);
}

/* What became of a block that was to be freed. */
enum outcome { DONE, NOT_DONE, BROKEN };

/* Object number `index`, which is no free one, into its span. */
static inline __attribute__((always_inline)) enum outcome object_put(struct region *region,
                                                                     unsigned class, uintptr_t span,
                                                                     uintptr_t block,
                                                                     unsigned index)
{
    bool empty;
    uintptr_t broken;

    if (index >= region->page[span].span.fresh ||
        span_put(region, class, span, block, index, &empty) != FAULT_NONE)
        return NOT_DONE;
    if (!empty)
        return DONE;
    broken = run_give_now(region, span, 1);
    run_account_give(PAGE_OWNER_HEAP, 1);
    return broken ? BROKEN : DONE;
}

/* fast.h: fast_is_object; the product's upper half is the object's number. */
static inline __attribute__((always_inline)) enum outcome object_give(struct region *region,
                                                                      unsigned class,
                                                                      uintptr_t block)
{
    uintptr_t offset = block - region->base;
    const struct cache_bin *bin = &heap.cache[0].bin[class];
    uint64_t product = (uint64_t)((uint32_t)offset & bin->mask) * bin->reciprocal;

    if ((uint32_t)product >= bin->reciprocal || *(const uintptr_t *)block == heap.mark)
        return NOT_DONE;
    return object_put(region, class, offset >> heap.page_shift, block, (unsigned)(product >> 32));
}

static inline __attribute__((always_inline)) enum outcome large_give(struct region *region,
                                                                     uintptr_t block)
{
    uintptr_t offset = block - region->base, first = offset >> heap.page_shift, broken;
    uintptr_t pages = region->page[first].run.pages;

    if (offset & (((uintptr_t)1 << heap.page_shift) - 1) || *(const uintptr_t *)block == heap.mark)
        return NOT_DONE;
    broken = run_give_now(region, first, pages);
    run_account_give(PAGE_OWNER_HEAP, pages);
    return broken ? BROKEN : DONE;
}

static inline __attribute__((always_inline)) enum outcome block_give(struct region *region,
                                                                     uintptr_t block)
{
    int kind = region->kinds[(block - region->base) >> heap.page_shift];

    if (kind > 0)
        return object_give(region, (unsigned)kind, block);
    return kind == PAGE_LARGE ? large_give(region, block) : NOT_DONE;
}

/* The records of a free run beside the block, which is free itself by now, were overwritten. */
static __attribute__((noinline)) void report_beside(uintptr_t block)
{
    report_fault(FAULT_RECORDS, block);
}

static inline __attribute__((always_inline)) void free_end(arch_irq_state state, void *block,
                                                           enum outcome outcome)
{
    bounded_unlock(state);
    if (__builtin_expect(outcome == NOT_DONE, 0))
        heap_free_general(block);
    else if (__builtin_expect(outcome == BROKEN, 0))
        report_beside((uintptr_t)block);
}

/* A block that is not in the first region. */
static __attribute__((noinline)) void free_anywhere(void *block)
{
    struct region *region = heap_region_of((uintptr_t)block);
    arch_irq_state state;

    if (region) {
        state = bounded_lock();
        free_end(state, block,
                 bounded_is_forbidden() ? NOT_DONE : block_give(region, (uintptr_t)block));
    } else {
        heap_free_general(block);
    }
}

void bounded_free(void *block)
{
    arch_irq_state state;

    /* Where the fast path leaves what it knows to the two below, nothing that counts comes here. */
    if (PRIM_RESTARTABLE ||
        __builtin_expect((uintptr_t)block - heap.window_base >= heap.window_bytes, 0)) {
        free_anywhere(block);
        return;
    }
    state = bounded_lock();
    free_end(state, block,
             __builtin_expect(bounded_is_forbidden(), 0)
                 ? NOT_DONE
                 : block_give(heap.region[0], (uintptr_t)block));
}

/* These two from the fast path, to which the heap was open: nothing is forbidden. */
void bounded_free_large(void *block)
{
    arch_irq_state state = bounded_lock();

    free_end(state, block, large_give(heap.region[0], (uintptr_t)block));
}

void bounded_free_cached(void *pointer, unsigned class)
{
    uintptr_t block = (uintptr_t)pointer, offset = block - heap.window_base;
    const struct cache_bin *bin = &heap.cache[0].bin[class];
    uint64_t product = (uint64_t)((uint32_t)offset & bin->mask) * bin->reciprocal;
    arch_irq_state state = bounded_lock();

    free_end(state, pointer,
             object_put(heap.region[0], class, offset >> heap.page_shift, block,
                        (unsigned)(product >> 32)));
}
