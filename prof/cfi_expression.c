/* SPDX-License-Identifier: MIT */
/*
 * A small stack machine for DW_OP_ (DWARF 5, 2.5.1), with what gcc and binutils write into
 * .eh_frame. No branches, so its time is bounded by the block's length.
 */
#include "prof/cfi_expression.h"

#include "prof/cfi_reader.h"

#define EXPRESSION_DEPTH 8

enum {
    OP_ADDR = 0x03,
    OP_DEREF = 0x06,
    OP_CONST1U = 0x08,
    OP_CONST1S = 0x09,
    OP_CONST2U = 0x0a,
    OP_CONST2S = 0x0b,
    OP_CONST4U = 0x0c,
    OP_CONST4S = 0x0d,
    OP_CONSTU = 0x10,
    OP_CONSTS = 0x11,
    OP_DUP = 0x12,
    OP_DROP = 0x13,
    OP_AND = 0x1a,
    OP_MINUS = 0x1c,
    OP_MUL = 0x1e,
    OP_OR = 0x21,
    OP_PLUS = 0x22,
    OP_PLUS_UCONST = 0x23,
    OP_SHL = 0x24,
    OP_SHR = 0x25,
    OP_EQ = 0x29,
    OP_GE = 0x2a,
    OP_GT = 0x2b,
    OP_LE = 0x2c,
    OP_LT = 0x2d,
    OP_NE = 0x2e,
    OP_LIT0 = 0x30,
    OP_LIT31 = 0x4f,
    OP_BREG0 = 0x70,
    OP_BREG31 = 0x8f,
    OP_BREGX = 0x92,
    OP_NOP = 0x96,
};

struct evaluation {
    const struct cfi_expression_input *input;
    struct cfi_reader reader;
    unsigned depth;
    uintptr_t stack[EXPRESSION_DEPTH];
};

static void push(struct evaluation *e, uintptr_t value)
{
    if (e->depth == EXPRESSION_DEPTH)
        e->reader.failed = true;
    else
        e->stack[e->depth++] = value;
}

static uintptr_t pop(struct evaluation *e)
{
    if (e->depth == 0) {
        e->reader.failed = true;
        return 0;
    }
    return e->stack[--e->depth];
}

static void push_register(struct evaluation *e, cfi_word reg)
{
    uintptr_t offset = (uintptr_t)cfi_read_sleb(&e->reader);

    if (reg < CFI_REGISTERS)
        push(e, e->input->registers[reg] + offset);
    else
        e->reader.failed = true;
}

static void dereference(struct evaluation *e)
{
    uintptr_t address = pop(e);

    if (address % sizeof(uintptr_t) != 0 || address < e->input->lo || address >= e->input->hi ||
        e->input->hi - address < sizeof(uintptr_t))
        e->reader.failed = true;
    else
        push(e, *(const uintptr_t *)address);
}

/* Constants; false when `op` is none. */
static bool step_constant(struct evaluation *e, uint32_t op)
{
    struct cfi_reader *reader = &e->reader;

    switch (op) {
    case OP_ADDR:
        push(e, (uintptr_t)cfi_read_format(reader, PE_ABSPTR));
        break;
    case OP_CONST1U:
        push(e, cfi_read_u8(reader));
        break;
    case OP_CONST1S:
        push(e, (uintptr_t)(intptr_t)(int8_t)cfi_read_u8(reader));
        break;
    case OP_CONST2U:
    case OP_CONST2S:
        push(e, (uintptr_t)cfi_read_format(reader, op == OP_CONST2U ? PE_UDATA2 : PE_SDATA2));
        break;
    case OP_CONST4U:
    case OP_CONST4S:
        push(e, (uintptr_t)cfi_read_format(reader, op == OP_CONST4U ? PE_UDATA4 : PE_SDATA4));
        break;
    case OP_CONSTU:
        push(e, (uintptr_t)cfi_read_uleb(reader));
        break;
    case OP_CONSTS:
        push(e, (uintptr_t)cfi_read_sleb(reader));
        break;
    default:
        if (op < OP_LIT0 || op > OP_LIT31)
            return false;
        push(e, op - OP_LIT0);
    }
    return true;
}

/* Two operands, the upper one `b`; false when `op` has not two. */
static bool binary(uint32_t op, uintptr_t a, uintptr_t b, uintptr_t *result)
{
    bool shiftable = b < 8 * sizeof a;

    switch (op) {
    case OP_AND:
        *result = a & b;
        return true;
    case OP_OR:
        *result = a | b;
        return true;
    case OP_MINUS:
        *result = a - b;
        return true;
    case OP_PLUS:
        *result = a + b;
        return true;
    case OP_MUL:
        *result = a * b;
        return true;
    case OP_SHL:
        *result = shiftable ? a << b : 0;
        return true;
    case OP_SHR:
        *result = shiftable ? a >> b : 0;
        return true;
    case OP_EQ:
        *result = a == b;
        return true;
    case OP_NE:
        *result = a != b;
        return true;
    case OP_GE:
        *result = (intptr_t)a >= (intptr_t)b;
        return true;
    case OP_GT:
        *result = (intptr_t)a > (intptr_t)b;
        return true;
    case OP_LE:
        *result = (intptr_t)a <= (intptr_t)b;
        return true;
    case OP_LT:
        *result = (intptr_t)a < (intptr_t)b;
        return true;
    default:
        return false;
    }
}

static void step_binary(struct evaluation *e, uint32_t op)
{
    uintptr_t b = pop(e), a = pop(e), result = 0;

    if (!binary(op, a, b, &result))
        e->reader.failed = true;
    push(e, result);
}

static void step(struct evaluation *e)
{
    uint32_t op = cfi_read_u8(&e->reader);

    if (op >= OP_BREG0 && op <= OP_BREG31)
        push_register(e, op - OP_BREG0);
    else if (op == OP_BREGX)
        push_register(e, cfi_read_uleb(&e->reader));
    else if (op == OP_DEREF)
        dereference(e);
    else if (op == OP_PLUS_UCONST)
        push(e, pop(e) + (uintptr_t)cfi_read_uleb(&e->reader));
    else if (op == OP_DUP && e->depth > 0)
        push(e, e->stack[e->depth - 1]);
    else if (op == OP_DROP)
        pop(e);
    else if (op != OP_NOP && !step_constant(e, op))
        step_binary(e, op);
}

bool cfi_expression_run(const struct cfi_expression_input *input, uint32_t offset,
                        const uintptr_t *initial, uintptr_t *result)
{
    struct evaluation e;

    e.input = input;
    e.depth = 0;
    e.reader = (struct cfi_reader){input->frames->start, input->frames->end, false};
    cfi_reader_skip(&e.reader, offset);
    struct cfi_reader behind = e.reader;
    cfi_word bytes = cfi_read_uleb(&behind);

    e.reader.at = behind.at;
    cfi_reader_skip(&behind, bytes);
    e.reader.end = behind.at;
    e.reader.failed |= behind.failed;
    if (initial != NULL)
        push(&e, *initial);
    while (!e.reader.failed && e.reader.at < e.reader.end)
        step(&e);
    *result = pop(&e);
    return !e.reader.failed;
}
