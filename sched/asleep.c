/* SPDX-License-Identifier: MIT */
/*
 * "All threads are asleep": every thread waits, and nothing is left that could wake one.
 *
 * What can: another thread (a core that runs one, or a queue with one in it), a deadline or a timer
 * in some core's heap, a handler that is running (a timer's function), an interrupt that somebody
 * announced (weft_wakeup_expect, board_wakes). Exception handlers can't: they run when a thread
 * does. Deadlines of weft's own threads do not count, which never wake the program's.
 *
 * Who looks. Each core's idle thread, every time before it waits. It only asks for an interrupt,
 * because it has no stack for a report; that interrupt, on the system stack, looks again. Of two
 * cores the one whose handler ends last finds what the other could not be sure of: its idle
 * thread goes round once more after any interrupt.
 */
#include "sched/asleep.h"

#include <weft/console.h>
#include <weft/watch.h>

#include "kernel/board.h"
#include "kernel/cores.h"
#include "kernel/panic.h"
#include "kernel/print.h"
#include "kernel/tick.h"
#include "kernel/upcall.h"
#include "sched/sched.h"

const struct weft_alarm *asleep_ignored;

static uint32_t expected; /* calls of weft_wakeup_expect */
static uint32_t asked;    /* the core that asked for the interrupt, + 1; under the lock */

void weft_wakeup_expect(void)
{
    __atomic_fetch_add(&expected, 1, __ATOMIC_SEQ_CST);
}

void weft_wakeup_forget(void)
{
    if (__atomic_fetch_sub(&expected, 1, __ATOMIC_SEQ_CST) == 0)
        weft_panic("weft_wakeup_forget without a matching weft_wakeup_expect");
}

static bool is_of_program(const struct weft_alarm *alarm)
{
    const struct weft_thread *thread =
        (const struct weft_thread *)((const char *)alarm - offsetof(struct weft_thread, alarm));

    if ((alarm->order & ALARM_TIMER) != 0) /* one that never expires wakes nobody */
        return alarm != asleep_ignored && alarm->deadline != UINT64_MAX;
    return !thread->runtime;
}

/* Behind `alarm` and all that is below it; NULL: that was the last. */
static const struct weft_alarm *alarm_behind(const struct alarm_heap *heap,
                                             const struct weft_alarm *alarm)
{
    while (alarm->next == NULL) {
        while (alarm->back->child != alarm) /* to the first of its row */
            alarm = alarm->back;
        alarm = alarm->back;
        if (alarm == &heap->top)
            return NULL;
    }
    return alarm->next;
}

/* Ends at the first alarm that counts, so it visits no more than weft has threads of its own. */
static bool has_alarm_of_program(const struct alarm_heap *heap)
{
    const struct weft_alarm *alarm = heap->top.child;

    while (alarm != NULL) {
        if (is_of_program(alarm))
            return true;
        alarm = alarm->child != NULL ? alarm->child : alarm_behind(heap, alarm);
    }
    return false;
}

/* Has nothing to run, and nothing that would give it something? */
static bool core_asleep_locked(const struct core *core)
{
    const struct scheduler *scheduler = sched_of(core);

    return sched_is_idle(core) && scheduler->ready.bitmap == 0 &&
           !has_alarm_of_program(&scheduler->alarms);
}

static bool all_asleep_locked(const struct core *self)
{
    if (!core_asleep_locked(self) || __atomic_load_n(&expected, __ATOMIC_SEQ_CST) != 0 ||
        board_wakes())
        return false;
    for (unsigned i = 1; i < WEFT_CONFIG_CORES; i++) {
        const struct core *core = &cores[(self->id + i) % WEFT_CONFIG_CORES];

        if ((cores_online() >> core->id & 1) == 0)
            continue;
        if (!core_asleep_locked(core) ||
            __atomic_load_n(&core->interrupt_depth, __ATOMIC_RELAXED) != 0)
            return false;
    }
    return true;
}

void asleep_look_locked(const struct core *core)
{
    if (asked != 0 || !all_asleep_locked(core))
        return;
    asked = core->id + 1;
    tick_wake_at_irqoff(0);
}

/* One line for each, which a reader finds before the stacks. */
static void print_waits(void)
{
    for (const struct weft_thread *at = thread_all_first(); at != NULL; at = at->all_next) {
        const struct weft_thread *owner = NULL;

        if (at->runtime || at->state != THREAD_BLOCKED)
            continue;
        print_console("\nthread %u \"%s\" waits: %s", (unsigned)at->id, at->name,
                      thread_wait_name((enum thread_wait)at->wait_reason));
        if (at->wait_reason == WAIT_JOIN)
            owner = at->wait_object;
        else if (at->wait_object != NULL)
            print_console(" %p", at->wait_object);
        if (at->wait_reason == WAIT_MUTEX)
            owner = mutex_owner(at->wait_object);
        if (owner != NULL)
            print_console("%s thread %u \"%s\"", at->wait_reason == WAIT_JOIN ? "" : ", held by",
                          (unsigned)owner->id, owner->name);
    }
}

__attribute__((noinline)) static _Noreturn void deadlock_panic(void)
{
    panic_open();
    print_console("all threads are asleep: deadlock");
    print_waits();
    panic_close();
}

void asleep_confirm_locked(const struct core *core)
{
    if (asked != core->id + 1)
        return;
    asked = 0;
    if (!all_asleep_locked(core))
        return;
    if (weft_thread_count() == 0)
        weft_panic("all threads have ended and none has called exit: there is nothing left to run");
    deadlock_panic();
}
