/* SPDX-License-Identifier: MIT */
/*
 * Marking, with the world stopped.
 *
 * A word that is an address inside an allocated block marks it; a marked block that may hold
 * pointers waits, as a piece of memory to look at, on the mark stack. Long pieces are looked at
 * from the front, the rest waiting again, so that no block adds more than PIECE_WORDS entries at
 * once.
 *
 * When the stack is full, the block is only marked and its span notes it (`rescan`). When the stack
 * has run empty, all marked blocks of such spans are looked into again: what they lead to is marked
 * already, but for what was dropped. Each round marks at least one block, so this ends; how often
 * it happens is counted.
 *
 * The loop is one function with what it needs in registers; docs/collector.md counts its
 * instructions.
 */
#include "mem/gc.h"

#define PIECE_WORDS 128

/* Looks at memory whose layout is nobody's business: redzones, stacks in use. */
#define UNCHECKED __attribute__((no_sanitize("address", "thread")))
#define INLINE UNCHECKED static inline __attribute__((always_inline))

/* What leads from an address to its span: the largest region (mem/heap.h). */
struct window {
    uintptr_t base, bytes;
    const int8_t *kinds;
    const struct page *page;
    unsigned shift;
};

/* The loop's own copy of a marker. */
struct state {
    struct window window;
    struct gc_piece *top; /* first unused entry */
    const struct gc_piece *limit;
    uintptr_t marked_bytes;
};

static __attribute__((noinline)) void overflow(struct gc_marker *marker, struct gc_span *span)
{
    span->rescan = 1;
    marker->rescan = true;
    marker->overflows++;
}

INLINE void mark_in_span(struct gc_marker *marker, struct state *state, struct gc_span *span,
                         uintptr_t word)
{
    uintptr_t first = span->first, offset = word - first, start;
    struct gc_bits *bits;
    uint32_t block, bit;

    if (offset >= span->extent)
        return;
    block = (uint32_t)((uint64_t)(uint32_t)offset * span->reciprocal >> 32);
    bits = &span->bits[block / 32];
    bit = 1u << (block % 32);
    if (!(bits->white & bit))
        return;
    bits->white ^= bit;
    state->marked_bytes += span->block_bytes;
    if (span->pointer_free)
        return;
    if (__builtin_expect(state->top == state->limit, 0)) {
        overflow(marker, span);
        return;
    }
    start = first + block * span->block_bytes;
    state->top->lo = start;
    state->top++->hi = start + span->block_bytes;
}

/* The span, if any, that the word may lead to. `near`: all spans are in the window. */
INLINE struct gc_span *span_of(const struct window *window, uintptr_t word, bool near)
{
    uintptr_t offset = word - window->base, page = offset >> window->shift;

    if (offset >= window->bytes)
        return near ? NULL : gc_span_of(word);
    if (window->kinds[page] > PAGE_GC)
        return NULL;
    return (struct gc_span *)(window->base +
                              ((uintptr_t)window->page[page].previous << window->shift));
}

INLINE void mark_word(struct gc_marker *marker, struct state *state, uintptr_t word, bool near)
{
    struct gc_span *span = span_of(&state->window, word, near);

    if (span)
        mark_in_span(marker, state, span, word);
}

INLINE void look_at_two(struct gc_marker *marker, struct state *state, const uintptr_t *at,
                        bool near)
{
    uintptr_t one = at[0], other = at[1];

    mark_word(marker, state, one, near);
    mark_word(marker, state, other, near);
}

/* Whole granules, of two words; at least one. */
INLINE void look_at(struct gc_marker *marker, struct state *state, uintptr_t lo, uintptr_t hi,
                    bool near)
{
    const uintptr_t *at = (const uintptr_t *)lo, *end = (const uintptr_t *)hi;

    if ((hi - lo) & GRANULE) {
        look_at_two(marker, state, at, near);
        at += 2;
        if (at == end)
            return;
    }
    do {
        look_at_two(marker, state, at, near);
        look_at_two(marker, state, at + 2, near);
        at += 4;
    } while (at != end);
}

