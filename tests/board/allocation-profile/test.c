/* SPDX-License-Identifier: MIT */
/* The profile of allocations against what the image says it did (requirements D and E4). */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>

#include "tests/board/profile_reader.h"

#define IMAGE "allocation-profile"
enum { ALLOCATIONS = 4 };
enum { ALLOC_OBJECTS, ALLOC_SPACE, INUSE_OBJECTS, INUSE_SPACE };

static struct board_run run(const char *name, const char *mode, const char *config,
                            const char *icount)
{
    struct board_run result;

    board_needs_weft_malloc();
    result = board_boot(IMAGE, mode,
                        &(struct board_options){.config = config, .icount = icount, .name = name});
    cr_assert_eq(result.status, 0, "status %d\n%s", result.status, result.terminal);
    assert_contains(result.console, "done\n");
    return result;
}

static void sums(uint64_t sum[LOG_SITE_VALUES], const struct profile *profile, const char *function)
{
    const struct site_profile *sites = &profile->capture->sites.profile[ALLOCATIONS];

    memset(sum, 0, LOG_SITE_VALUES * sizeof sum[0]);
    for (size_t i = 0; i < sites->count; i++) {
        const struct site_entry *entry = &sites->entries[i];
        const struct log_stack stack = {.depth = (uint32_t)entry->depth, .pcs = entry->pcs};

        if (profile_has(profile, &stack, function))
            for (unsigned value = 0; value < LOG_SITE_VALUES; value++)
                sum[value] += entry->value[value];
    }
}

static struct profile open_profile(const struct board_run *result, const char *config)
{
    char path[300];
    struct profile profile;

    snprintf(path, sizeof path, "%s/serial.raw", result->folder);
    profile = profile_capture(IMAGE, config, path, false);
    cr_assert_eq(profile.capture->sites.problems.length, 0, "%s",
                 buffer_text(&profile.capture->sites.problems));
    cr_assert(profile.capture->sites.profile[ALLOCATIONS].complete, "no profile came");
    return profile;
}

/* How many places the image's books name, each of which the profile must know. `deviations` 0: it
 * says the same; else the numbers may be so many standard deviations of a sample of one byte of
 * `period` off. */
static unsigned compare(const struct board_run *result, const char *config, double deviations,
                        double period)
{
    struct profile profile = open_profile(result, config);
    const char *line = result->console;
    unsigned places = 0;

    while ((line = strstr(line, "oracle: ")) != NULL) {
        uint64_t truth[LOG_SITE_VALUES], sum[LOG_SITE_VALUES];
        char place[32];

        cr_assert_eq(sscanf(line, "oracle: %31s %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
                            place, &truth[0], &truth[1], &truth[2], &truth[3]),
                     5);
        sums(sum, &profile, place);
        for (unsigned value = 0; value < LOG_SITE_VALUES; value++) {
            double size = (double)truth[ALLOC_SPACE] / (double)truth[ALLOC_OBJECTS];
            double p = -expm1(-size / period);
            double off = fabs((double)sum[value] - (double)truth[value]);
            double allowed = deviations * sqrt((double)truth[ALLOC_OBJECTS] * (1 - p) / p);

            if (value == ALLOC_SPACE || value == INUSE_SPACE)
                allowed *= size;
            cr_expect(off <= allowed, "%s, value %u: %" PRIu64 ", truth %" PRIu64 ", allowed %g",
                      place, value, sum[value], truth[value], allowed);
        }
        places++;
        line++;
    }
    profile_close(&profile);
    return places;
}

Test(allocation_profile, equals_the_programs_own_books, .timeout = 100)
{
    struct board_run result = run("exact", "exact", NULL, "shift=3,sleep=off");

    cr_assert_eq(compare(&result, NULL, 0, 1), 6);
    /* The text says the same, with names. */
    assert_contains(result.console, "\n1: 63 [1: 63]\n");
    assert_contains(result.console, "\ntake_cleared\n");
    assert_contains(result.console, "\n1: 77 [1: 77]\n");
    assert_contains(result.console, "\ntake_aligned\n");
}

Test(allocation_profile, says_what_was_asked_for_under_the_full_tier, .timeout = 100)
{
    struct board_run result = run("full-tier", "exact", "HEAP_FULL=1", "shift=3,sleep=off");

    cr_assert_eq(compare(&result, "HEAP_FULL=1", 0, 1), 6);
}

Test(allocation_profile, equals_an_oracle_with_frees_on_another_core, .timeout = 100)
{
    struct board_run result = run("race", "race", "CORES=2 DEBUG=1 SLICE_US=100", NULL);

    cr_assert_eq(compare(&result, "CORES=2 DEBUG=1 SLICE_US=100", 0, 1), 2);
}

Test(allocation_profile, equals_an_oracle_of_a_thousand_churning_threads, .timeout = 100)
{
    struct board_run result = run("threads", "threads", NULL, NULL);

    cr_assert_eq(compare(&result, NULL, 0, 1), 1);
}

Test(allocation_profile, a_sample_is_unbiased, .timeout = 100)
{
    struct board_run result = run("sampled", "sampled", NULL, NULL);

    cr_assert_eq(compare(&result, NULL, 5, 16384), 2);
}

Test(allocation_profile, a_collections_garbage_is_never_shown_as_in_use, .timeout = 100)
{
    assert_contains(run("collect", "collect", NULL, NULL).console, "collect done");
}

/* The log's totals add up too: weft run would say so otherwise. */
Test(allocation_profile, core_0_samples_core_1_through_a_million_allocations, .timeout = 100)
{
    assert_contains(run("million", "million", "CORES=2", NULL).console, "million done");
}

Test(allocation_profile, go_tool_pprof_reads_it_as_a_heap_profile, .timeout = 100)
{
    struct board_run result = run("pprof", "exact", NULL, "shift=3,sleep=off");
    char *output;

    if (host_run(&output, "command -v go") != 0)
        cr_skip_test("go tool pprof is not installed (golang-go; EXTRAS=1 installs it)");
    /* Without a choice it shows what is in use; the heap's own functions are gone. */
    cr_assert_eq(host_run(&output,
                          "HOME=. go tool pprof -top %s/allocations.pb.gz 2>&1 | tr -s ' '",
                          result.folder),
                 0, "%s", output);
    assert_contains(output, "Type: inuse_space\n");
    assert_contains(output, " take_large\n");
    cr_assert_null(strstr(output, "malloc"), "%s", output);
    for (unsigned i = 0; i < 4; i++) {
        static const char *const samples[] = {
            "alloc_objects 300 take_small", "alloc_space 44850 take_small",
            "inuse_objects 200 take_small", "inuse_space 30000 take_small"};
        char index[32], number[32], function[32], wanted[80];

        sscanf(samples[i], "%31s %31s %31s", index, number, function);
        cr_assert_eq(host_run(&output,
                              "HOME=. go tool pprof -top -unit=B -sample_index=%s "
                              "%s/allocations.pb.gz 2>&1 | tr -s ' '",
                              index, result.folder),
                     0);
        snprintf(wanted, sizeof wanted, " %s%s", number, i % 2 != 0 ? "B" : "");
        assert_contains(output, wanted);
        assert_contains(output, function);
    }
}
