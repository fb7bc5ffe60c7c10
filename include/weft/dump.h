/* SPDX-License-Identifier: MIT */
/* Stack dumps of threads, as text. The host tool turns each pc=0x... into function, file and line.
 */
#ifndef WEFT_DUMP_H
#define WEFT_DUMP_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Prints the stacks of all threads to the console, the caller first. Context: any but a
 * panicking system. A thread stops the world where it may (weft/world.h), and so may block: once
 * for each thread, for as long as its stack takes to read, so that the others hardly notice, and
 * each stack is of another moment (weft_stack has them all of one). Otherwise preemption is off
 * during the whole dump. */
void weft_threads_dump(void);

/* Writes the caller's stack (or with `all`, every thread's) as text into buffer[0..bytes) and
 * returns the number of bytes written, never more than `bytes`: a longer text is cut, so what
 * stands there is a prefix of it. No terminating zero. Context: thread; `all` stops the world, and
 * so may block. */
size_t weft_stack(char *buffer, size_t bytes, bool all);

#ifdef __cplusplus
}
#endif

#endif
