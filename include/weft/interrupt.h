/* SPDX-License-Identifier: MIT */
/*
 * Software interrupts: a core interrupts itself. Each core has two lines, 0 and 1; the handler of a
 * line is the same on all. What is raised waits while interrupts are off, as in a handler, and then
 * comes once, however often it was raised meanwhile; raised in its own handler, it comes again when
 * that has returned. Of both lines, 1 comes first.
 *
 * A handler runs on the core's system stack with interrupts off: it may wake threads (try-forms,
 * posting, weft_thread_resume), must not block, and has no floating point (WEFT_HANDLER; print with
 * weft_print). A thread of higher priority that it wakes runs as soon as it returns.
 */
#ifndef WEFT_INTERRUPT_H
#define WEFT_INTERRUPT_H

#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEFT_INTERRUPT_LINES 2

/* Before the definition of a function that weft calls as a handler (of an interrupt, a timer, an
 * exception): the compiler uses no vector and x87 registers in it, which are the interrupted
 * thread's and which nobody saves. On x86 gcc otherwise copies structures through them. On MIPS no
 * attribute says so (gcc there may move 8 bytes through $f0 to $f31: docs/interrupts.md). A handler
 * that uses them panics; on the pc an interrupt's or a timer's only when the interrupted thread has
 * never used them, or in a debug build (CONFIG=DEBUG=1). */
#if defined(__x86_64__)
#define WEFT_HANDLER __attribute__((target("general-regs-only")))
#else
#define WEFT_HANDLER
#endif

typedef void (*weft_interrupt_handler)(void *argument);

/* Installs the handler of a line on all cores; what was there before is replaced, NULL takes it
 * away. Not while another core may raise the line. Errors: WEFT_EINVAL (no such line). Context:
 * thread. Does not block. */
WEFT_MUST_CHECK int weft_interrupt_handle(unsigned line, weft_interrupt_handler handler,
                                          void *argument);

/* Raises a line of the calling core; with interrupts on, the handler has usually run when this
 * returns. A line without a handler panics when it comes, a line that does not exist here. Context:
 * any. Does not block. Cost: 10 instructions on MIPS, a write to the local APIC on a PC; no system
 * call in a process. */
void weft_interrupt_raise(unsigned line);

#ifdef __cplusplus
}
#endif

#endif
