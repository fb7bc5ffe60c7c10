/* SPDX-License-Identifier: MIT */
#include "tools/weft/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/weft/message.h"

static void buffer_reserve(struct buffer *buffer, size_t more)
{
    size_t wanted = buffer->length + more + 1;

    if (wanted < more)
        message_no_memory();
    buffer->data = array_reserve(buffer->data, &buffer->capacity, wanted, 1);
}

void buffer_append(struct buffer *buffer, const void *bytes, size_t length)
{
    buffer_reserve(buffer, length);
    if (length > 0)
        memcpy(buffer->data + buffer->length, bytes, length);
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
}

void buffer_string(struct buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

void buffer_byte(struct buffer *buffer, int byte)
{
    char one = (char)byte;

    buffer_append(buffer, &one, 1);
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    char *text = NULL;
    int length;

    va_start(arguments, format);
    length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        message_no_memory();
    buffer_append(buffer, text, (size_t)length);
    free(text);
}

void buffer_drop(struct buffer *buffer, size_t length)
{
    if (length >= buffer->length) {
        buffer_clear(buffer);
        return;
    }
    memmove(buffer->data, buffer->data + length, buffer->length - length + 1);
    buffer->length -= length;
}

void buffer_clear(struct buffer *buffer)
{
    buffer->length = 0;
    if (buffer->data != NULL)
        buffer->data[0] = '\0';
}

void buffer_free(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){0};
}

const char *buffer_text(const struct buffer *buffer)
{
    return buffer->data != NULL ? buffer->data : "";
}

void *array_reserve(void *array, size_t *capacity, size_t count, size_t item_bytes)
{
    size_t grown = *capacity < 16 ? 16 : *capacity;

    if (count <= *capacity)
        return array;
    while (grown < count)
        grown *= 2;
    array = reallocarray(array, grown, item_bytes);
    if (array == NULL)
        message_no_memory();
    *capacity = grown;
    return array;
}

void *memory_zeroed(size_t bytes)
{
    void *memory = calloc(1, bytes > 0 ? bytes : 1);

    if (memory == NULL)
        message_no_memory();
    return memory;
}

void *memory_copy(const void *bytes, size_t length)
{
    void *memory = memory_zeroed(length);

    if (length > 0)
        memcpy(memory, bytes, length);
    return memory;
}

char *memory_string(const char *text)
{
    return memory_copy(text, strlen(text) + 1);
}
