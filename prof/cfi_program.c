/* SPDX-License-Identifier: MIT */
/*
 * The opcodes of DWARF's call frame programs (DWARF 5, 6.4.2) and the GNU and MIPS extensions of
 * them that gcc and binutils emit. A program is a list of changes to a row, with advances of the
 * location between them; the machine stops at the first advance beyond the wanted pc.
 */
#include "prof/cfi_program.h"

/* The upper two bits select the first three; their operand is in the lower six. */
enum {
    CFA_ADVANCE_LOC = 0x40,
    CFA_OFFSET = 0x80,
    CFA_RESTORE = 0xc0,
    CFA_NOP = 0x00,
    CFA_SET_LOC = 0x01,
    CFA_ADVANCE_LOC1 = 0x02,
    CFA_ADVANCE_LOC2 = 0x03,
    CFA_ADVANCE_LOC4 = 0x04,
    CFA_OFFSET_EXTENDED = 0x05,
    CFA_RESTORE_EXTENDED = 0x06,
    CFA_UNDEFINED = 0x07,
    CFA_SAME_VALUE = 0x08,
    CFA_REGISTER = 0x09,
    CFA_REMEMBER_STATE = 0x0a,
    CFA_RESTORE_STATE = 0x0b,
    CFA_DEF_CFA = 0x0c,
    CFA_DEF_CFA_REGISTER = 0x0d,
    CFA_DEF_CFA_OFFSET = 0x0e,
    CFA_DEF_CFA_EXPRESSION = 0x0f,
    CFA_EXPRESSION = 0x10,
    CFA_OFFSET_EXTENDED_SF = 0x11,
    CFA_DEF_CFA_SF = 0x12,
    CFA_DEF_CFA_OFFSET_SF = 0x13,
    CFA_VAL_OFFSET = 0x14,
    CFA_VAL_OFFSET_SF = 0x15,
    CFA_VAL_EXPRESSION = 0x16,
    CFA_MIPS_ADVANCE_LOC8 = 0x1d,
    CFA_GNU_ARGS_SIZE = 0x2e,
    CFA_GNU_NEGATIVE_OFFSET_EXTENDED = 0x2f,
};

static void state_copy(struct cfi_state *to, const struct cfi_state *from)
{
    to->cfa_offset = from->cfa_offset;
    to->cfa_expression = from->cfa_expression;
    to->cfa_register = from->cfa_register;
    to->mask = from->mask;
    for (uint32_t mask = from->mask; mask != 0; mask &= mask - 1)
        to->rule[cfi_lowest(mask)] = from->rule[cfi_lowest(mask)];
}

static void state_clear(struct cfi_state *state)
{
    state->cfa_offset = 0;
    state->cfa_expression = 0;
    state->cfa_register = CFI_REGISTERS;
    state->mask = 0;
}

/* Registers beyond those tracked (floating point, HI, LO) are parsed and forgotten. A value that
 * does not fit a rule is refused: 256 MiB of stack in one frame. */
static void set_rule(struct cfi_machine *machine, cfi_word reg, enum cfi_kind kind,
                     cfi_signed value)
{
    if (value < -(1 << 28) || value >= 1 << 28)
        machine->reader.failed = true;
    else if (reg < CFI_REGISTERS) {
        machine->state->rule[reg] = (cfi_rule)value * 8 + (cfi_rule)kind;
        machine->state->mask |= 1u << reg;
    }
}

/* Factors come as uleb or sleb; the product must not overflow what set_rule checks. */
static cfi_signed factored(struct cfi_machine *machine, cfi_signed value)
{
    if (value < -(1 << 24) || value > 1 << 24) {
        machine->reader.failed = true;
        return 0;
    }
    return value * machine->common->data_align;
}

static void set_offset(struct cfi_machine *machine, cfi_word reg, enum cfi_kind kind,
                       cfi_signed value)
{
    set_rule(machine, reg, kind, factored(machine, value));
}

static void restore_rule(struct cfi_machine *machine, cfi_word reg)
{
    uint32_t bit = 1u << (reg & 31);

    if (reg >= CFI_REGISTERS)
        return;
    machine->state->rule[reg] = cfi_state_rule(&machine->initial, (unsigned)reg);
    machine->state->mask = (machine->state->mask & ~bit) | (machine->initial.mask & bit);
}

