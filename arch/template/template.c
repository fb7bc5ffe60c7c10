/* SPDX-License-Identifier: MIT */
/*
 * An empty port: every out-of-line function of the contract, none of which works. It compiles, and
 * tools/build/check-template.sh keeps it so; copy the folder, and replace one body after the other.
 * The contract is in the headers of arch/; arch/mips is the port to read beside it.
 */
#include "arch/clock.h"
#include "arch/context.h"
#include "arch/cpu.h"
#include "arch/fpu.h"
#include "arch/tls.h"
#include "arch/trap.h"
#include "arch/unwind.h"

/* In assembly: the first and last address of arch_switch. */
const char arch_switch_begin[1], arch_switch_end[1];

_Noreturn void arch_cpu_halt(void)
{
    for (;;)
        arch_cpu_relax();
}

/* In assembly: enable interrupts and wait, so that arch_cpu_idle_resume can tell where it was
 * interrupted. */
void arch_cpu_idle_irqoff(void)
{
    arch_cpu_halt();
}

void arch_cpu_idle_resume(struct arch_frame *frame)
{
    (void)frame;
    arch_cpu_halt();
}

const char *arch_cpu_missing(void)
{
    return "this is the template of a port";
}

void arch_clock_advance_irqoff(uint64_t cycles)
{
    (void)cycles;
    arch_cpu_halt();
}

void arch_clock_init(void)
{
    arch_cpu_halt();
}

void arch_clock_arm_irqoff(uint64_t deadline)
{
    (void)deadline;
    arch_cpu_halt();
}

void *arch_context_init(void *stack_top, void (*entry)(void *argument), void *argument)
{
    (void)stack_top;
    (void)entry;
    (void)argument;
    arch_cpu_halt();
}

/* In assembly: store the callee-saved registers, *save_sp = sp, sp = next_sp, load them, return. */
void arch_switch(void **save_sp, void *next_sp)
{
    (void)save_sp;
    (void)next_sp;
    arch_cpu_halt();
}

void arch_trap_init(void)
{
    arch_cpu_halt();
}

const char *arch_frame_cause(const struct arch_frame *frame)
{
    (void)frame;
    return "unknown exception";
}

bool arch_frame_bad_address(const struct arch_frame *frame, uintptr_t *address)
{
    (void)frame;
    *address = 0;
    return false;
}

enum weft_trap_cause arch_frame_trap(const struct arch_frame *frame)
{
    (void)frame;
    return WEFT_TRAP_OTHER;
}

uintptr_t *arch_frame_register(struct arch_frame *frame, unsigned number)
{
    (void)frame;
    (void)number;
    return NULL;
}

bool arch_frame_in_delay_slot(const struct arch_frame *frame)
{
    (void)frame;
    return false;
}

bool arch_frame_skip(struct arch_frame *frame)
{
    (void)frame;
    return false;
}

void arch_frame_print(const struct arch_frame *frame)
{
    (void)frame;
}

void arch_fpu_init(struct core *core)
{
    (void)core;
}

void arch_unwind_from_frame(struct arch_unwind *registers, const struct arch_frame *frame)
{
    *registers = (struct arch_unwind){.pc = arch_frame_pc(frame)};
    registers->value[ARCH_UNWIND_SP] = arch_frame_sp(frame);
}

void arch_unwind_from_parked(struct arch_unwind *registers, const void *saved_sp)
{
    *registers = (struct arch_unwind){.pc = 0};
    registers->value[ARCH_UNWIND_SP] = (uintptr_t)saved_sp;
}

void arch_unwind_here(struct arch_unwind *registers)
{
    *registers = (struct arch_unwind){.pc = 0};
}

bool arch_unwind_leaf(struct arch_unwind *registers, uintptr_t lo, uintptr_t hi)
{
    (void)registers;
    (void)lo;
    (void)hi;
    return false;
}

bool arch_unwind_through_trap(struct arch_unwind *registers, uintptr_t lo, uintptr_t hi)
{
    (void)registers;
    (void)lo;
    (void)hi;
    return false;
}

/* Thread-local variables: none, until the port has a thread pointer. */
enum arch_tls arch_tls_init(void)
{
    return ARCH_TLS_NONE;
}

size_t arch_tls_bytes(void)
{
    return 0;
}

uintptr_t arch_tls_make(uintptr_t top)
{
    return top;
}

void arch_tls_switch(uintptr_t from, uintptr_t to)
{
    (void)from;
    (void)to;
}
