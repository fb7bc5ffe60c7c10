/* SPDX-License-Identifier: MIT */
/* The ways of taking a profile: each log is whole, and says what the program did. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>

#include "tests/board/profile_reader.h"

#define IMAGE "profile-modes"

static struct board_run boot(const char *mode, const char *extra)
{
    struct board_run run = board_boot(
        IMAGE, mode,
        &(struct board_options){.icount = "shift=3,sleep=off", .name = mode, .extra = extra});

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "profile-modes: done\n");
    return run;
}

/* The number behind "name=" on the console, the last one. */
static uint64_t said(const struct board_run *run, const char *name)
{
    const char *at = run->console, *next, *found = NULL;

    for (; (next = strstr(at, name)) != NULL; at = next + 1)
        found = next + strlen(name);
    cr_assert_not_null(found, "no %s", name);
    return strtoull(found, NULL, 10);
}

static void is_about(uint64_t value, uint64_t expected, uint64_t tolerance, const char *what)
{
    cr_assert(value + tolerance >= expected && value <= expected + tolerance,
              "%s: %" PRIu64 ", not %" PRIu64 " +- %" PRIu64, what, value, expected, tolerance);
}

/* All ticks together weigh as much as the profile took. */
Test(profile_modes, the_rate_changes_while_it_runs, .timeout = 100)
{
    struct board_run run = boot("rate", NULL);
    struct profile profile = profile_of(&run, IMAGE, NULL);
    const struct log_reader *log = profile_log(&profile);
    double seconds = 0;

    for (size_t i = 0; i < log_reader_stack_count(log); i++) {
        struct log_stack stack = log_reader_stack(log, i);

        seconds += (double)stack.count * 1000 / (double)stack.rate_millihertz;
    }
    cr_assert_eq(log_reader_totals(log).ticks, said(&run, "ticks="));
    if (strcmp(board_name(), "linux") != 0) /* a process misses ticks while others run */
        is_about((uint64_t)(seconds * 1e6), log_reader_duration_ns(log) / 1000,
                 log_reader_duration_ns(log) / 1000 / 20 + 20000, "microseconds");
    profile_close(&profile);
}

/* Far more than a log holds, and all of it there. */
Test(profile_modes, a_streamed_log_is_whole_and_loses_nothing, .timeout = 100)
{
    struct board_run run = boot("stream", NULL);
    struct profile profile = profile_of(&run, IMAGE, NULL);
    struct log_totals totals = log_reader_totals(profile_log(&profile));

    cr_assert_geq(totals.ticks, 2 * 9000u);
    if (strcmp(board_name(), "linux") != 0)
        cr_assert_eq(totals.lost_full, 0);
    cr_assert_gt(profile_ticks(&profile, "early_work", CONTEXT_THREAD), totals.recorded / 4);
    cr_assert_gt(profile_ticks(&profile, "board_console_write", -1), 0, "the sender is seen, too");
    profile_close(&profile);
}

/* The log is too small for the run: its beginning is gone, and counted. */
static void is_the_end_of_the_run(const struct profile *profile)
{
    struct log_totals totals = log_reader_totals(profile_log(profile));

    cr_assert_gt(totals.lost_full, 3000);
    cr_assert_gt(profile_ticks(profile, "late_work", -1), 1000);
    cr_assert_eq(profile_ticks(profile, "early_work", -1), 0);
}

Test(profile_modes, the_newest_samples_are_kept, .timeout = 100)
{
    struct board_run run = boot("newest", NULL);
    struct profile profile = profile_of(&run, IMAGE, NULL);

    is_the_end_of_the_run(&profile);
    cr_assert_eq(log_reader_totals(profile_log(&profile)).lost_full, said(&run, "lost_full="));
    profile_close(&profile);
}

/* Nobody has sent the log. The emulator's memory, kept in a file, has it all the same: of a profile
 * that was stopped, and of one that still ran when the power went. */
static struct profile read_memory(const char *mode, struct board_run *run)
{
    char extra[300], path[200];

    if (strcmp(board_name(), "linux") == 0)
        cr_skip_test("a process has no memory image");
    snprintf(path, sizeof path, "build/tests/run/%s-%s-%s.memory", board_name(), board_arch(),
             mode);
    remove(path);
    snprintf(extra, sizeof extra,
             "-object memory-backend-file,id=ram,size=128M,share=on,mem-path=%s -machine "
             "memory-backend=ram",
             path);
    *run = boot(mode, extra);
    return profile_read(IMAGE, NULL, path, true);
}

Test(profile_modes, a_stopped_log_is_read_out_of_memory, .timeout = 100)
{
    struct board_run run;
    struct profile profile = read_memory("stopped", &run);

    is_the_end_of_the_run(&profile);
    cr_assert_eq(log_reader_totals(profile_log(&profile)).ticks, said(&run, "ticks="));
    cr_assert_eq(log_reader_totals(profile_log(&profile)).recorded, said(&run, "recorded="));
    profile_close(&profile);
}

