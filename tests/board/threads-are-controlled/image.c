/* SPDX-License-Identifier: MIT */
/*
 * Suspending, resuming, priorities, core sets, giving way and time slices, changed while the thread
 * is ready, blocked, asleep, running here and running on another core. What is checked is who has
 * run, never how long it took. Without a second core its parts are left out.
 */
#include <string.h>
#include <weft/weft.h>

#include "../firmware.h"
#include "sched/thread.h"

#define HERE 1u /* core sets */
#define THERE 2u

#define LOW 10
#define MAIN WEFT_PRIORITY_DEFAULT
#define HIGH 20

static struct weft_semaphore gate, ended;
static _Atomic uint32_t count;
static _Atomic bool stop;

static struct weft_thread *start(void *(*entry)(void *argument), void *argument, int priority,
                                 uint32_t where)
{
    const struct weft_thread_attr attr = {.name = "worker", .priority = priority, .cores = where};
    struct weft_thread *thread;

    CHECK(weft_thread_spawn(&thread, &attr, entry, argument) == 0);
    return thread;
}

static void finish(struct weft_thread *thread)
{
    CHECK(weft_thread_join(thread, NULL) == 0);
}

/* Lets every thread on this core that has at least this one's priority come to where it blocks. */
static void let_run(void)
{
    for (unsigned i = 0; i < 10; i++)
        weft_thread_yield();
}

static void *counting(void *argument)
{
    (void)argument;
    while (!stop) {
        count++;
        weft_thread_yield();
    }
    return NULL;
}

static bool counts(void)
{
    uint32_t before = count;

    let_run();
    return count != before;
}

/* ---- suspend and resume ---- */

static void suspend_ready(void)
{
    struct weft_thread *thread;

    stop = false;
    thread = start(counting, NULL, MAIN, HERE);
    CHECK(counts());
    CHECK(weft_thread_suspend(thread) == 0);
    CHECK(!counts());
    CHECK(weft_thread_suspend(thread) == 0);
    CHECK(weft_thread_resume(thread) == 0);
    CHECK(!counts()); /* suspended twice */
    CHECK(weft_thread_resume(thread) == 0);
    CHECK(counts());
    CHECK(weft_thread_resume(thread) == WEFT_ESTATE);
    stop = true;
    let_run();
    CHECK(weft_thread_suspend(thread) == WEFT_ESTATE); /* it has ended */
    CHECK(weft_thread_resume(thread) == WEFT_ESTATE);
    CHECK(weft_thread_set_priority(thread, 3) == WEFT_ESTATE);
    CHECK(weft_thread_set_cores(thread, HERE) == WEFT_ESTATE);
    CHECK(weft_thread_set_cooperative(thread, true) == WEFT_ESTATE);
    finish(thread);
}

static void *waiting(void *argument)
{
    int result = argument != NULL ? weft_semaphore_wait_until(&gate, *(uint64_t *)argument)
                                  : weft_semaphore_wait(&gate);

    count++;
    CHECK(weft_semaphore_post(&ended) == 0);
    return (void *)(intptr_t)result;
}

/* It gets the permit, and stops with it. */
static void suspend_blocked(void)
{
    struct weft_thread *thread = start(waiting, NULL, HIGH, HERE);

    count = 0;
    CHECK(weft_thread_suspend(thread) == 0);
    CHECK(weft_semaphore_post(&gate) == 0);
    CHECK(count == 0 && weft_semaphore_count(&gate) == 0);
    CHECK(thread->state == THREAD_BLOCKED && thread->wait_reason == WAIT_SUSPENDED);
    CHECK(weft_thread_set_priority(thread, HIGH + 1) == 0);
    CHECK(weft_thread_resume(thread) == 0);
    CHECK(count == 1);
    finish(thread);
    CHECK(weft_semaphore_wait(&ended) == 0);
}

/* The wait's outcome is kept for when it goes on. */
static void suspend_until_its_deadline(void)
{
    uint64_t deadline = weft_time_ns() + 300000000; /* long after it was suspended */
    struct weft_thread *thread = start(waiting, &deadline, HIGH, HERE);
    void *result;

    count = 0;
    CHECK(weft_thread_suspend(thread) == 0);
    weft_thread_sleep_until_ns(deadline + 5000000);
    CHECK(count == 0);
    CHECK(weft_thread_resume(thread) == 0);
    CHECK(weft_thread_join(thread, &result) == 0 && (intptr_t)result == WEFT_ETIMEDOUT);
    CHECK(weft_semaphore_wait(&ended) == 0);
}

