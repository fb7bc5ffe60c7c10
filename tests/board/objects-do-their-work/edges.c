/* SPDX-License-Identifier: MIT */
/* Where a thread could be left waiting for ever: tests/unit/sched_edges.c has the cases, one by one
 * and to the cycle; here they are on the board, with its own interrupts and cores. */
#include <weft/weft.h>

#include "../firmware.h"
#include "edges.h"

#define MS 1000000ull

static struct weft_thread *spawn(unsigned core, int priority, void *(*entry)(void *))
{
    const struct weft_thread_attr attr = {.priority = priority, .cores = 1u << core};
    struct weft_thread *thread;

    CHECK(weft_thread_spawn(&thread, &attr, entry, NULL) == 0);
    return thread;
}

static int result_of(struct weft_thread *thread)
{
    void *result;

    CHECK(weft_thread_join(thread, &result) == 0);
    return (int)(intptr_t)result;
}

/* ---- timers ---- */

static struct weft_timer timer;
static volatile unsigned calls;
static uint32_t inside, let_go; /* atomic */

static WEFT_HANDLER void count_calls(struct weft_timer *self, void *argument)
{
    (void)self, (void)argument;
    calls = calls + 1;
}

static void *wait_for_timer(void *argument)
{
    (void)argument;
    return (void *)(intptr_t)weft_timer_wait(&timer);
}

/* It was a storm of interrupts. */
static void timer_for_ever(void)
{
    calls = 0;
    CHECK(weft_timer_init(&timer, count_calls, NULL) == 0);
    CHECK(weft_timer_start(&timer, 0, WEFT_FOREVER) == 0);
    CHECK(weft_timer_wait(&timer) == 1);
    CHECK(weft_timer_wait_until(&timer, weft_time_ns() + 3 * MS) == WEFT_ETIMEDOUT && calls == 1);
    CHECK(weft_timer_cancel(&timer) == 0);
    CHECK(weft_timer_destroy(&timer) == 0);
}

static void timer_for_two(void)
{
    struct weft_thread *first, *second;
    uint64_t due = weft_time_ns() + 5 * MS;

    CHECK(weft_timer_init(&timer, NULL, NULL) == 0);
    CHECK(weft_timer_start(&timer, due, 0) == 0);
    first = spawn(0, 21, wait_for_timer);
    second = spawn(0, 20, wait_for_timer);
    if (weft_time_ns() < due) { /* they wait; else this machine is slow today */
        CHECK(result_of(first) == 1);
        CHECK(result_of(second) == WEFT_ESTATE);
    } else {
        (void)result_of(first), (void)result_of(second);
    }
    CHECK(weft_timer_destroy(&timer) == 0);
}

static WEFT_HANDLER void stay_inside(struct weft_timer *self, void *argument)
{
    (void)self, (void)argument;
    __atomic_store_n(&inside, 1, __ATOMIC_RELEASE);
    while (__atomic_load_n(&let_go, __ATOMIC_ACQUIRE) == 0)
        ;
}

static void *start_it_here(void *argument)
{
    CHECK(weft_timer_start(&timer, weft_time_ns() + 2 * MS, 1000 * MS) == 0);
    return argument;
}

/* Its function is being called by core 1: it is stopped, and who waits is told. */
static void timer_destroyed_inside(void)
{
    struct weft_thread *first, *second;

    if (weft_core_count() == 1)
        return;
    CHECK(weft_timer_init(&timer, stay_inside, NULL) == 0);
    (void)result_of(spawn(1, 20, start_it_here));
    first = spawn(0, 21, wait_for_timer);
    second = spawn(0, 20, wait_for_timer);
    while (__atomic_load_n(&inside, __ATOMIC_ACQUIRE) == 0)
        weft_thread_yield();
    CHECK(weft_timer_destroy(&timer) == WEFT_EBUSY);
    CHECK(result_of(first) == 1);
    CHECK(result_of(second) == WEFT_ESTATE);
    __atomic_store_n(&let_go, 1, __ATOMIC_RELEASE);
    while (weft_timer_destroy(&timer) == WEFT_EBUSY)
        weft_thread_yield();
}

/* ---- a ring of joins ---- */

static struct weft_thread *main_thread;

static void *join_main(void *argument)
{
    (void)argument;
    return (void *)(intptr_t)weft_thread_join(main_thread, NULL);
}

static void join_in_a_ring(void)
{
    struct weft_thread *other;

    main_thread = weft_thread_self();
    other = spawn(0, 20, join_main);
    CHECK(weft_thread_join(other, NULL) == WEFT_EDEADLK);
    CHECK(weft_thread_detach(other) == 0); /* it waits until the program ends */
}

/* ---- read-write locks ---- */

static struct weft_rwlock lock = WEFT_RWLOCK_INITIALIZER(lock);
static uint32_t readers; /* atomic */

static void *write_for_a_while(void *argument)
{
    (void)argument;
    return (void *)(intptr_t)weft_rwlock_write_until(&lock, weft_time_ns() + 3 * MS);
}

static void *read_and_count(void *argument)
{
    CHECK(weft_rwlock_read(&lock) == 0);
    __atomic_fetch_add(&readers, 1, __ATOMIC_RELEASE);
    weft_rwlock_read_unlock(&lock);
    return argument;
}

/* The main thread reads until the readers behind the writer have read, too. */
static void suspended_writer(void)
{
    struct weft_thread *writer, *reader;
    bool in_time;

    CHECK(weft_rwlock_read(&lock) == 0);
    writer = spawn(0, 20, write_for_a_while);
    reader = spawn(0, 20, read_and_count);
    in_time = weft_thread_suspend(writer) == 0; /* else it has given up, on a slow machine */
    CHECK(result_of(reader) == 0);
    CHECK(!in_time || weft_thread_resume(writer) == 0);
    CHECK(result_of(writer) == WEFT_ETIMEDOUT);
    weft_rwlock_read_unlock(&lock);
}

static void *write_and_let_go(void *argument)
{
    CHECK(weft_rwlock_write(&lock) == 0);
    weft_rwlock_write_unlock(&lock);
    return argument;
}

static void raised_reader(void)
{
    struct weft_thread *writer, *reader;

    CHECK(weft_rwlock_read(&lock) == 0);
    writer = spawn(0, 20, write_and_let_go);
    reader = spawn(0, 20, read_and_count);
    CHECK(weft_thread_set_priority(reader, 21) == 0);
    CHECK(result_of(reader) == 0);
    weft_rwlock_read_unlock(&lock);
    CHECK(result_of(writer) == 0 && readers == 2);
    CHECK(weft_rwlock_destroy(&lock) == 0);
}

/* ---- what an initializer does not refuse ---- */

static void initialized_badly(void)
{
    static struct weft_semaphore many = WEFT_SEMAPHORE_BINARY_INITIALIZER(many, 5);
    static struct weft_barrier nobody = WEFT_BARRIER_INITIALIZER(nobody, 0);

    CHECK(weft_semaphore_post(&many) == WEFT_ESTATE);
    CHECK(weft_barrier_wait(&nobody) == 1);
}

void test_edges(void)
{
    timer_for_ever();
    timer_for_two();
    timer_destroyed_inside();
    suspended_writer();
    raised_reader();
    initialized_badly();
    join_in_a_ring();
}
