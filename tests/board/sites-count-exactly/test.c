/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <inttypes.h>

#include "tests/board/profile_reader.h"

#define IMAGE "sites-count-exactly"
enum { CREATION, CONTENTION, INTERRUPTS, THREADS };

/* Sums of the places whose stack has these functions (NULL: any), and this tag (NULL: any). */
static void sums(uint64_t sum[2], const struct profile *profile, unsigned number,
                 const char *function, const char *without, const char *tag)
{
    const struct site_profile *sites = &profile->capture->sites.profile[number];

    cr_assert(sites->complete, "no %s profile", site_profiles_name(number));
    sum[0] = sum[1] = 0;
    for (size_t i = 0; i < sites->count; i++) {
        const struct site_entry *entry = &sites->entries[i];
        const struct log_stack stack = {.depth = (uint32_t)entry->depth, .pcs = entry->pcs};

        if ((tag != NULL && strcmp(entry->tag, tag) != 0) ||
            (function != NULL && !profile_has(profile, &stack, function)) ||
            (without != NULL && profile_has(profile, &stack, without)))
            continue;
        sum[0] += entry->value[0];
        sum[1] += entry->value[1];
    }
}

/* A thousand threads, of which some end and others begin all the time, against what the program
 * knows of them. */
Test(sites, stacks_of_a_thousand_churning_threads_are_theirs, .timeout = 100)
{
    struct board_run run = board_boot(
        IMAGE, "churn", &(struct board_options){.icount = "shift=3,sleep=off", .name = "churn"});

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "churn: ");
}

Test(sites, count_what_the_program_did, .timeout = 100)
{
    struct board_run run =
        board_boot(IMAGE, "", &(struct board_options){.icount = "shift=3,sleep=off"});
    struct profile profile;
    char path[300], *output;
    uint64_t sum[2];

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, IMAGE ": done\n");
    snprintf(path, sizeof path, "%s/serial.raw", run.folder);
    profile = profile_capture(IMAGE, NULL, path, false);
    cr_assert_eq(profile.capture->sites.problems.length, 0, "%s",
                 buffer_text(&profile.capture->sites.problems));

    sums(sum, &profile, CREATION, "spawn_here", "spawn_there", NULL);
    cr_assert_eq(sum[0], 5, "%" PRIu64, sum[0]);
    sums(sum, &profile, CREATION, "spawn_there", NULL, NULL);
    cr_assert_eq(sum[0], 12, "%" PRIu64, sum[0]);

    sums(sum, &profile, CONTENTION, "wait_for_message", NULL, "queue receive");
    cr_assert(sum[0] > 0 && sum[0] <= 30, "%" PRIu64, sum[0]);
    sums(sum, &profile, CONTENTION, "wait_for_mutex", NULL, "mutex");
    cr_assert(sum[0] > 10 && sum[0] <= 41, "%" PRIu64, sum[0]);
    if (strcmp(board_name(), "linux") != 0) /* it waited while main slept, all of it */
        cr_assert_geq(sum[1], sum[0] * 900000u, "%" PRIu64 " ns", sum[1]);
    sums(sum, &profile, CONTENTION, NULL, NULL, "sleep");
    cr_assert_eq(sum[0], 0, "sleeping is no contention");

    sums(sum, &profile, INTERRUPTS, NULL, NULL, "timer");
    cr_assert_geq(sum[0], 20);
    cr_assert_gt(sum[1], 0);

    sums(sum, &profile, THREADS, "stand", NULL, NULL);
    cr_assert_eq(sum[0], 60, "%" PRIu64, sum[0]);
    sums(sum, &profile, THREADS, "threads", "stand", NULL);
    cr_assert_eq(sum[0], 1, "the caller");

    /* The text says the same, with names. */
    assert_contains(run.console, "creation: threads/count");
    assert_contains(run.console, "\n12\n");
    assert_contains(run.console, " mutex\n");
    assert_contains(run.console, "wait_for_mutex\n");
    cr_assert_eq(host_run(&output,
                          "zcat %s/threads.pb.gz | grep -qa stand && zcat "
                          "%s/contention.pb.gz | grep -qa delay && ls %s/creation.pb.gz "
                          "%s/interrupts.pb.gz",
                          run.folder, run.folder, run.folder, run.folder),
                 0);
    profile_close(&profile);
}