Test(profile_modes, a_running_log_is_read_out_of_memory, .timeout = 100)
{
    struct board_run run;
    struct profile profile = read_memory("left", &run);
    const struct log_reader *log = profile_log(&profile);

    is_the_end_of_the_run(&profile);
    cr_assert_geq(log_reader_totals(log).ticks, said(&run, "ticks="));
    cr_assert_str_eq(log_reader_label_find(log, 1)->value, "left");
    cr_assert_str_eq(log_reader_thread_name(log, 1), "main");
    profile_close(&profile);
}

/* Ticks of a function whose thread had key=value. */
static uint64_t labelled(const struct profile *profile, const char *function, const char *key,
                         const char *value)
{
    const struct log_reader *log = profile_log(profile);
    uint64_t ticks = 0;

    for (size_t i = 0; i < log_reader_stack_count(log); i++) {
        struct log_stack stack = log_reader_stack(log, i);
        const struct log_reader_label *label = log_reader_label_find(log, stack.labels);

        while (label != NULL && strcmp(label->key, key) != 0)
            label = log_reader_label_find(log, label->parent);
        if (label != NULL && strcmp(label->value, value) == 0 &&
            profile_has(profile, &stack, function))
            ticks += stack.count;
    }
    return ticks;
}

Test(profile_modes, labels_follow_their_threads, .timeout = 100)
{
    struct board_run run = boot("labels", NULL);
    struct profile profile = profile_of(&run, IMAGE, NULL);
    uint64_t early = profile_ticks(&profile, "early_work", CONTEXT_THREAD);
    uint64_t late = profile_ticks(&profile, "late_work", CONTEXT_THREAD);

    cr_assert_eq(labelled(&profile, "early_work", "program", "test"), early, "inherited");
    cr_assert_eq(labelled(&profile, "late_work", "program", "test"), late);
    cr_assert_eq(labelled(&profile, "late_work", "phase", "late"), late);
    cr_assert_eq(labelled(&profile, "early_work", "phase", "late"), 0);
    cr_assert_eq(labelled(&profile, "late_work", "request", "one") +
                     labelled(&profile, "late_work", "request", "two"),
                 late);
    is_about(labelled(&profile, "early_work", "request", "one"), early / 2, early / 4, "half");
    profile_close(&profile);
}

/* Ticks spent blocked for `wait` under a function. */
static uint64_t blocked(const struct profile *profile, const char *function, const char *wait)
{
    const struct log_reader *log = profile_log(profile);
    uint64_t ticks = 0;

    for (size_t i = 0; i < log_reader_stack_count(log); i++) {
        struct log_stack stack = log_reader_stack(log, i);

        if (stack.context == CONTEXT_BLOCKED && profile_has(profile, &stack, function) &&
            strcmp(log_reader_wait_name(log, stack.wait), wait) == 0)
            ticks += stack.count;
    }
    return ticks;
}

Test(profile_modes, blocked_threads_are_sampled_for_what_they_wait_for, .timeout = 100)
{
    struct board_run run = boot("wall", NULL);
    struct profile profile = profile_of(&run, IMAGE, NULL);
    struct log_totals totals = log_reader_totals(profile_log(&profile));
    uint64_t slept = said(&run, "waited=");

    cr_assert_eq(totals.waited_lost, 0);
    cr_assert_gt(totals.waited, 0);
    if (strcmp(board_name(), "linux") == 0) { /* ticks and the clock need not agree there */
        cr_assert_gt(blocked(&profile, "receiver", "queue receive"), 0);
        cr_assert_gt(blocked(&profile, "sleeper", "sleep"), 0);
        cr_assert_gt(blocked(&profile, "hibernator", "sleep"), 0);
    } else {
        is_about(blocked(&profile, "sleeper", "sleep"), slept, 2, "asleep");
        is_about(blocked(&profile, "wall", "join"), slept, 2, "joining");
        is_about(blocked(&profile, "receiver", "queue receive"), totals.ticks, 3, "receiving");
        is_about(blocked(&profile, "hibernator", "sleep"), totals.ticks, 3, "still asleep");
    }
    profile_close(&profile);
}

Test(profile_modes, foreign_code_is_its_callers, .timeout = 100)
{
    struct board_run run = boot("foreign", NULL);
    struct profile profile = profile_of(&run, IMAGE, NULL);
    const struct log_reader *log = profile_log(&profile);
    uint64_t in_blob = 0, foreign = profile_ticks(&profile, NULL, CONTEXT_FOREIGN);

    for (size_t i = 0; i < log_reader_stack_count(log); i++) {
        struct log_stack stack = log_reader_stack(log, i);

        if (stack.context != CONTEXT_FOREIGN)
            continue;
        cr_assert(profile_has(&profile, &stack, "call_foreign"), "the caller is lost");
        cr_assert(profile_has(&profile, &stack, "main"));
        cr_assert_eq(stack.reason, REASON_FULL);
        cr_assert_geq(stack.depth, 7);
        in_blob += profile_has(&profile, &stack, "blob") ? stack.count : 0;
    }
    cr_assert_gt(foreign, 100);
    cr_assert_gt(in_blob * 100, foreign * 98, "%" PRIu64 " of %" PRIu64, in_blob, foreign);
    cr_assert_eq(profile_ticks(&profile, "blob", CONTEXT_THREAD), 0);
    cr_assert_gt(profile_ticks(&profile, "early_work", CONTEXT_THREAD), 10);
    profile_close(&profile);
}
