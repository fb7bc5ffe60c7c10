/* SPDX-License-Identifier: MIT */
/*
 * Core 0 samples core 1, which allocates, works, or has its interrupts off. Nothing of core 1's own
 * profiler may change (requirements D2), and it must never find itself forbidden to allocate.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/weft.h>

#include "arch/irq.h"
#include "kernel/core.h"
#include "prof/sampler.h"

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            weft_panic("%s is not true", #condition);                                              \
    } while (0)

#define RATE_HZ 100

/* The image is also built for one core, where it is never booted. */
#define OTHER (WEFT_CONFIG_CORES > 1 ? 1 : 0)

static _Atomic bool over;
static _Atomic uint32_t sink;
static volatile uint32_t allocations; /* of the watched core */

static __attribute__((noinline)) void works_there(void)
{
    for (uint32_t i = 0; i < 1000; i++)
        sink += i;
}

static __attribute__((noinline)) void allocates_there(void)
{
    for (unsigned i = 0; i < 100; i++) {
        char *bytes = malloc(16 + i * 8);

        CHECK(bytes != NULL);
        bytes[0] = 1;
        free(bytes);
        allocations++;
    }
}

/* For two and a half ticks at a time: of the two or three ticks of the other core that fall into
 * that, only the last can have its answer, because none is waited for longer than an eighth of a
 * tick (HOLD_SHARE in prof/sampler.c). */
static __attribute__((noinline)) void deaf_there(void)
{
    arch_irq_state state = arch_irq_save();
    uint64_t until = weft_time_ns() + 5 * (1000000000 / RATE_HZ) / 2;

    while (weft_time_ns() < until)
        sink++;
    arch_irq_restore(state);
}

static void *elsewhere(void *argument)
{
    void (*work)(void);

    memcpy(&work, argument, sizeof work);
    CHECK(weft_core_self() == 1);
    while (!over)
        work();
    return NULL;
}

/* Looks at the other core's words behind its back, so no sanitizer looks at this. Its last tick may
 * still be on its way out. */
static __attribute__((noinline, no_sanitize("thread"))) void check_untouched(struct sampler *before)
{
    const volatile struct core *core = &cores[OTHER];
    const volatile struct sampler *now = &samplers[OTHER];
    const volatile unsigned char *is = (const volatile unsigned char *)now;
    const volatile unsigned char *was = (const volatile unsigned char *)before;

    while (core->allocation_forbidden != 0)
        ;
    before->generation = now->generation; /* its own doing: it knows of start and stop */
    before->writing = now->writing;
    before->header.record.magic = now->header.record.magic;
    for (size_t i = 0; i < sizeof *before; i++)
        CHECK(is[i] == was[i]);
    CHECK(now->running == 0);
}

/* On core 0, until the profile has seen enough of core 1. */
static void *watch(void *argument)
{
    const struct weft_profile_options options = {.rate_hz = RATE_HZ, .remote = true};
    struct weft_profile_totals totals;
    static struct sampler before;

    (void)argument;
    CHECK(weft_core_self() == 0);
    memcpy(&before, &samplers[OTHER], sizeof before);
    CHECK(weft_profile_start_with(&options) == 0);
    do {
        sink++;
        weft_profile_totals(&totals);
        CHECK(cores[OTHER].handlers_watched == 0);
    } while (totals.ticks < 400);
    CHECK(weft_profile_stop() == 0);
    check_untouched(&before);
    over = true;
    return NULL;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*work)(void);
    } kinds[] = {{"work", works_there}, {"allocate", allocates_there}, {"deaf", deaf_there}};
    const struct weft_thread_attr here = {.name = "watcher", .priority = 20, .cores = 1};
    const struct weft_thread_attr there = {.name = "watched", .priority = 20, .cores = 2};
    struct weft_thread *watcher, *watched;

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (argc != 2 || strcmp(argv[1], kinds[i].name) != 0)
            continue;
        CHECK(weft_thread_spawn(&watched, &there, elsewhere, (void *)&kinds[i].work) == 0);
        CHECK(weft_thread_spawn(&watcher, &here, watch, NULL) == 0);
        CHECK(weft_thread_join(watcher, NULL) == 0);
        CHECK(weft_thread_join(watched, NULL) == 0);
        printf("allocations=%u\n", (unsigned)allocations);
        fflush(stdout);
        CHECK(weft_profile_send() == 0);
        puts("one-core-samples-another: done");
        return 0;
    }
    return 64;
}
