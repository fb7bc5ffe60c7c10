/* SPDX-License-Identifier: MIT */
#include "kernel/core.h"

#include <weft/thread.h>

#include "kernel/cores.h"

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

unsigned weft_core_count(void)
{
    return (unsigned)__builtin_popcount(cores_online());
}

unsigned weft_core_self(void)
{
    arch_irq_state state = core_pin();
    unsigned id = WEFT_CONFIG_CORES == 1 ? 0 : core_self()->id;

    core_unpin(state);
    return id;
}
