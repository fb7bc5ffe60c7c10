/* SPDX-License-Identifier: MIT */
/*
 * Unwinding compared with a shadow stack, tick by tick.
 *
 * QEMU writes down every instruction of the adversarial program and every entry of the timer's
 * interrupt. Replaying that trace gives the true call stack at each tick: a call pushes its call
 * site, a return pops. The k-th tick's record in the sample log must be that stack, frame by frame.
 * Runs follow each other until every instruction that was executed has had a tick.
 */
#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prof/log_format.h"
#include "tests/board/harness.h"
#include "tools/weft/demux.h"
#include "tools/weft/log_record.h"

#define DEPTH_MAX 64
#define STACKS_MAX 20000
#define FUNCTIONS_MAX 32
#define RUNS_MAX 8
#define RATE_HZ "10000" /* a tick, its handler and a round take less than a period */
#define ROUNDS 1502u    /* of the image */

struct stack {
    unsigned depth;
    uint32_t pcs[DEPTH_MAX]; /* innermost first */
    uint8_t reason;
};

enum kind { NO_START, PLAIN, BRANCH, CALL, RETURN };

/* The program's functions and code, from the ELF's symbols and objdump. */
static struct {
    bool mips; /* or amd64 */
    uint32_t start, end, vector, forget;
    struct function {
        char name[32];
        uint32_t start, end;
        bool driver;           /* calls the program, is no part of it */
        unsigned ticks, exact; /* in it; and with the right stack */
    } functions[FUNCTIONS_MAX];
    unsigned count;
    unsigned char *kind, *length, *executed, *sampled; /* by pc - start */
} program;

static struct stack *expected, *recorded;
static unsigned expected_count, recorded_count;

static const char *cross(void)
{
    static char prefix[32];

    snprintf(prefix, sizeof prefix, "%s-linux-gnu-", program.mips ? board_arch() : "x86_64");
    return prefix;
}

static uint32_t symbol_value(const char *elf, const char *name)
{
    char *output;
    unsigned long value;

    cr_assert_eq(host_run(&output, "%snm %s | grep -E ' %s$'", cross(), elf, name), 0,
                 "no symbol %s", name);
    cr_assert_eq(sscanf(output, "%lx", &value), 1, "nm said: %s", output);
    return (uint32_t)value;
}

