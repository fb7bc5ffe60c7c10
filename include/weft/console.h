/* SPDX-License-Identifier: MIT */
/* Printing that works before main, in interrupt handlers and while the system dies: no libc, no
 * heap, no lock that anything else waits for. Programs print with newlib's stdio. */
#ifndef WEFT_CONSOLE_H
#define WEFT_CONSOLE_H

#include <stdarg.h>
#include <stddef.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Formats %s %c %d %i %u %x %X %p %% with l, ll, z, j, a width, 0 and -, and %.*s. Context: any. */
void weft_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints the sentence, the registers, this thread's exact stack and the other threads' stacks, then
 * ends the program with status 70 (EX_SOFTWARE of sysexits.h). Context: any. */
WEFT_NORETURN void weft_panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

#ifdef __cplusplus
}
#endif

#endif
