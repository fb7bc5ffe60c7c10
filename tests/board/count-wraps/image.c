/* SPDX-License-Identifier: MIT */
/*
 * Count is set to 2^32 - k for k = 0 to 1000, so that it wraps at every point of what follows: a
 * sleep, a wait that times out, a timer. Time never goes back, nothing comes early, nothing is a
 * wrap too late.
 */
#include "image.h"

#include <weft/weft.h>

#include "../firmware.h"

#define SLEEP_NS 3000u
#define LATE_NS 100000u

static struct weft_semaphore semaphore = WEFT_SEMAPHORE_INITIALIZER(semaphore, 0);
static struct weft_timer timer;

static void expired(struct weft_timer *self, void *argument)
{
    (void)self;
    (void)weft_semaphore_post(argument);
}

static void check_passed(uint64_t since_ns, uint64_t at_least_ns)
{
    uint64_t now = weft_time_ns();

    CHECK(now >= since_ns + at_least_ns);
    CHECK(now < since_ns + at_least_ns + LATE_NS);
}

int main(void)
{
    uint64_t before = weft_time_ns();

    CHECK(weft_timer_init(&timer, expired, &semaphore) == 0);
    for (uint32_t k = 0; k <= 1000; k++) {
        uint64_t start;

        count_set(0u - k);
        start = weft_time_ns();
        CHECK(start >= before);
        if (k % 3 == 0) {
            weft_thread_sleep_ns(SLEEP_NS);
        } else if (k % 3 == 1) {
            CHECK(weft_semaphore_wait_until(&semaphore, start + SLEEP_NS) == WEFT_ETIMEDOUT);
        } else {
            CHECK(weft_timer_start(&timer, start + SLEEP_NS, 0) == 0);
            CHECK(weft_semaphore_wait(&semaphore) == 0);
        }
        check_passed(start, SLEEP_NS);
        before = weft_time_ns();
    }
    puts("wrapped 1001 times");
    return 0;
}
