/* SPDX-License-Identifier: MIT */
/*
 * Where threads keep words, for the collector and the heap dump, with the world stopped.
 *
 * A parked thread's registers lie on its stack, above the saved stack pointer: callee-saved ones
 * where arch_switch put them, the others where a preemption did. Above the stack are its start
 * record, its FPU area and its control block, which holds messages on their way and results. Only
 * the caller runs; its callee-saved registers are taken from the CPU.
 */
#include <weft/world.h>

#include "arch/context.h"
#include "arch/trap.h"
#include "arch/unwind.h"
#include "kernel/assert.h"
#include "kernel/upcall.h"
#include "sched/sched.h"
#include "sched/world.h"

bool upcall_world_may_stop(void)
{
    return world_may_stop();
}

static void thread_roots(const struct weft_thread *thread, uintptr_t sp,
                         void (*visit)(void *context, uintptr_t lo, uintptr_t hi), void *context)
{
    uintptr_t above = thread->stack_hi;

    visit(context, sp, thread->stack_hi);
    if (thread->stack == NULL)
        above = (uintptr_t)thread; /* the main thread's lies elsewhere, without a heap */
    else if (above > (uintptr_t)thread)
        above -= ARCH_STACK_ALIAS;
    if (ARCH_THREAD_FRAME_BYTES != 0 &&
        (thread == thread_current() ||
         !arch_thread_frame_is_used((const struct arch_frame *)thread->frame, thread->saved_sp))) {
        visit(context, above, (uintptr_t)thread->frame); /* around what an old interrupt has left */
        above = (uintptr_t)thread->frame + ARCH_THREAD_FRAME_BYTES;
    }
    visit(context, above, (uintptr_t)(thread + 1));
}

void upcall_world_idle(unsigned core, uintptr_t *lo, uintptr_t *hi)
{
    *lo = (uintptr_t)&schedulers[core].idle;
    *hi = (uintptr_t)(&schedulers[core].idle + 1);
}

__attribute__((noinline)) void upcall_world_roots(void (*visit)(void *context, uintptr_t lo,
                                                                uintptr_t hi),
                                                  void *context)
{
    const struct weft_thread *current = thread_current();
    struct arch_unwind here;

    ASSERT(world.holder == current);
    arch_unwind_here(&here);
    visit(context, (uintptr_t)&here, (uintptr_t)(&here + 1));
    for (struct weft_thread *thread = thread_all_first(); thread != NULL; thread = thread->all_next)
        if (thread != &schedulers[SHARED_LOAD(thread->core)].idle)
            thread_roots(thread,
                         thread == current ? here.value[ARCH_UNWIND_SP]
                                           : (uintptr_t)thread->saved_sp,
                         visit, context);
    for (const struct weft_thread *thread = thread_ended_first(); thread != NULL;
         thread = thread->all_next)
        visit(context, (uintptr_t)&thread->result, (uintptr_t)(&thread->result + 1));
}
