/* SPDX-License-Identifier: MIT */
/*
 * Finds dumps of threads in a console's text, with or without names for the addresses:
 *
 *      thread 18 "name" [queue receive, 3 ms]:
 *      worker_main
 *      <tab>main.c:12 +0x38
 *      created by spawn_all
 *      <tab>main.c:30 +0x4
 *      <an empty line>
 */
#ifndef TOOLS_WEFT_THREAD_TEXT_H
#define TOOLS_WEFT_THREAD_TEXT_H

#include <stdbool.h>

#include "tools/weft/buffer.h"

struct thread_text {
    struct buffer line;    /* what has come of the current one */
    struct buffer threads; /* the text of all threads so far, each with its empty line */
    struct buffer json;    /* the same as members of a list */
    unsigned count;        /* threads that have begun */
    bool inside;           /* in one */
    bool in_frames;        /* a frame, or more, is in the list */
    bool frame_open;       /* the last one waits for its place */
    bool creator;          /* it is that of "created by" */
};

/* Text, in any pieces; a dump that comes later replaces those before (each begins with a line
 * "break: ..." or with a thread that came already). */
void thread_text_feed(struct thread_text *text, const char *bytes, size_t length);

/* The text has ended. True: the last thread's stack is whole. */
bool thread_text_finish(struct thread_text *text);

void thread_text_free(struct thread_text *text);

#endif
