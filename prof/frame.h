/* SPDX-License-Identifier: MIT */
/* Records on the serial line: prof/log_format.h says how a frame looks. */
#ifndef PROF_FRAME_H
#define PROF_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "prof/log_format.h"

/* CRC-32 of IEEE 802.3, as zlib's crc32: start with 0, pass the last result to go on. */
uint32_t frame_crc32(uint32_t crc, const void *bytes, size_t count);

/* Sends one record, framed, between whatever else the console prints. Blocks for the line. */
void frame_send(const struct log_record *record);

#endif
