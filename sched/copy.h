/* SPDX-License-Identifier: MIT */
/* Copying a message or an element: mostly a few words, where a call of memcpy is half the cost. */
#ifndef SCHED_COPY_H
#define SCHED_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint32_t __attribute__((may_alias)) copy_word;

struct copy_four {
    copy_word words[4];
} __attribute__((may_alias));

/* Without a call; false: not an element of a usual size. */
static inline bool copy_usual(void *to, const void *from, size_t bytes)
{
    bool aligned = (((uintptr_t)to | (uintptr_t)from) & 3) == 0;

    if (aligned && bytes == sizeof(copy_word))
        *(copy_word *)to = *(const copy_word *)from;
    else if (aligned && bytes == sizeof(struct copy_four))
        *(struct copy_four *)to = *(const struct copy_four *)from;
    else
        return false;
    return true;
}

static inline void copy_element(void *to, const void *from, size_t bytes)
{
    if (!copy_usual(to, from, bytes))
        memcpy(to, from, bytes);
}

#endif
