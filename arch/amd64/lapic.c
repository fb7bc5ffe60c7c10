/* SPDX-License-Identifier: MIT */
/*
 * The core's local APIC. Source: Intel SDM volume 3, chapter 10. Its registers are memory at the
 * address that a model-specific register gives, or, when the firmware has switched to x2APIC mode
 * (which can't simply be left again), model-specific registers themselves.
 */
#include "arch/amd64/amd64.h"
#include "arch/amd64/frame.h"
#include "arch/cpu.h"
#include "arch/irq.h"
#include "arch/trap.h"
#include "kernel/core.h"

#define APIC_BASE_ENABLE (1u << 11)
#define APIC_BASE_X2APIC (1u << 10)
#define APIC_BASE_ADDRESS 0xffffffffff000ull /* as many bits as the CPU has addresses */
#define SPURIOUS_ENABLE (1u << 8)
#define DELIVER_NMI (4u << 8)
#define DELIVER_ASSERT (1u << 14)
#define DELIVER_TO_SELF (1u << 18)
#define COMMAND_PENDING (1u << 12)

bool lapic_lines_kept;

volatile uint32_t *lapic_registers;

uint32_t lapic_read(unsigned reg)
{
    if (lapic_registers == NULL)
        return (uint32_t)amd64_rdmsr(MSR_X2APIC + (reg >> 4));
    return lapic_registers[reg / 4];
}

void lapic_send(uint32_t apic_id, uint32_t command)
{
    if (lapic_registers == NULL) {
        __asm__ volatile("mfence\n\tlfence" ::: "memory"); /* a register write orders nothing */
        amd64_wrmsr(MSR_X2APIC + (LAPIC_COMMAND >> 4), (uint64_t)apic_id << 32 | command);
        return;
    }
    lapic_registers[LAPIC_COMMAND_HIGH / 4] = apic_id << 24;
    lapic_registers[LAPIC_COMMAND / 4] = command;
    while (lapic_registers[LAPIC_COMMAND / 4] & COMMAND_PENDING)
        arch_cpu_relax();
}

/* With interrupts off, since whoever writes the command register finds it free. */
void amd64_soft_raise(unsigned line)
{
    arch_irq_state state;

    if (lapic_registers == NULL) {
        amd64_wrmsr(MSR_X2APIC + (LAPIC_SELF >> 4), VECTOR_SOFT + line);
        return;
    }
    state = arch_irq_save();
    lapic_registers[LAPIC_COMMAND / 4] = DELIVER_TO_SELF | DELIVER_ASSERT | (VECTOR_SOFT + line);
    while (lapic_registers[LAPIC_COMMAND / 4] & COMMAND_PENDING)
        arch_cpu_relax();
    arch_irq_restore(state);
}

uint32_t lapic_id(void)
{
    return lapic_registers == NULL ? lapic_read(LAPIC_ID) : lapic_read(LAPIC_ID) >> 24;
}

uint64_t lapic_address(void)
{
    return (uintptr_t)lapic_registers;
}

void lapic_init(void)
{
    uint64_t base = amd64_rdmsr(MSR_APIC_BASE);

    if ((base & APIC_BASE_ENABLE) == 0)
        amd64_wrmsr(MSR_APIC_BASE, base | APIC_BASE_ENABLE);
    if (core_self()->id != 0 && lapic_registers == NULL) /* core 0's mode is everybody's */
        amd64_wrmsr(MSR_APIC_BASE, base |= APIC_BASE_ENABLE | APIC_BASE_X2APIC);
    lapic_registers =
        base & APIC_BASE_X2APIC ? NULL : (volatile uint32_t *)(uintptr_t)(base & APIC_BASE_ADDRESS);
    lapic_write(LAPIC_TPR, 0);
    lapic_write(LAPIC_LVT_TIMER, LAPIC_MASKED | VECTOR_TIMER);
    if (!lapic_lines_kept) {
        lapic_write(LAPIC_LVT_LINT0, LAPIC_MASKED); /* the 8259's line */
        lapic_write(LAPIC_LVT_LINT1, DELIVER_NMI);
    }
    lapic_write(LAPIC_LVT_ERROR, LAPIC_MASKED);
    lapic_write(LAPIC_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
}
