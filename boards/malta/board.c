/* SPDX-License-Identifier: MIT */
/*
 * MIPS Malta: 16550 console behind the PIIX4 south bridge, 8259 pair on CPU line 2, 8254 as the
 * reference for the CPU's clock. README.md in this folder is the board's notebook.
 */
#include "kernel/board.h"

#include <string.h>

#include "arch/clock.h"
#include "arch/cpu.h"
#include "arch/irq.h"
#include "arch/mips/frame.h"
#include "arch/mips/mips.h"
#include "boards/devices/command_line.h"
#include "boards/malta/malta.h"
#include "boards/malta/ports.h"
#include "kernel/console.h"
#include "kernel/print.h"

#include "boards/devices/i8254.h"
#include "boards/devices/i8259.h"
#include "boards/devices/uart16550.h"

/* What the boot loader said. Addresses are kseg0. */
static struct {
    uintptr_t ram_end;
    uintptr_t input_start;
    size_t input_bytes;
    bool has_input;
    bool exit_by_semihosting;
    bool has_seed;
    uint8_t seed[32];
} boot;

static uint64_t clock_hz;

extern unsigned char __image_end[]; /* linker script: first byte behind .bss */

/* Words of the kernel arguments that are the loader's or the board's own. */
static bool take_word(const char *word, size_t length)
{
    const char *value;

    if ((value = command_line_value(word, "rd_start")) != NULL) {
        boot.input_start = (uintptr_t)command_line_number(value); /* sign-extended to 64 bits */
        return true;
    }
    if ((value = command_line_value(word, "rd_size")) != NULL) {
        boot.input_bytes = (size_t)command_line_number(value);
        boot.has_input = true;
        return true;
    }
    if (!command_line_is(word, length, "exit=semihosting"))
        return false;
    boot.exit_by_semihosting = true;
    return true;
}

