/* SPDX-License-Identifier: MIT */
/*
 * Every instruction of sched/, or of the collector, that the scenarios execute on core 0 with
 * interrupts on has been interrupted.
 *
 * What is executed: QEMU writes down each block of instructions that it translates in sched/'s part
 * of the image, and each execution of one with the CPU's Status register, in a run without ticks.
 * What was interrupted: the image counts where its ticks landed (image-mips.c). In a branch's delay
 * slot the exception's address is the branch's, so those are counted apart.
 */
#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/board/harness.h"

#define IMAGE "scheduler-every-instruction"
#define WORDS 65536u
#define SEED "-seed 1" /* of what the loader hands over: how long the boot takes depends on it */
/* The other core's instructions come in between as the emulator has it: of twelve rounds, the
 * rarest place saw three to five ticks. */
#define SWEEPS_OF_TWO_CORES 4u
#define STATUS_IE 1u
#define STATUS_EXL_ERL 6u

/* One entry for each instruction from `base` on. */
static unsigned base;
static struct {
    unsigned block;      /* instructions in the longest block that begins here */
    bool executed;       /* with interrupts on, in a window */
    unsigned at, inside; /* ticks there; in the delay slot of the branch there */
} words[WORDS];

static unsigned word_of(unsigned pc)
{
    cr_assert(pc >= base && (pc - base) / 4 < WORDS, "%08x is outside of the image", pc);
    return (pc - base) / 4;
}

/* ---- where a part of weft is in the image ---- */

struct range {
    unsigned begin, end;
};

static unsigned address_of(const char *elf, const char *symbol)
{
    unsigned address;
    char *output;

    host_run(&output, "%s-linux-gnu-nm %s | awk '$3 == \"%s\" {print substr($1, 9)}'", board_arch(),
             elf, symbol);
    cr_assert_eq(sscanf(output, "%x", &address), 1, "%s: %s", symbol, output);
    return address;
}

/* The part's functions: from the first to the end of the last, and those with restartable sequences
 * each, which stand elsewhere among others. Names that are not unique are left out. */
#define RANGES_MAX 16u
struct ranges {
    struct range at[RANGES_MAX];
    unsigned count;
};

static struct ranges ranges_of(const char *elf, const char *objects, const char *names)
{
    unsigned first_apart = address_of(elf, "__atomic64_end"), begin, size;
    struct ranges ranges = {.at[0] = {UINT_MAX, 0}, .count = 1};
    char *output;
    int used;

    host_run(&output,
             "%s-linux-gnu-nm --defined-only %s | awk '$2 ~ /^[tT]$/ {print $3}' | sort -u "
             ">%s && %s-linux-gnu-nm -S %s | awk 'NR == FNR {want[$1] = 1; next} $3 ~ /^[tT]$/ "
             "{n[$4]++; at[$4] = $1; size[$4] = $2} END {for (f in at) if (f in want && n[f] == 1) "
             "print substr(at[f], 9), size[f]}' %s -",
             board_arch(), objects, names, board_arch(), elf, names);
    for (const char *line = output; sscanf(line, "%x %x%n", &begin, &size, &used) == 2;
         line += used) {
        struct range *range = &ranges.at[begin < first_apart ? 0 : ranges.count++];

        cr_assert_leq(ranges.count, RANGES_MAX);
        if (range != ranges.at || begin < range->begin)
            range->begin = begin;
        if (begin + size > range->end)
            range->end = begin + size;
    }
    cr_assert_gt(ranges.at[0].end, ranges.at[0].begin, "%s", output);
    return ranges;
}

/* ---- the trace ---- */

/* "0x80105834:  addiu ...", a line of the block that is being translated. */
static void take_instruction(const char *line, unsigned *first, unsigned *count)
{
    unsigned pc;

    if (sscanf(line, "0x%x:", &pc) != 1)
        return;
    if ((*count)++ == 0)
        *first = pc;
    if (words[word_of(*first)].block < *count)
        words[word_of(*first)].block = *count;
}

