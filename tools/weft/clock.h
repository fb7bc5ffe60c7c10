/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_WEFT_CLOCK_H
#define TOOLS_WEFT_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Milliseconds of a clock that nobody sets. */
static inline int64_t clock_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What is left until `deadline_ms`, as poll(2) wants it; 0 when it has passed. */
static inline int clock_left_ms(int64_t deadline_ms)
{
    int64_t left = deadline_ms - clock_now_ms();

    return left < 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
}

#endif
