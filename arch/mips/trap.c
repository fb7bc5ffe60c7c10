/* SPDX-License-Identifier: MIT */
#include "arch/trap.h"

#include "arch/mips/mips.h"
#include "arch/upcall.h"
#include "kernel/core.h"
#include "kernel/print.h"

#define CHECK_OFFSET(type, field, offset)                                                          \
    _Static_assert(offsetof(struct type, field) == (offset), #type "." #field " moved")

CHECK_OFFSET(arch_frame, at, FRAME_AT);
CHECK_OFFSET(arch_frame, a0, FRAME_A0);
CHECK_OFFSET(arch_frame, t0, FRAME_T0);
CHECK_OFFSET(arch_frame, t9, FRAME_T9);
CHECK_OFFSET(arch_frame, ra, FRAME_RA);
CHECK_OFFSET(arch_frame, lo, FRAME_LO);
CHECK_OFFSET(arch_frame, epc, FRAME_EPC);
CHECK_OFFSET(arch_frame, status, FRAME_STATUS);
CHECK_OFFSET(arch_frame, s0, FRAME_S0);
CHECK_OFFSET(arch_frame, s0, FRAME_CLOBBERED_END);
CHECK_OFFSET(arch_frame, s8, FRAME_S8);
CHECK_OFFSET(arch_frame, gp, FRAME_GP);
CHECK_OFFSET(arch_frame, sp, FRAME_SP);
CHECK_OFFSET(arch_frame, cause, FRAME_CAUSE);
CHECK_OFFSET(arch_frame, badvaddr, FRAME_BADVADDR);
_Static_assert(sizeof(struct arch_frame) == FRAME_BYTES, "frame.h");
_Static_assert(FRAME_BYTES == ARCH_THREAD_FRAME_BYTES, "port/trap.h");
_Static_assert(TRAP_BYTES >= TRAP_FRAME + sizeof(void *) && TRAP_BYTES % 8 == 0, "frame.h");
CHECK_OFFSET(core, current, CORE_CURRENT);
CHECK_OFFSET(core, trap_sp, CORE_TRAP_SP);
CHECK_OFFSET(core, fpu_owner, CORE_FPU_OWNER);

/* Cause.ExcCode: MIPS32 PRA (MD00090), table of exception codes. */
enum {
    EXC_MOD = 1,
    EXC_TLBL = 2,
    EXC_TLBS = 3,
    EXC_ADEL = 4,
    EXC_ADES = 5,
    EXC_RI = 10,
    EXC_CPU = 11,
    EXC_FPE = 15,
    EXC_DSP = 26,
    EXC_CACHE = 30,
};

static const char *const cause_names[32] = {
    [0] = "interrupt",
    [EXC_MOD] = "store to a read-only page",
    [EXC_TLBL] = "load or fetch from an unmapped address",
    [EXC_TLBS] = "store to an unmapped address",
    [EXC_ADEL] = "address error on load or fetch",
    [EXC_ADES] = "address error on store",
    [6] = "bus error on fetch",
    [7] = "bus error on load or store",
    [8] = "system call",
    [9] = "breakpoint",
    [EXC_RI] = "reserved instruction",
    [EXC_CPU] = "coprocessor unusable",
    [12] = "arithmetic overflow",
    [13] = "trap instruction",
    [14] = "MSA floating-point exception",
    [EXC_FPE] = "floating-point exception",
    [18] = "coprocessor 2 exception",
    [19] = "load from a page that may only be executed",
    [20] = "execution of data",
    [21] = "MSA instruction, whose registers this port does not keep",
    [23] = "watchpoint",
    [24] = "machine check",
    [EXC_DSP] = "DSP module disabled",
    [EXC_CACHE] = "cache error",
};

static unsigned exception_code(const struct arch_frame *frame)
{
    return (frame->cause >> 2) & 31;
}

void arch_trap_init(void)
{
    struct core *core = core_self();
    uint32_t cause, status;

    core->trap_sp = (void *)(core->system_stack_hi - FRAME_BYTES);
    mips_stack_map_init();
    mips_restart_init();
    __asm__ volatile("mtc0 %0, $15, 1\n\tehb" ::"r"(arch_vectors) : "memory"); /* EBase */
    __asm__ volatile("mfc0 %0, $13" : "=r"(cause));
    cause = (cause | CAUSE_IV) & ~(CAUSE_IP0 | CAUSE_IP1); /* interrupts have their own vector */
    __asm__ volatile("mtc0 %0, $13\n\tehb" ::"r"(cause) : "memory");
    __asm__ volatile("mfc0 %0, $12\n\tor %0, %0, %1\n\tmtc0 %0, $12\n\tehb"
                     : "=&r"(status)
                     : "r"(STATUS_IM0 | STATUS_IM1) /* software interrupts */
                     : "memory");
}

static bool is_fpu_unusable(const struct arch_frame *frame)
{
    return exception_code(frame) == EXC_CPU && ((frame->cause >> 28) & 3) == 1;
}

/* A cache error leaves Cause and EPC as they were: its place is in ErrorEPC (MD00090, "Cache Error
 * Exception"), where the thread pointer may have been (tls.c). So nothing can be resumed, and no
 * handler is asked. */
static void cache_error_take(struct arch_frame *frame)
{
    frame->cause = EXC_CACHE << 2;
    __asm__ volatile("mfc0 %0, $30" : "=r"(frame->epc));
    frame->status &= ~STATUS_IE;
}

/* What the port handles itself, or has to do something about. */
static __attribute__((noinline)) void special_exception(struct arch_frame *frame, unsigned code)
{
    if (frame->status & STATUS_ERL)
        cache_error_take(frame);
    else if (code == EXC_DSP && mips_fpu_take(frame))
        return;
    else if (WEFT_CONFIG_TLS && code == EXC_RI && mips_tls_emulate(frame))
        return;
    else if ((code == EXC_TLBL || code == EXC_TLBS) && mips_stack_map_missed(frame->badvaddr))
        return;
    upcall_exception(frame);
    if (exception_code(frame) == EXC_FPE)
        mips_fpu_exception_over();
}

void mips_exception(struct arch_frame *frame)
{
    const uint32_t special =
        1u << EXC_DSP | 1u << EXC_RI | 1u << EXC_TLBL | 1u << EXC_TLBS | 1u << EXC_FPE;
    unsigned code = exception_code(frame);

    if (is_fpu_unusable(frame) && (frame->status & STATUS_ERL) == 0 && mips_fpu_take(frame))
        return;
    if ((special >> code & 1) != 0 || (frame->status & STATUS_ERL) != 0)
        special_exception(frame, code);
    else
        upcall_exception(frame);
}

const char *arch_frame_cause(const struct arch_frame *frame)
{
    const char *name = cause_names[exception_code(frame)];

    if (is_fpu_unusable(frame))
        return "floating-point instruction in a handler or in weft's own code";
    return name != NULL ? name : "unknown exception";
}

bool arch_frame_bad_address(const struct arch_frame *frame, uintptr_t *address)
{
    unsigned code = exception_code(frame);

    *address = frame->badvaddr;
    return code >= EXC_MOD && code <= EXC_ADES;
}

void arch_frame_print(const struct arch_frame *frame)
{
    static const char names[28][3] = {"at", "v0", "v1", "a0", "a1", "a2", "a3", "t0", "t1", "t2",
                                      "t3", "t4", "t5", "t6", "t7", "t8", "t9", "ra", "lo", "hi",
                                      "pc", "sr", "s0", "s1", "s2", "s3", "s4", "s5"};
    const uint32_t *words = &frame->at;

    for (unsigned i = 0; i < 28; i++)
        print_console("%.2s %08x%s", names[i], (unsigned)words[i], i % 6 == 5 ? "\n" : "  ");
    print_console("s6 %08x  s7 %08x\n", (unsigned)frame->s6, (unsigned)frame->s7);
    print_console("s8 %08x  gp %08x  sp %08x  cause %08x  badvaddr %08x%s\n", (unsigned)frame->s8,
                  (unsigned)frame->gp, (unsigned)frame->sp, (unsigned)frame->cause,
                  (unsigned)frame->badvaddr,
                  frame->cause & CAUSE_BD ? "  (in a branch's delay slot)" : "");
    mips_fpu_print(frame, exception_code(frame) == EXC_FPE);
}
