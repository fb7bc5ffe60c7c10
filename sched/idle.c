/* SPDX-License-Identifier: MIT */
/*
 * The idle thread of a core: runs when nobody is ready. It looks at the run queues with interrupts
 * off and waits in one step that no interrupt can slip past (arch_cpu_idle_irqoff). Another core
 * that has work for this one finds it in the idle set and sends an interrupt.
 */
#include "arch/cpu.h"
#include "kernel/tick.h"
#include "kernel/upcall.h"
#include "mem/scavenger.h"
#include "sched/asleep.h"
#include "sched/help.h"
#include "sched/sched.h"
#include "sched/watchdog.h"
#include "sched/world.h"

/* Runs whoever is ready, until nobody is. */
static void run_others_irqoff(struct core *core)
{
    bool somebody;

    sched_lock_irqoff();
    sched_of(core)->idle_works = false;
    core_reschedule_clear(core);
    somebody = place_waits_locked(core, 0);
    if (somebody || tick_is_asked(core))
        tick_go_on_irqoff(core);
    if (WEFT_CONFIG_CORES > 1 && somebody)
        place.idle &= ~(1u << core->id);
    if (somebody)
        sched_switch_locked(core);
    else if (WEFT_CONFIG_CORES > 1)
        place.idle |= 1u << core->id; /* a thread was promised, and another core was faster */
    if (world_core_stopped_locked(core))
        world_core_parked_locked(core);
    asleep_look_locked(core);
    sched_unlock_irqoff();
}

/* A thread that waits in the queue of another core, which this one may run, comes with an
 * interrupt. */
bool upcall_sched_needs_tick(const struct core *core)
{
    return !sched_is_idle(core) || SHARED_LOAD(sched_of(core)->ready.bitmap) != 0 ||
           watchdog_needs_tick(core->id);
}

/* Not while the world is stopped: whoever stopped it looks at the heap. */
static bool work_begin_irqoff(struct core *core)
{
    bool begins;

    sched_lock_irqoff();
    begins = !world_core_stopped_locked(core);
    sched_of(core)->idle_works = begins;
    sched_unlock_irqoff();
    return begins;
}

/* What has been left for when there is nothing else to do. */
static void work_irqoff(struct core *core)
{
    bool flushes = WEFT_CONFIG_HEAP && cache_flush_wanted(core);

    if ((sched_of(core)->dead == NULL && !flushes) || !work_begin_irqoff(core))
        return;
    arch_irq_enable();
    if (sched_of(core)->dead != NULL)
        thread_reap();
    if (WEFT_CONFIG_HEAP && flushes)
        cache_flush_idle();
    arch_irq_save();
}

_Noreturn void idle_entry(void *argument)
{
    struct core *core = core_self(); /* an idle thread never moves */

    (void)argument;
    sched_unlock_irqoff(); /* taken by whoever switched here first */
    for (;;) {
        work_irqoff(core);
        help_irqoff(core);
        run_others_irqoff(core);
        arch_cpu_idle_irqoff();
        arch_irq_save();
    }
}
