/* SPDX-License-Identifier: MIT */
/*
 * What one thread may do to another, or to itself, while that exists: suspend it, change its
 * priority, the cores it may run on, whether it gives way.
 *
 * Suspending is a count in the control block. A suspended thread is in no queue: one that was ready
 * is taken out of its run queue; one that runs leaves its core at the next switch, for which its
 * core is interrupted (sched_give_way_locked in preempt.c); one that is blocked stays where it
 * waits, and when it is woken, with whatever it got, it stops there instead of becoming ready
 * (sched_ready_locked). Then, and in the first case, it is blocked with the reason "suspended" and
 * without a queue, and resuming makes it ready.
 *
 * A new priority is the thread's own. What it runs at also follows from the mutexes it holds, so
 * the change goes through the same function as inheritance, along the chain of owners
 * (mutex_priority_changed_locked).
 */
#include <weft/console.h>
#include <weft/thread.h>

#include "arch/clock.h"
#include "arch/cpu.h"
#include "arch/tls.h"
#include "kernel/assert.h"
#include "kernel/cores.h"
#include "kernel/tick.h"
#include "sched/sched.h"
#include "sched/thread_list.h"

static bool is_thread(const struct weft_thread *thread)
{
    return thread != NULL && thread->magic == THREAD_MAGIC;
}

/* Takes the scheduler's lock, and finds the thread in a state in which something can be done with
 * it; otherwise the lock is let go of again. */
static int enter(const struct weft_thread *thread, arch_irq_state *state)
{
    int result = 0;

    if (!is_thread(thread))
        return WEFT_EINVAL;
    *state = sched_enter();
    if (!is_thread(thread) || thread->runtime)
        result = WEFT_EINVAL;
    else if (thread->state == THREAD_EXITED)
        result = WEFT_ESTATE;
    if (result != 0)
        sched_exit(*state);
    return result;
}

static struct core *core_of(const struct weft_thread *thread)
{
    return &cores[WEFT_CONFIG_CORES == 1 ? 0 : thread->core];
}

/* ---- suspend and resume ---- */

void sched_park_locked(struct weft_thread *thread)
{
    thread->state = THREAD_BLOCKED;
    thread->wait_reason = WAIT_SUSPENDED;
    thread->wait_object = NULL;
    thread->wait_queue = NULL;
    thread->wait_stamp = arch_clock_stamp_irqoff();
}

static void suspend_locked(struct weft_thread *thread)
{
    enum thread_state state = thread_state(thread);

    if (state == THREAD_READY) {
        runq_remove(&sched_of(core_of(thread))->ready, thread);
        sched_park_locked(thread);
    } else if (state == THREAD_RUNNING) {
        place_look_again_locked(core_of(thread));
    }
}

/* Until no other core runs the thread. Its control block is not looked at: it may have ended. */
static void wait_until_off(const struct weft_thread *thread)
{
    bool running = WEFT_CONFIG_CORES > 1;

    while (running) {
        arch_irq_state state = sched_enter();

        running = false;
        for (unsigned id = 0; id < WEFT_CONFIG_CORES; id++)
            if (cores[id].current == thread && &cores[id] != core_self() && thread->suspended != 0)
                running = true;
        sched_exit(state);
        arch_cpu_relax();
    }
}

/* May this context wait for another core to take an interrupt? */
static bool may_wait_for_core(void)
{
    bool irq_on = arch_irq_enabled();
    arch_irq_state state = core_pin();
    const struct core *core = core_self();
    bool may = irq_on && core_may_switch(core);

    core_unpin(state);
    return may;
}

static __attribute__((noinline)) int suspend_any(struct weft_thread *thread)
{
    arch_irq_state state;
    int result = enter(thread, &state);

    if (result != 0)
        return result;
    if (thread->suspended == UINT8_MAX) {
        sched_exit(state);
        return WEFT_ESTATE;
    }
    if (thread == core_self()->current && core_self()->interrupt_depth == 0)
        sched_assert_may_block_irqoff("weft_thread_suspend");
    if (++thread->suspended == 1)
        suspend_locked(thread);
    sched_leave(state);
    if (may_wait_for_core())
        wait_until_off(thread);
    return 0;
}

