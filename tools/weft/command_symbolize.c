/* SPDX-License-Identifier: MIT */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/weft/commands.h"
#include "tools/weft/json.h"
#include "tools/weft/message.h"
#include "tools/weft/progress.h"
#include "tools/weft/symbolizer.h"

struct symbolize_options {
    const char *elf;
    const char *file; /* NULL or "-": stdin */
    bool is_json;
};

static const struct argp_option options[] = {
    {"elf", 'e', "IMAGE", 0, "The ELF file that the addresses belong to (required)", 0},
    {"json", 'j', NULL, 0, "One JSON object per line of text", 0},
    {0},
};

static const char about[] =
    "Copies FILE (or stdin) and explains the addresses in it."
    "\v"
    "A line that is just pc=0x... becomes the function and, under it, file:line, for each inlined "
    "level; "
    "so does the address after \"created by\". A pc=0x... elsewhere is followed by "
    "(function file:line). Unknown addresses stay as they are. Lines come out as they come in.";

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct symbolize_options *chosen = state->input;

    if (key == 'e')
        chosen->elf = argument;
    else if (key == 'j')
        chosen->is_json = true;
    else if (key == ARGP_KEY_ARG && state->arg_num == 0)
        chosen->file = argument;
    else if (key == ARGP_KEY_END && chosen->elf == NULL)
        argp_error(state, "--elf is missing");
    else if (key == ARGP_KEY_ARG)
        argp_error(state, "%s: one file at a time", argument);
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

static void symbolize_write(void *context, const char *text, size_t length)
{
    bool *has_failed = context;

    if (fwrite(text, 1, length, stdout) != length || fflush(stdout) != 0)
        *has_failed = true;
}

static void put_json_frames(struct buffer *json, struct symbols *symbols, uint64_t pc)
{
    const struct location *location = symbols_find(symbols, pc);

    buffer_printf(json, "{\"pc\": \"0x%" PRIx64 "\", \"frames\": [", pc);
    for (size_t i = 0; location->is_known && i < location->count; i++) {
        const struct frame *frame = &location->frames[i];

        buffer_string(json, i > 0 ? ", {\"function\": " : "{\"function\": ");
        json_string(json, frame->function);
        buffer_string(json, ", \"file\": ");
        json_string(json, frame->file);
        buffer_printf(json, ", \"line\": %u, \"offset\": %" PRIu64 "}", frame->line,
                      location->offset);
    }
    buffer_string(json, "]}");
}

/* A line of text as an object: the text itself, and every address in it. */
static void put_json_line(struct buffer *json, struct symbols *symbols, const char *line,
                          size_t length)
{
    size_t at = 0, count = 0;
    uint64_t pc;

    buffer_string(json, "{\"text\": ");
    json_string(json, line);
    buffer_string(json, ", \"addresses\": [");
    while (symbolizer_next_pc(line, length, &at, &pc)) {
        buffer_string(json, count++ > 0 ? ", " : "");
        put_json_frames(json, symbols, pc);
    }
    buffer_string(json, "]}\n");
}

/* Writes the complete lines of `text` as JSON and takes them away; all of it at the end. */
static void symbolize_json(struct buffer *text, struct symbols *symbols, bool is_end,
                           bool *has_failed)
{
    struct buffer json = {0};
    char *line = text->data, *newline;

    while (line != NULL && ((newline = strchr(line, '\n')) != NULL || (is_end && *line != '\0'))) {
        size_t length = newline != NULL ? (size_t)(newline - line) : strlen(line);

        line[length] = '\0';
        put_json_line(&json, symbols, line, length);
        line += length + (newline != NULL);
    }
    if (line != NULL)
        buffer_drop(text, (size_t)(line - text->data));
    symbolize_write(has_failed, buffer_text(&json), json.length);
    buffer_free(&json);
}

static int symbolize_stream(int fd, const struct symbolize_options *chosen, struct symbols *symbols)
{
    struct symbolizer symbolizer;
    struct buffer text = {0};
    bool has_failed = false;
    char chunk[65536];
    ssize_t got = 0;
    uint64_t read_bytes = 0;

    symbolizer_init(&symbolizer, symbols, symbolize_write, &has_failed);
    while (!has_failed && (got = read(fd, chunk, sizeof chunk)) > 0) {
        read_bytes += (uint64_t)got;
        if (!isatty(STDOUT_FILENO))
            progress_read(chosen->file, read_bytes);
        if (!chosen->is_json) {
            symbolizer_feed(&symbolizer, chunk, (size_t)got);
            continue;
        }
        for (ssize_t i = 0; i < got; i++)
            buffer_byte(&text, chunk[i] == '\0' ? '?' : chunk[i]);
        symbolize_json(&text, symbols, false, &has_failed);
    }
    if (chosen->is_json)
        symbolize_json(&text, symbols, true, &has_failed);
    symbolizer_flush(&symbolizer);
    symbolizer_free(&symbolizer);
    buffer_free(&text);
    progress_end();
    if (!has_failed && got == 0)
        return 0;
    message_error("%s: %s at offset %" PRIu64, has_failed ? "standard output" : chosen->file,
                  strerror(errno), read_bytes);
    return has_failed ? EXIT_IO : EXIT_NO_INPUT;
}

int command_symbolize(int argc, char **argv)
{
    static const struct argp parser = {
        .options = options, .parser = parse_option, .args_doc = "[FILE]", .doc = about};
    struct symbolize_options chosen = {0};
    struct buffer error = {0};
    struct symbols *symbols;
    int fd = STDIN_FILENO, status;

    argp_parse(&parser, argc, argv, 0, NULL, &chosen);
    symbols = symbols_open(chosen.elf, &error);
    if (symbols == NULL) {
        message_error("%s", buffer_text(&error));
        return EXIT_NO_INPUT;
    }
    if (chosen.file == NULL || strcmp(chosen.file, "-") == 0)
        chosen.file = "standard input";
    else
        fd = open(chosen.file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        message_error("%s: %s", chosen.file, strerror(errno));
        return EXIT_NO_INPUT;
    }
    status = symbolize_stream(fd, &chosen, symbols);
    symbols_close(symbols);
    buffer_free(&error);
    return status;
}
