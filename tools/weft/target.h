/* SPDX-License-Identifier: MIT */
/*
 * A target's console line, running or stored: a serial device, a pseudo terminal, a socket
 * ("tcp:HOST:PORT" or the path of a local one), or a file ("-": stdin).
 */
#ifndef TOOLS_WEFT_TARGET_H
#define TOOLS_WEFT_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tools/weft/buffer.h"

struct target {
    const char *name;
    int fd;
    bool is_live;    /* it can be asked */
    bool has_break;  /* its line can be held: a serial device, no pseudo terminal */
    uint32_t number; /* of the last request */
    uint64_t bytes;  /* read so far */
};

/* False with a sentence in `error`. `baud` matters to serial devices. */
bool target_open(struct target *target, const char *name, unsigned baud, struct buffer *error);
void target_close(struct target *target);

/* Sends a request (prof/remote.c), as a new one or the last one again. */
bool target_ask(struct target *target, const char *request, bool again);

/* A break on the line. */
bool target_break(struct target *target);

/* Waits up to `wait_ms` and reads: how many bytes; 0: none came; -1: the end, or an error with
 * errno (0 for the end). */
ssize_t target_read(struct target *target, uint8_t *bytes, size_t size, int wait_ms);

/* A file has been read to its end, or as far as it could be, which errno says: the exit status,
 * after a message if it is not 0. */
int target_file_end(const struct target *target);

/* What a WEFT_E... in a reply means. */
const char *target_error(uint32_t status);

#endif
