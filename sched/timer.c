/* SPDX-License-Identifier: MIT */
/*
 * Timers. A running timer's alarm is in the heap of the core that started it, beside the alarms of
 * threads; the core's timer interrupt takes it out when it is due (sleep.c) and comes here.
 *
 * A periodic timer is put back before its function is called, so the function may stop it or start
 * it anew. Its deadlines are computed in nanoseconds from the first one, never from the time at
 * which it was served: nothing accumulates.
 *
 * The function runs with the scheduler's lock let go of. `running` counts the calls that are going
 * on, so that whoever wants to free the timer can be told: while one core is in the function
 * another may start the timer, and come to call it too.
 */
#include <stddef.h>
#include <weft/console.h>
#include <weft/thread.h>
#include <weft/timer.h>

#include "kernel/assert.h"
#include "kernel/tick.h"
#include "sched/object.h"
#include "sched/timer_alarm.h"

#define TIMER_MAGIC 0x74696d65u /* "time" */
#define PERIOD_MIN_NS 1000u

_Static_assert(offsetof(struct weft_timer, expire_locked) - offsetof(struct weft_timer, alarm) ==
                   offsetof(struct timer_alarm, expire_locked),
               "a timer contains a timer_alarm");

static inline void check(const struct weft_timer *timer, const char *function)
{
    object_check(timer, TIMER_MAGIC, function, "timer");
}

static void arm_locked(struct weft_timer *timer)
{
    sleep_arm_locked(&timer->alarm, tick_ns_to_cycles(timer->due_ns));
}

/* A count that a thread can be told of as a positive int: INT32_MAX stands for more. */
static void count_locked(struct weft_timer *timer, uint64_t passed)
{
    uint64_t expired = timer->expired + passed;

    timer->expired = expired < INT32_MAX ? (uint32_t)expired : INT32_MAX;
}

/* The next multiple of the period that is still to come, or never; counts those that passed. */
static void step_locked(struct weft_timer *timer, uint64_t now_ns)
{
    uint64_t late_ns = now_ns - timer->due_ns, passed = 1;

    if (late_ns >= timer->period_ns)
        passed += late_ns / timer->period_ns;
    if (__builtin_add_overflow(timer->due_ns, passed * timer->period_ns, &timer->due_ns))
        timer->due_ns = WEFT_FOREVER;
    count_locked(timer, passed);
}

static void call_locked(struct weft_timer *timer)
{
    timer->running++;
    sched_unlock_irqoff();
    timer->function(timer, timer->argument);
    sched_lock_irqoff();
    timer->running--;
}

/* One waiter is told of all expiries since the last one was. */
static void tell_locked(struct weft_timer *timer)
{
    if (wait_queue_empty(&timer->waiters))
        return;
    wait_wake_first_locked(&timer->waiters, (int)timer->expired);
    timer->expired = 0;
}

static void expire_locked(struct weft_alarm *alarm, uint64_t now_cycles)
{
    struct weft_timer *timer =
        (struct weft_timer *)((char *)alarm - offsetof(struct weft_timer, alarm));

    DEBUG_ASSERT(timer->magic == TIMER_MAGIC);
    if (timer->period_ns == 0) {
        count_locked(timer, 1);
    } else {
        step_locked(timer, tick_cycles_to_ns(now_cycles));
        arm_locked(timer);
    }
    tell_locked(timer);
    if (timer->function != NULL)
        call_locked(timer);
    if (!alarm_is_armed(&timer->alarm)) /* nothing more will come */
        wait_wake_all_locked(&timer->waiters, WEFT_ESTATE);
}

int weft_timer_init(struct weft_timer *timer, weft_timer_function function, void *argument)
{
    if (timer == NULL)
        return WEFT_EINVAL;
    if (WEFT_CONFIG_DEBUG && timer->magic == TIMER_MAGIC && alarm_is_armed(&timer->alarm))
        weft_panic("weft_timer_init: timer %p is running: cancel and destroy it first",
                   (void *)timer);
    *timer = (struct weft_timer){.magic = TIMER_MAGIC,
                                 .alarm.order = ALARM_TIMER,
                                 .expire_locked = expire_locked,
                                 .function = function,
                                 .argument = argument};
    wait_queue_init(&timer->waiters);
    return 0;
}

int weft_timer_start(struct weft_timer *timer, uint64_t deadline_ns, uint64_t period_ns)
{
    uint64_t deadline = tick_ns_to_cycles(deadline_ns);
    arch_irq_state state;

    check(timer, "weft_timer_start");
    if (period_ns != 0 && period_ns < PERIOD_MIN_NS)
        return WEFT_EINVAL;
    state = sched_enter();
    if (alarm_is_armed(&timer->alarm))
        alarm_remove(&timer->alarm);
    timer->due_ns = deadline_ns;
    timer->period_ns = period_ns;
    timer->expired = 0;
    sleep_arm_locked(&timer->alarm, deadline);
    sched_exit(state);
    return 0;
}

/* 0 or WEFT_ESTATE; WEFT_EBUSY when the function is being called. */
static int stop_locked(struct weft_timer *timer)
{
    int result = timer->running != 0 ? WEFT_EBUSY : WEFT_ESTATE;

    if (!alarm_is_armed(&timer->alarm))
        return result;
    alarm_remove(&timer->alarm);
    return timer->running != 0 ? WEFT_EBUSY : 0;
}

int weft_timer_cancel(struct weft_timer *timer)
{
    arch_irq_state state;
    int result;

    check(timer, "weft_timer_cancel");
    state = sched_enter();
    result = stop_locked(timer);
    wait_wake_all_locked(&timer->waiters, WEFT_ESTATE);
    sched_leave(state);
    return result;
}

static int wait_until_cycles(struct weft_timer *timer, uint64_t deadline, const char *function)
{
    arch_irq_state state;
    int result;

    object_check_blocking(timer, TIMER_MAGIC, function, "timer");
    state = sched_enter();
    if (timer->expired != 0) {
        result = (int)timer->expired;
        timer->expired = 0;
    } else if (!alarm_is_armed(&timer->alarm)) {
        result = WEFT_ESTATE;
    } else {
        sched_assert_may_block_irqoff(function);
        result = wait_locked(&timer->waiters, WAIT_TIMER, timer, deadline);
    }
    sched_exit(state);
    return result;
}

int weft_timer_wait(struct weft_timer *timer)
{
    return wait_until_cycles(timer, UINT64_MAX, "weft_timer_wait");
}

int weft_timer_wait_until(struct weft_timer *timer, uint64_t deadline_ns)
{
    return wait_until_cycles(timer, tick_ns_to_cycles(deadline_ns), "weft_timer_wait_until");
}

int weft_timer_destroy(struct weft_timer *timer)
{
    arch_irq_state state;
    int result = 0;

    object_check_blocking(timer, TIMER_MAGIC, "weft_timer_destroy", "timer");
    state = sched_enter();
    if (stop_locked(timer) == WEFT_EBUSY) {
        result = WEFT_EBUSY;
        wait_wake_all_locked(&timer->waiters, WEFT_ESTATE);
    } else {
        timer->magic = OBJECT_DESTROYED;
        wait_wake_all_locked(&timer->waiters, WEFT_ECLOSED);
    }
    sched_leave(state);
    return result;
}
