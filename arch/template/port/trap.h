/* SPDX-License-Identifier: MIT */
#ifndef PORT_TRAP_H
#define PORT_TRAP_H

/* Every register that an interrupt must save, in the order in which assembly stores them; offsets
 * for assembly in a frame.h, each checked by _Static_assert. */
struct arch_frame {
    uintptr_t pc, sp;
    bool irq_enabled;
};

#define ARCH_PREEMPT_STACK_BYTES 256 /* the moved frame and upcall_preempt's own frames */

static inline uintptr_t arch_frame_pc(const struct arch_frame *frame)
{
    return frame->pc;
}

static inline uintptr_t arch_frame_sp(const struct arch_frame *frame)
{
    return frame->sp;
}

static inline void arch_frame_set_pc(struct arch_frame *frame, uintptr_t pc)
{
    frame->pc = pc;
}

static inline bool arch_frame_irq_enabled(const struct arch_frame *frame)
{
    return frame->irq_enabled;
}

/* Out of line in the port, if that is shorter. */
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
