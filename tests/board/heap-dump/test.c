/* SPDX-License-Identifier: MIT */
/* The heap dump's round trip: what the host tool reads is what the image held; the ELF core shows
 * every thread's true stack in gdb. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/board/harness.h"
#include "tools/weft/heap_report.h"

static struct heap_reader reader;

static struct board_run boot(const char *config, const char *name)
{
    struct board_run run =
        board_boot("heap-dump", "", &(struct board_options){.config = config, .name = name});

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "dumped");
    return run;
}

static void read_dump(const char *path)
{
    static uint8_t chunk[65536];
    FILE *file = fopen(path, "r");
    size_t got;

    cr_assert_not_null(file, "%s", path);
    heap_reader_init(&reader);
    while ((got = fread(chunk, 1, sizeof chunk, file)) > 0)
        heap_reader_feed(&reader, chunk, got);
    fclose(file);
    cr_assert(heap_reader_finish(&reader), "%s", buffer_text(&reader.refusal));
}

static uint64_t printed(const char *console, const char *what, int base)
{
    const char *at = strstr(console, what);

    cr_assert_not_null(at, "the image did not print: %s", what);
    return strtoull(at + strlen(what), NULL, base);
}

/* Every printed block is alive, starts where it should and has its number in it; the bytes of all
 * living blocks are those that the heap counts. */
static void compare_blocks(const char *console)
{
    const struct heap_dump *dump = &reader.dump;
    unsigned long long start, found = 0, sum = 0;
    unsigned number;

    for (const char *at = console; (at = strstr(at, "block ")) != NULL; at++) {
        const struct heap_run_info *run;
        uint64_t begins, word;

        if (sscanf(at, "block %llx number %u", &start, &number) != 2)
            continue;
        cr_assert(heap_block_at(dump, start, &run, &begins) && begins == start, "block %llx",
                  start);
        cr_assert(heap_word(dump, start + dump->word_bytes, &word) && word == number);
        found++;
    }
    cr_assert_eq(found, 200);
    for (size_t i = 0; i < dump->run_count; i++)
        for (uint64_t block = 0; block < dump->runs[i].blocks; block++)
            if (dump->runs[i].kind < RUN_STACK)
                sum += heap_block_lives(&dump->runs[i], block) * dump->runs[i].block_bytes;
    cr_assert_eq(sum, printed(console, "in blocks ", 10));
}

/* The second block is pointed at by the first and by a collected block, not by a pointer-free one;
 * the first by a variable in .bss. */
static void compare_pointers(const char *console)
{
    struct buffer text = {0};
    uint64_t one = 0, two = 0;
    char line[96];

    for (const char *at = console; (at = strstr(at, "block ")) != NULL; at++) {
        unsigned long long start;
        unsigned number;

        if (sscanf(at, "block %llx number %u", &start, &number) != 2)
            continue;
        one = number == 1 ? start : one;
        two = number == 2 ? start : two;
    }
    heap_report_pointers(&text, &reader.dump, two + 1);
    snprintf(line, sizeof line, "in the block 0x%08llx of ", (unsigned long long)one);
    assert_contains(buffer_text(&text), line);
    snprintf(line, sizeof line, "in the block 0x%08llx of 64 bytes -> +0",
             (unsigned long long)printed(console, "collected ", 16));
    assert_contains(buffer_text(&text), line);
    buffer_clear(&text);
    heap_report_pointers(&text, &reader.dump, one);
    snprintf(line, sizeof line, "0x%08llx in .bss -> +0",
             (unsigned long long)printed(console, "first ", 16));
    assert_contains(buffer_text(&text), line);
    buffer_free(&text);
}

static const struct heap_thread_info *thread_named(const char *name)
{
    for (size_t i = 0; i < reader.dump.thread_count; i++)
        if (strcmp(reader.dump.threads[i].name, name) == 0)
            return &reader.dump.threads[i];
    cr_assert_fail("no thread %s", name);
    return NULL;
}

static void round_trip(const char *config, const char *name)
{
    struct board_run run;
    char path[512];

    board_needs_weft_malloc();
    run = boot(config, name);

    snprintf(path, sizeof path, "%s/serial.raw", run.folder);
    read_dump(path);
    compare_blocks(run.console);
    compare_pointers(run.console);
    cr_assert_eq(thread_named("main")->number[HEAP_THREAD_STATE], 1);
    cr_assert_eq(thread_named("waiter")->number[HEAP_THREAD_STATE], 2);
    cr_assert_eq(thread_named("sleeper")->number[HEAP_THREAD_STATE], 2);
    cr_assert_eq(thread_named("spinner")->number[HEAP_THREAD_STATE], 0);
    heap_reader_free(&reader);
}

Test(heap_dump, holds_what_the_image_held)
{
    round_trip(NULL, "dump");
}

Test(heap_dump, holds_what_the_image_held_on_two_cores)
{
    round_trip("CORES=2", "dump-2");
}

