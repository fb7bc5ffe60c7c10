/* SPDX-License-Identifier: MIT */
/* The full tier of hardening: WEFT_CONFIG_HEAP_FULL=1. mem/guard.c explains it. */
#ifndef MEM_GUARD_H
#define MEM_GUARD_H

#include "mem/heap.h"

/* What newlib's names call instead of the fast paths. `site` is the caller's return address. */
void *guard_alloc(enum weft_memory memory, size_t alignment, size_t size, uintptr_t site);
#define GUARD_BYTES (WEFT_CONFIG_HEAP_FULL ? (sizeof(uintptr_t) == 4 ? 28 : 48) : 0)
void guard_free(void *block, uintptr_t site);
void *guard_realloc(void *block, size_t size, uintptr_t site);
size_t guard_usable_size(void *block);

/* The record of a block, live or in quarantine. False: it has none, or a broken one. */
struct guard_history {
    size_t bytes;           /* asked for */
    uint32_t owner;         /* number of the thread that allocated it; 0: a handler, or boot */
    uintptr_t allocated_at; /* return address */
    uintptr_t freed_at;     /* 0: it is live */
};
bool guard_history(uintptr_t block, struct guard_history *history);

/* Allocations and frees under way that others may see halfway. */
extern uint32_t guard_dressing;

/* For weft_heap_check: 0, or WEFT_ESTATE after a report: every block's end, and what is in
 * quarantine; nothing while an allocation is under way. Preemption off. */
int guard_check(void);

/* Frees all that is in quarantine. True: there was something. */
bool guard_quarantine_flush(void);
size_t guard_quarantine_bytes(void);

#endif
