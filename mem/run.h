/* SPDX-License-Identifier: MIT */
/*
 * Free runs of pages: taking one out of its group, putting one in, joining it with its neighbours.
 * Inlined into the page heap (page.c starts with the essay) and the deterministic mode (bounded.c),
 * whose bound is a count of these instructions. Everything here: the pages lock is held.
 */
#ifndef MEM_RUN_H
#define MEM_RUN_H

#include "mem/heap.h"
#include "mem/report.h"

/* Where instructions do not count so much, the code is there once per file. */
#ifndef RUN_INLINE
#define RUN_INLINE static __attribute__((noinline, unused))
#endif

#define RUN_WORD_BITS (sizeof(uintptr_t) * 8)

/* `previous` of the first run of a group: which group that is. No region has such pages. */
#define RUN_HEAD_OF(bin) ((page_index) ~(bin))
#define RUN_HEAD_LEAST RUN_HEAD_OF(RUN_BINS - 1)

/* One group for each length below 16, above that 8 for each power of two. */
static inline unsigned run_bin_of(uintptr_t pages)
{
    unsigned shift;

    if (pages < 16)
        return (unsigned)pages;
    shift = 28 - (unsigned)__builtin_clz((unsigned)pages);
    return shift * 8 + (unsigned)(pages >> shift);
}

/* A group's bit in its word of `occupied`: the lowest group has the highest bit, which is the one
 * that CPUs find in one instruction. */
static inline uintptr_t run_bit(unsigned bin)
{
    return ((uintptr_t)1 << (RUN_WORD_BITS - 1)) >> bin % RUN_WORD_BITS;
}

/* The first group from `bin` on that is not empty, or RUN_BINS. */
static inline __attribute__((always_inline)) unsigned run_bin_occupied(const struct region *region,
                                                                       unsigned bin)
{
    unsigned word = bin / RUN_WORD_BITS, skip = bin % RUN_WORD_BITS;
    uintptr_t bits;

    if (bin >= RUN_BINS)
        return RUN_BINS;
    bits = region->occupied[word] << skip;
    if (bits)
        return bin + (unsigned)__builtin_clzl(bits);
    while (++word < RUN_WORDS)
        if (region->occupied[word])
            return word * RUN_WORD_BITS + (unsigned)__builtin_clzl(region->occupied[word]);
    return RUN_BINS;
}

/* Do the records of the free run [first, first + pages) agree with each other and with the next of
 * its group? */
static inline bool run_agrees(const struct region *region, uintptr_t first, uintptr_t pages)
{
    const struct page *page = region->page;
    uintptr_t next = page[first].next;

    return page[first].run.pages == page[first + pages - 1].run.pages && next < region->pages &&
           (!next || page[next].previous == first);
}

/* The first run of its group leaves it. */
static inline __attribute__((always_inline)) void run_unlink_head(struct region *region,
                                                                  unsigned bin, uintptr_t next)
{
    region->bin[bin] = (page_index)next;
    if (next)
        region->page[next].previous = RUN_HEAD_OF(bin);
    else
        region->occupied[bin / RUN_WORD_BITS] &= ~run_bit(bin);
}

/* Takes the free run [first, first + pages) out of its group, unless its records and those that
 * they name disagree: overwritten ones are not followed. */
RUN_INLINE bool run_unlink(struct region *region, uintptr_t first, uintptr_t pages)
{
    struct page *page = region->page;
    uintptr_t next = page[first].next, previous = page[first].previous;

    if (!run_agrees(region, first, pages))
        return false;
    if (previous >= RUN_HEAD_LEAST) {
        unsigned bin = (unsigned)previous ^ PAGE_INDEX_MAX;

        if (region->bin[bin] != first)
            return false;
        run_unlink_head(region, bin, next);
        return true;
    }
    if (previous >= region->pages || page[previous].next != first)
        return false;
    page[previous].next = (page_index)next;
    if (next)
        page[next].previous = (page_index)previous;
    return true;
}

