/* SPDX-License-Identifier: MIT */
/*
 * Interrupts and exceptions, seen from above the port.
 *
 *   port's vector -> upcall_interrupt / upcall_timer (kernel/tick.c) -> board or sampler, scheduler
 *                 <- verdict (trap_leave)
 *   port: return to the interrupted instruction, or move the frame and call upcall_preempt
 *
 * A handler never switches; it marks threads ready, and the verdict is asked for once, at the
 * outermost exit. Exceptions: kernel/exception.c.
 */
#include "kernel/trap.h"

#include "arch/upcall.h"
#include "kernel/board.h"

bool upcall_interrupt(struct arch_frame *frame, uintptr_t pending)
{
    struct core *core = core_self();

    trap_enter(core, frame);
    core->interrupts++;
    board_interrupt(pending);
    return trap_leave(core, frame);
}
