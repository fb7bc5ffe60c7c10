/* SPDX-License-Identifier: MIT */
/*
 * What the scheduler and each thread have done, against what they are known to have done: counts
 * exactly, times where time is the board's own. The trace lines are for the host to parse.
 */
#include <string.h>
#include <weft/weft.h>

#include "../firmware.h"

#define MS 1000000ull
#define YIELDS 50u
#define WAITS 10u
#define SLEEPS 5u

static struct weft_semaphore semaphore = WEFT_SEMAPHORE_INITIALIZER(semaphore, 0);
static struct weft_semaphore never = WEFT_SEMAPHORE_INITIALIZER(never, 0);

static struct weft_thread *spawn(int priority, uint32_t on_cores, void *(*entry)(void *),
                                 void *argument)
{
    const struct weft_thread_attr attr = {
        .name = "worker", .priority = priority, .cores = on_cores};
    struct weft_thread *thread;

    CHECK(weft_thread_spawn(&thread, &attr, entry, argument) == 0);
    return thread;
}

static void join(struct weft_thread *thread)
{
    CHECK(weft_thread_join(thread, NULL) == 0);
}

static struct weft_thread_info info_of(const struct weft_thread *thread)
{
    struct weft_thread_info info;

    CHECK(weft_thread_info(thread, &info) == 0);
    CHECK(info.accounted == WEFT_CONFIG_THREAD_STATS);
    return info;
}

static struct weft_sched_stats stats_now(void)
{
    struct weft_sched_stats stats;

    weft_sched_stats(&stats);
    CHECK(stats.threads == stats.running + stats.ready + stats.blocked);
    return stats;
}

/* ---- switches: nobody idles, so the threads' counts add up to the scheduler's ---- */

static volatile bool yielded_enough;
static uint32_t counted[3];

static void *yield_often(void *argument)
{
    for (unsigned i = 0; i < YIELDS; i++)
        weft_thread_yield();
    *(uint32_t *)argument = info_of(weft_thread_self()).switches;
    while (!yielded_enough)
        weft_thread_yield();
    return NULL;
}

static void switches(void)
{
    uint32_t main_before = info_of(weft_thread_self()).switches, sum;
    uint32_t before = stats_now().switches;
    struct weft_thread *workers[2];
    struct weft_sched_stats after;

    for (unsigned i = 0; i < 2; i++)
        workers[i] = spawn(WEFT_PRIORITY_DEFAULT, 0, yield_often, &counted[i]);
    for (unsigned i = 0; i < 2 * YIELDS; i++)
        weft_thread_yield();
    CHECK(counted[0] >= YIELDS && counted[1] >= YIELDS);
    weft_preempt_disable();
    after = stats_now();
    sum = info_of(weft_thread_self()).switches - main_before;
    sum += info_of(workers[0]).switches + info_of(workers[1]).switches;
    weft_preempt_enable();
    printf("switches %u, of the threads %u\n", (unsigned)(after.switches - before), (unsigned)sum);
    CHECK(after.switches - before == sum);
    CHECK(after.threads == 3 && after.ready == 2);
    yielded_enough = true;
    join(workers[0]);
    join(workers[1]);
}

/* ---- time: three threads share the core and account for all of it ---- */

static uint64_t spun_ns[2];

static void *spin(void *argument)
{
    unsigned i = (unsigned)(uintptr_t)argument;

    for (volatile unsigned n = 0; n < (i + 1) * 200000; n++)
        ;
    spun_ns[i] = info_of(weft_thread_self()).run_ns;
    return NULL;
}

static bool about(uint64_t value, uint64_t wanted, unsigned percent)
{
    return value * 100 >= wanted * (100 - percent) && value * 100 <= wanted * (100 + percent);
}

static void times(void)
{
    uint64_t begin = weft_time_ns(), own = info_of(weft_thread_self()).run_ns, all;
    struct weft_thread *workers[2];

    for (unsigned i = 0; i < 2; i++)
        workers[i] = spawn(WEFT_PRIORITY_DEFAULT, 0, spin, (void *)(uintptr_t)i);
    join(workers[0]);
    join(workers[1]);
    own = info_of(weft_thread_self()).run_ns - own;
    all = weft_time_ns() - begin;
    printf("main %u us, workers %u and %u us, of %u us\n", (unsigned)(own / 1000),
           (unsigned)(spun_ns[0] / 1000), (unsigned)(spun_ns[1] / 1000), (unsigned)(all / 1000));
    CHECK(own + spun_ns[0] + spun_ns[1] <= all + all / 100);
    if (TIME_IS_OWN) {
        CHECK(about(spun_ns[1], 2 * spun_ns[0], 3));
        CHECK(about(own + spun_ns[0] + spun_ns[1], all, 2));
    }
}

/* ---- waits, and what a thread waits for ---- */

