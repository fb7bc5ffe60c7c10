/* SPDX-License-Identifier: MIT */
/*
 * Call frame information (.eh_frame), read at run time.
 *
 * A *table* is the linked image's .eh_frame with its sorted index .eh_frame_hdr. For a pc it
 * answers one *row*: where the canonical frame address (CFA, the caller's stack pointer before the
 * call) is, and where each register of the caller lies. A row holds for a range of pcs, start <= pc
 * < end.
 *
 *   1. cfi_find looks the pc up in the index, which gives one FDE (a function's description);
 *   2. the FDE's range is checked against the pc, and its CIE (what it shares with others) is read;
 *   3. CIE and FDE are programs (cfi_program.c): they run until the pc's row stands.
 *
 * Everything works in an interrupt handler: no allocation, no call outside prof/, stack use below
 * 1.5 KiB, time bounded by CFI_STEPS_MAX. Every byte is read through a cursor that stops at the
 * section's end, so a damaged table gives "no row", never a fault and never a loop.
 *
 * The word size, the byte order and the number of registers are those of the code that is compiled;
 * a host test compiles the same source for a foreign image with the three macros below.
 */
#ifndef PROF_CFI_H
#define PROF_CFI_H

#include <stdbool.h>
#include <stdint.h>

#ifndef CFI_WORD_BYTES
#define CFI_WORD_BYTES __SIZEOF_POINTER__
#endif
#ifndef CFI_BIG_ENDIAN
#define CFI_BIG_ENDIAN (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
#endif
#ifndef CFI_REGISTERS
#include "arch/unwind.h"
#define CFI_REGISTERS ARCH_UNWIND_REGISTERS
#endif

#if CFI_WORD_BYTES == 4
typedef uint32_t cfi_word;
typedef int32_t cfi_signed;
#else
typedef uint64_t cfi_word;
typedef int64_t cfi_signed;
#endif

_Static_assert(CFI_REGISTERS <= 32, "cfi_state.mask has a bit for each");

/* DW_CFA operations that one lookup may execute. A function of 10,000 instructions uses some
 * hundreds. */
#define CFI_STEPS_MAX 8192

/* One section's bytes. `bias` is the target's address of a byte minus its address here: 0 on the
 * target itself. */
struct cfi_section {
    const unsigned char *start, *end;
    cfi_word bias;
};

struct cfi_tables {
    struct cfi_section index;  /* .eh_frame_hdr */
    struct cfi_section frames; /* .eh_frame */
};

/* How the caller's value of one register is found. */
enum cfi_kind {
    CFI_SAME = 0,       /* not touched so far */
    CFI_UNDEFINED,      /* lost; for the return address: no caller */
    CFI_OFFSET,         /* in memory at CFA + value */
    CFI_VAL_OFFSET,     /* it is CFA + value */
    CFI_REGISTER,       /* in register number value */
    CFI_EXPRESSION,     /* in memory at the address the DWARF block computes */
    CFI_VAL_EXPRESSION, /* it is what the DWARF block computes */
};

/* Kind and value in one word, so that a remembered state is small: value * 8 + kind. For the
 * expressions the value is the block's offset in .eh_frame. */
typedef int32_t cfi_rule;

static inline enum cfi_kind cfi_rule_kind(cfi_rule rule)
{
    return (enum cfi_kind)(rule & 7);
}

static inline int32_t cfi_rule_value(cfi_rule rule)
{
    return rule >> 3;
}

/* What the opcodes change, and remember_state keeps. Few registers have a rule at any time, so the
 * rules stand behind a mask: those without a bit are CFI_SAME, and their words mean nothing. */
struct cfi_state {
    int32_t cfa_offset;
    uint32_t cfa_expression; /* not 0: offset in .eh_frame of the block that computes the CFA */
    uint32_t cfa_register;   /* CFI_REGISTERS: none yet */
    uint32_t mask;
    cfi_rule rule[CFI_REGISTERS];
};

static inline cfi_rule cfi_state_rule(const struct cfi_state *state, unsigned reg)
{
    return (state->mask >> reg & 1) != 0 ? state->rule[reg] : CFI_SAME;
}

/* The registers with a rule, lowest first: for (mask = state->mask; mask != 0; mask &= mask - 1).
 */
static inline unsigned cfi_lowest(uint32_t mask)
{
    return (unsigned)__builtin_ctz(mask);
}

struct cfi_row {
    cfi_word start, end;
    struct cfi_state state;
    uint8_t return_column; /* the register whose rule says where the return address is */
    bool signal_frame;     /* the caller was interrupted, it did not call: its pc is exact */
};

/* The row of `pc`; false when no FDE covers it or the table can't be understood. */
bool cfi_find(const struct cfi_tables *tables, cfi_word pc, struct cfi_row *row);

#endif