/* Has another core a say in what the calling thread does next? */
static inline bool is_wanted_by_others_locked(const struct weft_thread *current)
{
    return WEFT_CONFIG_CORES > 1 && (current->suspended | core_occupied(core_self())) != 0;
}

int weft_thread_suspend(struct weft_thread *thread)
{
    arch_irq_state state;

    if (thread != thread_current() || core_occupied(core_self()) != 0 || thread->runtime)
        return suspend_any(thread);
    state = sched_enter();
    if (is_wanted_by_others_locked(thread)) {
        sched_exit(state);
        return suspend_any(thread);
    }
    DEBUG_ASSERT(thread->suspended == 0); /* else a switch would have been asked for */
    thread->suspended = 1;
    sched_park_locked(thread);
    sched_block_locked();
    sched_exit_thread();
    return 0;
}

static __attribute__((noinline)) int resume_any(struct weft_thread *thread)
{
    arch_irq_state state;
    int result = enter(thread, &state);

    if (result != 0)
        return result;
    if (thread->suspended == 0)
        result = WEFT_ESTATE;
    else if (--thread->suspended == 0 && thread->state == THREAD_BLOCKED &&
             thread->wait_reason == WAIT_SUSPENDED)
        sched_ready_locked(thread);
    sched_leave(state);
    return result;
}

/* In a thread: a better one has the core at once. */
static __attribute__((noinline)) int resume_switching(struct weft_thread *thread,
                                                      arch_irq_state state)
{
    if (!sched_hand_over_locked(core_self(), thread)) {
        sched_ready_plain_locked(thread);
        return sched_leave_with(state, 0);
    }
    sched_exit(state);
    return 0;
}

int weft_thread_resume(struct weft_thread *thread)
{
    arch_irq_state state;

    if (thread == NULL)
        return WEFT_EINVAL;
    state = sched_enter();
    if (thread->magic == THREAD_MAGIC && thread->suspended == 1 &&
        thread->state == THREAD_BLOCKED && thread->wait_reason == WAIT_SUSPENDED) {
        thread->suspended = 0;
        if (core_self()->interrupt_depth == 0)
            return resume_switching(thread, state);
        sched_ready_plain_locked(thread); /* the handler's end looks for a switch */
        sched_exit_unswitched(state);
        return 0;
    }
    sched_exit(state);
    return resume_any(thread);
}

/* ---- priority, cores, giving way ---- */

int weft_thread_set_priority(struct weft_thread *thread, int priority)
{
    arch_irq_state state;
    int result;

    if ((unsigned)priority > WEFT_PRIORITY_HIGHEST)
        return WEFT_EINVAL;
    result = enter(thread, &state);
    if (result != 0)
        return result;
    thread->base_priority = (uint8_t)priority;
    mutex_priority_changed_locked(thread);
    sched_leave(state);
    return 0;
}

int weft_thread_set_cores(struct weft_thread *thread, uint32_t allowed)
{
    arch_irq_state state;
    int result;

    if (allowed == 0)
        allowed = UINT32_MAX;
    if ((allowed & cores_online()) == 0)
        return WEFT_EINVAL;
    result = enter(thread, &state);
    if (result != 0)
        return result;
    if (WEFT_CONFIG_CORES > 1 && WEFT_CONFIG_TLS && core_self()->tls_used == ARCH_TLS_OF_CORES &&
        (allowed >> thread->core & 1) != 0)
        allowed = 1u << thread->core; /* as it was: sched_switch_tls */
    thread->affinity = allowed;
    if (WEFT_CONFIG_CORES > 1 && thread_state(thread) == THREAD_READY) {
        runq_remove(&sched_of(core_of(thread))->ready, thread);
        place_locked(thread);
    } else if (WEFT_CONFIG_CORES > 1 && thread_state(thread) == THREAD_RUNNING &&
               (allowed >> thread->core & 1) == 0) {
        place_look_again_locked(core_of(thread));
    }
    sched_leave(state);
    return 0;
}

