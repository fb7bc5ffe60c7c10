/* SPDX-License-Identifier: MIT */
/*
 * Makes a Malta flash image: the start code, its header filled in, the program's segments, the
 * arguments and the INPUT file (boards/malta/flash/header.h has the layout). Everything that the
 * start code relies on is checked here, where there is room for a sentence.
 */
#include <argp.h>
#include <errno.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boards/malta/flash/header.h"
#include "tools/weft/buffer.h"
#include "tools/weft/commands.h"
#include "tools/weft/image.h"
#include "tools/weft/json.h"
#include "tools/weft/message.h"

struct flash_options {
    const char *elf;
    const char *start;
    const char *input;
    const char *out;
    const char *bios;
    uint32_t memory_mib;
    bool is_json;
    struct buffer words;
};

/* The program as one stretch of addresses. */
struct program {
    uint32_t load, limit, memory_limit, entry;
};

static const struct argp_option options[] = {
    {"elf", 'e', "IMAGE", 0, "The program, an ELF file for Malta (required)", 0},
    {"start", 's', "FILE", 0, "The start code, flash-start.bin of the same target (required)", 0},
    {"out", 'o', "FILE", 0, "The image, in the order of the CPU's addresses (required)", 0},
    {"bios", 'b', "FILE", 0,
     "Also: the image with each 32-bit word's most significant byte first, as QEMU's -bios takes "
     "it",
     0},
    {"input", 'i', "FILE", 0, "The file to hand to the program", 0},
    {"json", 'j', NULL, 0, "Print what was made as one JSON object", 0},
    {"memory", 'm', "MIB", 0, "How much RAM there is (default: measured at reset)", 0},
    {0},
};

static const char about[] =
    "Makes an image for a Malta board's boot flash. WORDs are the program's arguments."
    "\v"
    "The board then boots without any other firmware.";

