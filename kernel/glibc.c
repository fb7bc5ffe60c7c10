/* SPDX-License-Identifier: MIT */
/*
 * glibc, where weft is a process of Linux: in place of kernel/newlib.c. Files and time are the
 * kernel's. What is weft's: standard output is line-buffered, so that its order with weft_print is
 * that of the program; standard input is what the board has received, and reading it never waits.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include <weft/console.h>
#include <weft/file.h>

#include "kernel/console.h"

typedef void constructor(int argc, char **argv, char **environment);
extern constructor *const __init_array_start[], *const __init_array_end[];
extern char **environ;

void __libc_init_array(void);

/* What has been received, at most `count` bytes; 0 (end of file) when nothing has. */
static ssize_t console_take(void *cookie, char *bytes, size_t count)
{
    size_t taken = 0;
    int byte;

    (void)cookie;
    while (taken < count && (byte = console_read_byte()) >= 0)
        bytes[taken++] = (char)byte;
    return (ssize_t)taken;
}

static void stdio_init(void)
{
    const cookie_io_functions_t input = {.read = console_take};
    FILE *file = fopencookie(NULL, "r", input);

    if (file == NULL || setvbuf(stdout, NULL, _IOLBF, BUFSIZ) != 0)
        weft_panic("libc has no memory for standard input and output");
    stdin = file;
}

/* Files are the system's. */
int weft_file_register(struct weft_file_device *device)
{
    (void)device;
    return WEFT_ENOTSUP;
}

/* The application's constructors, which libc was kept from calling (the port's start code). */
void __libc_init_array(void)
{
    stdio_init();
    for (constructor *const *at = __init_array_start; at < __init_array_end; at++)
        (*at)(0, NULL, environ);
}
