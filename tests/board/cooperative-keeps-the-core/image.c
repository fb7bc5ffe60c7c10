/* SPDX-License-Identifier: MIT */
/* Whether a spinning thread loses the core to an equal, and to a sleeper of higher priority that is
 * due: with PREEMPTION=0 only when it yields. */
#include <weft/weft.h>

#include "../firmware.h"

static volatile unsigned equal_ran, higher_ran;

static void *equal_main(void *argument)
{
    equal_ran++;
    return argument;
}

static void *higher_main(void *argument)
{
    weft_thread_sleep_ns(1000000);
    higher_ran++;
    return argument;
}

int main(void)
{
    const struct weft_thread_attr high = {.priority = WEFT_PRIORITY_DEFAULT + 1};
    struct weft_thread *equal, *higher;
    uint64_t end;

    CHECK(weft_thread_spawn(&higher, &high, higher_main, NULL) == 0);
    weft_thread_yield(); /* it is asleep now */
    CHECK(weft_thread_spawn(&equal, NULL, equal_main, NULL) == 0);
    end = weft_time_ns() + 50000000;
    while (weft_time_ns() < end)
        ;
    printf("while main span, equal ran %u times, higher %u times\n", equal_ran, higher_ran);
    weft_thread_yield();
    weft_thread_yield();
    CHECK(equal_ran == 1 && higher_ran == 1);
    CHECK(weft_thread_join(equal, NULL) == 0 && weft_thread_join(higher, NULL) == 0);
    return 0;
}
