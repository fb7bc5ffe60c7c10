/* SPDX-License-Identifier: MIT */
/* Deadlines: of blocked threads, and of timers. Each core has its own. */
#include <weft/thread.h>
#include <weft/time.h>

#include "kernel/assert.h"
#include "kernel/tick.h"
#include "kernel/upcall.h"
#include "sched/asleep.h"
#include "sched/sched.h"
#include "sched/timer_alarm.h"

void sleep_arm_locked(struct weft_alarm *alarm, uint64_t deadline)
{
    struct alarm_heap *alarms = &sched_of(core_self())->alarms;

    DEBUG_ASSERT(!alarm_is_armed(alarm));
    alarm->deadline = deadline;
    alarm_add(alarms, alarm);
    if (alarm_first(alarms) == alarm)
        tick_wake_at_irqoff(deadline);
}

static struct weft_thread *sleeper_of(struct weft_alarm *alarm)
{
    return (struct weft_thread *)((char *)alarm - offsetof(struct weft_thread, alarm));
}

void upcall_sched_wake(struct core *core, uint64_t now_cycles)
{
    struct alarm_heap *alarms = &sched_of(core)->alarms;
    struct weft_alarm *first;

    sched_lock_irqoff();
    while ((first = alarm_first(alarms)) != NULL && first->deadline <= now_cycles) {
        if ((first->order & ALARM_TIMER) != 0) {
            alarm_remove(first);
            ((struct timer_alarm *)first)->expire_locked(first, now_cycles);
        } else {
            wait_give_up_locked(sleeper_of(first), WEFT_ETIMEDOUT);
        }
    }
    core->wake_deadline = first == NULL ? UINT64_MAX : first->deadline;
    asleep_confirm_locked(core);
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
