/* SPDX-License-Identifier: MIT */
/* What the port's files share, and what a board of this architecture may use. */
#ifndef ARCH_AMD64_AMD64_H
#define ARCH_AMD64_AMD64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weft/config.h>

struct arch_frame;
struct core;

/* ---- instructions --------------------------------------------------------------------------- */

struct amd64_cpuid {
    uint32_t a, b, c, d;
};

static inline struct amd64_cpuid amd64_cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct amd64_cpuid r;

    __asm__ volatile("cpuid"
                     : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
                     : "a"(leaf), "c"(subleaf));
    return r;
}

/* All zero when the CPU does not have the leaf (it would answer with another one's data). */
static inline struct amd64_cpuid amd64_cpuid_checked(uint32_t leaf, uint32_t subleaf)
{
    uint32_t last = amd64_cpuid(leaf & 0xffff0000u, 0).a;

    return leaf <= last && (last & 0xffff0000u) == (leaf & 0xffff0000u)
               ? amd64_cpuid(leaf, subleaf)
               : (struct amd64_cpuid){0, 0, 0, 0};
}

static inline uint64_t amd64_rdmsr(uint32_t msr)
{
    uint32_t low, high;

    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

static inline void amd64_wrmsr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                     : "memory");
}

#define AMD64_READ_CONTROL(name)                                                                   \
    static inline uint64_t amd64_read_##name(void)                                                 \
    {                                                                                              \
        uint64_t value;                                                                            \
                                                                                                   \
        __asm__ volatile("movq %%" #name ", %0" : "=r"(value));                                    \
        return value;                                                                              \
    }                                                                                              \
    static inline void amd64_write_##name(uint64_t value)                                          \
    {                                                                                              \
        __asm__ volatile("movq %0, %%" #name ::"r"(value) : "memory");                             \
    }

AMD64_READ_CONTROL(cr0)
AMD64_READ_CONTROL(cr3)
AMD64_READ_CONTROL(cr4)

enum {
    MSR_APIC_BASE = 0x1b,
    MSR_TSC_DEADLINE = 0x6e0,
    MSR_X2APIC = 0x800, /* registers follow */
    MSR_FS_BASE = 0xc0000100,
    MSR_GS_BASE = 0xc0000101,
};

#define CR0_MP (1u << 1)
#define CR0_EM (1u << 2)
#define CR0_TS (1u << 3)
#define CR0_NE (1u << 5)
#define CR0_WP (1u << 16)
#define CR4_OSFXSR (1u << 9)
#define CR4_OSXMMEXCPT (1u << 10)
#define CR4_OSXSAVE (1u << 18)

/* CPUID, leaf 1 and 0x80000001: Intel SDM volume 2, CPUID; AMD APM volume 3, appendix E. */
#define CPUID_1C_TSC_DEADLINE (1u << 24)
#define CPUID_1C_XSAVE (1u << 26)
#define CPUID_1C_RDRAND (1u << 30)
#define CPUID_1C_HYPERVISOR (1u << 31)
#define CPUID_1D_TSC (1u << 4)
#define CPUID_1D_MSR (1u << 5)
#define CPUID_1D_APIC (1u << 9)
#define CPUID_1D_FXSR (1u << 24)
#define CPUID_1D_SSE2 (1u << 26)
#define CPUID_80000001D_NX (1u << 20)
#define CPUID_80000007D_INVARIANT_TSC (1u << 8)

/* ---- traps ----------------------------------------------------------------------------------- */

/* Per core, at GS when there are several. The first words are known to assembly (frame.h). */
struct amd64_core {
    uint32_t id, pad;
    struct core *core;
    uintptr_t own_stacks_hi; /* top of the NMI and fault stacks */
    struct weft_thread *current;
};

extern struct amd64_core amd64_cores[WEFT_CONFIG_CORES];

/* vectors.S: entry points, 16 bytes apart: exceptions 0..31, then the board's lines. */
extern const char amd64_exception_stubs[], amd64_device_stubs[];
extern const char amd64_timer_entry[], amd64_ipi_entry[], amd64_soft_stubs[],
    amd64_spurious_entry[], amd64_nmi_entry[], amd64_fatal_double_fault[],
    amd64_fatal_machine_check[];
extern const char arch_trap_begin[], arch_trap_end[];
extern const char arch_interrupt_return[], arch_timer_return[], arch_exception_return[],
    arch_nmi_return[], arch_preempt_return[], arch_preempt_vector_return[];
extern const char arch_thread_resume[]; /* where a new context starts (switch.S) */

/* From the board's start code for core `id`, on its system stack: makes core_self() work. */
_Noreturn void amd64_boot_core(unsigned id);

/* From vectors.S, on the core's system stack (or the NMI's), interrupts off. */
bool amd64_interrupt(struct arch_frame *frame);
bool amd64_timer(struct arch_frame *frame);
void amd64_exception(struct arch_frame *frame);
void amd64_fatal(struct arch_frame *frame);
void amd64_nmi(struct arch_frame *frame);

/* For a report: the control registers, where they can be read. */
void amd64_control_print(void);

/* FXSAVE's area: Intel SDM volume 1, table 10-2. */
struct amd64_units {
    uint16_t control, status;
    uint32_t other[5];
    uint32_t mxcsr, mxcsr_mask;
    struct {
        uint64_t significand;
        uint16_t exponent, reserved[3];
    } st[8];
    uint64_t xmm[16][2];
    uint64_t reserved[12];
} __attribute__((aligned(16)));

_Static_assert(sizeof(struct amd64_units) == 512, "the instruction's size");

/* For a report: the registers of what was interrupted. NULL: it has never touched them. */
const struct amd64_units *amd64_units(void);

/* machine_check.c: this core's are exceptions from now on; what is known of the one that is
 * reported. */
void machine_check_init(void);
void machine_check_print(void);

/* #NM: a thread's first vector instruction. False: not that, a fault. */
bool amd64_fpu_take(struct core *core);

/* ---- local APIC (lapic.c) ---------------------------------------------------------------------
 */

enum {
    LAPIC_ID = 0x20,
    LAPIC_TPR = 0x80,
    LAPIC_EOI = 0xb0,
    LAPIC_SPURIOUS = 0xf0,
    LAPIC_ESR = 0x280,
    LAPIC_COMMAND = 0x300,
    LAPIC_COMMAND_HIGH = 0x310,
    LAPIC_LVT_TIMER = 0x320,
    LAPIC_LVT_THERMAL = 0x330,
    LAPIC_LVT_PERF = 0x340,
    LAPIC_LVT_LINT0 = 0x350,
    LAPIC_LVT_LINT1 = 0x360,
    LAPIC_LVT_ERROR = 0x370,
    LAPIC_TIMER_INITIAL = 0x380,
    LAPIC_TIMER_CURRENT = 0x390,
    LAPIC_TIMER_DIVIDE = 0x3e0,
    LAPIC_SELF = 0x3f0, /* x2APIC mode only */
};

#define LAPIC_MASKED (1u << 16)

void lapic_init(void);
extern bool lapic_lines_kept; /* LINT0 and LINT1 stay as they are: set before anything else */
/* Sends an interprocessor interrupt; `command` is the low word of the command register. */
void lapic_send(uint32_t apic_id, uint32_t command);

uint32_t lapic_id(void);
uint64_t lapic_address(void); /* of its registers; 0: they are not in memory */

/* Its registers; NULL: in x2APIC mode they are model-specific registers. */
extern volatile uint32_t *lapic_registers;

uint32_t lapic_read(unsigned reg);

/* Every interrupt writes one or two. */
static inline void lapic_write(unsigned reg, uint32_t value)
{
    if (__builtin_expect(lapic_registers == NULL, 0))
        amd64_wrmsr(MSR_X2APIC + (reg >> 4), value);
    else
        lapic_registers[reg / 4] = value;
}

/* ---- paging (paging.c) ------------------------------------------------------------------------
 */

#define PAGE_BYTES 4096u
#define LARGE_PAGE_BYTES 0x200000u

enum page_access {
    PAGE_NONE = 0,
    PAGE_READ = 1,
    PAGE_WRITE = 2,
    PAGE_EXECUTE = 4,
    PAGE_UNCACHED = 8,
};

/* Hands over memory for page tables: zeroed here, page-aligned, mapped. */
void paging_pool(void *start, size_t bytes);

/* Table pages that mapping RAM up to `end`, and splitting every 2 MiB page of it, can need. */
size_t paging_pool_bytes(uint64_t end);

/* Maps [start, end), page-aligned, onto itself with `access`; false when the pool is used up. */
bool paging_map(uint64_t start, uint64_t end, unsigned access);

/* From now on supervisor code obeys read-only pages too. */
void paging_protect(void);

#endif
