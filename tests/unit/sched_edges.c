/* SPDX-License-Identifier: MIT */
/*
 * The edges of what the headers promise, on the machine that the host plays: times at which 64 bits
 * end, the last expiry of a timer, threads that wait for each other's end, what a suspended thread
 * leaves to others, objects whose initializer was given nonsense.
 */
#include <criterion/criterion.h>
#include <string.h>
#include <weft/weft.h>

#include "kernel/tick.h"
#include "sched/sched.h"
#include "tests/unit/machine/threads.h"

static int joined(struct weft_thread *thread)
{
    return (int)(intptr_t)join(thread);
}

/* ---- for ever ---- */

static void waits_for_ever(void)
{
    struct weft_semaphore never = WEFT_SEMAPHORE_INITIALIZER(never, 0);

    cr_assert_eq(tick_ns_to_cycles(WEFT_FOREVER), UINT64_MAX);
    cr_assert(weft_semaphore_wait_until(&never, WEFT_FOREVER) != 0);
}

/* With a clock of less than 1 GHz 2^64 - 1 ns are a number of cycles like any other. */
Test(edges, deadline_of_for_ever_is_none)
{
    panics(waits_for_ever, "all threads are asleep: deadlock");
}

static void sleeps_for_ever(void)
{
    weft_thread_sleep_until_ns(WEFT_FOREVER);
}

Test(edges, sleep_for_ever_has_no_deadline)
{
    panics(sleeps_for_ever, "all threads are asleep: deadlock");
}

/* ---- timers ---- */

static struct weft_timer timer;
static unsigned calls;

static void count_calls(struct weft_timer *self, void *argument)
{
    (void)self, (void)argument;
    cr_assert_leq(++calls, 100, "it never stops");
}

static void periods_that_end_time(void)
{
    static const uint64_t periods[] = {UINT64_MAX, UINT64_MAX - 5 * MS, 1ull << 63};

    for (unsigned i = 0; i < 3; i++) {
        cr_assert_eq(weft_timer_init(&timer, count_calls, NULL), 0);
        calls = 0;
        cr_assert_eq(weft_timer_start(&timer, weft_time_ns() + 10 * MS, periods[i]), 0);
        weft_thread_sleep_ns(1000 * MS);
        cr_assert_eq(calls, 1);
        cr_assert_eq(weft_timer_wait(&timer), 1);
        cr_assert_eq(weft_timer_cancel(&timer), 0);
        cr_assert_eq(weft_timer_destroy(&timer), 0);
    }
}

Test(edges, timer_with_a_period_to_the_end_of_time_expires_once)
{
    runs(periods_that_end_time);
}

static void waits_for_a_timer_that_never_comes(void)
{
    cr_assert_eq(weft_timer_init(&timer, NULL, NULL), 0);
    cr_assert_eq(weft_timer_start(&timer, 0, WEFT_FOREVER), 0);
    cr_assert_eq(weft_timer_wait(&timer), 1);
    cr_assert(weft_timer_wait(&timer) < 0);
}

Test(edges, timer_that_never_comes_does_not_hide_a_deadlock)
{
    panics(waits_for_a_timer_that_never_comes,
           "all threads are asleep: deadlock\nthread 1 \"main\" waits: timer");
}

static void counts_too_many(void)
{
    weft_thread_sleep_ns(2147484ull * MS); /* 2^31 us, and a bit */
    cr_assert_eq(weft_timer_init(&timer, NULL, NULL), 0);
    cr_assert_eq(weft_timer_start(&timer, 0, 1000), 0);
    cr_assert_eq(weft_timer_wait(&timer), INT32_MAX);
    cr_assert_eq(weft_timer_cancel(&timer), 0);
}

Test(edges, timer_that_is_overdue_by_2_to_the_31_periods_says_many)
{
    runs(counts_too_many);
}

static void *wait_for_timer(void *argument)
{
    (void)argument;
    return (void *)(intptr_t)weft_timer_wait(&timer);
}

static void tells_all(void)
{
    struct weft_thread *first, *second;

    cr_assert_eq(weft_timer_init(&timer, NULL, NULL), 0);
    cr_assert_eq(weft_timer_start(&timer, weft_time_ns() + 10 * MS, 0), 0);
    first = spawn("first", 20, wait_for_timer, NULL);
    second = spawn("second", 20, wait_for_timer, NULL);
    cr_assert_eq(joined(first), 1);
    cr_assert_eq(joined(second), WEFT_ESTATE);
}

