/* SPDX-License-Identifier: MIT */
/*
 * Ticks are counted while a core idles, works, and idles while it is profiled; with two cores also
 * while only one of them works. Deadlines are kept meanwhile, to the cycle that the first one shows
 * to be possible.
 */
#include <weft/weft.h>

#include "../firmware.h"

#define MS 1000000ull
#define LONG_NS (TIME_IS_OWN ? 10000 * MS : 300 * MS)
#define BUSY_MS 50u
#define RATE_HZ 1000u
#define FEW (3u * WEFT_CONFIG_CORES)
#define LATE_NS 20000u

static uint32_t ticks(void)
{
    struct weft_sched_stats stats;

    weft_sched_stats(&stats);
    return stats.ticks;
}

static void busy(uint64_t ns)
{
    uint64_t end = weft_time_ns() + ns;

    while (weft_time_ns() < end)
        ;
}

static uint32_t ticks_idle(void)
{
    uint32_t before = ticks();

    weft_thread_sleep_ns(LONG_NS);
    return ticks() - before;
}

/* One core's worth of them; a process may be kept waiting for longer than a tick. */
static void check_busy(uint32_t counted)
{
    printf("busy: %u ticks in %u ms\n", (unsigned)counted, BUSY_MS);
    CHECK(counted >= (TIME_IS_OWN ? BUSY_MS - 1 : 2) && counted <= BUSY_MS + FEW);
}

static void idle_and_busy(void)
{
    uint32_t idle = ticks_idle(), counted;

    printf("idle: %u ticks in %u ms\n", (unsigned)idle, (unsigned)(LONG_NS / MS));
    CHECK(idle <= FEW);
    counted = ticks();
    busy(BUSY_MS * MS);
    check_busy(ticks() - counted);
}

/* Other deadlines than the tick's, some of them right behind one another. */
static void exact(void)
{
    uint64_t begin = weft_time_ns() + MS, latest = 0;

    for (unsigned i = 0; i < 200; i++) {
        uint64_t due = begin + i * 3 * MS - (i % 2 == 0 ? 0 : 2 * MS + i * 4000), now;

        weft_thread_sleep_until_ns(due);
        now = weft_time_ns();
        CHECK(now >= due);
        latest = now - due > latest ? now - due : latest;
    }
    printf("at most %u ns late\n", (unsigned)latest);
    CHECK(!TIME_IS_OWN || latest < LATE_NS);
}

static volatile unsigned expiries;

static void expired(struct weft_timer *timer, void *argument)
{
    (void)timer;
    (void)argument;
    expiries = expiries + 1;
}

/* Timer interrupts whose functions wake nobody are no reason to tick either. */
static void with_timer(void)
{
    struct weft_timer timer;
    uint32_t before;

    CHECK(weft_timer_init(&timer, expired, NULL) == 0);
    CHECK(weft_timer_start(&timer, weft_time_ns() + MS, 5 * MS) == 0);
    before = ticks();
    weft_thread_sleep_ns(200 * MS);
    before = ticks() - before;
    CHECK(weft_timer_cancel(&timer) == 0);
    printf("%u expiries, %u ticks\n", expiries, (unsigned)before);
    CHECK(!TIME_IS_OWN || expiries == 40);
    CHECK(before <= FEW);
}

/* The profiler wants every tick, of the idle thread too. */
static void profiled(void)
{
    struct weft_profile_totals totals;
    uint64_t rate_ms = 200;

    weft_thread_sleep_ns(20 * MS); /* every core's tick has stopped */
    CHECK(weft_profile_start(RATE_HZ) == 0);
    weft_thread_sleep_ns(rate_ms * MS);
    CHECK(weft_profile_stop() == 0);
    weft_profile_totals(&totals);
    printf("profiled: %u ticks\n", (unsigned)totals.ticks);
    CHECK(totals.ticks >= (TIME_IS_OWN ? WEFT_CONFIG_CORES * (rate_ms - 5) : 10));
    CHECK(totals.ticks == totals.recorded + totals.lost_atomic64 + totals.lost_full +
                              totals.lost_nolock + totals.suppressed);
    CHECK(ticks_idle() <= FEW);
}

int main(void)
{
    weft_thread_sleep_ns(20 * MS); /* all cores are there */
    idle_and_busy();
    exact();
    with_timer();
    profiled();
    idle_and_busy();
    puts("ticked when needed");
    return 0;
}
