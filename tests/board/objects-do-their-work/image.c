/* SPDX-License-Identifier: MIT */
/*
 * What each object promises beyond waking in order: kinds of mutexes and ceilings, conditions with
 * recursive mutexes and timeouts, who gets a read-write lock, which bits of flags are left, how
 * often a barrier says "last", that once is once, what pools and semaphores refuse. Where the order
 * is what is looked at, all run on core 0; else on any.
 */
#include <string.h>
#include <weft/weft.h>

#include "../firmware.h"
#include "edges.h"

static struct weft_thread *spawn_on(uint32_t cores, int priority, void *(*entry)(void *),
                                    void *argument)
{
    const struct weft_thread_attr attr = {.priority = priority, .cores = cores};
    struct weft_thread *thread;

    CHECK(weft_thread_spawn(&thread, &attr, entry, argument) == 0);
    return thread;
}

static struct weft_thread *spawn_at(int priority, void *(*entry)(void *), void *argument)
{
    return spawn_on(1, priority, entry, argument);
}

static struct weft_thread *spawn_anywhere(int priority, void *(*entry)(void *), void *argument)
{
    return spawn_on(0, priority, entry, argument);
}

static void join(struct weft_thread *thread)
{
    CHECK(weft_thread_join(thread, NULL) == 0);
}

/* ---- mutexes ---- */

static struct weft_mutex checked = WEFT_MUTEX_ERRORCHECK_INITIALIZER(checked);
static struct weft_mutex second = WEFT_MUTEX_ERRORCHECK_INITIALIZER(second);
static volatile int other_result;

static void *unlock_anothers(void *argument)
{
    other_result = weft_mutex_unlock(&checked);
    CHECK(weft_mutex_destroy(&checked) == WEFT_EBUSY);
    return argument;
}

static void *lock_and_hold(void *argument)
{
    other_result = weft_mutex_lock(&checked);
    if (other_result == 0)
        CHECK(weft_mutex_unlock(&checked) == 0);
    return argument;
}

/* Holds `second` and waits for `checked`, which main holds: main must not ask for `second`. */
static void *close_a_cycle(void *argument)
{
    CHECK(weft_mutex_lock(&second) == 0);
    CHECK(weft_mutex_lock(&checked) == 0);
    CHECK(weft_mutex_unlock(&checked) == 0);
    CHECK(weft_mutex_unlock(&second) == 0);
    return argument;
}

static void test_errorcheck(void)
{
    struct weft_thread *thread;

    CHECK(weft_mutex_lock(&checked) == 0);
    CHECK(weft_mutex_lock(&checked) == WEFT_EDEADLK);
    CHECK(weft_mutex_trylock(&checked) == WEFT_EAGAIN);
    join(spawn_at(20, unlock_anothers, NULL));
    CHECK(other_result == WEFT_EPERM);
    thread = spawn_at(20, close_a_cycle, NULL);
    CHECK(weft_mutex_lock(&second) == WEFT_EDEADLK);
    CHECK(weft_mutex_unlock(&checked) == 0);
    join(thread);
    CHECK(weft_mutex_unlock(&checked) == WEFT_EPERM);

    CHECK(weft_mutex_lock(&checked) == 0);
    thread = spawn_at(20, lock_and_hold, NULL);
    CHECK(weft_mutex_destroy(&checked) == 0); /* its owner may */
    join(thread);
    CHECK(other_result == WEFT_ECLOSED);
}

static struct weft_mutex ceiling, upper_ceiling;
static volatile bool ran;

static void *note_run(void *argument)
{
    ran = true;
    return argument;
}

static void *too_high(void *argument)
{
    other_result = weft_mutex_lock(&ceiling);
    return argument;
}

