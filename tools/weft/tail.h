/* SPDX-License-Identifier: MIT */
/* The last part of a text that goes by. */
#ifndef TOOLS_WEFT_TAIL_H
#define TOOLS_WEFT_TAIL_H

#include "tools/weft/buffer.h"

#define TAIL_BYTES_MAX (256u << 10)

void tail_add(struct buffer *tail, const char *text, size_t length);

/* Where the last `lines` lines of the first `length` bytes begin. */
size_t tail_start(const struct buffer *tail, size_t length, unsigned lines);

#endif
