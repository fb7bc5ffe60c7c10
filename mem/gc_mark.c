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
 * Where other cores help (gc_share.c), a block's bit is taken atomically: who has taken it looks
 * into the block. With one core, and in a cycle without helpers, it is a plain store.
 *
 * The loop is one function with what it needs in registers; docs/collector.md counts its
 * instructions.
 */
#include "mem/gc.h"

#define PIECE_WORDS 128

/* Pieces between two looks whether another core wants some. */
#define GIVE_EVERY 16

/* Roots of so many bytes are worth giving away. */
#define LONG_BYTES 4096u

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

/* How a marking loop is compiled: all spans are in the window; other cores mark, too. */
struct mode {
    bool near, shared;
};

static __attribute__((noinline)) void overflow(struct gc_marker *marker, struct gc_span *span)
{
    __atomic_store_n(&span->rescan, 1, __ATOMIC_RELEASE);
    marker->rescan = true;
    marker->overflows++;
}

/* False: the block was marked already, or is free. */
INLINE bool take_white(uint32_t *white, uint32_t bit, bool shared)
{
    uint32_t now = shared ? __atomic_load_n(white, __ATOMIC_RELAXED) : *white;

    if (!(now & bit))
        return false;
    if (shared)
        return __atomic_fetch_and(white, ~bit, __ATOMIC_RELAXED) & bit;
    *white = now ^ bit;
    return true;
}