/* Pages [first, first + pages) become a free run; the kinds of its ends are right already. */
RUN_INLINE void run_insert(struct region *region, uintptr_t first, uintptr_t pages, unsigned age)
{
    struct page *run = &region->page[first];
    unsigned bin = run_bin_of(pages);
    uintptr_t next = region->bin[bin];

    run[pages - 1].run.pages = (page_index)pages;
    run->run.pages = (page_index)pages;
    run->run.age = (uint16_t)age;
    run->previous = RUN_HEAD_OF(bin);
    run->next = (page_index)next;
    region->bin[bin] = (page_index)first;
    if (next)
        region->page[next].previous = (page_index)first;
    else
        region->occupied[bin / RUN_WORD_BITS] |= run_bit(bin);
}

/* page.c: cuts [at, at + pages) out of the free run. False: its records were overwritten. */
bool run_carve(struct region *region, page_index run, page_index at, page_index pages);

/* The scavenger's cursor stands at the start of a run, always. */
static inline void run_cursor_joined(struct region *region, uintptr_t first, uintptr_t pages)
{
    if (region->cursor - first < pages)
        region->cursor = (page_index)first;
}

/* The ends of a run that has an owner are written by the owner, without the lock, and read under it
 * by whoever frees the run beside: PAGE_TAKEN or what the owner makes of it, never free. */
static inline bool run_end_is_free(const struct region *region, uintptr_t page)
{
    return *(const volatile uint8_t *)&region->kinds[page] >= (uint8_t)PAGE_RELEASED;
}

static inline void run_report(const struct region *region, uintptr_t first)
{
    report_fault(FAULT_RECORDS, region_page_address(region, (page_index)first));
}

/* The free run that ends before `first`, where page first - 1 is a free one, leaves its group: its
 * length. 0: its records are broken, and *broken is where they are, for run_report. */
static inline __attribute__((always_inline)) uintptr_t run_take_before(struct region *region,
                                                                       uintptr_t first,
                                                                       uintptr_t *broken)
{
    uintptr_t pages = region->page[first - 1].run.pages;

    if (pages - 1 < first - 1 && run_unlink(region, first - pages, pages))
        return pages;
    *broken = first - 1;
    return 0;
}

/* The same of the one that starts at `next`. */
static inline __attribute__((always_inline)) uintptr_t run_take_after(struct region *region,
                                                                      uintptr_t next,
                                                                      uintptr_t *broken)
{
    uintptr_t pages = region->page[next].run.pages;

    if (pages - 1 < region->pages - next && run_unlink(region, next, pages))
        return pages;
    *broken = next;
    return 0;
}

/* Pages [first, first + pages), whose inner ones have free kinds already, become free now, and grow
 * over the free runs on both sides. Not 0: the page whose run's records are broken, for
 * run_report. */
static inline __attribute__((always_inline)) uintptr_t run_give_now(struct region *region,
                                                                    uintptr_t first,
                                                                    uintptr_t pages)
{
    int8_t *kinds = region->kinds;
    bool joins_before = run_end_is_free(region, first - 1);
    bool joins_after = run_end_is_free(region, first + pages);
    uintptr_t before = 0, after = 0, broken = 0;

    kinds[first] = PAGE_FREE;
    if (pages != 1)
        kinds[first + pages - 1] = PAGE_FREE;
    if (joins_before)
        before = run_take_before(region, first, &broken);
    if (joins_after)
        after = run_take_after(region, first + pages, &broken);
    first -= before;
    pages += before + after;
    run_cursor_joined(region, first, pages);
    run_insert(region, first, pages, heap.epoch);
    return broken;
}

static inline void run_account_take(enum page_owner owner, uintptr_t pages)
{
    struct weft_mstats *stats = &heap.stats;
    size_t held;

    stats->idle_pages -= pages;
    if (owner == PAGE_OWNER_STACK)
        stats->stack_pages += pages;
    else
        stats->inuse_pages += pages;
    held = stats->inuse_pages + stats->stack_pages;
    if (held > stats->peak_pages)
        stats->peak_pages = held;
}

static inline void run_account_give(enum page_owner owner, uintptr_t pages)
{
    struct weft_mstats *stats = &heap.stats;

    if (owner == PAGE_OWNER_STACK)
        stats->stack_pages -= pages;
    else
        stats->inuse_pages -= pages;
    stats->idle_pages += pages;
}

#endif
