/* SPDX-License-Identifier: MIT */
#ifndef PORT_CONTEXT_H
#define PORT_CONTEXT_H

#define ARCH_STACK_ALIGN 16
#define ARCH_STACK_MINIMUM_BYTES 1024

static inline void arch_stack_open(uintptr_t lo, uintptr_t hi)
{
    (void)lo;
    (void)hi;
}

static inline void arch_stack_close(uintptr_t lo, uintptr_t hi)
{
    (void)lo;
    (void)hi;
}

#endif
