/* SPDX-License-Identifier: MIT */
/*
 * 64-bit division where the remainder is wanted as well. On 32-bit CPUs quotient and remainder are
 * two routines of libgcc, 1 KB each, and the compiler turns x - x / y * y into the second one; this
 * keeps it from seeing that.
 */
#ifndef KERNEL_DIVIDE_H
#define KERNEL_DIVIDE_H

#include <stdint.h>

static inline uint64_t divide_u64(uint64_t number, uint64_t by)
{
    uint64_t quotient = number / by;

    if (sizeof(void *) == 4)
        __asm__("" : "+r"(quotient));
    return quotient;
}

#endif
