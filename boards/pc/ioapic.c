/* SPDX-License-Identifier: MIT */
/* The I/O APIC: which of its inputs interrupts which core, with which vector. Source: Intel 82093AA
 * data sheet (290566). The 8259 pair, which answers otherwise, is initialised and masked. */
#include "arch/amd64/amd64.h"
#include "arch/amd64/frame.h"
#include "boards/pc/pc.h"
#include "kernel/print.h"

#include "boards/devices/i8259.h"

#define IOAPIC_USUAL_ADDRESS 0xfec00000u
#define IOAPIC_VERSION 1u
#define IOAPIC_REDIRECTION 0x10u
#define REDIRECTION_MASKED (1u << 16)
#define REDIRECTION_LEVEL (1u << 15)
#define REDIRECTION_ACTIVE_LOW (1u << 13)

static volatile uint32_t *ioapic;

static uint32_t ioapic_read(uint32_t reg)
{
    ioapic[0] = reg;
    return ioapic[4];
}

static void ioapic_write(uint32_t reg, uint32_t value)
{
    ioapic[0] = reg;
    ioapic[4] = value;
}

static void input_write(uint32_t input, uint32_t low)
{
    ioapic_write(IOAPIC_REDIRECTION + 2 * input, REDIRECTION_MASKED);
    ioapic_write(IOAPIC_REDIRECTION + 2 * input + 1, lapic_id() << 24);
    ioapic_write(IOAPIC_REDIRECTION + 2 * input, low);
}

uint64_t pc_ioapic_address(void)
{
    return pc_acpi.ioapic != 0 ? pc_acpi.ioapic : IOAPIC_USUAL_ADDRESS;
}

void pc_ioapic_init(unsigned com1_line)
{
    uint32_t com1 = pc_acpi.com1_gsi - pc_acpi.ioapic_gsi_base;
    uint32_t version, inputs;

    i8259_init();
    port_write8(I8259_MASTER + 1, 0xff);
    port_write8(I8259_SLAVE + 1, 0xff);
    ioapic = (volatile uint32_t *)(uintptr_t)pc_ioapic_address();
    version = ioapic_read(IOAPIC_VERSION);
    inputs = (version >> 16 & 0xff) + 1;
    if (version == 0 || version == UINT32_MAX || com1 >= inputs) {
        print_console(
            "weft: there is no I/O APIC for COM1's interrupt: the console can't be read\n");
        return;
    }
    for (uint32_t i = 0; i < inputs; i++)
        input_write(i, REDIRECTION_MASKED);
    input_write(com1, (VECTOR_DEVICE + com1_line) | (pc_acpi.com1_level ? REDIRECTION_LEVEL : 0) |
                          (pc_acpi.com1_active_low ? REDIRECTION_ACTIVE_LOW : 0));
}
