/* SPDX-License-Identifier: MIT */
/* What a port supplies to this test: image-PORT.S and image-PORT-*.c. */
#ifndef PATTERNS_H
#define PATTERNS_H

#include <stdbool.h>
#include <stdint.h>

/* Shared with the assembly, by offset. */
struct pattern_control {
    volatile uint32_t rounds; /* written by the loop: how often it has checked everything */
    volatile uint32_t stop;   /* written by others: the loop returns 0 */
};

/* Fill every register that a program may use with values made of `pattern`, different in each
 * register, and check them over and over, never holding fewer than all but two. Return 0 when told
 * to stop, or the number of a register whose value has changed. The second one also holds all
 * floating-point registers and the control register. */
unsigned pattern_integer(uint32_t pattern, struct pattern_control *control);
unsigned pattern_fpu(uint32_t pattern, struct pattern_control *control);

/* Fill the registers with other values, and return. The second one takes the FPU away from whoever
 * has its state there. */
void scramble_integer(uint32_t seed);
void scramble_fpu(uint32_t seed);

/* The name of a register that a loop returned. */
const char *pattern_name(unsigned number);

/* Changes to the other register model that the CPU has (MIPS: FR = 1; amd64: AVX), for all threads,
 * before any has used the FPU; false when there is none. pattern_fpu follows it. */
bool pattern_widen_fpu(void);

#endif
