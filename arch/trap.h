/* SPDX-License-Identifier: MIT */
/*
 * Arch contract: traps. An interrupt or exception saves the interrupted context in a frame on the
 * core's system stack and calls one of the upcalls of arch/upcall.h, with interrupts off.
 *
 * When upcall_interrupt answers true, the port moves the part of the frame that a call would
 * clobber to the interrupted thread's own stack (or has put it in its control block from the
 * start), and calls upcall_preempt() there, on that stack,
 * interrupts off; when it returns (much later, perhaps on another core) the thread goes on where it
 * was interrupted.
 */
#ifndef ARCH_TRAP_H
#define ARCH_TRAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weft/trap.h>

#include "arch/context.h"

struct arch_frame;

/* Installs the vectors on this core. Interrupts are off. */
void arch_trap_init(void);

static inline uintptr_t arch_frame_pc(const struct arch_frame *frame);
static inline uintptr_t arch_frame_sp(const struct arch_frame *frame);
static inline void arch_frame_set_pc(struct arch_frame *frame, uintptr_t pc);

/* Were interrupts on in the interrupted context? */
static inline bool arch_frame_irq_enabled(const struct arch_frame *frame);

/* If the frame interrupted arch_cpu_idle_irqoff before or in its wait, moves it behind the wait.
 * For interrupts taken from the idle thread that have made somebody ready. */
void arch_cpu_idle_resume(struct arch_frame *frame);

/* The exception's name for a report ("address error on load"), and the address it was about
 * (BadVAddr, CR2); false when it has none. */
const char *arch_frame_cause(const struct arch_frame *frame);
bool arch_frame_bad_address(const struct arch_frame *frame, uintptr_t *address);

/* For the application's exception handlers (weft/trap.h): the cause in their terms; a general
 * register by DWARF number, NULL when there is none that may change; is the pc a branch whose delay
 * slot trapped; moves the pc behind the instruction that trapped, false where that can't be done.
 */
enum weft_trap_cause arch_frame_trap(const struct arch_frame *frame);
uintptr_t *arch_frame_register(struct arch_frame *frame, unsigned number);
bool arch_frame_in_delay_slot(const struct arch_frame *frame);
bool arch_frame_skip(struct arch_frame *frame);

/* Software interrupts: a core interrupts itself, on line 0 or 1 (kernel/interrupt.c).
 * arch_soft_raise: any context. It comes to upcall_interrupt as soon as interrupts are on, once
 * however often it was raised. arch_soft_take: which line `pending` says (1 before 0), no longer
 * raised now; -1: `pending` is a device's, or nothing any more. At the trap's entry. */
static inline void arch_soft_raise(unsigned line);
static inline int arch_soft_take(uintptr_t pending);

/* Prints the register file in rows. No libc, no heap. */
void arch_frame_print(const struct arch_frame *frame);

/* Where frames of interrupts are in control blocks (arch/context.h): does this one hold the
 * registers of a thread, parked at `saved_sp`, or is it what is left of an interrupt that is over?
 */
static inline bool arch_thread_frame_is_used(const struct arch_frame *frame, const void *saved_sp);

/* ARCH_PREEMPT_STACK_BYTES: what a preempted thread needs below its stack pointer. */
#include "port/trap.h"

#if ARCH_THREAD_FRAME_BYTES == 0
static inline bool arch_thread_frame_is_used(const struct arch_frame *frame, const void *saved_sp)
{
    (void)frame, (void)saved_sp;
    return false;
}
#endif

#endif
