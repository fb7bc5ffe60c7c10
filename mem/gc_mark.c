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
 */
#include "mem/gc.h"

#define PIECE_WORDS 128

/* Looks at memory whose layout is nobody's business: redzones, stacks in use. */
#define UNCHECKED __attribute__((no_sanitize("address", "thread")))

UNCHECKED static inline void push(struct gc_marker *marker, struct gc_span *span, uintptr_t lo,
                                  uintptr_t hi)
{
    if (__builtin_expect(marker->depth == WEFT_CONFIG_GC_MARK_ENTRIES, 0)) {
        span->rescan = 1;
        marker->rescan = true;
        marker->overflows++;
        return;
    }
    marker->stack[marker->depth].lo = lo;
    marker->stack[marker->depth++].hi = hi;
}

UNCHECKED static inline __attribute__((always_inline)) void mark_word(struct gc_marker *marker,
                                                                      uintptr_t word)
{
    struct gc_span *span = gc_span_of(word);
    int32_t block;
    uint32_t *marked, bit;
    uintptr_t start;

    if (!span)
        return;
    block = gc_block_at(span, word);
    if (block < 0)
        return;
    marked = &span->marked[(uint32_t)block / 32];
    bit = 1u << ((uint32_t)block % 32);
    if (*marked & bit)
        return;
    *marked |= bit;
    marker->marked_bytes += span->block_bytes;
    if (span->pointer_free)
        return;
    start = span->first + (uint32_t)block * span->block_bytes;
    push(marker, span, start, start + span->block_bytes);
}

void gc_mark_word(struct gc_marker *marker, uintptr_t word)
{
    mark_word(marker, word);
}

UNCHECKED static inline void look_at(struct gc_marker *marker, uintptr_t lo, uintptr_t hi)
{
    uintptr_t from = gc.lo, extent = gc.extent;

    for (const uintptr_t *at = (const uintptr_t *)lo; at < (const uintptr_t *)hi; at++) {
        uintptr_t word = *(const volatile uintptr_t *)at;

        if (__builtin_expect(word - from < extent, 0))
            mark_word(marker, word);
    }
}

void gc_mark_drain(struct gc_marker *marker)
{
    while (marker->depth > 0) {
        struct gc_piece *piece = &marker->stack[marker->depth - 1];
        uintptr_t lo = piece->lo, hi = piece->hi;

        if (hi - lo > PIECE_WORDS * sizeof(uintptr_t)) {
            hi = lo + PIECE_WORDS * sizeof(uintptr_t);
            piece->lo = hi;
        } else {
            marker->depth--;
        }
        look_at(marker, lo, hi);
    }
}

void gc_mark_range(struct gc_marker *marker, uintptr_t lo, uintptr_t hi)
{
    const uintptr_t step = PIECE_WORDS * sizeof(uintptr_t);

    lo = (lo + sizeof(uintptr_t) - 1) & ~(sizeof(uintptr_t) - 1);
    hi &= ~(sizeof(uintptr_t) - 1);
    for (; lo < hi; lo += step) {
        look_at(marker, lo, hi - lo > step ? lo + step : hi);
        gc_mark_drain(marker);
    }
}

bool gc_is_marked(uintptr_t block)
{
    const struct gc_span *span = gc_span_of(block);
    uint32_t number = (uint32_t)gc_block_at(span, block);

    return span->marked[number / 32] >> (number % 32) & 1;
}

/* All marked blocks of a span, again. */
static void span_rescan(struct gc_marker *marker, struct gc_span *span)
{
    span->rescan = 0;
    for (uint32_t block = 0; block < span->blocks; block++) {
        uintptr_t start = span->first + block * span->block_bytes;

        if (span->marked[block / 32] >> (block % 32) & 1)
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
