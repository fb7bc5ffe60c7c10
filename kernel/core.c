/* SPDX-License-Identifier: MIT */
#include "kernel/core.h"

struct core cores[WEFT_CONFIG_CORES];

/* Core 0's system stack, where the reset code starts and its traps run; the top is known to the
 * linker by name. Other cores' stacks follow below it in the same array. */
__attribute__((aligned(64), section(".bss.system_stacks"))) unsigned char
    core_system_stacks[WEFT_CONFIG_CORES][WEFT_CONFIG_SYSTEM_STACK_BYTES];

void core_init(unsigned id)
{
    struct core *core = &cores[id];

    core->id = id;
    core->system_stack_lo = (uintptr_t)core_system_stacks[id];
    core->system_stack_hi = core->system_stack_lo + WEFT_CONFIG_SYSTEM_STACK_BYTES;
    core->preempt_off = 1; /* until the scheduler starts */
}
