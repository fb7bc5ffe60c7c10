/* SPDX-License-Identifier: MIT */
/* Ends in the way that its first argument names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/thread.h>

static void *exiting_thread(void *argument)
{
    (void)argument;
    exit(12);
}

static void said_at_exit(void)
{
    puts("atexit handler ran");
}

int main(int argc, char **argv)
{
    const char *way = argc > 1 ? argv[1] : "";
    struct weft_thread *thread;

    atexit(said_at_exit);
    if (strcmp(way, "return") == 0)
        return 37;
    if (strcmp(way, "exit") == 0)
        exit(38);
    if (strcmp(way, "thread") == 0 && weft_thread_spawn(&thread, NULL, exiting_thread, NULL) == 0)
        weft_thread_sleep_ns(WEFT_FOREVER - 1);
    if (strcmp(way, "abort") == 0)
        abort();
    return 0;
}
