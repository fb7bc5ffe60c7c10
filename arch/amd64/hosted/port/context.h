/* SPDX-License-Identifier: MIT */
#ifndef PORT_HOSTED_CONTEXT_H
#define PORT_HOSTED_CONTEXT_H

#include "arch/amd64/port/trap.h"

#define ARCH_STACK_ALIGN 16
#define ARCH_STACK_MINIMUM_BYTES (ARCH_PREEMPT_STACK_BYTES + 512)

#define ARCH_STACK_IS_TOLD

/* stack.c */
void hosted_stack_open(uintptr_t lo, uintptr_t hi);
void hosted_stack_close(uintptr_t lo, uintptr_t hi);

static inline void arch_stack_open(uintptr_t lo, uintptr_t hi)
{
    hosted_stack_open(lo, hi);
}

static inline void arch_stack_close(uintptr_t lo, uintptr_t hi)
{
    hosted_stack_close(lo, hi);
}

#endif
