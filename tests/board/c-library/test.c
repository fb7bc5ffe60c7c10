/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/board/harness.h"

#define DEBUG_CONFIG "CORES=2 DEBUG=1 SLICE_US=100"

static struct board_run part(const char *arguments, const char *config, const char *name,
                             int status)
{
    struct board_run run;

    if (strcmp(board_name(), "linux") == 0)
        cr_skip_test("the C library is the system's");
    run =
        board_boot("c-library", arguments,
                   &(struct board_options){
                       .config = config, .name = name, .input = "/usr/share/common-licenses/BSD"});
    cr_assert_eq(run.status, status, "status %d\n%s", run.status, run.terminal);
    return run;
}

Test(c_library, threads_have_errno_strtok_rand_of_their_own)
{
    part("own", NULL, "own", 0);
}

Test(c_library, threads_on_two_cores_have_errno_strtok_rand_of_their_own)
{
    part("own", DEBUG_CONFIG, "own-2", 0);
}

/* Each thread's lines, whole and in their order, and no other line. */
static void lines(const char *config, const char *name)
{
    struct board_run run = part("lines", config, name, 0);
    int next[8] = {0};

    for (char *line = strtok(run.console, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char expected[80];
        int thread;

        if (strncmp(line, "thread ", 7) != 0) {
            cr_assert(strstr(line, "end") == NULL, "a piece of a line: %s", line);
            continue;
        }
        thread = line[7] - '0';
        cr_assert(thread >= 0 && thread < 8, "%s", line);
        snprintf(expected, sizeof expected, "thread %d line %d %.5s end %d", thread, next[thread],
                 &"aaaaabbbbbcccccdddddeeeeefffffggggghhhhh"[thread * 5], 60 - next[thread]);
        cr_assert_str_eq(line, expected);
        next[thread]++;
    }
    for (int i = 0; i < 8; i++)
        cr_assert_eq(next[i], 60, "thread %d: %d lines", i, next[i]);
}

Test(c_library, lines_of_8_threads_are_whole)
{
    lines(NULL, "lines");
}

Test(c_library, lines_of_8_threads_on_2_cores_are_whole)
{
    lines("CORES=2", "lines-2");
}

Test(c_library, lines_of_8_threads_in_short_slices_on_2_cores_are_whole)
{
    lines(DEBUG_CONFIG, "lines-2-debug");
}

Test(c_library, threads_that_end_leave_no_memory_and_their_last_words)
{
    struct board_run run = part("leak", NULL, "leak", 0);

    assert_contains(run.console, "leak: 0 bytes");
    assert_contains(run.console, "said by thread 7, without an end: ended");
    assert_contains(run.console, "not flushed by thread 7;");
}

Test(c_library, clocks_and_sleeps)
{
    part("clocks", NULL, "clocks", 0);
}

/* The seed is QEMU's (rngseed) or the CPU's: two boots differ. */
Test(c_library, random_bytes_differ)
{
    char *first = strdup(strstr(part("random", NULL, "random", 0).console, " random") - 16);
    char *second = strstr(part("random", NULL, "random-2", 0).console, " random") - 16;

    cr_assert_neq(strncmp(first, second, 16), 0, "%.16s twice", first);
}

Test(c_library, exit_runs_handlers_then_destructors_then_flushes)
{
    struct board_run run = part("handlers", NULL, "handlers", 41);

    assert_contains(run.console, "this line has no end"
                                 "last registered runs first\n"
                                 "handler that a handler registered\n"
                                 "on_exit: status 41, argument as given\n"
                                 "first registered runs last, after 76\n"
                                 "destructor after 76 handlers\n");
}

Test(c_library, failed_assertion_names_itself_and_panics)
{
    struct board_run run = part("unknown", NULL, "assert", 70);

    assert_contains(run.console, "assertion \"part == NULL && \"the part is known\"\" failed");
    assert_contains(run.console, "panic: signal 6 was raised");
}

Test(c_library, files_of_console_input_and_devices)
{
    part("files", NULL, "files", 0);
}

Test(c_library, files_on_two_cores)
{
    part("files", DEBUG_CONFIG, "files-2", 0);
}

Test(c_library, files_of_the_host)
{
    char folder[256], arguments[400], path[300], *text;
    struct board_run run;

    if (strcmp(board_name(), "malta") != 0)
        cr_skip_test("semihosting is malta's");
    snprintf(folder, sizeof folder, "build/tests/host-files-%s", board_arch());
    cr_assert_eq(host_run(&text,
                          "rm -rf %s && mkdir -p %s && echo hello from the host > "
                          "%s/from-host",
                          folder, folder, folder),
                 0);
    snprintf(arguments, sizeof arguments, "files %s", folder);
    run = part(arguments, NULL, "host", 0);
    assert_contains(run.console, "host files done");
    snprintf(path, sizeof path, "%s/from-guest", folder);
    text = file_text(path);
    cr_assert_eq(strlen(text), 10004);
    cr_assert_eq(strncmp(text, "abcdefghijklmnopqrstuvwabc", 26), 0);
    cr_assert_str_eq(text + 10000, "end\n");
}
