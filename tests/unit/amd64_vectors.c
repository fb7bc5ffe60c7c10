/* SPDX-License-Identifier: MIT */
/*
 * A preemption keeps the vector and x87 registers: arch/amd64's vectors.S and fpu.c as they are, on
 * a played CPU (played_amd64.h) that has XSAVEC, which QEMU's TCG does not; or XSAVE, or FXSAVE
 * only. The instructions that save and load are the host's own. The test is the board: it delivers
 * the interrupt, and its "other threads" (upcall_preempt) leave the unit full of theirs.
 */
#include "tests/unit/amd64_vectors.h"

#include <cpuid.h>
#include <criterion/criterion.h>
#include <stddef.h>
#include <string.h>

#include "arch/amd64/frame.h"
#include "arch/fpu.h"
#include "arch/trap.h"
#include "kernel/core.h"
#include "tests/unit/played_amd64.h"

#define AVX 4u
#define AVX512 0xe0u
#define OTHERS 0x60200u /* protection keys, AMX tiles: not weft's */
#define XSAVEC_SUPPORTED 2u
#define XSAVE_FEATURES 0xfu /* and XSAVEOPT, XGETBV with 1, XSAVES */
#define HEADER_END 576u
#define COMPACTED (1ull << 63)
#define FILL 0xa5
#define CALLS_BYTES 320 /* fpu.c: what upcall_preempt and its calls need */

struct vectors {
    uint8_t legacy[512]; /* FXSAVE's layout */
    uint8_t wide[32][64];
    uint64_t masks[8];
    uint32_t level, unused[15];
} __attribute__((aligned(64)));

struct interrupted {
    struct vectors in, out;
    uint8_t *thread_sp, *system_sp;
    const char *entry;
    uint64_t general;
    uint32_t initial; /* components that are initial in spite of `in` */
    uint64_t general_wrong;
    uint8_t *thread_sp_after;
};

#define AT(member, offset)                                                                         \
    _Static_assert(offsetof(struct interrupted, member) == (offset), "amd64_vectors.h")
_Static_assert(offsetof(struct vectors, wide) == VECTORS_WIDE, "amd64_vectors.h");
_Static_assert(offsetof(struct vectors, masks) == VECTORS_MASKS, "amd64_vectors.h");
_Static_assert(offsetof(struct vectors, level) == VECTORS_LEVEL, "amd64_vectors.h");
_Static_assert(sizeof(struct vectors) == VECTORS_BYTES, "amd64_vectors.h");
AT(out, INTERRUPTED_OUT);
AT(thread_sp, INTERRUPTED_THREAD_SP);
AT(system_sp, INTERRUPTED_SYSTEM_SP);
AT(entry, INTERRUPTED_ENTRY);
AT(general, INTERRUPTED_GENERAL);
AT(initial, INTERRUPTED_INITIAL);
AT(general_wrong, INTERRUPTED_GENERAL_WRONG);
AT(thread_sp_after, INTERRUPTED_THREAD_SP_AFTER);

void vectors_call(struct vectors *io, bool (*function)(struct core *), struct core *core);
void vectors_interrupted(struct interrupted *what);
void preempted(uint8_t *sp);

struct vectors vectors_others;
uint8_t vectors_initial[4096] __attribute__((aligned(64)));
extern size_t amd64_vector_bytes;

/* What the port wants of the rest of weft. */
struct core cores[1];
struct amd64_core amd64_cores[1];

bool amd64_interrupt(struct arch_frame *frame)
{
    return frame->vector == 3; /* the verdict: to switch */
}

bool amd64_timer(struct arch_frame *frame)
{
    return frame->vector == VECTOR_TIMER;
}

void amd64_exception(struct arch_frame *frame)
{
    (void)frame;
}

void amd64_fatal(struct arch_frame *frame)
{
    (void)frame;
}

void amd64_nmi(struct arch_frame *frame)
{
    (void)frame;
}

/* ---- CPUs ------------------------------------------------------------------------------------ */

struct cpu {
    const char *name;
    enum played_vectors save;
    uint32_t components; /* that weft uses */
    uint32_t level;
    uint32_t supported; /* by the CPU */
};