Test(heap_dump, goes_to_a_file_where_there_are_files)
{
    struct board_run run;
    char path[512];

    if (strcmp(board_name(), "linux") != 0)
        cr_skip_test("only the hosted board has files");
    board_needs_weft_malloc();
    snprintf(path, sizeof path, "build/tests/heap-dump-%d", (int)getpid());
    run = board_boot("heap-dump", path, &(struct board_options){.name = "dump-file"});
    cr_assert_eq(run.status, 0, "%s", run.terminal);
    read_dump(path);
    compare_blocks(run.console);
    heap_reader_free(&reader);
    remove(path);
}

Test(heap_dump, the_tool_reports_and_draws_it)
{
    struct board_run run;
    char elf[256], *text;

    board_needs_weft_malloc();
    run = boot(NULL, "dump-tool");
    board_image_path(elf, sizeof elf, "heap-dump", NULL);
    cr_assert_eq(host_run(&text,
                          "build/bin/weft heap --elf %s --map %s/heap.svg --top 5 "
                          "%s/serial.raw",
                          elf, run.folder, run.folder),
                 0, "%s", text);
    assert_contains(text, "small blocks");
    assert_contains(text, "collected, pointer-free");
    assert_contains(text, "largest blocks");
    assert_contains(text, "waiter");
    assert_contains(text, "spin_innermost tests/board/heap-dump/image.c:");
    cr_assert_eq(
        host_run(&text, "head -c 30000 %s/serial.raw | build/bin/weft heap - 2>&1", run.folder),
        65);
    assert_contains(text, "offset ");
    cr_assert_eq(
        host_run(&text, "build/bin/weft heap --elf build/bin/weft %s/serial.raw 2>&1", run.folder),
        65);
    assert_contains(text, "is not the image that ran");
}

/* Only the full tier of hardening knows who allocated what. */
Test(heap_dump, names_allocation_sites_where_they_are_known)
{
    struct board_run run;
    char elf[256], *text;

    board_needs_weft_malloc();
    run = boot("HEAP_FULL=1", "dump-full");
    board_image_path(elf, sizeof elf, "heap-dump", "HEAP_FULL=1");
    cr_assert_eq(host_run(&text, "build/bin/weft heap --elf %s %s/serial.raw", elf, run.folder), 0);
    assert_contains(text, "\n200 ");
    assert_contains(text, "blocks_make tests/board/heap-dump/image.c:");
}

/* ---- leaks ---- */

static void leaks_are_found(const char *config, const char *name, const char *line)
{
    struct board_run run;

    board_needs_weft_malloc();
    run = board_boot("heap-dump", "leaks", &(struct board_options){.config = config, .name = name});
    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "found 7 leaks among ");
    assert_contains(run.console, line);
}

Test(heap_leaks, are_listed_by_block)
{
    leaks_are_found(NULL, "leaks", "leak: 7 blocks, ");
}

Test(heap_leaks, are_found_on_two_cores)
{
    leaks_are_found("CORES=2", "leaks-2", "allocated at an unknown place");
}

Test(heap_leaks, are_listed_by_site_where_sites_are_known)
{
    leaks_are_found("HEAP_FULL=1", "leaks-full", "(leak_blocks tests/board/heap-dump/image.c:");
}

/* ---- gdb ---- */

/* The text from the line of the thread that ran `function`'s caller on. */
static void assert_stack(const char *text, const char *const *functions)
{
    const char *at = text;

    for (; *functions != NULL; functions++) {
        at = strstr(at, *functions);
        cr_assert_not_null(at, "%s is not there, or not in order:\n%s", *functions, text);
    }
}

Test(heap_dump, gdb_shows_every_thread_s_true_stack_in_the_core)
{
    static const char *const stacks[][5] = {
        {" wait_innermost", " wait_middle", " wait_outermost", " thread_entry"},
        {" spin_innermost", " spin_outermost", " thread_entry"},
        {" weft_thread_sleep_ns", " sleep_outermost", " thread_entry"},
        {" dump_innermost", " main"},
    };
    struct board_run run;
    char elf[256], *text;
    const char *ci = getenv("CI"), *extras = getenv("EXTRAS");

    if (!(ci != NULL && strcmp(ci, "true") == 0) && !(extras != NULL && extras[0] != '\0'))
        cr_skip_test("gdb-multiarch is installed when CI=true or EXTRAS=1");
    run = boot(NULL, "dump-core");
    board_image_path(elf, sizeof elf, "heap-dump", NULL);
    cr_assert_eq(host_run(&text, "build/bin/weft heap --elf %s --core %s/core %s/serial.raw", elf,
                          run.folder, run.folder),
                 0, "%s", text);
    (void)host_run(&text,
                   "gdb-multiarch -nx -batch -ex 'thread apply all bt' -ex 'print kept[1]->number' "
                   "%s %s/core 2>&1",
                   elf, run.folder);
    for (size_t i = 0; i < sizeof stacks / sizeof stacks[0]; i++)
        assert_stack(text, stacks[i]);
    assert_contains(text, "$1 = 1");
}
