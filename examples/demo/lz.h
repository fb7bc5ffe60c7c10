/* SPDX-License-Identifier: MIT */
/* A small LZ77 codec for independent blocks of at most 64 KiB. lz.c describes the format and the
 * search. */
#ifndef DEMO_LZ_H
#define DEMO_LZ_H

#include <stddef.h>

#define LZ_BLOCK_BYTES_MAX 65535u
#define LZ_EFFORT_MIN 1
#define LZ_EFFORT_MAX 9

/* Negative results of lz_pack (only the first two) and lz_unpack. */
enum lz_error {
    LZ_EINVAL = -1,     /* an argument is outside its range */
    LZ_ENOROOM = -2,    /* the output is longer than the caller's buffer */
    LZ_ETRUNCATED = -3, /* the packed block ends in the middle */
    LZ_EDISTANCE = -4,  /* a match reaches back to before the block's first byte */
    LZ_ELENGTH = -5,    /* more bytes than the block's header says, or too many for any block */
    LZ_ETRAILING = -6,  /* bytes are left over after the block's end */
};

/* A constant one-line description. Never NULL. */
const char *lz_error_name(int error);

/* Tables that lz_pack needs, for blocks of up to block_bytes. Returns NULL when there is no memory.
 * One workspace serves one lz_pack at a time. */
struct lz_workspace;
struct lz_workspace *lz_workspace_new(size_t block_bytes);
void lz_workspace_delete(struct lz_workspace *workspace);

/* No packed block of `bytes` bytes is longer than this. */
size_t lz_bound(size_t bytes);

/* Packs block[0..bytes) into packed[0..room) and returns the packed length, or LZ_EINVAL (the block
 * is larger than the workspace was made for, or the effort is none), or LZ_ENOROOM, which can't
 * happen when room is lz_bound(bytes). The result depends on the bytes and the effort alone. */
long lz_pack(struct lz_workspace *workspace, int effort, const unsigned char *block, size_t bytes,
             unsigned char *packed, size_t room);

/* Unpacks exactly one packed block into block[0..room) and returns its length, or an error. Reads
 * nothing outside packed[0..packed_bytes) and writes nothing outside block[0..room), whatever the
 * packed bytes are. After an error the content of block[] is unspecified. */
long lz_unpack(const unsigned char *packed, size_t packed_bytes, unsigned char *block, size_t room);

#endif