/* Moves on to location `to`, or stops there when the row before it is the wanted one. */
static void advance_to(struct cfi_machine *machine, cfi_word to)
{
    if (to < machine->location) {
        machine->reader.failed = true; /* rows only go up */
    } else if (to > machine->pc) {
        if (to < machine->end)
            machine->end = to;
        machine->found = true;
    } else {
        machine->location = to;
    }
}

static void advance_by(struct cfi_machine *machine, uint32_t delta)
{
    cfi_word bytes = delta * machine->common->code_align;
    cfi_word left = machine->end - machine->location;

    /* An advance to the end or beyond is how gcc closes a function; clamping keeps sums from
     * wrapping. */
    advance_to(machine, machine->location + (bytes < left ? bytes : left));
}

static void set_cfa(struct cfi_machine *machine, cfi_word reg, cfi_signed offset)
{
    if (reg >= CFI_REGISTERS || offset < INT32_MIN || offset > INT32_MAX) {
        machine->reader.failed = true;
        return;
    }
    machine->state->cfa_register = (uint32_t)reg;
    machine->state->cfa_offset = (int32_t)offset;
    machine->state->cfa_expression = 0;
}

/* A block's offset in .eh_frame stands for it; the reader moves behind it. */
static cfi_signed take_block(struct cfi_machine *machine)
{
    cfi_signed offset = machine->reader.at - machine->frames->start;

    cfi_reader_skip(&machine->reader, cfi_read_uleb(&machine->reader));
    return offset;
}

static void remember(struct cfi_machine *machine)
{
    if (machine->remembered == CFI_REMEMBER_DEPTH)
        machine->reader.failed = true;
    else
        state_copy(&machine->stack[machine->remembered++], machine->state);
}

static void recall(struct cfi_machine *machine)
{
    if (machine->remembered == 0)
        machine->reader.failed = true;
    else
        state_copy(machine->state, &machine->stack[--machine->remembered]);
}

/* The opcodes that say where the CFA is; false when `opcode` is none of them. */
static bool step_cfa(struct cfi_machine *machine, uint32_t opcode)
{
    struct cfi_reader *reader = &machine->reader;
    struct cfi_state *state = machine->state;
    cfi_word reg = state->cfa_register;

    switch (opcode) {
    case CFA_DEF_CFA:
        reg = cfi_read_uleb(reader);
        set_cfa(machine, reg, (cfi_signed)cfi_read_uleb(reader));
        break;
    case CFA_DEF_CFA_SF:
        reg = cfi_read_uleb(reader);
        set_cfa(machine, reg, factored(machine, cfi_read_sleb(reader)));
        break;
    case CFA_DEF_CFA_REGISTER:
        set_cfa(machine, cfi_read_uleb(reader), state->cfa_offset);
        break;
    case CFA_DEF_CFA_OFFSET:
        set_cfa(machine, reg, (cfi_signed)cfi_read_uleb(reader));
        break;
    case CFA_DEF_CFA_OFFSET_SF:
        set_cfa(machine, reg, factored(machine, cfi_read_sleb(reader)));
        break;
    case CFA_DEF_CFA_EXPRESSION:
        state->cfa_expression = (uint32_t)take_block(machine);
        break;
    default:
        return false;
    }
    return true;
}