static const struct cpu cpus[] = {
    {"FXSAVE", PLAYED_FXSAVE, 0, LEVEL_SSE, 0 | OTHERS},
    {"XSAVE, SSE", PLAYED_XSAVE, 3, LEVEL_SSE, 3 | OTHERS},
    {"XSAVE, AVX", PLAYED_XSAVE, 7, LEVEL_AVX, 7 | OTHERS},
    {"XSAVE, AVX-512", PLAYED_XSAVE, 0xe7, LEVEL_AVX512, 0xe7 | OTHERS},
    {"XSAVEC, SSE", PLAYED_XSAVEC, 3, LEVEL_SSE, 3 | OTHERS},
    {"XSAVEC, AVX", PLAYED_XSAVEC, 7, LEVEL_AVX, 7 | OTHERS},
    {"XSAVEC, AVX-512", PLAYED_XSAVEC, 0xe7, LEVEL_AVX512, 0xe7 | OTHERS},
};

static const struct cpu *cpu;
static struct weft_thread {
    void *others[3];
    struct amd64_fpu *area;
} thread;
static struct amd64_fpu area;

static bool host_has(const struct cpu *which)
{
    uint32_t a, b, c, d;

    __cpuid_count(1, 0, a, b, c, d);
    if (which->save == PLAYED_FXSAVE)
        return true;
    if ((c & CPUID_1C_XSAVE) == 0)
        return false;
    __cpuid_count(0xd, 1, a, b, c, d);
    if (which->save == PLAYED_XSAVEC && (a & XSAVEC_SUPPORTED) == 0)
        return false;
    __cpuid_count(0xd, 0, a, b, c, d);
    return (a & which->components) == which->components;
}

/* The next CPU with that instruction that the host can stand for; NULL: no more. */
static const struct cpu *next_cpu(const struct cpu *from, enum played_vectors save)
{
    for (; from < cpus + sizeof cpus / sizeof cpus[0]; from++)
        if (from->save == save && host_has(from))
            return from;
    return NULL;
}

static void fine(void)
{
    cr_assert_eq(played.fault[0], 0, "%s: %s", cpu->name, played.fault);
}

static bool init_unit(struct core *core)
{
    arch_fpu_init(core);
    return true;
}

/* A core with that CPU; its thread is a user of the unit, or has not touched it yet. */
static void boot(const struct cpu *which, bool user)
{
    static struct vectors unused;

    cpu = which;
    played_reset();
    if (cpu->save == PLAYED_FXSAVE)
        played.features_1c &= ~CPUID_1C_XSAVE;
    played.components = cpu->supported;
    played.xsave_features =
        cpu->save == PLAYED_XSAVEC ? XSAVE_FEATURES : XSAVE_FEATURES & ~XSAVEC_SUPPORTED;
    vectors_call(&unused, init_unit, cores);
    fine();
    cr_assert(played.cr0 & CR0_TS, "the unit is on before anybody has used it");
    area.used = 0;
    thread.area = &area;
    cores[0].current = &thread;
    if (!user)
        return;
    vectors_call(&unused, amd64_fpu_take, cores);
    fine();
    cr_assert(cores[0].fpu_owner == &area);
    played.events = 0;
}

/* ---- registers ------------------------------------------------------------------------------- */

static void pattern(struct vectors *vectors, unsigned seed)
{
    uint32_t mxcsr = 0x1f80 | seed % 4 << 13 | 0x21;
    uint16_t control = (uint16_t)(0x37f | seed % 4 << 10), status = (uint16_t)(seed % 8 << 11);

    memset(vectors, 0, sizeof *vectors);
    for (unsigned i = 0; i < sizeof vectors->wide; i++)
        vectors->wide[i / 64][i % 64] = (uint8_t)(i * 7 + i / 64 * 3 + seed * 31 + 1);
    for (unsigned i = 0; i < 8; i++)
        vectors->masks[i] = 0x0102040810204081ull * (seed + 1) + i;
    memcpy(vectors->legacy, &control, sizeof control);
    memcpy(vectors->legacy + 2, &status, sizeof status);
    vectors->legacy[4] = 0xff; /* all eight of the stack are in use */
    memcpy(vectors->legacy + 24, &mxcsr, sizeof mxcsr);
    for (unsigned i = 0; i < 8; i++)
        memset(vectors->legacy + 32 + 16 * i, (int)(0x30 + seed * 8 + i), 10);
    for (unsigned i = 0; i < 16; i++)
        memcpy(vectors->legacy + 160 + 16 * i, vectors->wide[i], 16);
    vectors->level = cpu->level;
}

