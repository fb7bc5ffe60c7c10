/* SPDX-License-Identifier: MIT */
/* The demo's results equal the host's own tools', and its profile is read by pprof. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/board/harness.h"

#define INPUT "/usr/share/common-licenses/GPL-3"

static void expect_counts(const char *console, const char *input)
{
    char expected[256], *output, digest[80];
    unsigned long lines, words, bytes;

    cr_assert_eq(host_run(&output, "sha256sum < '%s'", input), 0);
    cr_assert_eq(sscanf(output, "%64s", digest), 1);
    snprintf(expected, sizeof expected, "demo: sha256=%s\n", digest);
    assert_contains(console, expected);
    cr_assert_eq(host_run(&output, "LC_ALL=C wc < '%s'", input), 0);
    cr_assert_eq(sscanf(output, "%lu %lu %lu", &lines, &words, &bytes), 3);
    snprintf(expected, sizeof expected, "demo: lines=%lu words=%lu bytes=%lu\n", lines, words,
             bytes);
    assert_contains(console, expected);
}

Test(demo, results_equal_the_hosts_tools)
{
    struct board_run run = board_boot("demo", "", &(struct board_options){.input = INPUT});

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    expect_counts(run.console, INPUT);
    assert_contains(run.console, "demo: round trip ok\n");
    assert_contains(run.console, "scvg");
    assert_contains(run.console, "thread 4 \"worker 0\" [queue receive");
    assert_contains(run.console, "worker_main\n");
    assert_contains(run.terminal, "profile: ticks=");
}

Test(demo, binary_input)
{
    struct board_run run = board_boot(
        "demo", "passes=2", &(struct board_options){.input = "/usr/bin/gzip", .name = "binary"});

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    expect_counts(run.console, "/usr/bin/gzip");
}

Test(demo, empty_input)
{
    struct board_run run;
    char *output;

    host_run(&output, "mkdir -p build/tests && : > build/tests/empty");
    run = board_boot("demo", "",
                     &(struct board_options){.input = "build/tests/empty", .name = "empty"});
    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    expect_counts(run.console, "build/tests/empty");
}

Test(demo, without_input_says_so)
{
    struct board_run run = board_boot("demo", "", &(struct board_options){.name = "none"});

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "demo: no file was handed over");
    assert_contains(run.console, "using the built-in text");
}

Test(demo, status_of_the_firmware_is_the_status_of_the_run)
{
    struct board_run run = board_boot("demo", "passes=1 status=37",
                                      &(struct board_options){.input = INPUT, .name = "status"});

    cr_assert_eq(run.status, 37, "status %d\n%s", run.status, run.terminal);
}

Test(demo, profile_is_read_by_go_tool_pprof)
{
    struct board_run run =
        board_boot("demo", "passes=9", &(struct board_options){.input = INPUT, .name = "pprof"});
    char *output;

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    if (host_run(&output, "command -v go") != 0)
        cr_skip_test("go tool pprof is not installed (golang-go; EXTRAS=1 installs it)");
    cr_assert_eq(host_run(&output, "go tool pprof -top %s/cpu.pb.gz 2>&1", run.folder), 0, "%s",
                 output);
    assert_contains(output, "lz_");
    assert_contains(output, "worker_main");
}
