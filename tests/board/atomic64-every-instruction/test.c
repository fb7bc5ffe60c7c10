/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/board/harness.h"

static void interrupted(const char *words, const char *config, const char *name)
{
    struct board_options options = {
        .icount = "shift=3,sleep=off", .name = name, .config = config, .limit_s = 120};
    struct board_run run;

    if (strncmp(board_arch(), "mips", 4) != 0)
        cr_skip_test("this CPU has 64-bit atomics");
    if (config != NULL) /* built with the locks, run on one core */
        options.extra = "-cpu P5600 -smp 1";
    run = board_boot("atomic64-every-instruction", words, &options);
    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.console);
    assert_contains(run.console, "every instruction");
    assert_contains(run.console, "; 0 missed");
    printf("%s %s: %s", board_arch(), name, strstr(run.console, "atomic64: "));
}

Test(atomic64, tick_at_every_instruction)
{
    interrupted("once 4", NULL, "once");
}

Test(atomic64, two_ticks_at_every_instruction)
{
    interrupted("twice 4", NULL, "twice");
}

Test(atomic64, a_thousand_ticks_in_a_row)
{
    interrupted("thousand 2", NULL, "thousand");
}

Test(atomic64, handler_that_uses_the_same_word_at_every_instruction)
{
    interrupted("handler 4", NULL, "handler");
}

Test(atomic64, tick_at_every_instruction_with_locks)
{
    interrupted("once 4", "CORES=2", "locks");
}

Test(atomic64, handler_that_uses_the_same_word_at_every_instruction_with_locks)
{
    interrupted("handler 4", "CORES=2", "locks-handler");
}
