/* SPDX-License-Identifier: MIT */
/* Where the unwinder's registers come from, by DWARF number. */
#include "arch/unwind.h"

#include "arch/amd64/amd64.h"
#include "arch/amd64/frame.h"
#include "arch/context.h"

enum { RAX, RDX, RCX, RBX, RSI, RDI, RBP, RSP, R8, R9, R10, R11, R12, R13, R14, R15, RIP };

/* What a call may change, and the interrupted place. */
static void from_clobbered(struct arch_unwind *registers, const struct arch_frame *frame)
{
    uintptr_t *value = registers->value;

    value[RAX] = frame->rax;
    value[RDX] = frame->rdx;
    value[RCX] = frame->rcx;
    value[RSI] = frame->rsi;
    value[RDI] = frame->rdi;
    value[R8] = frame->r8;
    value[R9] = frame->r9;
    value[R10] = frame->r10;
    value[R11] = frame->r11;
    value[RSP] = frame->rsp;
    value[RIP] = frame->rip;
    registers->pc = frame->rip;
}

void arch_unwind_from_frame(struct arch_unwind *registers, const struct arch_frame *frame)
{
    uintptr_t *value = registers->value;

    from_clobbered(registers, frame);
    value[RBX] = frame->rbx;
    value[RBP] = frame->rbp;
    value[R12] = frame->r12;
    value[R13] = frame->r13;
    value[R14] = frame->r14;
    value[R15] = frame->r15;
}

void arch_unwind_tracked_from_frame(struct arch_unwind *registers, const struct arch_frame *frame,
                                    uint32_t mask)
{
    if ((mask & ~(1u << RBP)) != 0) {
        arch_unwind_from_frame(registers, frame);
        return;
    }
    registers->value[RSP] = frame->rsp;
    registers->value[RBP] = frame->rbp;
    registers->value[RIP] = registers->pc = frame->rip;
}

void arch_unwind_from_parked(struct arch_unwind *registers, const void *saved_sp)
{
    const uint64_t *parked = saved_sp;
    uintptr_t *value = registers->value;

    for (unsigned i = 0; i < ARCH_UNWIND_REGISTERS; i++)
        value[i] = 0;
    value[RBX] = parked[PARKED_RBX / 8];
    value[RBP] = parked[PARKED_RBP / 8];
    value[R12] = parked[PARKED_R12 / 8];
    value[R13] = parked[PARKED_R13 / 8];
    value[R14] = parked[PARKED_R14 / 8];
    value[R15] = parked[PARKED_R15 / 8];
    value[RSP] = (uintptr_t)saved_sp + PARKED_BYTES;
    value[RIP] = parked[PARKED_RIP / 8];
    registers->pc = parked[PARKED_RIP / 8];
}

bool arch_unwind_leaf(struct arch_unwind *registers, uintptr_t lo, uintptr_t hi)
{
    uintptr_t sp = registers->value[RSP];

    if (sp % 8 != 0 || sp < lo || sp >= hi || hi - sp < 8)
        return false;
    registers->pc = *(const uintptr_t *)sp;
    registers->value[RIP] = registers->pc;
    registers->value[RSP] = sp + 8;
    return registers->pc != 0;
}

/* The moved frame of a preempted thread: from r11 up (frame.h). */
static const struct arch_frame *frame_of_moved(uintptr_t moved)
{
    return (const struct arch_frame *)(moved - FRAME_R11);
}

static bool readable(uintptr_t sp, size_t bytes, uintptr_t lo, uintptr_t hi)
{
    return sp % 8 == 0 && sp >= lo && sp <= hi && hi - sp >= bytes;
}

static bool through_preemption(struct arch_unwind *registers, bool vectors, uintptr_t lo,
                               uintptr_t hi)
{
    uintptr_t sp = registers->value[RSP];

    if (vectors) {
        if (!readable(sp, 8, lo, hi))
            return false;
        sp = *(const uintptr_t *)sp; /* the link below the saved vector registers */
    }
    if (!readable(sp, PREEMPT_BYTES, lo, hi))
        return false;
    from_clobbered(registers, frame_of_moved(sp));
    return true;
}

bool arch_unwind_through_trap(struct arch_unwind *registers, uintptr_t lo, uintptr_t hi)
{
    uintptr_t sp = registers->value[RSP];
    uintptr_t pc = registers->pc;
    bool vectors = pc == (uintptr_t)arch_preempt_vector_return;
    bool full = pc == (uintptr_t)arch_timer_return || pc == (uintptr_t)arch_exception_return ||
                pc == (uintptr_t)arch_nmi_return;

    if (vectors || pc == (uintptr_t)arch_preempt_return)
        return through_preemption(registers, vectors, lo, hi);
    if (!full && pc != (uintptr_t)arch_interrupt_return)
        return false;
    if (!readable(sp, FRAME_BYTES, lo, hi))
        return false;
    if (full)
        arch_unwind_from_frame(registers, (const struct arch_frame *)sp);
    else /* the callee-saved registers are what the walk has recovered so far */
        from_clobbered(registers, (const struct arch_frame *)sp);
    return true;
}