/* The components that XRSTOR finds not saved get these values. */
static void initialise(struct vectors *vectors, uint32_t components)
{
    if (components & 1) {
        memset(vectors->legacy, 0, 24);
        memset(vectors->legacy + 32, 0, 128);
        memcpy(vectors->legacy, "\x7f\x03", 2);
    }
    for (unsigned i = 0; i < 32; i++) {
        if ((components & 2) && i < 16) {
            memset(vectors->wide[i], 0, 16);
            memset(vectors->legacy + 160 + 16 * i, 0, 16);
        }
        if ((components & AVX) && i < 16)
            memset(vectors->wide[i] + 16, 0, 16);
        if ((components & 0x40) && i < 16)
            memset(vectors->wide[i] + 32, 0, 32);
        if ((components & 0x80) && i >= 16)
            memset(vectors->wide[i], 0, 64);
    }
    if (components & 0x20)
        memset(vectors->masks, 0, sizeof vectors->masks);
}

/* NULL: the same; or which register is not. The x87 pointers are the last instruction's, not ours.
 */
static const char *difference(const struct vectors *a, const struct vectors *b)
{
    unsigned wide = a->level == LEVEL_AVX512 ? 32 : 16;
    unsigned bytes = a->level == LEVEL_AVX512 ? 64 : a->level == LEVEL_AVX ? 32 : 0;

    if (memcmp(a->legacy, b->legacy, 5) != 0)
        return "the x87 control, status or tag word";
    if (memcmp(a->legacy + 24, b->legacy + 24, 4) != 0)
        return "MXCSR";
    for (unsigned i = 0; i < 8; i++)
        if (memcmp(a->legacy + 32 + 16 * i, b->legacy + 32 + 16 * i, 10) != 0)
            return "the x87 stack";
    if (memcmp(a->legacy + 160, b->legacy + 160, 256) != 0)
        return "XMM0-15";
    for (unsigned i = 0; i < wide; i++)
        if (memcmp(a->wide[i], b->wide[i], bytes) != 0)
            return i < 16 ? "YMM or ZMM0-15" : "ZMM16-31";
    if (a->level == LEVEL_AVX512 && memcmp(a->masks, b->masks, sizeof a->masks) != 0)
        return "k0-k7";
    return NULL;
}

/* ---- the interrupt --------------------------------------------------------------------------- */

static uint8_t thread_stack[16384] __attribute__((aligned(4096)));
static uint8_t system_stack[16384] __attribute__((aligned(4096)));

/* What the other threads saw: the stack of the preempted one. */
static struct {
    uint8_t *sp;    /* above the call of upcall_preempt */
    uint8_t *frame; /* the moved one */
    uint8_t area[4096];
    unsigned times;
} seen;

void preempted(uint8_t *sp)
{
    seen.sp = sp;
    seen.times++;
    memcpy(&seen.frame, sp, sizeof seen.frame);
    memcpy(seen.area, sp + VECTOR_LINK_BYTES, sizeof seen.area);
}

static void interrupt(struct interrupted *what, unsigned shift, const char *entry)
{
    pattern(&vectors_others, 6);
    memset(thread_stack, FILL, sizeof thread_stack);
    what->thread_sp = thread_stack + sizeof thread_stack - 1024 - shift;
    what->system_sp = system_stack + sizeof system_stack;
    what->entry = entry;
    what->general = 0x1234567890abcdefull;
    what->out = (struct vectors){.level = cpu->level};
    seen.times = 0;
    vectors_interrupted(what);
    fine();
    cr_assert_eq(seen.times, 1, "%s: preempted %u times", cpu->name, seen.times);
    cr_assert_eq(what->general_wrong, 0, "%s: general registers", cpu->name);
    cr_assert_eq(what->thread_sp_after, what->thread_sp);
}

static bool filled(const uint8_t *from, const uint8_t *to)
{
    while (from < to && *from == FILL)
        from++;
    return from >= to;
}

static unsigned component_bytes(unsigned number)
{
    uint32_t bytes, offset, flags, unused;

    __cpuid_count(0xd, number, bytes, offset, flags, unused);
    return bytes;
}

/* Where the component lies: as CPUID says, or behind those before it. None is to be aligned. */
static unsigned component_at(unsigned number)
{
    uint32_t bytes, offset, flags, unused;

    if (cpu->save == PLAYED_XSAVE) {
        __cpuid_count(0xd, number, bytes, offset, flags, unused);
        return offset;
    }
    offset = HEADER_END;
    for (unsigned i = 2; i < number; i++)
        if (cpu->components >> i & 1)
            offset += component_bytes(i);
    return offset;
}

static unsigned expected_bytes(void)
{
    unsigned last = cpu->components & AVX512 ? 7 : 2;

    if (cpu->save == PLAYED_FXSAVE)
        return 512;
    return cpu->level == LEVEL_SSE ? HEADER_END : component_at(last) + component_bytes(last);
}

