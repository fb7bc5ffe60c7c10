/* SPDX-License-Identifier: MIT */
/*
 * ACPI tables, good ones and bad ones (boards/pc/acpi.c). Each table ends where a page without
 * access begins, so a read behind it is a crash here; below 4 GiB, where the board believes them.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "boards/pc/pc.h"

#define PAGE 4096u
#define TABLES_MAX 64

static uint8_t *pages[TABLES_MAX];
static unsigned page_count;

static uint8_t *memory(size_t bytes)
{
    uint8_t *page = mmap(NULL, 2 * (size_t)PAGE, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

    cr_assert(page != MAP_FAILED && bytes <= PAGE && page_count < TABLES_MAX);
    cr_assert_eq(mprotect(page + PAGE, PAGE, PROT_NONE), 0);
    pages[page_count++] = page;
    return page + PAGE - bytes;
}

static void memory_free(void)
{
    while (page_count > 0)
        munmap(pages[--page_count], 2 * (size_t)PAGE);
}

static void put(uint8_t *at, uint64_t value, unsigned width)
{
    for (unsigned i = 0; i < width; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

/* Makes `bytes` at `table` add up to `sum`, by the byte at `offset`. */
static void seal(uint8_t *table, size_t bytes, unsigned offset, uint8_t sum)
{
    table[offset] = 0;
    for (size_t i = 0; i < bytes; i++)
        if (i != offset)
            sum = (uint8_t)(sum - table[i]);
    table[offset] = sum;
}

static uint8_t *table_new(const char *signature, size_t bytes)
{
    uint8_t *table = memory(bytes);

    memcpy(table, signature, 4);
    put(table + 4, bytes, 4);
    return table;
}

static void table_seal(uint8_t *table, size_t bytes)
{
    seal(table, bytes, 9, 0);
}

/* ---- a machine ---- */

enum { MADT_BYTES = 44 + 8 + 8 + 16 + 12 + 12 + 10 + 10, FADT_BYTES = 276, HPET_BYTES = 56 };
enum { DSDT_BYTES = 36 + 16, ROOT_ENTRIES = 3 };

static struct machine {
    uint8_t *rsdp, *xsdt, *rsdt, *madt, *fadt, *hpet, *dsdt;
} machine;

static void madt_make(void)
{
    /* Two cores and one that is not enabled; an x2APIC's; an I/O APIC for lines from 24 on, and the
     * one for COM1's; COM1's line goes to input 20, low when active, by level. */
    static const uint8_t entries[] = {
        0,    8,    0,  3,  1, 0, 0, 0,   0, 8, 1,  4, 0,    0,    0,  0, 9, 16,  0,
        0,    77,   1,  0,  0, 1, 0, 0,   0, 0, 0,  0, 0,    1,    12, 1, 0, 0,   0,
        0xc1, 0xfe, 24, 0,  0, 0, 1, 12,  0, 0, 0,  0, 0xc0, 0xfe, 0,  0, 0, 0,   2,
        10,   0,    4,  20, 0, 0, 0, 0xf, 0, 2, 10, 0, 9,    9,    0,  0, 0, 0xd, 0};

    _Static_assert(sizeof entries == MADT_BYTES - 44, "all of them");
    machine.madt = table_new("APIC", MADT_BYTES);
    memcpy(machine.madt + 44, entries, sizeof entries);
    table_seal(machine.madt, MADT_BYTES);
}

static void fadt_make(void)
{
    static const uint8_t s5[] = {'_', 'S', '5', '_', 0x12, 6, 4, 0x0a, 5, 1, 0, 0};

    machine.dsdt = table_new("DSDT", DSDT_BYTES);
    memcpy(machine.dsdt + 36 + 4, s5, sizeof s5);
    table_seal(machine.dsdt, DSDT_BYTES);
    machine.fadt = table_new("FACP", FADT_BYTES);
    put(machine.fadt + 40, (uintptr_t)machine.dsdt, 4);
    put(machine.fadt + 48, 0xb2, 4);
    machine.fadt[52] = 0xa0;
    put(machine.fadt + 64, 0x604, 4);
    put(machine.fadt + 112, 1u << 8 | 1u << 10, 4);
    machine.fadt[116] = 1; /* the reset register: I/O */
    put(machine.fadt + 120, 0xcf9, 8);
    machine.fadt[128] = 0x0f;
    machine.fadt[208] = 1; /* the timer, by its generic address only */
    put(machine.fadt + 212, 0x608, 8);
    table_seal(machine.fadt, FADT_BYTES);
}

