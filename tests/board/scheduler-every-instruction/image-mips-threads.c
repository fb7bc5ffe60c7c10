/* SPDX-License-Identifier: MIT */
/* Whose turn it is: yielding, a thread's start and end, stealing. */
#include <weft/weft.h>

#include "../firmware.h"
#include "scenario.h"

#define OWN_STACK_BYTES 4096u

/* ---- yielding ---- */

static volatile uint32_t turns;

static void *take_turns(void *argument)
{
    while (!stop) {
        turns = turns + 1;
        weft_thread_yield();
    }
    return argument;
}

static void yield_run(void)
{
    uint32_t before = turns;

    weft_thread_yield();
    CHECK(turns != before);
}

/* ---- ending ---- */

static void *end_with(void *argument)
{
    return argument;
}

static void end_at(int priority, void *stack)
{
    const struct weft_thread_attr attr = {.name = "short",
                                          .priority = priority,
                                          .stack = stack,
                                          .stack_bytes = stack != NULL ? OWN_STACK_BYTES : 0};
    struct weft_thread *thread;
    void *result = NULL;

    CHECK(weft_thread_spawn(&thread, &attr, end_with, &ping) == 0);
    CHECK(weft_thread_join(thread, &result) == 0);
    CHECK(result == &ping);
}

/* One that has ended when it is joined, in used memory, and one that is waited for, in new memory.
 */
static void end_run(void)
{
    static uint64_t stack[OWN_STACK_BYTES / 8];

    end_at(WEFT_PRIORITY_DEFAULT + 1, NULL);
    end_at(WEFT_PRIORITY_DEFAULT - 1, stack);
}

static void end_disturb(void)
{
    end_at(WEFT_PRIORITY_DEFAULT + 1, NULL);
}

/* As many as it takes for a disturbed run to find used memory. */
static void end_begin(void)
{
    struct weft_thread *threads[4];

    for (unsigned i = 0; i < 4; i++)
        threads[i] = spawn(WEFT_PRIORITY_DEFAULT, 1, end_with, NULL);
    for (unsigned i = 0; i < 4; i++)
        join(threads[i]);
}

static void end_check(void)
{
    CHECK(weft_thread_count() == 2); /* main and the disturber */
}

/* ---- stealing: main's core has nobody left, and takes what waits in the other's queue ---- */

#define HOLDER_PRIORITY (WEFT_PRIORITY_DEFAULT - 2)
#define STOLEN_PRIORITY (WEFT_PRIORITY_DEFAULT - 4)

static struct weft_thread *holder;
static volatile bool held;

/* Keeps core 1, but leaves the emulator's time to core 0. */
static void *hold_core(void *argument)
{
    held = true;
    while (!stop)
        __asm__ volatile("wait");
    return argument;
}

static uint32_t steals(void)
{
    struct weft_sched_stats stats;

    weft_sched_stats(&stats);
    return stats.steals;
}

/* Made ready, it waits for core 1, where a thread of less priority runs than here. */
static void *be_stolen(void *argument)
{
    for (;;) {
        CHECK(weft_semaphore_wait(&ping) == 0);
        if (stop)
            return argument;
        CHECK(weft_core_self() == 0);
        answered = answered + 1;
        weft_thread_yield();
        CHECK(weft_semaphore_post(&pong) == 0);
    }
}

static void steal_begin(void)
{
    holder = spawn(HOLDER_PRIORITY, 2, hold_core, NULL);
    while (!held)
        weft_thread_sleep_ns(1000000);
}

static void steal_run(void)
{
    uint32_t before = steals(), runs = answered;

    CHECK(weft_semaphore_post(&ping) == 0);
    CHECK(weft_semaphore_wait(&pong) == 0);
    CHECK(answered == runs + 1 && steals() != before);
}

static void steal_end(void)
{
    let_partner_end();
    join(holder);
}

const struct scenario thread_scenarios[THREAD_SCENARIOS] = {
    {"yield", 1, nothing, take_turns, WEFT_PRIORITY_DEFAULT, yield_run, nothing, nothing, nothing},
    {"end", 1, end_begin, NULL, 0, end_run, end_disturb, end_check, nothing},
    {"steal", 2, steal_begin, be_stolen, STOLEN_PRIORITY, steal_run, nothing, let_partner_wait,
     steal_end},
};
