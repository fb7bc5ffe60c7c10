/* SPDX-License-Identifier: MIT */
/*
 * Vector (SSE, AVX, AVX-512) and x87 state.
 *
 * The calling convention makes all these registers the caller's to save, except the control words.
 * So a voluntary switch, being a call, has nothing in them to keep; only a thread that was
 * interrupted and lost the core does. weft itself is compiled without them (-mgeneral-regs-only),
 * so handlers and the scheduler leave them as they were, and the place to save them is where a
 * preemption begins (arch_preempt in vectors.S): on the preempted thread's own stack, below its
 * moved frame, as much as the CPU says that it needs. Threads have no save area that most of them
 * would never fill.
 *
 * Lazily, in this sense: a new thread runs with the unit switched off (CR0.TS). Its first vector
 * instruction raises #NM, once in its life; the unit is then cleared for it and it counts as a
 * user. A thread that never touches the unit has nothing saved for it, not even the other threads'
 * leftovers. Trapping at every change of user, as the MIPS port does, would be the wrong choice
 * here: compiled C uses vector registers everywhere, and an exception costs more than ten saves.
 *
 * Users' control words (rounding modes, masks, exception flags of MXCSR) follow at each switch
 * between two users: stored always, loaded only when they differ, in fact seldom. The x87 status
 * word is not kept across a voluntary switch; the convention lets any call change it.
 *
 * Which instruction: XSAVEC where there is one: it leaves out what is in its initial state. Else
 * XSAVE, else FXSAVE. Never XSAVEOPT: it also leaves out what has not changed since XRSTOR read
 * that same address, and a stack has been overwritten meanwhile. Source: Intel SDM volume 1,
 * chapter 13.
 *
 * Components that threads get are those below; others (protection keys, AMX tiles) stay disabled.
 * Tested with each of the three instructions on a played CPU (tests/unit/amd64_vectors.c), since
 * QEMU's TCG has no XSAVEC.
 */
#include "arch/fpu.h"

#include "arch/amd64/amd64.h"
#include "arch/trap.h"

#define XCR0_X87 1u
#define XCR0_SSE 2u
#define XCR0_AVX 4u
#define XCR0_AVX512 0xe0u   /* opmask, upper halves, upper registers: all or none */
#define XSAVEC_SUPPORTED 2u /* CPUID 0xd, 1: EAX */
#define FXSAVE_BYTES 512u
#define XSAVE_ALIGN 64u
#define INITIAL_MXCSR 0x1f80u /* all exceptions masked, round to nearest */

/* upcall_preempt and what it calls, down to the parked context: 136 by gcc 12's -fstack-usage; more
 * than twice that, for other compilers and options. */
#define PREEMPT_CALLS_BYTES 320

bool amd64_fpu_off[WEFT_CONFIG_CORES];
struct amd64_fpu amd64_fpu_nobody[WEFT_CONFIG_CORES];

/* For arch_preempt. */
uint8_t amd64_vector_kind;
size_t amd64_vector_bytes;

size_t amd64_preempt_stack_bytes;

/* The unit's initial state: an area whose header says that every component is initial. */
static struct {
    uint16_t control;
    uint8_t reserved1[22];
    uint32_t mxcsr;
    uint8_t reserved2[4096 - 28];
} initial __attribute__((aligned(64))) = {.control = X87_INITIAL, .mxcsr = INITIAL_MXCSR};

static void xcr0_write(uint32_t components)
{
    __asm__ volatile("xsetbv" ::"c"(0), "a"(components), "d"(0));
}

static uint32_t xcr0_choose(void)
{
    uint32_t supported = amd64_cpuid(0xd, 0).a;
    uint32_t components = supported & (XCR0_X87 | XCR0_SSE | XCR0_AVX);

    if ((supported & XCR0_AVX) != 0 && (supported & XCR0_AVX512) == XCR0_AVX512)
        components |= XCR0_AVX512;
    return components;
}

static void xsave_init(void)
{
    xcr0_write(xcr0_choose());
    amd64_vector_kind = VECTORS_XSAVE;
    amd64_vector_bytes = amd64_cpuid(0xd, 0).b; /* for what XCR0 now enables */
    if (amd64_cpuid(0xd, 1).a & XSAVEC_SUPPORTED) {
        amd64_vector_kind = VECTORS_XSAVEC;
        amd64_vector_bytes = amd64_cpuid(0xd, 1).b;
    }
}

void arch_fpu_init(struct core *core)
{
    bool xsave = (amd64_cpuid(1, 0).c & CPUID_1C_XSAVE) != 0;

    amd64_write_cr4(amd64_read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT | (xsave ? CR4_OSXSAVE : 0));
    amd64_write_cr0((amd64_read_cr0() & ~(uint64_t)CR0_EM) | CR0_MP | CR0_NE | CR0_TS);
    amd64_vector_kind = VECTORS_FXSAVE;
    amd64_vector_bytes = FXSAVE_BYTES;
    if (xsave)
        xsave_init();
    amd64_preempt_stack_bytes = RED_ZONE_BYTES + PREEMPT_BYTES + amd64_vector_bytes + XSAVE_ALIGN +
                                VECTOR_LINK_BYTES + PREEMPT_CALLS_BYTES;
    amd64_fpu_off[core->id] = true;
    /* With more cores a user may come from another one: every switch has to look. */
    core_fpu_owner_set(core, WEFT_CONFIG_CORES > 1 ? amd64_fpu_nobody_of(core) : NULL);
}

static void unit_clear(void)
{
    if (amd64_vector_kind == VECTORS_FXSAVE)
        __asm__ volatile("fxrstor64 %0" ::"m"(initial));
    else
        __asm__ volatile("xrstor64 %0" ::"m"(initial), "a"(-1), "d"(-1));
}

/* weft's own code never touches the unit: it is as the exception has left it. */
const struct amd64_units *amd64_units(void)
{
    static struct amd64_units units;

    if (!amd64_fpu_is_on())
        return NULL;
    __asm__ volatile("fxsave64 %0" : "=m"(units));
    return &units;
}

bool amd64_fpu_take(struct core *core)
{
    struct amd64_fpu *area = core_current_fpu_area(core);

    if (area == NULL || area->used || core->interrupt_depth != 0)
        return false; /* weft's own code, or TS is set where it can't be */
    amd64_fpu_turn_on(core);
    if (core->fpu_owner != NULL)
        amd64_fpu_adopt(core, area); /* keeps the owner's control words */
    unit_clear();
    area->used = 1;
    core_fpu_owner_set(core, area);
    return true;
}