/* Every function whose name begins with adv_, and the one that calls them. */
static void find_program(const char *elf)
{
    char *output, *line, *rest;
    unsigned long long value, bytes;

    cr_assert_eq(
        host_run(&output, "%snm -S %s | grep -iE ' t (adv_.*|thread_main)$'", cross(), elf), 0);
    program.start = UINT32_MAX;
    for (line = strtok_r(output, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        struct function *function = &program.functions[program.count++];

        cr_assert_leq(program.count, FUNCTIONS_MAX);
        cr_assert_eq(sscanf(line, "%llx %llx %*c %31s", &value, &bytes, function->name), 3, "%s",
                     line);
        function->start = (uint32_t)value;
        function->end = (uint32_t)(value + bytes);
        function->driver = strcmp(function->name, "thread_main") == 0;
        if (function->start < program.start)
            program.start = function->start;
        if (function->end > program.end)
            program.end = function->end;
    }
    cr_assert_gt(program.count, 10);
    program.vector =
        symbol_value(elf, program.mips ? "arch_vector_interrupt" : "amd64_timer_entry");
    program.forget = symbol_value(elf, "sync_return");
}

static enum kind kind_of(const char *instruction)
{
    if (!program.mips)
        return strncmp(instruction, "call", 4) == 0 ? CALL
               : strstr(instruction, "ret") != NULL ? RETURN
                                                    : PLAIN;
    if (strncmp(instruction, "jal", 3) == 0 || strncmp(instruction, "bal", 3) == 0)
        return CALL;
    if (strncmp(instruction, "jr\tra", 5) == 0)
        return RETURN;
    return (*instruction == 'b' || *instruction == 'j') && strncmp(instruction, "break", 5) != 0
               ? BRANCH
               : PLAIN;
}

/* One line of objdump: "  address:<tab>bytes<tab>instruction". */
static void decode_line(char *line)
{
    char *bytes = strchr(line, '\t'), *instruction = bytes != NULL ? strchr(bytes + 1, '\t') : NULL;
    uint32_t pc = (uint32_t)strtoull(line, NULL, 16);
    unsigned length = 0;

    if (instruction == NULL || pc < program.start || pc >= program.end)
        return;
    for (char *byte = bytes + 1; byte < instruction; byte++)
        length += *byte == ' ' && byte[-1] != ' ' && byte[-1] != '\t';
    program.kind[pc - program.start] = (unsigned char)kind_of(instruction + 1);
    program.length[pc - program.start] = (unsigned char)(program.mips ? 4 : length);
}

static void decode(const char *elf)
{
    size_t bytes = program.end - program.start;
    char *output, *line, *rest;

    program.kind = calloc(bytes, 1);
    program.length = calloc(bytes, 1);
    program.executed = calloc(bytes, 1);
    program.sampled = calloc(bytes, 1);
    for (unsigned i = 0; i < program.count; i++) {
        const struct function *function = &program.functions[i];

        if (function->driver)
            continue;
        cr_assert_eq(host_run(&output,
                              "%sobjdump -d -w --insn-width=%d --start-address=0x%x "
                              "--stop-address=0x%x %s",
                              cross(), program.mips ? 4 : 16, function->start, function->end, elf),
                     0, "%s", output);
        for (line = strtok_r(output, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
            decode_line(line);
    }
}

/* A part of the program; its driver may lie between its functions. */
static bool inside(uint32_t pc)
{
    return pc >= program.start && pc < program.end && program.kind[pc - program.start] != NO_START;
}

static enum kind kind_at(uint32_t pc)
{
    return inside(pc) ? (enum kind)program.kind[pc - program.start] : NO_START;
}

/* MIPS: what follows a jump or branch is in its delay slot, and is never interrupted on its own
 * (EPC is the branch). */
static bool in_delay_slot(uint32_t pc)
{
    return program.mips && kind_at(pc - 4) >= BRANCH;
}

/* What a stack has for a call: the return address, less ARCH_UNWIND_CALL_BYTES. */
static uint32_t call_site(uint32_t call)
{
    return program.mips ? call : call + program.length[call - program.start] - 1;
}

static uint32_t return_address(uint32_t site)
{
    return site + (program.mips ? 8 : 1);
}

static struct stack shadow; /* pcs[] used as a stack of call sites, outermost first */
static uint32_t previous, before_previous;
static unsigned pending_ticks;

/* The instruction that went to `pc`, if that was its successor in the trace and it was executed. */
static uint32_t comes_from(uint32_t pc)
{
    if (pc == previous) /* QEMU turned to its timers at this instruction, and comes back to it */
        return 0;
    if (!program.mips)
        return previous;
    /* A tick in a delay slot: it was written down but not executed, and its branch comes again. */
    if (pending_ticks > 0 && pc == before_previous)
        return 0;
    return previous == before_previous + 4 ? before_previous : 0;
}

/* One instruction of the program is executed: what the last jump did, then the ticks that came
 * before it. */
static void replay(uint32_t pc)
{
    uint32_t from = comes_from(pc);

    if (!in_delay_slot(pc))
        program.executed[pc - program.start] = 1;
    if (kind_at(from) == CALL && pc != return_address(call_site(from))) {
        cr_assert_lt(shadow.depth, DEPTH_MAX);
        shadow.pcs[shadow.depth++] = call_site(from);
    } else if (kind_at(from) == RETURN && shadow.depth > 0) {
        shadow.depth--;
        cr_assert_eq(pc, return_address(shadow.pcs[shadow.depth]), "the trace returns to 0x%x", pc);
    }
    for (; pending_ticks > 0 && expected_count < STACKS_MAX; pending_ticks--) {
        struct stack *stack = &expected[expected_count++];

        stack->depth = 0;
        stack->pcs[stack->depth++] = pc;
        for (unsigned i = shadow.depth; i > 0; i--)
            stack->pcs[stack->depth++] = shadow.pcs[i - 1];
    }
    if (pc != previous)
        before_previous = previous;
    previous = pc;
}

/* Somewhere else: in the driver, or at the end of sync_tick. */
static void leave_program(uint32_t pc)
{
    pending_ticks = 0;
    if (pc == program.forget)
        return;
    shadow.depth = 0;
    previous = before_previous = 0;
}

static void replay_trace(const char *path)
{
    FILE *trace = fopen(path, "r");
    char line[256];

    cr_assert_not_null(trace, "no trace %s", path);
    while (fgets(line, sizeof line, trace) != NULL) {
        const char *slash = strchr(line, '[');
        uint32_t pc;

        if (slash == NULL || (slash = strchr(slash, '/')) == NULL)
            continue;
        pc = (uint32_t)strtoull(slash + 1, NULL, 16);
        if (pc == program.vector)
            pending_ticks = 1; /* once, however often QEMU starts on it before it is executed */
        else if (inside(pc))
            replay(pc);
        else
            leave_program(pc);
    }
    fclose(trace);
}

static void take_record(void *context, const uint8_t *bytes, size_t length, uint64_t offset)
{
    struct stack *stack = &recorded[recorded_count];
    struct log_item item;
    unsigned depth;

    (void)context;
    cr_assert(log_record_open(&item, bytes, length, offset));
    if (item.type != LOG_SAMPLE || recorded_count == STACKS_MAX)
        return;
    depth = log_record_16(&item, 6);
    stack->reason = item.payload[5];
    stack->depth = 0;
    for (unsigned i = 0; i < depth && i < DEPTH_MAX; i++)
        stack->pcs[stack->depth++] =
            (uint32_t)log_record_word(&item, sizeof(struct log_sample), i, program.mips ? 4 : 8);
    if (depth == 0 || !inside(stack->pcs[0])) /* in no trace */
        return;
    /* A record may stand for several ticks with the same stack. */
    for (unsigned i = log_record_32(&item, 2); i > 0 && recorded_count < STACKS_MAX - 1; i--)
        recorded[++recorded_count] = *stack;
}

static void ignore_text(void *context, const uint8_t *bytes, size_t length)
{
    (void)context;
    (void)bytes;
    (void)length;
}

static void damaged(void *context, uint64_t offset, const char *what)
{
    (void)context;
    cr_assert_fail("%s at %llu", what, (unsigned long long)offset);
}

static void read_records(const char *folder)
{
    static struct demux demux;
    const struct demux_sink sink = {ignore_text, take_record, damaged, NULL};
    unsigned char bytes[4096];
    char path[300];
    size_t got;
    FILE *file;

    snprintf(path, sizeof path, "%s/serial.raw", folder);
    file = fopen(path, "rb");
    cr_assert_not_null(file);
    demux_init(&demux, &sink);
    while ((got = fread(bytes, 1, sizeof bytes, file)) > 0)
        demux_feed(&demux, bytes, got);
    demux_finish(&demux);
    fclose(file);
}

static struct function *function_at(uint32_t pc)
{
    for (unsigned i = 0; i < program.count; i++)
        if (pc >= program.functions[i].start && pc < program.functions[i].end)
            return &program.functions[i];
    cr_assert_fail("0x%x is in no function", pc);
    return NULL;
}

/* The frames inside the program must be equal, one by one; those below it are the thread's start.
 * What is wrong, or NULL. */
static const char *difference(const struct stack *truth, const struct stack *walk)
{
    if (walk->reason != REASON_FULL)
        return "it is not full";
    if (walk->depth < truth->depth)
        return "it has too few frames";
    for (unsigned i = 0; i < truth->depth; i++)
        if (walk->pcs[i] != truth->pcs[i])
            return "it has another frame";
    return inside(walk->pcs[truth->depth]) ? "it has a frame too many" : NULL;
}

static void compare(unsigned index)
{
    const struct stack *truth = &expected[index], *walk = &recorded[index];
    struct function *function = function_at(truth->pcs[0]);
    const char *wrong = difference(truth, walk);

    program.sampled[truth->pcs[0] - program.start] = 1;
    function->ticks++;
    function->exact += wrong == NULL;
    if (wrong == NULL)
        return;
    fprintf(stderr, "tick %u at 0x%x (%s): %s; reason %u\n", index, truth->pcs[0], function->name,
            wrong, walk->reason);
    for (unsigned i = 0; i < truth->depth || i < walk->depth; i++)
        fprintf(stderr, "  0x%x, should be 0x%x\n", i < walk->depth ? walk->pcs[i] : 0,
                i < truth->depth ? truth->pcs[i] : 0);
}

/* The share of ticks with the right stack, by function. All of them: this is C, and there are no
 * exceptions. */
static void report_shares(void)
{
    unsigned inexact = 0;

    for (unsigned i = 0; i < program.count; i++) {
        const struct function *function = &program.functions[i];

        if (function->ticks == 0)
            continue;
        fprintf(stderr, "exact: %-20s %6.2f %% of %u\n", function->name,
                100. * function->exact / function->ticks, function->ticks);
        inexact += function->exact != function->ticks;
    }
    cr_assert_eq(inexact, 0, "%u functions have samples with a wrong stack", inexact);
}

static unsigned count_set(const unsigned char *flags)
{
    unsigned count = 0;

    for (unsigned i = 0; i < program.end - program.start; i++)
        count += flags[i];
    return count;
}

/* The instructions that were executed and never had a tick, by function. */
static bool missing(char *names, size_t bytes)
{
    size_t used = 0;

    names[0] = '\0';
    for (unsigned i = 0; i < program.count; i++) {
        const struct function *function = &program.functions[i];

        for (uint32_t pc = function->start; pc < function->end && used < bytes; pc++)
            if (program.executed[pc - program.start] && !program.sampled[pc - program.start])
                used += (size_t)snprintf(names + used, bytes - used, " %s+0x%x", function->name,
                                         pc - function->start);
    }
    return used != 0;
}

/* QEMU's options for the trace. */
static void trace_options(char *options, size_t bytes)
{
    size_t used = (size_t)snprintf(options, bytes,
                                   "-singlestep -d exec,nochain -D build/tests/run/trace-%s "
                                   "-dfilter 0x%x+1,0x%x+1",
                                   board_arch(), program.vector, program.forget);

    for (unsigned i = 0; i < program.count && used < bytes; i++)
        used += (size_t)snprintf(options + used, bytes - used, ",0x%x..0x%x",
                                 program.functions[i].start, program.functions[i].end - 1);
    cr_assert_lt(used, bytes);
}

/* One run: every stack compared. */
static void run_and_compare(unsigned number)
{
    struct board_run run;
    char options[2048], arguments[32], name[16], *output;

    expected_count = recorded_count = pending_ticks = shadow.depth = 0;
    previous = before_previous = 0;
    host_run(&output, "mkdir -p build/tests/run");
    trace_options(options, sizeof options);
    snprintf(arguments, sizeof arguments, "%s %u", RATE_HZ, number * ROUNDS);
    snprintf(name, sizeof name, "%u", number);
    run = board_boot(
        "unwinding-equals-shadow-stack", arguments,
        &(struct board_options){
            .icount = "shift=5,sleep=off", .extra = options, .limit_s = 100, .name = name});
    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    snprintf(options, sizeof options, "build/tests/run/trace-%s", board_arch());
    replay_trace(options);
    remove(options);
    read_records(run.folder);
    cr_assert_gt(expected_count, 300);
    for (unsigned i = 0; i < expected_count && i < recorded_count; i++)
        compare(i);
    cr_assert_eq(recorded_count, expected_count, "%u samples, %u ticks in the trace",
                 recorded_count, expected_count);
}

Test(unwinding, equals_a_shadow_stack_at_every_instruction)
{
    char elf[256], names[4096];
    unsigned ticks = 0, runs = 0;

    if (strcmp(board_name(), "linux") == 0)
        cr_skip_test("a process has no trace of its instructions");
    program.mips = strncmp(board_arch(), "mips", 4) == 0;
    expected = calloc(STACKS_MAX, sizeof *expected);
    recorded = calloc(STACKS_MAX, sizeof *recorded);
    board_image_path(elf, sizeof elf, "unwinding-equals-shadow-stack", NULL);
    find_program(elf);
    decode(elf);
    do {
        run_and_compare(runs++);
        ticks += expected_count;
    } while (missing(names, sizeof names) && runs < RUNS_MAX);
    fprintf(stderr,
            "unwinding: %u runs, %u stacks of %u exact, at %u of %u interruptible instructions "
            "executed\n",
            runs, ticks, ticks, count_set(program.sampled), count_set(program.executed));
    report_shares();
    cr_assert_str_empty(names, "never interrupted:%s", names);
}
