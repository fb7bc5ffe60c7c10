/* SPDX-License-Identifier: MIT */
/*
 * The end. ACPI's soft-off state needs two values out of the firmware's tables (acpi.c). Without
 * them a virtual machine is reset, which its monitor takes for the end when it is told to (QEMU's
 * -no-reboot); a real machine, which would only start over, stops where it is.
 * Source: ACPI Specification 6.4, 4.8.3.2 (PM1 control) and 16.1.
 */
#include "arch/amd64/amd64.h"
#include "arch/clock.h"
#include "arch/cpu.h"
#include "boards/pc/pc.h"
#include "kernel/print.h"

#define PM1_SCI_ENABLE 0x0001u /* ACPI, not the firmware, has the power hardware */
#define PM1_SLEEP_TYPE_SHIFT 10
#define PM1_SLEEP_TYPE 0x1c00u
#define PM1_SLEEP_ENABLE 0x2000u
#define I8042_COMMAND 0x64
#define I8042_PULSE_RESET 0xfe
#define PCI_RESET 0xcf9
#define PCI_RESET_FULL 0x06
#define WAIT_CYCLES (1ull << 30) /* a good part of a second */

static void wait_long(void)
{
    uint64_t start = arch_clock_now_irqoff();

    while (arch_clock_now_irqoff() - start < WAIT_CYCLES)
        arch_cpu_relax();
}

static void acpi_mode_enter(void)
{
    uint64_t start = arch_clock_now_irqoff();

    if (pc_acpi.smi_command == 0 || pc_acpi.acpi_enable == 0)
        return;
    port_write8(pc_acpi.smi_command, pc_acpi.acpi_enable);
    while ((port_read16(pc_acpi.pm1a_control) & PM1_SCI_ENABLE) == 0 &&
           arch_clock_now_irqoff() - start < WAIT_CYCLES)
        arch_cpu_relax();
}

static void sleep_type_write(uint16_t port, uint8_t type)
{
    uint16_t value;

    if (port == 0)
        return;
    value = (uint16_t)(port_read16(port) & ~(PM1_SLEEP_TYPE | PM1_SLEEP_ENABLE));
    value = (uint16_t)(value | type << PM1_SLEEP_TYPE_SHIFT);
    port_write16(port, value);
    port_write16(port, (uint16_t)(value | PM1_SLEEP_ENABLE));
}

static void acpi_power_off(void)
{
    if (!pc_acpi.has_s5 || pc_acpi.pm1a_control == 0)
        return;
    if ((port_read16(pc_acpi.pm1a_control) & PM1_SCI_ENABLE) == 0)
        acpi_mode_enter();
    sleep_type_write(pc_acpi.pm1a_control, pc_acpi.s5_type_a);
    sleep_type_write(pc_acpi.pm1b_control, pc_acpi.s5_type_b);
    wait_long();
}

static void acpi_reset(void)
{
    if (!pc_acpi.has_reset)
        return;
    if (pc_acpi.reset_space == 1 && pc_acpi.reset_address <= 0xffff)
        port_write8((unsigned)pc_acpi.reset_address, pc_acpi.reset_value);
    else if (pc_acpi.reset_space == 0 && pc_acpi.reset_address < PC_LOW_END)
        *(volatile uint8_t *)(uintptr_t)pc_acpi.reset_address = pc_acpi.reset_value;
    wait_long();
}

/* Every way there is, most civil first; the last, an exception without a table to handle it, can't
 * fail. */
static _Noreturn void reset(void)
{
    const struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) nothing = {0, 0};

    acpi_reset();
    port_write8(PCI_RESET, PCI_RESET_FULL);
    port_write8(I8042_COMMAND, I8042_PULSE_RESET);
    wait_long();
    __asm__ volatile("lidt %0\n\tud2" ::"m"(nothing));
    __builtin_unreachable();
}

_Noreturn void pc_power_off(void)
{
    acpi_power_off();
    if (amd64_cpuid(1, 0).c & CPUID_1C_HYPERVISOR)
        reset();
    print_console("weft: this machine can't switch itself off; it is safe to do so\n");
    arch_cpu_halt();
}

/* A device of files that the board has of its own, for open() (weft/file.h); NULL: none. */
struct weft_file_device *board_file_device(void)
{
    return NULL;
}
