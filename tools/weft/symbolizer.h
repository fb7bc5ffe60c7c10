/* SPDX-License-Identifier: MIT */
/*
 * Console text in, the same text with its addresses explained out, line by line as lines come:
 *
 *      [\t ]pc=0x80101234             function
 *                                     <tab>file:line +0xoff      and so on for what it is inlined
 * into created by pc=0x80101234       created by function <tab>file:line +0xoff
 *      ... pc=0x80101234 ...          ... pc=0x80101234 (function file:line) ...
 *
 * Addresses of nothing known stay as they are. "\r\n" becomes "\n".
 */
#ifndef TOOLS_WEFT_SYMBOLIZER_H
#define TOOLS_WEFT_SYMBOLIZER_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/weft/buffer.h"
#include "tools/weft/symbols.h"

typedef void symbolizer_sink(void *context, const char *text, size_t length);

struct symbolizer {
    struct symbols *symbols;
    symbolizer_sink *sink;
    void *context;
    struct buffer line; /* what has come of the current line and was not passed on yet */
    struct buffer out;
    bool is_begun; /* the start of the current line was passed on already */
};

void symbolizer_init(struct symbolizer *symbolizer, struct symbols *symbols, symbolizer_sink *sink,
                     void *context);
void symbolizer_free(struct symbolizer *symbolizer);
void symbolizer_feed(struct symbolizer *symbolizer, const char *text, size_t length);

/* Passes an unfinished line on (a prompt, or the end of the text). */
void symbolizer_flush(struct symbolizer *symbolizer);

/* What the lines above are made of; for --json. A stack line's pc, or false. */
bool symbolizer_stack_line(const char *line, size_t length, bool *is_creator, uint64_t *pc);

/* Finds the next `pc=0x...` at or after *at; *at then points behind it. */
bool symbolizer_next_pc(const char *line, size_t length, size_t *at, uint64_t *pc);

#endif
