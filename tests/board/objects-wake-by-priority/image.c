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
    result = deadline_ns == UINT64_MAX ? weft_condition_wait(&condition, &mutex)
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

static struct weft_queue queue;
static uint32_t queue_storage[1];

static int queue_receive(uint64_t deadline_ns)
{
    uint32_t message = 0;
    int result = deadline_ns == UINT64_MAX
                     ? weft_queue_receive(&queue, &message)
                     : weft_queue_receive_until(&queue, &message, deadline_ns);

    CHECK(result != 0 || message == 7);
    return result;
}

static void queue_send_seven(void)
{
    uint32_t message = 7;

    CHECK(weft_queue_try_send(&queue, &message) == 0);
}

static void queue_destroy(void)
{
    weft_queue_destroy(&queue);
    CHECK(weft_queue_init(&queue, queue_storage, sizeof queue_storage[0], 1) == 0);
    queue_send_seven(); /* full, for the senders */
}

static int queue_send(uint64_t deadline_ns)
{
    uint32_t message = 7;

    return deadline_ns == UINT64_MAX ? weft_queue_send(&queue, &message)
                                     : weft_queue_send_until(&queue, &message, deadline_ns);
}

static void queue_receive_seven(void)
{
    uint32_t message = 0;

    CHECK(weft_queue_try_receive(&queue, &message) == 0 && message == 7);
}

static struct weft_channel unbuffered =
    WEFT_CHANNEL_INITIALIZER(unbuffered, NULL, sizeof(uint64_t), 0);

static int channel_receive(uint64_t deadline_ns)
{
    uint64_t element = 0;
    int result = deadline_ns == UINT64_MAX
                     ? weft_channel_receive(&unbuffered, &element)
                     : weft_channel_receive_until(&unbuffered, &element, deadline_ns);

    CHECK(result != 0 || element == 0x123456789au);
    return result;
}

static void channel_send_one(void)
{
    uint64_t element = 0x123456789au;

    CHECK(weft_channel_try_send(&unbuffered, &element) == 0);
}

static void channel_destroy(void)
{
    weft_channel_destroy(&unbuffered);
    CHECK(weft_channel_init(&unbuffered, NULL, sizeof(uint64_t), 0) == 0);
}

static int channel_send(uint64_t deadline_ns)
{
    uint64_t element = 0x123456789au;

    return deadline_ns == UINT64_MAX ? weft_channel_send(&unbuffered, &element)
                                     : weft_channel_send_until(&unbuffered, &element, deadline_ns);
}

static void channel_receive_one(void)
{
    uint64_t element = 0;

    CHECK(weft_channel_try_receive(&unbuffered, &element) == 0 && element == 0x123456789au);
}

static struct weft_channel other = WEFT_CHANNEL_INITIALIZER(other, NULL, sizeof(uint64_t), 0);

/* Twice the same channel, and one where nothing ever comes. */
static int select_wait(uint64_t deadline_ns)
{
    uint64_t in = 0, never = 0;
    size_t chosen = 99;
    struct weft_select_case cases[] = {
        {.kind = WEFT_SELECT_RECEIVE, .channel = &other, .element = &never},
        {.kind = WEFT_SELECT_RECEIVE, .channel = NULL},
        {.kind = WEFT_SELECT_RECEIVE, .channel = &unbuffered, .element = &in},
        {.kind = WEFT_SELECT_RECEIVE, .channel = &unbuffered, .element = &in},
    };
    int result = deadline_ns == UINT64_MAX ? weft_select(cases, 4, &chosen)
                                           : weft_select_until(cases, 4, &chosen, deadline_ns);

    CHECK(result != 0 || (in == 0x123456789au && (chosen == 2 || chosen == 3)));
    return result;
}

static struct weft_pool pool;
static void *pool_storage[2], *pool_block;

static int pool_alloc(uint64_t deadline_ns)
{
    void *block = NULL;
    int result = deadline_ns == UINT64_MAX ? weft_pool_alloc(&pool, &block)
                                           : weft_pool_alloc_until(&pool, &block, deadline_ns);

    CHECK(result != 0 || block == pool_storage);
    return result;
}

static void pool_free(void)
{
    weft_pool_free(&pool, pool_block);
}

static void pool_destroy(void)
{
    weft_pool_destroy(&pool);
}

static struct weft_timer timer;

static int timer_wait(uint64_t deadline_ns)
{
    return deadline_ns == UINT64_MAX ? weft_timer_wait(&timer) - 1
                                     : weft_timer_wait_until(&timer, deadline_ns);
}

static void timer_expire(void)
{
    CHECK(weft_timer_start(&timer, weft_time_ns() + 20000, 1000000000) == 0);
    weft_thread_sleep_ns(100000);
}

static void timer_destroy(void)
{
    CHECK(weft_timer_destroy(&timer) == 0);
}

static void prepare(void)
{
    CHECK(weft_queue_init(&queue, queue_storage, sizeof queue_storage[0], 1) == 0);
    CHECK(weft_pool_init(&pool, pool_storage, sizeof pool_storage, sizeof pool_storage) == 0);
    pool_block = weft_pool_try_alloc(&pool);
    CHECK(pool_block == pool_storage && weft_pool_used(&pool) == 1);
    CHECK(weft_timer_init(&timer, NULL, NULL) == 0);
    CHECK(weft_timer_start(&timer, WEFT_FOREVER, 0) == 0);
}

static const struct subject subjects[] = {
    {"semaphore", semaphore_wait, semaphore_wake, semaphore_destroy},
    {"flags", flags_wait, flags_wake, flags_destroy},
    {"condition", condition_wait, condition_wake, condition_destroy},
    {"queue receive", queue_receive, queue_send_seven, queue_destroy},
    {"queue send", queue_send, queue_receive_seven, queue_destroy},
    {"channel receive", channel_receive, channel_send_one, channel_destroy},
    {"channel send", channel_send, channel_receive_one, channel_destroy},
    {"select", select_wait, channel_send_one, channel_destroy},
    {"pool", pool_alloc, pool_free, pool_destroy},
    {"timer", timer_wait, timer_expire, timer_destroy},
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
    CHECK(woken == 0 || deadline_ns != UINT64_MAX); /* a slow machine may be at the deadline */
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

    deadline_ns = weft_time_ns() + 50000000;
    spawn(threads, 3);
    join(threads, 3, WEFT_ETIMEDOUT);
    CHECK(weft_time_ns() >= deadline_ns);

    deadline_ns = UINT64_MAX;
    spawn(threads, 3);
    subject->destroy();
    join(threads, 3, subject->wait == timer_wait ? WEFT_ECLOSED - 1 : WEFT_ECLOSED);
    printf("%s: in order\n", subject->name);
}

/* All waiters share the caller's core, so that each spawn and wake is over when it returns. */
static void *test_main(void *argument)
{
    prepare();
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
