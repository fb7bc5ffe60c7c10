/* SPDX-License-Identifier: MIT */
/*
 * Interrupts and exceptions, seen from above the port.
 *
 *   port's vector -> upcall_interrupt / upcall_timer (kernel/tick.c) -> board or sampler,
 * scheduler, or a software interrupt's handler
 *                 <- verdict (trap_leave)
 *   port: return to the interrupted instruction, or move the frame and call upcall_preempt
 *
 * A handler never switches; it marks threads ready, and the verdict is asked for once, at the
 * outermost exit. Exceptions: kernel/exception.c.
 */
#include "kernel/trap.h"

#include "arch/clock.h"
#include "arch/upcall.h"
#include "kernel/board.h"
#include "kernel/interrupt.h"
#include "kernel/tick.h"

const struct upcall_sites *upcall_sites;

static inline void handle(uintptr_t pending)
{
    int line = arch_soft_take(pending);

    if (line == 0)
        interrupt_lines[0].handler(interrupt_lines[0].argument);
    else if (line > 0)
        interrupt_lines[1].handler(interrupt_lines[1].argument);
    else
        board_interrupt(pending);
}

/* While the profiler runs: a tick that comes due in here is the handler's, not that of the code it
 * interrupted, which is where the timer's interrupt will then land. */
static __attribute__((noinline)) void watched_interrupt(struct core *core, uintptr_t pending)
{
    uint64_t start = arch_clock_now_irqoff(), end;

    handle(pending);
    end = arch_clock_now_irqoff();
    core->handler_ticks += tick_due_irqoff(core, end) - tick_due_irqoff(core, start);
    if (SHARED_LOAD(upcall_sites) != NULL)
        SHARED_LOAD(upcall_sites)->handler_took(core, 1 + (unsigned)pending, end - start);
}

bool upcall_interrupt(struct arch_frame *frame, uintptr_t pending)
{
    struct core *core = core_self();

    trap_enter(core, frame);
    if (__builtin_expect(core->handlers_watched != 0, 0))
        watched_interrupt(core, pending);
    else
        handle(pending);
    return trap_leave(core);
}
