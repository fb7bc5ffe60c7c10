/* SPDX-License-Identifier: MIT */
/*
 * newlib's clocks. The boards have no calendar clock that weft reads: CLOCK_REALTIME (and time and
 * gettimeofday, which are the same clock) begins at 0, 1970, with the machine, until the program
 * sets it from whatever knows better. Setting it moves no sleeper: those count from boot.
 */
#include <errno.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <weft/atomic.h>
#include <weft/time.h>

#include "kernel/board.h"

#define NS_PER_S 1000000000

static uint64_t realtime_offset_ns; /* CLOCK_REALTIME less CLOCK_MONOTONIC */

static int fail(int error)
{
    errno = error;
    return -1;
}

static uint64_t realtime_ns(void)
{
    return weft_time_ns() + weft_atomic64_load(&realtime_offset_ns);
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    uint64_t now_ns;

    if (clock == CLOCK_REALTIME)
        now_ns = realtime_ns();
    else if (clock == CLOCK_MONOTONIC)
        now_ns = weft_time_ns();
    else
        return fail(EINVAL);
    time->tv_sec = (time_t)(now_ns / NS_PER_S);
    time->tv_nsec = (long)(now_ns % NS_PER_S);
    return 0;
}

int clock_settime(clockid_t clock, const struct timespec *time)
{
    if (clock != CLOCK_REALTIME || time->tv_nsec < 0 || time->tv_nsec >= NS_PER_S ||
        time->tv_sec < 0)
        return fail(EINVAL);
    weft_atomic64_store(&realtime_offset_ns, (uint64_t)time->tv_sec * NS_PER_S +
                                                 (uint64_t)time->tv_nsec - weft_time_ns());
    return 0;
}

/* That of the cycle counter, rounded up. */
int clock_getres(clockid_t clock, struct timespec *resolution)
{
    uint64_t hz = board_clock_hz();

    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
        return fail(EINVAL);
    if (resolution != NULL)
        *resolution = (struct timespec){.tv_nsec = (long)((NS_PER_S + hz - 1) / hz)};
    return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
    uint64_t now_us = realtime_ns() / 1000;

    (void)zone;
    time->tv_sec = (time_t)(now_us / 1000000);
    time->tv_usec = (suseconds_t)(now_us % 1000000);
    return 0;
}

int settimeofday(const struct timeval *time, const struct timezone *zone)
{
    (void)zone;
    return clock_settime(CLOCK_REALTIME,
                         &(struct timespec){time->tv_sec, (long)time->tv_usec * 1000});
}

clock_t times(struct tms *times)
{
    clock_t now = (clock_t)(weft_time_ns() / (NS_PER_S / CLOCKS_PER_SEC));

    *times = (struct tms){.tms_utime = now};
    return now;
}
