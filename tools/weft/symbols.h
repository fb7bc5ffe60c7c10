/* SPDX-License-Identifier: MIT */
/*
 * From an address to functions and source lines, inlined calls included, by DWARF (elfutils) and,
 * for code without DWARF, by the ELF symbol table. Answers are cached and live as long as the
 * symbols.
 */
#ifndef TOOLS_WEFT_SYMBOLS_H
#define TOOLS_WEFT_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/weft/buffer.h"
#include "tools/weft/image.h"

struct symbols;

/* One level of a location. Strings are interned: equal ones are the same pointer. */
struct frame {
    const char *function;
    const char *file; /* "" when unknown */
    unsigned line;    /* 0 when unknown */
    unsigned start_line;
    bool is_inlined; /* into the next frame of the same location */
};

struct location {
    uint64_t pc;
    uint64_t
        offset;    /* from the start of the function that really is there (not the inlined ones) */
    bool is_known; /* false: one frame with the address as its name */
    size_t count;
    struct frame *frames; /* innermost first, at least one */
};

struct symbols *symbols_open(const char *path, struct buffer *error);
void symbols_close(struct symbols *symbols);
const struct image *symbols_image(const struct symbols *symbols);

/* Never NULL. */
const struct location *symbols_find(struct symbols *symbols, uint64_t pc);

/* A string that lives as long as the symbols; equal strings are the same pointer. */
const char *symbols_intern(struct symbols *symbols, const char *text);

#endif
