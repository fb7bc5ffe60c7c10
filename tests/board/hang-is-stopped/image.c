/* SPDX-License-Identifier: MIT */
/* Hangs with interrupts on, so that the console still answers, or ("deaf") with them off; or
 * ("alive") goes on for ever, saying so. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <weft/console.h>
#include <weft/mutex.h>
#include <weft/thread.h>

#include "arch/irq.h"
#include "kernel/upcall.h"

static struct weft_mutex mutex = WEFT_MUTEX_INITIALIZER(mutex);

static void *blocked_thread(void *argument)
{
    weft_mutex_lock(&mutex);
    return argument;
}

/* What flushes the profile at a crash, broken: the report of each fault runs into the next. */
static void crash_again(void)
{
    volatile uintptr_t nowhere = 0xbd0;

    *(volatile int *)nowhere = 1;
}

static __attribute__((noreturn)) void crash_hopelessly(void)
{
    static const struct upcall_profiler broken = {.crash = crash_again};

    (void)arch_irq_save(); /* a tick would look for the rest of it */
    upcall_profiler = &broken;
    weft_panic("the first of many");
}

static __attribute__((noinline, noreturn)) void spin_for_ever(void)
{
    for (;;)
        __asm__ volatile("");
}

static __attribute__((noinline, noreturn)) void stay_alive(void)
{
    for (unsigned i = 0;; i++) {
        printf("alive %-70u\n", i); /* long: what the host tool writes to files is buffered */
        weft_thread_sleep_ns(10000000);
    }
}

int main(int argc, char **argv)
{
    const struct weft_thread_attr attr = {.name = "blocked", .priority = WEFT_PRIORITY_DEFAULT};
    struct weft_thread *thread;

    weft_mutex_lock(&mutex);
    if (weft_thread_spawn(&thread, &attr, blocked_thread, NULL) != 0)
        return 1;
    weft_thread_yield();
    if (argc > 1 && strcmp(argv[1], "alive") == 0)
        stay_alive();
    if (argc > 1 && strcmp(argv[1], "hopeless") == 0)
        crash_hopelessly();
    puts("hanging now");
    if (argc > 1 && strcmp(argv[1], "deaf") == 0)
        (void)arch_irq_save();
    spin_for_ever();
}
