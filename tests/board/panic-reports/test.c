/* SPDX-License-Identifier: MIT */
/* Misuse ends in one report: a sentence that says what to do, the exact stack, the other threads.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/board/harness.h"

static void expect(const char *way, const char *sentence, const char *function)
{
    struct board_run run = board_boot("panic-reports", way, &(struct board_options){.name = way});

    cr_assert_eq(run.status, 70, "%s: status %d\n%s", way, run.status, run.terminal);
    assert_contains(run.console, sentence);
    assert_contains(run.console, function);
    assert_contains(run.console, "thread 1 \"main\"");
}

Test(panic, says_what_the_program_said)
{
    expect("panic", "panic: the answer is 42", "main\n");
}

Test(panic, cpu_exception_shows_registers_and_exact_stack)
{
    expect("fault", "0bd0\n", "fault_at\n");
    expect("fault", "from an unmapped address", "fault\n");
}

Test(panic, locking_twice)
{
    expect("relock", "is itself: make it recursive, or unlock it first", "main\n");
}

Test(panic, lock_call_that_closes_a_cycle)
{
    expect("cycle", "deadlock: a cycle of threads that wait for each other: thread 1 \"main\"",
           "cross\n");
}

Test(panic, unlocking_what_is_not_owned)
{
    expect("unlock", "does not own mutex", "main\n");
}

Test(panic, queue_that_was_never_initialised)
{
    expect("queue", "is not an initialised queue", "main\n");
}

Test(panic, blocking_with_preemption_off)
{
    expect("preempt_off", "with preemption disabled", "main\n");
}

Test(panic, exiting_with_a_mutex)
{
    expect("holding", "exits while it holds 1 mutexes", "main\n");
}

Test(panic, exit_hook_that_is_added_twice)
{
    expect("hook", "already: each needs a structure of its own", "main\n");
}

Test(panic, once_function_that_ends_its_thread)
{
    expect("once", "and others would wait for ever: it must return", "main\n");
}

Test(panic, pool_block_that_is_freed_twice)
{
    expect("pool", "one was freed twice", "main\n");
}

/* A deadline at the end of time is none, whatever the clock's rate. */
Test(panic, sleeping_for_ever)
{
    expect("for-ever", "all threads are asleep: deadlock", "main\n");
}

/* Behind the report comes the profile, whole: the host tool adds its totals up. */
Test(panic, while_profiling_sends_the_profile)
{
    struct board_run run =
        board_boot("panic-reports", "profiled", &(struct board_options){.name = "profiled"});
    unsigned ticks, recorded, atomic64, full, nolock, suppressed;
    const char *totals;
    char path[300];

    cr_assert_eq(run.status, 70, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "fault_at\n");
    totals = strstr(run.terminal, "profile: ticks=");
    cr_assert_not_null(totals, "%s", run.terminal);
    cr_assert_eq(sscanf(totals,
                        "profile: ticks=%u recorded=%u lost_atomic64=%u lost_full=%u "
                        "lost_nolock=%u suppressed=%u",
                        &ticks, &recorded, &atomic64, &full, &nolock, &suppressed),
                 6, "%s", totals);
    cr_assert_geq(ticks, 200);
    cr_assert_eq(ticks, recorded + atomic64 + full + nolock + suppressed);
    snprintf(path, sizeof path, "%s/summary.txt", run.folder);
    assert_contains(file_text(path), "busy_thread");
}
