/* SPDX-License-Identifier: MIT */
/* Numbers of registers beyond the 32 general ones, and the step between two registers' values: the
 * register numbered n holds pattern + n * PATTERN_STEP. The largest multiple fits 16 bits with
 * sign. */
#ifndef IMAGE_MIPS_H
#define IMAGE_MIPS_H

#define PATTERN_HI 32
#define PATTERN_LO 33
#define PATTERN_FPU 34
#define PATTERN_FPU_HIGH 66
#define PATTERN_FCSR 98
#define PATTERN_STEP 0x111

#endif
