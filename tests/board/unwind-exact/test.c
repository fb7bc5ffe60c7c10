/* SPDX-License-Identifier: MIT */
/*
 * Every sampled stack against the only one that is possible. The emulator counts instructions
 * instead of time, so the ticks drift over the program, through prologues, epilogues and around
 * delay slots.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prof/log_format.h"
#include "tests/board/harness.h"
#include "tools/weft/capture.h"
#include "tools/weft/image.h"
#include "tools/weft/symbols.h"

#define ROOT "chain run thread_entry"

/* Who must be above a function, innermost first; between two calls of a recursion, any number of
 * them. */
static const struct expectation {
    const char *function, *callers;
} expectations[] = {
    {"chain", "run thread_entry"},
    {"big_frame", ROOT},
    {"with_alloca", "big_frame " ROOT},
    {"alloca_leaf", "with_alloca big_frame " ROOT},
    {"recurse", ROOT}, /* its own further frames are folded; the last one leaves by a tail call */
    {"recursion_leaf", "recurse recurse recurse recurse recurse recurse " ROOT},
    {"tail_caller", ROOT},
    {"tail_target", ROOT},
    {"tail_leaf", "tail_target " ROOT},
    {"early", ROOT},
    {"early_leaf", "early " ROOT},
    {"variadic", ROOT},
    {"variadic_leaf", "variadic " ROOT},
    {"floats", ROOT},
    {"float_leaf", "floats " ROOT},
    {"many", ROOT},
    {"many_leaf", "many " ROOT},
};

#define COUNT (sizeof expectations / sizeof expectations[0])
#define PCS_MAX 512

/* What was seen of one function. */
static struct {
    uint64_t samples;
    unsigned pcs;
    uint64_t pc[PCS_MAX];
} seen[COUNT];

static uint64_t samples, flagged;

static void ignore_text(void *context, const char *line, size_t length)
{
    (void)context;
    (void)line;
    (void)length;
}

static void note_pc(size_t number, uint64_t pc, uint64_t count)
{
    seen[number].samples += count;
    for (unsigned i = 0; i < seen[number].pcs; i++)
        if (seen[number].pc[i] == pc)
            return;
    cr_assert_lt(seen[number].pcs, PCS_MAX);
    seen[number].pc[seen[number].pcs++] = pc;
}

static const char *name_at(const struct image *image, uint64_t pc)
{
    const struct image_function *function = image_function_at(image, pc);

    return function != NULL ? function->name : "?";
}

/* The callers' names as one string, up to and with thread_entry. */
static void callers_of(char *text, size_t room, const struct image *image,
                       const struct log_stack *stack, bool fold)
{
    size_t used = 0;

    text[0] = '\0';
    for (uint32_t i = 1; i < stack->depth; i++) {
        const char *name = name_at(image, stack->pcs[i]);

        if (fold && strcmp(name, "recurse") == 0)
            continue;
        used += (size_t)snprintf(text + used, room - used, "%s%s", used != 0 ? " " : "", name);
        if (used >= room || strcmp(name, "thread_entry") == 0)
            break;
    }
}

static void check_stack(const struct image *image, const struct log_stack *stack)
{
    const char *innermost = name_at(image, stack->pcs[0]);
    char callers[512];

    for (size_t i = 0; i < COUNT; i++) {
        const struct expectation *e = &expectations[i];

        if (strcmp(innermost, e->function) != 0)
            continue;
        note_pc(i, stack->pcs[0], stack->count);
        callers_of(callers, sizeof callers, image, stack, strcmp(innermost, "recurse") == 0);
        if (strcmp(callers, e->callers) != 0)
            cr_assert_fail("%s at 0x%lx: the callers are \"%s\", not \"%s\"", innermost,
                           (unsigned long)stack->pcs[0], callers, e->callers);
        if (stack->reason != REASON_FULL)
            cr_assert_fail("%s at 0x%lx: reason %u", innermost, (unsigned long)stack->pcs[0],
                           stack->reason);
    }
}

static void check_all(const struct image *image, const struct log_reader *reader)
{
    for (size_t i = 0; i < log_reader_stack_count(reader); i++) {
        struct log_stack stack = log_reader_stack(reader, i);

        if (stack.lost)
            continue;
        samples += stack.count;
        if (stack.reason != REASON_FULL)
            flagged += stack.count;
        if (stack.reason != REASON_FULL && stack.reason != REASON_LEAF &&
            stack.reason != REASON_SWITCHING)
            cr_assert_fail("a stack of %s is cut for reason %u", name_at(image, stack.pcs[0]),
                           stack.reason);
        if (stack.depth > 0)
            check_stack(image, &stack);
    }
}

/* Every function was hit, nearly everywhere; a delay slot has no pc of its own. A CPU that runs
 * many instructions at once takes its interrupts at few of them: in a process most functions will
 * do. */
static void check_coverage(const struct image *image)
{
    bool is_hosted = strcmp(board_name(), "linux") == 0;
    unsigned pcs = 0, instructions = 0, hit = 0;

    for (size_t i = 0; i < COUNT; i++) {
        const struct image_function *function = image_function_at(image, seen[i].pc[0]);

        hit += seen[i].samples > 5;
        cr_assert(is_hosted || seen[i].samples > 5, "%s was sampled %lu times",
                  expectations[i].function, (unsigned long)seen[i].samples);
        pcs += seen[i].pcs;
        if (function != NULL)
            instructions += (unsigned)(function->limit - function->start) / 4;
    }
    printf("unwind-exact: %lu samples, %lu flagged, %u functions, %u pcs\n", (unsigned long)samples,
           (unsigned long)flagged, hit, pcs);
    cr_assert_gt(hit, COUNT / 2);
    if (strncmp(board_arch(), "mips", 4) == 0)
        cr_assert_gt(pcs * 100, instructions * 75, "only %u of %u instructions were hit", pcs,
                     instructions);
}

static void feed_file(struct capture *capture, const char *path)
{
    static uint8_t bytes[65536];
    FILE *file = fopen(path, "rb");
    size_t got;

    cr_assert_not_null(file, "%s", path);
    while ((got = fread(bytes, 1, sizeof bytes, file)) > 0)
        capture_feed(capture, bytes, got);
    fclose(file);
    capture_finish(capture);
}

Test(unwind, every_sampled_stack_is_the_only_possible_one, .timeout = 200)
{
    struct board_run run;
    char path[300];
    struct buffer error = {0};
    struct symbols *symbols;
    struct capture *capture;

    if (strcmp(board_sanitizer(), "thread") == 0 || strcmp(board_sanitizer(), "address") == 0)
        cr_skip_test("instrumented functions make no tail calls");
    run = board_boot("unwind-exact", "",
                     &(struct board_options){.icount = "shift=3", .limit_s = 120});
    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "unwind-exact: done\n");
    board_image_path(path, sizeof path, "unwind-exact", NULL);
    symbols = symbols_open(path, &error);
    cr_assert_not_null(symbols);
    capture = capture_open(symbols, ignore_text, NULL);
    snprintf(path, sizeof path, "%s/serial.raw", run.folder);
    feed_file(capture, path);
    cr_assert(log_reader_complete(&capture->reader), "the log has gaps, or its totals are wrong");
    check_all(symbols_image(symbols), &capture->reader);
    check_coverage(symbols_image(symbols));
    capture_close(capture);
    symbols_close(symbols);
}
