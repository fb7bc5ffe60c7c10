/* SPDX-License-Identifier: MIT */
/*
 * CPU exceptions, handled by the application. Without a handler, an exception ends in a report
 * (what, where, registers, all stacks) and exit status 70. A handler may repair the cause and
 * resume.
 *
 * A handler runs on the core's system stack with interrupts off, in interrupt context: it may wake
 * threads (try-forms), must not block, and has no floating point (WEFT_HANDLER, weft/interrupt.h;
 * print with weft_print). It is asked about threads only: an exception in an interrupt handler, in
 * a trap handler (the panic names both), or wherever else interrupts are off, is reported. A 64-bit
 * atomic never traps between its first and its last step.
 */
#ifndef WEFT_TRAP_H
#define WEFT_TRAP_H

#include <stdbool.h>
#include <stdint.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

enum weft_trap_cause {
    WEFT_TRAP_ADDRESS,        /* misaligned, or in a space that may not be touched */
    WEFT_TRAP_BUS,            /* the bus answered with an error */
    WEFT_TRAP_PAGE,           /* no page there, or not for this kind of access */
    WEFT_TRAP_INSTRUCTION,    /* reserved or invalid */
    WEFT_TRAP_BREAKPOINT,     /* break, int3, sdbbp */
    WEFT_TRAP_SYSTEM_CALL,    /* syscall (MIPS) */
    WEFT_TRAP_OVERFLOW,       /* signed addition (MIPS), into (x86) */
    WEFT_TRAP_CONDITION,      /* teq and its relatives (MIPS); a compiler's division by zero */
    WEFT_TRAP_COPROCESSOR,    /* one that is not there, or not enabled */
    WEFT_TRAP_FLOATING_POINT, /* an unmasked floating-point exception */
    WEFT_TRAP_DIVISION,       /* by zero (x86) */
    WEFT_TRAP_PROTECTION,     /* general protection (x86) */
    WEFT_TRAP_OTHER,
    WEFT_TRAP_CAUSES
};

/* The interrupted context; valid during the handler's call only. */
struct weft_trap;

/* Where it happened; in a branch's delay slot (MIPS) the branch, which is what is executed again.
 */
uintptr_t weft_trap_pc(const struct weft_trap *trap);
void weft_trap_set_pc(struct weft_trap *trap, uintptr_t pc);
bool weft_trap_in_delay_slot(const struct weft_trap *trap);

/* The data address that the exception is about; false when it has none. */
bool weft_trap_address(const struct weft_trap *trap, uintptr_t *address);

/* "address error on load or fetch": the words of the report. Static. */
const char *weft_trap_name(const struct weft_trap *trap);

/* A general register by its DWARF number (MIPS: 0..31; amd64: 0 rax, 1 rdx, 2 rcx, 3 rbx, 4 rsi,
 * 5 rdi, 6 rbp, 7 rsp, 8..15). Changes take effect on resuming. Errors: WEFT_EINVAL (no such
 * register, or one that can't change: MIPS $0). */
WEFT_MUST_CHECK int weft_trap_register(const struct weft_trap *trap, unsigned number,
                                       uintptr_t *value);
WEFT_MUST_CHECK int weft_trap_set_register(struct weft_trap *trap, unsigned number,
                                           uintptr_t value);

/* Moves the pc behind the instruction that trapped; in a delay slot, to where the branch goes, with
 * its link register set. Errors: WEFT_ENOTSUP (the instruction's length is not known: x86; or the
 * branch is one that this port does not evaluate: coprocessor branches). */
WEFT_MUST_CHECK int weft_trap_skip(struct weft_trap *trap);

/* Returns true to resume the interrupted context as `trap` now says, false for the report. */
typedef bool (*weft_trap_handler)(struct weft_trap *trap, enum weft_trap_cause cause,
                                  void *argument);

/* Installs the handler for a cause on all cores, or with NULL takes it away; what was there before
 * is replaced. Errors: WEFT_EINVAL (unknown cause). Context: thread. Does not block. */
WEFT_MUST_CHECK int weft_trap_handle(enum weft_trap_cause cause, weft_trap_handler handler,
                                     void *argument);

#ifdef __cplusplus
}
#endif

#endif
