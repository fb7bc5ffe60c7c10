/* SPDX-License-Identifier: MIT */
/*
 * Every object that threads wait for: nine threads of three priorities wait, then it is signalled
 * as often as there are waiters. They must come out highest priority first, and in the order they
 * came in among equals. Then three wait with a deadline and time out, and three more wait until the
 * object is destroyed.
 */
#include <weft/weft.h>

#include "../firmware.h"

#define WAITERS 9

struct subject {
    const char *name;
    int (*wait)(uint64_t deadline_ns); /* UINT64_MAX: the form without a deadline */
    void (*wake_one)(void);
    void (*destroy)(void);
};

static struct weft_semaphore semaphore = WEFT_SEMAPHORE_INITIALIZER(semaphore, 0);
static struct weft_flags flags = WEFT_FLAGS_INITIALIZER(flags, 0);
static struct weft_mutex mutex = WEFT_MUTEX_INITIALIZER(mutex);
static struct weft_condition condition = WEFT_CONDITION_INITIALIZER(condition);

static int semaphore_wait(uint64_t deadline_ns)
{
    return deadline_ns == UINT64_MAX ? weft_semaphore_wait(&semaphore)
                                     : weft_semaphore_wait_until(&semaphore, deadline_ns);
}

static void semaphore_wake(void)
{
    CHECK(weft_semaphore_post(&semaphore) == 0);
}

static void semaphore_destroy(void)
{
    weft_semaphore_destroy(&semaphore);
}

static int flags_wait(uint64_t deadline_ns)
{
    const unsigned mode = WEFT_FLAGS_ALL | WEFT_FLAGS_CLEAR;

    return deadline_ns == UINT64_MAX ? weft_flags_wait(&flags, 6, mode, NULL)
                                     : weft_flags_wait_until(&flags, 6, mode, NULL, deadline_ns);
}

static void flags_wake(void)
{
    weft_flags_set(&flags, 2);
    weft_flags_set(&flags, 4);
}

static void flags_destroy(void)
{
    weft_flags_destroy(&flags);
}

static int condition_wait(uint64_t deadline_ns)
{
    int result;

    weft_mutex_lock(&mutex);
    result = deadline_ns == UINT64_MAX
                 ? weft_condition_wait(&condition, &mutex)
                 : weft_condition_wait_until(&condition, &mutex, deadline_ns);
    weft_mutex_unlock(&mutex);
    return result;
}

/* With the mutex held, so that the waiter moves to its queue. */
static void condition_wake(void)
{
    weft_mutex_lock(&mutex);
    weft_condition_signal(&condition);
    weft_mutex_unlock(&mutex);
}

static void condition_destroy(void)
{
    weft_condition_destroy(&condition);
}

static const struct subject subjects[] = {
    {"semaphore", semaphore_wait, semaphore_wake, semaphore_destroy},
    {"flags", flags_wait, flags_wake, flags_destroy},
    {"condition", condition_wait, condition_wake, condition_destroy},
};

static const struct subject *subject;
static uint64_t deadline_ns;
static unsigned order[WAITERS], woken;
static int results[WAITERS];

static void *waiter_main(void *argument)
{
    unsigned number = (unsigned)(uintptr_t)argument;

    results[number] = subject->wait(deadline_ns);
    order[woken++] = number;
    return NULL;
}

/* Waiter n has priority 20 + n % 3, above the caller's: it waits before the next one is made. */
static void spawn(struct weft_thread **threads, unsigned count)
{
    woken = 0;
    for (unsigned n = 0; n < count; n++) {
        const struct weft_thread_attr attr = {.priority = 20 + (int)(n % 3), .cores = 1};

        CHECK(weft_thread_spawn(&threads[n], &attr, waiter_main, (void *)(uintptr_t)n) == 0);
    }
    CHECK(woken == 0);
}

static void join(struct weft_thread **threads, unsigned count, int expected)
{
    for (unsigned n = 0; n < count; n++) {
        CHECK(weft_thread_join(threads[n], NULL) == 0);
        CHECK(results[n] == expected);
    }
}

static void check_order(void)
{
    unsigned place = 0;

    for (unsigned priority = 3; priority-- > 0;)
        for (unsigned n = priority; n < WAITERS; n += 3)
            CHECK(order[place++] == n);
}

static void test_subject(void)
{
    struct weft_thread *threads[WAITERS];

    deadline_ns = UINT64_MAX;
    spawn(threads, WAITERS);
    for (unsigned n = 0; n < WAITERS; n++) {
        subject->wake_one();
        CHECK(woken == n + 1);
    }
    join(threads, WAITERS, 0);
    check_order();

    deadline_ns = weft_time_ns() + 2000000;
    spawn(threads, 3);
    join(threads, 3, WEFT_ETIMEDOUT);
    CHECK(weft_time_ns() >= deadline_ns);

    deadline_ns = UINT64_MAX;
    spawn(threads, 3);
    subject->destroy();
    join(threads, 3, WEFT_ECLOSED);
    printf("%s: in order\n", subject->name);
}

/* All waiters share the caller's core, so that each spawn and wake is over when it returns. */
static void *test_main(void *argument)
{
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
        subject = &subjects[i];
        test_subject();
    }
    puts("all objects in order");
    return argument;
}

int main(void)
{
    const struct weft_thread_attr attr = {.priority = 16, .cores = 1};
    struct weft_thread *thread;

    CHECK(weft_thread_spawn(&thread, &attr, test_main, NULL) == 0);
    CHECK(weft_thread_join(thread, NULL) == 0);
    return 0;
}
