/* SPDX-License-Identifier: MIT */
#ifndef PORT_ATOMIC64_H
#define PORT_ATOMIC64_H

#include "arch/mips/frame.h"

extern const char __atomic64_start[], __atomic64_end[];

static inline bool arch_in_atomic64(uintptr_t pc)
{
    return __builtin_expect(pc >= (uintptr_t)__atomic64_start,
                            0) && /* they are at the text's end */
           pc < (uintptr_t)__atomic64_end;
}

/* arch/mips/atomic64_settle.c */
void atomic64_settle_irqoff(struct arch_frame *frame);

/* Functions with restartable sequences stand behind the atomics, and both at the text's end, so
 * that one comparison finds what needs a second look. */

extern const char __restart_end[];

static inline void arch_atomic64_settle_irqoff(struct arch_frame *frame)
{
    if (__builtin_expect(frame->epc >= (uintptr_t)__atomic64_start, 0))
        atomic64_settle_irqoff(frame);
}

#endif