Test(edges, second_thread_that_waits_for_one_expiry_is_told_that_none_will_come)
{
    runs(tells_all);
}

static void again(struct weft_timer *self, void *argument)
{
    (void)argument;
    if (calls++ == 0)
        cr_assert_eq(weft_timer_start(self, weft_time_ns() + 10 * MS, 0), 0);
}

static void tells_the_next(void)
{
    struct weft_thread *first, *second;

    cr_assert_eq(weft_timer_init(&timer, again, NULL), 0);
    cr_assert_eq(weft_timer_start(&timer, weft_time_ns() + 10 * MS, 0), 0);
    first = spawn("first", 20, wait_for_timer, NULL);
    second = spawn("second", 20, wait_for_timer, NULL);
    cr_assert_eq(joined(first), 1);
    cr_assert_eq(joined(second), 1);
}

Test(edges, second_thread_waits_on_when_the_function_starts_the_timer_anew)
{
    runs(tells_the_next);
}

static void inits_a_running_timer(void)
{
    cr_assert_eq(weft_timer_init(&timer, NULL, NULL), 0);
    cr_assert_eq(weft_timer_init(&timer, NULL, NULL), 0, "it does not run");
    cr_assert_eq(weft_timer_start(&timer, 10 * MS, 0), 0);
    cr_assert_eq(weft_timer_init(&timer, NULL, NULL), 0);
}

Test(edges, timer_that_is_initialised_while_it_runs_is_told)
{
    panics(inits_a_running_timer, "is running: cancel and destroy it first");
}

/* ---- initializers that were given nonsense ---- */

static void initialized_badly(void)
{
    struct weft_semaphore many = WEFT_SEMAPHORE_BINARY_INITIALIZER(many, 5);
    struct weft_barrier nobody = WEFT_BARRIER_INITIALIZER(nobody, 0);

    cr_assert_eq(weft_semaphore_post(&many), WEFT_ESTATE); /* it looped, with the lock held */
    cr_assert_eq(weft_semaphore_count(&many), 5);
    cr_assert_eq(weft_barrier_wait(&nobody), 1); /* it waited for ever */
}

Test(edges, initializers_with_nonsense_do_not_hang)
{
    runs(initialized_badly);
}

/* ---- threads that wait for each other's end ---- */

static struct weft_thread *main_thread, *third;

static void *join_main(void *argument)
{
    (void)argument;
    return (void *)(intptr_t)weft_thread_join(main_thread, NULL);
}

static void *join_third(void *argument)
{
    (void)argument;
    return (void *)(intptr_t)weft_thread_join(third, NULL);
}

/* main -> first would close main <- third <- first. */
static void joins_in_a_ring(void)
{
    struct weft_thread *first;

    main_thread = weft_thread_self();
    third = spawn("third", 20, join_main, NULL);
    first = spawn("first", 20, join_third, NULL);
    cr_assert_eq(weft_thread_join(first, NULL), WEFT_EDEADLK);
    cr_assert_eq(weft_thread_join(third, NULL), WEFT_EINVAL, "the first joins it");
    weft_thread_exit(NULL); /* main's end lets the third go on, and that the first */
}

Test(edges, join_that_would_never_end_is_refused)
{
    panics(joins_in_a_ring, "all threads have ended and none has called exit");
}

/* ---- hooks, once, pools ---- */

static void hook_function(void *argument)
{
    (void)argument;
}

static void hook_twice(void)
{
    static struct weft_exit_hook hook, other;

    weft_thread_hook_add(&hook, hook_function, NULL);
    weft_thread_hook_add(&other, hook_function, NULL);
    weft_thread_hook_add(&hook, hook_function, NULL);
}

Test(edges, hook_that_is_added_twice_is_told)
{
    panics(hook_twice, "thread \"main\" has hook ");
}

static struct weft_once once = WEFT_ONCE_INITIALIZER(once);

static void end_thread(void *argument)
{
    weft_thread_exit(argument);
}

static void *run_once(void *argument)
{
    weft_once_run(&once, end_thread, argument);
    return argument;
}

