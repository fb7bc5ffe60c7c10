/* SPDX-License-Identifier: MIT */
/*
 * The collector, inside.
 *
 * Nouns. A *block* is what weft_gc_alloc hands out. Blocks of one size lie in a *span*, a run of
 * pages of the kind PAGE_GC that starts with its record; a block that is larger than the heap's
 * small objects has a span of its own. Each page's record names the span's first page, so that any
 * address leads to its block. A span has two bits for each block: allocated, and white, which means
 * not marked yet. A *kind* is a size class and whether its blocks are pointer-free; pointer-free
 * spans are not looked into.
 *
 * A *cycle*: with the world stopped, every allocated block becomes white; every block that a root
 * leads to is marked (gc_mark.c), then those that finalizers need (gc_finalizer.c); every span
 * becomes "unswept"; the world is started. *Sweeping* a span leaves only its marked blocks
 * allocated, or gives its pages back when there are none. It is done later, span by span, by
 * whoever allocates, or by weft_gc for all of them.
 *
 * Other cores help to mark (gc_share.c): each has a *marker* with a mark stack of its own.
 *
 * Who owns what. A span that a core allocates from is that core's while its preemption is off. All
 * lists are guarded by gc_lock; a span that is being swept is in no list. With the world stopped,
 * everything is the stopper's: preemption is on for all others, so nobody is inside an operation.
 *
 * Before a cycle marks, all spans of the last one are swept, so that allocated bits tell what may
 * be pointed at.
 */
#ifndef MEM_GC_H
#define MEM_GC_H

#include <weft/gc.h>

#include "kernel/shared.h"
#include "mem/heap.h"
#include "mem/tier.h"

#define GC_KINDS (2 * CLASS_MAX) /* class * 2 + pointer-free; class 0: one block in its span */
#define GC_SPAN_BYTES 4096u      /* aimed at; of larger objects, GC_SPAN_BLOCKS */
#define GC_SPAN_BLOCKS 8u
#define GC_SWEEP_STEP 16u
#define GC_GOAL_MINIMUM_BYTES 65536u

/* The bits of 32 blocks. A cycle starts with all allocated ones white; marking takes that away. */
struct gc_bits {
    uint32_t allocated, white;
};

struct gc_span {
    uintptr_t first;     /* address of the first block */
    uintptr_t extent;    /* bytes of all blocks */
    uint32_t reciprocal; /* ceil(2^32 / block_bytes); 0: one block */
    uint8_t pointer_free;
    uint8_t rescan;  /* the mark stack was full: marked blocks may not have been looked into */
    uint8_t unswept; /* since the last cycle */
    uint8_t kind;
    uintptr_t block_bytes;
    uint32_t blocks;
    uint32_t used;        /* allocated ones */
    uint32_t cursor;      /* below this index of `bits` all blocks are taken */
    struct gc_span *next; /* in the list of its kind: with room, or unswept */
    struct gc_span *all_next, *all_previous;
    struct gc_bits bits[];
};

struct gc_piece {
    uintptr_t lo, hi;
};

/* One core's part in marking. */
struct gc_marker {
    struct gc_piece *stack;
    uint32_t depth;
    uint32_t overflows; /* ever */
    uint32_t chunks;    /* taken over from other cores, ever */
    bool rescan;        /* since the last look through the spans */
    uintptr_t marked_bytes;
};

struct gc {
    /* Read while marking; grow only. */
    uintptr_t lo, extent; /* bounds of all spans, ever */

    /* Under gc_lock. */
    struct gc_span *all;
    struct gc_span *room[GC_KINDS];    /* swept, with free blocks */
    struct gc_span *unswept[GC_KINDS]; /* to be swept */
    uint32_t unswept_spans;
    size_t allocated_bytes; /* in blocks of spans, and in what cores may still hand out */
    size_t heap_bytes;

    /* A core's, preemption off. */
    struct gc_span *current[WEFT_CONFIG_CORES][GC_KINDS];

    /* With the world stopped. */
    struct gc_marker marker[WEFT_CONFIG_CORES];
    uint32_t cycles, forced;
    size_t live_bytes;
    uint32_t overflows, helped;
    uint64_t last_pause_ns, longest_pause_ns;

    /* Words that stand for themselves. */
    int growth_percent;
    size_t goal_bytes; /* SIZE_MAX: none */
    bool trace;
};

extern struct gc gc;
extern struct weft_gc_root gc_roots; /* head of the list, under gc_lock */
extern struct spinlock gc_lock;

/* The collector's own ordinary memory, dressed as any other. */
static inline void *gc_own_alloc(size_t bytes)
{
    if (TIER_DRESSED)
        return tier_alloc(WEFT_MEMORY_NORMAL, GRANULE, bytes,
                          (uintptr_t)__builtin_return_address(0));
    return heap_malloc_slow(bytes);
}

static inline void gc_own_free(void *block)
{
    if (TIER_DRESSED)
        tier_free(block, (uintptr_t)__builtin_return_address(0));
    else
        heap_free_slow(block);
}

/* ---- gc_span.c ---- */

/* The span whose blocks' part of memory `address` may lie in, or NULL. */
static inline struct gc_span *gc_span_of(uintptr_t address);

/* The block of `span` that the address lies in, if it is allocated: its number; -1: none. */
static inline int32_t gc_block_at(const struct gc_span *span, uintptr_t address);

/* A new span for blocks of `block_bytes`, in no list of its kind. NULL: no memory. Preemption off,
 * no lock. */
struct gc_span *gc_span_new(unsigned kind, size_t block_bytes);

