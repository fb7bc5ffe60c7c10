/* SPDX-License-Identifier: MIT */
/*
 * The few facts that weft wants from ACPI: interrupt controllers, the timers' addresses, how to
 * switch off and reset. Source: ACPI Specification 6.4, chapter 5; tables are named by their
 * signatures.
 *
 * Tables are firmware's: nothing in them is believed. Each must lie in the mapped first 4 GiB, be
 * as long as what is read from it, and add up to zero. AML is not interpreted; the one package that
 * matters, \_S5, is found by its bytes.
 */
#include <string.h>

#include "boards/pc/pc.h"

#define HEADER_BYTES 36u
#define TABLE_MAX_BYTES (16u << 20)
#define LOWEST_TABLE 0x400u
#define BIOS_DATA_EBDA_SEGMENT 0x40eu
#define BIOS_START 0xe0000u
#define BIOS_END 0x100000u
#define RSDP_BYTES 20u
#define RSDP2_BYTES 36u

struct pc_acpi pc_acpi;

/* A table, or any stretch of bytes, with its length: fields are read through it. */
struct bytes {
    const uint8_t *at;
    uint32_t count;
};

/* `width` bytes at `offset`, little-endian; 0 when they lie outside. */
static uint64_t field(struct bytes table, uint32_t offset, unsigned width)
{
    uint64_t value = 0;

    if (offset > table.count || table.count - offset < width)
        return 0;
    for (unsigned i = width; i > 0; i--)
        value = value << 8 | table.at[offset + i - 1];
    return value;
}

static bool adds_up(struct bytes table)
{
    uint8_t sum = 0;

    for (uint32_t i = 0; i < table.count; i++)
        sum = (uint8_t)(sum + table.at[i]);
    return sum == 0;
}

/* The stretch at `address`, if it lies where memory is mapped. */
static bool mapped(uint64_t address, uint32_t count)
{
    return address >= LOWEST_TABLE && address < PC_LOW_END && PC_LOW_END - address >= count;
}

static bool table_at(uint64_t address, struct bytes *table)
{
    if (!mapped(address, HEADER_BYTES))
        return false;
    *table = (struct bytes){(const uint8_t *)(uintptr_t)address, HEADER_BYTES};
    table->count = (uint32_t)field(*table, 4, 4);
    return table->count >= HEADER_BYTES && table->count <= TABLE_MAX_BYTES &&
           mapped(address, table->count) && adds_up(*table);
}

static bool table_is(struct bytes table, const char *signature)
{
    return memcmp(table.at, signature, 4) == 0;
}

/* ---- the tables -------------------------------------------------------------------------------
 */

static void interrupt_override(struct bytes entry)
{
    uint32_t flags = (uint32_t)field(entry, 8, 2);

    if (field(entry, 3, 1) != PC_COM1_IRQ)
        return;
    pc_acpi.com1_gsi = (uint32_t)field(entry, 4, 4);
    pc_acpi.com1_active_low = (flags & 3) == 3;
    pc_acpi.com1_level = (flags >> 2 & 3) == 3;
}

static void core_add(uint32_t apic_id, uint32_t flags)
{
    if ((flags & 1) == 0)
        return; /* not enabled */
    if (pc_acpi.cores < PC_CORES_MAX)
        pc_acpi.apic_ids[pc_acpi.cores] = apic_id;
    pc_acpi.cores++;
}

/* One entry of the MADT. An I/O APIC counts when it is the one that COM1's line may be on. */
static void madt_entry(struct bytes entry)
{
    switch (field(entry, 0, 1)) {
    case 0: /* local APIC */
        core_add((uint32_t)field(entry, 3, 1), (uint32_t)field(entry, 4, 4));
        break;
    case 1: /* I/O APIC */
        if (pc_acpi.ioapic == 0 || field(entry, 8, 4) == 0) {
            pc_acpi.ioapic = (uint32_t)field(entry, 4, 4);
            pc_acpi.ioapic_gsi_base = (uint32_t)field(entry, 8, 4);
        }
        break;
    case 2:
        interrupt_override(entry);
        break;
    case 9: /* local x2APIC */
        core_add((uint32_t)field(entry, 4, 4), (uint32_t)field(entry, 8, 4));
        break;
    default:
        break;
    }
}

static void madt_take(struct bytes table)
{
    uint32_t at = 44;

    while (at + 2 <= table.count) {
        uint32_t length = (uint32_t)field(table, at + 1, 1);

        if (length < 2 || length > table.count - at)
            return;
        madt_entry((struct bytes){table.at + at, length});
        at += length;
    }
}

/* A port: the old field, or the generic address (space 1: I/O) that replaces it. */
static uint16_t port_of(struct bytes table, uint32_t old, uint32_t generic)
{
    uint64_t port = field(table, old, 4);

    if (port == 0 && field(table, generic, 1) == 1)
        port = field(table, generic + 4, 8);
    return port <= 0xffff ? (uint16_t)port : 0;
}

/* One element of an AML package: a constant of one or two bytes, or one of the short ones. */
static bool aml_integer(struct bytes aml, uint32_t *at, uint8_t *value)
{
    uint8_t code = (uint8_t)field(aml, *at, 1);
    uint32_t size = code == 0x0b ? 3 : code == 0x0a ? 2 : 1;

    if (*at >= aml.count || aml.count - *at < size)
        return false;
    if (code == 0 || code == 1) { /* ZeroOp, OneOp */
        *value = code;
        *at += 1;
        return true;
    }
    if (code != 0x0a && code != 0x0b) /* BytePrefix, WordPrefix */
        return false;
    *value = (uint8_t)field(aml, *at + 1, 1);
    *at += size;
    return true;
}

