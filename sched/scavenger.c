/* SPDX-License-Identifier: MIT */
/*
 * The scavenger's thread: steps (mem/scavenger.c) until a round is over, then sleeps for a period.
 * It waits on a semaphore, so that whoever ends it, or changes its period, need not wait a period
 * long.
 */
#include <weft/console.h>
#include <weft/heap.h>
#include <weft/mutex.h>
#include <weft/semaphore.h>
#include <weft/thread.h>
#include <weft/time.h>

#include "mem/scavenger.h"
#include "sched/sched.h"

#define PERIOD_NS_MIN 1000000u
#define STACK_BYTES 4096

static struct {
    struct weft_mutex mutex; /* one start or stop at a time */
    struct weft_semaphore wake;
    struct weft_thread *thread;

    /* Under the scheduler's lock. */
    uint64_t period_ns;
    bool end;
} scavenging = {
    .mutex = WEFT_MUTEX_INITIALIZER(scavenging.mutex),
    .wake = WEFT_SEMAPHORE_BINARY_INITIALIZER(scavenging.wake, 0),
};

static bool wanted(uint64_t *period_ns)
{
    arch_irq_state state = sched_enter();
    bool goes_on = !scavenging.end;

    *period_ns = scavenging.period_ns;
    sched_exit(state);
    return goes_on;
}

/* A step is short; between two, equals have their turn. */
static void *scavenger_main(void *argument)
{
    uint64_t period_ns;

    while (wanted(&period_ns)) {
        while (scavenger_step())
            weft_thread_yield();
        if (weft_semaphore_wait_until(&scavenging.wake, weft_time_ns() + period_ns) == WEFT_ECLOSED)
            break;
    }
    return argument;
}

static void settings(uint64_t period_ns, bool end)
{
    arch_irq_state state = sched_enter();

    scavenging.period_ns = period_ns;
    scavenging.end = end;
    sched_exit(state);
}

static int start_locked(const struct weft_scavenger *how)
{
    const struct weft_thread_attr attr = {
        .name = "scavenger", .priority = how->priority, .stack_bytes = STACK_BYTES};
    int result;

    settings(how->period_ns, false);
    if (scavenging.thread != NULL) {
        scavenger_set_goal(true, how->keep_percent);
        weft_semaphore_post(&scavenging.wake);
        return 0;
    }
    result = weft_thread_spawn(&scavenging.thread, &attr, scavenger_main, NULL);
    if (result != 0)
        return result;
    thread_make_own(scavenging.thread);
    scavenger_set_goal(true, how->keep_percent);
    return 0;
}

int weft_heap_scavenger_start(const struct weft_scavenger *how)
{
    int result;

    if (how == NULL || how->period_ns < PERIOD_NS_MIN || how->period_ns > UINT64_MAX / 2 ||
        how->keep_percent > 100 || how->priority < WEFT_PRIORITY_LOWEST ||
        how->priority > WEFT_PRIORITY_HIGHEST)
        return WEFT_EINVAL;
    weft_mutex_lock(&scavenging.mutex);
    result = start_locked(how);
    weft_mutex_unlock(&scavenging.mutex);
    return result;
}

void weft_heap_scavenger_stop(void)
{
    weft_mutex_lock(&scavenging.mutex);
    if (scavenging.thread != NULL) {
        settings(0, true);
        weft_semaphore_post(&scavenging.wake);
        if (weft_thread_join(scavenging.thread, NULL) != 0)
            weft_panic("weft_heap_scavenger_stop: the scavenger's thread was joined by somebody "
                       "else; it is not the program's");
        scavenging.thread = NULL;
        scavenger_set_goal(false, 0);
    }
    weft_mutex_unlock(&scavenging.mutex);
}
