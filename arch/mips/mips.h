/* SPDX-License-Identifier: MIT */
/* Inside the port. */
#ifndef ARCH_MIPS_MIPS_H
#define ARCH_MIPS_MIPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arch_frame;

void mips_fpu_save(void *area);
void mips_fpu_load(const void *area);

/* A thread used the FPU without owning it: makes it the owner. False: that was not the reason. */
bool mips_fpu_take(struct arch_frame *frame);

/* For a report: FCSR of what was interrupted, and (registers) the others, if it has the unit. */
void mips_fpu_print(const struct arch_frame *frame, bool registers);

/* A floating-point exception was handled: it is not raised again. */
void mips_fpu_exception_over(void);

/* stack_map.c, WEFT_CONFIG_STACK_MAPPED. On each core, before its first thread; board_guard_...'s
 * bodies, without other cores' TLBs; this core's TLB; and a TLB exception: true when it came from
 * an entry older than the table, and the instruction is to be run again. */
void mips_stack_map_init(void);

/* atomic64_settle.c: every restartable sequence is where interrupts look for it. */
void mips_restart_init(void);
size_t mips_guard_bytes(void);
bool mips_guard_set(void *page, const void *end);
void mips_guard_clear(void *page, const void *end);
void mips_tlb_empty_irqoff(void);
bool mips_stack_map_missed(uintptr_t address);

/* From start.S: core `id`'s first C function. */
_Noreturn void mips_boot_core(unsigned id);

/* The board's, from start.S, when the image can't run: prints the sentence and stops with a status.
 * The CPU may be of another release than the image is for, and .bss may not be there. `arguments`
 * and `environment` are the loader's. Boards without one stop silently. */
_Noreturn void board_early_refuse(const char *sentence, const char *const *arguments,
                                  const char *const *environment);

/* tls.c: a reserved-instruction exception was the read of the thread pointer on a CPU without one:
 * done in the frame. */
bool mips_tls_emulate(struct arch_frame *frame);

/* From vectors.S. */
void mips_exception(struct arch_frame *frame);

/* Where trap code calls C: return addresses the unwinder meets (vectors.S). */
extern const char arch_vectors[], arch_trap_begin[], arch_trap_end[];
extern const char arch_interrupt_return[], arch_timer_return[], arch_exception_return[];
extern const char arch_preempt_return[];
extern const char arch_idle_begin[], arch_idle_end[];
extern const char arch_secondary_start[]; /* reset entry of the other cores, 4 KiB aligned */
extern const char arch_thread_resume[];   /* where a new context starts (switch.S) */

#endif