/* The area is where and as large as it should be; the stack around it is as it was. */
static void stack_is_right(const struct interrupted *what)
{
    const uint8_t *lies = seen.sp + VECTOR_LINK_BYTES;

    cr_assert_eq((uintptr_t)lies % 64, 0, "%s: the area at %p", cpu->name, (const void *)lies);
    cr_assert_eq(amd64_vector_bytes, expected_bytes(), "%s: %zu bytes", cpu->name,
                 amd64_vector_bytes);
    cr_assert(filled(lies + amd64_vector_bytes, seen.frame), "%s: written behind the area",
              cpu->name);
    cr_assert(filled(what->thread_sp - RED_ZONE_BYTES, thread_stack + sizeof thread_stack),
              "%s: the red zone, or what is above it", cpu->name);
    cr_assert((size_t)(what->thread_sp - seen.sp) + CALLS_BYTES <= amd64_preempt_stack_bytes,
              "%s: takes %zu bytes of the stack", cpu->name, (size_t)(what->thread_sp - seen.sp));
}

/* One instruction saved and one loaded, those that the CPU asks for. */
static void instructions_are(void)
{
    enum played_vectors load = cpu->save == PLAYED_FXSAVE ? PLAYED_FXRSTOR : PLAYED_XRSTOR;

    cr_assert_eq(played.events, 2, "%s: %u vector instructions", cpu->name, played.events);
    cr_assert_eq(played.event[0].number, cpu->save, "%s: saved by %u", cpu->name,
                 played.event[0].number);
    cr_assert_eq(played.event[1].number, load, "%s: loaded by %u", cpu->name,
                 played.event[1].number);
    played.events = 0;
}

/* The header: which components, which layout, and the rest zero, or XRSTOR would refuse it. */
static uint64_t header_is_right(void)
{
    uint64_t header[8];

    memcpy(header, seen.area + 512, sizeof header);
    cr_assert_eq(header[0] & ~(uint64_t)cpu->components, 0, "%s: saved 0x%llx", cpu->name,
                 (unsigned long long)header[0]);
    cr_assert_eq(header[1], cpu->save == PLAYED_XSAVEC ? COMPACTED | cpu->components : 0,
                 "%s: layout 0x%llx", cpu->name, (unsigned long long)header[1]);
    for (unsigned i = 2; i < 8; i++)
        cr_assert_eq(header[i], 0, "%s: word %u of the header", cpu->name, i);
    return header[0];
}