static void *suspending_itself(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < 3; i++) {
        CHECK(weft_thread_suspend(weft_thread_self()) == 0);
        count++;
    }
    return NULL;
}

static void suspend_self(void)
{
    struct weft_thread *thread;

    count = 0;
    thread = start(suspending_itself, NULL, HIGH, HERE);
    for (unsigned i = 0; i < 3; i++) {
        CHECK(count == i);
        CHECK(weft_thread_resume(thread) == 0);
        CHECK(count == i + 1);
    }
    finish(thread);
}

static struct weft_thread *victim;

static void suspend_interrupted(struct weft_timer *timer, void *argument)
{
    (void)timer;
    (void)argument;
    if (victim != NULL && weft_thread_self() == victim) {
        CHECK(weft_thread_suspend(victim) == 0);
        victim = NULL;
    }
}

static void *spinning(void *argument)
{
    (void)argument;
    while (!stop)
        count++;
    return NULL;
}

/* A handler suspends what it has interrupted. */
static void suspend_interrupted_thread(void)
{
    struct weft_timer timer;
    struct weft_thread *thread;
    uint32_t before;

    stop = false;
    CHECK(weft_timer_init(&timer, suspend_interrupted, NULL) == 0);
    thread = victim = start(spinning, NULL, LOW, HERE);
    CHECK(weft_timer_start(&timer, weft_time_ns() + 1000000, 1000000) == 0);
    while (*(struct weft_thread *volatile *)&victim != NULL)
        weft_thread_sleep_ns(1000000);
    weft_timer_cancel(&timer);
    before = count;
    weft_thread_sleep_ns(3000000);
    CHECK(count == before);
    stop = true;
    CHECK(weft_thread_resume(thread) == 0);
    finish(thread);
    CHECK(weft_timer_destroy(&timer) == 0);
}

/* On return it runs nowhere. */
static void suspend_on_the_other_core(void)
{
    struct weft_thread *thread;

    stop = false;
    thread = start(spinning, NULL, LOW, THERE);
    for (unsigned round = 0; round < 50; round++) {
        uint32_t before = count;

        while (count == before)
            ;
        CHECK(weft_thread_suspend(thread) == 0);
        before = count;
        for (volatile unsigned i = 0; i < 2000; i++)
            ;
        CHECK(count == before);
        CHECK(weft_thread_resume(thread) == 0);
    }
    stop = true;
    finish(thread);
}

/* ---- priority ---- */

static unsigned order[4], ordered;

static void *taking_its_turn(void *argument)
{
    CHECK(weft_semaphore_wait(&gate) == 0);
    order[ordered++] = (unsigned)(uintptr_t)argument;
    return NULL;
}

static void priority_of_waiters(void)
{
    struct weft_thread *threads[3];

    ordered = 0;
    for (uintptr_t i = 0; i < 3; i++)
        threads[i] = start(taking_its_turn, (void *)i, HIGH, HERE);
    CHECK(weft_thread_set_priority(threads[2], HIGH + 5) == 0);
    CHECK(weft_thread_set_priority(threads[0], HIGH - 1) == 0);
    for (unsigned i = 0; i < 3; i++)
        CHECK(weft_semaphore_post(&gate) == 0);
    for (unsigned i = 0; i < 3; i++)
        finish(threads[i]);
    CHECK(order[0] == 2 && order[1] == 1 && order[2] == 0);
}

static void *noting(void *argument)
{
    order[ordered++] = (unsigned)(uintptr_t)argument;
    return NULL;
}

/* A ready thread that is raised above its maker runs at once; a maker that lowers itself lets
 * others. */
static void priority_of_ready_and_running(void)
{
    struct weft_thread *one, *two;

    ordered = 0;
    one = start(noting, (void *)1, LOW, HERE);
    two = start(noting, (void *)2, LOW, HERE);
    CHECK(ordered == 0);
    CHECK(weft_thread_set_priority(two, HIGH) == 0);
    CHECK(ordered == 1 && order[0] == 2);
    CHECK(weft_thread_set_priority(weft_thread_self(), LOW - 1) == 0);
    CHECK(ordered == 2 && order[1] == 1);
    CHECK(weft_thread_priority(weft_thread_self()) == LOW - 1);
    CHECK(weft_thread_set_priority(weft_thread_self(), MAIN) == 0);
    finish(one);
    finish(two);
}

