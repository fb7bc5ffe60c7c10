/* SPDX-License-Identifier: MIT */
/*
 * The record at the end of a block of the full tier, the canary before it, and the junk in it.
 * mem/guard.c explains them.
 *
 * Everything is done in words. A block starts at a word, and so does the record; the one word that
 * has the block's last bytes and the first of the canary is put together with a mask.
 */
#ifndef MEM_GUARD_RECORD_H
#define MEM_GUARD_RECORD_H

#include "mem/heap.h"

#define JUNK_BYTES ((size_t)WEFT_CONFIG_HEAP_JUNK)

typedef uintptr_t __attribute__((may_alias)) guard_word;

#define GUARD_EVERY_BYTE(value) ((value) * (UINTPTR_MAX / 255))
#define GUARD_NEW GUARD_EVERY_BYTE(0xa5)
#define GUARD_FREED GUARD_EVERY_BYTE(0xdf)
#define GUARD_CANARY GUARD_EVERY_BYTE(0xc5)

struct guard {
    uintptr_t bytes;
    uintptr_t allocated_at, freed_at;
    uint32_t owner;
    uint32_t account; /* mem/account.h */
    uintptr_t check;
};

static inline struct guard *guard_of(uintptr_t block, size_t usable)
{
    return (struct guard *)(block + usable - sizeof(struct guard));
}

/* The check word of a block that is not freed; that of a freed one has freed_at xored in. Sums and
 * xors alternate, so that what one word loses another does not make up for. */
static inline uintptr_t guard_sum(uintptr_t block, const struct guard *guard)
{
    return ((((heap.secret ^ block) + guard->bytes) ^ guard->allocated_at) + guard->owner) ^
           (uintptr_t)guard->account << 16;
}

static inline bool guard_is_whole(uintptr_t block, const struct guard *guard)
{
    return guard->check == (guard_sum(block, guard) ^ guard->freed_at);
}

/* Whole, and not freed. */
static inline bool guard_is_live(uintptr_t block, const struct guard *guard)
{
    return ((guard->check ^ guard_sum(block, guard)) | guard->freed_at) == 0;
}

/* The bits of the word at the end of `bytes` bytes that are behind the end. */
static inline uintptr_t guard_mask(size_t bytes)
{
    unsigned bits = 8 * (bytes % sizeof(guard_word));

    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? UINTPTR_MAX << bits : UINTPTR_MAX >> bits;
}

/* The word that has the first byte behind the end; there is room for it before the record. */
static inline guard_word *guard_edge(uintptr_t block, size_t bytes)
{
    return (guard_word *)((block + bytes) & ~(sizeof(guard_word) - 1));
}

static inline guard_word guard_mix(guard_word in_block, guard_word behind, size_t bytes)
{
    return in_block ^ ((in_block ^ behind) & guard_mask(bytes));
}

/* Of the few words, mostly none, between a small block and its record. */
static inline __attribute__((always_inline)) void guard_fill_few(guard_word *at,
                                                                 const guard_word *end,
                                                                 guard_word value)
{
    for (; at != end; at++)
        *at = value;
}

static inline __attribute__((always_inline)) bool guard_few_are(const guard_word *at,
                                                                const guard_word *end,
                                                                guard_word value)
{
    for (; at != end; at++)
        if (*at != value)
            return false;
    return true;
}

/* Four words at a time after the odd ones: the loops are most of what the tier costs. */
static inline __attribute__((always_inline)) void guard_fill(guard_word *at, const guard_word *end,
                                                             guard_word value)
{
    if ((end - at) % 2 != 0)
        *at++ = value;
    if ((end - at) % 4 != 0) {
        at[0] = value;
        at[1] = value;
        at += 2;
    }
    for (; at != end; at += 4) {
        at[0] = value;
        at[1] = value;
        at[2] = value;
        at[3] = value;
    }
}

static inline __attribute__((always_inline)) bool guard_all_are(const guard_word *at,
                                                                const guard_word *end,
                                                                guard_word value)
{
    if ((end - at) % 2 != 0 && *at++ != value)
        return false;
    if ((end - at) % 4 != 0) {
        if (at[0] != value || at[1] != value)
            return false;
        at += 2;
    }
    for (; at != end; at += 4) {
        guard_word one = at[0], two = at[1], three = at[2], four = at[3];

        if (one != value || two != value || three != value || four != value)
            return false;
    }
    return true;
}

/*
 * Which whole words of a block hold junk, up to `end`: all of them, or those in JUNK_BYTES at each
 * end (of at least so many bytes, since the last word may be a part).
 */
static inline bool guard_junk_is_split(size_t bytes)
{
    return bytes >= 2 * JUNK_BYTES;
}

static inline guard_word *guard_junk_tail(uintptr_t block, size_t bytes)
{
    return guard_edge(block, bytes - JUNK_BYTES);
}

static inline __attribute__((always_inline)) void guard_junk_fill(uintptr_t block, size_t bytes,
                                                                  guard_word value)
{
    guard_word *start = (guard_word *)block;

    if (guard_junk_is_split(bytes)) {
        guard_fill(start, start + JUNK_BYTES / sizeof(guard_word), value);
        start = guard_junk_tail(block, bytes);
    }
    guard_fill(start, guard_edge(block, bytes), value);
}

static inline __attribute__((always_inline)) bool guard_junk_is_whole(uintptr_t block, size_t bytes,
                                                                      const void *end,
                                                                      guard_word value)
{
    const guard_word *start = (const guard_word *)block;

    if (guard_junk_is_split(bytes)) {
        if (!guard_all_are(start, start + JUNK_BYTES / sizeof(guard_word), value))
            return false;
        start = guard_junk_tail(block, bytes);
    }
    return guard_all_are(start, end, value);
}

/* The canary: what is behind the edge word's end, and all words up to the record. When the block is
 * freed, all of these words become junk. */
static inline __attribute__((always_inline)) bool guard_canary_is_whole(uintptr_t block,
                                                                        const struct guard *guard,
                                                                        bool few)
{
    const guard_word *edge = guard_edge(block, guard->bytes), *end = (const guard_word *)guard;

    return ((*edge ^ GUARD_CANARY) & guard_mask(guard->bytes)) == 0 &&
           (few ? guard_few_are(edge + 1, end, GUARD_CANARY)
                : guard_all_are(edge + 1, end, GUARD_CANARY));
}

#endif
