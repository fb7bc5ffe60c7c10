/* SPDX-License-Identifier: MIT */
/*
 * The idle thread of a core: runs when nobody is ready. It looks at the run queue with interrupts
 * off and waits in one step that no interrupt can slip past (arch_cpu_idle_irqoff).
 */
#include "arch/cpu.h"
#include "sched/sched.h"

_Noreturn void idle_entry(void *argument)
{
    (void)argument;
    for (;;) {
        struct core *core = core_self();

        if (sched_of(core)->dead != NULL) {
            arch_irq_enable();
            thread_reap();
            arch_irq_save();
        }
        if (sched_of(core)->ready.bitmap != 0) {
            sched_switch_irqoff(core);
        } else {
            arch_cpu_idle_irqoff();
            arch_irq_save();
        }
    }
}
