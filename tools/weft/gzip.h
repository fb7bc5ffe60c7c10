/* SPDX-License-Identifier: MIT */
#ifndef TOOLS_WEFT_GZIP_H
#define TOOLS_WEFT_GZIP_H

#include "tools/weft/buffer.h"

/* Appends `length` bytes as one gzip member; the same input always gives the same output. */
void gzip_append(struct buffer *gzipped, const void *bytes, size_t length);

#endif
