/* SPDX-License-Identifier: MIT */
/* What `weft heap` says about a dump, and the files it makes of it. */
#ifndef TOOLS_WEFT_HEAP_REPORT_H
#define TOOLS_WEFT_HEAP_REPORT_H

#include "tools/weft/heap_reader.h"
#include "tools/weft/symbols.h"

/* Totals by kind of page, living blocks by size, by allocation site where known, the `top` largest,
 * threads. `symbols` may be NULL. */
void heap_report(struct buffer *text, const struct heap_dump *dump, struct symbols *symbols,
                 unsigned top);

/* Every word of roots and living blocks that is an address in the block around `address` (or, when
 * there is none, exactly `address`), and where it stands. */
void heap_report_pointers(struct buffer *text, const struct heap_dump *dump, uint64_t address);

/* The same two as JSON: every run of pages, thread and known allocation site; every pointer. */
void heap_report_json(struct buffer *json, const struct heap_dump *dump, struct symbols *symbols);
void heap_report_pointers_json(struct buffer *json, const struct heap_dump *dump, uint64_t address);

/* "small blocks", ... */
const char *heap_run_name(enum heap_run kind);

/* The regions' pages as an SVG picture: what lies where, how full spans are. */
void heap_map_svg(struct buffer *svg, const struct heap_dump *dump);

/* An ELF core with every thread's registers and all memory of the dump; `flags` are the image's
 * e_flags. */
void heap_core(struct buffer *core, const struct heap_dump *dump, uint32_t flags);

#endif
