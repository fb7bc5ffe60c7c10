/* SPDX-License-Identifier: MIT */
/* Requirements A: the trace against a log, the storm, who may ask what, and what release means. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/board/harness.h"

static struct board_run boot(const char *arguments, const char *config, const char *name)
{
    struct board_options options = {.icount = config == NULL ? "shift=3" : NULL,
                                    .config = config,
                                    .name = name,
                                    .limit_s = 120};

    board_needs_weft_malloc();
    return board_boot("scavenger", arguments, &options);
}

static void succeeds(const char *arguments, const char *config, const char *name)
{
    struct board_run run = boot(arguments, config, name);

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "scavenger done");
}

/* ---- the log ---- */

/* In bytes, from the log of operations alone. */
struct log {
    size_t page, sys, meta, stacks, inuse, released;
    unsigned long scavenges;
    size_t scavenged; /* released since the last line */
    unsigned lines;
};

static size_t log_pages(const struct log *log, size_t bytes)
{
    return (bytes + log->page - 1) / log->page * log->page;
}

/* False: not a line of the log. */
static bool log_operation(struct log *log, const char *line)
{
    size_t bytes;

    if (sscanf(line,
               "op start page %zu sys %zu meta %zu stacks %zu inuse %zu released %zu "
               "scavenges %lu",
               &log->page, &log->sys, &log->meta, &log->stacks, &log->inuse, &log->released,
               &log->scavenges) == 7) {
        log->sys *= log->page;
        log->meta *= log->page;
        log->stacks *= log->page;
        log->inuse *= log->page;
        log->released *= log->page;
    } else if (sscanf(line, "op alloc %zu", &bytes) == 1) {
        log->inuse += log_pages(log, bytes);
    } else if (sscanf(line, "op free %zu", &bytes) == 1 ||
               sscanf(line, "op failed %zu", &bytes) == 1) {
        log->inuse -= log_pages(log, bytes);
    } else if (sscanf(line, "op release %zu", &bytes) == 1) {
        log->released += bytes;
        log->scavenged += bytes;
    } else if (sscanf(line, "op commit %zu", &bytes) == 1) {
        log->released -= bytes;
    } else {
        return strcmp(line, "op round") == 0;
    }
    return true;
}

/* What the trace must print now; the first line only when there is one. */
static void expected_lines(struct log *log, char first[128], char second[256])
{
    size_t idle = log->sys - log->meta - log->stacks - log->inuse;

    log->scavenges++;
    first[0] = 0;
    if (log->scavenged >= 1024)
        snprintf(first, 128, "scvg%lu: %zu KiB released", log->scavenges, log->scavenged / 1024);
    snprintf(second, 256,
             "scvg%lu: inuse: %zu, idle: %zu, sys: %zu, released: %zu, consumed: %zu (KiB)",
             log->scavenges, log->inuse / 1024, idle / 1024, log->sys / 1024, log->released / 1024,
             log->sys / 1024 - log->released / 1024);
    log->scavenged = 0;
    log->lines++;
}

Test(scavenger, every_field_of_every_line_follows_from_the_log)
{
    struct board_run run = boot("log", NULL, "log");
    struct log log = {0};
    char first[128], second[256], *rest = NULL, *text;
    bool ended = false;

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    text = strstr(run.console, "op start");
    cr_assert_not_null(text);
    for (char *line = strtok_r(text, "\n", &rest); line && !ended;
         line = strtok_r(NULL, "\n", &rest)) {
        line[strcspn(line, "\r")] = 0;
        ended = strcmp(line, "op end") == 0;
        if (ended || log_operation(&log, line))
            continue;
        cr_assert(strncmp(line, "scvg", 4) == 0, "neither log nor trace: %s", line);
        expected_lines(&log, first, second);
        if (first[0]) {
            cr_assert_str_eq(line, first);
            line = strtok_r(NULL, "\n", &rest);
            line[strcspn(line, "\r")] = 0;
        }
        cr_assert_str_eq(line, second);
    }
    cr_assert(ended && log.lines > 25, "%u scavenges", log.lines);
}

/* ---- the storm ---- */

/* Operations, the timer's period in us, and how many scavenges there must be: time is exact with
 * one core, where the emulator counts instructions, and nowhere else. */
static void storm(const char *config, const char *name)
{
    bool exact = config == NULL && strcmp(board_name(), "linux") != 0;
    char arguments[64];

    snprintf(arguments, sizeof arguments, "storm %d %d %d", getenv("SOAK") ? 1000000 : 40000,
             exact ? 100 : 1000, exact ? 400 : 1);
    succeeds(arguments, config, name);
}

Test(scavenger, traced_exhausted_heap_with_threads_and_a_fast_timer_does_not_hang)
{
    storm(NULL, "storm");
}

Test(scavenger, traced_exhausted_heap_on_two_cores_does_not_hang)
{
    storm("CORES=2", "storm-2");
}

Test(scavenger, pages_cached_by_a_core_that_sleeps_go_back)
{
    succeeds("asleep", "CORES=2", "asleep");
}

/* ---- what release means ---- */

Test(scavenger, released_pages_are_out_of_use_for_real)
{
    struct board_run run;

    if (strcmp(board_name(), "pc") != 0) {
        succeeds(strcmp(board_name(), "linux") == 0 ? "real zero" : "real poison", NULL, "real");
        return;
    }
    succeeds("real again", NULL, "real-again");
    run = boot("real unmap", NULL, "real");
    cr_assert_eq(run.status, 70, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "panic: load from an unmapped address");
}

/* ---- who may not ask ---- */

static void refused(const char *where, const char *sentence)
{
    struct board_run run = boot(where, NULL, where);

    cr_assert_eq(run.status, 70, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, sentence);
}

Test(scavenger, consistent_statistics_under_the_heaps_lock_panic_and_name_it)
{
    refused("lock", "panic: weft_world_stop(\"consistent heap statistics\") while holding the lock "
                    "\"heap pages\" (holder: thread \"main\" on core 0): a stopped thread could be "
                    "waiting for it; let go of it first");
}

Test(scavenger, consistent_statistics_from_the_scavenger_panic)
{
    refused("hook", "panic: weft_heap_stats_consistent from the scavenger (a release hook, or the "
                    "board): stopping the world here would never end; call weft_heap_stats");
}

Test(scavenger, consistent_statistics_in_an_interrupt_panic)
{
    refused("handler", "panic: weft_world_stop(\"consistent heap statistics\") in an interrupt "
                       "handler: wake a thread that does it");
}
