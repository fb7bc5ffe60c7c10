/* SPDX-License-Identifier: MIT */
#ifndef PORT_TRAP_H
#define PORT_TRAP_H

#include "arch/mips/frame.h"

/* What a preemption puts on the interrupted thread's stack: where the frame is, then
 * upcall_preempt's own frames down to the parked context. */
#define ARCH_PREEMPT_STACK_BYTES (TRAP_BYTES + 144)

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

static inline bool arch_thread_frame_is_used(const struct arch_frame *frame, const void *saved_sp)
{
    const uint32_t *below = (const uint32_t *)(uintptr_t)(frame->sp - TRAP_BYTES);

    return frame->sp - (uint32_t)(uintptr_t)saved_sp - TRAP_BYTES < ARCH_PREEMPT_STACK_BYTES &&
           below[TRAP_FRAME / 4] == (uint32_t)(uintptr_t)frame;
}

static inline bool arch_frame_irq_enabled(const struct arch_frame *frame)
{
    return (frame->status & STATUS_IE) != 0;
}

/* Cause.IP0 and IP1. Its other writable bits never change, on any core: an interrupt or a move to
 * another core between the two instructions changes nothing. */
static inline void arch_soft_raise(unsigned line)
{
    uint32_t cause;

    __asm__ volatile("mfc0 %0, $13\n\tor %0, %0, %1\n\tmtc0 %0, $13\n\tehb"
                     : "=&r"(cause)
                     : "r"(CAUSE_IP0 << line)
                     : "memory");
}

/* A device's goes first; then the software's comes by itself. */
static inline int arch_soft_take(uintptr_t pending)
{
    unsigned lines = pending >> CAUSE_IP0_BIT & 0x7f;
    uint32_t cause;

    if (__builtin_expect(lines == 1, 1)) { /* nothing to wait for: the way back has an ehb */
        __asm__ volatile("mfc0 %0, $13\n\tins %0, $0, 8, 1\n\tmtc0 %0, $13"
                         : "=&r"(cause)::"memory");
        return 0;
    }
    if (lines - 2 > 1)
        return -1;
    __asm__ volatile("mfc0 %0, $13\n\tins %0, $0, 9, 1\n\tmtc0 %0, $13" : "=&r"(cause)::"memory");
    return 1;
}

#endif
