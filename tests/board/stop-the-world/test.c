/* SPDX-License-Identifier: MIT */
/* Requirements A6: what stops, in whose turn, and what is refused with which words. */
#include <criterion/criterion.h>

#include "tests/board/harness.h"

static void goes_on(const char *config, const char *name)
{
    struct board_run run =
        board_boot("stop-the-world", "", &(struct board_options){.config = config, .name = name});

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "the world goes on");
}

Test(world, stops_on_one_core)
{
    goes_on(NULL, NULL);
}

Test(world, stops_on_two_cores_and_nothing_moves)
{
    goes_on("CORES=2", "2");
}

Test(world, stops_on_four_cores_with_ranks_checked)
{
    goes_on("CORES=4 DEBUG=1", "4");
}

Test(world, stops_threads_that_are_never_preempted)
{
    goes_on("CORES=2 PREEMPTION=0", "2-cooperative");
}

static void waits_for_idle_threads(const char *config, const char *name)
{
    struct board_run run = board_boot("stop-the-world", "idle",
                                      &(struct board_options){.config = config, .name = name});

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "idle threads were waited for");
}

Test(world, waits_for_an_idle_thread_that_is_in_the_heap)
{
    waits_for_idle_threads("CORES=2", "idle");
}

Test(world, waits_for_an_idle_thread_that_is_in_the_heap_of_four_cores)
{
    waits_for_idle_threads("CORES=4 DEBUG=1", "idle-4");
}

static void refused_by(const char *config, const char *word, const char *text)
{
    struct board_run run =
        board_boot("stop-the-world", word, &(struct board_options){.name = word, .config = config});

    cr_assert_eq(run.status, 70, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, text);
}

static void refused(const char *word, const char *text)
{
    refused_by(NULL, word, text);
}

Test(world, stop_under_a_runtime_lock_names_the_lock_and_its_holder)
{
    refused("lock", "panic: weft_world_stop(\"under a lock\") while holding the lock \"some lock\" "
                    "(holder: thread \"main\" on core 0): a stopped thread could be waiting for "
                    "it; let go of it first");
}

Test(world, stop_in_an_interrupt_is_refused)
{
    refused("interrupt", "panic: weft_world_stop(\"in a handler\") in an interrupt handler: wake a "
                         "thread that does it");
}

Test(world, stop_with_preemption_off_is_refused)
{
    refused("preemption", "panic: weft_world_stop(\"pinned\") with preemption off: call "
                          "weft_preempt_enable first");
}

Test(world, stop_twice_is_refused)
{
    refused("twice", "panic: weft_world_stop(\"second\") by the thread that has stopped it "
                     "already: call weft_world_start first");
}

Test(world, stop_with_interrupts_off_is_refused)
{
    refused("interrupts-off",
            "panic: weft_world_stop(\"deaf\") with interrupts off: turn them on first");
}

Test(world, stop_on_a_system_stack_is_refused)
{
    refused("system-stack", "panic: weft_world_stop(\"at boot\") on a system stack: only a thread "
                            "can stop the world");
}

Test(world, start_by_somebody_else_is_refused)
{
    refused("start", "panic: weft_world_start by thread \"main\", which has not stopped the world");
}

Test(world, stopper_that_was_moved_is_found)
{
    refused_by("CORES=2", "moved",
               "panic: weft_world_stop(\"a move\"): the caller was moved while it stopped the "
               "world");
}

Test(world, core_that_runs_while_the_world_is_stopped_is_found)
{
    refused_by("CORES=2", "runner",
               "panic: weft_world_stop(\"a runner\"): core 1 still runs thread \"main\"");
}
