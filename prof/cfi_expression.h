/* SPDX-License-Identifier: MIT */
/* DWARF expressions in call frame information: rare (x86's PLT and realigned stacks), never in MIPS
 * C code. */
#ifndef PROF_CFI_EXPRESSION_H
#define PROF_CFI_EXPRESSION_H

#include <stddef.h>

#include "prof/cfi.h"

/* What an expression may look at. */
struct cfi_expression_input {
    const struct cfi_section *frames;
    const uintptr_t *registers; /* CFI_REGISTERS of them */
    uintptr_t lo, hi;           /* only words inside are dereferenced */
};

/* Runs the block at `offset` in .eh_frame. `initial`, when not NULL, is pushed first (register
 * rules start with the CFA). False: an opcode it doesn't know, or a read outside [lo, hi). */
bool cfi_expression_run(const struct cfi_expression_input *input, uint32_t offset,
                        const uintptr_t *initial, uintptr_t *result);

#endif
