/* SPDX-License-Identifier: MIT */
#ifndef PORT_TRAP_H
#define PORT_TRAP_H

#include "arch/mips/frame.h"

/* What a preemption puts on the interrupted thread's stack: the moved frame, then upcall_preempt's
 * own frames down to the parked context. */
#define ARCH_PREEMPT_STACK_BYTES (PREEMPT_BYTES + 144)

static inline uintptr_t arch_frame_pc(const struct arch_frame *frame)
{
    return frame->epc;
}

static inline uintptr_t arch_frame_sp(const struct arch_frame *frame)
{
    return frame->sp;
}

static inline void arch_frame_set_pc(struct arch_frame *frame, uintptr_t pc)
{
    frame->epc = (uint32_t)pc;
}

static inline bool arch_frame_irq_enabled(const struct arch_frame *frame)
{
    return (frame->status & STATUS_IE) != 0;
}

#endif
