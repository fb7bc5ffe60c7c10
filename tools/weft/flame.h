/* SPDX-License-Identifier: MIT */
/* Stacks as a flame graph: one SVG file that needs nothing else, with zoom, search and details. */
#ifndef TOOLS_WEFT_FLAME_H
#define TOOLS_WEFT_FLAME_H

#include "tools/weft/buffer.h"
#include "tools/weft/stacks.h"

void flame_print(struct buffer *svg, const struct stacks *stacks, const char *title,
                 const char *subtitle);

/* Appends text with the characters that XML reserves or forbids replaced. */
void flame_escape(struct buffer *svg, const char *text);

#endif