/* Name(_S5, Package{type a, type b, ...}), `at` behind the name. */
static bool s5_package(struct bytes aml, uint32_t at)
{
    uint8_t type_a, type_b;

    if (field(aml, at, 1) != 0x12) /* PackageOp */
        return false;
    at++;
    at += 1 + (uint32_t)(field(aml, at, 1) >> 6); /* its length, one to four bytes */
    at++;                                         /* how many elements */
    if (!aml_integer(aml, &at, &type_a))
        return false;
    if (!aml_integer(aml, &at, &type_b))
        type_b = type_a;
    pc_acpi.s5_type_a = type_a & 7;
    pc_acpi.s5_type_b = type_b & 7;
    return true;
}

static void aml_take(struct bytes table)
{
    for (uint32_t at = HEADER_BYTES; !pc_acpi.has_s5 && at + 4 < table.count; at++)
        if (memcmp(table.at + at, "_S5_", 4) == 0)
            pc_acpi.has_s5 = s5_package(table, at + 4);
}

static void fadt_take(struct bytes table)
{
    uint64_t dsdt_address = field(table, 140, 8);
    uint32_t flags = (uint32_t)field(table, 112, 4);
    struct bytes dsdt;

    if (dsdt_address == 0)
        dsdt_address = field(table, 40, 4);
    pc_acpi.smi_command = (uint16_t)field(table, 48, 4);
    pc_acpi.acpi_enable = (uint8_t)field(table, 52, 1);
    pc_acpi.pm1a_control = port_of(table, 64, 172);
    pc_acpi.pm1b_control = port_of(table, 68, 184);
    pc_acpi.pm_timer = port_of(table, 76, 208);
    pc_acpi.pm_timer_32bit = (flags & 1u << 8) != 0;
    pc_acpi.has_reset = (flags & 1u << 10) != 0 && field(table, 116, 1) <= 1;
    pc_acpi.reset_space = (uint8_t)field(table, 116, 1);
    pc_acpi.reset_address = field(table, 120, 8);
    pc_acpi.reset_value = (uint8_t)field(table, 128, 1);
    if (table_at(dsdt_address, &dsdt) && table_is(dsdt, "DSDT"))
        aml_take(dsdt);
}

static void hpet_take(struct bytes table)
{
    uint64_t address = field(table, 44, 8);

    if (field(table, 40, 1) == 0 && mapped(address, 1024) && address >= BIOS_END)
        pc_acpi.hpet = address;
}

static void table_take(uint64_t address)
{
    struct bytes table;

    if (!table_at(address, &table))
        return;
    if (table_is(table, "APIC"))
        madt_take(table);
    else if (table_is(table, "FACP"))
        fadt_take(table);
    else if (table_is(table, "HPET"))
        hpet_take(table);
    else if (table_is(table, "SSDT"))
        aml_take(table);
}

/* ---- from the root pointer down ----------------------------------------------------------------
 */

static bool rsdp_valid(uint64_t address)
{
    struct bytes rsdp = {(const uint8_t *)(uintptr_t)address, RSDP_BYTES};

    return mapped(address, RSDP2_BYTES) && memcmp(rsdp.at, "RSD PTR ", 8) == 0 && adds_up(rsdp);
}

static uint64_t rsdp_scan(uint64_t start, uint64_t end)
{
    for (uint64_t at = start; at + RSDP2_BYTES <= end; at += 16)
        if (rsdp_valid(at))
            return at;
    return 0;
}

/* The extended BIOS data area's first KiB, then the BIOS itself. */
static uint64_t rsdp_find(void)
{
    uint64_t ebda;
    uint64_t found = 0;
    uint16_t segment;

    memcpy(&segment, (const void *)(uintptr_t)BIOS_DATA_EBDA_SEGMENT, sizeof segment);
    ebda = (uint64_t)segment << 4;
    if (ebda >= 0x80000 && ebda < BIOS_START)
        found = rsdp_scan(ebda, ebda + 1024);
    return found != 0 ? found : rsdp_scan(BIOS_START, BIOS_END);
}

void pc_acpi_take(uint64_t rsdp)
{
    struct bytes pointer, root = {NULL, 0};
    unsigned width = 8;

    pc_acpi = (struct pc_acpi){.com1_gsi = PC_COM1_IRQ};
    if (rsdp == 0 || !rsdp_valid(rsdp))
        rsdp = rsdp_find();
    if (rsdp == 0)
        return;
    pointer = (struct bytes){(const uint8_t *)(uintptr_t)rsdp, RSDP2_BYTES};
    if (field(pointer, 15, 1) < 2 || !adds_up(pointer) || !table_at(field(pointer, 24, 8), &root)) {
        width = 4; /* revision 1, or an XSDT out of reach */
        if (!table_at(field(pointer, 16, 4), &root))
            return;
    }
    if (!table_is(root, width == 8 ? "XSDT" : "RSDT"))
        return;
    pc_acpi.found = true;
    for (uint32_t at = HEADER_BYTES; at + width <= root.count; at += width)
        table_take(field(root, at, width));
}
