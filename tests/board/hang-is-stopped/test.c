/* SPDX-License-Identifier: MIT */
/* A firmware that hangs is stopped at the limit; the run shows where every thread was. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/board/harness.h"

Test(hang, is_stopped_and_every_thread_is_shown)
{
    struct board_run run = board_boot("hang-is-stopped", "", &(struct board_options){.limit_s = 2});

    cr_assert_eq(run.status, 124);
    assert_contains(run.terminal, "hanging now");
    assert_contains(run.terminal, "break: stacks of all threads");
    assert_contains(run.terminal, "spin_for_ever\n");
    assert_contains(run.terminal, "thread 3 \"blocked\" [mutex");
    assert_contains(run.terminal, "blocked_thread\n");
}

Test(hang, with_interrupts_off_shows_where_the_core_is)
{
    struct board_run run;

    if (strcmp(board_name(), "linux") == 0)
        cr_skip_test("a program in a process cannot turn interrupts off");
    run = board_boot("hang-is-stopped", "deaf",
                     &(struct board_options){.limit_s = 2, .name = "deaf"});
    cr_assert_eq(run.status, 124);
    assert_contains(run.terminal, "spin_for_ever");
    if (strcmp(board_name(), "pc") == 0) { /* an NMI reaches it all the same */
        assert_contains(run.terminal, "break: stacks of all threads");
        assert_contains(run.terminal, "spin_for_ever\n");
        assert_contains(run.terminal, "thread 3 \"blocked\" [mutex");
        assert_contains(run.terminal, "blocked_thread\n");
    } else {
        assert_contains(run.terminal, "the image did not answer; its registers:");
    }
}
