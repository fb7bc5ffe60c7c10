/* SPDX-License-Identifier: MIT */
/* Requirements E5: who waits for ever is told, word for word, and who only waits long is not. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/board/harness.h"

/* Time is the board's own: a busy host stalls nobody. */
static struct board_run boot(const char *way, const char *config, const char *name)
{
    return board_boot(
        "waiting-is-visible", way,
        &(struct board_options){.config = config, .name = name, .icount = "shift=3,sleep=off"});
}

static void goes_well(const char *way, const char *config, const char *name, const char *last)
{
    struct board_run run = boot(way, config, name);

    cr_assert_eq(run.status, 0, "%s: status %d\n%s", way, run.status, run.terminal);
    assert_contains(run.console, last);
}

static struct board_run dies(const char *way, const char *config, const char *name,
                             const char *sentence)
{
    struct board_run run = boot(way, config, name);

    cr_assert_eq(run.status, 70, "%s: status %d\n%s", way, run.status, run.terminal);
    assert_contains(run.console, sentence);
    return run;
}

/* ---- all asleep ---- */

static void asleep(const char *way, const char *config, const char *name)
{
    struct board_run run =
        dies(way, config, name, "\npanic: all threads are asleep: deadlock\nthread 1 \"main\"");
    char sentence[400], semaphore[32], mutex[32];
    const char *said = strstr(run.console, "semaphore ");
    unsigned first, second;

    cr_assert_not_null(said);
    cr_assert_eq(
        sscanf(said, "semaphore %31s mutex %31s threads %u %u", semaphore, mutex, &first, &second),
        4);
    snprintf(sentence, sizeof sentence,
             "thread 1 \"main\" waits: join thread %u \"first\"\n"
             "thread %u \"first\" waits: semaphore %s\n"
             "thread %u \"second\" waits: mutex %s, held by thread %u \"first\"\n"
             "on core ",
             first, first, semaphore, second, mutex, first);
    assert_contains(run.console, sentence);
    assert_contains(run.console, "\"first\" [semaphore");
    assert_contains(run.console, "wait_never\n");
    assert_contains(run.console, "wait_for_mutex\n");
}

Test(waiting, asleep_all_threads_of_one_core)
{
    asleep("asleep", NULL, "asleep");
}

Test(waiting, asleep_all_threads_of_two_cores)
{
    asleep("asleep", "CORES=2", "asleep-2");
}

Test(waiting, asleep_all_threads_of_four_cores)
{
    asleep("asleep", "CORES=4 DEBUG=1", "asleep-4");
}

Test(waiting, asleep_but_for_a_thread_of_wefts_own)
{
    asleep("servant", NULL, "servant");
}

Test(waiting, asleep_not_while_something_can_wake_one)
{
    goes_well("wakeable", NULL, "wakeable", "always awake in time");
    goes_well("wakeable", "CORES=2", "wakeable-2", "always awake in time");
}

Test(waiting, asleep_not_while_an_interrupt_is_announced)
{
    struct board_run run = board_boot("waiting-is-visible", "announced",
                                      &(struct board_options){.name = "announced", .limit_s = 1});

    cr_assert_eq(run.status, 124, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.terminal, "waiting for a device");
    cr_assert_null(strstr(run.terminal, "deadlock"));
}

Test(waiting, asleep_nobody_is_left)
{
    dies("leave", NULL, "leave",
         "panic: all threads have ended and none has called exit: there is nothing left to run\n");
}

Test(waiting, asleep_announcements_match)
{
    dies("forget", NULL, "forget",
         "panic: weft_wakeup_forget without a matching weft_wakeup_expect\n");
}

/* ---- a cycle of mutexes ---- */

static void cycle(const char *config, const char *name)
{
    struct board_run run = boot("cycle", config, name);
    const char *said = strstr(run.console, "mutexes ");
    char sentence[600], mutex[3][32];
    unsigned thread[3];

    cr_assert_eq(run.status, 70, "status %d\n%s", run.status, run.terminal);
    cr_assert_not_null(said);
    cr_assert_eq(sscanf(said, "mutexes %31s %31s %31s threads %u %u %u", mutex[0], mutex[1],
                        mutex[2], &thread[0], &thread[1], &thread[2]),
                 6);
    snprintf(sentence, sizeof sentence,
             "panic: deadlock: a cycle of threads that wait for each other: thread %u \"red\" "
             "locks mutex %s, held by thread %u \"green\", which waits for mutex %s, held by "
             "thread %u \"blue\", which waits for mutex %s, held by thread %u; lock them in the "
             "same order everywhere\non core ",
             thread[0], mutex[1], thread[1], mutex[2], thread[2], mutex[0], thread[0]);
    assert_contains(run.console, sentence);
    assert_contains(run.console, "cross\n");
}

Test(waiting, cycle_is_told_by_the_call_that_closes_it)
{
    cycle(NULL, "cycle");
}

Test(waiting, cycle_is_told_on_several_cores)
{
    cycle("CORES=4 DEBUG=1", "cycle-4");
}

/* ---- ranks of weft's own locks ---- */

Test(waiting, ranks_are_checked_in_debug_builds)
{
    struct board_run run =
        dies("ranks", "SLICE_US=100 DEBUG=1", "ranks", "panic: lock \"low lock\" (rank ");

    assert_contains(run.console, ") taken while a lock of the same or a higher rank is held (ranks "
                                 "held: 0x");
    assert_contains(run.console, "); see docs/locking.md for the order\n");
    assert_contains(run.console, "in order");
    dies("ranks", "CORES=4 DEBUG=1", "ranks-4", "panic: lock \"low lock\" (rank ");
}

/* ---- the watchdog ---- */

Test(waiting, watchdog_reports_a_thread_that_keeps_its_core)
{
    struct board_run run = boot("watched", NULL, "watched");
    const char *said = run.console;

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    for (unsigned i = 0; i < 2; i++) {
        unsigned long ms;

        said = strstr(said, "\nwatchdog: core 0 has not reached the scheduler for ");
        cr_assert_not_null(said, "report %u is missing\n%s", i, run.console);
        cr_assert_eq(
            sscanf(said, "\nwatchdog: core 0 has not reached the scheduler for %lu ms", &ms), 1);
        cr_assert_geq(ms, 20);
        if (strcmp(board_name(), "linux") != 0)
            cr_assert_leq(ms, 22);
        said = strstr(said, " ms (limit ");
        cr_assert(strncmp(said, " ms (limit 20 ms): thread 1 \"main\"\n", 35) == 0, "%s", said);
        said = strstr(said, "hog_until\n");
        cr_assert_not_null(said, "the stack is missing\n%s", run.console);
    }
    assert_contains(said, "watched\n");
}

Test(waiting, watchdog_panics_if_it_is_told_to)
{
    struct board_run run = dies("watched-panic", NULL, "watched-panic",
                                "panic: watchdog: core 0 has not reached the scheduler for ");

    assert_contains(run.console,
                    " ms (limit 20 ms): thread 1 \"main\"\non core 0, in an interrupt ");
    assert_contains(run.console, "hog_until\n");
}

Test(waiting, watchdog_reports_a_core_that_takes_no_interrupts)
{
    struct board_run run = boot("watched-by-others", "CORES=2", "watched-2");

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "core 1 was watched");
    assert_contains(run.console, "\nwatchdog: core 1 has not reached the scheduler for ");
    assert_contains(run.console, " \"deaf\"\n");
    assert_contains(run.console, "(its interrupts are off: its stack can't be read)\n");
}
