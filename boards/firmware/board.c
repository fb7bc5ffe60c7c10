/* SPDX-License-Identifier: MIT */
/*
 * The board of somebody else's firmware: its functions hand on to what weft_start was given. What
 * was given is checked first, because a wrong region or a missing function shows up much later and
 * somewhere else.
 */
#include "kernel/board.h"

#include <string.h>
#include <weft/console.h>
#include <weft/firmware.h>

#include "arch/cpu.h"
#include "arch/irq.h"
#include "boards/devices/region.h"
#include "boards/firmware/vectors.h"
#include "kernel/console.h"
#include "kernel/panic.h"
#include "kernel/print.h"

#define STATUS_UNUSABLE_BOARD 78

static struct weft_firmware firmware;

/* Says what is wrong, if anything is, and ends. */
static void stop_if(const char *sentence)
{
    if (sentence == NULL)
        return;
    print_console("weft: weft_start: %s; stopped\n", sentence);
    board_exit(STATUS_UNUSABLE_BOARD);
}

void board_early_init(uintptr_t a0, uintptr_t a1, uintptr_t a2, uintptr_t a3)
{
    struct board_region region;

    (void)a1;
    (void)a2;
    (void)a3;
    board_needs_linker_script();
    memcpy(&firmware, (const void *)a0, sizeof firmware);
    if (firmware.console_write == NULL || firmware.exit == NULL)
        arch_cpu_halt(); /* there is no way to say so */
    board_heap_region(0, &region);
    stop_if(region_fault(&region));
    if (firmware.clock_hz < 1000000 || firmware.clock_hz >= 1ull << 33)
        stop_if("clock_hz must be the cycle counter's frequency, 1 MHz to 8 GHz");
    if (firmware.vectors != NULL)
        stop_if(firmware_vectors_fault(firmware.vectors));
}

/* weft has installed its own vectors by now. */
void board_init(void)
{
    if (firmware.vectors != NULL)
        firmware_vectors_restore(firmware.vectors);
}

uint64_t board_clock_hz(void)
{
    return firmware.clock_hz;
}

bool board_heap_region(unsigned index, struct board_region *region)
{
    *region = (struct board_region){firmware.memory, firmware.memory_bytes};
    return index == 0;
}

const void *board_input(size_t *bytes)
{
    *bytes = firmware.input != NULL ? firmware.input_bytes : 0;
    return firmware.input;
}

const char *board_command_line(void)
{
    return firmware.command_line;
}

bool board_random_seed(uint8_t seed[32])
{
    return firmware.random_seed != NULL && firmware.random_seed(seed);
}

void board_console_write(const char *bytes, size_t count)
{
    firmware.console_write(bytes, count);
}

int board_console_read(void)
{
    return -1; /* weft_firmware_received brings them */
}

void weft_firmware_received(int byte)
{
    console_received(byte);
}

void board_interrupt(uintptr_t pending)
{
    if (firmware.interrupt == NULL)
        weft_panic("an interrupt came (lines 0x%lx) and weft_start was given no handler: set "
                   "`interrupt`, or keep the line from weft's vectors",
                   (unsigned long)pending);
    firmware.interrupt(pending);
}

/* What the firmware's handlers do, nobody knows here. */
bool board_wakes(void)
{
    return firmware.interrupt != NULL || firmware.vectors != NULL;
}

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

_Noreturn void board_exit(int status)
{
    arch_irq_save();
    firmware.exit(status);
    arch_cpu_halt();
}

/* ---- stack guards ---- */

/* Pages whose access this board can take away; none here: canaries are what is left. */
size_t board_guard_bytes(void)
{
    return 0;
}

bool board_guard_set(void *page, const void *end)
{
    (void)end;
    (void)page;
    return false;
}

void board_guard_clear(void *page, const void *end)
{
    (void)end;
    (void)page;
}

/* A device of files that the board has of its own, for open() (weft/file.h); NULL: none. */
struct weft_file_device *board_file_device(void)
{
    return NULL;
}
