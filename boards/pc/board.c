/* SPDX-License-Identifier: MIT */
/*
 * A PC: 16550 on COM1, I/O APIC, ACPI. README.md in this folder is the board's notebook.
 *
 * Memory, once board_init is done. Everything is mapped onto itself. The first page is not mapped:
 * a NULL pointer faults. The image's text can't be written, its constants neither written nor
 * executed, all else not executed. Beyond the RAM only the registers of devices that weft uses are
 * mapped, uncached. The page tables' pages come out of the RAM before the heap gets it.
 */
#include "kernel/board.h"

#include <string.h>

#include "arch/amd64/amd64.h"
#include "arch/amd64/frame.h"
#include "arch/irq.h"
#include "arch/trap.h"
#include "boards/devices/command_line.h"
#include "boards/pc/pc.h"
#include "kernel/assert.h"
#include "kernel/console.h"
#include "kernel/print.h"
#include "kernel/spinlock.h"

static inline uint8_t uart_read(unsigned reg)
{
    return port_read8(PC_COM1 + reg);
}

static inline void uart_write(unsigned reg, uint8_t value)
{
    port_write8(PC_COM1 + reg, value);
}

#include "boards/devices/uart16550.h"

#define HEAP_MINIMUM_BYTES 0x10000u
#define STATUS_UNUSABLE_BOARD 78
#define COM1_LINE 4 /* as board_interrupt sees it */
#define ISA_DEBUG_EXIT 0xf4
/* QEMU exits with twice what is written there and 1, of which 8 bits survive. One is added to the
 * status, because QEMU's own failures end with 1. */
#define ISA_STATUS_MAX 124
#define ISA_STATUS_LARGE 127

static uint64_t clock_hz;

/* Linker script. */
extern unsigned char __image_start[], __text_start[], __rodata_start[], __data_start[],
    __image_end[];

static uint64_t round_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) / unit * unit;
}

static _Noreturn void unusable(void)
{
    board_exit(STATUS_UNUSABLE_BOARD);
}

void board_early_init(uintptr_t a0, uintptr_t a1, uintptr_t a2, uintptr_t a3)
{
    (void)a2;
    (void)a3;
    board_needs_linker_script();
    uart_init(PC_BAUD);
    arch_trap_init(); /* so that a mistake in the following is reported too */
    if (!pc_boot_info_take(a0, a1)) {
        print_console(
            "weft: started by an unknown loader (0x%lx): Multiboot or PVH is needed; stopped\n",
            (unsigned long)a0);
        unusable();
    }
    pc_acpi_take(pc_boot_info.rsdp);
}

/* ---- memory -----------------------------------------------------------------------------------
 */

/* End of all RAM, of RAM below 4 GiB. */
static void ram_ends(uint64_t *end, uint64_t *low_end)
{
    *end = *low_end = 0;
    for (unsigned i = 0; i < pc_boot_info.ram_count; i++) {
        *end = pc_boot_info.ram[i].end;
        if (*end <= PC_LOW_END)
            *low_end = *end;
    }
}

/* The page tables' pages: from the start of the first stretch behind the image that has room. */
static void pool_take(uint64_t ram_end)
{
    size_t bytes = paging_pool_bytes(ram_end);

    for (unsigned i = 0; i < pc_boot_info.ram_count; i++) {
        struct pc_range *range = &pc_boot_info.ram[i];

        if (range->end > PC_LOW_END || range->end - range->start < bytes + HEAP_MINIMUM_BYTES)
            continue;
        paging_pool((void *)(uintptr_t)range->start, bytes);
        range->start += bytes;
        return;
    }
    print_console(
        "weft: there is too little RAM: %u KiB for page tables and %u KiB of heap do not fit "
        "behind the image; stopped\n",
        (unsigned)(bytes / 1024), HEAP_MINIMUM_BYTES / 1024);
    unusable();
}

/* The tables are every core's; the heap gives pages back without holding a lock. */
static struct spinlock map_lock = SPINLOCK_INITIALIZER(RANK_BOARD, "page tables");

static void map(uint64_t start, uint64_t end, unsigned access)
{
    arch_irq_state state = spinlock_lock(&map_lock);
    bool done = paging_map(start, end, access);

    spinlock_unlock(&map_lock, state);
    ASSERT(done); /* pool_take has reckoned with every page */
}

/* Devices' registers, the page that `address` is in; 0: there is no such device. */
static void map_device(uint64_t address)
{
    uint64_t page = address & ~(uint64_t)(PAGE_BYTES - 1);

    if (page != 0 && page < PC_LOW_END)
        map(page, page + PAGE_BYTES, PAGE_READ | PAGE_WRITE | PAGE_UNCACHED);
}

static void map_devices(void)
{
    map_device(lapic_address());
    map_device(pc_ioapic_address());
    map_device(pc_acpi.hpet);
    if (pc_acpi.has_reset && pc_acpi.reset_space == 0)
        map_device(pc_acpi.reset_address);
}