static void once_ends_its_thread(void)
{
    struct weft_thread *runner = spawn("runner", 20, run_once, NULL);

    join(runner);
    weft_once_run(&once, hook_function, NULL);
}

Test(edges, once_function_that_ends_its_thread_is_told)
{
    panics(once_ends_its_thread, "ends thread \"runner\", and others would wait for ever");
}

static void *add_and_remove_hooks(void *argument)
{
    static struct weft_exit_hook inner;

    weft_thread_hook_add(&inner, hook_function, argument);
    return argument;
}

static void add_a_hook(void *argument)
{
    (void)add_and_remove_hooks(argument);
}

static void *run_once_with_hooks(void *argument)
{
    weft_once_run(&once, add_a_hook, argument);
    return (void *)1;
}

static void once_function_adds_hooks(void)
{
    cr_assert_eq(joined(spawn("runner", 20, run_once_with_hooks, NULL)), 1);
}

Test(edges, once_function_may_add_hooks)
{
    runs(once_function_adds_hooks);
}

static void pool_block_freed_twice(void)
{
    static void *storage[8];
    struct weft_pool pool;
    void *block;

    cr_assert_eq(weft_pool_init(&pool, storage, sizeof storage, sizeof storage[0]), 0);
    block = weft_pool_try_alloc(&pool);
    weft_pool_free(&pool, block);
    *(void **)block = block; /* what a second free makes of it, but in a debug build */
    (void)weft_pool_used(&pool);
}

Test(edges, pool_with_a_block_freed_twice_is_told)
{
    panics(pool_block_freed_twice, "one was freed twice");
}

/* ---- a mutex that is destroyed while threads wait with it ---- */

static struct weft_mutex mutex = WEFT_MUTEX_INITIALIZER(mutex);
static struct weft_condition condition = WEFT_CONDITION_INITIALIZER(condition);

static void *wait_for_condition(void *argument)
{
    cr_assert_eq(weft_mutex_lock(&mutex), 0);
    cr_assert_eq(weft_condition_wait(&condition, &mutex), 0);
    return argument;
}

static void destroys_the_mutex(void)
{
    (void)spawn("waiter", 20, wait_for_condition, NULL);
    cr_assert_eq(weft_mutex_destroy(&mutex), 0);
    weft_condition_signal(&condition);
}

Test(edges, signal_with_a_destroyed_mutex_is_told)
{
    panics(destroys_the_mutex, "thread \"waiter\" waits for a condition, but the mutex ");
}

/* ---- read-write locks ---- */

static struct weft_rwlock lock = WEFT_RWLOCK_INITIALIZER(lock);
static unsigned readers;

static void *write_for_a_while(void *argument)
{
    (void)argument;
    return (void *)(intptr_t)weft_rwlock_write_until(&lock, weft_time_ns() + 10 * MS);
}

static void *write_and_let_go(void *argument)
{
    cr_assert_eq(weft_rwlock_write(&lock), 0);
    weft_rwlock_write_unlock(&lock);
    return argument;
}

static void *read_and_count(void *argument)
{
    cr_assert_eq(weft_rwlock_read(&lock), 0);
    readers++;
    weft_rwlock_read_unlock(&lock);
    return argument;
}

static void suspended_writer_gives_up(void)
{
    struct weft_thread *writer, *reader;

    cr_assert_eq(weft_rwlock_read(&lock), 0);
    writer = spawn("writer", 20, write_for_a_while, NULL);
    reader = spawn("reader", 20, read_and_count, NULL);
    cr_assert_eq(weft_thread_suspend(writer), 0);
    weft_thread_sleep_ns(20 * MS);
    cr_assert_eq(readers, 1, "the writer does not wait any more");
    join(reader);
    cr_assert_eq(weft_thread_resume(writer), 0);
    cr_assert_eq(joined(writer), WEFT_ETIMEDOUT);
    weft_rwlock_read_unlock(&lock);
    cr_assert_eq(weft_rwlock_destroy(&lock), 0);
}

Test(edges, readers_behind_a_suspended_writer_that_gave_up_go_on)
{
    runs(suspended_writer_gives_up);
}