static struct weft_mutex mutex = WEFT_MUTEX_INITIALIZER(mutex);

static void *locking(void *argument)
{
    (void)argument;
    weft_mutex_lock(&mutex);
    weft_mutex_unlock(&mutex);
    return NULL;
}

static void *holding(void *argument)
{
    weft_mutex_lock(&mutex);
    CHECK(weft_semaphore_post(&ended) == 0);
    CHECK(weft_semaphore_wait(&gate) == 0);
    weft_mutex_unlock(&mutex);
    return argument;
}

/* What a thread inherits is not lost by changing its own priority, and follows the heir's. */
static void priority_and_inheritance(void)
{
    struct weft_thread *owner = start(holding, NULL, LOW, HERE), *heir;

    CHECK(weft_semaphore_wait(&ended) == 0);
    heir = start(locking, NULL, HIGH, HERE);
    CHECK(owner->priority == HIGH && owner->base_priority == LOW);
    CHECK(weft_thread_set_priority(owner, LOW + 1) == 0);
    CHECK(owner->priority == HIGH && weft_thread_priority(owner) == LOW + 1);
    CHECK(weft_thread_set_priority(heir, HIGH + 3) == 0);
    CHECK(owner->priority == HIGH + 3);
    CHECK(weft_thread_set_priority(heir, LOW) == 0);
    CHECK(owner->priority == LOW + 1);
    CHECK(weft_thread_set_priority(owner, HIGH) == 0);
    CHECK(owner->priority == HIGH);
    CHECK(weft_semaphore_post(&gate) == 0);
    finish(heir);
    finish(owner);
}

static void priority_on_the_other_core(void)
{
    struct weft_thread *spinner, *other;

    stop = false;
    count = 0;
    ordered = 0;
    spinner = start(spinning, NULL, HIGH, THERE);
    while (count == 0)
        ;
    other = start(noting, (void *)1, LOW, THERE);
    CHECK(weft_thread_set_priority(spinner, LOW - 1) == 0);
    finish(other); /* it came to run */
    stop = true;
    finish(spinner);
}

/* ---- cores ---- */

static _Atomic unsigned seen_on;

static void *watching(void *argument)
{
    (void)argument;
    while (!stop) {
        weft_preempt_disable();
        seen_on = weft_core_self();
        weft_preempt_enable();
        weft_thread_yield();
    }
    return NULL;
}

static void wait_until_seen_on(unsigned core)
{
    while (seen_on != core)
        weft_thread_yield();
}

static unsigned core_of(const struct weft_thread *thread)
{
    struct weft_thread_info info;

    CHECK(weft_thread_info(thread, &info) == 0);
    return info.core;
}

/* Running here and there, ready, and blocked. */
static void cores_change(void)
{
    struct weft_thread *thread;

    stop = false;
    seen_on = 9;
    thread = start(watching, NULL, MAIN, THERE);
    for (unsigned round = 0; round < 20; round++) {
        wait_until_seen_on(1);
        CHECK(weft_thread_set_cores(thread, HERE) == 0);
        CHECK(weft_thread_cores(thread) == HERE);
        wait_until_seen_on(0);
        CHECK(weft_thread_set_cores(thread, THERE) == 0); /* ready, on this core */
    }
    stop = true;
    finish(thread);
    thread = start(waiting, NULL, MAIN, HERE);
    let_run();
    CHECK(weft_thread_set_cores(thread, THERE) == 0);
    CHECK(weft_semaphore_post(&gate) == 0);
    CHECK(weft_semaphore_wait(&ended) == 0);
    CHECK(core_of(thread) == 1);
    finish(thread);
    CHECK(weft_thread_set_cores(weft_thread_self(), THERE) == 0);
    CHECK(weft_core_self() == 1);
    CHECK(weft_thread_set_cores(weft_thread_self(), HERE) == 0);
    CHECK(weft_core_self() == 0);
}

