/* SPDX-License-Identifier: MIT */
/* A thread that overflows its stack is caught, by name and with its stack: at the instruction where
 * the board has guard pages, at the next switch or tick where there is a canary only. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/board/harness.h"

/* The configuration with guard pages: on malta, stacks have to be mapped for that. */
static const char *guarded(void)
{
    return strcmp(board_name(), "malta") == 0 ? "STACK_MAPPED=1" : NULL;
}

static void caught(const char *way, const char *function)
{
    struct board_run run;

    run = board_boot("stack-overflow", way,
                     &(struct board_options){.name = way, .config = guarded()});
    cr_assert_eq(run.status, 70, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "thread \"victim\" has overflowed its stack");
    assert_contains(run.console, function);
    assert_contains(run.console, "created by main");
}

/* The neighbour's bytes are compared in the trap; then the thread is ended, and all goes on. */
static void survived(const char *way)
{
    char words[64], name[64];
    struct board_run run;

    snprintf(words, sizeof words, "%s survive", way);
    snprintf(name, sizeof name, "%s-survive", way);
    run = board_boot("stack-overflow", words,
                     &(struct board_options){.name = name, .config = guarded()});
    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "only the thread is gone");
}

/* The page was taken away by one core; another had it in its translations, and runs into it. */
Test(stack_overflow, on_another_core_is_caught_at_the_instruction)
{
    struct board_run run;

    if (strcmp(board_name(), "malta") == 0)
        cr_skip_test("stacks are not mapped in this build: make soak");
    if (board_sanitizer()[0] != '\0')
        cr_skip_test("the sanitizer has memory of its own");
    run = board_boot("stack-overflow", "recursion elsewhere",
                     &(struct board_options){.name = "elsewhere", .config = "CORES=2"});
    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "only the thread is gone");
}

/* The same with mapped stacks, in a build of its own. */
Test(stack_overflow, on_another_core_is_caught_at_the_instruction_with_mapped_stacks)
{
    char *output;

    if (strcmp(board_name(), "malta") != 0)
        cr_skip_test("mapped stacks are for CPUs whose TLB software fills");
    if (getenv("SOAK") == NULL)
        cr_skip_test("a build of its own: make soak");
    cr_assert_eq(host_run(&output,
                          "b=build/tests/stack-overflow-%s; "
                          "env -u MAKEFLAGS -u MAKELEVEL make -j2 BOARD=malta ARCH=%s B=$b "
                          "CONFIG='CORES=2 STACK_MAPPED=1' $b/tests/stack-overflow.elf 2>&1 && "
                          "LIMIT=60 tools/build/run-image.sh malta %s 2 "
                          "$b/tests/stack-overflow.elf $b/run recursion elsewhere 2>&1 </dev/null",
                          board_arch(), board_arch(), board_arch()),
                 0, "%s", output);
    assert_contains(output, "only the thread is gone");
}

Test(stack_overflow, by_recursion_is_caught_at_the_instruction)
{
    if (strcmp(board_sanitizer(), "thread") == 0)
        cr_skip_test("so slow that a tick finds the canary before the guard is reached");
    caught("recursion", "recurse\n");
    survived("recursion");
}

Test(stack_overflow, by_a_frame_larger_than_the_guard_is_caught_at_the_instruction)
{
    caught("frame", "large_frame\n");
    survived("frame");
}

/* The canary, run over on the way to the guard, does not end who was allowed to go on. */
Test(stack_overflow, by_every_word_is_caught_at_the_instruction)
{
    caught("words", "descend\n");
    survived("words");
}

Test(stack_overflow, by_alloca_is_caught_at_the_instruction)
{
    caught("alloca", "dynamic\n");
    survived("alloca");
}

Test(stack_overflow, kills_the_canary_and_is_caught_at_the_next_switch)
{
    struct board_run run =
        board_boot("stack-overflow", "graze", &(struct board_options){.name = "graze"});

    cr_assert_eq(run.status, 70, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "thread \"victim\" has overflowed its stack of ");
    assert_contains(run.console, "victim\n");
}

Test(stack_overflow, high_water_mark)
{
    struct board_run run;

    if (strcmp(board_sanitizer(), "address") == 0)
        cr_skip_test("the sanitizer's red zones are parts of frames that nobody writes to");
    run = board_boot("stack-overflow", "",
                     &(struct board_options){.config = "STACK_PAINT=1", .name = "high-water"});
    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "high water seen");
    run = board_boot("stack-overflow", "", NULL);
    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
}

Test(stack_overflow, of_a_handler_is_found_by_the_next_tick)
{
    struct board_run run =
        board_boot("stack-overflow", "handler", &(struct board_options){.name = "handler"});

    cr_assert_eq(run.status, 70, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "has overflowed core 0's system stack of ");
}
