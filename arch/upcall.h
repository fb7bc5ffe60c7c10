/* SPDX-License-Identifier: MIT */
/* What a port calls upwards, by name at link time. All run on the system stack with interrupts off
 * unless said otherwise. */
#ifndef ARCH_UPCALL_H
#define ARCH_UPCALL_H

#include <stdbool.h>
#include <stdint.h>

struct arch_frame;

/* The first C function, on core 0's system stack. The arguments are the boot loader's,
 * port-specific. */
_Noreturn void upcall_boot(uintptr_t a0, uintptr_t a1, uintptr_t a2, uintptr_t a3);

/* The first C function of core `id` (1 ..), on its own system stack; core_self() works. */
_Noreturn void upcall_boot_core(unsigned id);

/* An interrupt came. `pending` says which, in the port's terms; the board knows what is wired
 * where. True: the interrupted thread must give up the core; the port then calls upcall_preempt
 * (arch/trap.h). */
bool upcall_interrupt(struct arch_frame *frame, uintptr_t pending);

/* The core's one-shot timer fired. Same answer. */
bool upcall_timer(struct arch_frame *frame);

/* On the interrupted thread's stack, interrupts off; returns when the thread has the core again. */
void upcall_preempt(void);

/* A CPU exception that the port does not handle itself. Returns to resume the frame. */
void upcall_exception(struct arch_frame *frame);

/* Where a thread's entry function ends up when it returns through the first frame: it must not. */
_Noreturn void upcall_thread_returned(void);

/* An interrupt that comes even where interrupts are off, on a stack of its own: somebody wants to
 * know what this core does. core->frame has all registers of what it interrupted. */
void upcall_nmi(void);

#endif
