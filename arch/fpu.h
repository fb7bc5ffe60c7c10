/* SPDX-License-Identifier: MIT */
/*
 * Arch contract: floating-point and vector state, per thread, saved lazily. A thread that never
 * touches it pays for one load and one branch per switch.
 */
#ifndef ARCH_FPU_H
#define ARCH_FPU_H

#include <stdbool.h>
#include <stddef.h>

struct core;

/* ARCH_FPU_BYTES: size of a thread's save area, at the top of its stack; 0 when the port keeps it
 * elsewhere. */

/* Prepares this core's unit; nobody owns it. */
void arch_fpu_init(struct core *core);

/* Called by the scheduler, interrupts off, when core->fpu_owner is not NULL and the thread `next`
 * (its save area) is about to run: makes the unit usable if it holds next's state, unusable
 * otherwise. */
static inline void arch_fpu_switch(struct core *core, void *next_area);

/* Around an exception's handler, and in debug builds around an interrupt's, interrupts off: the
 * unit is off, so that a handler that uses it is told instead of changing a thread's registers.
 * What arch_fpu_hide returns goes to arch_fpu_show. A port whose trap entry switches it off for
 * next to nothing has nothing to do in either. */
static inline bool arch_fpu_hide(void);
static inline void arch_fpu_show(bool was_on);

/* The thread with this area ends: forget its state. Interrupts off. */
static inline void arch_fpu_forget(struct core *core, void *area);

/* Is the area that nobody owns as arch_fpu_reset leaves it? */
static inline bool arch_fpu_is_reset(const void *area);

/* Nobody owns this area: it becomes a new thread's, as good as filled with zeros. */
static inline void arch_fpu_reset(void *area);

#include "port/fpu.h"

#endif
