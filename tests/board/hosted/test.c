/* SPDX-License-Identifier: MIT */
/* The hosted board: libc and its locks, errno, standard input, signals, sanitizers, valgrind. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/board/harness.h"

static void skip_elsewhere(void)
{
    if (strcmp(board_name(), "linux") != 0)
        cr_skip_test("a process's own");
}

static bool has_sanitizer(const char *name)
{
    return strcmp(board_sanitizer(), name) == 0;
}

static struct board_run boot(const char *way)
{
    return board_boot("hosted", way, &(struct board_options){.name = way});
}

static void works(const char *way)
{
    struct board_run run;

    skip_elsewhere();
    run = boot(way);
    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "least ");
}

/* Ticks, and wishes to switch, land in libc nearly always; and each stack is walked to its root. */
Test(hosted, threads_take_turns_in_libc_and_nothing_breaks)
{
    char path[300], *count;

    if (has_sanitizer("thread"))
        cr_skip_test("ticks find the sanitizer's runtime nearly always");
    works("libc");
    snprintf(path, sizeof path, "build/tests/run/linux-amd64%s/hosted-libc", board_sanitizer());
    cr_assert_eq(host_run(&count, "grep -c 'thread_entry;.*in_libc;.*0x7f' %s/folded.txt", path), 0,
                 "no sample in libc has its callers");
    cr_assert_gt(atoi(count), 5, "%s samples in libc have their callers", count);
}

Test(hosted, errno_belongs_to_the_thread)
{
    works("errno");
}

Test(hosted, memory_that_libc_takes_under_a_lock_does_not_lose_the_core)
{
    struct board_run run;

    skip_elsewhere();
    run = boot("lines");
    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "lines read in between");
}

/* Through the pipe that is the console, in pieces. */
Test(hosted, standard_input_reaches_the_program)
{
    char elf[256], *output;

    skip_elsewhere();
    board_image_path(elf, sizeof elf, "hosted", NULL);
    cr_assert_eq(host_run(&output, "(echo one; echo two; echo end) | timeout 20 %s echo", elf), 0,
                 "%s", output);
    cr_assert_str_eq(output, "got one\ngot two\ngot end\n");
}

/* Started in the background with its output in a file of the test's own (tests run at the same
 * time), which has nothing of an earlier run; $pid is its number, once it has said so.
 * ThreadSanitizer copes with some of the kernel's random addresses only; a container may forbid to
 * have others. */
#define IN_BACKGROUND                                                                              \
    "out=build/tests/hosted-wait%s; fixed=$(setarch -R true 2>/dev/null && echo setarch -R); "     \
    ": > $out; timeout 100 $fixed %s wait > $out & "                                               \
    "for i in $(seq 500); do "                                                                     \
    "pid=$(sed -n 's/^pid //p' $out); [ -n \"$pid\" ] && break; sleep 0.02; done; "

Test(hosted, quit_signal_prints_every_thread_and_the_program_goes_on)
{
    char elf[256], *output;

    skip_elsewhere();
    board_image_path(elf, sizeof elf, "hosted", NULL);
    cr_assert_eq(host_run(&output,
                          IN_BACKGROUND
                          "kill -QUIT $pid; for i in $(seq 500); do grep -q idle $out "
                          "&& break; sleep 0.02; done; kill -0 $pid && kill -TERM "
                          "$pid; wait; cat $out",
                          "-quit", elf),
                 0);
    assert_contains(output, "break: stacks of all threads");
    assert_contains(output, "thread 1 \"main\" [sleep");
    assert_contains(output, "thread 2 \"idle\"");
}