static void machine_make(void)
{
    memory_free();
    madt_make();
    fadt_make();
    machine.hpet = table_new("HPET", HPET_BYTES);
    machine.hpet[41] = 64; /* bits wide; in memory */
    put(machine.hpet + 44, 0xfed00000, 8);
    table_seal(machine.hpet, HPET_BYTES);
    machine.xsdt = table_new("XSDT", 36 + 8 * ROOT_ENTRIES);
    machine.rsdt = table_new("RSDT", 36 + 4 * ROOT_ENTRIES);
    for (unsigned i = 0; i < ROOT_ENTRIES; i++) {
        uint8_t *table = i == 0 ? machine.madt : i == 1 ? machine.fadt : machine.hpet;

        put(machine.xsdt + 36 + 8 * i, (uintptr_t)table, 8);
        put(machine.rsdt + 36 + 4 * i, (uintptr_t)table, 4);
    }
    table_seal(machine.xsdt, 36 + 8 * ROOT_ENTRIES);
    table_seal(machine.rsdt, 36 + 4 * ROOT_ENTRIES);
    machine.rsdp = memory(36);
    memcpy(machine.rsdp, "RSD PTR ", 8);
    machine.rsdp[15] = 2;
    put(machine.rsdp + 16, (uintptr_t)machine.rsdt, 4);
    put(machine.rsdp + 20, 36, 4);
    put(machine.rsdp + 24, (uintptr_t)machine.xsdt, 8);
    seal(machine.rsdp, 20, 8, 0);
    seal(machine.rsdp, 36, 32, 0);
}

static void take(void)
{
    pc_acpi_take((uintptr_t)machine.rsdp);
}

/* From the MADT, the FADT with its DSDT, and the HPET: what each table that counts has said. */
static void expect_madt(bool counts)
{
    cr_assert_eq(pc_acpi.cores, counts ? 2 : 0);
    cr_assert(!counts || (pc_acpi.apic_ids[0] == 3 && pc_acpi.apic_ids[1] == 333));
    cr_assert_eq(pc_acpi.ioapic, counts ? 0xfec00000 : 0);
    cr_assert_eq(pc_acpi.ioapic_gsi_base, 0);
    cr_assert_eq(pc_acpi.com1_gsi, counts ? 20 : 4);
    cr_assert_eq(pc_acpi.com1_active_low, counts);
    cr_assert_eq(pc_acpi.com1_level, counts);
}

static void expect_fadt(bool counts)
{
    cr_assert_eq(pc_acpi.pm1a_control, counts ? 0x604 : 0);
    cr_assert_eq(pc_acpi.pm1b_control, 0);
    cr_assert_eq(pc_acpi.pm_timer, counts ? 0x608 : 0);
    cr_assert_eq(pc_acpi.pm_timer_32bit, counts);
    cr_assert_eq(pc_acpi.smi_command, counts ? 0xb2 : 0);
    cr_assert_eq(pc_acpi.acpi_enable, counts ? 0xa0 : 0);
    cr_assert_eq(pc_acpi.has_reset, counts);
    cr_assert_eq(pc_acpi.reset_space, counts ? 1 : 0);
    cr_assert_eq(pc_acpi.reset_address, counts ? 0xcf9 : 0);
    cr_assert_eq(pc_acpi.reset_value, counts ? 0x0f : 0);
}

static void expect_s5(bool counts)
{
    cr_assert_eq(pc_acpi.has_s5, counts);
    cr_assert_eq(pc_acpi.s5_type_a, counts ? 5 : 0);
    cr_assert_eq(pc_acpi.s5_type_b, counts ? 1 : 0);
}

static void expect(bool madt, bool fadt, bool s5, bool hpet)
{
    cr_assert(pc_acpi.found);
    expect_madt(madt);
    expect_fadt(fadt);
    expect_s5(s5);
    cr_assert_eq(pc_acpi.hpet, hpet ? 0xfed00000 : 0);
}

Test(pc_acpi, good_tables)
{
    machine_make();
    take();
    expect(true, true, true, true);
}

/* Revision 1 has no XSDT; one whose XSDT is broken is treated as such. */
Test(pc_acpi, root_table_of_32_bits)
{
    machine_make();
    machine.rsdp[15] = 0;
    seal(machine.rsdp, 20, 8, 0);
    memset(machine.xsdt, 0, 36);
    take();
    expect(true, true, true, true);

    machine_make();
    machine.xsdt[10]++;
    take();
    expect(true, true, true, true);

    machine_make();
    put(machine.rsdp + 24, 5ull << 32, 8); /* where nothing is mapped */
    seal(machine.rsdp, 36, 32, 0);
    take();
    expect(true, true, true, true);
}

Test(pc_acpi, table_that_does_not_add_up_is_not_there)
{
    machine_make();
    machine.madt[9]++;
    take();
    expect(false, true, true, true);
    machine_make();
    machine.fadt[9]++;
    take();
    expect(true, false, false, true);
    machine_make();
    machine.dsdt[9]++;
    take();
    expect(true, true, false, true);
    machine_make();
    machine.hpet[9]++;
    take();
    expect(true, true, true, false);
    machine_make();
    machine.xsdt[9]++;
    machine.rsdt[9]++;
    take();
    cr_assert_not(pc_acpi.found);
}

static void length_lies(uint32_t length)
{
    machine_make();
    put(machine.madt + 4, length, 4);
    seal(machine.madt, length < MADT_BYTES && length > 9 ? length : MADT_BYTES, 9, 0);
    take();
    expect(false, true, true, true);
}

Test(pc_acpi, table_with_an_impossible_length_is_not_there)
{
    length_lies(0);
    length_lies(35);
    length_lies((16u << 20) + 1);
    length_lies(UINT32_MAX);
}

