/* SPDX-License-Identifier: MIT */
/*
 * Blocks that carry more than their bytes: with WEFT_CONFIG_HEAP_FULL a record and canaries
 * (guard.c), with WEFT_CONFIG_HEAP_THREADS alone a tag (account.c). Whoever defines the names that
 * programs call (newlib_malloc.c, glibc_malloc.c) goes through here when TIER_DRESSED, and to the
 * fast paths else. `site` is the caller's return address.
 */
#ifndef MEM_TIER_H
#define MEM_TIER_H

#include "mem/account.h"
#include "mem/guard_fast.h"

#define TIER_DRESSED (WEFT_CONFIG_HEAP_FULL || WEFT_CONFIG_HEAP_THREADS)

static inline void *tier_alloc(enum weft_memory memory, size_t alignment, size_t size,
                               uintptr_t site)
{
    return WEFT_CONFIG_HEAP_FULL ? guard_alloc(memory, alignment, size, site)
                                 : account_alloc(memory, alignment, size);
}

/* For malloc and free themselves, which are PRIM_RESTARTS. NULL: tier_alloc must be asked. */
static inline __attribute__((always_inline)) void *tier_fast_malloc(size_t size, uintptr_t site)
{
    return WEFT_CONFIG_HEAP_FULL ? guard_fast_malloc(size, site) : NULL;
}

static inline __attribute__((always_inline)) void tier_fast_free(void *block, uintptr_t site)
{
    WEFT_CONFIG_HEAP_FULL ? guard_fast_free(block, site) : account_free(block);
}

static inline void tier_free(void *block, uintptr_t site)
{
    WEFT_CONFIG_HEAP_FULL ? guard_free(block, site) : account_free(block);
}

static inline void *tier_realloc(void *block, size_t size, uintptr_t site)
{
    return WEFT_CONFIG_HEAP_FULL ? guard_realloc(block, size, site) : account_realloc(block, size);
}

static inline size_t tier_usable_size(void *block)
{
    return WEFT_CONFIG_HEAP_FULL ? guard_usable_size(block) : account_usable_size(block);
}

#endif
