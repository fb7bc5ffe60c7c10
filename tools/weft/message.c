/* SPDX-License-Identifier: MIT */
#include "tools/weft/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void message_error(const char *format, ...)
{
    va_list arguments;

    fflush(stdout);
    fputs("weft: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

_Noreturn void message_no_memory(void)
{
    message_error("out of memory");
    exit(EXIT_SYSTEM);
}
