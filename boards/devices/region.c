/* SPDX-License-Identifier: MIT */
#include "boards/devices/region.h"

#include "kernel/print.h"

/* The linker script's. */
extern unsigned char __text_start[], __image_end[];

const char *region_fault(const struct board_region *region)
{
    uintptr_t start = (uintptr_t)region->start;
    uintptr_t end = start + region->bytes;

    if (region->start == NULL || region->bytes < REGION_BYTES_MIN)
        return "the memory region is too small: it must have 65536 bytes at least";
    if (end < start)
        return "the memory region wraps around the address space: make it smaller";
    if (start < (uintptr_t)__image_end && end > (uintptr_t)__text_start) {
        print_console("weft: the memory region is %p to %p, the image %p to %p\n", (void *)start,
                      (void *)end, (void *)__text_start, (void *)__image_end);
        return "the memory region overlaps the image: let it start at __image_end";
    }
    return start % 16 == 0 ? NULL : "the memory region must start at a multiple of 16";
}
