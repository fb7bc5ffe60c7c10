/* SPDX-License-Identifier: MIT */
/*
 * The profile in pprof's format, with functions, lines and inlined calls in it, so that every
 * reader gives the same answer without the ELF at hand.
 */
#ifndef TOOLS_WEFT_PROFILE_PROTO_H
#define TOOLS_WEFT_PROFILE_PROTO_H

#include <stdint.h>

#include "tools/weft/buffer.h"
#include "tools/weft/log_reader.h"
#include "tools/weft/symbols.h"

/* Appends the gzipped profile. `time_ns`: when it was taken, since 1970. `comment` may be NULL. */
void profile_proto_encode(struct buffer *gzipped, const struct log_reader *reader,
                          struct symbols *symbols, int64_t time_ns, const char *comment);

/* The same of a profile by place. */
struct site_profile;
void profile_proto_encode_sites(struct buffer *gzipped, const struct site_profile *profile,
                                struct symbols *symbols, int64_t time_ns);

#endif