static void reader_is_raised(void)
{
    struct weft_thread *writer, *reader;

    cr_assert_eq(weft_rwlock_read(&lock), 0);
    writer = spawn("writer", 20, write_and_let_go, NULL);
    reader = spawn("reader", 20, read_and_count, NULL);
    cr_assert_eq(weft_thread_set_priority(reader, 21), 0);
    cr_assert_eq(readers, 1, "it stands before the writer now");
    join(reader);
    reader = spawn("reader", 20, read_and_count, NULL);
    cr_assert_eq(readers, 1);
    cr_assert_eq(weft_thread_set_priority(writer, 19), 0);
    cr_assert_eq(readers, 2, "the writer stands behind it now");
    join(reader);
    weft_rwlock_read_unlock(&lock);
    join(writer);
}

Test(edges, reader_whose_priority_passes_the_writers_goes_on)
{
    runs(reader_is_raised);
}

static void *write_and_end(void *argument)
{
    cr_assert_eq(weft_rwlock_write(&lock), 0);
    return argument;
}

static void writer_ends(void)
{
    join(spawn("writer", 20, write_and_end, NULL));
}

Test(edges, writer_that_ends_is_told)
{
    panics(writer_ends, "thread \"writer\" exits while it holds 1 mutexes or write locks");
}

static void *write_in_all_ways(void *argument)
{
    static struct weft_rwlock other = WEFT_RWLOCK_INITIALIZER(other);

    cr_assert_eq(weft_rwlock_try_write(&lock), 0);
    weft_rwlock_write_unlock(&lock);
    cr_assert_eq(weft_rwlock_write(&other), 0);
    cr_assert_eq(weft_rwlock_destroy(&other), 0);
    return argument;
}

static void writers_that_let_go_end(void)
{
    struct weft_thread *heir;

    cr_assert_eq(weft_rwlock_write(&lock), 0);
    heir = spawn("heir", 20, write_and_let_go, NULL);
    weft_rwlock_write_unlock(&lock); /* hands it over */
    join(heir);
    join(spawn("writer", 20, write_in_all_ways, NULL));
    cr_assert_eq(weft_thread_self()->mutexes, 0);
}

Test(edges, writers_that_have_let_go_may_end)
{
    runs(writers_that_let_go_end);
}

/* ---- making threads ---- */

static void stack_to_the_end(void)
{
    struct weft_thread_attr attr = WEFT_THREAD_ATTR_DEFAULT;
    struct weft_thread *thread;

    attr.stack = (void *)(UINTPTR_MAX - 65535);
    attr.stack_bytes = 131072;
    cr_assert_eq(weft_thread_spawn(&thread, &attr, add_and_remove_hooks, NULL), WEFT_EINVAL);
}

Test(edges, stack_that_wraps_round_the_address_space_is_refused)
{
    runs(stack_to_the_end);
}

static void spawn_there(struct weft_timer *self, void *argument)
{
    (void)self, (void)argument;
    (void)spawn("there", 20, add_and_remove_hooks, NULL);
}

static void spawn_in_a_handler(void)
{
    join(spawn("before", 20, add_and_remove_hooks, NULL)); /* leaves its memory for the next */
    cr_assert_eq(weft_timer_init(&timer, spawn_there, NULL), 0);
    cr_assert_eq(weft_timer_start(&timer, 0, 0), 0);
    weft_thread_sleep_ns(1 * MS);
}

Test(edges, spawning_in_a_handler_is_told)
{
    panics(spawn_in_a_handler, "weft_thread_spawn was called in an interrupt handler: wake a");
}

/* ---- others ---- */

static void preemption_off_too_often(void)
{
    for (unsigned i = 0; i < 65535; i++)
        weft_preempt_disable();
    cr_assert_eq(weft_thread_self()->mutexes, 0);
    weft_preempt_disable();
}

Test(edges, preemption_off_too_often_is_told)
{
    panics(preemption_off_too_often, "weft_preempt_disable for the 65,536th time");
}

static void trace_that_never_comes(void)
{
    machine_said[0] = 0;
    cr_assert_eq(weft_sched_trace_every(WEFT_FOREVER - 1), 0);
    weft_thread_sleep_ns(10 * MS);
    cr_assert_eq(machine_said[0], 0, "%s", machine_said);
    cr_assert_eq(weft_sched_trace_every(0), 0);
}

Test(edges, trace_at_the_end_of_time_does_not_come_now)
{
    runs(trace_that_never_comes);
}