/* main has priority 16. */
static void test_ceiling(void)
{
    struct weft_thread *thread;

    CHECK(weft_mutex_init_ceiling(&ceiling, WEFT_MUTEX_ERRORCHECK, 32) == WEFT_EINVAL);
    CHECK(weft_mutex_init_ceiling(&ceiling, WEFT_MUTEX_ERRORCHECK, 20) == 0);
    CHECK(weft_mutex_init_ceiling(&upper_ceiling, WEFT_MUTEX_RECURSIVE, 25) == 0);
    CHECK(weft_mutex_lock(&ceiling) == 0);
    thread = spawn_at(20, note_run, NULL);
    CHECK(!ran); /* as high as the ceiling: it does not preempt */
    CHECK(weft_mutex_lock(&upper_ceiling) == 0 && weft_mutex_lock(&upper_ceiling) == 0);
    struct weft_thread *higher = spawn_at(24, note_run, NULL);
    CHECK(!ran);
    CHECK(weft_mutex_unlock(&upper_ceiling) == 0 && !ran);
    CHECK(weft_mutex_unlock(&upper_ceiling) == 0 && ran); /* back to 20: the one of 24 ran */
    ran = false;
    CHECK(weft_mutex_unlock(&ceiling) == 0 && ran);
    join(thread);
    join(higher);
    join(spawn_at(21, too_high, NULL));
    CHECK(other_result == WEFT_EPERM);
    CHECK(weft_mutex_destroy(&ceiling) == 0);
}

/* ---- condition ---- */

static struct weft_mutex recursive = WEFT_MUTEX_RECURSIVE_INITIALIZER(recursive);
static struct weft_condition changed = WEFT_CONDITION_INITIALIZER(changed);
static unsigned turns;

static void *take_turns(void *argument)
{
    weft_mutex_lock(&recursive);
    weft_mutex_lock(&recursive); /* three deep: let go of altogether while waiting */
    weft_mutex_lock(&recursive);
    while (turns < 100) {
        if (turns % 2 == (uintptr_t)argument) {
            turns++;
            weft_condition_broadcast(&changed);
        } else {
            CHECK(weft_condition_wait(&changed, &recursive) == 0);
        }
    }
    weft_mutex_unlock(&recursive);
    weft_mutex_unlock(&recursive);
    weft_mutex_unlock(&recursive);
    return NULL;
}

static void test_condition(void)
{
    struct weft_thread *zero = spawn_anywhere(20, take_turns, (void *)0);
    struct weft_thread *one = spawn_anywhere(19, take_turns, (void *)1);
    static struct weft_mutex foreign = WEFT_MUTEX_INITIALIZER(foreign);

    join(zero);
    join(one);
    CHECK(turns == 100);
    weft_mutex_lock(&recursive);
    CHECK(weft_condition_wait_until(&changed, &recursive, weft_time_ns() + 100000) ==
          WEFT_ETIMEDOUT);
    CHECK(weft_mutex_trylock(&recursive) == 0); /* it is ours again */
    weft_mutex_unlock(&recursive);
    weft_mutex_unlock(&recursive);
    weft_mutex_lock(&foreign);
    weft_mutex_unlock(&foreign);
    weft_condition_signal(&changed); /* nobody waits: nothing happens */
}

/* ---- read-write lock ---- */

/* With one core in the emulator's time, with several in the host's, which others take from it. */
#define HURRY_NS (20000000ull * TIME_SCALE * (WEFT_CONFIG_CORES > 1 ? 10 : 1))

static struct weft_rwlock rwlock = WEFT_RWLOCK_INITIALIZER(rwlock);
static char order[16];
static unsigned order_count;

static void *reader(void *argument)
{
    CHECK(weft_rwlock_read(&rwlock) == 0);
    order[order_count++] = (char)(uintptr_t)argument;
    weft_rwlock_read_unlock(&rwlock);
    return NULL;
}

static void *writer(void *argument)
{
    CHECK(weft_rwlock_write(&rwlock) == 0);
    CHECK(weft_rwlock_try_read(&rwlock) == WEFT_EAGAIN);
    CHECK(weft_rwlock_read(&rwlock) == WEFT_EDEADLK);
    CHECK(weft_rwlock_write(&rwlock) == WEFT_EDEADLK);
    order[order_count++] = (char)(uintptr_t)argument;
    weft_rwlock_write_unlock(&rwlock);
    return NULL;
}

static void *writer_in_a_hurry(void *argument)
{
    CHECK(weft_rwlock_write_until(&rwlock, weft_time_ns() + HURRY_NS) == WEFT_ETIMEDOUT);
    return argument;
}

