/* SPDX-License-Identifier: MIT */
/* Hangs with interrupts on, so that the console still answers, or with them off. */
#include <stdio.h>
#include <string.h>
#include <weft/mutex.h>
#include <weft/thread.h>

static struct weft_mutex mutex = WEFT_MUTEX_INITIALIZER(mutex);

static void *blocked_thread(void *argument)
{
    weft_mutex_lock(&mutex);
    return argument;
}

static __attribute__((noinline, noreturn)) void spin_for_ever(void)
{
    for (;;)
        __asm__ volatile("");
}

int main(int argc, char **argv)
{
    const struct weft_thread_attr attr = {.name = "blocked", .priority = WEFT_PRIORITY_DEFAULT};
    struct weft_thread *thread;

    weft_mutex_lock(&mutex);
    if (weft_thread_spawn(&thread, &attr, blocked_thread, NULL) != 0)
        return 1;
    weft_thread_yield();
    puts("hanging now");
    if (argc > 1 && strcmp(argv[1], "deaf") == 0)
#if defined(__mips__)
        __asm__ volatile("di");
#else
        __asm__ volatile("cli");
#endif
    spin_for_ever();
}
