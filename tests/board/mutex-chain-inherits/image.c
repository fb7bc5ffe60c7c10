/* SPDX-License-Identifier: MIT */
/*
 * A chain: high waits for a mutex of middle, which waits for one of low, which works for 2 ms; a
 * hog of a priority in between wants the core for 20 ms. Low inherits, so high waits for the 2 ms
 * only. The same through a chain of eight; and who inherited goes back to its own priority. Then
 * threads give up waiting at the very time at which the mutex is handed over, many times.
 */
#include <weft/weft.h>

#include "../firmware.h"

#define CHAIN 8

static struct weft_mutex links[CHAIN];
static struct weft_mutex lower = WEFT_MUTEX_INITIALIZER(lower);
static struct weft_mutex upper = WEFT_MUTEX_INITIALIZER(upper);
static uint64_t start_ns, waited_ns;
static volatile unsigned inside;
static unsigned timeouts, locks;

static void spin(uint64_t ns)
{
    uint64_t end = weft_time_ns() + ns;

    while (weft_time_ns() < end)
        ;
}

static void *low_main(void *argument)
{
    weft_mutex_lock(&lower);
    spin(2000000 * TIME_SCALE);
    weft_mutex_unlock(&lower);
    return argument;
}

static void *middle_main(void *argument)
{
    weft_thread_sleep_until_ns(start_ns + 200000 * TIME_SCALE);
    weft_mutex_lock(&upper);
    weft_mutex_lock(&lower);
    weft_mutex_unlock(&lower);
    weft_mutex_unlock(&upper);
    return argument;
}

static void *high_main(void *argument)
{
    weft_thread_sleep_until_ns(start_ns + 400000 * TIME_SCALE);
    waited_ns = weft_time_ns();
    weft_mutex_lock(&upper);
    waited_ns = weft_time_ns() - waited_ns;
    weft_mutex_unlock(&upper);
    return argument;
}

static void *hog_main(void *argument)
{
    weft_thread_sleep_until_ns(start_ns + 600000 * TIME_SCALE);
    spin(20000000 * TIME_SCALE);
    return argument;
}

/* Thread n, of priority n + 1, holds link n and waits for link n - 1; thread 0 works for 1 ms, and
 * for another when it has let go: then it must no longer run before the hog. */
static uint64_t lowest_end_ns, hog_start_ns;

static void *link_main(void *argument)
{
    unsigned n = (unsigned)(uintptr_t)argument - 1;

    weft_thread_sleep_until_ns(start_ns + 1000000 + n * 100000);
    weft_mutex_lock(&links[n]);
    if (n != 0) {
        weft_mutex_lock(&links[n - 1]);
        weft_mutex_unlock(&links[n - 1]);
    } else {
        spin(3000000);
    }
    weft_mutex_unlock(&links[n]);
    if (n == 0) {
        spin(1000000);
        lowest_end_ns = weft_time_ns();
    }
    return NULL;
}

static void *above_main(void *argument)
{
    weft_thread_sleep_until_ns(start_ns + 2000000);
    waited_ns = weft_time_ns();
    weft_mutex_lock(&links[CHAIN - 1]);
    waited_ns = weft_time_ns() - waited_ns;
    weft_mutex_unlock(&links[CHAIN - 1]);
    return argument;
}

static void *hogging_main(void *argument)
{
    weft_thread_sleep_until_ns(start_ns + 2200000);
    hog_start_ns = weft_time_ns();
    spin(20000000);
    return argument;
}

static void *racing_main(void *argument)
{
    uint64_t seed = (uintptr_t)argument;

    for (unsigned i = 0; i < 2000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        if (weft_mutex_lock_until(&lower, weft_time_ns() + (seed >> 40) % 100000) != 0) {
            __atomic_fetch_add(&timeouts, 1, __ATOMIC_RELAXED); /* not under the mutex */
            continue;
        }
        CHECK(inside++ == 0);
        weft_thread_sleep_ns((seed >> 33) % 60000);
        CHECK(inside-- == 1);
        locks++;
        weft_mutex_unlock(&lower);
    }
    return NULL;
}

static void run(unsigned count, void *(*const entries[])(void *), const int *priorities)
{
    struct weft_thread *threads[CHAIN + 2];

    start_ns = weft_time_ns();
    for (unsigned i = 0; i < count; i++) {
        const struct weft_thread_attr attr = {.priority = priorities[i]};

        CHECK(weft_thread_spawn(&threads[i], &attr, entries[i], (void *)(uintptr_t)(i + 1)) == 0);
    }
    for (unsigned i = 0; i < count; i++)
        CHECK(weft_thread_join(threads[i], NULL) == 0);
}

int main(void)
{
    void *(*const chain[])(void *) = {low_main, middle_main, high_main, hog_main};
    void *(*const racers[])(void *) = {racing_main, racing_main, racing_main, racing_main};

    void *(*const links_above[])(void *) = {link_main,  link_main,   link_main, link_main,
                                            link_main,  link_main,   link_main, link_main,
                                            above_main, hogging_main};

    run(4, chain, (const int[]){5, 10, 20, 15});
    printf("high waited %u us\n", (unsigned)(waited_ns / 1000));
    CHECK(!TIME_IS_OWN || (waited_ns > 1000000 && waited_ns < 4000000));
    for (unsigned i = 0; i < CHAIN; i++)
        CHECK(weft_mutex_init(&links[i], WEFT_MUTEX_NORMAL) == 0);
    run(CHAIN + 2, links_above, (const int[]){1, 2, 3, 4, 5, 6, 7, 8, 20, 15});
    printf("high waited %u us for a chain of %u\n", (unsigned)(waited_ns / 1000), CHAIN);
    CHECK(!TIME_IS_OWN || (waited_ns > 1000000 && waited_ns < 4000000));
    CHECK(!TIME_IS_OWN || lowest_end_ns > hog_start_ns + 20000000);
    run(4, racers, (const int[]){5, 10, 10, 20});
    printf("%u locks, %u timeouts\n", locks, timeouts);
    CHECK(locks + timeouts == 8000 && locks > 500 && timeouts > 500);
    CHECK(weft_mutex_trylock(&lower) == 0);
    weft_mutex_unlock(&lower);
    puts("inherited");
    return 0;
}
