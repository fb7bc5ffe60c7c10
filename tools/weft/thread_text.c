/* SPDX-License-Identifier: MIT */
#include "tools/weft/thread_text.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/weft/json.h"

#define CREATED "created by "

static void put_text(struct buffer *json, const char *name, const char *text, size_t length)
{
    struct buffer copy = {0};

    buffer_append(&copy, text, length);
    buffer_printf(json, "\"%s\": ", name);
    json_string(json, buffer_text(&copy));
    buffer_free(&copy);
}

/* thread 18 "name" [queue receive, 3 ms]: */
static bool is_head(const char *line, uint64_t *id, const char **name, const char **state)
{
    char *end;

    if (strncmp(line, "thread ", 7) != 0)
        return false;
    *id = strtoull(line + 7, &end, 10);
    if (end == line + 7 || end[0] != ' ' || end[1] != '"')
        return false;
    *name = end + 2;
    *state = strstr(line, "\" [");
    return *state >= *name && strstr(*state, "]") != NULL;
}

static void close_frame(struct thread_text *text)
{
    if (text->frame_open)
        buffer_string(&text->json, "}");
    text->frame_open = false;
}

static void close_thread(struct thread_text *text)
{
    if (!text->inside)
        return;
    close_frame(text);
    buffer_string(&text->json, text->creator ? "}" : "]}");
    buffer_string(&text->threads, "\n");
    text->inside = false;
}

static void open_thread(struct thread_text *text, const char *line, uint64_t id, const char *name,
                        const char *state)
{
    const char *end = strchr(state, ']');

    close_thread(text);
    buffer_printf(&text->json, "%s{\"id\": %" PRIu64 ", ", text->count > 0 ? ",\n " : "", id);
    put_text(&text->json, "name", name, (size_t)(state - name));
    buffer_string(&text->json, ", ");
    put_text(&text->json, "state", state + 3, (size_t)(end - state - 3));
    buffer_string(&text->json, ", \"frames\": [");
    buffer_printf(&text->threads, "%s\n", line);
    text->count++;
    text->inside = true;
    text->in_frames = text->frame_open = text->creator = false;
}

static void open_frame(struct thread_text *text, const char *function, bool creator)
{
    close_frame(text);
    if (creator && !text->creator) {
        buffer_string(&text->json, "], \"created_by\": ");
        text->creator = true;
    } else if (text->in_frames) {
        buffer_string(&text->json, ", ");
    }
    buffer_string(&text->json, "{");
    put_text(&text->json, strncmp(function, "pc=0x", 5) == 0 ? "pc" : "function",
             strncmp(function, "pc=0x", 5) == 0 ? function + 3 : function,
             strlen(function) - (strncmp(function, "pc=0x", 5) == 0 ? 3 : 0));
    text->in_frames = text->frame_open = true;
}

/* file:line +0x12, of the frame before */
static void put_place(struct thread_text *text, const char *place)
{
    const char *offset = strstr(place, " +0x"), *colon;
    size_t length = offset != NULL ? (size_t)(offset - place) : strlen(place);

    if (!text->frame_open)
        return;
    colon = memrchr(place, ':', length);
    buffer_string(&text->json, ", ");
    put_text(&text->json, "file", place, colon != NULL ? (size_t)(colon - place) : length);
    if (colon != NULL)
        buffer_printf(&text->json, ", \"line\": %lu", strtoul(colon + 1, NULL, 10));
    if (offset != NULL)
        buffer_printf(&text->json, ", \"offset\": %llu", strtoull(offset + 2, NULL, 16));
}

/* A dump begins: what came before was another. */
static void start_over(struct thread_text *text)
{
    buffer_clear(&text->threads);
    buffer_clear(&text->json);
    text->count = 0;
    text->inside = false;
}

static void take_line(struct thread_text *text, const char *line)
{
    const char *name, *state;
    uint64_t id;

    if (strncmp(line, "break: ", 7) == 0) {
        start_over(text);
    } else if (is_head(line, &id, &name, &state)) {
        open_thread(text, line, id, name, state);
    } else if (text->inside && line[0] == '\0') {
        close_thread(text);
    } else if (text->inside) {
        buffer_printf(&text->threads, "%s\n", line);
        if (line[0] == '\t')
            put_place(text, line + 1);
        else if (strncmp(line, CREATED, strlen(CREATED)) == 0)
            open_frame(text, line + strlen(CREATED), true);
        else if (line[0] != '(' && !text->creator) /* a remark, or inlined into the creator */
            open_frame(text, line, false);
    }
}

void thread_text_feed(struct thread_text *text, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '\n') {
            take_line(text, buffer_text(&text->line));
            buffer_clear(&text->line);
        } else if (bytes[i] != '\r' && bytes[i] != '\0') {
            buffer_byte(&text->line, bytes[i]);
        }
    }
}

bool thread_text_finish(struct thread_text *text)
{
    bool whole = !text->inside;

    if (text->line.length > 0)
        take_line(text, buffer_text(&text->line));
    close_thread(text);
    return whole;
}

void thread_text_free(struct thread_text *text)
{
    buffer_free(&text->line);
    buffer_free(&text->threads);
    buffer_free(&text->json);
}
