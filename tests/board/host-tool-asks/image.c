/* SPDX-License-Identifier: MIT */
/* A program that runs until it is killed, and obeys the host tool ("mute": doesn't). */
#include <string.h>
#include <weft/weft.h>

#include "../firmware.h"

static struct weft_semaphore never;
static volatile uint32_t sink;
static void *volatile kept[50];

static __attribute__((noinline)) void spins_here(void)
{
    for (uint32_t i = 0; i < 1000; i++)
        sink += i;
}

static void *spins(void *argument)
{
    for (;;)
        spins_here();
    return argument;
}

static __attribute__((noinline)) void waits_here(void)
{
    CHECK(weft_semaphore_wait(&never) == 0);
    sink++;
}

static void *waits(void *argument)
{
    waits_here();
    return argument;
}

static __attribute__((noinline)) void keeps_here(void)
{
    for (unsigned i = 0; i < 50; i++)
        kept[i] = malloc(100);
}

static void threads(void)
{
    struct weft_thread_attr attr = WEFT_THREAD_ATTR_DEFAULT;
    struct weft_thread *thread;

    attr.name = "spinner";
    attr.priority = WEFT_PRIORITY_LOWEST;
    CHECK(weft_thread_spawn(&thread, &attr, spins, NULL) == 0);
    attr.name = "waiter \"quoted\"";
    attr.priority = WEFT_PRIORITY_DEFAULT + 2; /* it waits before this goes on */
    CHECK(weft_thread_spawn(&thread, &attr, waits, NULL) == 0);
}

int main(int argc, char **argv)
{
    const struct weft_heap_profile_options all = {.sample_bytes = 1, .blocks = 200};
    bool mute = argc == 2 && strcmp(argv[1], "mute") == 0;

    CHECK(weft_semaphore_init(&never, 0, 1) == 0);
    CHECK(weft_heap_profile_start(&all) == 0);
    keeps_here();
    threads();
    if (!mute) {
        CHECK(weft_remote_start(WEFT_PRIORITY_DEFAULT + 1) == 0);
        CHECK(weft_remote_start(WEFT_PRIORITY_DEFAULT + 1) == WEFT_ESTATE);
    }
    for (unsigned i = 0;; i++) {
        printf("still here, %u\n", i);
        fflush(stdout);
        weft_thread_sleep_ns(50000000);
    }
    return 0;
}
