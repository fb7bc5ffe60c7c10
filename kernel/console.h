/* SPDX-License-Identifier: MIT */
/* The console inside weft; programs use stdio or weft_print. */
#ifndef KERNEL_CONSOLE_H
#define KERNEL_CONSOLE_H

#include <stdarg.h>
#include <stddef.h>

/* Bytes as they are. A thread holds the console's sleeping lock meanwhile, so that its bytes stay
 * together; handlers, boot code and a dying system don't. Context: any. */
void console_write(const char *bytes, size_t count);

void console_vprint(const char *format, va_list arguments);

/* Received bytes, fed by the board's interrupt. A break dumps all threads. Interrupt context. */
void console_received(int byte);
void console_break(void);

/* The oldest received byte, or -1. One reader at a time. Context: thread. */
int console_read_byte(void);

/* The system is dying: no more locking or diverting. */
void console_die(void);

#endif