static void take_arguments(int count, const uint32_t *words)
{
    for (int i = 1; i < count; i++)
        command_line_take((const char *)(uintptr_t)words[i], take_word);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool take_seed(const char *hex)
{
    for (size_t i = 0; i < sizeof boot.seed; i++) {
        int high = hex_digit(hex[2 * i]);
        int low = high < 0 ? -1 : hex_digit(hex[2 * i + 1]);

        if (low < 0)
            return false;
        boot.seed[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* In bytes (YAMON, QEMU) or MiB (U-Boot): no board has less than 4 KiB or more than 4 GiB. */
static void take_memory_size(const char *value)
{
    uint64_t size = command_line_number(value);

    boot.ram_end = MALTA_RAM + (uintptr_t)(size < 4096 ? size << 20 : size);
}

static void take_setting(const char *name, size_t length, const char *value)
{
    if (command_line_is(name, length, "memsize")) {
        take_memory_size(value);
    } else if (command_line_is(name, length, "rngseed")) {
        boot.has_seed = take_seed(value);
    } else if (command_line_is(name, length, "initrd_start")) { /* U-Boot: uncached */
        boot.input_start =
            MALTA_RAM | ((uintptr_t)command_line_number(value) & MALTA_PHYSICAL_MASK);
    } else if (command_line_is(name, length, "initrd_size")) {
        boot.input_bytes = (size_t)command_line_number(value);
        boot.has_input = true;
    }
}

/* The environment, ended by NULL: pairs of name and value (YAMON's layout, QEMU's too), or one
 * string "name=value" for each (U-Boot's). */
static void take_environment(const uint32_t *strings)
{
    while (strings != NULL && strings[0] != 0) {
        const char *name = (const char *)(uintptr_t)*strings++;
        size_t length = strcspn(name, "=");

        if (name[length] == '=')
            take_setting(name, length, name + length + 1);
        else if (*strings != 0)
            take_setting(name, length, (const char *)(uintptr_t)*strings++);
    }
}

void board_early_init(uintptr_t a0, uintptr_t a1, uintptr_t a2, uintptr_t a3)
{
    board_needs_linker_script();
    uart_init(MALTA_BAUD);
    boot.ram_end = MALTA_RAM + (a3 != 0 ? a3 : MALTA_RAM_DEFAULT_BYTES);
    /* With semihosting on, QEMU leaves a0 at -1; the environment follows the arguments directly. */
    if ((int)a0 <= 0 && a1 != 0 && a2 > a1)
        a0 = (a2 - a1) / sizeof(uint32_t);
    take_arguments((int)a0, (const uint32_t *)a1);
    take_environment((const uint32_t *)a2);
    if (boot.ram_end > MALTA_RAM + MALTA_RAM_KSEG0_BYTES || boot.ram_end < MALTA_RAM)
        boot.ram_end = MALTA_RAM + MALTA_RAM_KSEG0_BYTES;
    if ((uintptr_t)__image_end + MALTA_HEAP_MINIMUM_BYTES > boot.ram_end) {
        print_console(
            "weft: the image ends at %p and RAM at %p: there is no room for a heap; stopped\n",
            (void *)__image_end, (void *)boot.ram_end);
        board_exit(STATUS_UNUSABLE_BOARD);
    }
}

static void interrupt_line_enable(uint32_t mask)
{
    uint32_t status;

    __asm__ volatile("mfc0 %0, $12\n\tor %0, %0, %1\n\tmtc0 %0, $12\n\tehb"
                     : "=&r"(status)
                     : "r"(mask)
                     : "memory");
}

static _Noreturn void refuse_timer(const char *which)
{
    print_console("weft: this board has no usable timer: %s; stopped\n", which);
    board_exit(STATUS_UNUSABLE_BOARD);
}

/* CPU cycles per second: Count against the 8254 over 10 ms. Count ticks at half the pipeline's
 * rate, or all of it; measuring makes that no matter. */
static uint64_t clock_measure(void)
{
    uint32_t start, cycles, reference;

    i8254_start();
    start = arch_clock_cycles();
    reference = i8254_wait(I8254_HZ / 100);
    cycles = arch_clock_cycles() - start;
    if (reference == 0)
        refuse_timer("the 8254 does not count");
    if (cycles == 0)
        refuse_timer("the CPU's Count register stands still");
    return (uint64_t)cycles * I8254_HZ / reference;
}

void board_init(void)
{
    clock_hz = clock_measure();
    i8259_init();
    i8259_unmask(MALTA_UART_IRQ);
    uart_receive_interrupts();
    interrupt_line_enable(STATUS_IM2);
    if (WEFT_CONFIG_CORES > 1)
        malta_cores_init();
}

uint64_t board_clock_hz(void)
{
    return clock_hz;
}

bool board_heap_region(unsigned index, struct board_region *region)
{
    uintptr_t start = ((uintptr_t)__image_end + 15) & ~(uintptr_t)15;
    uintptr_t input_end = boot.input_start + boot.input_bytes;
    bool split = boot.has_input && boot.input_start >= start && input_end <= boot.ram_end;

    if (index == 0) {
        region->start = (void *)start;
        region->bytes = (split ? boot.input_start : boot.ram_end) - start;
        return true;
    }
    if (index == 1 && split && boot.ram_end - input_end >= MALTA_HEAP_MINIMUM_BYTES) {
        region->start = (void *)input_end;
        region->bytes = boot.ram_end - input_end;
        return true;
    }
    return false;
}

const void *board_input(size_t *bytes)
{
    *bytes = boot.input_bytes;
    return boot.has_input ? (const void *)boot.input_start : NULL;
}

const char *board_command_line(void)
{
    return command_line();
}

struct weft_file_device *board_file_device(void)
{
    return boot.exit_by_semihosting ? malta_host_files() : NULL;
}

bool board_random_seed(uint8_t seed[32])
{
    memcpy(seed, boot.seed, sizeof boot.seed);
    return boot.has_seed;
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
    int line;

    if (WEFT_CONFIG_CORES > 1 && (pending & STATUS_IM3) != 0)
        malta_ipi_acknowledge();
    if ((pending & STATUS_IM2) == 0)
        return;
    while ((line = i8259_take()) >= 0)
        if (line == MALTA_UART_IRQ)
            uart_receive_to_console();
}

/* Only bytes for the console. */
bool board_wakes(void)
{
    return false;
}

/* RAM on this board is always there: released pages are only remembered by the heap's statistics.
 */
void board_pages_release(void *start, size_t bytes)
{
    (void)start;
    (void)bytes;
}

void board_pages_commit(void *start, size_t bytes)
{
    (void)start;
    (void)bytes;
}

/* Only where stacks are mapped: kseg0 has no pages to take away. */
size_t board_guard_bytes(void)
{
    return mips_guard_bytes();
}

bool board_guard_set(void *page, const void *end)
{
    if (!mips_guard_set(page, end))
        return false;
    if (WEFT_CONFIG_CORES > 1)
        malta_cores_empty_tlbs();
    return true;
}

void board_guard_clear(void *page, const void *end)
{
    mips_guard_clear(page, end);
}

_Noreturn void board_exit(int status)
{
    arch_irq_save();
    if (boot.exit_by_semihosting)
        malta_host_exit(status);
    else
        print_console("weft: exit status %d\n", status);
    *(volatile uint32_t *)MALTA_SOFT_RESET = MALTA_GO_RESET;
    arch_cpu_halt();
}
