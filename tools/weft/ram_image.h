/* SPDX-License-Identifier: MIT */
/*
 * Sample logs in a raw image of the target's memory: of a system that crashed, hangs, or was never
 * asked to send. Each core's header record is found by its magic number, check and build id; its
 * directory (prof/log_format.h) says where the rest lies.
 */
#ifndef TOOLS_WEFT_RAM_IMAGE_H
#define TOOLS_WEFT_RAM_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "tools/weft/log_reader.h"

/* Hands all records of all cores to the reader, with their offsets in the image. Headers of other
 * images are passed over. Returns the number of logs. */
unsigned ram_image_read(struct log_reader *reader, const uint8_t *bytes, size_t size);

#endif
