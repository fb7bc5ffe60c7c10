/* SPDX-License-Identifier: MIT */
/* Which of a span's objects the program holds: for the heap dump and the leak finder. */
#ifndef MEM_CENSUS_H
#define MEM_CENSUS_H

#include "mem/heap.h"

#define CENSUS_WORDS ((SPAN_OBJECTS_MAX + 31) / 32)

/* Does the program hold the large object that starts at page `first`? */
bool census_large(const struct region *region, page_index first);

/* Where the living block was allocated, or 0: not known (only the full tier of hardening knows). */
uintptr_t census_site(uintptr_t block);

/* A bit per object of the span that starts at page `first`: set for those that are neither on its
 * free list nor in a cache nor in quarantine nor waiting to be freed. The world is stopped. Cost:
 * the span's objects and the caches of its class. */
void census_span(const struct region *region, page_index first, uint32_t live[CENSUS_WORDS]);

/* Length of the run or span that starts at `page`, in pages; 1 for what is changing hands. */
size_t census_run_pages(const struct region *region, page_index page);

#endif
