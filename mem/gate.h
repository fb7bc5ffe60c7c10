/* SPDX-License-Identifier: MIT */
/*
 * Requirements D1: while the profiler's tick runs, nobody may allocate on its core, and malloc,
 * free and newlib's names say so. Where the fast paths have no other word to look at
 * (PRIM_RESTARTABLE), they find an empty heap, and the slow paths look at
 * core->allocation_forbidden.
 */
#ifndef MEM_GATE_H
#define MEM_GATE_H

#include "mem/prim.h"

struct heap;

extern struct heap *heap_gate; /* what the fast paths use: the heap, or one that has nothing */
void heap_gate_set(bool closed);

/* The running core; interrupts off. Nests. */
static inline void gate_close(struct core *core)
{
    core->allocation_forbidden++;
    if (PRIM_RESTARTABLE && WEFT_CONFIG_HEAP)
        heap_gate_set(true);
}

static inline void gate_open(struct core *core)
{
    core->allocation_forbidden--;
    if (PRIM_RESTARTABLE && WEFT_CONFIG_HEAP)
        heap_gate_set(core->allocation_forbidden != 0);
}

#endif
