/* SPDX-License-Identifier: MIT */
#include "image.h"

/* Count jumps forward to `value`: the clock takes it for time that passed. */
void count_set(uint32_t value)
{
    uint32_t status;

    __asm__ volatile("di %0\n\tehb\n\tmtc0 %1, $9\n\tehb\n\tmtc0 %0, $12\n\tehb"
                     : "=&r"(status)
                     : "r"(value)
                     : "memory");
}
