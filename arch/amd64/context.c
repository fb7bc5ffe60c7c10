/* SPDX-License-Identifier: MIT */
#include <stdint.h>

#include "arch/amd64/amd64.h"
#include "arch/amd64/frame.h"
#include "arch/context.h"

void *arch_context_init(void *stack_top, void (*entry)(void *argument), void *argument)
{
    uintptr_t top = (uintptr_t)stack_top & ~(uintptr_t)(ARCH_STACK_ALIGN - 1);
    uint64_t *parked = (uint64_t *)(top - PARKED_BYTES); /* arch_thread_resume finds rsp aligned */

    for (unsigned i = 0; i < PARKED_BYTES / 8; i++)
        parked[i] = 0;
    parked[PARKED_RBX / 8] = (uintptr_t)entry;
    parked[PARKED_RBP / 8] = (uintptr_t)argument;
    parked[PARKED_RIP / 8] = (uintptr_t)arch_thread_resume;
    return parked;
}
