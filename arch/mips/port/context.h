/* SPDX-License-Identifier: MIT */
#ifndef PORT_CONTEXT_H
#define PORT_CONTEXT_H

#define ARCH_STACK_ALIGN 8 /* o32 */

/* A parked context, the moved frame of a preemption, and a few calls. */
#define ARCH_STACK_MINIMUM_BYTES 512

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
