/* SPDX-License-Identifier: MIT */
/*
 * Formatting without libc, for consoles, panics, dumps and traces: takes no lock, never allocates,
 * never yields (requirements A1). Conversions: %s %.*s %c %d %i %u %x %X %p %%, with l, ll, z, j, a
 * width, - and 0.
 */
#ifndef KERNEL_PRINT_H
#define KERNEL_PRINT_H

#include <stdarg.h>
#include <stddef.h>

/* Where formatted bytes go. */
struct print_sink {
    void (*write)(struct print_sink *sink, const char *bytes, size_t count);
};

void print_format(struct print_sink *sink, const char *format, va_list arguments);

/* To the console, or into the calling thread's diversion buffer (weft_stack). This is weft_print.
 */
void print_console(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
