/* SPDX-License-Identifier: MIT */
/* A thread spins for 20 ms while a better one's sleep ends after 1 ms. Prints who came first. */
#include <weft/weft.h>

#include "../firmware.h"

static volatile bool sleeper_ran;
static volatile unsigned turns;

static void *sleeper(void *argument)
{
    weft_thread_sleep_ns(1000000);
    sleeper_ran = true;
    return argument;
}

static void *equal(void *argument)
{
    turns++;
    return argument;
}

int main(void)
{
    const struct weft_thread_attr better = {.name = "sleeper", .priority = 20};
    struct weft_thread *first, *second;
    uint64_t end;

    CHECK(weft_thread_spawn(&first, &better, sleeper, NULL) == 0);
    CHECK(weft_thread_spawn(&second, NULL, equal, NULL) == 0);
    weft_thread_yield(); /* both get to their first blocking call or end */
    CHECK(turns == 1);
    end = weft_time_ns() + 20000000; /* two time slices */
    while (weft_time_ns() < end)
        ;
    puts(sleeper_ran ? "the sleeper preempted" : "nobody preempted");
    weft_thread_yield();
    CHECK(sleeper_ran);
    CHECK(weft_thread_join(first, NULL) == 0 && weft_thread_join(second, NULL) == 0);
    return 0;
}
