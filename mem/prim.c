/* SPDX-License-Identifier: MIT */
#include "mem/prim.h"

#include "kernel/shared.h"

void prim_panic_forbidden(void)
{
    weft_panic(
        "allocation in profiler: malloc, free or a newlib lock was called from the sampling tick");
}

/* A thread may have been moved off `core` since its preemption is on again: then the switch that
 * was wanted has happened, and either answer is right. */
void *prim_switch_pending(struct core *core, void *block)
{
    if (SHARED_LOAD(core->interrupt_depth) == 0)
        upcall_preempt_pending();
    return block;
}
