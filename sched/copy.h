/* SPDX-License-Identifier: MIT */
/* Copying a message or an element: mostly a few words, where a call of memcpy is half the cost. */
#ifndef SCHED_COPY_H
#define SCHED_COPY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define COPY_WORDS_MAX 8u

typedef uint32_t __attribute__((may_alias)) copy_word;

static inline void copy_element(void *to, const void *from, size_t bytes)
{
    if (bytes <= COPY_WORDS_MAX * 4 && (((uintptr_t)to | (uintptr_t)from | bytes) & 3) == 0) {
        copy_word *out = to;
        const copy_word *in = from, *end = in + bytes / 4;

        while (in != end)
            *out++ = *in++;
    } else {
        memcpy(to, from, bytes);
    }
}

#endif
