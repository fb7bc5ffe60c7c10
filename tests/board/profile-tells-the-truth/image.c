/* SPDX-License-Identifier: MIT */
/*
 * A program whose shares are known: it divides its time by the clock, 10, 20, 30 and 40 parts of a
 * hundred, in stretches of ever different lengths, so that no tick can keep step with them.
 *
 *   plain    four functions
 *   mixed    10 in 64-bit atomics, 20 with interrupts off, 30 in an interrupt handler, 40 in
 * foreign code cores    two threads that do the same, each on a core of its own
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/weft.h>

#include "arch/clock.h"
#include "arch/irq.h"
#include "kernel/tick.h"

#define RATE_HZ 1000
#define TICKS 2500

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            weft_panic("%s is not true", #condition);                                              \
    } while (0)

static _Atomic uint32_t sink;
static _Atomic uint64_t sum;
static _Atomic uint32_t seed = 12345; /* of both threads, in any order */

/* Nanoseconds of one part of a hundred of a round, which then takes 2 to 6 ms. */
static uint64_t next_part_ns(void)
{
    seed = seed * 1664525 + 1013904223;
    return 20000 + (seed >> 16) % 40000;
}

static void spin_until(uint64_t end_ns)
{
    while (weft_time_ns() < end_ns)
        for (int i = 0; i < 10; i++)
            sink += (uint32_t)i;
}

/* They differ, or the compiler would make one of them. */
#define SPINNER(name, number)                                                                      \
    static __attribute__((noinline)) void name(uint64_t ns)                                        \
    {                                                                                              \
        spin_until(weft_time_ns() + ns);                                                           \
        sink += (number);                                                                          \
    }
SPINNER(ten, 10)
SPINNER(twenty, 20)
SPINNER(thirty, 30)
SPINNER(forty, 40)

static void plain_round(uint64_t part_ns)
{
    ten(10 * part_ns);
    twenty(20 * part_ns);
    thirty(30 * part_ns);
    forty(40 * part_ns);
}

static __attribute__((noinline)) void in_atomics(uint64_t ns)
{
    uint64_t end_ns = weft_time_ns() + ns;

    while (weft_time_ns() < end_ns)
        for (int i = 0; i < 20; i++)
            atomic_fetch_add(&sum, 0x100000001);
}

static __attribute__((noinline)) void interrupts_off(uint64_t ns)
{
    arch_irq_state state = arch_irq_save();
    uint64_t end = arch_clock_now_irqoff() + tick_ns_to_cycles(ns);

    while (arch_clock_now_irqoff() < end)
        sink++;
    arch_irq_restore(state);
}

/* A timer's function runs in the timer's interrupt. */
static struct weft_timer timer;
static uint64_t handler_ns;
static volatile bool handler_done;

static void handler(struct weft_timer *self, void *argument)
{
    (void)self, (void)argument;
    spin_until(weft_time_ns() + handler_ns);
    handler_done = true;
}

static void in_a_handler(uint64_t ns)
{
    handler_ns = ns;
    handler_done = false;
    CHECK(weft_timer_start(&timer, weft_time_ns() + 1000, 0) == 0);
    while (!handler_done)
        ;
}

void blob(unsigned long rounds);
#ifdef __mips__
__asm__(".text\n.set push\n.set noreorder\n.globl blob\n.type blob, @function\nblob:\n"
        "1: addiu $a0, $a0, -1\nbnez $a0, 1b\nnop\njr $ra\nnop\n.size blob, . - blob\n.set pop\n");
#else
__asm__(".text\n.globl blob\n.type blob, @function\nblob:\n"
        "1: decq %rdi\njnz 1b\nretq\n.size blob, . - blob\n");
#endif

static __attribute__((noinline)) void in_foreign_code(uint64_t ns)
{
    struct weft_foreign bracket;
    uint64_t end_ns = weft_time_ns() + ns;

    weft_foreign_enter(&bracket);
    while (weft_time_ns() < end_ns)
        blob(200);
    weft_foreign_exit(&bracket);
}

static void mixed_round(uint64_t part_ns)
{
    in_atomics(10 * part_ns);
    interrupts_off(20 * part_ns);
    in_a_handler(30 * part_ns);
    in_foreign_code(40 * part_ns);
}

static void run(void (*round)(uint64_t part_ns))
{
    struct weft_profile_totals totals;

    CHECK(weft_profile_start(RATE_HZ) == 0);
    do {
        for (int i = 0; i < 10; i++)
            round(next_part_ns());
        weft_profile_totals(&totals);
    } while (totals.ticks < TICKS);
    CHECK(weft_profile_stop() == 0);
    CHECK(weft_profile_send() == 0);
}

/* Both threads run as long as the profile does, which the first to see that it is enough ends. */
static void *equal(void *argument)
{
    struct weft_profile_totals totals;

    do {
        plain_round(next_part_ns());
        weft_profile_totals(&totals);
    } while (totals.ticks < TICKS);
    if (weft_profile_stop() != 0)
        puts("the other has stopped it");
    return argument;
}

static void two_cores(void)
{
    struct weft_thread *threads[2];

    CHECK(weft_profile_start(RATE_HZ) == 0);
    for (unsigned i = 0; i < 2; i++) {
        const struct weft_thread_attr attr = {
            .name = i == 0 ? "left" : "right", .priority = 10, .cores = 1u << i};

        CHECK(weft_thread_spawn(&threads[i], &attr, equal, NULL) == 0);
    }
    for (unsigned i = 0; i < 2; i++)
        CHECK(weft_thread_join(threads[i], NULL) == 0);
    CHECK(weft_profile_send() == 0);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 64;
    CHECK(weft_timer_init(&timer, handler, NULL) == 0);
    if (strcmp(argv[1], "plain") == 0)
        run(plain_round);
    else if (strcmp(argv[1], "mixed") == 0)
        run(mixed_round);
    else
        two_cores();
    puts("profile-tells-the-truth: done");
    return 0;
}
