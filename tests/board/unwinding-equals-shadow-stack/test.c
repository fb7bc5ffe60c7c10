/* SPDX-License-Identifier: MIT */
/*
 * Unwinding compared with a shadow stack, tick by tick.
 *
 * QEMU writes down every instruction of the adversarial program and every entry of the interrupt
 * vector. Replaying that trace gives the true call stack at each tick: a call pushes its call site,
 * a return pops. The k-th tick's record in the sample log must be that stack, frame by frame.
 */
#include <criterion/criterion.h>
#include <elf.h>
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

struct stack {
    unsigned depth;
    uint32_t pcs[DEPTH_MAX]; /* innermost first */
    uint8_t reason;
};

/* The program's bounds and code, from the ELF's symbols and bytes. */
static struct {
    uint32_t start, end, vector;
    uint32_t main, main_end, thread, thread_end;
    bool big_endian;
    uint32_t *code;
    unsigned char *executed, *sampled; /* per instruction */
} program;

static struct stack *expected, *recorded;
static unsigned expected_count, recorded_count;

static uint32_t symbol_value(const char *elf, const char *name, uint32_t *size)
{
    char *output;
    unsigned long value, bytes = 0;

    cr_assert_eq(
        host_run(&output, "%s-linux-gnu-nm -S %s | grep -E ' %s$'", board_arch(), elf, name), 0,
        "no symbol %s", name);
    if (sscanf(output, "%lx %lx", &value, &bytes) < 1)
        cr_assert_fail("nm said: %s", output);
    if (size != NULL)
        *size = (uint32_t)bytes;
    return (uint32_t)value;
}

/* From the first to the last function whose name begins with adv_. */
static void find_program(const char *elf)
{
    char *output, *line, *rest;
    unsigned long long value, bytes;
    uint32_t size;

    cr_assert_eq(host_run(&output, "%s-linux-gnu-nm -S %s | grep -i ' t adv_'", board_arch(), elf),
                 0);
    program.start = UINT32_MAX;
    for (line = strtok_r(output, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        cr_assert_eq(sscanf(line, "%llx %llx", &value, &bytes), 2, "%s", line);
        if ((uint32_t)value < program.start)
            program.start = (uint32_t)value;
        if ((uint32_t)(value + bytes) > program.end)
            program.end = (uint32_t)(value + bytes);
    }
    program.vector = symbol_value(elf, "arch_vector_interrupt", NULL);
    program.main = symbol_value(elf, "main", &size);
    program.main_end = program.main + size;
    program.thread = symbol_value(elf, "thread_main", &size);
    program.thread_end = program.thread + size;
}

static void load_code(const char *elf)
{
    char *output, path[320];
    unsigned count = (program.end - program.start) / 4;
    unsigned char bytes[4];
    FILE *file;

    snprintf(path, sizeof path, "%s.text", elf);
    cr_assert_eq(
        host_run(&output, "%s-linux-gnu-objcopy -O binary -j .text %s %s", board_arch(), elf, path),
        0);
    file = fopen(path, "rb");
    cr_assert_not_null(file);
    fseek(file, (long)(program.start - symbol_value(elf, "__text_start", NULL)), SEEK_SET);
    program.code = calloc(count, 4);
    program.executed = calloc(count, 1);
    program.sampled = calloc(count, 1);
    for (unsigned i = 0; i < count; i++) {
        cr_assert_eq(fread(bytes, 1, 4, file), 4);
        program.code[i] =
            program.big_endian
                ? (uint32_t)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3]
                : (uint32_t)bytes[3] << 24 | bytes[2] << 16 | bytes[1] << 8 | bytes[0];
    }
    fclose(file);
}

/* The two functions that start the program may lie among its own. */
static bool inside(uint32_t pc)
{
    return pc >= program.start && pc < program.end &&
           !(pc >= program.main && pc < program.main_end) &&
           !(pc >= program.thread && pc < program.thread_end);
}

static uint32_t code_at(uint32_t pc)
{
    return program.code[(pc - program.start) / 4];
}

/* MIPS32 encodings: jal, jalr (links), jr $ra. */
static bool is_call(uint32_t word)
{
    return word >> 26 == 3 || ((word >> 26 == 0) && (word & 0x3f) == 9);
}

static bool is_return(uint32_t word)
{
    return (word & ~0x7c0u) == 0x03e00008; /* jr $31, any hint */
}

/* Jumps and branches: what follows is their delay slot, which is never interrupted on its own (EPC
 * is the branch). Opcodes REGIMM, J, JAL, BEQ..BGTZ, BEQL..BGTZL; JR and JALR. */
static bool has_delay_slot(uint32_t word)
{
    uint32_t opcode = word >> 26, function = word & 0x3f;

    return (opcode >= 1 && opcode <= 7) || (opcode >= 20 && opcode <= 23) ||
           (opcode == 0 && (function == 8 || function == 9));
}

static struct stack shadow; /* pcs[] used as a stack of call sites, outermost first */
static uint32_t previous, before_previous;
static unsigned pending_ticks;

/* One executed instruction of the program: what the last jump did, then the ticks that came before
 * it. */
