/* SPDX-License-Identifier: MIT */
/*
 * amd64: the firmware's interrupt table, 256 gates of 16 bytes (Intel SDM volume 3, 6.14.1). The
 * gates that are present there stay the firmware's; weft puts its own into the empty ones, the
 * timer's and the exceptions' among them. Segments are weft's by then, so a gate must name weft's
 * code segment.
 */
#include "boards/firmware/vectors.h"

#include <stdint.h>

#include "arch/amd64/frame.h"

#define GATES 256
#define GATE_PRESENT 0x8000u

struct gate {
    uint16_t offset_low, selector, flags, offset_middle;
    uint32_t offset_high, reserved;
};

struct table_pointer {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

static bool is_present(const struct gate *gate)
{
    return (gate->flags & GATE_PRESENT) != 0;
}

const char *firmware_vectors_fault(const void *vectors)
{
    const struct gate *gates = vectors;

    if ((uintptr_t)vectors % sizeof *gates != 0)
        return "vectors must be an interrupt table of 256 gates, aligned to 16";
    for (unsigned i = 0; i < GATES; i++)
        if (is_present(&gates[i]) && gates[i].selector != SELECTOR_CODE)
            return "a gate in vectors names another code segment than 0x08, which is weft's";
    if (is_present(&gates[VECTOR_TIMER]))
        return "gate 0xe0 in vectors is not empty: it is the timer's, and weft's";
    return 0;
}

/* weft has loaded its own table by now: what the CPU says is where to copy from. */
void firmware_vectors_restore(void *vectors)
{
    struct table_pointer pointer;
    struct gate *gates = vectors;

    __asm__ volatile("sidt %0" : "=m"(pointer));
    for (unsigned i = 0; i < GATES; i++)
        if (!is_present(&gates[i]))
            gates[i] = ((const struct gate *)(uintptr_t)pointer.base)[i];
    pointer = (struct table_pointer){GATES * sizeof *gates - 1, (uintptr_t)vectors};
    __asm__ volatile("lidt %0" ::"m"(pointer) : "memory");
}