static void test_rwlock(void)
{
    struct weft_thread *threads[5];

    CHECK(weft_rwlock_read(&rwlock) == 0);
    threads[0] = spawn_at(20, reader, (void *)'r'); /* beside us */
    threads[1] = spawn_at(20, writer, (void *)'W');
    threads[2] = spawn_at(20, reader, (void *)'s'); /* not past the writer */
    threads[3] = spawn_at(21, reader, (void *)'t'); /* of higher priority: past it */
    threads[4] = spawn_at(22, writer, (void *)'X');
    CHECK(weft_rwlock_destroy(&rwlock) == WEFT_EBUSY);
    CHECK(weft_rwlock_try_write(&rwlock) == WEFT_EAGAIN);
    weft_rwlock_read_unlock(&rwlock);
    for (unsigned i = 0; i < 5; i++)
        join(threads[i]);
    printf("rwlock: %.*s\n", (int)order_count, order);
    CHECK(order_count == 5 && memcmp(order, "rtXWs", 5) == 0);

    CHECK(weft_rwlock_read(&rwlock) == 0); /* a writer that gives up lets those behind it in */
    order_count = 0;
    threads[0] = spawn_at(20, writer_in_a_hurry, NULL);
    threads[1] = spawn_at(20, reader, (void *)'r');
    CHECK(order_count == 0);
    join(threads[0]);
    join(threads[1]);
    CHECK(order_count == 1);
    weft_rwlock_read_unlock(&rwlock);
    CHECK(weft_rwlock_write(&rwlock) == 0);
    CHECK(weft_rwlock_destroy(&rwlock) == 0);
}

/* ---- flags ---- */

static struct weft_flags flags = WEFT_FLAGS_INITIALIZER(flags, 0);

static void *take_any(void *argument)
{
    uint32_t got;

    CHECK(weft_flags_wait(&flags, 3, WEFT_FLAGS_ANY | WEFT_FLAGS_CLEAR, &got) == 0);
    CHECK(got == (uintptr_t)argument);
    return NULL;
}

static void test_flags(void)
{
    struct weft_thread *first = spawn_at(21, take_any, (void *)9);
    struct weft_thread *next = spawn_at(20, take_any, (void *)10);

    CHECK(weft_flags_try(&flags, 0, WEFT_FLAGS_ANY, NULL) == WEFT_EINVAL);
    CHECK(weft_flags_try(&flags, 1, 4, NULL) == WEFT_EINVAL);
    CHECK(weft_flags_try(&flags, 1, WEFT_FLAGS_ANY, NULL) == WEFT_EAGAIN);
    weft_flags_set(&flags, 9); /* the first takes bit 0 away, so the next waits on */
    CHECK(weft_flags_get(&flags) == 8);
    weft_flags_set(&flags, 2);
    CHECK(weft_flags_get(&flags) == 8);
    weft_flags_clear(&flags, 8);
    CHECK(weft_flags_get(&flags) == 0);
    join(first);
    join(next);
}

/* ---- barrier, once, group ---- */

#define PARTIES 5
#define MEETINGS 50

static struct weft_barrier barrier = WEFT_BARRIER_INITIALIZER(barrier, PARTIES);
static struct weft_once once = WEFT_ONCE_INITIALIZER(once);
static unsigned lasts, at_meeting[PARTIES], once_calls;

static void slow_first(void *argument)
{
    weft_thread_sleep_ns(50000);
    once_calls++;
    *(unsigned *)argument = 42;
}

static void *meet(void *argument)
{
    static unsigned made;

    weft_once_run(&once, slow_first, &made);
    CHECK(made == 42 && once_calls == 1);
    for (unsigned i = 0; i < MEETINGS; i++) {
        int last = weft_barrier_wait(&barrier);

        CHECK(last == 0 || last == 1);
        __atomic_fetch_add(&lasts, (unsigned)last, __ATOMIC_RELAXED);
        __atomic_store_n(&at_meeting[(uintptr_t)argument], i, __ATOMIC_RELAXED);
        for (unsigned p = 0; p < PARTIES; p++) /* nobody is a whole meeting behind or ahead */
            CHECK(__atomic_load_n(&at_meeting[p], __ATOMIC_RELAXED) + 1 >= i);
    }
    return NULL;
}

static void *give_up(void *argument)
{
    CHECK(weft_barrier_wait_until(&barrier, weft_time_ns() + 50000) == WEFT_ETIMEDOUT);
    return argument;
}

