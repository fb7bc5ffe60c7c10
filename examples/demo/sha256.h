/* SPDX-License-Identifier: MIT */
/* SHA-256 as FIPS 180-4 defines it, over a message that comes in pieces of any size. */
#ifndef DEMO_SHA256_H
#define DEMO_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_DIGEST_BYTES 32
#define SHA256_BLOCK_BYTES 64

/* One message on its way. The caller owns it; a copy of it is an independent message with the same
 * beginning. */
struct sha256 {
    uint32_t hash[8];                        /* H(i) of FIPS 180-4, 6.2.2 */
    uint64_t message_bytes;                  /* so far */
    unsigned char block[SHA256_BLOCK_BYTES]; /* the last message_bytes % 64 bytes, not yet hashed */
};

void sha256_start(struct sha256 *sha);
void sha256_update(struct sha256 *sha, const void *bytes, size_t count);

/* Writes the digest of everything since the start; the message can't be continued afterwards. */
void sha256_finish(struct sha256 *sha, unsigned char digest[SHA256_DIGEST_BYTES]);

/* The three calls in one, for a message that lies in memory whole. */
void sha256_digest(const void *bytes, size_t count, unsigned char digest[SHA256_DIGEST_BYTES]);

/* The digest as 64 lower-case hexadecimal digits and a zero. */
void sha256_hex(const unsigned char digest[SHA256_DIGEST_BYTES],
                char text[2 * SHA256_DIGEST_BYTES + 1]);

#endif
