/* SPDX-License-Identifier: MIT */
/*
 * Two threads and a row of lights. One thread counts; the other shows the count, on the board's
 * eight LEDs where there are any (Malta) and on the console. A queue carries the numbers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <weft/weft.h>

#define STEPS 16
#define STEP_NS 2000000 /* 2 ms */

static struct weft_queue steps;

static void lights_show(unsigned count)
{
#ifdef __mips__
    *(volatile unsigned *)0xbf000408 = count; /* LEDBAR: Malta user's manual (MD00048) */
#endif
    for (int bit = 7; bit >= 0; bit--)
        putchar(count >> bit & 1 ? '*' : '.');
    putchar('\n');
}

static void *counter_main(void *argument)
{
    (void)argument;
    for (unsigned count = 1; count <= STEPS; count++) {
        weft_thread_sleep_ns(STEP_NS);
        if (weft_queue_send(&steps, &count) != 0)
            break;
    }
    weft_queue_close(&steps);
    return NULL;
}

int main(void)
{
    static unsigned storage[4];
    struct weft_thread *counter;
    unsigned count;

    if (weft_queue_init(&steps, storage, sizeof storage[0], 4) != 0 ||
        weft_thread_spawn(&counter, NULL, counter_main, NULL) != 0)
        return EXIT_FAILURE;
    while (weft_queue_receive(&steps, &count) == 0)
        lights_show(count);
    if (weft_thread_join(counter, NULL) != 0)
        return EXIT_FAILURE;
    puts("blink: done");
    return EXIT_SUCCESS;
}
