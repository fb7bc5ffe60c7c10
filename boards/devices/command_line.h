/* SPDX-License-Identifier: MIT */
/* The command line as boards get it: words between blanks. Some are the board's own; the others
 * make up the program's command line. */
#ifndef BOARDS_DEVICES_COMMAND_LINE_H
#define BOARDS_DEVICES_COMMAND_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Is the word (ended by a blank or 0) "name=value"? Then where its value starts; else NULL. */
const char *command_line_value(const char *word, const char *name);

/* Is the word, `length` bytes, exactly `text`? */
bool command_line_is(const char *word, size_t length, const char *text);

/* The number that `text` begins with: decimal, or hexadecimal after 0x; 0 when there is none. The C
 * library's would bring its locales and errno into every image. */
uint64_t command_line_number(const char *text);

/* Adds the words of `text` to the program's command line, except those that `own` takes for itself.
 * What does not fit is dropped, with a message. */
void command_line_take(const char *text, bool (*own)(const char *word, size_t length));

/* What has been collected. */
const char *command_line(void);

#endif