static void memory_init(void)
{
    uint64_t ram_end, low_end;

    pc_ram_reserve((uintptr_t)__image_start, (uintptr_t)__image_end);
    if (pc_boot_info.has_input)
        pc_ram_reserve(pc_boot_info.input.start, pc_boot_info.input.end);
    ram_ends(&ram_end, &low_end);
    pool_take(ram_end);
    low_end = round_up(low_end, LARGE_PAGE_BYTES);
    map((uintptr_t)__text_start, (uintptr_t)__rodata_start, PAGE_READ | PAGE_EXECUTE);
    map((uintptr_t)__rodata_start, (uintptr_t)__data_start, PAGE_READ);
    map(0, PAGE_BYTES, PAGE_NONE);
    map(PAGE_BYTES, (uintptr_t)__text_start, PAGE_READ | PAGE_WRITE);
    map((uintptr_t)__data_start, low_end, PAGE_READ | PAGE_WRITE);
    map(low_end, PC_LOW_END, PAGE_NONE);
    for (unsigned i = 0; i < pc_boot_info.ram_count; i++)
        if (pc_boot_info.ram[i].end > PC_LOW_END)
            map(pc_boot_info.ram[i].start, pc_boot_info.ram[i].end, PAGE_READ | PAGE_WRITE);
    map_devices();
    paging_protect();
}

bool board_heap_region(unsigned index, struct board_region *region)
{
    for (unsigned i = 0; i < pc_boot_info.ram_count; i++) {
        const struct pc_range *range = &pc_boot_info.ram[i];

        if (range->end - range->start < HEAP_MINIMUM_BYTES || index-- != 0)
            continue;
        region->start = (void *)(uintptr_t)range->start;
        region->bytes = range->end - range->start;
        return true;
    }
    return false;
}

/* Released pages are unmapped: whoever still uses them is found out. Their RAM stays theirs. */
void board_pages_release(void *start, size_t bytes)
{
    uint64_t first = round_up((uintptr_t)start, PAGE_BYTES);
    uint64_t end = ((uintptr_t)start + bytes) & ~(uint64_t)(PAGE_BYTES - 1);

    if (first < end)
        map(first, end, PAGE_NONE);
}

void board_pages_commit(void *start, size_t bytes)
{
    uint64_t first = round_up((uintptr_t)start, PAGE_BYTES);
    uint64_t end = ((uintptr_t)start + bytes) & ~(uint64_t)(PAGE_BYTES - 1);

    if (first < end)
        map(first, end, PAGE_READ | PAGE_WRITE);
}

/* ---- stack guards ---- */

size_t board_guard_bytes(void)
{
    return PAGE_BYTES;
}

bool board_guard_set(void *page, const void *end)
{
    (void)end;
    map((uintptr_t)page, (uintptr_t)page + PAGE_BYTES, PAGE_NONE);
    if (WEFT_CONFIG_CORES > 1)
        pc_cores_flush();
    return true;
}

void board_guard_clear(void *page, const void *end)
{
    (void)end;
    map((uintptr_t)page, (uintptr_t)page + PAGE_BYTES, PAGE_READ | PAGE_WRITE);
}

/* ---- devices ------------------------------------------------------------------------------------
 */

void board_init(void)
{
    memory_init();
    clock_hz = pc_clock_measure();
    if (clock_hz == 0) {
        print_console("weft: there is no timer to measure the time stamp counter by; stopped\n");
        unusable();
    }
    pc_ioapic_init(COM1_LINE);
    uart_receive_interrupts();
    if (WEFT_CONFIG_CORES > 1)
        board_core_init();
}

uint64_t board_clock_hz(void)
{
    return clock_hz;
}

const void *board_input(size_t *bytes)
{
    *bytes = pc_boot_info.input.end - pc_boot_info.input.start;
    return pc_boot_info.has_input ? (const void *)(uintptr_t)pc_boot_info.input.start : NULL;
}

const char *board_command_line(void)
{
    return command_line();
}

/* RDRAND, where the CPU has it; each word may need a few tries. */
static bool random_word(uint64_t *word)
{
    for (unsigned i = 0; i < 16; i++) {
        bool done;

        __asm__ volatile("rdrand %0" : "=r"(*word), "=@ccc"(done));
        if (done)
            return true;
    }
    return false;
}

bool board_random_seed(uint8_t seed[32])
{
    uint64_t words[4];

    if ((amd64_cpuid(1, 0).c & CPUID_1C_RDRAND) == 0)
        return false;
    for (unsigned i = 0; i < 4; i++)
        if (!random_word(&words[i]))
            return false;
    memcpy(seed, words, sizeof words);
    return true;
}

void board_console_write(const char *bytes, size_t count)
{
    uart_send(bytes, count);
}

int board_console_read(void)
{
    return uart_receive_byte();
}

void board_interrupt(uintptr_t pending)
{
    if (WEFT_CONFIG_CORES > 1)
        pc_core_flush_if_asked();
    if (pending == COM1_LINE)
        uart_receive_to_console();
}

/* Only bytes for the console. */
bool board_wakes(void)
{
    return false;
}

_Noreturn void board_exit(int status)
{
    arch_irq_save();
    if (!pc_boot_info.exit_by_isa || status > ISA_STATUS_MAX)
        print_console("weft: exit status %d\n", status);
    if (pc_boot_info.exit_by_isa)
        port_write32(ISA_DEBUG_EXIT,
                     status > ISA_STATUS_MAX ? ISA_STATUS_LARGE : (uint32_t)status + 1);
    pc_power_off();
}
