/* SPDX-License-Identifier: MIT */
/*
 * Threads, mutexes, sleeping and the tick, as they are, on a machine that the host plays: what
 * happens when, to the cycle (tests/unit/machine/machine.h).
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weft/weft.h>

#include "kernel/tick.h"
#include "sched/sched.h"
#include "tests/unit/machine/threads.h"

/* ---- the tick ---- */

static void ticks(void)
{
    unsigned before = machine_ticks;

    machine_spend(50 * MS);
    cr_assert_eq(machine_ticks - before, 50);
    before = machine_ticks;
    weft_thread_sleep_ns(10000 * MS);
    cr_assert_leq(machine_ticks - before, 1, "%u ticks while idle", machine_ticks - before);
    before = machine_ticks;
    machine_spend(50 * MS);
    cr_assert_eq(machine_ticks - before, 50);
}

Test(machine, ticks_while_it_works_and_not_while_it_idles)
{
    runs(ticks);
}

static void late_tick(void)
{
    unsigned before = machine_ticks;
    arch_irq_state state = arch_irq_save();

    machine_spend(10 * MS + 300 * US);
    cr_assert_eq(machine_ticks, before);
    arch_irq_restore(state);
    cr_assert_eq(machine_ticks - before, 1, "one tick for all that passed");
    cr_assert_eq(cores[0].ticks_missed, 9);
    machine_spend(700 * US);
    cr_assert_eq(machine_ticks - before, 2, "the next one is where it was");
}

Test(machine, ticks_that_come_too_late_are_counted_not_made_up_for)
{
    runs(late_tick);
}

static void conversions(void)
{
    cr_assert_eq(tick_cycles_to_ns(1), 10);
    cr_assert_eq(tick_ns_to_cycles(10), 1);
    cr_assert_eq(tick_ns_to_cycles(11), 2, "rounded up");
    cr_assert_eq(tick_ns_to_cycles(UINT64_MAX / 1000000000 * 1000000000 - 1),
                 UINT64_MAX / 1000000000 * 100000000);
    cr_assert_eq(tick_ns_to_cycles(UINT64_MAX), UINT64_MAX, "for ever");
    for (uint64_t cycles = 1; cycles < UINT64_MAX / 20; cycles = cycles * 3 + 1)
        cr_assert_eq(tick_ns_to_cycles(tick_cycles_to_ns(cycles)), cycles);
}

Test(machine, converts_without_drift)
{
    runs(conversions);
}

/* ---- sleeping ---- */

static unsigned order[100], woken;

static void *sleeper(void *argument)
{
    unsigned number = (unsigned)(uintptr_t)argument;
    uint64_t due = (number + 1) * 70 * US + 3;

    weft_thread_sleep_until_ns(due);
    cr_assert_eq(weft_time_ns(), tick_cycles_to_ns(tick_ns_to_cycles(due)), "to the cycle");
    order[woken++] = number;
    return NULL;
}

static void sleepers(void)
{
    struct weft_thread *threads[100];

    for (unsigned i = 0; i < 100; i++)
        threads[i] = spawn("sleeper", 10, sleeper, (void *)(uintptr_t)(i * 37 % 100));
    for (unsigned i = 0; i < 100; i++)
        join(threads[i]);
    for (unsigned i = 0; i < 100; i++)
        cr_assert_eq(order[i], i);
}

Test(machine, sleepers_wake_in_order_to_the_cycle)
{
    runs(sleepers);
}

static void short_sleeps(void)
{
    uint64_t before = weft_time_ns();

    weft_thread_sleep_until_ns(before);
    cr_assert_eq(weft_time_ns(), before);
    weft_thread_sleep_ns(0);
    cr_assert_eq(weft_time_ns(), before);
    weft_thread_sleep_ns(1);
    cr_assert_eq(weft_time_ns(), before + 10, "a cycle");
}

Test(machine, sleep_that_is_over_does_not_wait)
{
    runs(short_sleeps);
}

/* ---- threads ---- */

static uint64_t ended_ns[2];

static void *work(void *argument)
{
    machine_spend(60 * MS);
    ended_ns[(uintptr_t)argument] = weft_time_ns();
    return argument;
}