static void *wait_often(void *argument)
{
    for (unsigned i = 0; i < WAITS; i++)
        CHECK(weft_semaphore_wait(&semaphore) == 0);
    for (unsigned i = 0; i < SLEEPS; i++)
        weft_thread_sleep_ns(MS);
    *(uint32_t *)argument = info_of(weft_thread_self()).waits;
    return NULL;
}

static void waits(void)
{
    struct weft_thread *worker = spawn(20, 0, wait_often, &counted[2]);
    struct weft_thread_info info;

    for (unsigned i = 0; i < WAITS; i++) {
        uint64_t now;

        info = info_of(worker);
        now = weft_time_ns();
        CHECK(info.activity == WEFT_THREAD_BLOCKED && info.wait_object == &semaphore);
        CHECK(strcmp(info.wait_reason, "semaphore") == 0);
        CHECK(info.wait_since_ns <= now && now - info.wait_since_ns < 5 * MS * TIME_SCALE);
        CHECK(info.waits == i + 1);
        CHECK(weft_semaphore_post(&semaphore) == 0);
    }
    info = info_of(worker);
    CHECK(strcmp(info.wait_reason, "sleep") == 0 && info.wait_object == NULL);
    CHECK(info.priority == 20 && info.base_priority == 20 && info.core == 0);
    join(worker);
    CHECK(counted[2] == WAITS + SLEEPS);
    info = info_of(weft_thread_self());
    CHECK(info.activity == WEFT_THREAD_RUNNING && info.id == 1 && info.wait_reason == NULL);
}

/* ---- lines ---- */

static void *wait_for_ever(void *argument)
{
    CHECK(weft_semaphore_wait(&never) == 0);
    return argument;
}

static void *low(void *argument)
{
    return argument;
}

static void busy_until(uint64_t end)
{
    while (weft_time_ns() < end)
        ;
}

/* Three ready, two blocked, main. Then a line each 2 ms. */
static void lines(void)
{
    struct weft_thread *blocked[2], *ready[3];

    for (unsigned i = 0; i < 2; i++)
        blocked[i] = spawn(20, 0, wait_for_ever, NULL);
    for (unsigned i = 0; i < 3; i++)
        ready[i] = spawn(5 + (int)i, 0, low, NULL);
    weft_sched_trace();
    for (unsigned i = 0; i < 3; i++)
        join(ready[i]);
    for (unsigned i = 0; i < 2; i++) {
        CHECK(weft_semaphore_post(&never) == 0);
        join(blocked[i]);
    }
    CHECK(weft_sched_trace_every(WEFT_SCHED_TRACE_MIN_NS - 1) == WEFT_EINVAL);
    CHECK(weft_sched_trace_every(0) == 0);
    puts("every 2 ms");
    CHECK(weft_sched_trace_every(2 * MS) == 0);
    busy_until(weft_time_ns() + 21 * MS);
    CHECK(weft_sched_trace_every(0) == 0);
    puts("no more");
    busy_until(weft_time_ns() + 5 * MS);
}

/* ---- several cores ---- */

static _Atomic bool release[WEFT_CONFIG_CORES];
static _Atomic unsigned started;

static void *hold_core(void *argument)
{
    unsigned core = (unsigned)(uintptr_t)argument;

    started++;
    while (!release[core])
        ;
    return NULL;
}

/* Cores 1 to 3 are held; two threads wait for core 1 only; one, in core 0's queue, is stolen as
 * soon as core 3 is free. */
static void several(void)
{
    struct weft_thread *holders[4], *waiting[2], *stolen;
    uint32_t steals;

    weft_thread_sleep_ns(5 * MS); /* all cores are there */
    for (unsigned id = 1; id < 4; id++)
        holders[id] = spawn(25, 1u << id, hold_core, (void *)(uintptr_t)id);
    while (started < 3)
        ;
    for (unsigned i = 0; i < 2; i++)
        waiting[i] = spawn(5, 2, low, NULL);
    stolen = spawn(5, 1 | 8, low, NULL);
    weft_sched_trace();
    steals = stats_now().steals;
    release[3] = true;
    while (info_of(stolen).activity != WEFT_THREAD_EXITED)
        ;
    CHECK(info_of(stolen).core == 3 && stats_now().steals == steals + 1);
    while (stats_now().idle != 1)
        ;
    weft_sched_trace();
    release[1] = release[2] = true;
    for (unsigned id = 1; id < 4; id++)
        join(holders[id]);
    join(waiting[0]);
    join(waiting[1]);
    join(stolen);
}

int main(void)
{
    CHECK(weft_thread_info(NULL, &(struct weft_thread_info){0}) == WEFT_EINVAL);
    CHECK(weft_thread_info(weft_thread_self(), NULL) == WEFT_EINVAL);
    if (WEFT_CONFIG_CORES >= 4) {
        several();
    } else {
        switches();
        times();
        waits();
        lines();
    }
    puts("shown");
    return 0;
}
