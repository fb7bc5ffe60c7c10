/* SPDX-License-Identifier: MIT */
/* Every 64-bit atomic under a 20 kHz profile, in two threads that take the core from each other. */
#include <fenv.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <weft/atomic.h>
#include <weft/interrupt.h>
#include <weft/profile.h>
#include <weft/thread.h>
#include <weft/time.h>
#include <weft/timer.h>

#include "../firmware.h"

#define ROUNDS 200000u

static uint64_t shared, own;
static volatile uint32_t done;
static uint32_t visits;

/* Adds to the shared word whenever it wakes up, which is at any instruction of the other thread. */
static void *visitor(void *argument)
{
    (void)argument;
    while (!done) {
        weft_atomic64_fetch_add(&shared, 0xffffffffu);
        visits++;
        weft_thread_sleep_ns(20000 + visits % 97 * 8);
    }
    return NULL;
}

/* `own` is this thread's alone, so each result is known: anything applied twice or torn shows. */
static void round_of_all(uint64_t i)
{
    uint64_t value = i * 0x9e3779b97f4a7c15u, expected = value;

    weft_atomic64_store(&own, value);
    CHECK(weft_atomic64_load(&own) == value);
    CHECK(weft_atomic64_fetch_add(&own, ~i) == value);
    value += ~i;
    CHECK(weft_atomic64_fetch_sub(&own, i << 31) == value);
    value -= i << 31;
    CHECK(weft_atomic64_fetch_xor(&own, 0xf0f0f0f00f0f0f0fu) == value);
    value ^= 0xf0f0f0f00f0f0f0fu;
    CHECK(weft_atomic64_fetch_and(&own, 0xffff0000fffffff0u) == value);
    value &= 0xffff0000fffffff0u;
    CHECK(weft_atomic64_fetch_or(&own, i) == value);
    value |= i;
    CHECK(weft_atomic64_fetch_nand(&own, 0xff00ff00ff00ff00u ^ i) == value);
    value = ~(value & (0xff00ff00ff00ff00u ^ i));
    expected = value + 1;
    CHECK(!weft_atomic64_compare_exchange(&own, &expected, 1) && expected == value);
    CHECK(weft_atomic64_compare_exchange(&own, &expected, i) && expected == value);
    CHECK(weft_atomic64_exchange(&own, 7) == i);
    weft_atomic64_fetch_add(&shared, 0xffffffffu);
}

/* As C11 has it: what the compiler makes of operators on _Atomic objects of 8 bytes. */
static _Atomic uint64_t plain = 0xffffffff;
static _Atomic int64_t negative;
static _Atomic double real;
static struct pair {
    uint32_t first, second;
} const pair_value = {1, 2};
static _Atomic struct pair pair;

#ifdef __mips__ /* whose <fenv.h> in newlib has no exceptions; FCSR has flags in bits 2 to 6 */
static void inexact_clear(void)
{
    __asm__ volatile("ctc1 $0, $31");
}

static bool inexact_raised(void)
{
    unsigned fcsr;

    __asm__ volatile("cfc1 %0, $31" : "=r"(fcsr));
    return (fcsr >> 2 & 0x1f) == 1;
}
#else
static void inexact_clear(void)
{
    feclearexcept(FE_ALL_EXCEPT);
}

static bool inexact_raised(void)
{
    return fetestexcept(FE_ALL_EXCEPT) == FE_INEXACT;
}
#endif

static void standard_objects(void)
{
    uint64_t expected = 0x2fffffffd;

    plain++;
    CHECK(plain == 0x100000000);
    plain = plain * 3 - 3;
    plain *= 1;
    CHECK(atomic_compare_exchange_strong(&plain, &expected, 5) && plain == 5);
    CHECK(!atomic_compare_exchange_strong(&plain, &expected, 6) && expected == 5);
    CHECK(atomic_exchange_explicit(&plain, 7, memory_order_acq_rel) == 5);
    CHECK(atomic_fetch_or_explicit(&plain, 1ull << 63, memory_order_relaxed) == 7);
    CHECK((plain >>= 32) == 0x80000000);
    CHECK((negative -= 1) == -1 && --negative == -2 && negative / 2 == -1);
    real = 1.5;
    real += 0.25;
    CHECK(real == 1.75);
    inexact_clear();
    real += 0.25; /* exact */
    CHECK(!inexact_raised());
    real /= 3; /* the compiler hides what a try raised, and raises it once the result is stored */
    CHECK(real == 2.0 / 3 && inexact_raised());
    pair = pair_value;
    CHECK(((struct pair)pair).second == 2);
    CHECK(atomic_is_lock_free(&plain) == (sizeof(long) == 8 || WEFT_CONFIG_CORES == 1));
}

