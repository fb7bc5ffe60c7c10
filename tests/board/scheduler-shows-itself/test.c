/* SPDX-License-Identifier: MIT */
/* The scheduler's counts and trace lines, as docs/watching.md describes them. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/board/harness.h"

struct line {
    unsigned long long ms;
    unsigned cores, idle, threads, running, ready, blocked, switches, preemptions, steals, ticks;
    char queues[32];
};

/* The next line behind *at, with its sums checked; moves *at. False: there is none. */
static bool next_line(const char **at, struct line *line)
{
    const char *found = strstr(*at, "sched ");
    unsigned queue[4] = {0};
    int count;

    if (found == NULL)
        return false;
    count = sscanf(found,
                   "sched %llu ms: cores=%u idle=%u threads=%u running=%u ready=%u [%31[0-9 ]] "
                   "blocked=%u switches=%u preemptions=%u steals=%u ticks=%u\n",
                   &line->ms, &line->cores, &line->idle, &line->threads, &line->running,
                   &line->ready, line->queues, &line->blocked, &line->switches, &line->preemptions,
                   &line->steals, &line->ticks);
    cr_assert_eq(count, 12, "%.200s", found);
    count = sscanf(line->queues, "%u %u %u %u", &queue[0], &queue[1], &queue[2], &queue[3]);
    cr_assert_eq(count, (int)line->cores);
    cr_assert_eq(queue[0] + queue[1] + queue[2] + queue[3], line->ready);
    cr_assert_eq(line->threads, line->running + line->ready + line->blocked);
    cr_assert_leq(line->running + line->idle, line->cores);
    *at = found + 6;
    return true;
}

static struct board_run boot(const char *config, const char *name)
{
    struct board_run run = board_boot(
        "scheduler-shows-itself", "",
        &(struct board_options){.config = config, .name = name, .icount = "shift=3,sleep=off"});

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "shown");
    return run;
}

Test(trace, of_one_core_and_its_threads)
{
    struct board_run run = boot("SLICE_US=100 DEBUG=1", "1");
    const char *at = run.console;
    struct line line, before;
    unsigned count = 0;

    cr_assert(next_line(&at, &line));
    cr_assert(line.cores == 1 && line.idle == 0 && line.running == 1);
    cr_assert(line.threads == 6 && line.ready == 3 && line.blocked == 2, "%.200s", at);
    cr_assert_geq(line.switches, 100);
    cr_assert_eq(line.steals, 0);
    at = strstr(at, "every 2 ms");
    for (before = line; next_line(&at, &line); before = line, count++) {
        cr_assert(line.threads == 1 && line.running == 1);
        cr_assert_geq(line.ms, before.ms);
        cr_assert_geq(line.switches, before.switches);
        cr_assert_geq(line.ticks, before.ticks);
        cr_assert_not_null(strstr(at, "no more"), "a line after the last");
    }
    if (strcmp(board_name(), "linux") == 0)
        cr_assert_geq(count, 1);
    else
        cr_assert_eq(count, 10, "%u lines in 21 ms", count);
}

Test(trace, of_four_cores)
{
    struct board_run run = boot("CORES=4 DEBUG=1", "4");
    const char *at = run.console;
    struct line line;

    cr_assert(next_line(&at, &line));
    cr_assert(line.cores == 4 && line.idle == 0 && line.running == 4 && line.threads == 7);
    cr_assert_str_eq(line.queues, "1 2 0 0");
    cr_assert(next_line(&at, &line));
    cr_assert(line.idle == 1 && line.running == 3);
    cr_assert_str_eq(line.queues, "0 2 0 0");
    cr_assert_geq(line.steals, 1);
}
