/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <weft/time.h>

#include "../firmware.h"
#include "image.h"

#define HANDLERS 75

static int constructed, handlers_wanted, handlers_run;

__attribute__((constructor(200))) static void construct_second(void)
{
    constructed = constructed == 1 ? 2 : -1;
}

__attribute__((constructor(150))) static void construct_first(void)
{
    constructed = constructed == 0 ? 1 : -1;
    errno = EDOM; /* the C library works already */
}

__attribute__((destructor)) static void destruct(void)
{
    if (handlers_wanted != 0)
        printf("destructor after %d handlers\n", handlers_run);
}

static void late_handler(void)
{
    handlers_run++;
    puts("handler that a handler registered");
}

static void count_handler(void)
{
    if (++handlers_run == 10)
        CHECK(atexit(late_handler) == 0);
}

static void last_handler(void)
{
    printf("first registered runs last, after %d\n", handlers_run);
}

static void first_handler(void)
{
    CHECK(handlers_run == 0);
    puts("last registered runs first");
}

static void status_handler(int status, void *argument)
{
    printf("on_exit: status %d, argument %s\n", status, (const char *)argument);
}

void handlers(void)
{
    CHECK(constructed == 2);
    handlers_wanted = HANDLERS;
    CHECK(atexit(last_handler) == 0);
    CHECK(on_exit(status_handler, "as given") == 0);
    for (int i = 0; i < HANDLERS; i++)
        CHECK(atexit(count_handler) == 0);
    CHECK(atexit(first_handler) == 0);
    printf("this line has no end");
    exit(41);
}

static uint64_t ns_of(const struct timespec *time)
{
    return (uint64_t)time->tv_sec * 1000000000 + (uint64_t)time->tv_nsec;
}

static void sleeps(void)
{
    struct timespec wanted = {.tv_nsec = 3000000}, left = {.tv_sec = 5};
    uint64_t before = weft_time_ns();

    CHECK(nanosleep(&wanted, &left) == 0 && left.tv_sec == 0);
    CHECK(weft_time_ns() - before >= 3000000);
    before = weft_time_ns();
    CHECK(usleep(2000) == 0);
    CHECK(weft_time_ns() - before >= 2000000);
    wanted.tv_nsec = 1000000000;
    errno = 0;
    CHECK(nanosleep(&wanted, NULL) == -1 && errno == EINVAL);
}

void clocks(void)
{
    struct timespec monotonic, again, real, set = {.tv_sec = 1700000000, .tv_nsec = 5};
    struct timeval day;

    CHECK(clock_gettime(CLOCK_MONOTONIC, &monotonic) == 0);
    CHECK(ns_of(&monotonic) <= weft_time_ns());
    sleeps();
    CHECK(clock_gettime(CLOCK_MONOTONIC, &again) == 0);
    CHECK(ns_of(&again) >= ns_of(&monotonic) + 5000000);
    CHECK(clock_settime(CLOCK_REALTIME, &set) == 0);
    CHECK(clock_gettime(CLOCK_REALTIME, &real) == 0);
    CHECK(ns_of(&real) >= ns_of(&set) && real.tv_sec < set.tv_sec + 600);
    CHECK(time(NULL) >= set.tv_sec && gettimeofday(&day, NULL) == 0);
    CHECK(day.tv_sec >= set.tv_sec && day.tv_usec >= 0 && day.tv_usec < 1000000);
    CHECK(gmtime(&set.tv_sec)->tm_year == 123);
    CHECK(clock_gettime(CLOCK_MONOTONIC, &again) == 0 && again.tv_sec < 1000000);
    CHECK(clock_getres(CLOCK_MONOTONIC, &real) == 0 && real.tv_nsec > 0);
    errno = 0;
    CHECK(clock_gettime((clockid_t)99, &real) == -1 && errno == EINVAL);
    CHECK(clock_settime(CLOCK_MONOTONIC, &set) == -1);
    CHECK(clock() != (clock_t)-1);
}

/* Nothing comes twice, and about half of the bits are set. */
void random_bytes(void)
{
    unsigned char bytes[64][8], large[257];
    unsigned bits = 0;

    for (int i = 0; i < 64; i++) {
        CHECK(getentropy(bytes[i], 8) == 0);
        for (int j = 0; j < i; j++)
            CHECK(memcmp(bytes[i], bytes[j], 8) != 0);
        for (int j = 0; j < 8; j++)
            bits += (unsigned)__builtin_popcount(bytes[i][j]);
    }
    CHECK(bits > 1800 && bits < 2300); /* 2048 +- 32 is one deviation */
    memset(large, 0, sizeof large);
    CHECK(getentropy(large, 256) == 0);
    CHECK(memcmp(large, large + 64, 64) != 0 && memcmp(large + 128, large + 192, 64) != 0);
    CHECK(large[256] == 0);
    errno = 0;
    CHECK(getentropy(large, 257) == -1 && errno == EIO);
    for (int i = 0; i < 8; i++)
        printf("%02x", bytes[0][i]);
    printf(" random\n");
}
