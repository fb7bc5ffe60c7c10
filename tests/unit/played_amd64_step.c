/* SPDX-License-Identifier: MIT */
/* The played CPU's instructions, one by one. Sources: Intel SDM volume 2 for encodings; volume 1,
 * chapter 13, for XCR0 and XSAVE. */
#include <asm/prctl.h>
#include <cpuid.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "arch/amd64/frame.h"
#include "tests/unit/played_amd64_inside.h"

#define RFLAGS_TF 0x100
#define PAGE_FAULT_WRITE 2

/* Cycles. A pause is long: who waits for the clock should not be stepped for long. */
#define COST_RDTSC 20
#define COST_PAUSE (1u << 18)

#define XCR0_AVX 4u
#define XCR0_AVX512 0xe0u
#define XSAVE_HEADER_END 576u
#define XSAVEC_SUPPORTED 2u

static uint32_t accessed;   /* the page's register that the last instruction used; 0: none */
static bool accessed_write; /* ... and how */
static bool masked;         /* the mask of the last instruction was changed: */
static greg_t masked_rax, masked_rdx;

static volatile uint32_t *const page = (volatile uint32_t *)(uintptr_t)PLAYED_APIC;

/* ---- CPUID and vector state ------------------------------------------------------------------ */

/* The host's layout of the components that it shares with the played CPU. */
static unsigned area_bytes(uint32_t components, bool compacted)
{
    unsigned end = XSAVE_HEADER_END;

    for (unsigned i = 2; i < 32; i++) {
        unsigned bytes, offset, flags, unused;

        if ((components >> i & 1) == 0)
            continue;
        __cpuid_count(0xd, i, bytes, offset, flags, unused);
        if (compacted)
            offset = flags & 2 ? (end + 63) / 64 * 64 : end;
        if (offset + bytes > end)
            end = offset + bytes;
    }
    return end;
}

static struct amd64_cpuid cpuid_says(uint32_t leaf, uint32_t subleaf)
{
    bool xsavec = (played.xsave_features & XSAVEC_SUPPORTED) != 0;

    if (leaf == 0)
        return (struct amd64_cpuid){.a = 0x15};
    if (leaf == 1)
        return (struct amd64_cpuid){.c = played.features_1c, .d = 0xffffffff};
    if (leaf == 0xd && subleaf == 0)
        return (struct amd64_cpuid){.a = played.components,
                                    .b = area_bytes(played.xcr0, false),
                                    .c = area_bytes(played.components, false)};
    if (leaf == 0xd && subleaf == 1)
        return (struct amd64_cpuid){.a = played.xsave_features,
                                    .b = xsavec ? area_bytes(played.xcr0, true) : 0};
    if (leaf == 0x15)
        return played.ratio;
    if (leaf == 0x40000000u)
        return (struct amd64_cpuid){.a = 0x40000010u};
    if (leaf == 0x40000010u)
        return (struct amd64_cpuid){.a = played.hypervisor_khz};
    if (leaf == 0x80000000u)
        return (struct amd64_cpuid){.a = 0x80000007u};
    if (leaf == 0x80000007u)
        return (struct amd64_cpuid){.d = played.features_7d};
    return (struct amd64_cpuid){0, 0, 0, 0};
}

static void xcr0_write(uint64_t value)
{
    uint64_t avx512 = value & XCR0_AVX512;

    if ((played.cr4 & CR4_OSXSAVE) == 0)
        played_fault("#UD: XSETBV without CR4.OSXSAVE");
    else if ((value & 1) == 0 || (value & ~(uint64_t)played.components) != 0 ||
             (value & 6) == XCR0_AVX ||
             (avx512 != 0 && (avx512 != XCR0_AVX512 || (value & XCR0_AVX) == 0)))
        played_fault("#GP: 0x%llx into XCR0", (unsigned long long)value);
    else
        played.xcr0 = (uint32_t)value;
}

/* The instruction itself is the host's; its mask becomes what XCR0 would have made of it. */
static void vectors_prepare(greg_t *regs, enum played_vectors which)
{
    bool xsave = which == PLAYED_XSAVE || which == PLAYED_XSAVEC || which == PLAYED_XRSTOR;

    played_note(PLAYED_VECTORS, which, (uint64_t)regs[REG_RSP]);
    if (played.cr0 & CR0_TS)
        played_fault("#NM: the unit is off");
    if (!xsave)
        return;
    if ((played.cr4 & CR4_OSXSAVE) == 0 ||
        (which == PLAYED_XSAVEC && !(played.xsave_features & XSAVEC_SUPPORTED)))
        played_fault("#UD: instruction %d of the vector unit", which);
    masked = true;
    masked_rax = regs[REG_RAX];
    masked_rdx = regs[REG_RDX];
    regs[REG_RAX] &= played.xcr0;
    regs[REG_RDX] = 0;
}

/* ---- instructions ---------------------------------------------------------------------------- */

