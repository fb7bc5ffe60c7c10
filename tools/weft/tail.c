/* SPDX-License-Identifier: MIT */
#include "tools/weft/tail.h"

void tail_add(struct buffer *tail, const char *text, size_t length)
{
    buffer_append(tail, text, length);
    if (tail->length > 2 * TAIL_BYTES_MAX)
        buffer_drop(tail, tail->length - TAIL_BYTES_MAX);
}

size_t tail_start(const struct buffer *tail, size_t length, unsigned lines)
{
    size_t at = length;

    if (lines == 0)
        return length;
    if (at > 0 && tail->data[at - 1] == '\n')
        at--;
    for (; at > 0; at--)
        if (tail->data[at - 1] == '\n' && --lines == 0)
            break;
    return at;
}
