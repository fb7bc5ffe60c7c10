/* SPDX-License-Identifier: MIT */
/*
 * The core's local APIC. Source: Intel SDM volume 3, chapter 10. Its registers are memory at the
 * address that a model-specific register gives, or, when the firmware has switched to x2APIC mode
 * (which can't simply be left again), model-specific registers themselves.
 */
#include "arch/amd64/amd64.h"
#include "arch/amd64/frame.h"

#define APIC_BASE_ENABLE (1u << 11)
#define APIC_BASE_X2APIC (1u << 10)
#define APIC_BASE_ADDRESS 0xffffff000ull
#define SPURIOUS_ENABLE (1u << 8)
#define DELIVER_NMI (4u << 8)

static volatile uint32_t *registers; /* NULL: x2APIC mode */

uint32_t lapic_read(unsigned reg)
{
    if (registers == NULL)
        return (uint32_t)amd64_rdmsr(MSR_X2APIC + (reg >> 4));
    return registers[reg / 4];
}

void lapic_write(unsigned reg, uint32_t value)
{
    if (registers == NULL)
        amd64_wrmsr(MSR_X2APIC + (reg >> 4), value);
    else
        registers[reg / 4] = value;
}

uint32_t lapic_id(void)
{
    return registers == NULL ? lapic_read(LAPIC_ID) : lapic_read(LAPIC_ID) >> 24;
}

uint64_t lapic_address(void)
{
    return (uintptr_t)registers;
}

void lapic_init(void)
{
    uint64_t base = amd64_rdmsr(MSR_APIC_BASE);

    if ((base & APIC_BASE_ENABLE) == 0)
        amd64_wrmsr(MSR_APIC_BASE, base | APIC_BASE_ENABLE);
    registers =
        base & APIC_BASE_X2APIC ? NULL : (volatile uint32_t *)(uintptr_t)(base & APIC_BASE_ADDRESS);
    lapic_write(LAPIC_TPR, 0);
    lapic_write(LAPIC_LVT_TIMER, LAPIC_MASKED | VECTOR_TIMER);
    lapic_write(LAPIC_LVT_LINT0, LAPIC_MASKED); /* the 8259's line */
    lapic_write(LAPIC_LVT_LINT1, DELIVER_NMI);
    lapic_write(LAPIC_LVT_ERROR, LAPIC_MASKED);
    lapic_write(LAPIC_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
}