static const int gpr[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                            REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

static uint64_t edx_eax(const greg_t *regs)
{
    return (uint64_t)(uint32_t)regs[REG_RDX] << 32 | (uint32_t)regs[REG_RAX];
}

static void edx_eax_set(greg_t *regs, uint64_t value)
{
    regs[REG_RAX] = (uint32_t)value;
    regs[REG_RDX] = (greg_t)(value >> 32);
}

/* 0F 20 and 0F 22: MOV to and from control registers. */
static void control_move(greg_t *regs, const uint8_t *code, bool extended)
{
    greg_t *general = &regs[gpr[(code[2] & 7) + (extended ? 8 : 0)]];
    unsigned number = code[2] >> 3 & 7;
    uint64_t *control = number == 0 ? &played.cr0 : &played.cr4;

    if (number != 0 && number != 4)
        played_fault("control register %u", number);
    else if (code[1] == 0x20)
        *general = (greg_t)*control;
    else
        *control = (uint64_t)*general;
}

static void cpuid_play(greg_t *regs)
{
    struct amd64_cpuid says = cpuid_says((uint32_t)regs[REG_RAX], (uint32_t)regs[REG_RCX]);

    played_apic_settle(played_self()); /* it serialises */
    regs[REG_RAX] = says.a;
    regs[REG_RBX] = says.b;
    regs[REG_RCX] = says.c;
    regs[REG_RDX] = says.d;
}

/* Two bytes, 0F and another: how many bytes have been done; 0: none, it is an ordinary one. */
static unsigned play_0f(greg_t *regs, const uint8_t *code, bool extended)
{
    switch (code[1]) {
    case 0x06:
        played.cr0 &= ~(uint64_t)CR0_TS;
        return 2;
    case 0x20:
    case 0x22:
        control_move(regs, code, extended);
        return 3;
    case 0x30:
        played_msr_write((uint32_t)regs[REG_RCX], edx_eax(regs));
        return 2;
    case 0x31:
        edx_eax_set(regs, played.tsc += COST_RDTSC);
        return 2;
    case 0x32:
        edx_eax_set(regs, played_msr_read((uint32_t)regs[REG_RCX]));
        return 2;
    case 0xa2:
        cpuid_play(regs);
        return 2;
    case 0x01:
        if (code[2] != 0xd1)
            return 0;
        xcr0_write(edx_eax(regs));
        return 3;
    case 0xae:
        if (code[2] == 0xf0) {
            played_note(PLAYED_MFENCE, 0, 0);
            played_apic_settle(played_self());
        }
        return code[2] == 0xf0 || code[2] == 0xe8 ? 3 : 0; /* LFENCE orders no store */
    default:
        return 0;
    }
}

/* IN and OUT, of a byte or of 32 bits; the port is in the code (2 bytes then) or in DX. */
static unsigned play_port(greg_t *regs, const uint8_t *code)
{
    bool wide = code[0] & 1, out = code[0] & 2, in_dx = code[0] & 8;
    uint16_t port = in_dx ? (uint16_t)regs[REG_RDX] : code[1];
    uint64_t value = UINT32_MAX;

    played.tsc += played.port_cycles;
    if (port == played.pm_timer && port != 0) /* read in the middle of that time */
        value = (played.tsc - played.port_cycles / 2) / played.pm_timer_cycles & 0xffffff;
    if (!out)
        regs[REG_RAX] = wide ? (greg_t)(uint32_t)value
                             : (regs[REG_RAX] & ~(greg_t)0xff) | (greg_t)(value & 0xff);
    return in_dx ? 1 : 2;
}

/* One byte. An interrupt's state is not the process's to see in RFLAGS. */
static unsigned play_byte(greg_t *regs, const uint8_t *code)
{
    switch (code[0]) {
    case 0x9c: /* PUSHF */
        regs[REG_RSP] -= 8;
        *(uint64_t *)regs[REG_RSP] =
            ((uint64_t)regs[REG_EFL] & ~(uint64_t)(RFLAGS_TF | FRAME_RFLAGS_IF)) |
            (played.interrupts_on ? FRAME_RFLAGS_IF : 0);
        return 1;
    case 0xfa:
    case 0xfb:
        played.interrupts_on = code[0] == 0xfb;
        return 1;
    case 0xf3:
        if (code[1] != 0x90)
            return 0;
        played.tsc += COST_PAUSE;
        return 2;
    default:
        return (code[0] & 0xf4) == 0xe4 ? play_port(regs, code) : 0;
    }
}

static void vectors_look(greg_t *regs, const uint8_t *code)
{
    unsigned group = code[3] >> 3 & 7;

    if (code[0] != 0x48 || code[1] != 0x0f || code[3] >= 0xc0)
        return;
    if (code[2] == 0xc7 && group == 4)
        vectors_prepare(regs, PLAYED_XSAVEC);
    if (code[2] != 0xae)
        return;
    if (group < 2)
        vectors_prepare(regs, group == 0 ? PLAYED_FXSAVE : PLAYED_FXRSTOR);
    if (group == 4 || group == 5)
        vectors_prepare(regs, group == 4 ? PLAYED_XSAVE : PLAYED_XRSTOR);
    if (group == 6)
        played_fault("XSAVEOPT: a stack has been overwritten since");
}

static bool play(greg_t *regs)
{
    const uint8_t *code = (const uint8_t *)regs[REG_RIP];
    bool extended = (code[0] & 0xf0) == 0x40;
    unsigned done = 0;

    if (code[extended] == 0x0f)
        done = play_0f(regs, code + extended, (code[0] & 0xf1) == 0x41);
    if (done != 0)
        done += extended;
    else
        done = play_byte(regs, code);
    regs[REG_RIP] += done;
    return done != 0;
}

/* ---- steps ----------------------------------------------------------------------------------- */

/* The last instruction used the page, which was opened for it. */
static void access_end(void)
{
    if (accessed_write)
        played_apic_store(accessed, page[accessed / 4]);
    accessed = 0;
    mprotect((void *)page, PAGE_BYTES, PROT_NONE);
}

static void on_trap(int signal, siginfo_t *info, void *context)
{
    greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;

    (void)signal;
    if (info->si_code != TRAP_TRACE) { /* INT3: steps begin or end */
        regs[REG_EFL] ^= RFLAGS_TF;
        return;
    }
    played.steps++;
    if (accessed != 0)
        access_end();
    if (masked) {
        regs[REG_RAX] = masked_rax;
        regs[REG_RDX] = masked_rdx;
        masked = false;
    }
    while (play(regs))
        continue;
    vectors_look(regs, (const uint8_t *)regs[REG_RIP]);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
    uintptr_t offset = (uintptr_t)info->si_addr - PLAYED_APIC;

    if (number != SIGSEGV || offset >= PAGE_BYTES || offset == 0 || accessed != 0 ||
        (regs[REG_EFL] & RFLAGS_TF) == 0) {
        fprintf(stderr, "signal %d at %#llx, address %p; %s\n", number,
                (unsigned long long)regs[REG_RIP], info->si_addr, played.fault);
        signal(number, SIG_DFL);
        return;
    }
    if (offset % 16 != 0 || (played_self()->apic_base & APIC_BASE_X2APIC) ||
        !(played_self()->apic_base & APIC_BASE_ENABLE))
        played_fault("there is no register at 0x%x of the local APIC's page", (unsigned)offset);
    mprotect((void *)page, PAGE_BYTES, PROT_READ | PROT_WRITE);
    accessed = (uint32_t)offset;
    accessed_write = (regs[REG_ERR] & PAGE_FAULT_WRITE) != 0;
    if (!accessed_write)
        page[offset / 4] = played_apic_read(accessed);
}

static void __attribute__((noinline)) toggle(void)
{
    __asm__ volatile("int3\n\tnop" ::: "memory");
}

void played_begin(void)
{
    toggle();
}

void played_end(void)
{
    toggle();
    for (unsigned i = 0; i < PLAYED_CORES; i++)
        played_apic_settle(&played.cores[i]); /* in time they are all seen */
}

void played_core_is(unsigned core)
{
    played.core = core;
    syscall(SYS_arch_prctl, ARCH_SET_GS, played.cores[core].gs);
}

static void handlers_install(void)
{
    static uint8_t stack[64 * 1024]; /* a frame with AMX tiles takes 12 KiB */
    const stack_t own = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK};

    sigaltstack(&own, NULL);
    sigfillset(&action.sa_mask);
    action.sa_sigaction = on_trap;
    sigaction(SIGTRAP, &action, NULL);
    action.sa_sigaction = on_fault;
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGILL, &action, NULL);
}

