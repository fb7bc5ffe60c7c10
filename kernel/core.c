/* SPDX-License-Identifier: MIT */
#include "kernel/core.h"

#include <weft/console.h>
#include <weft/thread.h>

#include "kernel/cores.h"

struct core cores[WEFT_CONFIG_CORES];

/* Core 0's system stack, where the reset code starts and its traps run; the top is known to the
 * linker by name. Other cores' stacks follow below it in the same array. */
__attribute__((aligned(64), section(".bss.system_stacks"))) unsigned char
    core_system_stacks[WEFT_CONFIG_CORES][WEFT_CONFIG_SYSTEM_STACK_BYTES];

#define PAINT 0x5aa5c33cu
#define BOOT_FRAME_BYTES 512 /* of core_init and what it calls */

/* Core 0 boots on its own, the others' are empty still. */
static void system_stack_prepare(const struct core *core)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0) - BOOT_FRAME_BYTES;
    uintptr_t end = core->id == 0 && here - core->system_stack_lo < WEFT_CONFIG_SYSTEM_STACK_BYTES
                        ? here
                        : core->system_stack_hi;

    if (WEFT_CONFIG_STACK_PAINT)
        for (uintptr_t at = core->system_stack_lo; at + sizeof(uint32_t) <= end; at += 4)
            *(uint32_t *)at = PAINT;
    *(uint32_t *)core->system_stack_lo = CORE_STACK_CANARY;
}

int weft_system_stack_used(unsigned core, size_t *bytes)
{
    const uint32_t *at;

    if (bytes == NULL || core >= WEFT_CONFIG_CORES || cores[core].system_stack_lo == 0)
        return WEFT_EINVAL;
    if (!WEFT_CONFIG_STACK_PAINT)
        return WEFT_ENOTSUP;
    at = (const uint32_t *)cores[core].system_stack_lo + 1;
    while ((uintptr_t)at < cores[core].system_stack_hi && *at == PAINT)
        at++;
    *bytes = cores[core].system_stack_hi - (uintptr_t)at;
    return 0;
}

_Noreturn __attribute__((noinline)) void core_stack_died(const struct core *core)
{
    weft_panic("an interrupt or exception handler has overflowed core %u's system stack of %u "
               "bytes: make WEFT_CONFIG_SYSTEM_STACK_BYTES larger",
               (unsigned)core->id, (unsigned)WEFT_CONFIG_SYSTEM_STACK_BYTES);
}

void core_init(unsigned id)
{
    struct core *core = &cores[id];

    core->id = id;
    core->system_stack_lo = (uintptr_t)core_system_stacks[id];
    core->system_stack_hi = core->system_stack_lo + WEFT_CONFIG_SYSTEM_STACK_BYTES;
    system_stack_prepare(core);
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