static void replay(uint32_t pc)
{
    bool jumped = inside(before_previous) && previous == before_previous + 4 && pc != previous;

    /* A tick in a delay slot: it was written down but not executed, and its branch comes again. */
    if (pending_ticks > 0 && pc == before_previous)
        jumped = false;
    if (pc == previous) /* QEMU turned to its timers at this instruction, and comes back to it */
        jumped = false;
    if (!inside(pc - 4) || !has_delay_slot(code_at(pc - 4)))
        program.executed[(pc - program.start) / 4] = 1;
    if (jumped && is_call(code_at(before_previous)) && pc != before_previous + 8) {
        cr_assert_lt(shadow.depth, DEPTH_MAX);
        shadow.pcs[shadow.depth++] = before_previous;
    } else if (jumped && is_return(code_at(before_previous)) && shadow.depth > 0) {
        shadow.depth--;
        cr_assert_eq(pc, shadow.pcs[shadow.depth] + 8, "the trace returns to 0x%x", pc);
    }
    for (; pending_ticks > 0; pending_ticks--) {
        struct stack *stack = &expected[expected_count];

        if (previous == 0 || expected_count == STACKS_MAX)
            continue; /* before the program's first instruction */
        stack->depth = 0;
        stack->pcs[stack->depth++] = pc;
        for (unsigned i = shadow.depth; i > 0; i--)
            stack->pcs[stack->depth++] = shadow.pcs[i - 1];
        expected_count++;
    }
    if (pc != previous)
        before_previous = previous;
    previous = pc;
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
            (uint32_t)log_record_word(&item, sizeof(struct log_sample), i, 4);
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

/* The frames inside the program must be equal, one by one; those below it are the thread's start.
 */
static void compare(unsigned index)
{
    const struct stack *truth = &expected[index], *walk = &recorded[index];

    program.sampled[(truth->pcs[0] - program.start) / 4] = 1;
    cr_assert_eq(walk->reason, REASON_FULL, "tick %u at 0x%x: reason %u", index, truth->pcs[0],
                 walk->reason);
    cr_assert_geq(walk->depth, truth->depth, "tick %u at 0x%x: %u frames of %u", index,
                  truth->pcs[0], walk->depth, truth->depth);
    for (unsigned i = 0; i < truth->depth; i++)
        cr_assert_eq(walk->pcs[i], truth->pcs[i], "tick %u at 0x%x, frame %u: 0x%x, should be 0x%x",
                     index, truth->pcs[0], i, walk->pcs[i], truth->pcs[i]);
    cr_assert_not(inside(walk->pcs[truth->depth]), "tick %u at 0x%x has a frame too many", index,
                  truth->pcs[0]);
}

static unsigned count_set(const unsigned char *flags)
{
    unsigned count = 0;

    for (unsigned i = 0; i < (program.end - program.start) / 4; i++)
        count += flags[i];
    return count;
}

/* One run, ticking at `rate`: every stack compared. */
static void run_and_compare(const char *rate)
{
    struct board_run run;
    char extra[512], *output;

    expected_count = recorded_count = pending_ticks = shadow.depth = 0;
    previous = before_previous = 0;
    host_run(&output, "mkdir -p build/tests/run");
    snprintf(extra, sizeof extra,
             "-singlestep -d exec,nochain -D build/tests/run/trace-%s -dfilter 0x%x..0x%x,0x%x+4",
             board_arch(), program.start, program.end - 1, program.vector);
    run = board_boot(
        "unwinding-equals-shadow-stack", rate,
        &(struct board_options){
            .icount = "shift=5,sleep=off", .extra = extra, .limit_s = 100, .name = rate});
    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    snprintf(extra, sizeof extra, "build/tests/run/trace-%s", board_arch());
    replay_trace(extra);
    remove(extra);
    read_records(run.folder);
    cr_assert_gt(expected_count, 300);
    for (unsigned i = 0; i < expected_count && i < recorded_count; i++)
        compare(i);
    cr_assert_eq(recorded_count, expected_count, "%u samples, %u ticks in the trace",
                 recorded_count, expected_count);
}

Test(unwinding, equals_a_shadow_stack_at_every_tick)
{
    /* Different rates meet the program's loop at different places. */
    const char *rates[] = {"13500", "13111", "12347", "11003", "9973"};
    char elf[256];
    unsigned ticks = 0;

    if (strncmp(board_arch(), "mips", 4) != 0)
        cr_skip_test("the replay decodes MIPS instructions only");
    program.big_endian = strcmp(board_arch(), "mips") == 0;
    expected = calloc(STACKS_MAX, sizeof *expected);
    recorded = calloc(STACKS_MAX, sizeof *recorded);
    board_image_path(elf, sizeof elf, "unwinding-equals-shadow-stack", NULL);
    find_program(elf);
    load_code(elf);
    for (unsigned i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        run_and_compare(rates[i]);
        ticks += expected_count;
    }
    fprintf(stderr,
            "unwinding: %u stacks of %u exact, at %u of %u interruptible instructions executed\n",
            ticks, ticks, count_set(program.sampled), count_set(program.executed));
    cr_assert_geq(count_set(program.sampled) * 100, count_set(program.executed) * 80);
}
