/* SPDX-License-Identifier: MIT */
/* What the linker script says about the image, for prof; host tests supply their own prof/image.c.
 */
#ifndef PROF_IMAGE_H
#define PROF_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "prof/cfi.h"

/* The row of `pc`, out of the unwind information of the image or of other code beside it; *blocks
 * is the section that the row's expressions are offsets in. False: nothing is known. */
bool image_row(uintptr_t pc, struct cfi_row *row, struct cfi_section *blocks);

/* First byte of the text, and the first behind it. */
uintptr_t image_text_start(void);
uintptr_t image_text_end(void);

/* Inside the section of 64-bit atomics (requirements C1). Empty on a CPU that has native ones. */
bool image_in_atomic64(uintptr_t pc);

/* The GNU build id's bytes; NULL with *bytes 0 when the image has none. */
const unsigned char *image_build_id(uint32_t *bytes);

#endif