/* The kernel's list of the process's timers: each signals one pthread, which may run on one CPU. */
Test(hosted, each_core_is_a_pinned_pthread_with_a_timer_of_its_own)
{
    char elf[256], *output;
    int first, second, end = 0;

    skip_elsewhere();
    if (host_run(&output, "test $(nproc) -ge 2 && test -r /proc/self/timers") != 0)
        cr_skip_test("needs two CPUs, and a kernel that lists timers");
    board_image_path(elf, sizeof elf, "hosted", "CORES=2");
    cr_assert_eq(host_run(&output,
                          IN_BACKGROUND
                          "for i in $(seq 500); do "
                          "[ $(grep -c notify: /proc/$pid/timers) = 2 ] && break; sleep 0.02; "
                          "done; sed -n 's|^notify: signal/tid[.]||p' /proc/$pid/timers | "
                          "while read tid; do sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' "
                          "/proc/$pid/task/$tid/status; done; kill -TERM $pid",
                          "-pinned", elf),
                 0);
    cr_assert(sscanf(output, "%d\n%d\n%n", &first, &second, &end) == 2 && output[end] == '\0' &&
                  end != 0,
              "%s", output);
    cr_assert_neq(first, second);
}

Test(hosted, fault_signal_from_outside_is_reported_as_such)
{
    char elf[256], *output;
    int status;

    skip_elsewhere();
    board_image_path(elf, sizeof elf, "hosted", NULL);
    status = host_run(&output,
                      IN_BACKGROUND "kill -SEGV $pid; wait $!; status=$?; cat $out; exit "
                                    "$status",
                      "-fault", elf);
    cr_assert_eq(status, 70, "status %d\n%s", status, output);
    assert_contains(output, "panic: signal 11 was sent by process");
}

static void refused(const char *argument, int expected, const char *sentence)
{
    char elf[256], *output;
    int status;

    skip_elsewhere();
    board_image_path(elf, sizeof elf, "demo", NULL);
    status = host_run(&output, "%s %s </dev/null 2>&1", elf, argument);
    cr_assert_eq(status, expected, "status %d\n%s", status, output);
    assert_contains(output, sentence);
    cr_assert_null(strchr(output, '\n')[1] ? output : NULL, "more than one line:\n%s", output);
}

Test(hosted, bad_arguments_are_refused_in_one_line)
{
    refused("input=/no/such/file", 66, "INPUT /no/such/file: No such file or directory; stopped\n");
    refused("input=/usr", 66, "INPUT /usr: not a regular file; stopped\n");
    refused("heap=0", 64, "heap=0: not a number of MiB from 1 to 1048576; stopped\n");
    refused("heap=12k", 64, "not a number of MiB");
}

/* A sanitizer that finds nothing is no proof: each finds what was put there for it. */
static void found(const char *sanitizer, const char *way, const char *config, const char *sentence)
{
    struct board_run run;

    skip_elsewhere();
    if (!has_sanitizer(sanitizer))
        cr_skip_test("needs SAN=%s", sanitizer);
    run = board_boot("hosted", way, &(struct board_options){.name = way, .config = config});
    cr_assert_neq(run.status, 0);
    assert_contains(run.terminal, sentence);
}

Test(hosted, address_sanitizer_finds_a_use_after_free_in_a_thread)
{
    found("address", "use-after-free", NULL, "heap-use-after-free");
}

Test(hosted, undefined_sanitizer_finds_an_overflow)
{
    found("undefined", "undefined", NULL, "signed integer overflow");
}

Test(hosted, thread_sanitizer_finds_a_race_of_two_threads)
{
    found("thread", "race", "CORES=2", "data race tests/board/hosted/image.c");
}

Test(hosted, valgrind_finds_nothing, .timeout = 120)
{
    char elf[256], *output;
    int status;

    skip_elsewhere();
    if (board_sanitizer()[0] != '\0')
        cr_skip_test("a sanitizer is there already");
    if (host_run(&output, "command -v valgrind") != 0)
        cr_skip_test("valgrind is not installed (EXTRAS=1 installs it)");
    board_image_path(elf, sizeof elf, "hosted", NULL);
    status = host_run(&output, "timeout 100 valgrind --error-exitcode=9 %s threads </dev/null 2>&1",
                      elf);
    cr_assert_eq(status, 0, "status %d\n%s", status, output);
    assert_contains(output, "threads done");
    assert_contains(output, "ERROR SUMMARY: 0 errors");
}
