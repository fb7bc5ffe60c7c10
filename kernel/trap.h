/* SPDX-License-Identifier: MIT */
/* Entry to and exit from interrupt context, common to all interrupts (kernel/trap.c). */
#ifndef KERNEL_TRAP_H
#define KERNEL_TRAP_H

#include <stdbool.h>

#include "arch/atomic64.h"
#include "arch/fpu.h"
#include "arch/trap.h"
#include "kernel/assert.h"
#include "kernel/core.h"
#include "kernel/cores.h"
#include "kernel/shared.h"
#include "kernel/upcall.h"

/* Debug builds: whether the unit was on in what the core's handler has interrupted. */
extern bool trap_unit_was_on[WEFT_CONFIG_CORES];

/* On the system stack, interrupts off; `frame` is the interrupted context. */
static inline void trap_enter(struct core *core, struct arch_frame *frame)
{
    DEBUG_ASSERT(core->interrupt_depth == 0); /* none nests */
    SHARED_STORE(core->interrupt_depth, 1);
    core->frame = frame;
    arch_atomic64_settle_irqoff(frame);
    cores_freeze_point_irqoff();
    (void)cores_hold_point_irqoff(core->id, false);
    if (WEFT_CONFIG_DEBUG)
        trap_unit_was_on[core->id] = arch_fpu_hide();
}

/* The verdict: true when the interrupted thread must give up the core now. This is the only place
 * where an interrupt leads to a switch. */
static inline bool trap_leave(struct core *core)
{
    if (WEFT_CONFIG_DEBUG)
        arch_fpu_show(trap_unit_was_on[core->id]);
    SHARED_STORE(core->interrupt_depth, 0);
    if (!core_reschedule_asked(core))
        return false;
    return upcall_sched_may_preempt(core, core->frame);
}

#endif