static void save_area_holds(const struct vectors *in)
{
    cr_assert(memcmp(seen.area + 160, in->legacy + 160, 256) == 0, "%s", cpu->name);
    if (cpu->save == PLAYED_FXSAVE)
        return;
    cr_assert_eq(header_is_right(), cpu->components, "%s", cpu->name);
    for (unsigned i = 0; i < 16 && cpu->level >= LEVEL_AVX; i++)
        cr_assert(memcmp(seen.area + component_at(2) + 16 * i, in->wide[i] + 16, 16) == 0, "%s",
                  cpu->name);
    if (cpu->level < LEVEL_AVX512)
        return;
    cr_assert(memcmp(seen.area + component_at(5), in->masks, sizeof in->masks) == 0);
    cr_assert(memcmp(seen.area + component_at(7), in->wide[16], 16 * 64) == 0);
    for (unsigned i = 0; i < 16; i++)
        cr_assert(memcmp(seen.area + component_at(6) + 32 * i, in->wide[i] + 32, 32) == 0);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static struct interrupted what;

static void every_register_survives(enum played_vectors save)
{
    static const unsigned shifts[] = {0, 8, 24, 56};
    const struct cpu *which = next_cpu(cpus, save);

    if (which == NULL)
        cr_skip_test("the host's CPU does not have that instruction");
    for (; which != NULL; which = next_cpu(which + 1, save)) {
        boot(which, true);
        for (unsigned i = 0; i < 4; i++) {
            what = (struct interrupted){.initial = 0};
            pattern(&what.in, i);
            interrupt(&what, shifts[i], i % 2 ? amd64_timer_entry : amd64_device_stubs + 3 * 16);
            cr_assert_null(difference(&what.in, &what.out), "%s: %s", cpu->name,
                           difference(&what.in, &what.out));
            instructions_are();
            stack_is_right(&what);
            save_area_holds(&what.in);
        }
    }
}

Test(amd64_vectors, every_register_survives_by_fxsave)
{
    every_register_survives(PLAYED_FXSAVE);
}

Test(amd64_vectors, every_register_survives_by_xsave)
{
    every_register_survives(PLAYED_XSAVE);
}

Test(amd64_vectors, every_register_survives_by_xsavec)
{
    every_register_survives(PLAYED_XSAVEC);
}

/* What XSAVEC leaves out because it is initial is initial again afterwards, and not the others'. */
Test(amd64_vectors, initial_components_stay_initial)
{
    static const uint32_t initial[] = {0xe7, 0xe5, 0xe4, 0xc0, 0x24, 1, 2};

    for (cpu = cpus + 1; cpu < cpus + sizeof cpus / sizeof cpus[0]; cpu++) {
        if (!host_has(cpu))
            continue;
        boot(cpu, true);
        for (unsigned i = 0; i < sizeof initial / sizeof initial[0]; i++) {
            uint64_t saved;

            what = (struct interrupted){.initial = initial[i] & cpu->components};
            pattern(&what.in, i);
            memcpy(vectors_initial + 24, what.in.legacy + 24, 4); /* MXCSR is not a component's */
            interrupt(&what, 0, amd64_timer_entry);
            initialise(&what.in, what.initial);
            cr_assert_null(difference(&what.in, &what.out), "%s, 0x%x initial: %s", cpu->name,
                           what.initial, difference(&what.in, &what.out));
            stack_is_right(&what);
            saved = header_is_right();
            for (unsigned n = 2; n < 8; n++) /* left out: not even written */
                if ((cpu->components >> n & 1) && !(saved >> n & 1) && cpu->save == PLAYED_XSAVEC)
                    cr_assert(filled(seen.area + component_at(n),
                                     seen.area + component_at(n) + component_bytes(n)));
        }
    }
}

/* The unit holds somebody else's registers, or is off: nothing to save, and nothing is touched. */
Test(amd64_vectors, nothing_is_saved_for_a_thread_that_does_not_own_the_unit)
{
    struct amd64_fpu another = {1, 0x1f80, 0x37f};

    for (cpu = cpus; cpu < cpus + sizeof cpus / sizeof cpus[0]; cpu++) {
        if (!host_has(cpu))
            continue;
        boot(cpu, false);
        cores[0].fpu_owner = &another;
        played.events = 0;
        what = (struct interrupted){.initial = 0};
        pattern(&what.in, 1);
        interrupt(&what, 8, amd64_timer_entry);
        cr_assert_eq(played.events, 0, "%s: %u vector instructions", cpu->name, played.events);
        cr_assert_null(difference(&vectors_others, &what.out), "%s", cpu->name);
        cr_assert_leq(what.thread_sp - seen.sp, RED_ZONE_BYTES + PREEMPT_BYTES + 15);
    }
}

/* A thread's first use: the unit is its own, without a trace of whoever had it before. */
Test(amd64_vectors, first_use_finds_an_initial_unit)
{
    for (cpu = cpus; cpu < cpus + sizeof cpus / sizeof cpus[0]; cpu++) {
        static struct vectors io, expected;
        static const uint32_t mxcsr = 0x1f80;

        if (!host_has(cpu))
            continue;
        boot(cpu, false);
        pattern(&io, 3);
        expected = (struct vectors){.level = cpu->level};
        initialise(&expected, 0xe7);
        memcpy(expected.legacy + 24, &mxcsr, sizeof mxcsr);
        vectors_call(&io, amd64_fpu_take, cores);
        fine();
        cr_assert_eq(played.cr0 & CR0_TS, 0);
        cr_assert(area.used && cores[0].fpu_owner == &area && cores[0].switch_more != 0);
        cr_assert_null(difference(&expected, &io), "%s: %s", cpu->name, difference(&expected, &io));
        cr_assert_not(amd64_fpu_take(cores), "a second first use");
    }
}

/* AVX-512's three components go together, and with AVX; protection keys and AMX tiles stay off. */
Test(amd64_vectors, components_are_those_that_belong_together)
{
    static const uint32_t choices[][2] = {
        {3, 3}, {7, 7}, {0x27, 7}, {0x67, 7}, {0xe7, 0xe7}, {0xe3, 3}, {0x602e7, 0xe7}, {0x207, 7},
    };

    if (next_cpu(cpus, PLAYED_XSAVE) == NULL)
        cr_skip_test("the host's CPU has no XSAVE");
    for (unsigned i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        struct cpu some = {"", PLAYED_XSAVE, choices[i][1], LEVEL_SSE, choices[i][0]};

        boot(&some, false);
        cr_assert_eq(played.xcr0, choices[i][1], "0x%x of 0x%x", played.xcr0, choices[i][0]);
    }
}