static void test_barrier(void)
{
    struct weft_thread *threads[PARTIES];

    join(spawn_anywhere(20, give_up, NULL)); /* has not arrived */
    for (uintptr_t p = 0; p < PARTIES; p++)
        threads[p] = spawn_anywhere(14 + (int)p, meet, (void *)p);
    for (unsigned p = 0; p < PARTIES; p++)
        join(threads[p]);
    CHECK(lasts == MEETINGS);
    weft_barrier_destroy(&barrier);
}

static struct weft_group group = WEFT_GROUP_INITIALIZER(group);
static unsigned group_done;

static void *work(void *argument)
{
    weft_thread_sleep_ns(10000 * (uintptr_t)argument);
    __atomic_fetch_add(&group_done, 1, __ATOMIC_RELAXED);
    weft_group_done(&group);
    return NULL;
}

static void test_group(void)
{
    struct weft_thread *threads[4];

    CHECK(weft_group_wait(&group) == 0);
    weft_group_add(&group, 5); /* and main */
    for (uintptr_t i = 0; i < 4; i++)
        threads[i] = spawn_anywhere(15, work, (void *)(i + 1));
    CHECK(weft_group_wait_until(&group, weft_time_ns() + 5000) == WEFT_ETIMEDOUT);
    weft_group_done(&group);
    CHECK(weft_group_wait(&group) == 0 && group_done == 4);
    for (unsigned i = 0; i < 4; i++)
        join(threads[i]);
    weft_group_destroy(&group);
}

/* ---- semaphore, pool ---- */

static void test_semaphore(void)
{
    static struct weft_semaphore binary = WEFT_SEMAPHORE_BINARY_INITIALIZER(binary, 1);
    struct weft_semaphore counting;

    CHECK(weft_semaphore_post(&binary) == WEFT_ESTATE && weft_semaphore_count(&binary) == 1);
    CHECK(weft_semaphore_wait(&binary) == 0 && weft_semaphore_try(&binary) == WEFT_EAGAIN);
    CHECK(weft_semaphore_wait_until(&binary, weft_time_ns() + 1000) == WEFT_ETIMEDOUT);
    CHECK(weft_semaphore_count(&binary) == 0);
    CHECK(weft_semaphore_post(&binary) == 0 && weft_semaphore_count(&binary) == 1);
    CHECK(weft_semaphore_init(&counting, 2, 1) == WEFT_EINVAL);
    CHECK(weft_semaphore_init(&counting, 0, 0) == WEFT_EINVAL);
    CHECK(weft_semaphore_init(&counting, 0, 3) == 0);
    for (unsigned i = 0; i < 3; i++)
        CHECK(weft_semaphore_post(&counting) == 0);
    CHECK(weft_semaphore_post(&counting) == WEFT_ESTATE && weft_semaphore_count(&counting) == 3);
}

static void test_pool(void)
{
    static void *storage[3 * 3 + 1];
    struct weft_pool pool;
    char *blocks[3];

    CHECK(weft_pool_init(&pool, storage, sizeof storage, sizeof storage + 1) == WEFT_EINVAL);
    CHECK(weft_pool_init(&pool, (char *)storage + 1, 64, 4) == WEFT_EINVAL);
    CHECK(weft_pool_init(&pool, storage, sizeof storage, 2 * sizeof(void *) + 1) == 0);
    for (unsigned i = 0; i < 3; i++) {
        blocks[i] = weft_pool_try_alloc(&pool);
        CHECK(blocks[i] == (char *)&storage[3 * i]);
    }
    CHECK(weft_pool_try_alloc(&pool) == NULL && weft_pool_used(&pool) == 3);
    weft_pool_free(&pool, blocks[1]);
    weft_pool_free(&pool, blocks[0]);
    CHECK(weft_pool_try_alloc(&pool) == blocks[0] && weft_pool_used(&pool) == 2);
}

int main(void)
{
    CHECK(weft_thread_set_cores(weft_thread_self(), 1) == 0);
    test_errorcheck();
    test_ceiling();
    test_condition();
    test_rwlock();
    test_flags();
    test_barrier();
    test_group();
    test_semaphore();
    test_pool();
    test_edges();
    puts("all work");
    return 0;
}
