/* SPDX-License-Identifier: MIT */
/*
 * The seven classical measurements of real-time kernels, after the definitions of Thread-Metric
 * (Express Logic, 2007): a loop counts events for some time, and the figure is the time for one, in
 * instructions. The loop itself is part of it, as it is there.
 *
 *   cooperative     five threads of one priority count and yield
 *   preemptive      five threads of rising priority: each counts and resumes the next, which
 *                   preempts it; the last suspends itself, and so on down
 *   interrupt       a thread raises an interrupt whose handler posts a semaphore; then it takes it
 *   interrupt with preemption   the handler resumes a thread of higher priority, which counts and
 *                   suspends itself
 *   message         16 bytes to a queue and from it again
 *   synchronisation a semaphore is taken and posted
 *   memory          a block of 128 bytes is taken from a pool and given back
 *
 * The interrupt is a software interrupt (weft/interrupt.h), as it is there.
 */
#include <stdlib.h>

#include "tests/bench/measure.h"

#define THREADS 5
#define RUN_NS 20000000u

static volatile bool stop;
static unsigned counts[THREADS];
static struct weft_thread *threads[THREADS];

static void spawn(unsigned n, int priority, void *(*entry)(void *))
{
    const struct weft_thread_attr attr = {.priority = priority, .cores = 1};

    counts[n] = 0;
    if (weft_thread_spawn(&threads[n], &attr, entry, (void *)(uintptr_t)n) != 0)
        exit(1);
}

/* Runs the threads that were spawned until the time is over; all count events. */
static void measure(const char *name, unsigned count)
{
    uint64_t start = weft_time_ns(), took;
    unsigned events = 0;

    weft_thread_sleep_until_ns(start + RUN_NS);
    stop = true;
    took = weft_time_ns() - start;
    for (unsigned n = 0; n < count; n++)
        events += counts[n];
    for (unsigned n = 0; n < count; n++) {
        (void)!weft_thread_resume(threads[n]); /* if it is suspended */
        if (weft_thread_join(threads[n], NULL) != 0)
            exit(1);
    }
    stop = false;
    report(name, (unsigned)(took * 100 / NS_PER_INSTRUCTION / events), 0);
}

static void *cooperative(void *argument)
{
    unsigned n = (unsigned)(uintptr_t)argument;

    while (!stop) {
        counts[n]++;
        weft_thread_yield();
    }
    return NULL;
}

static void *preemptive(void *argument)
{
    unsigned n = (unsigned)(uintptr_t)argument;

    if (n != 0)
        (void)!weft_thread_suspend(threads[n]);
    while (!stop) {
        counts[n]++;
        if (n + 1 < THREADS)
            (void)!weft_thread_resume(threads[n + 1]);
        if (n != 0)
            (void)!weft_thread_suspend(threads[n]);
    }
    return NULL;
}

static struct weft_semaphore raised = WEFT_SEMAPHORE_INITIALIZER(raised, 0);
static volatile unsigned handled;

static void post(void *argument)
{
    handled = handled + 1;
    (void)weft_semaphore_post(argument);
}

static void *interrupted(void *argument)
{
    unsigned n = (unsigned)(uintptr_t)argument;

    while (!stop) {
        weft_interrupt_raise(0);
        (void)!weft_semaphore_wait(&raised);
        counts[n]++;
    }
    return NULL;
}

static void resume(void *argument)
{
    handled = handled + 1;
    (void)!weft_thread_resume(*(struct weft_thread **)argument);
}

static void *raising(void *argument)
{
    while (!stop)
        weft_interrupt_raise(0);
    return argument;
}

static void *preempting(void *argument)
{
    unsigned n = (unsigned)(uintptr_t)argument;

    while (!stop) {
        (void)!weft_thread_suspend(threads[n]);
        counts[n]++;
    }
    return NULL;
}

static struct weft_queue queue;

static void *messages(void *argument)
{
    unsigned n = (unsigned)(uintptr_t)argument;
    uint32_t message[4] = {1, 2, 3, 4};

    while (!stop) {
        (void)!weft_queue_send(&queue, message);
        (void)!weft_queue_receive(&queue, message);
        counts[n]++;
    }
    return NULL;
}

static void *synchronisation(void *argument)
{
    static struct weft_semaphore semaphore = WEFT_SEMAPHORE_INITIALIZER(semaphore, 1);
    unsigned n = (unsigned)(uintptr_t)argument;

    while (!stop) {
        (void)!weft_semaphore_wait(&semaphore);
        (void)weft_semaphore_post(&semaphore);
        counts[n]++;
    }
    return NULL;
}

static struct weft_pool pool;

static void *memory(void *argument)
{
    unsigned n = (unsigned)(uintptr_t)argument;

    while (!stop) {
        void *block = weft_pool_try_alloc(&pool);

        weft_pool_free(&pool, block);
        counts[n]++;
    }
    return NULL;
}

int main(void)
{
    static uint32_t queue_storage[4 * 10], pool_storage[32 * 8] __attribute__((aligned(8)));

    stay_here();
    if (weft_queue_init(&queue, queue_storage, 16, 10) != 0 ||
        weft_pool_init(&pool, pool_storage, sizeof pool_storage, 128) != 0 ||
        weft_interrupt_handle(0, post, &raised) != 0)
        return 1;
    for (unsigned n = 0; n < THREADS; n++)
        spawn(n, 10, cooperative);
    measure("classic_cooperative", THREADS);
    for (unsigned n = 0; n < THREADS; n++)
        spawn(n, (int)(10 + n), preemptive);
    measure("classic_preemptive", THREADS);
    spawn(0, 10, interrupted);
    measure("classic_interrupt", 1);
    if (weft_interrupt_handle(0, resume, &threads[1]) != 0)
        return 1;
    spawn(0, 10, raising);
    spawn(1, 11, preempting);
    measure("classic_interrupt_preemption", 2);
    spawn(0, 10, messages);
    measure("classic_message", 1);
    spawn(0, 10, synchronisation);
    measure("classic_synchronisation", 1);
    spawn(0, 10, memory);
    measure("classic_memory", 1);
    return 0;
}
