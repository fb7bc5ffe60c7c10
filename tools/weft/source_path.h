/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_WEFT_SOURCE_PATH_H
#define TOOLS_WEFT_SOURCE_PATH_H

#include "tools/weft/buffer.h"

/*
 * Appends the path of a source file as people want to read it: "." and "x/.." removed, and relative
 * to the directory it was compiled in (which may be NULL) when it lies below it.
 */
void source_path_shorten(struct buffer *shown, const char *path, const char *directory);

#endif
