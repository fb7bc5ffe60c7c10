/* SPDX-License-Identifier: MIT */
/*
 * Descriptor tables, and what exceptions are called. Sources: Intel SDM volume 3, chapters 3
 * (segments), 6 (interrupts, table 6-1) and 7 (task state). There is one privilege level and no
 * task is ever switched; segments exist because the CPU wants some.
 */
#include "arch/trap.h"

#include "arch/amd64/amd64.h"
#include "arch/atomic64.h"
#include "arch/upcall.h"
#include "kernel/console.h"
#include "kernel/core.h"
#include "kernel/print.h"

#define CHECK_OFFSET(type, field, offset)                                                          \
    _Static_assert(offsetof(struct type, field) == (offset), #type "." #field " moved")

CHECK_OFFSET(arch_frame, cr2, FRAME_CR2);
CHECK_OFFSET(arch_frame, r15, FRAME_R15);
CHECK_OFFSET(arch_frame, r14, FRAME_R14);
CHECK_OFFSET(arch_frame, r13, FRAME_R13);
CHECK_OFFSET(arch_frame, r12, FRAME_R12);
CHECK_OFFSET(arch_frame, rbp, FRAME_RBP);
CHECK_OFFSET(arch_frame, rbx, FRAME_RBX);
CHECK_OFFSET(arch_frame, r11, FRAME_R11);
CHECK_OFFSET(arch_frame, r10, FRAME_R10);
CHECK_OFFSET(arch_frame, r9, FRAME_R9);
CHECK_OFFSET(arch_frame, r8, FRAME_R8);
CHECK_OFFSET(arch_frame, rdi, FRAME_RDI);
CHECK_OFFSET(arch_frame, rsi, FRAME_RSI);
CHECK_OFFSET(arch_frame, rdx, FRAME_RDX);
CHECK_OFFSET(arch_frame, rcx, FRAME_RCX);
CHECK_OFFSET(arch_frame, rax, FRAME_RAX);
CHECK_OFFSET(arch_frame, vector, FRAME_VECTOR);
CHECK_OFFSET(arch_frame, error, FRAME_ERROR);
CHECK_OFFSET(arch_frame, rip, FRAME_RIP);
CHECK_OFFSET(arch_frame, rsp, FRAME_RSP);
CHECK_OFFSET(arch_frame, ss, FRAME_SS);
_Static_assert(sizeof(struct arch_frame) == FRAME_BYTES, "frame.h");
_Static_assert(FRAME_BYTES % 16 == 0 && PREEMPT_BYTES % 16 == 0, "the ABI's stack alignment");
CHECK_OFFSET(core, current, CORE_CURRENT);
CHECK_OFFSET(core, trap_sp, CORE_TRAP_SP);
CHECK_OFFSET(core, fpu_owner, CORE_FPU_OWNER);
_Static_assert(CORE_THREAD_FPU_AREA == THREAD_FPU_AREA, "vectors.S has the offset");
CHECK_OFFSET(amd64_core, id, GS_ID);
CHECK_OFFSET(amd64_core, core, GS_CORE);
CHECK_OFFSET(amd64_core, own_stacks_hi, GS_OWN_STACKS_HI);
CHECK_OFFSET(amd64_core, current, GS_CURRENT);

#define ENTRY_STACK_BYTES 256 /* vectors.S: what the CPU pushes, and five words */
#define DESCRIPTOR_CODE 0x00af9b000000ffffull
#define DESCRIPTOR_DATA 0x00cf93000000ffffull
#define DESCRIPTOR_TSS_AVAILABLE 0x89ull
#define GATE_INTERRUPT 0x8e00u

/* Slots of the interrupt stack table, from 1. */
enum { IST_INTERRUPT = 1, IST_EXCEPTION = 2, IST_NMI = 3, IST_FATAL = 4 };

struct task_state {
    uint32_t reserved0;
    uint64_t rsp[3], ist[8], reserved1; /* ist[0] is reserved */
    uint16_t reserved2, io_map;
} __attribute__((packed));

_Static_assert(sizeof(struct task_state) == 104, "task state segment");

struct gate {
    uint16_t offset_low, selector, flags, offset_middle;
    uint32_t offset_high, reserved;
};

struct table_pointer {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

/* The core's own stacks beside the system stack; vectors.S knows the first two as one stretch. */
struct own_stacks {
    uint8_t nmi[WEFT_CONFIG_SYSTEM_STACK_BYTES], fatal[WEFT_CONFIG_SYSTEM_STACK_BYTES];
    uint8_t entry[ENTRY_STACK_BYTES];
};

struct amd64_core amd64_cores[WEFT_CONFIG_CORES];

static struct gate gates[256];
static struct {
    uint64_t segment[5];
    struct task_state task;
} tables[WEFT_CONFIG_CORES] __attribute__((aligned(64)));
static struct own_stacks own_stacks[WEFT_CONFIG_CORES] __attribute__((aligned(64)));

static void gate_set(unsigned vector, const char *entry, unsigned ist)
{
    uint64_t offset = (uintptr_t)entry;

    gates[vector] = (struct gate){.offset_low = (uint16_t)offset,
                                  .selector = SELECTOR_CODE,
                                  .flags = (uint16_t)(GATE_INTERRUPT | ist),
                                  .offset_middle = (uint16_t)(offset >> 16),
                                  .offset_high = (uint32_t)(offset >> 32)};
}

static void gates_init(void)
{
    for (unsigned i = 0; i < VECTOR_EXCEPTIONS; i++)
        gate_set(i, amd64_exception_stubs + 16 * i, IST_EXCEPTION);
    gate_set(EXCEPTION_NMI, amd64_nmi_entry, IST_NMI);
    gate_set(EXCEPTION_DOUBLE_FAULT, amd64_fatal_double_fault, IST_FATAL);
    gate_set(EXCEPTION_MACHINE_CHECK, amd64_fatal_machine_check, IST_FATAL);
    for (unsigned i = 0; i < VECTOR_DEVICES; i++)
        gate_set(VECTOR_DEVICE + i, amd64_device_stubs + 16 * i, IST_INTERRUPT);
    gate_set(VECTOR_TIMER, amd64_timer_entry, IST_INTERRUPT);
    gate_set(VECTOR_IPI, amd64_ipi_entry, IST_INTERRUPT);
    for (unsigned i = 0; i < VECTOR_SOFT_LINES; i++)
        gate_set(VECTOR_SOFT + i, amd64_soft_stubs + 16 * i, IST_INTERRUPT);
    gate_set(VECTOR_SPURIOUS, amd64_spurious_entry, IST_INTERRUPT);
}

/* Code and data in 64-bit mode have no base or limit; the task state's descriptor has, in two
 * words. */
static void segments_load(unsigned id)
{
    uint64_t *segment = tables[id].segment;
    uint64_t task = (uintptr_t)&tables[id].task;
    struct table_pointer pointer = {sizeof tables[id].segment - 1, (uintptr_t)segment};

    segment[SELECTOR_CODE / 8] = DESCRIPTOR_CODE;
    segment[SELECTOR_DATA / 8] = DESCRIPTOR_DATA;
    segment[SELECTOR_TSS / 8] = (sizeof(struct task_state) - 1) | (task & 0xffffff) << 16 |
                                DESCRIPTOR_TSS_AVAILABLE << 40 | (task >> 24 & 0xff) << 56;
    segment[SELECTOR_TSS / 8 + 1] = task >> 32;
    __asm__ volatile("lgdt %0\n\t"
                     "pushq %1\n\t.cfi_adjust_cfa_offset 8\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t.cfi_adjust_cfa_offset 8\n\t"
                     "lretq\n\t.cfi_adjust_cfa_offset -16\n"
                     "1:\tmovl %2, %%eax\n\t"
                     "movl %%eax, %%ds\n\tmovl %%eax, %%es\n\tmovl %%eax, %%ss\n\t"
                     "ltr %w3" ::"m"(pointer),
                     "i"(SELECTOR_CODE), "i"(SELECTOR_DATA), "r"(SELECTOR_TSS)
                     : "rax", "memory");
}

void arch_trap_init(void)
{
    struct core *core = core_self();
    struct own_stacks *own = &own_stacks[core->id];
    struct task_state *task = &tables[core->id].task;
    struct table_pointer pointer = {sizeof gates - 1, (uintptr_t)gates};

    core->trap_sp = (void *)(core->system_stack_hi - FRAME_BYTES);
    amd64_cores[core->id].id = core->id;
    amd64_cores[core->id].core = core;
    amd64_cores[core->id].own_stacks_hi = (uintptr_t)own->entry;
    *task = (struct task_state){.io_map = sizeof *task};
    task->ist[IST_INTERRUPT] = core->system_stack_hi;
    task->ist[IST_EXCEPTION] = (uintptr_t)(own->entry + sizeof own->entry);
    task->ist[IST_NMI] = (uintptr_t)(own->nmi + sizeof own->nmi);
    task->ist[IST_FATAL] = (uintptr_t)(own->fatal + sizeof own->fatal);
    arch_restart_init(__restart_start, __restart_end);
    gates_init();
    segments_load(core->id);
    __asm__ volatile("lidt %0" ::"m"(pointer));
    lapic_init();
    machine_check_init();
}

/* ---- from vectors.S -------------------------------------------------------------------------- */

bool amd64_interrupt(struct arch_frame *frame)
{
    bool verdict = upcall_interrupt(frame, frame->vector);

    lapic_write(LAPIC_EOI, 0);
    return verdict;
}

bool amd64_timer(struct arch_frame *frame)
{
    lapic_write(LAPIC_EOI, 0);
    return upcall_timer(frame);
}

void amd64_exception(struct arch_frame *frame)
{
    if (frame->vector == EXCEPTION_NO_UNIT && amd64_fpu_take(core_self()))
        return;
    upcall_exception(frame);
}

/* Nothing can be resumed after these: no handler is asked. */
void amd64_fatal(struct arch_frame *frame)
{
    frame->rflags &= ~(uint64_t)FRAME_RFLAGS_IF;
    upcall_exception(frame);
}

/* Somebody wants to know what a running, or hung, system does: another core that samples this one,
 * or, from outside, all of it. */
void amd64_nmi(struct arch_frame *frame)
{
    struct core *core = core_self();
    struct arch_frame *interrupted = core->frame;

    core->interrupt_depth++;
    core->frame = frame;
    upcall_nmi();
    core->frame = interrupted;
    core->interrupt_depth--;
}

/* ---- reports ----------------------------------------------------------------------------------
 */

void amd64_control_print(void)
{
    print_console("cr0 %08x  cr3 %016llx  cr4 %08x\n", (unsigned)amd64_read_cr0(),
                  (unsigned long long)amd64_read_cr3(), (unsigned)amd64_read_cr4());
    machine_check_print();
}
