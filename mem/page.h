/* SPDX-License-Identifier: MIT */
/* Page runs: the page heap. Everything above asks here for whole pages. */
#ifndef MEM_PAGE_H
#define MEM_PAGE_H

#include "mem/heap.h"

/* What a caller wants: `pages` > 0 pages, aligned to `align` pages (a power of two) from the
 * region's start, or as an address when `absolute`. High: from the upper end of a free run,
 * where thread stacks, which live long, keep away from objects. */
struct page_wish {
    page_index pages;
    page_index align;
    bool absolute;
    bool high;
};

/* Takes a run from a region of this kind of memory, the first that has one; commits what was
 * released of it, and gives its pages the kinds `first_kind` and `body_kind`. NULL: none. Cost:
 * bounded, plus a byte per page. Preemption is off and no lock is held (the board may be
 * called). */
struct region *page_take(enum weft_memory memory, const struct page_wish *wish,
                         enum page_owner owner, int first_kind, int body_kind, page_index *first);

/* Gives pages [first, first + pages) back. A central lock may be held. */
void page_give(struct region *region, page_index first, page_index pages, enum page_owner owner);
void page_give_locked(struct region *region, page_index first, page_index pages,
                      enum page_owner owner); /* inner pages look free already */

/* The run that had `pages` pages keeps the first `wanted` of them. */
void page_shrink(struct region *region, page_index first, page_index pages, page_index wanted,
                 int body_kind);

/* Extends a run of `pages` pages to `wanted`, if what follows it is free. Preemption off, no
 * lock. */
bool page_extend(struct region *region, page_index first, page_index pages, page_index wanted,
                 enum page_owner owner, int body_kind);

/* Makes the run grow over the free pages on both sides, if there are some before it and it has
 * `wanted` then: how many it has, from *start on. 0: nothing was done. Preemption off, no lock. */
page_index page_spread(struct region *region, page_index first, page_index pages, page_index wanted,
                       enum page_owner owner, int body_kind, page_index *start);

/* Makes a new region's pages free. Boot, or under no lock while nobody knows the region. */
void page_region_init(struct region *region, page_index meta_pages);

/* Takes up to `most` pages that are free, not released, and were freed `age` rounds ago or earlier,
 * off the heap for the scavenger, looking at no more than `budget` runs. 0: none found; *wrapped
 * tells that the cursor came to the region's end. Until page_scavenge_put they are idle pages that
 * nobody can get. */
page_index page_scavenge_get(struct region *region, unsigned age, unsigned budget, page_index most,
                             page_index *first, bool *wrapped);
void page_scavenge_put(struct region *region, page_index first, page_index pages);

/* Pages that the heap keeps of the board's memory above the scavenger's goal. Raw: any context. */
size_t page_excess(void);

/* Pages of the longest free run. */
page_index page_longest(struct region *region);

#endif