uint32_t weft_thread_cores(const struct weft_thread *thread)
{
    return is_thread(thread) ? thread->affinity & cores_online() : 0;
}

int weft_thread_set_cooperative(struct weft_thread *thread, bool cooperative)
{
    arch_irq_state state;
    int result = enter(thread, &state);

    if (result != 0)
        return result;
    thread->cooperative = cooperative;
    if (!cooperative && thread_state(thread) == THREAD_RUNNING)
        place_priority_dropped_locked(thread);
    sched_leave(state);
    return 0;
}

/* ---- time slices ---- */

uint32_t slice_cycles[RUNQ_PRIORITIES];

void slices_init(void)
{
    for (unsigned priority = 0; priority < RUNQ_PRIORITIES; priority++)
        slice_cycles[priority] = (uint32_t)tick_ns_to_cycles(WEFT_CONFIG_SLICE_US * 1000ull);
}

int weft_slice_set_ns(int priority, uint64_t ns)
{
    uint64_t cycles = tick_ns_to_cycles(ns);

    if ((unsigned)priority > WEFT_PRIORITY_HIGHEST || cycles >= SLICE_NONE)
        return WEFT_EINVAL;
    __atomic_store_n(&slice_cycles[priority], ns == 0 ? SLICE_NONE : (uint32_t)cycles,
                     __ATOMIC_RELAXED);
    return 0;
}

uint64_t weft_slice_ns(int priority)
{
    uint32_t cycles;

    if ((unsigned)priority > WEFT_PRIORITY_HIGHEST)
        return 0;
    cycles = __atomic_load_n(&slice_cycles[priority], __ATOMIC_RELAXED);
    return cycles == SLICE_NONE ? 0 : tick_cycles_to_ns(cycles);
}

/* ---- at the end ---- */

static struct weft_thread *hook_owner(const struct weft_exit_hook *hook, const char *function)
{
    if (core_in_interrupt())
        weft_panic("%s was called in an interrupt handler: a hook belongs to the thread that calls",
                   function);
    if (hook == NULL)
        weft_panic("%s: the hook is NULL", function);
    return thread_current();
}

void weft_thread_hook_add(struct weft_exit_hook *hook, void (*function)(void *argument),
                          void *argument)
{
    struct weft_thread *current = hook_owner(hook, "weft_thread_hook_add");

    if (function == NULL)
        weft_panic("weft_thread_hook_add: the function is NULL");
    for (const struct weft_exit_hook *at = current->hooks; at != NULL; at = at->next)
        if (at == hook)
            weft_panic("weft_thread_hook_add: thread \"%s\" has hook %p already: each needs a "
                       "structure of its own",
                       current->name, (const void *)hook);
    *hook = (struct weft_exit_hook){current->hooks, function, argument};
    current->hooks = hook;
}

int weft_thread_hook_remove(struct weft_exit_hook *hook)
{
    struct weft_thread *current = hook_owner(hook, "weft_thread_hook_remove");

    for (struct weft_exit_hook **at = &current->hooks; *at != NULL; at = &(*at)->next) {
        if (*at == hook) {
            *at = hook->next;
            return 0;
        }
    }
    return WEFT_EINVAL;
}

int weft_thread_detach(struct weft_thread *thread)
{
    arch_irq_state state;
    bool ended, cached = false;

    if (core_in_interrupt())
        weft_panic("weft_thread_detach was called in an interrupt handler: wake a thread that does "
                   "it");
    if (!is_thread(thread))
        return WEFT_EINVAL;
    state = sched_enter();
    if (!is_thread(thread) || thread->detached || thread->being_joined || thread->runtime) {
        sched_exit(state);
        return WEFT_EINVAL;
    }
    thread->detached = 1;
    ended = thread->state == THREAD_EXITED;
    if (ended) {
        thread_ended_remove_locked(thread);
        thread->magic = 0;
        cached = thread_cache_put_locked(thread);
    }
    sched_exit(state);
    if (ended && !cached)
        thread_free(thread);
    return 0;
}
