/* SPDX-License-Identifier: MIT */
#ifndef PORT_CONTEXT_H
#define PORT_CONTEXT_H

#define ARCH_STACK_ALIGN 16          /* what the ABI asks of a stack's top */
#define ARCH_STACK_MINIMUM_BYTES 512 /* a parked context, a moved frame, a few calls */

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
