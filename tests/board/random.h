/* SPDX-License-Identifier: MIT */
/* Numbers for tests that do different things in an order that repeats. */
#ifndef TESTS_BOARD_RANDOM_H
#define TESTS_BOARD_RANDOM_H

#include <stdint.h>

/* Not 0, like *state. George Marsaglia, "Xorshift RNGs", 2003. */
static inline uint32_t next_random(uint32_t *state)
{
    uint32_t x = *state;

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

#endif
