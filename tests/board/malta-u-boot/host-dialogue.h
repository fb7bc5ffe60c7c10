/* SPDX-License-Identifier: MIT */
/* A conversation with a program over its standard input and output: wait for a text, send a line.
 * Nothing is timed: what ends a wait is the text, the program's end, or a generous limit. */
#ifndef HOST_DIALOGUE_H
#define HOST_DIALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct dialogue {
    pid_t process;
    int to, from;
    char *text; /* all that was received, a string */
    size_t length, room;
    size_t seen; /* up to here, texts have been waited for */
};

/* Starts `command` (by the shell). Fails the test when that is impossible. */
void dialogue_start(struct dialogue *dialogue, const char *command);

/* Waits for `text` behind what was waited for last. Fails the test, showing the end of what was
 * received, when the program ends first or nothing is received for a minute. Returns what stands
 * between; valid until the next call. */
const char *dialogue_expect(struct dialogue *dialogue, const char *text);

/* Sends a line (a carriage return is added). */
void dialogue_send(struct dialogue *dialogue, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Waits for the program's end; returns its exit status. Also receives what is left. */
int dialogue_end(struct dialogue *dialogue);

/* Kills it. */
void dialogue_stop(struct dialogue *dialogue);

#endif
