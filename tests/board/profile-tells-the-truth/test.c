/* SPDX-License-Identifier: MIT */
/* The shares that the program has by construction, within three standard deviations of what as many
 * independent samples would show. */
#include <criterion/criterion.h>
#include <inttypes.h>

#include "tests/board/profile_reader.h"

#define IMAGE "profile-tells-the-truth"

static struct profile taken(const char *mode, const char *config)
{
    struct board_run run = board_boot(
        IMAGE, mode,
        &(struct board_options){.icount = "shift=3,sleep=off", .name = mode, .config = config});

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, IMAGE ": done\n");
    return profile_of(&run, IMAGE, config);
}

/* A process shares its CPUs with whatever else runs on the machine: there the bound says only that
 * the order is right. */
static void has_share(uint64_t ticks, uint64_t total, double share, const char *what)
{
    double variance = (double)total * share * (1 - share);
    double off = (double)ticks - (double)total * share;
    double bound = strcmp(board_name(), "linux") == 0 ? (double)total * 0.08 : 0;

    cr_assert(off * off <= 9 * variance + bound * bound,
              "%s: %" PRIu64 " of %" PRIu64 ", not %.0f %% (%.1f variances off)", what, ticks,
              total, share * 100, off * off / variance);
}

Test(profile_truth, functions_have_their_shares, .timeout = 100)
{
    struct profile profile = taken("plain", NULL);
    struct log_totals totals = log_reader_totals(profile_log(&profile));

    has_share(profile_ticks(&profile, "ten", -1), totals.ticks, 0.1, "ten");
    has_share(profile_ticks(&profile, "twenty", -1), totals.ticks, 0.2, "twenty");
    has_share(profile_ticks(&profile, "thirty", -1), totals.ticks, 0.3, "thirty");
    has_share(profile_ticks(&profile, "forty", -1), totals.ticks, 0.4, "forty");
    profile_close(&profile);
}

/* Where no tick can land, or none can be walked, time is charged all the same. */
Test(profile_truth, atomics_interrupts_off_handlers_and_foreign_code_have_theirs, .timeout = 100)
{
    struct profile profile;
    struct log_totals totals;

    if (strcmp(board_name(), "linux") == 0)
        cr_skip_test("a late tick says nothing about a process");
    profile = taken("mixed", NULL);
    totals = log_reader_totals(profile_log(&profile));
    has_share(profile_ticks(&profile, "in_atomics", -1) + totals.lost_atomic64, totals.ticks, 0.1,
              "atomics");
    if (strncmp(board_arch(), "mips", 4) == 0)
        cr_assert_gt(totals.lost_atomic64, totals.ticks / 50, "%" PRIu64, totals.lost_atomic64);
    has_share(profile_ticks(&profile, "interrupts_off", -1), totals.ticks, 0.2, "interrupts off");
    has_share(profile_ticks(&profile, NULL, CONTEXT_INTERRUPT), totals.ticks, 0.3, "handler");
    has_share(profile_ticks(&profile, "in_foreign_code", CONTEXT_FOREIGN), totals.ticks, 0.4,
              "foreign code");
    profile_close(&profile);
}

static uint64_t thread_ticks(const struct log_reader *log, const char *name)
{
    uint64_t ticks = 0;

    for (size_t i = 0; i < log_reader_stack_count(log); i++) {
        struct log_stack stack = log_reader_stack(log, i);
        const char *its = log_reader_thread_name(log, stack.thread);

        if (its != NULL && strcmp(its, name) == 0)
            ticks += stack.count;
    }
    return ticks;
}

Test(profile_truth, two_equal_threads_on_two_cores_have_half_each, .timeout = 100)
{
    struct profile profile;
    uint64_t left, right;

    if (strcmp(board_sanitizer(), "thread") == 0)
        cr_skip_test("ThreadSanitizer's locks decide which core has its ticks late");
    profile = taken("cores", "CORES=2");
    left = thread_ticks(profile_log(&profile), "left");
    right = thread_ticks(profile_log(&profile), "right");
    cr_assert_gt(left + right, 2000);
    has_share(left, left + right, 0.5, "left");
    profile_close(&profile);
}