static void share(void)
{
    struct weft_thread *threads[2];
    struct weft_thread_info info;

    for (uintptr_t i = 0; i < 2; i++)
        threads[i] = spawn("worker", 10, work, (void *)i);
    weft_thread_sleep_until_ns(100 * MS);
    for (unsigned i = 0; i < 2; i++) {
        cr_assert_eq(weft_thread_info(threads[i], &info), 0);
        cr_assert(info.run_ns >= 40 * MS && info.run_ns <= 60 * MS, "%llu",
                  (unsigned long long)info.run_ns);
    }
    for (uintptr_t i = 0; i < 2; i++)
        cr_assert_eq(join(threads[i]), (void *)i);
    cr_assert_eq(ended_ns[1], 120 * MS, "no time is lost");
    cr_assert_geq(ended_ns[0], 109 * MS);
}

Test(machine, equals_share_the_core_slice_by_slice)
{
    runs(share);
}

/* At the highest priority, too, nobody is above those that take turns. */
static void share_at_the_top(void)
{
    struct weft_thread *threads[2];

    cr_assert_eq(weft_thread_set_priority(weft_thread_self(), WEFT_PRIORITY_HIGHEST), 0);
    for (uintptr_t i = 0; i < 2; i++)
        threads[i] = spawn("worker", WEFT_PRIORITY_HIGHEST, work, (void *)i);
    for (unsigned i = 0; i < 2; i++)
        join(threads[i]);
    cr_assert_eq(ended_ns[1], 120 * MS);
    cr_assert_geq(ended_ns[0], 109 * MS);
}

Test(machine, best_equals_share_the_core_slice_by_slice)
{
    runs(share_at_the_top);
}

static volatile bool high_ran;

static void *run_high(void *argument)
{
    weft_thread_sleep_ns(5 * MS);
    high_ran = true;
    return argument;
}

static void preemption(void)
{
    struct weft_thread *high = spawn("high", 20, run_high, NULL);

    machine_spend(4 * MS);
    weft_preempt_disable();
    weft_preempt_disable();
    machine_spend(2 * MS);
    cr_assert(!high_ran);
    weft_preempt_enable();
    cr_assert(!high_ran, "they nest");
    weft_preempt_enable();
    cr_assert(high_ran, "at once");
    join(high);
    high_ran = false;
    high = spawn("high", 20, run_high, NULL);
    machine_spend(5 * MS - 10);
    cr_assert(!high_ran);
    machine_spend(10);
    cr_assert(high_ran, "at the cycle");
    join(high);
}

Test(machine, better_thread_takes_the_core_when_it_may)
{
    runs(preemption);
}

static struct weft_mutex mutexes[9];

static void *keep_mutex(void *argument)
{
    weft_mutex_lock(&mutexes[0]);
    return argument;
}

static void exit_with_mutex(void)
{
    cr_assert_eq(weft_mutex_init(&mutexes[0], WEFT_MUTEX_NORMAL), 0);
    join(spawn("keeper", 10, keep_mutex, NULL));
}

Test(machine, thread_that_ends_with_a_mutex_panics)
{
    panics(exit_with_mutex, "thread \"keeper\" exits while it holds 1 mutexes");
}

static void *join_itself(void *argument)
{
    cr_assert_eq(weft_thread_join(weft_thread_self(), NULL), WEFT_EDEADLK);
    return argument;
}

static void joins(void)
{
    static uintptr_t foreign[sizeof(struct weft_thread) / sizeof(uintptr_t)];
    struct weft_thread *thread = spawn("self", 20, join_itself, &mutexes);

    cr_assert_eq(weft_thread_count(), 1, "it has ended");
    cr_assert_eq(join(thread), (void *)&mutexes);
    cr_assert_eq(weft_thread_join(thread, NULL), WEFT_EINVAL);
    cr_assert_eq(weft_thread_join(NULL, NULL), WEFT_EINVAL);
    memset(foreign, 0xa5, sizeof foreign);
    cr_assert_eq(weft_thread_join((struct weft_thread *)foreign, NULL), WEFT_EINVAL);
}

Test(machine, thread_is_joined_once)
{
    runs(joins);
}