void played_reset(void)
{
    uint32_t supported, unused;

    __cpuid_count(0xd, 0, supported, unused, unused, unused);
    if (accessed == 0 && played.per_cycles == 0 &&
        mmap((void *)page, PAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
             -1, 0) != page) {
        perror("the local APIC's page");
        abort();
    }
    handlers_install();
    played = (struct played){
        .features_1c = CPUID_1C_TSC_DEADLINE | CPUID_1C_XSAVE,
        .features_7d = CPUID_80000007D_INVARIANT_TSC,
        .components = supported & (3 | XCR0_AVX | XCR0_AVX512),
        .xsave_features = XSAVEC_SUPPORTED,
        .ticks = 1,
        .per_cycles = 1,
        .cr0 = 0x60000010,
        .xcr0 = 1,
        .tsc = 1000000,
    };
    for (unsigned i = 0; i < PLAYED_CORES; i++) {
        played.cores[i].apic_base = PLAYED_APIC | APIC_BASE_ENABLE;
        *played_apic_at(&played.cores[i], LAPIC_SPURIOUS) = 0xff;
        for (uint32_t lvt = LAPIC_LVT_TIMER; lvt <= LAPIC_LVT_ERROR; lvt += 16)
            *played_apic_at(&played.cores[i], lvt) = LAPIC_MASKED;
    }
}