static void executed(unsigned pc, unsigned status)
{
    unsigned word = word_of(pc);

    if ((status & (STATUS_IE | STATUS_EXL_ERL)) != STATUS_IE)
        return;
    for (unsigned i = 0; i < words[word].block; i++)
        words[word + i].executed = true;
}

/* The blocks that core 0 executes between window_begin and window_end. */
static void take_trace(const char *path, unsigned window_begin, unsigned window_end)
{
    unsigned first = 0, count = 0, pc = 0, status;
    unsigned core = 0;
    bool window = false;
    FILE *trace = fopen(path, "r");
    char line[512];

    cr_assert_not_null(trace, "%s is missing", path);
    while (fgets(line, sizeof line, trace) != NULL) {
        if (strncmp(line, "IN:", 3) == 0)
            count = 0;
        else if (sscanf(line, "Trace %u:", &core) == 1)
            continue;
        else if (strncmp(line, "0x", 2) == 0)
            take_instruction(line, &first, &count);
        else if (sscanf(line, "pc=0x%x", &pc) == 1)
            window = pc == window_begin || (window && pc != window_end);
        else if (core == 0 && window && pc != window_begin &&
                 sscanf(line, "CP0 Status %x", &status) == 1)
            executed(pc, status);
    }
    fclose(trace);
}

/* ---- the ticks ---- */

static unsigned take_hits(const char *console)
{
    unsigned pc, at, inside, ticks = 0;

    for (const char *line = console; (line = strstr(line, "hit ")) != NULL; line++) {
        cr_assert_eq(sscanf(line, "hit %x %u %u", &pc, &at, &inside), 3);
        words[word_of(pc)].at += at;
        words[word_of(pc)].inside += inside;
        ticks += at + inside;
    }
    return ticks;
}

struct coverage {
    unsigned count, missed, slots;
    char list[400]; /* of those missed */
};

/* The instructions of the range that were executed, and those of them never interrupted. */
static void compare_range(struct range range, struct coverage *coverage)
{
    for (unsigned pc = range.begin; pc < range.end; pc += 4) {
        unsigned word = word_of(pc), slot = pc > base ? words[word - 1].inside : 0;
        size_t used = strlen(coverage->list);

        if (!words[word].executed)
            continue;
        coverage->count++;
        coverage->slots += slot != 0;
        if (words[word].at != 0 || slot != 0)
            continue;
        coverage->missed++;
        if (used + 10 < sizeof coverage->list)
            sprintf(coverage->list + used, " %08x", pc);
    }
}

static struct coverage compare(const struct ranges *ranges)
{
    struct coverage coverage = {0};

    for (unsigned i = 0; i < ranges->count; i++)
        compare_range(ranges->at[i], &coverage);
    return coverage;
}

/* ---- a test ---- */

static struct board_run boot(const char *words_, const char *scenario, const char *config,
                             const char *suffix, const char *extra)
{
    char arguments[64], name[64];
    struct board_run run;

    snprintf(arguments, sizeof arguments, "%s %s", words_, scenario);
    snprintf(name, sizeof name, "%s%s%s", scenario, config != NULL ? "-2" : "", suffix);
    run = board_boot(IMAGE, arguments,
                     &(struct board_options){.icount = "shift=3,sleep=off",
                                             .config = config,
                                             .name = name,
                                             .extra = extra,
                                             .limit_s = getenv("SOAK") != NULL ? 3000 : 60});
    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    return run;
}

struct injection {
    const char *scenario, *config;
    unsigned rounds;
    unsigned at_least; /* instructions */
    const char *part;  /* of the library: objects */
};

/* Has QEMU write down what is executed of the part; where it is. */
static struct ranges trace_part(const struct injection *what, const char *elf)
{
    unsigned begin = address_of(elf, "window_begin"), end = address_of(elf, "window_end");
    char objects[300], trace[64], names[80], extra[300 + 24 * RANGES_MAX];
    struct ranges ranges;
    int used;

