/* SPDX-License-Identifier: MIT */
#ifndef PORT_TRAP_H
#define PORT_TRAP_H

#include "port/unwind_registers.h"

/* By DWARF number; 16 is the pc, as in the psABI's return-address column. */
struct arch_frame {
    uintptr_t value[ARCH_UNWIND_REGISTERS];
};

static inline uintptr_t arch_frame_pc(const struct arch_frame *frame)
{
    return frame->value[ARCH_UNWIND_RA];
}

static inline uintptr_t arch_frame_sp(const struct arch_frame *frame)
{
    return frame->value[ARCH_UNWIND_SP];
}

static inline void arch_frame_set_pc(struct arch_frame *frame, uintptr_t pc)
{
    frame->value[ARCH_UNWIND_RA] = pc;
}

static inline bool arch_frame_irq_enabled(const struct arch_frame *frame)
{
    (void)frame;
    return true;
}

static inline void arch_soft_raise(unsigned line)
{
    (void)line;
}

static inline int arch_soft_take(uintptr_t pending)
{
    (void)pending;
    return -1;
}

#endif
