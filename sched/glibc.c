/* SPDX-License-Identifier: MIT */
/*
 * glibc's per-thread state and locks, in place of sched/newlib.c. errno follows its thread (the
 * port's arch_fpu_switch); the rest belongs to the core's pthread. libc's own locks need nothing
 * from here, since no thread loses the core inside libc.
 */
#include <stdio.h>

#include "kernel/panic.h"
#include "kernel/upcall.h"
#include "sched/sched.h"

void newlib_thread_end(struct weft_thread *thread)
{
    (void)thread;
}

/* What one thread writes in one call stays together. printf goes past weft, but under libc's lock
 * of stdout, so that is the console's lock. It belongs to a pthread: no switch while it is held. */
bool upcall_console_lock(void)
{
    struct core *core = core_self();

    if (core->current == NULL || core->interrupt_depth != 0 || panic_begun() ||
        core->preempt_off != 0 || !arch_irq_enabled())
        return false;
    core_preempt_disable();
    flockfile(stdout);
    return true;
}

void upcall_console_unlock(void)
{
    funlockfile(stdout);
    core_preempt_enable();
}