/* ---- a handler on each core, at work on the word that the threads of all cores use ---- */

#define STRIKES 300u /* the handler of each core, at least */

static struct hammer {
    struct weft_timer timer;
    volatile uint32_t fired;
    uint32_t rounds;
    struct weft_thread *thread;
} hammers[WEFT_CONFIG_CORES];
static uint32_t hammers_ready;

static WEFT_HANDLER void strike(struct weft_timer *timer, void *argument)
{
    struct hammer *hammer = argument;

    (void)timer;
    (void)weft_atomic64_fetch_add(&shared, 0x100000001u);
    hammer->fired++;
}

static void *hammering(void *argument)
{
    struct hammer *hammer = argument;

    CHECK(weft_timer_init(&hammer->timer, strike, hammer) == 0);
    CHECK(weft_timer_start(&hammer->timer, weft_time_ns() + 100000, 49999) == 0);
    __atomic_fetch_add(&hammers_ready, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&hammers_ready, __ATOMIC_SEQ_CST) < WEFT_CONFIG_CORES)
        ;
    for (; hammer->fired < STRIKES; hammer->rounds++)
        (void)weft_atomic64_fetch_add(&shared, 0x300000007u);
    (void)weft_timer_cancel(&hammer->timer);
    return NULL;
}

static void hammer_on_every_core(void)
{
    struct weft_thread_attr attr = {.name = "hammer", .priority = WEFT_PRIORITY_DEFAULT};
    uint64_t expected = shared;

    for (unsigned core = 0; core < WEFT_CONFIG_CORES; core++) {
        attr.cores = 1u << core;
        CHECK(weft_thread_spawn(&hammers[core].thread, &attr, hammering, &hammers[core]) == 0);
    }
    for (unsigned core = 0; core < WEFT_CONFIG_CORES; core++) {
        CHECK(weft_thread_join(hammers[core].thread, NULL) == 0);
        expected += hammers[core].rounds * 0x300000007u + hammers[core].fired * 0x100000001u;
        printf("core %u: %u times by the thread, %u times by the handler\n", core,
               (unsigned)hammers[core].rounds, (unsigned)hammers[core].fired);
    }
    CHECK(shared == expected);
}

/* As boot.c declares it: link-time optimisation compares the two. */
int main(int argc, char **argv)
{
    struct weft_thread_attr attr = {.name = "visitor", .priority = WEFT_PRIORITY_HIGHEST};
    struct weft_profile_totals totals;
    struct weft_thread *thread;

    (void)argc;
    (void)argv;
    standard_objects();
    CHECK(weft_profile_start(20000) == 0);
    thread = NULL;
    CHECK(weft_thread_spawn(&thread, &attr, visitor, NULL) == 0);
    for (uint32_t i = 0; i < ROUNDS; i++)
        round_of_all(i);
    done = 1;
    CHECK(weft_thread_join(thread, NULL) == 0);
    CHECK(weft_profile_stop() == 0);
    CHECK(shared == (uint64_t)(ROUNDS + visits) * 0xffffffffu);
    weft_profile_totals(&totals);
    if (TIME_IS_OWN && WEFT_CONFIG_CORES == 1) /* two cores run in the host's time */
        CHECK(visits > 100 && (sizeof(long) == 8 || totals.lost_atomic64 > 100));
    hammer_on_every_core();
    printf("atomic64 done: %u ticks, %u lost, %u visits\n", (unsigned)totals.ticks,
           (unsigned)totals.lost_atomic64, (unsigned)visits);
    return 0;
}
