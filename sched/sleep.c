/* SPDX-License-Identifier: MIT */
/* Deadlines of blocked threads: each core's sleepers, earliest first. */
#include <weft/thread.h>
#include <weft/time.h>

#include "kernel/assert.h"
#include "kernel/tick.h"
#include "kernel/upcall.h"
#include "sched/sched.h"

static struct weft_thread *sleeper_of(struct weft_wait_link *link)
{
    return (struct weft_thread *)((char *)link - offsetof(struct weft_thread, timer_link));
}

void sleep_arm_locked(struct weft_thread *thread, uint64_t deadline)
{
    struct weft_wait_link *sleepers = &sched_of(core_self())->sleepers;
    struct weft_wait_link *at = sleepers->prev;

    DEBUG_ASSERT(thread->timer_link.next == NULL);
    thread->deadline = deadline;
    while (at != sleepers && sleeper_of(at)->deadline > deadline)
        at = at->prev;
    runq_link_after(at, &thread->timer_link);
    if (at == sleepers)
        tick_wake_at_irqoff(deadline);
}

void sleep_disarm_locked(struct weft_thread *thread)
{
    /* The core's timer stays armed for it: an early interrupt costs less than arming again. */
    runq_unlink(&thread->timer_link);
    thread->timer_link.next = NULL;
}

void upcall_sched_wake(struct core *core, uint64_t now_cycles)
{
    struct weft_wait_link *sleepers = &sched_of(core)->sleepers;
    struct weft_thread *first;
    const void *mutex;

    sched_lock_irqoff();
    while (sleepers->next != sleepers) {
        first = sleeper_of(sleepers->next);
        if (first->deadline > now_cycles)
            break;
        mutex = first->wait_reason == WAIT_MUTEX ? first->wait_object : NULL;
        wait_wake_locked(first, WEFT_ETIMEDOUT);
        if (mutex != NULL)
            mutex_waiter_left_locked(mutex);
    }
    core->wake_deadline =
        sleepers->next == sleepers ? UINT64_MAX : sleeper_of(sleepers->next)->deadline;
    sched_unlock_irqoff();
}

static void sleep_until_cycles(uint64_t deadline)
{
    arch_irq_state state;

    sched_assert_may_block("weft_thread_sleep");
    state = sched_enter();
    wait_locked(NULL, WAIT_SLEEP, NULL, deadline);
    sched_exit(state);
}

void weft_thread_sleep_until_ns(uint64_t deadline_ns)
{
    uint64_t deadline = tick_ns_to_cycles(deadline_ns);

    if (deadline > tick_now())
        sleep_until_cycles(deadline);
}

void weft_thread_sleep_ns(uint64_t ns)
{
    uint64_t cycles = tick_ns_to_cycles(ns);
    uint64_t now = tick_now();

    if (ns == 0)
        weft_thread_yield();
    else
        sleep_until_cycles(cycles > UINT64_MAX - now ? UINT64_MAX : now + cycles);
}
