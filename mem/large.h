/* SPDX-License-Identifier: MIT */
/* Large objects: page runs of their own. */
#ifndef MEM_LARGE_H
#define MEM_LARGE_H

#include "mem/heap.h"

/* Pages for `size` bytes; 0 when no region could ever have so many. Any context. */
page_index large_pages(size_t size);

/* All of these: preemption off, no lock. */

/* Whole pages for `size` bytes, aligned. NULL: no memory, or too large for any region. */
void *large_alloc(enum weft_memory memory, size_t size, size_t alignment);

/* The block is known to be the start of a large object. */
void large_free(uintptr_t block);

size_t large_usable(uintptr_t block);

/* Makes the object hold `size` bytes where it is. False: there is no room behind it. */
bool large_resize(uintptr_t block, size_t size);

/* Makes the object hold `size` bytes by moving it down over the free pages before it: where it is
 * then, with its first `bytes`. NULL: there is not enough room around it. */
void *large_slide(uintptr_t block, size_t bytes, size_t size);

#endif
