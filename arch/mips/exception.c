/* SPDX-License-Identifier: MIT */
/*
 * What an application's exception handler may ask of a frame, and do to it. Skipping an instruction
 * in a delay slot means doing what its branch would have done: Source of the encodings: MIPS32
 * instruction set, MD00086, appendix A.
 */
#include "arch/mips/frame.h"
#include "arch/trap.h"

/* By Cause.ExcCode: MIPS32 PRA (MD00090), table of exception codes. */
static const uint8_t traps[32] = {
    [1] = WEFT_TRAP_PAGE,         [2] = WEFT_TRAP_PAGE,           [3] = WEFT_TRAP_PAGE,
    [4] = WEFT_TRAP_ADDRESS,      [5] = WEFT_TRAP_ADDRESS,        [6] = WEFT_TRAP_BUS,
    [7] = WEFT_TRAP_BUS,          [8] = WEFT_TRAP_SYSTEM_CALL,    [9] = WEFT_TRAP_BREAKPOINT,
    [10] = WEFT_TRAP_INSTRUCTION, [11] = WEFT_TRAP_COPROCESSOR,   [12] = WEFT_TRAP_OVERFLOW,
    [13] = WEFT_TRAP_CONDITION,   [15] = WEFT_TRAP_FLOATING_POINT};

enum weft_trap_cause arch_frame_trap(const struct arch_frame *frame)
{
    unsigned code = (frame->cause >> 2) & 31;

    return code != 0 && traps[code] != 0 ? (enum weft_trap_cause)traps[code]
           : code == 4 || code == 5      ? WEFT_TRAP_ADDRESS /* which is 0 */
                                         : WEFT_TRAP_OTHER;
}

uintptr_t *arch_frame_register(struct arch_frame *frame, unsigned number)
{
    if (number >= 1 && number <= 15)
        return (uintptr_t *)&frame->at + (number - 1);
    if (number >= 16 && number <= 23)
        return (uintptr_t *)&frame->s0 + (number - 16);
    switch (number) {
    case 24:
        return (uintptr_t *)&frame->t8;
    case 25:
        return (uintptr_t *)&frame->t9;
    case 28:
        return (uintptr_t *)&frame->gp;
    case 29:
        return (uintptr_t *)&frame->sp;
    case 30:
        return (uintptr_t *)&frame->s8;
    case 31:
        return (uintptr_t *)&frame->ra;
    default:
        return NULL; /* $0 does not change; k0 and k1 are nobody's */
    }
}

bool arch_frame_in_delay_slot(const struct arch_frame *frame)
{
    return (frame->cause & CAUSE_BD) != 0;
}

static uint32_t value_of(struct arch_frame *frame, unsigned number)
{
    const uintptr_t *at = arch_frame_register(frame, number);

    return at != NULL ? (uint32_t)*at : 0;
}

/* Conditional branches: is it taken? False in *known for what is no such branch. */
static bool branch_taken(struct arch_frame *frame, uint32_t word, bool *known)
{
    int32_t rs = (int32_t)value_of(frame, word >> 21 & 31);
    int32_t rt = (int32_t)value_of(frame, word >> 16 & 31);

    *known = true;
    switch (word >> 26) {
    case 1: /* REGIMM: bltz, bgez and their linking and likely forms */
        *known = (word >> 16 & 0xc) == 0;
        return (word >> 16 & 1) != 0 ? rs >= 0 : rs < 0;
    case 4:
    case 20: /* beq, beql */
        return rs == rt;
    case 5:
    case 21: /* bne, bnel */
        return rs != rt;
    case 6:
    case 22: /* blez, blezl */
        return rs <= 0;
    case 7:
    case 23: /* bgtz, bgtzl */
        return rs > 0;
    default:
        *known = false;
        return false;
    }
}

/* Does what the branch at the frame's pc does, its delay slot left out. */
static bool branch_do(struct arch_frame *frame)
{
    uint32_t word = *(const uint32_t *)(uintptr_t)frame->epc;
    uint32_t behind = frame->epc + 8;
    uint32_t opcode = word >> 26, function = word & 63;
    bool known = true, taken;

    if (opcode == 2 || opcode == 3) { /* j, jal */
        if (opcode == 3)
            frame->ra = behind;
        frame->epc = ((behind - 4) & 0xf0000000u) | (word & 0x03ffffffu) << 2;
        return true;
    }
    if (opcode == 0 && (function == 8 || function == 9)) { /* jr, jalr */
        uint32_t target = value_of(frame, word >> 21 & 31);
        uintptr_t *link = arch_frame_register(frame, word >> 11 & 31);

        if (function == 9 && link != NULL)
            *link = behind;
        frame->epc = target;
        return true;
    }
    taken = branch_taken(frame, word, &known);
    if (!known)
        return false;
    if (opcode == 1 && (word >> 16 & 16) != 0)
        frame->ra = behind; /* bltzal, bgezal link whether taken or not */
    frame->epc = taken ? frame->epc + 4 + ((uint32_t)(int32_t)(int16_t)word << 2) : behind;
    return true;
}

bool arch_frame_skip(struct arch_frame *frame)
{
    if (arch_frame_in_delay_slot(frame))
        return branch_do(frame);
    frame->epc += 4;
    return true;
}