/* Shorter than its fields, but in order: what is missing reads as nothing. */
Test(pc_acpi, short_table_says_less)
{
    machine_make();
    put(machine.fadt + 4, 36, 4);
    table_seal(machine.fadt, 36);
    take();
    expect(true, false, false, true);
    machine_make();
    put(machine.hpet + 4, 44, 4);
    table_seal(machine.hpet, 44);
    take();
    expect(true, true, true, false);
}

static void madt_entry_length(unsigned offset, uint8_t length)
{
    machine_make();
    machine.madt[offset + 1] = length;
    table_seal(machine.madt, MADT_BYTES);
    take();
    cr_assert(pc_acpi.found);
}

/* The list ends at the first entry that can't be; what stood before it counts. */
Test(pc_acpi, entries_that_cannot_be)
{
    for (unsigned length = 0; length < 2; length++) {
        madt_entry_length(44 + 16, (uint8_t)length);
        cr_assert_eq(pc_acpi.cores, 1);
        cr_assert_eq(pc_acpi.ioapic, 0);
    }
    madt_entry_length(MADT_BYTES - 10, 11); /* one byte behind the table */
    cr_assert_eq(pc_acpi.com1_gsi, 20);
    madt_entry_length(44, 255);
    cr_assert_eq(pc_acpi.cores, 0);
}

Test(pc_acpi, more_cores_than_there_is_room_for)
{
    enum { CORES = 200, BYTES = 44 + 8 * CORES };

    machine_make();
    machine.madt = table_new("APIC", BYTES);
    for (unsigned i = 0; i < CORES; i++) {
        uint8_t *entry = machine.madt + 44 + 8 * (size_t)i;

        entry[1] = 8;
        entry[3] = (uint8_t)(i + 1);
        entry[4] = 1;
    }
    table_seal(machine.madt, BYTES);
    put(machine.xsdt + 36, (uintptr_t)machine.madt, 8);
    table_seal(machine.xsdt, 36 + 8 * ROOT_ENTRIES);
    take();
    cr_assert_eq(pc_acpi.cores, CORES);
    for (unsigned i = 0; i < PC_CORES_MAX; i++)
        cr_assert_eq(pc_acpi.apic_ids[i], i + 1);
    cr_assert_eq(pc_acpi.com1_gsi, 4, "behind the array");
}

/* _S5's package, cut off at every length, and with every first byte. */
Test(pc_acpi, power_off_package_that_is_cut_off)
{
    for (size_t bytes = 36; bytes <= DSDT_BYTES; bytes++) {
        uint8_t *whole, *cut;

        machine_make();
        whole = machine.dsdt;
        cut = table_new("DSDT", bytes);
        memcpy(cut + 36, whole + 36, bytes - 36);
        table_seal(cut, bytes);
        put(machine.fadt + 40, (uintptr_t)cut, 4);
        table_seal(machine.fadt, FADT_BYTES);
        take();
        cr_assert(!pc_acpi.has_s5 || pc_acpi.s5_type_a == 5);
    }
    cr_assert(pc_acpi.has_s5, "the last one was whole");
    for (unsigned code = 0; code < 256; code++) {
        machine_make();
        machine.dsdt[36 + 8] = (uint8_t)code;
        table_seal(machine.dsdt, DSDT_BYTES);
        take();
        cr_assert_eq(pc_acpi.has_s5, code == 0x12);
    }
}

/* Anything at all in tables that add up: nothing behind their ends is read, and it ends. */
Test(pc_acpi, tables_full_of_anything)
{
    unsigned seed = 1;

    for (unsigned round = 0; round < 3000; round++) {
        struct {
            uint8_t *at;
            unsigned bytes, from;
        } tables[4];
        unsigned changes = 1 + round % 40;

        machine_make();
        tables[0].at = machine.madt, tables[0].bytes = MADT_BYTES, tables[0].from = 44;
        tables[1].at = machine.fadt, tables[1].bytes = 140, tables[1].from = 44; /* no address */
        tables[2].at = machine.hpet, tables[2].bytes = HPET_BYTES, tables[2].from = 36;
        tables[3].at = machine.dsdt, tables[3].bytes = DSDT_BYTES, tables[3].from = 36;
        for (unsigned i = 0; i < changes; i++) {
            unsigned which = (unsigned)rand_r(&seed) % 4;
            unsigned room = tables[which].bytes - tables[which].from;

            tables[which].at[tables[which].from + (unsigned)rand_r(&seed) % room] =
                (uint8_t)rand_r(&seed);
        }
        table_seal(machine.madt, MADT_BYTES);
        table_seal(machine.fadt, FADT_BYTES);
        table_seal(machine.hpet, HPET_BYTES);
        table_seal(machine.dsdt, DSDT_BYTES);
        take();
        cr_assert(pc_acpi.found);
        cr_assert_leq(pc_acpi.s5_type_a, 7);
        cr_assert(pc_acpi.hpet == 0 ||
                  (pc_acpi.hpet >= 0x100000 && pc_acpi.hpet + 1024 <= PC_LOW_END));
    }
}
