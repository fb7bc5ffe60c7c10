/* SPDX-License-Identifier: MIT */
#ifndef PORT_ATOMIC64_H
#define PORT_ATOMIC64_H

#include "arch/amd64/frame.h"
#include "arch/restart.h"

static inline bool arch_in_atomic64(uintptr_t pc)
{
    (void)pc;
    return false;
}

/* Functions with restartable sequences (arch/restart.h). */
extern const char __restart_start[], __restart_end[];
extern const char __restart_bytes[]; /* an absolute symbol */

static inline void arch_atomic64_settle_irqoff(struct arch_frame *frame)
{
    if (ARCH_RESTARTABLE &&
        __builtin_expect(frame->rip - (uintptr_t)__restart_start < (uintptr_t)__restart_bytes, 0))
        frame->rip = arch_restart_pc(frame->rip);
}

#endif
