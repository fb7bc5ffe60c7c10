/* SPDX-License-Identifier: MIT */
/*
 * Timers. Some hours (the argument) of a periodic timer, in virtual time that jumps while the core
 * idles: every expiry comes when it should, the last one as exactly as the first. A thousand
 * one-shot timers at deadlines in another order than they were started in, a third of them
 * cancelled: the others expire in order, none early, none twice. Started anew, cancelled and
 * destroyed from inside and outside of their functions.
 */
#include <weft/weft.h>

#include "../firmware.h"

#define PERIOD_NS 10000000000ull /* 10 s: 360 expiries an hour */
#define LATE_NS 20000u

static struct weft_timer timer;
static uint64_t start_ns, latest_ns;
static volatile unsigned expiries;

static void periodic(struct weft_timer *self, void *argument)
{
    uint64_t due = start_ns + expiries * PERIOD_NS, now = weft_time_ns();

    CHECK(self == &timer && argument == &expiries);
    CHECK(now >= due);
    if (now - due > latest_ns)
        latest_ns = now - due;
    expiries = expiries + 1;
}

static void keep_hours(unsigned hours)
{
    const unsigned total = hours * 3600 / 10;
    unsigned told = 0;

    CHECK(weft_timer_init(&timer, periodic, (void *)&expiries) == 0);
    start_ns = weft_time_ns() + 1000000;
    CHECK(weft_timer_start(&timer, start_ns, PERIOD_NS) == 0);
    while (told < total) {
        int result = weft_timer_wait(&timer);

        CHECK(result > 0);
        told += (unsigned)result;
    }
    CHECK(weft_timer_cancel(&timer) == 0);
    CHECK(weft_timer_cancel(&timer) == WEFT_ESTATE);
    CHECK(told == total && expiries == total);
    printf("%u expiries in %u h, at most %u ns late\n", expiries, hours, (unsigned)latest_ns);
    CHECK(latest_ns < LATE_NS);
    CHECK(weft_timer_wait(&timer) == WEFT_ESTATE);
    CHECK(weft_timer_destroy(&timer) == 0);
}

#define SINGLE 1000u
#define APART_NS 3000u

static struct weft_timer single[SINGLE];
static uint64_t single_start_ns;
static unsigned last_place;
static volatile unsigned single_expired;

static void once(struct weft_timer *self, void *argument)
{
    unsigned place = (unsigned)(uintptr_t)argument;

    (void)self;
    CHECK(weft_time_ns() >= single_start_ns + place * APART_NS);
    CHECK(single_expired == 0 || place > last_place);
    last_place = place;
    single_expired = single_expired + 1;
}

static void many(void)
{
    unsigned cancelled = 0;

    single_start_ns = weft_time_ns() + 50000000;
    for (unsigned i = 0; i < SINGLE; i++) { /* 389 and 1000 have no common divisor */
        unsigned place = i * 389 % SINGLE;

        CHECK(weft_timer_init(&single[i], once, (void *)(uintptr_t)place) == 0);
        CHECK(weft_timer_start(&single[i], single_start_ns + place * APART_NS, 0) == 0);
    }
    for (unsigned i = 0; i < SINGLE; i += 3, cancelled++)
        CHECK(weft_timer_cancel(&single[i]) == 0);
    weft_thread_sleep_until_ns(single_start_ns + SINGLE * APART_NS + 1000000);
    printf("%u of %u expired, %u cancelled\n", single_expired, SINGLE, cancelled);
    CHECK(single_expired == SINGLE - cancelled);
    for (unsigned i = 0; i < SINGLE; i++) {
        CHECK(weft_timer_cancel(&single[i]) == WEFT_ESTATE);
        CHECK(weft_timer_destroy(&single[i]) == 0);
    }
}

static struct weft_semaphore done = WEFT_SEMAPHORE_INITIALIZER(done, 0);
static volatile int inside_result;
static volatile unsigned calls;

static void restarting(struct weft_timer *self, void *argument)
{
    (void)argument;
    calls = calls + 1;
    if (calls < 5) {
        inside_result = weft_timer_start(self, weft_time_ns() + 10000, 0);
        return;
    }
    if (calls == 5) {
        inside_result = weft_timer_start(self, weft_time_ns() + 10000, 10000);
        return;
    }
    if (calls == 8) { /* a periodic one stops itself: it is told that its function still runs */
        inside_result = weft_timer_cancel(self);
        CHECK(weft_semaphore_post(&done) == 0);
    }
}

static void inside(void)
{
    CHECK(weft_timer_init(&timer, restarting, NULL) == 0);
    CHECK(weft_timer_start(&timer, 0, 999) == WEFT_EINVAL);
    CHECK(weft_timer_start(&timer, 0, 0) == 0); /* overdue: at once */
    CHECK(weft_semaphore_wait(&done) == 0);
    CHECK(inside_result == WEFT_EBUSY);
    weft_thread_sleep_ns(100000);
    CHECK(calls == 8);
    CHECK(weft_timer_destroy(&timer) == 0);
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    many();
    inside();
    keep_hours((unsigned)atoi(argv[1]));
    puts("kept time");
    return 0;
}
