/* SPDX-License-Identifier: MIT */
/*
 * Seeing every allocation and free: the hook of the allocation-site profile. While somebody
 * watches, the fast paths find nothing (the table of sizes says "class 0", whose cache is empty,
 * and no address is in the window), so that all calls go the slow way, which tells the watcher.
 * While nobody does, it costs the fast paths no instruction.
 */
#ifndef MEM_WATCH_H
#define MEM_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Called in the context of the malloc or free, handlers included, with no lock held. They must not
 * allocate. A block that realloc resizes where it is, is freed and allocated. Blocks that were
 * allocated before the watch began are freed like others. */
struct heap_watcher {
    void (*allocated)(void *block, size_t bytes); /* bytes: as asked for */
    void (*freed)(void *block);                   /* just before it is */

    /* Of the collector and the scavenger; each may be NULL. */
    void (*collected)(void *block); /* a dead block, just before it is free */
    void (*cycle)(void);            /* a collection has marked; its dead blocks are told from now
                                       on. The world is stopped. */
    void (*round)(void);            /* the scavenger has been through the heap */
};

/* NULL: nobody watches any more. One watcher at a time. A call that is under way on another core
 * may go untold. The watcher must stay valid. Context: thread. */
void heap_watch(const struct heap_watcher *watcher);

/* mem/malloc.c and mem/gc_alloc.c tell, or in the full tier mem/guard.c, which knows what was asked
 * for. */
void watch_allocated(void *block, size_t bytes);
void watch_freed(void *block);

/* mem/gc_span.c, mem/gc_cycle.c, mem/scavenger.c. */
void watch_collected(void *block);
void watch_cycle(void);
void watch_round(void);

/* For tests: the `index`-th request from now on, counting from 1, is answered with "no memory", be
 * it a block or a thread's stack; 0: none. While an index is set, all calls go the slow way.
 * Answers whether the last index was reached. Context: thread. */
bool heap_fail_at(uint32_t index);

#endif
