/* SPDX-License-Identifier: MIT */
/*
 * What two cores of a process do together, beside other libraries (tests/bench/peers):
 * `make bench BOARD=linux CORES=2`. A core is a pthread that stays on its processor, so the
 * machine needs two that have little else to do; of each row the best stretch is taken, and of the
 * stops of the world the median and the 99th hundredth.
 */
#include "hosted.h"

#define STOPS 2000u

static const struct weft_thread_attr here = {.priority = WEFT_PRIORITY_DEFAULT, .cores = 1};
static const struct weft_thread_attr there = {
    .priority = WEFT_PRIORITY_DEFAULT, .cores = 2, .detached = true};

/* ---- stopping the world ---- */

static volatile bool over;
static volatile unsigned long counter;

static void *busy(void *argument)
{
    while (!over)
        counter = counter + 1;
    return argument;
}

static int by_size(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

static void stop_the_world(void)
{
    static uint64_t took[STOPS];

    for (unsigned i = 0; i < STOPS; i++) {
        unsigned long before = counter;
        uint64_t start;

        while (counter == before) /* the other core works again */
            ;
        start = weft_time_ns();
        weft_world_stop("bench");
        weft_world_start();
        took[i] = weft_time_ns() - start;
    }
    qsort(took, STOPS, sizeof took[0], by_size);
    row_print("stop_the_world_p50", took[STOPS / 2] * 100);
    row_print("stop_the_world_p99", took[STOPS * 99 / 100] * 100);
}

static void *measure(void *argument)
{
    CHECKED(weft_thread_spawn(NULL, &there, hosted_answer, NULL));
    row("core_round_trip", hosted_semaphore_round_trip, 1);
    CHECKED(weft_thread_spawn(NULL, &there, busy, NULL));
    stop_the_world();
    over = true;
    return argument;
}

int main(int argc, char **argv)
{
    struct weft_thread *measuring;

    (void)argc;
    (void)argv;
    CHECKED(weft_thread_spawn(&measuring, &here, measure, NULL));
    CHECKED(weft_thread_join(measuring, NULL));
    row("fork_join", hosted_fork_join, 1);
    return 0;
}
