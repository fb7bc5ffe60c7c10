/* SPDX-License-Identifier: MIT */
/* Spans of small objects, shared by all cores. */
#ifndef MEM_CENTRAL_H
#define MEM_CENTRAL_H

#include "mem/heap.h"
#include "mem/report.h"

/* Moves up to `most` objects of the class into slot[]; from spans of this kind of memory that have
 * some, or from a new span when none has. 0: no memory. No lock held. */
unsigned central_get(enum weft_memory memory, unsigned class, uintptr_t *slot, unsigned most);

/* One object from a span that has one already. NULL: none. */
void *central_get_existing(enum weft_memory memory, unsigned class);

/* Gives objects of the class back to their spans, and spans' pages back with their last object. No
 * lock held. An object with which something is wrong is reported and left alone. */
void central_put(unsigned class, const uintptr_t *object, unsigned count);

/* Is this the start of an object that was handed out some time? Exact, cheap, no lock. */
enum heap_fault central_locate(const struct region *region, unsigned class, uintptr_t object);

/* Is the object on its span's list of free ones? Walks the list. */
bool central_holds(uintptr_t object);

/* The span's first page, for an address in a page of the kind `class`. */
static inline page_index central_span(const struct region *region, unsigned class,
                                      uintptr_t address)
{
    uintptr_t page = (address - region->base) >> heap.page_shift;

    return (page_index)(page & ~((uintptr_t)heap.class[class].pages - 1));
}

/* The free object after `object` (0: the first) on the list of the span that starts at page
 * `first`; 0: it ends, or is broken. The world is stopped. */
uintptr_t central_next_free(const struct region *region, page_index first, uintptr_t object);

/* 0, or WEFT_ESTATE after a report. */
int central_check_span(struct region *region, page_index first);

#endif
