/* SPDX-License-Identifier: MIT */
#include "mem/prim.h"

void prim_panic_forbidden(void)
{
    weft_panic(
        "allocation in profiler: malloc, free or a newlib lock was called from the sampling tick");
}

void *prim_switch_pending(struct core *core, void *block)
{
    if (core->interrupt_depth == 0)
        upcall_preempt_pending();
    return block;
}
