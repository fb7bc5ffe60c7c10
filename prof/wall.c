/* SPDX-License-Identifier: MIT */
/*
 * Wall-clock mode: blocked threads are sampled at the same ticks as the running one, without the
 * tick handler having to look at them.
 *
 * A blocked thread's stack does not change, so one walk is as good as one at every tick. A thread
 * that runs again counts the ticks that have come since it blocked and writes one record for them,
 * of its own stack: it costs nothing while threads wait, and waits that no tick fell into cost a
 * comparison. Threads that still wait when the profile ends are looked at then, with the world
 * stopped. What a thread waits for is the reason that it blocked for first (a condition's waiter
 * that goes on to the mutex has waited for the condition).
 *
 * Threads that are ready but have no core are not sampled: they don't wait for anything but it.
 */
#include "prof/wall.h"

#include <weft/world.h>

#include "arch/clock.h"
#include "arch/irq.h"
#include "kernel/cores.h"
#include "kernel/upcall.h"
#include "prof/sampler.h"
#include "sched/sched.h"
#include "sched/world.h"

/* Ticks of this core since `since` (cycles): those at its deadlines, one period apart, that lie
 * behind it. The next one is still to come. */
static uint32_t ticks_since(const struct core *core, const struct sampler *sampler, uint64_t since)
{
    uint64_t last = core->tick_deadline - core->tick_period;
    uint64_t span;

    if (since < sampler->started_cycles)
        since = sampler->started_cycles;
    if (since >= last)
        return 0;
    span = last - since - 1;
    if (span >> 32 == 0)
        return 1 + (uint32_t)span / core->tick_period;
    return 1 + (uint32_t)(span / core->tick_period);
}

void upcall_waited(struct weft_thread *thread, unsigned reason)
{
    struct core *core = core_self();
    struct sampler *sampler = &samplers[core->id];
    struct arch_unwind registers;
    uint32_t due;

    if (!sampler->running || (sampler->flags & LOG_WALL) == 0)
        return;
    due = ticks_since(core, sampler, thread_wait_since(thread));
    if (due == 0)
        return;
    arch_unwind_here(&registers);
    sampler_waited_irqoff(sampler, thread, reason, &registers, 1, due);
}

void wall_start(void)
{
    __atomic_fetch_add(&wait_watchers, 1, __ATOMIC_RELAXED);
}

static void sample_blocked(struct weft_thread *thread)
{
    arch_irq_state state = arch_irq_save();
    struct core *core = core_self();
    struct sampler *sampler = &samplers[core->id];
    struct arch_unwind registers;
    uint32_t due = ticks_since(core, sampler, thread_wait_since(thread));

    if (due != 0 && sampler->running && thread_stack_trylock(thread)) {
        arch_unwind_from_parked(&registers, thread->saved_sp);
        sampler_waited_irqoff(sampler, thread, thread->wait_reason, &registers, 1, due);
        thread_stack_unlock(thread);
    }
    arch_irq_restore(state);
}

void wall_stop(void)
{
    bool stop = world_may_stop();

    if (stop)
        weft_world_stop("profile");
    __atomic_fetch_sub(&wait_watchers, 1, __ATOMIC_RELAXED);
    for (struct weft_thread *thread = thread_all_first(); thread != NULL; thread = thread->all_next)
        if (thread->state == THREAD_BLOCKED && !thread->on_core &&
            thread->wait_reason != WAIT_WORLD)
            sample_blocked(thread);
    if (stop)
        weft_world_start();
}
