/* SPDX-License-Identifier: MIT */
/*
 * What operations cost, in instructions. Run under QEMU's -icount shift=0: one instruction is one
 * nanosecond of virtual time, so the cycle counter measures instructions (on Malta one Count is six
 * of them). Each line is `bench: NAME N.NN`, the mean over many rounds less the empty loop's cost.
 * tests/bench/run.sh starts it and adds what only the host can see.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/atomic.h>
#include <weft/weft.h>

#include "arch/clock.h"
#include "arch/context.h"
#include "arch/irq.h"
#include "kernel/tick.h"
#include "tests/bench/measure.h"

static unsigned empty_loop;

/* The bare switch: two contexts that hand the core to each other, below the scheduler. */
static void *main_sp, *other_sp;

static void switch_back(void *argument)
{
    (void)argument;
    for (;;)
        arch_switch(&other_sp, main_sp);
}

static void bench_switch(void)
{
    static unsigned char stack[2048] __attribute__((aligned(16)));
    arch_irq_state state = arch_irq_save();
    unsigned cost;

    other_sp = arch_context_init(stack + sizeof stack, switch_back, NULL);
    cost = MEASURE(ROUNDS, arch_switch(&main_sp, other_sp));
    arch_irq_restore(state);
    /* Two switches a round, and the other side's loop around its one. */
    report("switch_bare", (cost - empty_loop) / 2, 0);
}

static volatile bool finished;

static void *yielding_thread(void *argument)
{
    while (!finished)
        weft_thread_yield();
    return argument;
}

static void bench_yield(void)
{
    struct weft_thread *thread;
    unsigned cost;

    report("yield_alone", MEASURE(ROUNDS, weft_thread_yield()), empty_loop);
    finished = false;
    if (weft_thread_spawn(&thread, &HERE, yielding_thread, NULL) != 0)
        exit(1);
    cost = MEASURE(ROUNDS, weft_thread_yield());
    finished = true;
    (void)!weft_thread_join(thread, NULL);
    report("yield_between_two", (cost - empty_loop) / 2, 0); /* each round is two yields */
}

static void bench_queue(void)
{
    static struct weft_queue queue;
    static uint32_t storage[4 * 8], message[4];

    if (weft_queue_init(&queue, storage, sizeof message, 8) != 0)
        exit(1);
    report("message_16_write_read",
           MEASURE(ROUNDS, ((void)!weft_queue_send(&queue, message),
                            (void)!weft_queue_receive(&queue, message))),
           empty_loop);
}

static void *nothing(void *argument)
{
    return argument;
}

static void create_and_join(void)
{
    static const struct weft_thread_attr here = HERE;
    static struct weft_thread *thread;

    if (weft_thread_spawn(&thread, &here, nothing, NULL) != 0 ||
        weft_thread_join(thread, NULL) != 0)
        exit(1);
}

static void bench_create(void)
{
    create_and_join();
    report("create_run_exit_join", MEASURE(ROUNDS / 10, create_and_join()), empty_loop);
}

static void bench_heap(void)
{
    void *volatile block;

    block = malloc(32);
    free(block);
    report("malloc_free_hot", MEASURE(ROUNDS, (block = malloc(32), free(block))), empty_loop);
}

static void bench_atomic(void)
{
    static uint64_t word;

    report("atomic64_add", MEASURE(ROUNDS, weft_atomic64_fetch_add(&word, 1)), empty_loop);
}

#define TICK_DEPTH 8
#define TICK_ROUNDS 2000000u

/* Ticks come some hundred times, at any instruction of the loop: what the unwinder's cache knows of
 * each is looked up in another number of instructions. */
static __attribute__((noinline)) unsigned work(void)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < TICK_ROUNDS; i++)
        __asm__ volatile("nop\n\tnop\n\tnop\n\tnop\n\tnop" : "+r"(sum));
    return sum;
}

/* Recursion makes the stack as deep as asked for; main and its callers are the other frames. */
static __attribute__((noinline)) unsigned work_at(unsigned depth)
{
    unsigned sum = depth == 0 ? work() : work_at(depth - 1);

    __asm__ volatile("" : "+r"(sum));
    return sum;
}

/* What a tick adds: the same work with a fast profiler and with the scheduler's tick alone. */
static void bench_tick(void)
{
    struct weft_profile_totals totals;
    uint64_t start, quiet, busy;
    uint32_t others;

    start = tick_now();
    (void)work_at(1);
    quiet = tick_cycles_to_ns(tick_now() - start);
    if (weft_profile_start(10000) != 0)
        exit(1);
    (void)work_at(1); /* the first walk of each call site fills the unwinder's cache */
    weft_profile_totals(&totals);
    others = totals.ticks;
    start = tick_now();
    (void)work_at(1);
    busy = tick_cycles_to_ns(tick_now() - start);
    weft_profile_totals(&totals);
    (void)!weft_profile_stop();
    printf("bench: tick_8_frames %u.00\n", (unsigned)((busy - quiet) / (totals.ticks - others)));
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "interrupt") == 0) {
        weft_thread_sleep_ns(2000000); /* the host counts what one timer interrupt executes */
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "tick") == 0) {
        bench_tick(); /* for a trace of it */
        return 0;
    }
    stay_here();
    empty_loop = MEASURE(ROUNDS, (void)0);
    bench_switch();
    bench_yield();
    bench_queue();
    bench_create();
    bench_heap();
    bench_atomic();
    bench_tick();
    return 0;
}
