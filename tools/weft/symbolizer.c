/* SPDX-License-Identifier: MIT */
#include "tools/weft/symbolizer.h"

#include <inttypes.h>
#include <string.h>

#define LINE_MAX_BYTES 65536u /* a longer line is passed on in pieces */
#define MARK "pc=0x"
#define CREATOR "created by "

void symbolizer_init(struct symbolizer *symbolizer, struct symbols *symbols, symbolizer_sink *sink,
                     void *context)
{
    *symbolizer = (struct symbolizer){.symbols = symbols, .sink = sink, .context = context};
}

void symbolizer_free(struct symbolizer *symbolizer)
{
    buffer_free(&symbolizer->line);
    buffer_free(&symbolizer->out);
}

static int hex_digit(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F')
        return byte - 'A' + 10;
    return -1;
}

bool symbolizer_next_pc(const char *line, size_t length, size_t *at, uint64_t *pc)
{
    while (*at < length) {
        const char *mark = memmem(line + *at, length - *at, MARK, strlen(MARK));
        size_t digits = 0;

        if (mark == NULL)
            return false;
        *at = (size_t)(mark - line) + strlen(MARK);
        *pc = 0;
        for (; *at < length && hex_digit(line[*at]) >= 0; ++*at, digits++)
            *pc = *pc << 4 | (uint64_t)hex_digit(line[*at]);
        if (digits >= 1 && digits <= 16)
            return true;
    }
    return false;
}

static size_t skip_blanks(const char *line, size_t length, size_t at)
{
    while (at < length && (line[at] == ' ' || line[at] == '\t'))
        at++;
    return at;
}

bool symbolizer_stack_line(const char *line, size_t length, bool *is_creator, uint64_t *pc)
{
    size_t at = skip_blanks(line, length, 0);

    *is_creator = length - at > strlen(CREATOR) && memcmp(line + at, CREATOR, strlen(CREATOR)) == 0;
    if (*is_creator)
        at += strlen(CREATOR);
    if (length - at <= strlen(MARK) || memcmp(line + at, MARK, strlen(MARK)) != 0)
        return false;
    return symbolizer_next_pc(line, length, &at, pc) && skip_blanks(line, length, at) == length;
}

static void put_place(struct buffer *out, const struct frame *frame)
{
    if (frame->line > 0)
        buffer_printf(out, "%s:%u", frame->file, frame->line);
    else
        buffer_string(out, "??:0");
}

static void put_frame(struct buffer *out, const struct location *location, size_t number)
{
    const struct frame *frame = &location->frames[number];

    buffer_printf(out, "%s\n\t", frame->function);
    put_place(out, frame);
    buffer_printf(out, " +0x%" PRIx64, location->offset);
}

/* True when the line was a stack line of a known pc and has been written to `out`. */
static bool put_stack_line(struct symbolizer *symbolizer, const char *line, size_t length)
{
    const struct location *location;
    bool is_creator;
    uint64_t pc;

    if (!symbolizer_stack_line(line, length, &is_creator, &pc))
        return false;
    location = symbols_find(symbolizer->symbols, pc);
    if (!location->is_known)
        return false;
    if (is_creator)
        buffer_string(&symbolizer->out, CREATOR);
    for (size_t i = 0; i < (is_creator ? 1 : location->count); i++) {
        if (i > 0)
            buffer_byte(&symbolizer->out, '\n');
        put_frame(&symbolizer->out, location, i);
    }
    return true;
}

static void put_text(struct symbolizer *symbolizer, const char *line, size_t length)
{
    size_t at = 0, written = 0;
    uint64_t pc;

    while (symbolizer_next_pc(line, length, &at, &pc)) {
        const struct location *location = symbols_find(symbolizer->symbols, pc);

        if (!location->is_known)
            continue;
        buffer_append(&symbolizer->out, line + written, at - written);
        written = at;
        buffer_printf(&symbolizer->out, " (%s ", location->frames[0].function);
        put_place(&symbolizer->out, &location->frames[0]);
        buffer_byte(&symbolizer->out, ')');
    }
    buffer_append(&symbolizer->out, line + written, length - written);
}

static void pass_on(struct symbolizer *symbolizer)
{
    if (symbolizer->out.length > 0)
        symbolizer->sink(symbolizer->context, symbolizer->out.data, symbolizer->out.length);
    buffer_clear(&symbolizer->out);
}

/* The collected piece of the current line; `is_end` when its newline has come. */
static void put_line(struct symbolizer *symbolizer, bool is_end)
{
    struct buffer *line = &symbolizer->line;
    size_t length = line->length;

    if (is_end && length > 0 && line->data[length - 1] == '\r')
        length--;
    if (symbolizer->is_begun || !is_end || !put_stack_line(symbolizer, buffer_text(line), length))
        put_text(symbolizer, buffer_text(line), length);
    if (is_end)
        buffer_byte(&symbolizer->out, '\n');
    symbolizer->is_begun = !is_end;
    buffer_clear(line);
}

void symbolizer_feed(struct symbolizer *symbolizer, const char *text, size_t length)
{
    while (length > 0) {
        const char *newline = memchr(text, '\n', length);
        size_t piece = newline != NULL ? (size_t)(newline - text) : length;

        buffer_append(&symbolizer->line, text, piece);
        if (newline != NULL)
            put_line(symbolizer, true);
        else if (symbolizer->line.length > LINE_MAX_BYTES)
            put_line(symbolizer, false);
        piece += newline != NULL;
        text += piece;
        length -= piece;
    }
    pass_on(symbolizer);
}

void symbolizer_flush(struct symbolizer *symbolizer)
{
    if (symbolizer->line.length > 0)
        put_line(symbolizer, false);
    pass_on(symbolizer);
}
