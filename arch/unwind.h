/* SPDX-License-Identifier: MIT */
/*
 * Arch contract: registers as the unwinder sees them, by DWARF number. The generic unwinder
 * (prof/unwind.c) interprets call frame information over them; the port says where they come from.
 *
 *   ARCH_UNWIND_REGISTERS    numbers 0 .. this - 1 are tracked
 *   ARCH_UNWIND_SP, _RA      DWARF numbers of the stack pointer and of the return-address column
 *   ARCH_UNWIND_CALL_BYTES   a call site is the return address minus this
 *   ARCH_UNWIND_PC_ALIGN     alignment of instructions, in bytes
 */
#ifndef ARCH_UNWIND_H
#define ARCH_UNWIND_H

#include <stdbool.h>
#include <stdint.h>

#include "port/unwind_registers.h"

/* Code that is not the image's but runs in the same address space (a hosted port's C library), and
 * its unwind tables: .eh_frame_hdr and .eh_frame. */
struct arch_foreign_code {
    uintptr_t start, end;
    const unsigned char *index_start, *index_end;
    const unsigned char *frames_start, *frames_end;
};

/* The foreign code that `pc` lies in, or NULL; always NULL on bare metal. Any context. Does not
 * change while threads run. */
static inline const struct arch_foreign_code *arch_foreign_code(uintptr_t pc);

struct arch_frame;

struct arch_unwind {
    uintptr_t pc;
    uintptr_t value[ARCH_UNWIND_REGISTERS];
};

/* From a trap frame: every register, exactly as it was. */
void arch_unwind_from_frame(struct arch_unwind *registers, const struct arch_frame *frame);

/* The same for those that the sampler tracks: pc, stack pointer, return address, and the registers
 * in `mask`, a bit for each number. The others are anything. */
void arch_unwind_tracked_from_frame(struct arch_unwind *registers, const struct arch_frame *frame,
                                    uint32_t mask);

/* From a parked context (what arch_switch or arch_context_init left in a saved stack pointer):
 * the registers as they will be when arch_switch returns; pc is that return address. */
void arch_unwind_from_parked(struct arch_unwind *registers, const void *saved_sp);

/* The caller's own: pc and sp inside the calling function, callee-saved registers. */
void arch_unwind_here(struct arch_unwind *registers);

/* For code without unwind information, innermost frame only: the rule for a leaf that has not moved
 * the stack pointer. Replaces pc and sp by the caller's; false when that can't be right. `lo` and
 * `hi` bound the stack: nothing outside is read. */
bool arch_unwind_leaf(struct arch_unwind *registers, uintptr_t lo, uintptr_t hi);

/* If registers->pc lies in the code that resumes an interrupted context whose frame stands at the
 * stack pointer (trap return, preemption), replaces them all by the interrupted context's and
 * returns true: its pc is then exact, not a return address. Reads only inside [lo, hi). */
bool arch_unwind_through_trap(struct arch_unwind *registers, uintptr_t lo, uintptr_t hi);

#include "port/unwind.h"

#endif