/* ---- what blocks is refused where nothing may ---- */

static struct weft_thread *joined;

/* A row for each function of weft/thread.h that blocks: the name that the panic says, and a call.
 * In an interrupt weft_thread_suspend is about the thread that was interrupted. */
#define BLOCKING(ROW)                                                                              \
    ROW(join, "weft_thread_join", true, (void)!weft_thread_join(joined, NULL))                     \
    ROW(end, "weft_thread_exit", true, weft_thread_exit(NULL))                                     \
    ROW(yield, "weft_thread_yield", true, weft_thread_yield())                                     \
    ROW(rest, "weft_thread_sleep", true, weft_thread_sleep_ns(MS))                                 \
    ROW(no_rest, "weft_thread_yield", true, weft_thread_sleep_ns(0))                               \
    ROW(rest_until, "weft_thread_sleep", true, weft_thread_sleep_until_ns(MS))                     \
    ROW(stop, "weft_thread_suspend", false, (void)!weft_thread_suspend(weft_thread_self()))

#define CALL(what, name, refused_in_interrupt, call)                                               \
    static void call_##what(void)                                                                  \
    {                                                                                              \
        call;                                                                                      \
    }
#define ROW(what, name, refused_in_interrupt, call) {call_##what, name, refused_in_interrupt},
BLOCKING(CALL)

static const struct blocking {
    void (*call)(void);
    const char *name;
    bool refused_in_interrupt;
} blocking[] = {BLOCKING(ROW)}, *tried;

static void try_in_an_interrupt(void)
{
    joined = spawn("joined", 1, work, NULL);
    cores[0].interrupt_depth = 1;
    tried->call();
}

static void try_with_preemption_off(void)
{
    joined = spawn("joined", 1, work, NULL);
    weft_preempt_disable();
    tried->call();
}

/* In a process of its own: a machine runs once. */
static void is_refused(const struct blocking *row, void (*try)(void), const char *why)
{
    char expected[200];
    pid_t child;
    int status;

    tried = row;
    snprintf(expected, sizeof expected, "%s was called %s", row->name, why);
    child = fork();
    if (child == 0)
        _exit(machine_run(try) || strcmp(machine_said, expected) != 0);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0, "not said: %s", expected);
}

Test(machine, what_blocks_is_refused_in_an_interrupt_and_with_preemption_off)
{
    for (size_t i = 0; i < sizeof blocking / sizeof blocking[0]; i++) {
        if (blocking[i].refused_in_interrupt)
            is_refused(&blocking[i], try_in_an_interrupt,
                       "in an interrupt handler, where nothing may block: use a try-form, or wake "
                       "a thread that does it");
        is_refused(&blocking[i], try_with_preemption_off,
                   "with preemption disabled, where nothing may block: call weft_preempt_enable "
                   "first");
    }
}

/* ---- mutexes ---- */

static void *hold_first(void *argument)
{
    weft_mutex_lock(&mutexes[0]);
    machine_spend(20 * MS);
    cr_assert_eq(weft_thread_self()->priority, 25, "inherited along the chain");
    weft_mutex_unlock(&mutexes[0]);
    cr_assert_eq(weft_thread_self()->priority, weft_thread_self()->base_priority);
    return argument;
}

/* Thread i holds mutex i and waits for mutex i - 1. */
static void *hold_next(void *argument)
{
    uintptr_t i = (uintptr_t)argument;

    weft_mutex_lock(&mutexes[i]);
    weft_mutex_lock(&mutexes[i - 1]);
    weft_mutex_unlock(&mutexes[i - 1]);
    weft_mutex_unlock(&mutexes[i]);
    cr_assert_eq(weft_thread_self()->priority, 2 + i);
    return NULL;
}