static void words_add(struct buffer *words, const char *word)
{
    buffer_printf(words, "%s%s", words->length != 0 ? " " : "", word);
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct flash_options *chosen = state->input;
    char *end;

    switch (key) {
    case 'e':
        chosen->elf = argument;
        return 0;
    case 's':
        chosen->start = argument;
        return 0;
    case 'o':
        chosen->out = argument;
        return 0;
    case 'b':
        chosen->bios = argument;
        return 0;
    case 'j':
        chosen->is_json = true;
        return 0;
    case 'i':
        chosen->input = argument;
        return 0;
    case 'm':
        chosen->memory_mib = (uint32_t)strtoul(argument, &end, 10);
        if (*end != '\0' || chosen->memory_mib < 1 || chosen->memory_mib > 256)
            argp_error(state, "--memory %s: the board's RAM is 1 to 256 MiB", argument);
        return 0;
    case ARGP_KEY_ARG:
        words_add(&chosen->words, argument);
        return 0;
    case ARGP_KEY_END:
        if (chosen->elf == NULL || chosen->start == NULL || chosen->out == NULL)
            argp_error(state, "--elf, --start and --out are needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- words in the target's byte order ---- */

static void put_word(uint8_t *at, uint32_t word, bool is_big)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(word >> 8 * (is_big ? 3 - i : i));
}

static uint32_t get_word(const uint8_t *at, bool is_big)
{
    uint32_t word = 0;

    for (unsigned i = 0; i < 4; i++)
        word |= (uint32_t)at[i] << 8 * (is_big ? 3 - i : i);
    return word;
}

static void swap_words(uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i + 4 <= count; i += 4)
        put_word(bytes + i, get_word(bytes + i, false), true);
}

/* ---- files ---- */

static int file_read(const char *path, struct buffer *contents)
{
    FILE *file = fopen(path, "rb");
    struct stat status;
    char chunk[65536];
    size_t got;

    if (file == NULL || fstat(fileno(file), &status) != 0 || S_ISDIR(status.st_mode)) {
        message_error("%s: %s", path, file == NULL ? strerror(errno) : "not a file");
        if (file != NULL)
            fclose(file);
        return EXIT_NO_INPUT;
    }
    while ((got = fread(chunk, 1, sizeof chunk, file)) > 0 && contents->length <= FLASH_BYTES_MAX)
        buffer_append(contents, chunk, got);
    got = (size_t)ferror(file);
    fclose(file);
    if (got != 0) {
        message_error("%s: %s", path, strerror(EIO));
        return EXIT_NO_INPUT;
    }
    return 0;
}

/* A half-written image is worse than none. */
static int file_write(const char *path, const void *bytes, size_t count)
{
    FILE *file = fopen(path, "wb");
    bool done = file != NULL && fwrite(bytes, 1, count, file) == count;

    if (file != NULL)
        done = fclose(file) == 0 && done;
    if (done)
        return 0;
    message_error("%s: %s", path, strerror(errno));
    unlink(path);
    return EXIT_IO;
}

/* ---- the program ---- */

static bool is_kseg0(uint64_t address)
{
    uint32_t low = (uint32_t)address;

    return low >= 0x80000000u && low < 0x90000000u;
}

/* What the ELF's segments cover. False with a message when the board can't run it. */
static bool program_measure(const struct image *image, struct program *program)
{
    GElf_Ehdr header;
    GElf_Phdr segment;
    size_t count = 0;

    *program = (struct program){.load = UINT32_MAX};
    if (gelf_getehdr(image->elf, &header) == NULL || header.e_machine != EM_MIPS ||
        image->word_bytes != 4) {
        message_error("%s is not a program for a 32-bit MIPS CPU", image->path);
        return false;
    }
    elf_getphdrnum(image->elf, &count);
    for (size_t i = 0; i < count; i++) {
        uint32_t start, limit, memory_limit;

        if (gelf_getphdr(image->elf, (int)i, &segment) == NULL || segment.p_type != PT_LOAD)
            continue;
        start = (uint32_t)segment.p_paddr;
        limit = start + (uint32_t)segment.p_filesz;
        memory_limit = start + (uint32_t)segment.p_memsz;
        if (!is_kseg0(start) || segment.p_memsz > 0x10000000 ||
            segment.p_filesz > segment.p_memsz || !is_kseg0((uint64_t)memory_limit - 1)) {
            message_error("%s has a segment at 0x%" PRIx32 ", which is not RAM in kseg0",
                          image->path, start);
            return false;
        }
        program->load = start < program->load && segment.p_filesz > 0 ? start : program->load;
        program->limit = limit > program->limit && segment.p_filesz > 0 ? limit : program->limit;
        program->memory_limit =
            memory_limit > program->memory_limit ? memory_limit : program->memory_limit;
    }
    program->entry = (uint32_t)header.e_entry;
    if (program->limit <= program->load || program->entry < program->load ||
        program->entry >= program->limit) {
        message_error("%s has nothing to load, or its entry is not in it", image->path);
        return false;
    }
    return true;
}

/* The segments, into their places behind the start code. */
static bool program_copy(const struct image *image, const struct program *program, uint8_t *to)
{
    GElf_Phdr segment;
    size_t count = 0, file_bytes;
    char *file = elf_rawfile(image->elf, &file_bytes);

    elf_getphdrnum(image->elf, &count);
    for (size_t i = 0; file != NULL && i < count; i++) {
        if (gelf_getphdr(image->elf, (int)i, &segment) == NULL || segment.p_type != PT_LOAD ||
            segment.p_filesz == 0)
            continue;
        if (segment.p_offset > file_bytes || segment.p_filesz > file_bytes - segment.p_offset)
            file = NULL;
        else
            memcpy(to + ((uint32_t)segment.p_paddr - program->load), file + segment.p_offset,
                   segment.p_filesz);
    }
    if (file == NULL)
        message_error("%s ends before its segments do", image->path);
    return file != NULL;
}

/* ---- the image ---- */

static size_t round_up(size_t bytes)
{
    return (bytes + FLASH_UNIT_BYTES - 1) / FLASH_UNIT_BYTES * FLASH_UNIT_BYTES;
}

struct layout {
    size_t program_bytes, argv, words, input, end;
};

/* The arguments: two pointers and NULL, the image's name, the words; then the INPUT file. */
static struct layout layout_make(const struct program *program, const struct buffer *words,
                                 size_t input_bytes)
{
    struct layout layout;

    layout.program_bytes = round_up(program->limit - program->load);
    layout.argv = FLASH_PROGRAM_AT + layout.program_bytes;
    layout.words = layout.argv + FLASH_UNIT_BYTES;
    layout.input = round_up(layout.words + words->length + 1);
    layout.end = round_up(layout.input + input_bytes);
    return layout;
}

static void header_fill(uint8_t *flash, const struct program *program, const struct layout *layout,
                        uint32_t memory_mib, bool is_big)
{
    const struct {
        unsigned at;
        uint32_t value;
    } fields[] = {
        {FLASH_MAGIC_AT, FLASH_MAGIC},
        {FLASH_LOAD_AT, program->load},
        {FLASH_BYTES_AT, (uint32_t)layout->program_bytes},
        {FLASH_ENTRY_AT, program->entry},
        {FLASH_RAM_AT, memory_mib << 20},
        {FLASH_ARGC_AT, 2},
        {FLASH_ARGV_AT, FLASH_KSEG0 + (uint32_t)layout->argv},
        {FLASH_RAM_END_AT, program->memory_limit},
    };
    uint32_t sum1 = 0, sum2 = 0;

    for (size_t i = 0; i < layout->program_bytes; i += 4) {
        sum1 += get_word(flash + FLASH_PROGRAM_AT + i, is_big);
        sum2 += sum1;
    }
    put_word(flash + FLASH_SUM1_AT, sum1, is_big);
    put_word(flash + FLASH_SUM2_AT, sum2, is_big);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        put_word(flash + fields[i].at, fields[i].value, is_big);
    put_word(flash + layout->argv, FLASH_KSEG0 + (uint32_t)layout->argv + 12, is_big);
    put_word(flash + layout->argv + 4, FLASH_KSEG0 + (uint32_t)layout->words, is_big);
    memset(flash + layout->argv + 8, 0, 8); /* the vector's end; argv[0] is the empty string */
}

static int flash_write(const struct flash_options *chosen, uint8_t *flash, size_t bytes,
                       bool is_big)
{
    int status = file_write(chosen->out, flash, bytes);

    if (status != 0 || chosen->bios == NULL)
        return status;
    if (!is_big)
        swap_words(flash, bytes);
    status = file_write(chosen->bios, flash, bytes);
    if (status != 0)
        unlink(chosen->out);
    return status;
}

static void flash_print_json(const struct flash_options *chosen, const struct image *image,
                             const struct layout *layout)
{
    struct buffer json = {0};

    buffer_string(&json, "{\"file\": ");
    json_string(&json, chosen->out);
    buffer_printf(&json, ", \"bytes\": %zu, \"endian\": \"%s\", \"words_at\": %zu", layout->end,
                  image->big_endian ? "big" : "little", layout->words);
    if (chosen->input != NULL)
        buffer_printf(&json, ", \"input_at\": %zu", layout->input);
    buffer_string(&json, "}\n");
    fwrite(json.data, 1, json.length, stdout);
    buffer_free(&json);
}

static int flash_make(const struct flash_options *chosen, const struct image *image,
                      const struct program *program, const struct buffer *start,
                      const struct buffer *input)
{
    struct buffer words = {0};
    struct layout layout;
    uint8_t *flash;
    int status = EXIT_DATA;

    if (chosen->input != NULL) /* the address has a fixed width and is filled in below */
        buffer_printf(&words, "rd_start=0x00000000 rd_size=%zu", input->length);
    if (chosen->words.length != 0)
        words_add(&words, buffer_text(&chosen->words));
    layout = layout_make(program, &words, input->length);
    if (chosen->input != NULL) {
        char address[11];

        snprintf(address, sizeof address, "0x%08" PRIx32, FLASH_KSEG0 + (uint32_t)layout.input);
        memcpy(words.data + strlen("rd_start="), address, sizeof address - 1);
    }
    if (layout.end > FLASH_BYTES_MAX) {
        message_error("the image would have %zu bytes, and the board's flash has room for %d: "
                      "make the program or the input smaller",
                      layout.end, FLASH_BYTES_MAX);
        buffer_free(&words);
        return EXIT_DATA;
    }
    flash = memory_zeroed(layout.end);
    memcpy(flash, start->data, start->length);
    if (program_copy(image, program, flash + FLASH_PROGRAM_AT)) {
        header_fill(flash, program, &layout, chosen->memory_mib, image->big_endian);
        memcpy(flash + layout.words, buffer_text(&words), words.length + 1);
        if (input->length != 0)
            memcpy(flash + layout.input, input->data, input->length);
        status = flash_write(chosen, flash, layout.end, image->big_endian);
        if (status == 0 && chosen->is_json)
            flash_print_json(chosen, image, &layout);
    }
    free(flash);
    buffer_free(&words);
    return status;
}

/* The start code is small, and its first word is a branch, in the program's byte order. */
static int start_check(const struct flash_options *chosen, const struct buffer *start, bool is_big)
{
    if (start->length < FLASH_HEADER_END || start->length > FLASH_PROGRAM_AT ||
        get_word((const uint8_t *)start->data, is_big) >> 16 != 0x1000) {
        message_error("%s is not the start code for a %s-endian board", chosen->start,
                      is_big ? "big" : "little");
        return EXIT_DATA;
    }
    return 0;
}

int command_flash(int argc, char **argv)
{
    static const struct argp parser = {
        .options = options, .parser = parse_option, .args_doc = "[-- WORD...]", .doc = about};
    struct flash_options chosen = {0};
    struct buffer error = {0}, start = {0}, input = {0};
    struct program program;
    struct image *image;
    int status;

    argp_parse(&parser, argc, argv, 0, NULL, &chosen);
    image = image_open(chosen.elf, &error);
    if (image == NULL) {
        message_error("%s", buffer_text(&error));
        return EXIT_NO_INPUT;
    }
    status = program_measure(image, &program) ? file_read(chosen.start, &start) : EXIT_DATA;
    if (status == 0)
        status = start_check(&chosen, &start, image->big_endian);
    if (status == 0 && chosen.input != NULL)
        status = file_read(chosen.input, &input);
    if (status == 0)
        status = flash_make(&chosen, image, &program, &start, &input);
    image_close(image);
    buffer_free(&start);
    buffer_free(&input);
    buffer_free(&chosen.words);
    return status;
}
