/* SPDX-License-Identifier: MIT */
/*
 * Threads that wait for ever, in the way that the first argument names: all at once, in a cycle of
 * mutexes, in the wrong order of weft's own locks; and cores that never reach the scheduler.
 */
#include <string.h>
#include <weft/weft.h>

#include "../firmware.h"
#include "arch/irq.h"
#include "kernel/spinlock.h"
#include "sched/thread.h"

#define MS 1000000ull

static struct weft_semaphore never = WEFT_SEMAPHORE_INITIALIZER(never, 0);
static struct weft_semaphore soon = WEFT_SEMAPHORE_INITIALIZER(soon, 0);
static struct weft_mutex mutexes[3] = {WEFT_MUTEX_INITIALIZER(mutexes[0]),
                                       WEFT_MUTEX_INITIALIZER(mutexes[1]),
                                       WEFT_MUTEX_INITIALIZER(mutexes[2])};
static struct weft_barrier barrier;
static struct weft_timer timer;
static unsigned rounds;

static struct weft_thread *spawn(const char *name, void *(*entry)(void *), void *argument,
                                 uint32_t on_cores)
{
    const struct weft_thread_attr attr = {
        .name = name, .priority = WEFT_PRIORITY_DEFAULT, .cores = on_cores};
    struct weft_thread *thread;

    CHECK(weft_thread_spawn(&thread, &attr, entry, argument) == 0);
    return thread;
}

/* ---- all asleep ---- */

static void *wait_never(void *argument)
{
    weft_mutex_lock(&mutexes[0]);
    CHECK(weft_semaphore_wait(&never) == 0);
    return argument;
}

static void *wait_for_mutex(void *argument)
{
    weft_mutex_lock(&mutexes[0]);
    return argument;
}

/* Main joins "first", which waits for a semaphore nobody posts and holds what "second" wants. */
static void fall_asleep(void)
{
    struct weft_thread *first = spawn("first", wait_never, NULL, 0);

    while (weft_mutex_trylock(&mutexes[0]) == 0) {
        weft_mutex_unlock(&mutexes[0]);
        weft_thread_yield();
    }
    printf("semaphore %p mutex %p threads %u %u\n", (void *)&never, (void *)&mutexes[0],
           (unsigned)weft_thread_id(first),
           (unsigned)weft_thread_id(spawn("second", wait_for_mutex, NULL, 0)));
    (void)!weft_thread_join(first, NULL);
}

static void *servant(void *argument)
{
    for (;;) {
        rounds++;
        weft_thread_sleep_ns(2 * MS);
    }
    return argument;
}

/* A thread of weft's own that sleeps now and then does not keep the others' sleep from being seen.
 */
static void with_servant(void)
{
    spawn("servant", servant, NULL, 0)->runtime = 1;
    weft_thread_sleep_ns(5 * MS);
    fall_asleep();
}

static void *sleep_a_little(void *argument)
{
    weft_thread_sleep_ns(3 * MS);
    CHECK(weft_semaphore_post(argument) == 0);
    return argument;
}

static void expired(struct weft_timer *self, void *argument)
{
    (void)self;
    CHECK(weft_semaphore_post(argument) == 0);
}

/* All threads wait, each time with one thing left that wakes one. */
static void wakeable(void)
{
    struct weft_thread *sleeper;

    sleeper = spawn("sleeper", sleep_a_little, &soon, 0);
    CHECK(weft_semaphore_wait(&soon) == 0);
    CHECK(weft_thread_join(sleeper, NULL) == 0);
    CHECK(weft_semaphore_wait_until(&soon, weft_time_ns() + 3 * MS) == WEFT_ETIMEDOUT);
    CHECK(weft_timer_init(&timer, expired, &soon) == 0);
    for (unsigned i = 0; i < 20; i++) {
        CHECK(weft_timer_start(&timer, weft_time_ns() + i * 50000, 0) == 0);
        CHECK(weft_semaphore_wait(&soon) == 0);
    }
    weft_wakeup_expect();
    weft_wakeup_expect();
    weft_wakeup_forget();
    weft_wakeup_forget();
    puts("always awake in time");
    exit(0);
}

static void announced(void)
{
    weft_wakeup_expect();
    weft_wakeup_expect();
    weft_wakeup_forget();
    puts("waiting for a device");
    fall_asleep();
}

static void leave(void)
{
    spawn("last", sleep_a_little, &soon, 0);
    weft_thread_exit(NULL);
}

/* ---- a cycle ---- */

static struct weft_thread *others[3];

static bool is_blocked_on(const struct weft_thread *thread, const void *object)
{
    return __atomic_load_n(&thread->state, __ATOMIC_RELAXED) == THREAD_BLOCKED &&
           __atomic_load_n(&thread->wait_object, __ATOMIC_RELAXED) == object;
}

static void *cross(void *argument)
{
    size_t own = (size_t)(uintptr_t)argument;

    weft_mutex_lock(&mutexes[own]);
    CHECK(weft_barrier_wait(&barrier) >= 0);
    if (own == 0) /* the others wait for theirs: this one closes the cycle */
        while (!is_blocked_on(others[1], &mutexes[2]) || !is_blocked_on(others[2], &mutexes[0]))
            weft_thread_sleep_ns(MS);
    weft_mutex_lock(&mutexes[(own + 1) % 3]);
    return argument;
}

