/* SPDX-License-Identifier: MIT */
/* Misuses weft, or the CPU, in the way that its first argument names. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <weft/console.h>
#include <weft/mutex.h>
#include <weft/once.h>
#include <weft/pool.h>
#include <weft/profile.h>
#include <weft/queue.h>
#include <weft/thread.h>

static struct weft_mutex first = WEFT_MUTEX_INITIALIZER(first);
static struct weft_mutex second = WEFT_MUTEX_INITIALIZER(second);

static __attribute__((noinline)) int fault_at(volatile int *address)
{
    return *address + 1;
}

static __attribute__((noinline)) int fault(void)
{
    volatile uintptr_t nowhere = 0xbd0; /* in the page that no board maps */

    return fault_at((volatile int *)nowhere) + 1;
}

static void *crossing_thread(void *argument)
{
    weft_mutex_lock(&second);
    weft_mutex_lock(&first);
    return argument;
}

static void cross(void)
{
    struct weft_thread *thread;

    weft_mutex_lock(&first);
    if (weft_thread_spawn(&thread, NULL, crossing_thread, NULL) != 0)
        return;
    weft_thread_yield();
    weft_mutex_lock(&second);
}

static __attribute__((noinline)) int recurse(volatile int *depth)
{
    volatile char frame[200];

    frame[0] = (char)++*depth;
    return *depth == 0 ? 0 : recurse(depth) + frame[0]; /* never 0 again: for ever */
}

static void *overflowing_thread(void *argument)
{
    volatile int depth = 0;

    (void)argument;
    recurse(&depth);
    return NULL;
}

static void *busy_thread(void *argument)
{
    for (volatile unsigned i = 0; i < 2000000; i++)
        ;
    return argument;
}

/* Dies while it is profiled, after some hundred ticks. */
static int profiled(void)
{
    struct weft_thread *thread;
    struct weft_profile_totals totals = {0};

    if (weft_profile_start(5000) != 0)
        return 4;
    while (totals.ticks < 200) {
        if (weft_thread_spawn(&thread, NULL, busy_thread, NULL) != 0 ||
            weft_thread_join(thread, NULL) != 0)
            return 5;
        weft_profile_totals(&totals);
    }
    return fault();
}

/* What would wait, or go round, for ever. */

static void nothing(void *argument)
{
    (void)argument;
}

static void hook_twice(void)
{
    static struct weft_exit_hook hook;

    weft_thread_hook_add(&hook, nothing, NULL);
    weft_thread_hook_add(&hook, nothing, NULL);
}

static void end_inside_once(void)
{
    static struct weft_once once = WEFT_ONCE_INITIALIZER(once);

    weft_once_run(&once, weft_thread_exit, NULL);
}

static void free_twice(void)
{
    static void *storage[4];
    struct weft_pool pool;
    void *block;

    if (weft_pool_init(&pool, storage, sizeof storage, sizeof storage[0]) != 0)
        return;
    block = weft_pool_try_alloc(&pool);
    weft_pool_free(&pool, block);
    weft_pool_free(&pool, block);
    (void)weft_pool_used(&pool);
}

static const struct {
    const char *way;
    void (*misuse)(void);
} endless[] = {{"hook", hook_twice}, {"once", end_inside_once}, {"pool", free_twice}};

int main(int argc, char **argv)
{
    const char *way = argc > 1 ? argv[1] : "";
    const struct weft_thread_attr attr = {.name = "deep", .priority = 20, .stack_bytes = 4096};
    struct weft_thread *thread;
    struct weft_queue queue = {0};
    int message = 0;

    if (strcmp(way, "panic") == 0)
        weft_panic("the answer is %d", 42);
    if (strcmp(way, "fault") == 0)
        return fault();
    if (strcmp(way, "profiled") == 0)
        return profiled();
    if (strcmp(way, "relock") == 0) {
        weft_mutex_lock(&first);
        weft_mutex_lock(&first);
    }
    if (strcmp(way, "cycle") == 0)
        cross();
    if (strcmp(way, "unlock") == 0)
        weft_mutex_unlock(&first);
    if (strcmp(way, "queue") == 0)
        return weft_queue_send(&queue, &message);
    if (strcmp(way, "preempt_off") == 0) {
        weft_preempt_disable();
        weft_thread_sleep_ns(1000);
    }
    for (unsigned i = 0; i < sizeof endless / sizeof endless[0]; i++)
        if (strcmp(way, endless[i].way) == 0)
            endless[i].misuse();
    if (strcmp(way, "for-ever") == 0)
        weft_thread_sleep_until_ns(WEFT_FOREVER);
    if (strcmp(way, "holding") == 0) {
        weft_mutex_lock(&first);
        weft_thread_exit(NULL);
    }
    if (strcmp(way, "overflow") == 0 &&
        weft_thread_spawn(&thread, &attr, overflowing_thread, NULL) == 0)
        return weft_thread_join(thread, NULL);
    return 0;
}
