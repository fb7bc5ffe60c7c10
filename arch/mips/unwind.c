/* SPDX-License-Identifier: MIT */
/* Where the unwinder's registers come from. DWARF numbers are the general registers' own. */
#include "arch/unwind.h"

#include "arch/context.h"
#include "arch/mips/frame.h"
#include "arch/mips/mips.h"

#define KSEG0 0x80000000u /* all control blocks are there */
#define KSEG0_BYTES 0x20000000u

enum { AT = 1, S0 = 16, T8 = 24, T9 = 25, GP = 28, SP = 29, S8 = 30, RA = 31 };

static void from_clobbered(struct arch_unwind *registers, const struct arch_frame *frame)
{
    const uint32_t *words = &frame->at;

    for (unsigned i = 0; i < 15; i++) /* at, v0-v1, a0-a3, t0-t7: numbers 1..15 */
        registers->value[AT + i] = words[i];
    registers->value[T8] = frame->t8;
    registers->value[T9] = frame->t9;
    registers->value[RA] = frame->ra;
    registers->pc = frame->epc;
}

void arch_unwind_from_frame(struct arch_unwind *registers, const struct arch_frame *frame)
{
    const uint32_t *preserved = &frame->s0;

    from_clobbered(registers, frame);
    for (unsigned i = 0; i < 8; i++)
        registers->value[S0 + i] = preserved[i];
    registers->value[0] = 0;
    registers->value[GP] = frame->gp;
    registers->value[SP] = frame->sp;
    registers->value[S8] = frame->s8;
    registers->value[26] = registers->value[27] = 0; /* k0, k1: nobody's */
}

void arch_unwind_tracked_from_frame(struct arch_unwind *registers, const struct arch_frame *frame,
                                    uint32_t mask)
{
    if ((mask & ~(1u << S8)) != 0) {
        arch_unwind_from_frame(registers, frame);
        return;
    }
    registers->value[SP] = frame->sp;
    registers->value[S8] = frame->s8;
    registers->value[RA] = frame->ra;
    registers->pc = frame->epc;
}

void arch_unwind_from_parked(struct arch_unwind *registers, const void *saved_sp)
{
    const uint32_t *parked = saved_sp;

    for (unsigned i = 0; i < ARCH_UNWIND_REGISTERS; i++)
        registers->value[i] = 0;
    for (unsigned i = 0; i < 8; i++)
        registers->value[S0 + i] = parked[i];
    registers->value[S8] = parked[PARKED_S8 / 4];
    registers->value[RA] = parked[PARKED_RA / 4];
    registers->value[SP] = (uintptr_t)saved_sp + PARKED_BYTES;
    registers->pc = parked[PARKED_RA / 4];
}

bool arch_unwind_leaf(struct arch_unwind *registers, uintptr_t lo, uintptr_t hi)
{
    (void)lo; /* a MIPS leaf's return address is in a register: nothing is read */
    (void)hi;
    if (registers->value[RA] == registers->pc || registers->value[RA] == 0)
        return false;
    registers->pc = registers->value[RA];
    return true;
}

bool arch_unwind_through_trap(struct arch_unwind *registers, uintptr_t lo, uintptr_t hi)
{
    uintptr_t sp = registers->value[SP];
    const struct arch_frame *frame = (const struct arch_frame *)(sp + ARGUMENTS_BYTES);
    uintptr_t pc = registers->pc;
    bool exception = pc == (uintptr_t)arch_exception_return;
    bool timer = pc == (uintptr_t)arch_timer_return;
    bool preempted = pc == (uintptr_t)arch_preempt_return;

    if (!preempted && !exception && !timer && pc != (uintptr_t)arch_interrupt_return)
        return false;
    if (sp % 4 != 0 || sp < lo || hi < sp ||
        hi - sp < (exception ? ARGUMENTS_BYTES + FRAME_BYTES : TRAP_BYTES))
        return false;
    if (!exception)
        frame = *(const struct arch_frame *const *)(sp + TRAP_FRAME);
    if (!exception && ((uintptr_t)frame - KSEG0 >= KSEG0_BYTES || (uintptr_t)frame % 4 != 0))
        return false;
    if (preempted && frame->sp != sp + TRAP_BYTES)
        return false;
    if (exception || timer) {
        arch_unwind_from_frame(registers, frame);
        return true;
    }
    /* The callee-saved registers are what the walk has recovered so far. */
    from_clobbered(registers, frame);
    registers->value[SP] = frame->sp;
    return true;
}
