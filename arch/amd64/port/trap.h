/* SPDX-License-Identifier: MIT */
#ifndef PORT_TRAP_H
#define PORT_TRAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/amd64/frame.h"

/* What a preemption puts on the interrupted thread's stack: the moved frame, the vector registers,
 * and upcall_preempt's own frames down to the parked context. The CPU says how large the vector
 * registers are. */
extern size_t amd64_preempt_stack_bytes;
#define ARCH_PREEMPT_STACK_BYTES amd64_preempt_stack_bytes

static inline uintptr_t arch_frame_pc(const struct arch_frame *frame)
{
    return frame->rip;
}

static inline uintptr_t arch_frame_sp(const struct arch_frame *frame)
{
    return frame->rsp;
}

static inline void arch_frame_set_pc(struct arch_frame *frame, uintptr_t pc)
{
    frame->rip = pc;
}

static inline bool arch_frame_irq_enabled(const struct arch_frame *frame)
{
    return (frame->rflags & FRAME_RFLAGS_IF) != 0;
}

/* lapic.c; hosted/signal.c */
void amd64_soft_raise(unsigned line);

static inline void arch_soft_raise(unsigned line)
{
    amd64_soft_raise(line);
}

/* It has vectors of its own. */
static inline int arch_soft_take(uintptr_t pending)
{
    return pending - VECTOR_SOFT < VECTOR_SOFT_LINES ? (int)(pending - VECTOR_SOFT) : -1;
}

#endif