/* A thread that spins, and is never asked, is moved by the interrupt. */
static void cores_of_a_spinner(void)
{
    struct weft_thread *thread;

    stop = false;
    thread = start(spinning, NULL, LOW, THERE);
    for (unsigned round = 0; round < 20; round++) {
        uint32_t before = count;

        while (count == before)
            ;
        CHECK(weft_thread_set_cores(thread, HERE) == 0);
        while (core_of(thread) != 0)
            weft_thread_sleep_ns(100000); /* its core may be late, but takes the interrupt */
        CHECK(weft_thread_set_cores(thread, THERE) == 0);
    }
    stop = true;
    finish(thread);
}

/* ---- giving way ---- */

static void *cooperating(void *argument)
{
    struct weft_thread *self = weft_thread_self();

    (void)argument;
    CHECK(weft_thread_set_cooperative(self, true) == 0);
    count = 0;
    CHECK(weft_semaphore_post(&gate) == 0); /* `waiting` has the higher priority */
    CHECK(count == 0);
    weft_thread_yield();
    CHECK(count == 1);
    CHECK(weft_semaphore_post(&gate) == 0);
    CHECK(count == 1);
    CHECK(weft_thread_set_cooperative(self, false) == 0);
    CHECK(count == 2);
    return NULL;
}

static void cooperative(void)
{
    struct weft_thread *one = start(waiting, NULL, HIGH, HERE);
    struct weft_thread *two = start(waiting, NULL, HIGH, HERE);
    struct weft_thread *thread = start(cooperating, NULL, LOW, HERE);

    finish(thread);
    finish(one);
    finish(two);
    CHECK(weft_semaphore_wait(&ended) == 0 && weft_semaphore_wait(&ended) == 0);
}

static void preemption_nests(void)
{
    struct weft_thread *thread = start(waiting, NULL, HIGH, HERE);

    count = 0;
    weft_preempt_disable();
    weft_preempt_disable();
    CHECK(weft_semaphore_post(&gate) == 0);
    CHECK(count == 0);
    weft_preempt_enable();
    CHECK(count == 0);
    weft_preempt_enable();
    CHECK(count == 1);
    finish(thread);
    CHECK(weft_semaphore_wait(&ended) == 0);
}

/* ---- time slices ---- */

static volatile bool second_ran;

static void *second(void *argument)
{
    second_ran = true;
    return argument;
}

/* Without slices an equal does not get its turn in many ticks; with them it does, or this never
 * ends. */
static void *first(void *argument)
{
    uint64_t until = weft_time_ns() + 30000000;

    (void)argument;
    while (weft_time_ns() < until)
        ;
    CHECK(!second_ran);
    CHECK(weft_slice_set_ns(LOW, 1000000) == 0);
    while (!second_ran)
        ;
    return NULL;
}

static void slices(void)
{
    struct weft_thread *one, *two;
    uint64_t before = weft_slice_ns(LOW);

    second_ran = false;
    CHECK(before >= WEFT_CONFIG_SLICE_US * 1000ull && before < WEFT_CONFIG_SLICE_US * 1001ull);
    CHECK(weft_slice_set_ns(LOW, 0) == 0 && weft_slice_ns(LOW) == 0);
    one = start(first, NULL, LOW, HERE);
    two = start(second, NULL, LOW, HERE);
    finish(one);
    finish(two);
    CHECK(weft_slice_ns(LOW) >= 1000000);
    CHECK(weft_slice_set_ns(LOW, before) == 0);
    CHECK(weft_slice_set_ns(32, 1) == WEFT_EINVAL && weft_slice_set_ns(-1, 1) == WEFT_EINVAL);
    CHECK(weft_slice_set_ns(LOW, UINT64_MAX) == WEFT_EINVAL);
}

int main(void)
{
    CHECK(weft_semaphore_init(&gate, 0, 8) == 0);
    CHECK(weft_semaphore_init(&ended, 0, 8) == 0);
    CHECK(weft_thread_set_cores(weft_thread_self(), HERE) == 0);
    suspend_ready();
    suspend_blocked();
    suspend_until_its_deadline();
    suspend_self();
    suspend_interrupted_thread();
    priority_of_waiters();
    priority_of_ready_and_running();
    priority_and_inheritance();
    cooperative();
    preemption_nests();
    slices();
    CHECK(weft_thread_set_cores(weft_thread_self(), 1u << 31) == WEFT_EINVAL);
    if (weft_core_count() > 1) {
        suspend_on_the_other_core();
        priority_on_the_other_core();
        cores_change();
        cores_of_a_spinner();
    }
    printf("in control of %u cores\n", weft_core_count());
    return 0;
}