static void chain(void)
{
    struct weft_thread *threads[8], *middle;

    for (unsigned i = 0; i < 8; i++)
        cr_assert_eq(weft_mutex_init(&mutexes[i], WEFT_MUTEX_NORMAL), 0);
    for (uintptr_t i = 0; i < 8; i++) {
        threads[i] = spawn("link", 2 + (int)i, i == 0 ? hold_first : hold_next, (void *)i);
        weft_thread_sleep_ns(MS);
    }
    cr_assert_eq(weft_thread_set_priority(weft_thread_self(), 25), 0);
    middle = spawn("middle", 15, work, (void *)1);
    weft_mutex_lock(&mutexes[7]);
    cr_assert_eq(ended_ns[1], 0, "one of less priority did not run meanwhile");
    cr_assert_eq(weft_time_ns(), 20 * MS);
    weft_mutex_unlock(&mutexes[7]);
    for (unsigned i = 0; i < 8; i++)
        join(threads[i]);
    join(middle);
}

Test(machine, priority_is_inherited_through_a_chain_of_eight)
{
    runs(chain);
}

static void *wait_briefly(void *argument)
{
    cr_assert_eq(weft_mutex_lock_until(&mutexes[0], weft_time_ns() + 3 * MS), WEFT_ETIMEDOUT);
    return argument;
}

static void gives_back(void)
{
    struct weft_thread *high;

    cr_assert_eq(weft_mutex_init(&mutexes[0], WEFT_MUTEX_ERRORCHECK), 0);
    cr_assert_eq(weft_mutex_lock(&mutexes[0]), 0);
    high = spawn("high", 28, wait_briefly, NULL);
    cr_assert_eq(weft_thread_self()->priority, 28);
    machine_spend(3 * MS);
    cr_assert_eq(weft_thread_self()->priority, WEFT_PRIORITY_DEFAULT, "who gave up lends nothing");
    cr_assert_eq(weft_mutex_lock(&mutexes[0]), WEFT_EDEADLK);
    cr_assert_eq(weft_mutex_unlock(&mutexes[0]), 0);
    cr_assert_eq(weft_mutex_unlock(&mutexes[0]), WEFT_EPERM);
    join(high);
}

Test(machine, inheritance_ends_with_the_wait)
{
    runs(gives_back);
}

static void *lock_both(void *argument)
{
    weft_mutex_lock(&mutexes[1]);
    weft_mutex_lock(&mutexes[0]);
    return argument;
}

static void cross(void)
{
    cr_assert_eq(weft_mutex_init(&mutexes[0], WEFT_MUTEX_NORMAL), 0);
    cr_assert_eq(weft_mutex_init(&mutexes[1], WEFT_MUTEX_NORMAL), 0);
    weft_mutex_lock(&mutexes[0]);
    spawn("other", 20, lock_both, NULL);
    weft_mutex_lock(&mutexes[1]);
}

Test(machine, cycle_is_told_by_the_call_that_closes_it)
{
    panics(cross, "deadlock: a cycle of threads that wait for each other: thread 1 \"main\" locks");
}

static void *wait_for_first(void *argument)
{
    weft_mutex_lock(&mutexes[0]);
    return argument;
}

static void all_wait(void)
{
    struct weft_thread *other;

    cr_assert_eq(weft_mutex_init(&mutexes[0], WEFT_MUTEX_NORMAL), 0);
    weft_mutex_lock(&mutexes[0]);
    other = spawn("other", 10, wait_for_first, NULL);
    weft_thread_sleep_ns(5000 * MS); /* no deadlock: a deadline is left */
    join(other);
}

Test(machine, all_asleep_is_told)
{
    panics(all_wait, "all threads are asleep: deadlock\nthread 1 \"main\" waits: join thread 3 "
                     "\"other\"\nthread 3 \"other\" waits: mutex ");
    cr_assert_eq(weft_time_ns(), 5000 * MS, "at once");
}

static void traced(void)
{
    struct weft_semaphore never = WEFT_SEMAPHORE_INITIALIZER(never, 0);

    cr_assert_eq(weft_sched_trace_every(4000 * MS), 0);
    weft_thread_sleep_ns(5000 * MS);
    cr_assert_eq(strncmp(machine_said, "sched 4000 ms: cores=1 ", 23), 0, "%s", machine_said);
    cr_assert_eq(weft_semaphore_wait(&never), 0);
}

Test(machine, all_asleep_is_told_while_the_trace_goes_on)
{
    panics(traced, "all threads are asleep: deadlock\nthread 1 \"main\" waits: semaphore ");
    cr_assert_eq(weft_time_ns(), 5000 * MS, "at once");
}
