/* SPDX-License-Identifier: MIT */
/*
 * The idle thread of a core: runs when nobody is ready. It looks at the run queues with interrupts
 * off and waits in one step that no interrupt can slip past (arch_cpu_idle_irqoff). Another core
 * that has work for this one finds it in the idle set and sends an interrupt.
 */
#include "arch/cpu.h"
#include "mem/scavenger.h"
#include "sched/asleep.h"
#include "sched/sched.h"
#include "sched/world.h"

/* Runs whoever is ready, until nobody is. */
static void run_others_irqoff(struct core *core)
{
    sched_lock_irqoff();
    core_reschedule_clear(core);
    if (place_waits_locked(core, 0))
        sched_switch_locked(core);
    else if (WEFT_CONFIG_CORES > 1)
        place.idle |= 1u << core->id; /* a thread was promised, and another core was faster */
    if (world_core_stopped_locked(core))
        world_core_parked_locked(core);
    asleep_look_locked(core);
    sched_unlock_irqoff();
}

_Noreturn void idle_entry(void *argument)
{
    struct core *core = core_self(); /* an idle thread never moves */

    (void)argument;
    sched_unlock_irqoff(); /* taken by whoever switched here first */
    for (;;) {
        if (sched_of(core)->dead != NULL) {
            arch_irq_enable();
            thread_reap();
            arch_irq_save();
        }
        if (cache_flush_wanted(core)) {
            arch_irq_enable();
            cache_flush_idle();
            arch_irq_save();
        }
        run_others_irqoff(core);
        arch_cpu_idle_irqoff();
        arch_irq_save();
    }
}