INLINE void mark_in_span(struct gc_marker *marker, struct state *state, struct gc_span *span,
                         uintptr_t word, bool shared)
{
    uintptr_t first = span->first, offset = word - first, start;
    uint32_t block;

    if (offset >= span->extent)
        return;
    block = (uint32_t)((uint64_t)(uint32_t)offset * span->reciprocal >> 32);
    if (!take_white(&span->bits[block / 32].white, 1u << (block % 32), shared))
        return;
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

/* The span, if any, that the word may lead to. */
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

INLINE void mark_word(struct gc_marker *marker, struct state *state, uintptr_t word,
                      struct mode mode)
{
    struct gc_span *span = span_of(&state->window, word, mode.near);

    if (span)
        mark_in_span(marker, state, span, word, mode.shared);
}

INLINE void look_at_two(struct gc_marker *marker, struct state *state, const uintptr_t *at,
                        struct mode mode)
{
    uintptr_t one = at[0], other = at[1];

    mark_word(marker, state, one, mode);
    mark_word(marker, state, other, mode);
}

/* Whole granules, of two words; at least one. */
INLINE void look_at(struct gc_marker *marker, struct state *state, uintptr_t lo, uintptr_t hi,
                    struct mode mode)
{
    const uintptr_t *at = (const uintptr_t *)lo, *end = (const uintptr_t *)hi;

    if ((hi - lo) & GRANULE) {
        look_at_two(marker, state, at, mode);
        at += 2;
        if (at == end)
            return;
    }
    do {
        look_at_two(marker, state, at, mode);
        look_at_two(marker, state, at + 2, mode);
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

/* The piece on top, or, of a long one, its front. */
INLINE void look_at_top(struct gc_marker *marker, struct state *state, struct mode mode)
{
    const uintptr_t most = PIECE_WORDS * sizeof(uintptr_t);
    struct gc_piece *piece = state->top - 1;
    uintptr_t lo = piece->lo, hi = piece->hi;

    if (__builtin_expect(hi - lo > most, 0)) {
        hi = lo + most;
        piece->lo = hi;
    } else {
        state->top--;
    }
    look_at(marker, state, lo, hi, mode);
}

INLINE void drain(struct gc_marker *marker, bool near)
{
    struct gc_piece *bottom = marker->stack;
    struct state state;

    state_load(&state, marker);
    while (state.top != bottom)
        look_at_top(marker, &state, (struct mode){near, false});
    state_store(&state, marker);
}

/* The same, with a look now and then whether others want some of it. */
INLINE void drain_and_give(struct gc_marker *marker, bool near)
{
    struct gc_piece *bottom = marker->stack;
    struct state state;

    do {
        if (gc_share_is_wanted())
            gc_share_give(marker);
        state_load(&state, marker);
        for (unsigned left = GIVE_EVERY; left != 0 && state.top != bottom; left--)
            look_at_top(marker, &state, (struct mode){near, true});
        state_store(&state, marker);
    } while (marker->depth != 0);
}

#define LOOP UNCHECKED static __attribute__((noinline)) void

LOOP drain_near(struct gc_marker *marker)
{
    drain(marker, true);
}

LOOP drain_far(struct gc_marker *marker)
{
    drain(marker, false);
}

LOOP drain_near_shared(struct gc_marker *marker)
{
    drain_and_give(marker, true);
}

LOOP drain_far_shared(struct gc_marker *marker)
{
    drain_and_give(marker, false);
}

void gc_mark_drain(struct gc_marker *marker)
{
    bool near = gc.lo - heap.window_base < heap.window_bytes &&
                gc.lo + gc.extent - heap.window_base <= heap.window_bytes;

    if (gc_share_is_open())
        near ? drain_near_shared(marker) : drain_far_shared(marker);
    else
        near ? drain_near(marker) : drain_far(marker);
}

void gc_mark_word(struct gc_marker *marker, uintptr_t word)
{
    struct state state;

    if (word - gc.lo >= gc.extent)
        return;
    state_load(&state, marker);
    if (gc_share_is_open())
        mark_word(marker, &state, word, (struct mode){false, true});
    else
        mark_word(marker, &state, word, (struct mode){false, false});
    state_store(&state, marker);
}

/* A long range waits like a block, so that other cores may have some of it. */
static bool range_push(struct gc_marker *marker, uintptr_t lo, uintptr_t hi)
{
    if (!gc_share_is_open() || hi < lo || hi - lo < LONG_BYTES)
        return false;
    ASSERT(marker->depth == 0);
    marker->stack[marker->depth++] = (struct gc_piece){lo, hi};
    gc_mark_drain(marker);
    return true;
}

/* For roots, which are few beside the blocks: word by word. */
UNCHECKED void gc_mark_range(struct gc_marker *marker, uintptr_t lo, uintptr_t hi)
{
    uintptr_t from = gc.lo, extent = gc.extent;
    uintptr_t middle = (lo + GRANULE - 1) & ~(uintptr_t)(GRANULE - 1);

    if (range_push(marker, middle, hi & ~(uintptr_t)(GRANULE - 1))) {
        gc_mark_range(marker, lo, middle);
        lo = hi & ~(uintptr_t)(GRANULE - 1);
    }
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

/* All marked blocks of a span, again. Other cores may mark in it: first the note, then the bits. */
static void span_rescan(struct gc_marker *marker, struct gc_span *span)
{
    if (!__atomic_exchange_n(&span->rescan, 0, __ATOMIC_ACQ_REL))
        return;
    for (uint32_t block = 0; block < span->blocks; block++) {
        uintptr_t start = span->first + block * span->block_bytes;
        const struct gc_bits *bits = &span->bits[block / 32];
        uint32_t white = __atomic_load_n(&bits->white, __ATOMIC_RELAXED);

        if ((bits->allocated & ~white) >> (block % 32) & 1)
            gc_mark_range(marker, start, start + span->block_bytes);
    }
}

/* Has any core's stack been full? No other core is busy. */
static bool rescan_take(void)
{
    bool wanted = false;

    for (unsigned id = 0; id < WEFT_CONFIG_CORES; id++) {
        wanted |= gc.marker[id].rescan;
        gc.marker[id].rescan = false;
    }
    return wanted;
}

static void finish_round(struct gc_marker *marker)
{
    do
        gc_mark_drain(marker);
    while (gc_share_is_open() && gc_share_take(marker));
}

void gc_mark_finish(struct gc_marker *marker)
{
    finish_round(marker);
    while (rescan_take()) {
        for (struct gc_span *span = gc.all; span; span = span->all_next)
            if (__atomic_load_n(&span->rescan, __ATOMIC_RELAXED))
                span_rescan(marker, span);
        finish_round(marker);
    }
}