/* The opcodes that say where a register is; false when `opcode` is none of them. */
static bool step_rule(struct cfi_machine *machine, uint32_t opcode)
{
    struct cfi_reader *reader = &machine->reader;
    cfi_word reg;

    if (opcode < CFA_OFFSET_EXTENDED || opcode > CFA_GNU_NEGATIVE_OFFSET_EXTENDED)
        return false;
    reg = cfi_read_uleb(reader);
    switch (opcode) {
    case CFA_OFFSET_EXTENDED:
        set_offset(machine, reg, CFI_OFFSET, (cfi_signed)cfi_read_uleb(reader));
        break;
    case CFA_OFFSET_EXTENDED_SF:
        set_offset(machine, reg, CFI_OFFSET, cfi_read_sleb(reader));
        break;
    case CFA_GNU_NEGATIVE_OFFSET_EXTENDED:
        set_offset(machine, reg, CFI_OFFSET, -(cfi_signed)cfi_read_uleb(reader));
        break;
    case CFA_VAL_OFFSET:
        set_offset(machine, reg, CFI_VAL_OFFSET, (cfi_signed)cfi_read_uleb(reader));
        break;
    case CFA_VAL_OFFSET_SF:
        set_offset(machine, reg, CFI_VAL_OFFSET, cfi_read_sleb(reader));
        break;
    case CFA_REGISTER:
        set_rule(machine, reg, CFI_REGISTER, (cfi_signed)cfi_read_uleb(reader));
        break;
    case CFA_EXPRESSION:
        set_rule(machine, reg, CFI_EXPRESSION, take_block(machine));
        break;
    case CFA_VAL_EXPRESSION:
        set_rule(machine, reg, CFI_VAL_EXPRESSION, take_block(machine));
        break;
    case CFA_UNDEFINED:
        set_rule(machine, reg, CFI_UNDEFINED, 0);
        break;
    case CFA_SAME_VALUE:
        set_rule(machine, reg, CFI_SAME, 0);
        break;
    case CFA_RESTORE_EXTENDED:
        restore_rule(machine, reg);
        break;
    default:
        return false;
    }
    return true;
}

/* The opcodes that move the location or keep whole states; false when `opcode` is none of them. */
static bool step_location(struct cfi_machine *machine, uint32_t opcode)
{
    struct cfi_reader *reader = &machine->reader;

    switch (opcode) {
    case CFA_NOP:
        break;
    case CFA_SET_LOC:
        advance_to(machine, cfi_read_pointer(reader, machine->common->pointer_encoding,
                                             machine->frames->bias, 0));
        break;
    case CFA_ADVANCE_LOC1:
        advance_by(machine, cfi_read_u8(reader));
        break;
    case CFA_ADVANCE_LOC2:
        advance_by(machine, cfi_read_u16(reader));
        break;
    case CFA_ADVANCE_LOC4:
        advance_by(machine, cfi_read_u32(reader));
        break;
    case CFA_MIPS_ADVANCE_LOC8: {
        uint64_t delta = cfi_read_u64(reader);

        advance_by(machine, delta > UINT32_MAX ? UINT32_MAX : (uint32_t)delta);
        break;
    }
    case CFA_REMEMBER_STATE:
        remember(machine);
        break;
    case CFA_RESTORE_STATE:
        recall(machine);
        break;
    case CFA_GNU_ARGS_SIZE:
        cfi_read_uleb(reader); /* matters to exceptions only */
        break;
    default:
        return false;
    }
    return true;
}

static void step(struct cfi_machine *machine)
{
    uint32_t opcode = cfi_read_u8(&machine->reader);
    uint32_t operand = opcode & 0x3f;

    switch (opcode & 0xc0) {
    case CFA_ADVANCE_LOC:
        advance_by(machine, operand);
        return;
    case CFA_OFFSET:
        set_offset(machine, operand, CFI_OFFSET, (cfi_signed)cfi_read_uleb(&machine->reader));
        return;
    case CFA_RESTORE:
        restore_rule(machine, operand);
        return;
    default:
        if (!step_location(machine, opcode) && !step_cfa(machine, opcode) &&
            !step_rule(machine, opcode))
            machine->reader.failed = true;
    }
}

/* Runs one program to its end, or to the row that is wanted. */
static bool run(struct cfi_machine *machine, struct cfi_reader program)
{
    machine->reader = program;
    while (!machine->found && !machine->reader.failed && machine->reader.at < machine->reader.end) {
        if (machine->steps++ == CFI_STEPS_MAX)
            return false;
        step(machine);
    }
    return !machine->reader.failed;
}

bool cfi_program_run(struct cfi_machine *machine, struct cfi_reader program)
{
    machine->steps = 0;
    machine->remembered = 0;
    machine->found = false;
    state_clear(machine->state);
    state_clear(&machine->initial);
    if (!run(machine, machine->common->program) || machine->found)
        return false;
    state_copy(&machine->initial, machine->state);
    if (!run(machine, program))
        return false;
    return machine->state->cfa_register < CFI_REGISTERS || machine->state->cfa_expression != 0;
}
