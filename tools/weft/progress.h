/* SPDX-License-Identifier: MIT */
/* One line on stderr that says what is being waited for, when stderr is a terminal. */
#ifndef TOOLS_WEFT_PROGRESS_H
#define TOOLS_WEFT_PROGRESS_H

#include <stdint.h>

/* Replaces the line, at most three times a second. */
void progress(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "NAME: 12 KiB read". */
void progress_read(const char *name, uint64_t bytes);

/* Takes the line away; before anything else goes to stderr. */
void progress_end(void);

#endif
