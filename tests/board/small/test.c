/* SPDX-License-Identifier: MIT */
/* What is not used is not linked, and what is left still says what is wrong. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/board/harness.h"

#define SMALL "HEAP=0 UNWIND=0 TLS=0 WATCHDOG=0 SMALL=1"

static struct board_run boot(const char *arguments, const char *name, int status)
{
    struct board_run run;

    if (strcmp(board_name(), "linux") == 0)
        cr_skip_test("a process has its libc anyway");
    run = board_boot("small", arguments, &(struct board_options){.config = SMALL, .name = name});
    cr_assert_eq(run.status, status, "status %d\n%s", run.status, run.terminal);
    return run;
}

Test(small, two_threads_run)
{
    assert_contains(boot("", "run", 0).console, "small: counted 2000");
}

Test(small, thread_without_a_stack_is_refused)
{
    boot("heapless", "heapless", 0);
}

Test(small, panic_prints_its_sentence)
{
    assert_contains(boot("panic", "panic", 70).console,
                    "panic: counted 2000\non core 0, thread \"main\"");
}

Test(small, exception_prints_where_it_was)
{
    struct board_run run = boot("exception", "exception", 70);

    assert_contains(run.console, "panic: ");
    assert_contains(run.console, " at pc=0x");
    assert_contains(run.console, "on core 0, thread \"main\"");
}

static void lacks(const char *config, const char *names, int most_bytes)
{
    char path[256], *output;
    int bytes;

    if (strcmp(board_name(), "linux") == 0)
        cr_skip_test("a process has its libc anyway");
    board_image_path(path, sizeof path, "small", config);
    cr_assert_eq(host_run(&output, "size %s | awk 'NR == 2 { printf \"%%s\", $1 }'", path), 0);
    bytes = atoi(output);
    cr_assert_gt(bytes, 0);
    cr_assert_eq(host_run(&output, "nm %s | grep -wE 'T (%s)'", path, names), 1, "linked: %s",
                 output);
    cr_assert_lt(bytes, most_bytes, "%d bytes of text", bytes);
}

#define STDIO "printf|_vfprintf_r|__sinit|_fclose_r|strtoul|strtok|open|_reclaim_reent|getentropy"

Test(small, image_with_the_defaults_has_no_stdio_and_no_profiler)
{
    lacks(NULL, STDIO "|malloc|upcall_sample|weft_channel_send|weft_timer_start", 96 * 1024);
}

Test(small, small_image_has_no_heap_and_no_unwinder)
{
    lacks(SMALL, STDIO "|malloc|stack_alloc|upcall_heap_init|upcall_sample|unwind_walk|cfi_find",
          48 * 1024);
}
