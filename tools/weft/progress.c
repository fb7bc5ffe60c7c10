/* SPDX-License-Identifier: MIT */
#include "tools/weft/progress.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "tools/weft/clock.h"

#define PAUSE_MS 333

static bool shown;

void progress(const char *format, ...)
{
    static int64_t last_ms;
    va_list arguments;

    if (!isatty(STDERR_FILENO) || (last_ms != 0 && clock_now_ms() - last_ms < PAUSE_MS))
        return;
    last_ms = clock_now_ms();
    shown = true;
    fputs("\r\033[Kweft: ", stderr); /* to the line's start, and empty it */
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fflush(stderr);
}

void progress_read(const char *name, uint64_t bytes)
{
    progress("%s: %" PRIu64 " KiB read", name, bytes / 1024);
}

void progress_end(void)
{
    if (shown)
        fputs("\r\033[K", stderr);
    shown = false;
}
