/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <inttypes.h>

#include "tests/board/profile_reader.h"

#define IMAGE "one-core-samples-another"
#define CONFIG "CORES=2"

/* What core 0's log says about core 1. */
struct seen {
    uint64_t right;   /* the function is on the stack, walked to its end */
    uint64_t wrong;   /* a stack of the thread that is not the thread's */
    uint64_t unknown; /* it did not answer, or was in between */
    uint64_t own;     /* samples of core 0 itself */
};

static struct seen look(const char *kind, const char *function, const char *icount)
{
    /* In real time: with -icount the emulator runs one core until it has something to wait for. */
    struct board_run run = board_boot(
        IMAGE, kind, &(struct board_options){.icount = icount, .name = kind, .config = CONFIG});
    struct profile profile;
    const struct log_reader *log;
    struct seen seen = {0};

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, IMAGE ": done\n");
    profile = profile_of(&run, IMAGE, CONFIG);
    log = profile_log(&profile);
    for (size_t i = 0; i < log_reader_stack_count(log); i++) {
        struct log_stack stack = log_reader_stack(log, i);

        if (stack.on == 0)
            seen.own += stack.count;
        else if (stack.reason != REASON_FULL)
            seen.unknown += stack.count;
        else if (profile_has(&profile, &stack, function) ||
                 profile_has(&profile, &stack, "elsewhere"))
            seen.right += stack.count;
        else
            seen.wrong += stack.count;
    }
    printf("%s: %" PRIu64 " right, %" PRIu64 " wrong, %" PRIu64 " unknown, %" PRIu64 " of core 0\n",
           kind, seen.right, seen.wrong, seen.unknown, seen.own);
    profile_close(&profile);
    return seen;
}

/* How often the other core answers in time is the emulator's affair. */
Test(remote_sampling, a_working_core_is_seen_where_it_is, .timeout = 100)
{
    struct seen seen = look("work", "works_there", NULL);

    cr_assert_geq(seen.own + seen.right + seen.unknown, 398);
    cr_assert_gt(seen.right, 0);
    cr_assert_leq(seen.wrong, 2, "its start, or its end");
}

/* Through some hundred thousand allocations: none of them is refused. */
Test(remote_sampling, an_allocating_core_never_traps, .timeout = 100)
{
    struct seen seen = look("allocate", "allocates_there", NULL);

    cr_assert_gt(seen.right, 0);
    cr_assert_leq(seen.wrong, 2);
}

/* With its interrupts off: by NMI on the PC; elsewhere it does not answer, and that is counted. */
Test(remote_sampling, a_deaf_core_is_seen_by_nmi, .timeout = 100)
{
    bool is_pc = strcmp(board_name(), "pc") == 0;
    struct seen seen = look("deaf", "deaf_there", is_pc ? NULL : "shift=3,sleep=off");

    cr_assert_geq(seen.own, 190);
    if (is_pc)
        cr_assert_gt(seen.right, 0);
    else
        cr_assert_gt(seen.unknown, 50);
    cr_assert_leq(seen.wrong, 2);
}
