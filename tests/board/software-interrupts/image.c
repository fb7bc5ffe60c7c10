/* SPDX-License-Identifier: MIT */
/* Software interrupts, raised by threads and handlers, with interrupts on and off. */
#include <string.h>
#include <weft/weft.h>

#include "../firmware.h"
#include "arch/irq.h"
#include "kernel/core.h"

#define ROUNDS 1000u

static volatile unsigned seen[WEFT_INTERRUPT_LINES], order[4], orders;
static volatile bool in_handler, on_wrong_core;
static volatile unsigned again, expected_core;

static WEFT_HANDLER void handler(void *argument)
{
    unsigned line = (unsigned)(uintptr_t)argument;

    CHECK(!in_handler && !arch_irq_enabled());
    CHECK(core_self()->interrupt_depth == 1);
    if (core_self()->id != expected_core)
        on_wrong_core = true;
    in_handler = true;
    if (again != 0) {
        again = again - 1;
        weft_interrupt_raise(line);
        weft_interrupt_raise(line);
    }
    if (orders < 4)
        order[orders++] = line;
    in_handler = false;
    seen[line] = seen[line] + 1;
}

/* Until the interrupt has come; a local APIC needs a moment. */
static void wait_for(unsigned line, unsigned count)
{
    while (seen[line] < count)
        ;
}

/* Nothing more comes: what was raised has come when a round through the scheduler and a later
 * interrupt have. */
static void settle(void)
{
    weft_thread_sleep_ns(2000000);
}

static void clear(void)
{
    settle();
    seen[0] = seen[1] = orders = 0;
}

static void from_a_thread(void)
{
    for (unsigned i = 1; i <= ROUNDS; i++) {
        weft_interrupt_raise(i % 2);
        wait_for(i % 2, (i + 1) / 2);
    }
    settle();
    CHECK(seen[0] == ROUNDS / 2 && seen[1] == ROUNDS / 2);
    clear();
}

static void while_masked(void)
{
    arch_irq_state state = arch_irq_save();
    unsigned came;

    for (unsigned i = 0; i < 3; i++) {
        weft_interrupt_raise(0);
        weft_interrupt_raise(1);
    }
    came = seen[0] + seen[1];
    arch_irq_restore(state);
    CHECK(came == 0);
    wait_for(0, 1);
    CHECK(seen[1] == 1);
    settle();
    CHECK(seen[0] == 1 && seen[1] == 1);
    CHECK(order[0] == 1 && order[1] == 0);
    clear();
}

/* From a timer's function, which is a handler too. */
static volatile unsigned too_early;

static void timer_function(struct weft_timer *timer, void *argument)
{
    (void)timer, (void)argument;
    weft_interrupt_raise(1);
    weft_interrupt_raise(1);
    too_early = seen[1];
}

static void from_an_interrupt(bool idle)
{
    struct weft_timer timer;

    CHECK(weft_timer_init(&timer, timer_function, NULL) == 0);
    CHECK(weft_timer_start(&timer, weft_time_ns() + 100000, 0) == 0);
    if (idle)
        settle();
    wait_for(1, 1);
    settle();
    CHECK(too_early == 0 && seen[1] == 1 && seen[0] == 0);
    clear();
}

static void from_itself(void)
{
    again = 10;
    weft_interrupt_raise(0);
    wait_for(0, 11);
    settle();
    CHECK(seen[0] == 11 && again == 0);
    clear();
}

static struct weft_semaphore work = WEFT_SEMAPHORE_INITIALIZER(work, 0);
static volatile unsigned posted, worked;
static volatile bool stop;

static void wakes(void *argument)
{
    (void)argument;
    posted = posted + 1;
    CHECK(weft_semaphore_post(&work) == 0);
}

static void *worker(void *argument)
{
    for (;;) {
        CHECK(weft_semaphore_wait(&work) == 0);
        if (stop)
            return argument;
        worked = worked + 1;
    }
}

static void resumes(void *argument)
{
    CHECK(weft_thread_resume(*(struct weft_thread **)argument) == 0);
    posted = posted + 1;
}

static void *suspended(void *argument)
{
    for (;;) {
        CHECK(weft_thread_suspend(weft_thread_self()) == 0);
        if (stop)
            return argument;
        worked = worked + 1;
    }
}

/* The better thread has run when the handler is seen to have. */
static void wake_a_thread(weft_interrupt_handler wake, void *(*entry)(void *))
{
    static struct weft_thread *thread;
    const struct weft_thread_attr attr = {.priority = WEFT_PRIORITY_DEFAULT + 1,
                                          .cores = 1u << expected_core};

    posted = worked = 0;
    stop = false;
    CHECK(weft_interrupt_handle(1, wake, &thread) == 0);
    CHECK(weft_thread_spawn(&thread, &attr, entry, NULL) == 0);
    for (unsigned i = 1; i <= ROUNDS; i++) {
        weft_interrupt_raise(1);
        while (posted < i)
            ;
        CHECK(worked == i);
    }
    stop = true;
    if (entry == suspended)
        CHECK(weft_thread_resume(thread) == 0);
    else
        CHECK(weft_semaphore_post(&work) == 0);
    CHECK(weft_thread_join(thread, NULL) == 0);
    CHECK(weft_interrupt_handle(1, handler, (void *)1) == 0);
}

static void everything(unsigned core)
{
    expected_core = core;
    CHECK(weft_thread_set_cores(weft_thread_self(), 1u << expected_core) == 0);
    from_a_thread();
    while_masked();
    from_an_interrupt(false);
    from_an_interrupt(true);
    from_itself();
    wake_a_thread(wakes, worker);
    wake_a_thread(resumes, suspended);
    CHECK(!on_wrong_core);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "nobody") == 0) {
        weft_interrupt_raise(1);
        settle();
        return 1;
    }
    if (argc > 1 && strcmp(argv[1], "no-line") == 0)
        weft_interrupt_raise(2);
    CHECK(weft_interrupt_handle(2, handler, NULL) == WEFT_EINVAL);
    CHECK(weft_interrupt_handle(0, handler, (void *)0) == 0);
    CHECK(weft_interrupt_handle(1, handler, (void *)1) == 0);
    if (argc > 1 && strcmp(argv[1], "taken-away") == 0) {
        CHECK(weft_interrupt_handle(0, NULL, NULL) == 0);
        weft_interrupt_raise(0);
        settle();
        return 1;
    }
    for (unsigned core = 0; core < WEFT_CONFIG_CORES; core++)
        everything(core);
    printf("all software interrupts came\n");
    return 0;
}
