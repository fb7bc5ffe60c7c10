/* SPDX-License-Identifier: MIT */
/*
 * What operations cost, in instructions under -icount, against tests/bench/counts. They are the
 * same on every machine with the same compiler and emulator; with others this test is skipped. A
 * row may grow by TOLERANCE; who makes it grow for a reason writes the new counts by `make
 * bench-counts`, where everybody sees them in the change.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/board/harness.h"

#define COUNTS "tests/bench/counts"
#define TOLERANCE 0.03       /* of the count; what a change elsewhere does by other register use */
#define TOLERANCE_ABOVE 1.   /* and this: for the small ones */
#define TOLERANCE_CORES 0.06 /* with two: what the other one does meanwhile counts, too */

/* The column of this board and architecture in the counts' heading; the first is the name's. */
static int column_find(const char *counts, const char *cores)
{
    char wanted[32], heading[256], *rest = heading;
    const char *line = strstr(counts, "\nrow ");

    cr_assert_not_null(line, "%s has no heading", COUNTS);
    snprintf(heading, sizeof heading, "%.*s", (int)strcspn(line + 1, "\n"), line + 1);
    snprintf(wanted, sizeof wanted, "%s-%s%s", board_name(), board_arch(), cores);
    for (int column = 0;; column++) {
        char *word = strtok_r(rest, " ", &rest);

        if (word == NULL)
            return -1;
        if (strcmp(word, wanted) == 0)
            return column;
    }
}

/* The row's count in that column. */
static double count_of(const char *counts, const char *row, int column)
{
    char start[80], line[256], *rest = line, *word = line;
    const char *at;

    snprintf(start, sizeof start, "\n%s ", row);
    at = strstr(counts, start);
    cr_assert_not_null(at, "%s is not in %s; `make bench-counts` writes it", row, COUNTS);
    snprintf(line, sizeof line, "%.*s", (int)strcspn(at + 1, "\n"), at + 1);
    for (int i = 0; i <= column && word != NULL; i++)
        word = strtok_r(rest, " ", &rest);
    cr_assert_not_null(word, "%s has too few columns: %s", row, COUNTS);
    return strtod(word, NULL);
}

/* "# made with: COMPILER; EMULATOR", as tests/bench/counts.sh wrote it. */
static bool same_tools(const char *counts, char *now, size_t bytes)
{
    const char *made = strstr(counts, "# made with: ");
    char *output;

    cr_assert_not_null(made, "%s does not say what it was made with", COUNTS);
    cr_assert_eq(host_run(&output, "tests/bench/counts.sh tools %s-%s", board_name(), board_arch()),
                 0, "%s", output);
    snprintf(now, bytes, "%.*s", (int)strcspn(output, "\n"), output);
    made += strlen("# made with: ");
    return strlen(now) == strcspn(made, "\n") && strncmp(made, now, strlen(now)) == 0;
}

static unsigned compare_rows(const char *console, const char *counts, int column, double tolerance)
{
    unsigned rows = 0, grown = 0;
    char name[64];
    double cost;

    for (const char *line = strstr(console, "bench: "); line != NULL;
         line = strstr(line + 1, "bench: ")) {
        double count;

        cr_assert_eq(sscanf(line, "bench: %63s %lf", name, &cost), 2, "%.80s", line);
        count = count_of(counts, name, column);
        rows++;
        if (cost > count * (1 + tolerance) + TOLERANCE_ABOVE) {
            fprintf(stderr, "%s grew from %.2f to %.2f instructions\n", name, count, cost);
            grown++;
        } else if (cost < count * (1 - tolerance) - TOLERANCE_ABOVE) {
            fprintf(stderr, "%s shrank from %.2f to %.2f: make bench-counts\n", name, count, cost);
        }
    }
    cr_assert_eq(grown, 0, "%u rows grew, see above", grown);
    return rows;
}

static void compare_on(const char *image, bool two)
{
    const struct board_options options = {
        .icount = "shift=0", .name = two ? "2cores" : "1core", .config = two ? "CORES=2" : NULL};
    char *counts = file_text(COUNTS), now[200];
    struct board_run run;
    int column;

    if (strcmp(board_name(), "linux") == 0)
        cr_skip_test("a process can't count its instructions");
    if (getenv("WEFT_CORES") != NULL && strcmp(getenv("WEFT_CORES"), "1") != 0)
        cr_skip_test("the counts are for one core");
    column = column_find(counts, two ? "-2cores" : "");
    if (column < 0)
        cr_skip_test("%s has no column for this board", COUNTS);
    if (!same_tools(counts, now, sizeof now))
        cr_skip_test("the counts were made with other tools than %s", now);
    run = board_boot(image, "", &options);
    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    cr_assert_gt(compare_rows(run.console, counts, column, two ? TOLERANCE_CORES : TOLERANCE), 0,
                 "no rows\n%s", run.console);
}

static void compare(const char *image)
{
    compare_on(image, false);
}

Test(costs, of_the_kernel_do_not_grow)
{
    compare("bench");
}

Test(costs, of_objects_do_not_grow)
{
    compare("bench-objects");
}

Test(costs, of_traps_do_not_grow)
{
    compare("bench-traps");
}

Test(costs, of_the_classics_do_not_grow)
{
    compare("bench-classics");
}

Test(costs, of_the_kernel_for_two_cores_do_not_grow)
{
    compare_on("bench", true);
}

Test(costs, of_objects_for_two_cores_do_not_grow)
{
    compare_on("bench-objects", true);
}

/* In a process nothing can be held; the rows that are shown beside other libraries' must be there.
 */
Test(costs, of_a_process_are_printed)
{
    static const char *const rows[] = {
        "switch_bare", "yield_between_two",  "yield_among_64",
        "spawn_join",  "channel_round_trip", "channel_buffered_message",
        "mutex_pair",  "atomic_add",         "interrupt",
    };
    struct board_run run;

    if (strcmp(board_name(), "linux") != 0 || board_sanitizer()[0] != '\0')
        cr_skip_test("for a process without a sanitizer");
    run = board_boot("bench-hosted", "", NULL);
    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char start[64];
        const char *line;

        snprintf(start, sizeof start, "row: %s ", rows[i]);
        line = strstr(run.console, start);
        cr_assert_not_null(line, "no row %s in\n%s", rows[i], run.console);
        cr_assert_gt(strtod(line + strlen(start), NULL), 0., "%.40s", line);
    }
}