static void cycle(void)
{
    static const char *const names[] = {"red", "green", "blue"};
    struct weft_thread *threads[3];

    CHECK(weft_barrier_init(&barrier, 4) == 0);
    for (size_t i = 0; i < 3; i++)
        threads[i] = spawn(names[i], cross, (void *)(uintptr_t)i, 0);
    printf("mutexes %p %p %p threads %u %u %u\n", (void *)&mutexes[0], (void *)&mutexes[1],
           (void *)&mutexes[2], (unsigned)weft_thread_id(threads[0]),
           (unsigned)weft_thread_id(threads[1]), (unsigned)weft_thread_id(threads[2]));
    memcpy(others, threads, sizeof others);
    CHECK(weft_barrier_wait(&barrier) >= 0);
    (void)!weft_thread_join(threads[0], NULL);
}

/* ---- ranks ---- */

static struct spinlock low = SPINLOCK_INITIALIZER(RANK_HEAP_CENTRAL, "low lock");
static struct spinlock high = SPINLOCK_INITIALIZER(RANK_LOG, "high lock");

static void ranks(void)
{
    arch_irq_state state = spinlock_lock(&low);

    spinlock_lock_irqoff(&high);
    spinlock_unlock_irqoff(&high);
    spinlock_unlock(&low, state);
    puts("in order");
    state = spinlock_lock(&high);
    spinlock_lock_irqoff(&low);
    arch_irq_restore(state);
}

/* ---- the watchdog ---- */

static __attribute__((noinline)) void hog_until(uint32_t reports)
{
    while (weft_watchdog_reports() < reports)
        __asm__ volatile("");
}

static void busy_for(uint64_t ns, bool feed)
{
    uint64_t end = weft_time_ns() + ns;

    while (weft_time_ns() < end)
        if (feed)
            weft_watchdog_feed();
}

static void *switching(void *argument)
{
    for (unsigned i = 0; i < 100; i++) {
        busy_for(MS, false);
        weft_thread_yield();
    }
    return argument;
}

/* What is no reason for a report. */
static void behave(void)
{
    struct weft_thread *other;

    busy_for(100 * MS, true);
    weft_thread_sleep_ns(100 * MS);
    other = spawn("other", switching, NULL, 1);
    switching(NULL);
    CHECK(weft_thread_join(other, NULL) == 0);
    CHECK(weft_watchdog_reports() == 0);
}

static void watched(void)
{
    CHECK(weft_watchdog_set(0, WEFT_WATCHDOG_MAX_NS + 1, WEFT_WATCHDOG_REPORT) == WEFT_EINVAL);
    CHECK(weft_watchdog_set(WEFT_CONFIG_CORES, MS, WEFT_WATCHDOG_REPORT) == WEFT_EINVAL);
    CHECK(weft_watchdog_set(0, MS, 7) == WEFT_EINVAL);
    CHECK(weft_watchdog_set(0, 20 * MS, WEFT_WATCHDOG_REPORT) == 0);
    if (TIME_IS_OWN)
        behave();
    hog_until(1);
    if (TIME_IS_OWN) {
        busy_for(100 * MS, false); /* still the same stay */
        CHECK(weft_watchdog_reports() == 1);
    }
    weft_thread_sleep_ns(MS);
    hog_until(2);
    CHECK(weft_watchdog_set(0, 0, WEFT_WATCHDOG_REPORT) == 0);
    busy_for(100 * MS, false);
    CHECK(weft_watchdog_reports() == 2);
    puts("watched");
    exit(0);
}

static void watched_panic(void)
{
    CHECK(weft_watchdog_set(0, 20 * MS, WEFT_WATCHDOG_PANIC) == 0);
    hog_until(1);
}

static void *deaf(void *argument)
{
    arch_irq_state state = arch_irq_save();

    hog_until(1);
    arch_irq_restore(state);
    return argument;
}

/* Core 1 takes no interrupts, so its own tick can't tell. */
static void watched_by_others(void)
{
    struct weft_thread *thread = spawn("deaf", deaf, NULL, 2);

    CHECK(weft_watchdog_set(1, 20 * MS, WEFT_WATCHDOG_REPORT) == 0);
    CHECK(weft_thread_join(thread, NULL) == 0);
    CHECK(weft_watchdog_reports() == 1);
    puts("core 1 was watched");
    exit(0);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *word;
        void (*function)(void);
    } ways[] = {
        {"asleep", fall_asleep},
        {"servant", with_servant},
        {"wakeable", wakeable},
        {"announced", announced},
        {"leave", leave},
        {"forget", weft_wakeup_forget},
        {"cycle", cycle},
        {"ranks", ranks},
        {"watched", watched},
        {"watched-panic", watched_panic},
        {"watched-by-others", watched_by_others},
    };

    for (size_t i = 0; argc == 2 && i < sizeof ways / sizeof ways[0]; i++)
        if (strcmp(argv[1], ways[i].word) == 0)
            ways[i].function();
    puts("not that way");
    return 1;
}
