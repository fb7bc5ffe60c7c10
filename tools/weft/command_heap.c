/* SPDX-License-Identifier: MIT */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/weft/commands.h"
#include "tools/weft/heap_report.h"
#include "tools/weft/message.h"
#include "tools/weft/progress.h"

#define TOP_DEFAULT 20

/* When there is no image to copy it from: MIPS32 release 2, o32. */
#define MIPS_FLAGS_DEFAULT 0x70001000u

struct heap_options {
    const char *elf, *core, *map, *file;
    uint64_t points_at;
    bool asks_pointers, is_json;
    unsigned top;
};

static const struct argp_option options[] = {
    {"elf", 'e', "IMAGE", 0, "The ELF file that ran: names for addresses, checked against the dump",
     0},
    {"core", 'c', "FILE", 0, "Write an ELF core for gdb-multiarch IMAGE FILE", 0},
    {"map", 'm', "FILE", 0, "Write the fragmentation map as SVG", 0},
    {"points-at", 'p', "ADDRESS", 0, "List what points at the block that ADDRESS lies in", 0},
    {"json", 'j', NULL, 0, "One JSON object: runs of pages, threads, allocation sites, or pointers",
     0},
    {"top", 't', "N", 0, "How many of the largest blocks to list (20)", 0},
    {0},
};

static const char about[] =
    "Reads a heap dump out of a file or a stored serial log (\"-\": stdin) and says what is in it."
    "\v"
    "A dump that is cut off or damaged is refused with the offset, exit code 65.";

static bool number_of(const char *text, uint64_t *number)
{
    char *end;

    errno = 0;
    *number = strtoull(text, &end, 0);
    return errno == 0 && *text != '\0' && *end == '\0' && strchr(text, '-') == NULL;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct heap_options *chosen = state->input;
    uint64_t number = 0;

    if ((key == 'p' || key == 't') && !number_of(argument, &number))
        argp_error(state, "%s: not a number", argument);
    if (key == 'e')
        chosen->elf = argument;
    else if (key == 'c')
        chosen->core = argument;
    else if (key == 'j')
        chosen->is_json = true;
    else if (key == 'm')
        chosen->map = argument;
    else if (key == 't')
        chosen->top = number < 1000000 ? (unsigned)number : 1000000;
    else if (key == 'p') {
        chosen->points_at = number;
        chosen->asks_pointers = true;
    } else if (key == ARGP_KEY_ARG && state->arg_num == 0)
        chosen->file = argument;
    else if (key == ARGP_KEY_ARG)
        argp_error(state, "%s: one dump at a time", argument);
    else if (key == ARGP_KEY_END && chosen->file == NULL)
        argp_error(state, "the dump is missing");
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

/* 0, or the exit code after a sentence. */
static int read_dump(struct heap_reader *reader, const char *file)
{
    int fd = strcmp(file, "-") == 0 ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
    uint8_t chunk[65536];
    ssize_t got = -1;

    while (fd >= 0 && (got = read(fd, chunk, sizeof chunk)) > 0) {
        heap_reader_feed(reader, chunk, (size_t)got);
        progress_read(file, reader->demux.offset);
    }
    progress_end();
    if (got < 0)
        message_error("%s: %s", file, strerror(errno));
    if (fd > STDIN_FILENO)
        close(fd);
    if (got < 0)
        return EXIT_NO_INPUT;
    if (heap_reader_finish(reader))
        return 0;
    message_error("%s: %s", file, buffer_text(&reader->refusal));
    return EXIT_DATA;
}

static int check_image(const struct heap_dump *dump, const struct image *image)
{
    if (image->build_id_bytes == dump->build_id_bytes &&
        memcmp(image->build_id, dump->build_id, dump->build_id_bytes) == 0)
        return 0;
    message_error("%s is not the image that ran: its build id is not the dump's", image->path);
    return EXIT_DATA;
}

static int write_file(const char *path, const struct buffer *contents)
{
    FILE *file = fopen(path, "w");
    bool written =
        file != NULL && fwrite(contents->data, 1, contents->length, file) == contents->length;

    if (file != NULL && fclose(file) != 0)
        written = false;
    if (written)
        return 0;
    message_error("%s: %s", path, strerror(errno));
    return EXIT_IO;
}

static uint32_t core_flags(const struct heap_dump *dump, struct symbols *symbols)
{
    GElf_Ehdr header;

    if (symbols != NULL && gelf_getehdr(symbols_image(symbols)->elf, &header) != NULL)
        return header.e_flags;
    return dump->machine == EM_MIPS ? MIPS_FLAGS_DEFAULT : 0;
}

static int write_results(const struct heap_options *chosen, const struct heap_dump *dump,
                         struct symbols *symbols)
{
    struct buffer text = {0}, core = {0}, svg = {0};
    int status = 0;

    if (chosen->asks_pointers && chosen->is_json)
        heap_report_pointers_json(&text, dump, chosen->points_at);
    else if (chosen->is_json)
        heap_report_json(&text, dump, symbols);
    else if (chosen->asks_pointers)
        heap_report_pointers(&text, dump, chosen->points_at);
    else
        heap_report(&text, dump, symbols, chosen->top);
    if (fwrite(buffer_text(&text), 1, text.length, stdout) != text.length || fflush(stdout) != 0)
        status = EXIT_IO;
    if (chosen->core != NULL && status == 0) {
        heap_core(&core, dump, core_flags(dump, symbols));
        status = write_file(chosen->core, &core);
    }
    if (chosen->map != NULL && status == 0) {
        heap_map_svg(&svg, dump);
        status = write_file(chosen->map, &svg);
    }
    buffer_free(&text);
    buffer_free(&core);
    buffer_free(&svg);
    return status;
}

int command_heap(int argc, char **argv)
{
    static const struct argp parser = {
        .options = options, .parser = parse_option, .args_doc = "DUMP", .doc = about};
    static struct heap_reader reader;
    struct heap_options chosen = {.top = TOP_DEFAULT};
    struct symbols *symbols = NULL;
    struct buffer error = {0};
    int status;

    argp_parse(&parser, argc, argv, 0, NULL, &chosen);
    if (chosen.elf != NULL && (symbols = symbols_open(chosen.elf, &error)) == NULL) {
        message_error("%s", buffer_text(&error));
        return EXIT_NO_INPUT;
    }
    heap_reader_init(&reader);
    status = read_dump(&reader, chosen.file);
    if (status == 0 && symbols != NULL)
        status = check_image(&reader.dump, symbols_image(symbols));
    if (status == 0)
        status = write_results(&chosen, &reader.dump, symbols);
    heap_reader_free(&reader);
    if (symbols != NULL)
        symbols_close(symbols);
    buffer_free(&error);
    return status;
}
