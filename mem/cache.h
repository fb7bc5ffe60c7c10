/* SPDX-License-Identifier: MIT */
/* A core's cache of free small objects: the slow side. The fast side is mem/fast.h. */
#ifndef MEM_CACHE_H
#define MEM_CACHE_H

#include "mem/heap.h"

/* All of these: preemption off, thread context, no lock. */

/* An object of the class from the cache, filled from the spans when it is empty. NULL: no
 * memory. */
void *cache_get(struct core *core, unsigned class);

/* The same from what is cached already; also in a handler that has not interrupted the heap. */
void *cache_get_cached(const struct core *core, unsigned class);

/* The object, which is known to be the program's, into the cache; a full one is relieved first. */
void cache_put(struct core *core, unsigned class, uintptr_t object);

/* The block, which is known to be the program's, to where it belongs: kind is a class or
 * PAGE_LARGE. */
void cache_free(struct core *core, int kind, uintptr_t block);

/* Frees what handlers had to leave; or one of it. */
void cache_drain(struct core *core);
void cache_drain_one(struct core *core);

/* Drains, and gives every cached object of this core back to its span. */
void cache_flush(struct core *core);

/* Asks every core to flush: one that sleeps is woken, and its idle thread does it (sched/idle.c);
 * the others do it with their next slow operation. cache_flush_wanted and cache_flush_idle, for the
 * idle thread, are in mem/scavenger.h. */
void cache_flush_ask(const struct core *self);

/* Any context: leaves the block for cache_drain. */
void cache_defer(struct core *core, uintptr_t block);

/* Is the object in some core's cache, or deferred? Other cores are looked at as they are. */
bool cache_holds(unsigned class, uintptr_t object);

/* Cached objects of one class, over all cores. */
size_t cache_count(unsigned class);

/* 0, or WEFT_ESTATE after a report. */
int cache_check(const struct core *core);

/* mem/heap.c: lays out the caches' slots. */
void cache_init(struct cache *cache, uintptr_t *slots);

#endif
