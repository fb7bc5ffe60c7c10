/* SPDX-License-Identifier: MIT */
/* What the boot loader handed over beside the image: one file (the initial RAM disk) and a command
 * line. */
#ifndef WEFT_INPUT_H
#define WEFT_INPUT_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The INPUT file's bytes, read-only, valid for ever; *bytes is its length. NULL with *bytes 0 when
 * none was given. An empty file is not NULL. Context: any. */
const void *weft_input(size_t *bytes);

/* main's argv is the command line split at blanks; argv[0] is the image's name. */

#ifdef __cplusplus
}
#endif

#endif
