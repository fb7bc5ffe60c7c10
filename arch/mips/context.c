/* SPDX-License-Identifier: MIT */
#include <stdint.h>

#include "arch/context.h"
#include "arch/mips/frame.h"
#include "arch/mips/mips.h"

/* o32: every caller leaves room for its callee's four register arguments. */
#define ARGUMENT_HOME_BYTES 16

void *arch_context_init(void *stack_top, void (*entry)(void *argument), void *argument)
{
    uintptr_t top = (uintptr_t)stack_top & ~(uintptr_t)(ARCH_STACK_ALIGN - 1);
    uint32_t *parked = (uint32_t *)(top - ARGUMENT_HOME_BYTES - PARKED_BYTES);

    for (unsigned i = 0; i < PARKED_BYTES / 4; i++)
        parked[i] = 0;
    parked[PARKED_S0 / 4] = (uint32_t)(uintptr_t)entry;
    parked[PARKED_S0 / 4 + 1] = (uint32_t)(uintptr_t)argument;
    parked[PARKED_RA / 4] = (uint32_t)(uintptr_t)arch_thread_resume;
    return parked;
}
