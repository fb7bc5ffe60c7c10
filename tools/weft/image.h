/* SPDX-License-Identifier: MIT */
/* The ELF file that ran: its build id, its text, its symbol table. symbols.h adds the DWARF. */
#ifndef TOOLS_WEFT_IMAGE_H
#define TOOLS_WEFT_IMAGE_H

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/weft/buffer.h"

struct image_segment {
    uint64_t start, limit; /* addresses */
    uint64_t file_offset;
};

struct image_function {
    uint64_t start, limit;
    const char *name; /* inside the ELF's string table */
    bool is_typed;    /* STT_FUNC; the others are assembly labels */
    bool is_global;
};

struct image {
    char *path;
    int fd;
    Elf *elf;
    bool big_endian;
    uint32_t word_bytes;
    const uint8_t *build_id; /* inside the ELF's data */
    size_t build_id_bytes;
    struct image_segment *segments; /* the executable ones */
    size_t segment_count, segment_capacity;
    struct image_function *functions; /* by address, none inside another */
    size_t function_count, function_capacity;
};

/* NULL with a sentence in `error` when the file is not an ELF image. */
struct image *image_open(const char *path, struct buffer *error);
void image_close(struct image *image);

bool image_is_text(const struct image *image, uint64_t pc);

/* The symbol table's function around `pc`, or NULL. */
const struct image_function *image_function_at(const struct image *image, uint64_t pc);

#endif
