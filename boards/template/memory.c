/* SPDX-License-Identifier: MIT */
/* What the board owns and hands over: RAM, a file, arguments. */
#include "boards/devices/region.h"
#include "kernel/board.h"

#include <weft/console.h>

/* The linker script's: the first byte behind .bss. */
extern unsigned char __image_end[];

/* Where the RAM ends. Change it, or find it out (from the loader, the memory controller). */
#define RAM_END ((unsigned char *)(uintptr_t)0x84000000u)

/*
 * The RAM for the heap and the threads' stacks, a stretch for each call: index 0, 1, ... until
 * false; eight at most. Not the image, not the file, nothing that a device writes to. Boot, before
 * anything is allocated; also called again later, with the same answers. region_fault says what is
 * wrong with a region in a sentence; a board that computes its regions from what a loader said
 * should ask it, too.
 */
bool board_heap_region(unsigned index, struct board_region *region)
{
    const char *fault;

    region->start = __image_end;
    region->bytes = (size_t)((uintptr_t)RAM_END - (uintptr_t)__image_end);
    fault = index == 0 ? region_fault(region) : NULL;
    if (fault != NULL)
        weft_panic("board_heap_region: %s", fault);
    return index == 0;
}

/*
 * Whole pages inside a region are not needed for the time being, or are needed again; what is in
 * released pages may be forgotten. No lock is held; thread context. For boards that can save
 * something by it (switch banks off, unmap); others do nothing.
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

/*
 * The file that was handed over beside the image (an initial RAM disk, a module, a part of the
 * flash), readable for ever; *bytes is its length. NULL and 0 when there is none. Any context.
 */
const void *board_input(size_t *bytes)
{
    *bytes = 0;
    return NULL;
}

/* The program's arguments as one string, blanks between them; NULL: none. Once, before main. */
const char *board_command_line(void)
{
    return NULL;
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