static void state_load(struct state *state, const struct gc_marker *marker)
{
    state->window = (struct window){heap.window_base, heap.window_bytes, heap.window_kinds,
                                    heap.region[0]->page, heap.page_shift};
    state->top = marker->stack + marker->depth;
    state->limit = marker->stack + WEFT_CONFIG_GC_MARK_ENTRIES;
    state->marked_bytes = 0;
}

static void state_store(const struct state *state, struct gc_marker *marker)
{
    marker->depth = (uint32_t)(state->top - marker->stack);
    marker->marked_bytes += state->marked_bytes;
}

INLINE void drain(struct gc_marker *marker, bool near)
{
    const uintptr_t most = PIECE_WORDS * sizeof(uintptr_t);
    struct gc_piece *bottom = marker->stack;
    struct state state;

    state_load(&state, marker);
    while (state.top != bottom) {
        struct gc_piece *piece = state.top - 1;
        uintptr_t lo = piece->lo, hi = piece->hi;

        if (__builtin_expect(hi - lo > most, 0)) {
            hi = lo + most;
            piece->lo = hi;
        } else {
            state.top--;
        }
        look_at(marker, &state, lo, hi, near);
    }
    state_store(&state, marker);
}

UNCHECKED static __attribute__((noinline)) void drain_near(struct gc_marker *marker)
{
    drain(marker, true);
}

UNCHECKED static __attribute__((noinline)) void drain_far(struct gc_marker *marker)
{
    drain(marker, false);
}

void gc_mark_drain(struct gc_marker *marker)
{
    if (gc.lo - heap.window_base < heap.window_bytes &&
        gc.lo + gc.extent - heap.window_base <= heap.window_bytes)
        drain_near(marker);
    else
        drain_far(marker);
}

void gc_mark_word(struct gc_marker *marker, uintptr_t word)
{
    struct state state;

    if (word - gc.lo >= gc.extent)
        return;
    state_load(&state, marker);
    mark_word(marker, &state, word, false);
    state_store(&state, marker);
}

/* For roots, which are few beside the blocks: word by word. */
UNCHECKED void gc_mark_range(struct gc_marker *marker, uintptr_t lo, uintptr_t hi)
{
    uintptr_t from = gc.lo, extent = gc.extent;

    lo = (lo + sizeof(uintptr_t) - 1) & ~(sizeof(uintptr_t) - 1);
    for (; lo < hi && hi - lo >= sizeof(uintptr_t); lo += sizeof(uintptr_t)) {
        uintptr_t word = *(const uintptr_t *)lo;

        if (__builtin_expect(word - from < extent, 0)) {
            gc_mark_word(marker, word);
            gc_mark_drain(marker);
        }
    }
}

bool gc_is_marked(uintptr_t block)
{
    const struct gc_span *span = gc_span_of(block);
    uint32_t number = (uint32_t)gc_block_at(span, block);

    return !(span->bits[number / 32].white >> (number % 32) & 1);
}

/* All marked blocks of a span, again. */
static void span_rescan(struct gc_marker *marker, struct gc_span *span)
{
    span->rescan = 0;
    for (uint32_t block = 0; block < span->blocks; block++) {
        uintptr_t start = span->first + block * span->block_bytes;
        const struct gc_bits *bits = &span->bits[block / 32];

        if ((bits->allocated & ~bits->white) >> (block % 32) & 1)
            gc_mark_range(marker, start, start + span->block_bytes);
    }
}

void gc_mark_finish(struct gc_marker *marker)
{
    gc_mark_drain(marker);
    while (marker->rescan) {
        marker->rescan = false;
        for (struct gc_span *span = gc.all; span; span = span->all_next)
            if (span->rescan)
                span_rescan(marker, span);
    }
}
