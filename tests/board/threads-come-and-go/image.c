/* SPDX-License-Identifier: MIT */
/* Makes and joins 10,000 threads, and lets as many detached ones end: no page of stack stays
 * behind. */
#include <weft/weft.h>

#include "../firmware.h"

#define ROUNDS 10000

static volatile unsigned ended;

static void *ending_thread(void *argument)
{
    ended++;
    return argument;
}

static void storm(void)
{
    const struct weft_thread_attr detached = {.priority = WEFT_PRIORITY_DEFAULT, .detached = true};

    for (uintptr_t i = 1; i <= ROUNDS; i++) {
        struct weft_thread *thread;
        void *result;

        CHECK(weft_thread_spawn(&thread, NULL, ending_thread, (void *)i) == 0);
        CHECK(weft_thread_join(thread, &result) == 0);
        CHECK(result == (void *)i);
        CHECK(weft_thread_spawn(NULL, &detached, ending_thread, NULL) == 0);
    }
    weft_thread_yield();
    weft_thread_sleep_ns(1000000); /* the idle thread frees the last detached ones */
}

int main(void)
{
    struct weft_mstats before, after;

    storm(); /* fills the caches that stay filled */
    weft_heap_stats(&before);
    storm();
    weft_heap_stats(&after);
    printf("stack pages %u, then %u\n", (unsigned)before.stack_pages, (unsigned)after.stack_pages);
    CHECK(after.stack_pages == before.stack_pages);
    CHECK(after.inuse_pages <= before.inuse_pages);
    CHECK(ended == 4 * ROUNDS);
    CHECK(weft_thread_count() == 1);
    CHECK(weft_heap_check() == 0);
    puts("all gone");
    return 0;
}
