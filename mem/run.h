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

#define RUN_WORD_BITS (sizeof(uintptr_t) * 8)

/* `previous` of the first run of a group: which group that is. No region has such pages. */
#define RUN_HEAD_OF(bin) ((page_index)(PAGE_INDEX_MAX - (bin)))
#define RUN_HEAD_LEAST RUN_HEAD_OF(RUN_BINS - 1)

/* When the scavenger may have the run, as heap.epoch counts, and in the lowest bit whether it may
 * hold pages that are not released. */
static inline unsigned run_age_now(void)
{
    return (unsigned)heap.epoch << 1 | 1;
}

/* One group for each length below 16, above that 8 for each power of two. */
static inline unsigned run_bin_of(uintptr_t pages)
{
    unsigned shift;

    if (pages < 16)
        return (unsigned)pages;
    shift = 28 - (unsigned)__builtin_clz((unsigned)pages);
    return shift * 8 + (unsigned)(pages >> shift);
}

/* The first group from `bin` on that is not empty, or RUN_BINS. */
static inline unsigned run_bin_occupied(const struct region *region, unsigned bin)
{
    unsigned word = bin / RUN_WORD_BITS;
    uintptr_t bits;

    if (bin >= RUN_BINS)
        return RUN_BINS;
    bits = region->occupied[word] & ~(uintptr_t)0 << bin % RUN_WORD_BITS;
    while (bits == 0) {
        if (++word == RUN_WORDS)
            return RUN_BINS;
        bits = region->occupied[word];
    }
    return word * RUN_WORD_BITS + (unsigned)__builtin_ctzl(bits);
}

/* Takes the free run [first, first + pages) out of its group, unless its records and those that
 * they name disagree: overwritten ones are not followed. */
static inline __attribute__((always_inline)) bool run_unlink(struct region *region, uintptr_t first,
                                                             uintptr_t pages)
{
    struct page *page = region->page;
    uintptr_t next = page[first].next, previous = page[first].previous;

    if (page[first].run.pages != page[first + pages - 1].run.pages || next >= region->pages ||
        (next && page[next].previous != first))
        return false;
    if (previous < RUN_HEAD_LEAST) {
        if (previous >= region->pages || page[previous].next != first)
            return false;
        page[previous].next = (page_index)next;
    } else {
        unsigned bin = PAGE_INDEX_MAX - (unsigned)previous;

        if (region->bin[bin] != first)
            return false;
        region->bin[bin] = (page_index)next;
        if (next == 0)
            region->occupied[bin / RUN_WORD_BITS] &= ~((uintptr_t)1 << bin % RUN_WORD_BITS);
    }
    if (next)
        page[next].previous = (page_index)previous;
    return true;
}

/* Pages [first, first + pages) become a free run; the kinds of its ends are right already. */
static inline __attribute__((always_inline)) void run_insert(struct region *region, uintptr_t first,
                                                             uintptr_t pages, unsigned age)
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
        region->occupied[bin / RUN_WORD_BITS] |= (uintptr_t)1 << bin % RUN_WORD_BITS;
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
    return page_kind_free(__atomic_load_n(&region->kinds[page], __ATOMIC_RELAXED));
}

static inline void run_report(const struct region *region, uintptr_t first)
{
    report_fault(FAULT_RECORDS, region_page_address(region, (page_index)first));
}

/* The free run that ends before `first` leaves its group: its length. 0: there is none. */
static inline __attribute__((always_inline)) uintptr_t run_take_before(struct region *region,
                                                                       uintptr_t first)
{
    uintptr_t pages;

    if (!run_end_is_free(region, first - 1))
        return 0;
    pages = region->page[first - 1].run.pages;
    if (pages - 1 < first - 1 && run_unlink(region, first - pages, pages))
        return pages;
    run_report(region, first - 1);
    return 0;
}

/* The same of the one that starts at `next`. */
static inline __attribute__((always_inline)) uintptr_t run_take_after(struct region *region,
                                                                      uintptr_t next)
{
    uintptr_t pages;

    if (!run_end_is_free(region, next))
        return 0;
    pages = region->page[next].run.pages;
    if (pages - 1 < region->pages - next && run_unlink(region, next, pages))
        return pages;
    run_report(region, next);
    return 0;
}

/* Pages [first, first + pages), whose inner ones have free kinds already, become free now, and grow
 * over the free runs on both sides. */
static inline __attribute__((always_inline)) void run_give_now(struct region *region,
                                                               uintptr_t first, uintptr_t pages)
{
    uintptr_t before, after;

    region->kinds[first] = region->kinds[first + pages - 1] = PAGE_FREE;
    before = run_take_before(region, first);
    after = run_take_after(region, first + pages);
    first -= before;
    pages += before + after;
    run_cursor_joined(region, first, pages);
    run_insert(region, first, pages, run_age_now());
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