    snprintf(objects, sizeof objects, "%.*s/%s", (int)(strstr(elf, "/tests/") - elf), elf,
             what->part);
    snprintf(trace, sizeof trace, "build/tests/trace-%s-%s%s", board_arch(), what->scenario,
             what->config != NULL ? "-2" : "");
    snprintf(names, sizeof names, "%s-names", trace);
    ranges = ranges_of(elf, objects, names);
    used = snprintf(extra, sizeof extra,
                    SEED " -d in_asm,exec,cpu,nochain -D %s -dfilter 0x%x+8,0x%x+8", trace, begin,
                    end);
    for (unsigned i = 0; i < ranges.count; i++)
        used += snprintf(extra + used, sizeof extra - (size_t)used, ",0x%x+0x%x",
                         ranges.at[i].begin, ranges.at[i].end - ranges.at[i].begin);
    boot("trace", what->scenario, what->config, "-trace", extra);
    take_trace(trace, begin, end);
    return ranges;
}

static void interrupted_everywhere(const struct injection *what)
{
    char elf[256], number[32];
    unsigned ticks = 0, rounds = getenv("SOAK") != NULL ? 40 * what->rounds : what->rounds;
    unsigned sweeps = what->config == NULL ? 1 : SWEEPS_OF_TWO_CORES;
    struct coverage coverage = {.missed = 1};
    struct ranges ranges;

    if (strncmp(board_arch(), "mips", 4) != 0)
        cr_skip_test("the emulated PC's timer does not come at a chosen instruction");
    board_image_path(elf, sizeof elf, IMAGE, what->config);
    base = address_of(elf, "__text_start");
    ranges = trace_part(what, elf);
    snprintf(number, sizeof number, "%u", rounds);
    for (unsigned i = 0; i < sweeps && coverage.missed != 0; i++) {
        ticks += take_hits(boot(number, what->scenario, what->config, "", SEED).console);
        coverage = compare(&ranges);
    }
    printf("%s %s, %u core(s): %u interrupts; %u instructions, %u of them in delay slots\n",
           board_arch(), what->scenario, what->config != NULL ? 2 : 1, ticks, coverage.count,
           coverage.slots);
    cr_assert_eq(coverage.missed, 0, "%u of %u instructions were never interrupted:%s",
                 coverage.missed, coverage.count, coverage.list);
    cr_assert_geq(coverage.count, what->at_least, "only %u instructions are executed",
                  coverage.count);
}

static void interrupted(const char *scenario, const char *config, unsigned rounds,
                        unsigned at_least)
{
    const struct injection what = {scenario, config, rounds, at_least, "sched/*.o"};

    interrupted_everywhere(&what);
}

Test(injection, yield_is_interrupted_at_every_instruction)
{
    interrupted("yield", NULL, 2, 12);
}

Test(injection, block_and_wake_are_interrupted_at_every_instruction)
{
    interrupted("block", NULL, 2, 50);
}

Test(injection, handing_over_is_interrupted_at_every_instruction)
{
    interrupted("hand", NULL, 2, 50);
}

Test(injection, timeout_is_interrupted_at_every_instruction)
{
    interrupted("timeout", NULL, 2, 50);
}

Test(injection, select_is_interrupted_at_every_instruction)
{
    interrupted("select", NULL, 2, 50);
}

Test(injection, end_of_a_thread_is_interrupted_at_every_instruction)
{
    interrupted("end", NULL, 2, 50);
}

Test(injection, steal_is_interrupted_at_every_instruction)
{
    interrupted("steal", "CORES=2", 12, 50);
}

Test(injection, sweeping_and_allocation_from_swept_spans_are_interrupted_at_every_instruction)
{
    const struct injection what = {"sweeping", NULL, 2, 400, "mem/gc_[as]*.o"};

    interrupted_everywhere(&what);
}

Test(injection, the_queue_of_finalizers_is_interrupted_at_every_instruction)
{
    const struct injection what = {"finalizers", NULL, 2, 50, "mem/gc_finalizer.o"};

    interrupted_everywhere(&what);
}
