/* SPDX-License-Identifier: MIT */
/* Exceptions that a handler resumes from, interrupts, and what stacks and floating point add to a
 * switch. */
#include <stdbool.h>
#include <stdlib.h>

#include "arch/clock.h"
#include "arch/trap.h"
#include "tests/bench/measure.h"

#define MANY 16

#if defined(__mips__)
#define ADD_DOUBLES "add.d $f0, $f2, $f4"
#define BREAKPOINT "break"
#else
#define ADD_DOUBLES "addsd %xmm1, %xmm0"
#define BREAKPOINT "int3"
#endif

static unsigned empty_loop;
static volatile bool finished;

static inline void touch_unit(void)
{
    __asm__ volatile(ADD_DOUBLES);
}

static void *yielding_thread(void *argument)
{
    while (!finished)
        weft_thread_yield();
    return argument;
}

/* More stacks than a small TLB has entries for (STACK_MAPPED=1). */
static void bench_yield_among_many(void)
{
    struct weft_thread *threads[MANY];
    unsigned cost;

    finished = false;
    for (unsigned i = 0; i < MANY; i++)
        if (weft_thread_spawn(&threads[i], &HERE, yielding_thread, NULL) != 0)
            exit(1);
    cost = MEASURE(ROUNDS / 10, weft_thread_yield());
    finished = true;
    for (unsigned i = 0; i < MANY; i++)
        (void)!weft_thread_join(threads[i], NULL);
    report("yield_among_17", (cost - empty_loop) / (MANY + 1), 0);
}

static void *calculating_thread(void *argument)
{
    while (!finished) {
        touch_unit();
        weft_thread_yield();
    }
    return argument;
}

/* Both threads' states take turns in the unit. */
static void bench_unit(void)
{
    struct weft_thread *thread;
    unsigned cost;

    finished = false;
    if (weft_thread_spawn(&thread, &HERE, calculating_thread, NULL) != 0)
        exit(1);
    cost = MEASURE(ROUNDS, (touch_unit(), weft_thread_yield()));
    finished = true;
    (void)!weft_thread_join(thread, NULL);
    report("yield_between_two_with_fpu", (cost - empty_loop) / 2, 0);
}

static bool resume_behind(struct weft_trap *trap, enum weft_trap_cause cause, void *argument)
{
    (void)cause;
    (void)argument;
#if defined(__mips__)
    return weft_trap_skip(trap) == 0;
#else
    (void)trap; /* int3 has left its pc behind itself */
    return true;
#endif
}

static void bench_trap(void)
{
    if (weft_trap_handle(WEFT_TRAP_BREAKPOINT, resume_behind, NULL) != 0)
        exit(1);
    report("trap_handler_round_trip", MEASURE(ROUNDS, __asm__ volatile(BREAKPOINT)), empty_loop);
    (void)!weft_trap_handle(WEFT_TRAP_BREAKPOINT, NULL, NULL);
}

/* ---- from an interrupt to what it is for ---- */

/* One count is more than an instruction: each round begins a little later in it. */
#define INTERRUPT_PHASES 25u

static volatile uint32_t raised_at;
static uint64_t handler_cycles, thread_cycles, empty_cycles;
static struct weft_semaphore wanted = WEFT_SEMAPHORE_INITIALIZER(wanted, 0);

static void note(void *argument)
{
    handler_cycles += arch_clock_cycles() - raised_at;
    (void)argument;
}

static void wake(void *argument)
{
    (void)weft_semaphore_post(argument);
}

static void *woken(void *argument)
{
    for (;;) {
        (void)!weft_semaphore_wait(&wanted);
        thread_cycles += arch_clock_cycles() - raised_at;
        if (finished)
            return argument;
    }
}

static void raise_often(bool really)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < round % INTERRUPT_PHASES; i++)
            __asm__ volatile("nop");
        raised_at = arch_clock_cycles();
        if (really)
            arch_soft_raise(0);
        else
            empty_cycles += arch_clock_cycles() - raised_at;
    }
}

static void report_cycles(const char *name, uint64_t cycles)
{
    report(name, hundredths(0, cycles, ROUNDS), hundredths(0, empty_cycles, ROUNDS));
}

/* From just before a software interrupt is raised to the handler's first line, and to the first
 * line of the better thread whose semaphore it posts. */
static void bench_interrupt(void)
{
    const struct weft_thread_attr attr = {.priority = WEFT_PRIORITY_DEFAULT + 1, .cores = 1};
    struct weft_thread *thread;

    raise_often(false);
    if (weft_interrupt_handle(0, note, NULL) != 0)
        exit(1);
    raise_often(true);
    report_cycles("software_interrupt_to_handler", handler_cycles);
    finished = false;
    if (weft_interrupt_handle(0, wake, &wanted) != 0 ||
        weft_thread_spawn(&thread, &attr, woken, NULL) != 0)
        exit(1);
    raise_often(true);
    report_cycles("software_interrupt_to_thread", thread_cycles);
    finished = true;
    (void)weft_semaphore_post(&wanted);
    (void)!weft_thread_join(thread, NULL);
}

int main(void)
{
    stay_here();
    empty_loop = MEASURE(ROUNDS, (void)0);
    bench_yield_among_many();
    bench_unit();
    bench_trap();
    bench_interrupt();
    return 0;
}
