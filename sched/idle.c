/* SPDX-License-Identifier: MIT */
/*
 * The idle thread of a core: runs when nobody is ready. It looks at the run queues with interrupts
 * off and waits in one step that no interrupt can slip past (arch_cpu_idle_irqoff). Another core
 * that has work for this one finds it in the idle set and sends an interrupt.
 *
 * Where interrupts are dear (in a process they are signals) a core first stays awake for
 * ARCH_IDLE_POLL_NS after it ran something: it says so in the polling set, and who has work for it
 * only sets its `reschedule`. It leaves the set before it looks at the queues, under their lock.
 */
#include "arch/clock.h"
#include "arch/cpu.h"
#include "kernel/tick.h"
#include "kernel/upcall.h"
#include "mem/scavenger.h"
#include "sched/asleep.h"
#include "sched/help.h"
#include "sched/sched.h"
#include "sched/watchdog.h"
#include "sched/world.h"

/* ---- staying awake ---- */

#define IDLE_POLL_NS (WEFT_CONFIG_CORES == 1 ? 0 : ARCH_IDLE_POLL_NS)

static void polling_change_locked(const struct core *core, bool polls)
{
    uint32_t bit = 1u << core->id;

    place.polling = polls ? place.polling | bit : place.polling & ~bit;
}

/* Until when a core polls, and what had run there when that was decided. */
struct awake {
    uint64_t until_cycles;
    uint32_t switches;
};

/* Anew for a core that has run something since. */
static void awake_update_locked(struct awake *awake, const struct core *core, uint64_t now)
{
    uint32_t switches = sched_of(core)->switches;

    if (switches != awake->switches)
        *awake = (struct awake){now + tick_ns_to_cycles(IDLE_POLL_NS), switches};
}

/* Takes interrupts, and waits for a thread that another core makes ready. */
static void poll_irqoff(struct core *core, const struct awake *awake)
{
    do {
        arch_irq_enable();
        arch_cpu_relax();
        arch_irq_save();
    } while (!core_reschedule_asked(core) && arch_clock_now_irqoff() < awake->until_cycles);
}

/* ---- the loop ---- */

/* Runs whoever is ready, until nobody is. */
static void run_others_locked(struct core *core)
{
    bool somebody;

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
}

/* The same; then whether to poll: the core is in the polling set if so. */
static bool run_others_irqoff(struct core *core, struct awake *awake)
{
    bool polls = false;

    sched_lock_irqoff();
    if (IDLE_POLL_NS != 0)
        polling_change_locked(core, false);
    run_others_locked(core);
    if (IDLE_POLL_NS != 0) {
        uint64_t now = arch_clock_now_irqoff();

        awake_update_locked(awake, core, now);
        polls = now < awake->until_cycles;
        polling_change_locked(core, polls);
    }
    sched_unlock_irqoff();
    return polls;
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
    if (IDLE_POLL_NS != 0)
        polling_change_locked(core, false); /* it does not look meanwhile */
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
    struct awake awake = {0, 0};

    (void)argument;
    sched_unlock_irqoff(); /* taken by whoever switched here first */
    for (;;) {
        work_irqoff(core);
        help_irqoff(core);
        if (run_others_irqoff(core, &awake)) {
            poll_irqoff(core, &awake);
        } else {
            arch_cpu_idle_irqoff();
            arch_irq_save();
        }
    }
}
