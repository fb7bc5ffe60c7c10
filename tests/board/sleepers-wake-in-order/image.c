/* SPDX-License-Identifier: MIT */
/* A hundred threads sleep until deadlines given out in another order: each wakes at its deadline or
 * soon after, none before, and all in the deadlines' order. */
#include <weft/weft.h>

#include "../firmware.h"

#define SLEEPERS 100
#define APART_NS 200000u

static uint64_t start_ns;
static unsigned woken[SLEEPERS], count;
static uint64_t late_ns[SLEEPERS];

static struct weft_barrier made = WEFT_BARRIER_INITIALIZER(made, SLEEPERS + 1);

static void *sleeper_main(void *argument)
{
    unsigned place = (unsigned)(uintptr_t)argument;
    uint64_t deadline;

    (void)weft_barrier_wait(&made);
    deadline = start_ns + place * APART_NS;
    weft_thread_sleep_until_ns(deadline);
    CHECK(weft_time_ns() >= deadline);
    late_ns[place] = weft_time_ns() - deadline;
    woken[count++] = place;
    return NULL;
}

/* Where many may wake together, late, none loses the core before it has said so. */
static const struct weft_thread_attr attr = {.priority = WEFT_PRIORITY_DEFAULT,
                                             .cooperative = !TIME_IS_OWN};

int main(void)
{
    static struct weft_thread *threads[SLEEPERS];
    uint64_t latest = 0;

    for (unsigned i = 0; i < SLEEPERS; i++) /* 37 and 100 have no common divisor: each place once */
        CHECK(weft_thread_spawn(&threads[i], &attr, sleeper_main,
                                (void *)(uintptr_t)(i * 37 % SLEEPERS)) == 0);
    start_ns = weft_time_ns() + 50000000 * TIME_SCALE; /* all sleep by then */
    (void)weft_barrier_wait(&made);
    for (unsigned i = 0; i < SLEEPERS; i++)
        CHECK(weft_thread_join(threads[i], NULL) == 0);
    CHECK(count == SLEEPERS);
    for (unsigned i = 0; i < SLEEPERS; i++) {
        CHECK(woken[i] == i);
        latest = late_ns[i] > latest ? late_ns[i] : latest;
    }
    printf("in order, at most %u ns late\n", (unsigned)latest);
    CHECK(!TIME_IS_OWN || latest < APART_NS);
    return 0;
}
