/* SPDX-License-Identifier: MIT */
/* What the files of the PC board share. README.md in this folder is the board's notebook. */
#ifndef BOARDS_PC_PC_H
#define BOARDS_PC_PC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/board.h"

/* ---- I/O ports --------------------------------------------------------------------------------
 */

static inline uint8_t port_read8(unsigned port)
{
    uint8_t value;

    __asm__ volatile("inb %w1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void port_write8(unsigned port, uint8_t value)
{
    __asm__ volatile("outb %0, %w1" ::"a"(value), "Nd"(port));
}

static inline uint16_t port_read16(unsigned port)
{
    uint16_t value;

    __asm__ volatile("inw %w1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void port_write16(unsigned port, uint16_t value)
{
    __asm__ volatile("outw %0, %w1" ::"a"(value), "Nd"(port));
}

static inline uint32_t port_read32(unsigned port)
{
    uint32_t value;

    __asm__ volatile("inl %w1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void port_write32(unsigned port, uint32_t value)
{
    __asm__ volatile("outl %0, %w1" ::"a"(value), "Nd"(port));
}

#define PC_COM1 0x3f8
#define PC_COM1_IRQ 4 /* ISA numbering */
#define PC_BAUD 115200

/* Everything below is mapped from the start; above, only RAM that the loader reported. */
#define PC_LOW_END (4ull << 30)

/* ---- what the loader said (boot_info.c) --------------------------------------------------------
 */

enum { PC_RAM_MAX = 64 };

/* Usable RAM, page-aligned, sorted, without the first megabyte. */
struct pc_range {
    uint64_t start, end;
};

struct pc_boot_info {
    struct pc_range ram[PC_RAM_MAX];
    unsigned ram_count;
    struct pc_range input; /* the first module */
    bool has_input;
    bool exit_by_isa; /* exit=isa: QEMU's isa-debug-exit is there */
    uint64_t rsdp;    /* 0: the loader did not say */
};

extern struct pc_boot_info pc_boot_info;

/* False when `magic` is of no known loader. */
bool pc_boot_info_take(uintptr_t magic, uintptr_t information);

/* Takes [start, end) out of the RAM. */
void pc_ram_reserve(uint64_t start, uint64_t end);

/* ---- ACPI (acpi.c) ------------------------------------------------------------------------------
 */

enum { PC_CORES_MAX = 32 };

struct pc_acpi {
    bool found;
    uint32_t ioapic; /* address; 0: none */
    uint32_t ioapic_gsi_base;
    unsigned cores; /* enabled local APICs, the first of them by number */
    uint32_t apic_ids[PC_CORES_MAX];
    uint32_t com1_gsi;
    bool com1_active_low, com1_level;
    uint64_t hpet; /* address; 0: none */
    uint16_t pm_timer;
    bool pm_timer_32bit;
    uint16_t pm1a_control, pm1b_control;
    bool has_s5;
    uint8_t s5_type_a, s5_type_b;
    uint16_t smi_command;
    uint8_t acpi_enable;
    bool has_reset;
    uint8_t reset_space, reset_value; /* space: 0 memory, 1 I/O */
    uint64_t reset_address;
};

extern struct pc_acpi pc_acpi;

void pc_acpi_take(uint64_t rsdp);

/* ---- interrupts (ioapic.c), time (clock_reference.c), power (power.c)
 * ---------------------------- */

uint64_t pc_ioapic_address(void);

/* Masks every line; then routes COM1's to `line`, as board_interrupt will see it. */
void pc_ioapic_init(unsigned com1_line);

/* The time stamp counter's frequency, or 0 when nothing is there to measure it by. */
uint64_t pc_clock_measure(void);

/* cores.c: a page was taken away: the other cores forget their translations before they run
 * anything else that weft starts there. */
void pc_cores_flush(void);
void pc_core_flush_if_asked(void);

/* Switches the machine off, or stops it. */
_Noreturn void pc_power_off(void);

#endif
