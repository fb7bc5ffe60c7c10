/* SPDX-License-Identifier: MIT */
/*
 * getentropy: ChaCha20 (RFC 8439, 2.1 to 2.4) keyed with the board's 32 random bytes, one nonce for
 * each call. The stack canary and the heap's secrets are other bytes of the same seed, which can't
 * be computed from what comes out here. Without a seed there is nothing to stretch, and the call
 * says so.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <weft/atomic.h>

#include "kernel/board.h"

#define GETENTROPY_MAX 256 /* POSIX, getentropy() */
#define BLOCK_BYTES 64

static inline uint32_t rotate_left(uint32_t word, unsigned bits)
{
    return word << bits | word >> (32 - bits);
}

static void quarter_round(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
    *a += *b, *d = rotate_left(*d ^ *a, 16);
    *c += *d, *b = rotate_left(*b ^ *c, 12);
    *a += *b, *d = rotate_left(*d ^ *a, 8);
    *c += *d, *b = rotate_left(*b ^ *c, 7);
}

/* RFC 8439, 2.3. Key and nonce are random anyway, so they are taken in the CPU's own byte order. */
static void chacha20_block(uint32_t output[16], const uint32_t input[16])
{
    static const uint8_t rounds[8][4] = {{0, 4, 8, 12},  {1, 5, 9, 13},  {2, 6, 10, 14},
                                         {3, 7, 11, 15}, {0, 5, 10, 15}, {1, 6, 11, 12},
                                         {2, 7, 8, 13},  {3, 4, 9, 14}};

    memcpy(output, input, BLOCK_BYTES);
    for (unsigned i = 0; i < 80; i++) {
        const uint8_t *at = rounds[i % 8];

        quarter_round(&output[at[0]], &output[at[1]], &output[at[2]], &output[at[3]]);
    }
    for (unsigned i = 0; i < 16; i++)
        output[i] += input[i];
}

int getentropy(void *bytes, size_t count)
{
    static uint64_t calls;
    uint32_t input[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}, block[16];
    unsigned char *to = bytes;
    uint8_t seed[32];
    uint64_t call;

    if (count > GETENTROPY_MAX || !board_random_seed(seed)) {
        errno = EIO;
        return -1;
    }
    memcpy(&input[4], seed, sizeof seed);
    call = weft_atomic64_fetch_add(&calls, 1);
    input[14] = (uint32_t)call;
    input[15] = (uint32_t)(call >> 32);
    while (count > 0) {
        size_t part = count < BLOCK_BYTES ? count : BLOCK_BYTES;

        chacha20_block(block, input);
        memcpy(to, block, part);
        input[12]++;
        to += part;
        count -= part;
    }
    memset(seed, 0, sizeof seed);
    memset(input, 0, sizeof input);
    return 0;
}