/* A block of the span, which is the caller's; NULL: it is full. */
static inline void *gc_span_take(struct gc_span *span);

/* Sweeps one span out of its kind's list of unswept ones, and returns it if blocks are free in it,
 * for the caller to use. *any: there was one. Preemption off. */
struct gc_span *gc_sweep_one(unsigned kind, bool *any);

/* All allocated blocks are white, and so many bytes. World stopped. */
size_t gc_spans_whiten(void);

/* Every span to its list of unswept ones; cores have none. World stopped. */
void gc_spans_unsweep(void);

/* ---- gc_mark.c ---- */

/* Looks at every word of [lo, hi). */
void gc_mark_range(struct gc_marker *marker, uintptr_t lo, uintptr_t hi);

/* The word, as a pointer. */
void gc_mark_word(struct gc_marker *marker, uintptr_t word);

/* Follows all that this core has marked to its end; finish: also what other cores have, and what
 * the stacks had no room for. */
void gc_mark_drain(struct gc_marker *marker);
void gc_mark_finish(struct gc_marker *marker);

/* Is the block with this start marked? */
bool gc_is_marked(uintptr_t block);

/* ---- gc_share.c: other cores help; with one core there is none of it ---- */

#if WEFT_CONFIG_CORES > 1
/* Somebody waits for work. */
extern uint32_t gc_share_wanted;
static inline bool gc_share_is_wanted(void)
{
    return __atomic_load_n(&gc_share_wanted, __ATOMIC_RELAXED) != 0;
}

/* Bytes of ordinary memory that it needs, once; here they are. */
size_t gc_share_bytes(void);
void gc_share_memory(void *memory);

/* Other cores may come and help, from open to close. By whoever has stopped the world. */
void gc_share_open(void);
void gc_share_close(void);
bool gc_share_is_open(void);

/* Others may be marking: from the first piece that was given away to the end of the round. */
bool gc_share_is_shared(void);

/* Gives away some of what waits on the marker's stack, if it is wanted. */
void gc_share_give(struct gc_marker *marker);

/* The marker has nothing left: gets it something, or waits until nobody else has anything and
 * returns false. By whoever has stopped the world. */
bool gc_share_take(struct gc_marker *marker);
#else
static inline bool gc_share_is_wanted(void)
{
    return false;
}
static inline size_t gc_share_bytes(void)
{
    return 0;
}
static inline void gc_share_memory(void *memory)
{
    (void)memory;
}
static inline void gc_share_open(void)
{
}
static inline void gc_share_close(void)
{
}
static inline bool gc_share_is_open(void)
{
    return false;
}
static inline bool gc_share_is_shared(void)
{
    return false;
}
static inline void gc_share_give(struct gc_marker *marker)
{
    (void)marker;
}
static inline bool gc_share_take(struct gc_marker *marker)
{
    (void)marker;
    return false;
}
#endif

/* ---- gc_finalizer.c: the world stopped ---- */

/* Blocks whose finalizers are to run yet are roots. */
void gc_finalizers_mark_roots(struct gc_marker *marker);
/* After marking from all roots. Wakes the finalizer thread if some are to run: it runs when the
 * world does. */
void gc_finalizers_mark(struct gc_marker *marker);
void gc_finalizers_count(struct weft_gc_stats *stats);

/* ---- gc_cycle.c ---- */

enum gc_reason {
    GC_GOAL,      /* nothing to do if another thread's cycle has just been faster */
    GC_EXHAUSTED, /* no memory */
    GC_FORCED,    /* weft_gc */
};

/* Stops the world, collects, starts it; spans are left unswept. Returns the bytes of dead blocks.
 */
size_t gc_collect(enum gc_reason reason);

/* Every stretch of memory that is a root. The world is stopped. */
void gc_visit_roots(void (*visit)(void *context, uintptr_t lo, uintptr_t hi), void *context);

/* Makes the mark stack. False: no memory. */
bool gc_marker_make(void);

static inline struct gc_span *gc_span_of(uintptr_t address)
{
    uintptr_t offset = address - heap.window_base;
    const struct region *region = heap.region[0];
    page_index page;

    if (address - gc.lo >= gc.extent)
        return NULL;
    if (__builtin_expect(offset >= heap.window_bytes, 0)) {
        region = heap_region_of(address);
        if (region == NULL)
            return NULL;
        offset = address - region->base;
    }
    page = (page_index)(offset >> heap.page_shift);
    if (region->kinds[page] > PAGE_GC) /* PAGE_GC and PAGE_GC_BODY are the lowest */
        return NULL;
    return (struct gc_span *)region_page_address(region, region->page[page].previous);
}

static inline int32_t gc_block_at(const struct gc_span *span, uintptr_t address)
{
    uintptr_t offset = address - span->first;
    uint32_t block;

    if (offset >= span->extent)
        return -1;
    block = (uint32_t)((uint64_t)(uint32_t)offset * span->reciprocal >> 32);
    return span->bits[block / 32].allocated >> (block % 32) & 1 ? (int32_t)block : -1;
}

static inline void *gc_span_take(struct gc_span *span)
{
    for (uint32_t at = span->cursor; at * 32 < span->blocks; at++) {
        uint32_t free = ~span->bits[at].allocated, block;

        span->cursor = at;
        if (free == 0)
            continue;
        block = at * 32 + (uint32_t)__builtin_ctz(free);
        if (block >= span->blocks)
            break;
        span->bits[at].allocated |= free & -free;
        span->used++;
        return (void *)(span->first + block * span->block_bytes);
    }
    return NULL;
}

#endif
