/* SPDX-License-Identifier: MIT */
/* The places that allocate and the blocks that are followed to their free: prof/heap_profile.c has
 * the essay. All of it is bounded, and what finds no room is counted. */
#ifndef PROF_HEAP_SITES_H
#define PROF_HEAP_SITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weft/config.h>
#include <weft/heap_profile.h>

#include "kernel/spinlock.h"
#include "prof/unwind.h"

/* Numbers of blocks in units of 1 / HEAP_SAMPLING_ONE. */
struct heap_counts {
    uint64_t allocs, frees, alloc_bytes, free_bytes;
};

/*
 * `recent` are the events of this cycle and the one before, each at the cycle they are published
 * with, modulo 2. A place is brought up to date when it is next looked at (`cycle` is when it last
 * was), so that publishing touches no place.
 */
struct heap_site {
    uint32_t hash; /* 0: free */
    uint32_t cycle;
    uint32_t depth;
    struct heap_counts published, recent[2];
    uintptr_t pcs[WEFT_HEAP_PROFILE_DEPTH];
};

/* A recorded block in use. */
struct heap_block {
    uintptr_t address; /* 0: free */
    uint32_t site;
    size_t bytes, weight; /* asked for; stands for (heap_sampling.h) */
};

/* A block's place is in its bucket or the next. */
#define HEAP_BUCKET_BLOCKS 8

#define HEAP_SITE_OTHER WEFT_CONFIG_HEAP_PROFILE_SITES
#define HEAP_SITE_COUNT (WEFT_CONFIG_HEAP_PROFILE_SITES + 1)

struct heap_table {
    struct spinlock lock; /* guards all of it */
    uint32_t cycle;
    uint64_t unfollowed; /* as numbers of blocks in heap_counts, so far */
    struct heap_block *blocks;
    size_t buckets;                         /* a power of two; 0: none is followed */
    struct heap_site site[HEAP_SITE_COUNT]; /* the last one is `other` */
};

/* Empty, with memory for blocks, all zeros, or NULL and 0. */
void heap_table_clear_locked(struct heap_table *table, struct heap_block *blocks, size_t buckets);

/* A block that stands for `weight` bytes was allocated by this stack. */
void heap_table_allocated_locked(struct heap_table *table, uintptr_t address, size_t bytes,
                                 size_t weight, const unwind_pc *pcs, unsigned depth);

/* The block is freed; it need not be in the table. With `collected` it was dead when the cycle
 * began, and is published with what was allocated in the one before. Makes no place. */
void heap_table_freed_locked(struct heap_table *table, uintptr_t address, bool collected);

/* What place `index` shows now; NULL: nothing. */
const struct heap_site *heap_table_site_locked(struct heap_table *table, unsigned index);

#endif
