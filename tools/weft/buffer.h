/* SPDX-License-Identifier: MIT */
/* Growing byte strings. A zeroed struct is an empty buffer; data is always NUL-terminated once
 * used. */
#ifndef TOOLS_WEFT_BUFFER_H
#define TOOLS_WEFT_BUFFER_H

#include <stddef.h>

struct buffer {
    char *data; /* NULL only while nothing was ever appended */
    size_t length;
    size_t capacity;
};

void buffer_append(struct buffer *buffer, const void *bytes, size_t length);
void buffer_string(struct buffer *buffer, const char *text);
void buffer_byte(struct buffer *buffer, int byte);
void buffer_printf(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Takes the first `length` bytes away. */
void buffer_drop(struct buffer *buffer, size_t length);
void buffer_clear(struct buffer *buffer);
void buffer_free(struct buffer *buffer);

/* The contents as a C string, "" when empty. */
const char *buffer_text(const struct buffer *buffer);

/* An array that grows: returns the (possibly moved) array with room for at least `count` items. */
void *array_reserve(void *array, size_t *capacity, size_t count, size_t item_bytes);

/* malloc and friends that do not return NULL. */
void *memory_zeroed(size_t bytes);
void *memory_copy(const void *bytes, size_t length);
char *memory_string(const char *text);

#endif
