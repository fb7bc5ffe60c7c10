/* SPDX-License-Identifier: MIT */
/*
 * SHA-256, written from FIPS 180-4 (August 2015). Section numbers in the comments are that paper's.
 *
 * The message is hashed in blocks of 64 bytes. Whole blocks are hashed where they lie; only the
 * ragged end of a piece is copied into sha->block, to wait for the piece after it. Words are read
 * byte by byte, most significant first (3.1), so that neither the byte order nor the alignment
 * rules of the CPU matter.
 */
#include "sha256.h"

#include <assert.h>
#include <string.h>

/* 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
static const uint32_t sha256_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* 5.3.3: the same of the square roots of the first eight primes. */
static const uint32_t sha256_initial[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

/* 3.2: ROTR. Compilers turn it into one instruction where there is one. */
static inline uint32_t sha256_rotate(uint32_t x, unsigned n)
{
    return (x >> n) | (x << (32 - n));
}

/* 4.1.2, (4.2) to (4.7) */
static inline uint32_t sha256_choose(uint32_t x, uint32_t y, uint32_t z)
{
    return (x & y) ^ (~x & z);
}

static inline uint32_t sha256_majority(uint32_t x, uint32_t y, uint32_t z)
{
    return (x & y) ^ (x & z) ^ (y & z);
}

static inline uint32_t sha256_big_sigma0(uint32_t x)
{
    return sha256_rotate(x, 2) ^ sha256_rotate(x, 13) ^ sha256_rotate(x, 22);
}

static inline uint32_t sha256_big_sigma1(uint32_t x)
{
    return sha256_rotate(x, 6) ^ sha256_rotate(x, 11) ^ sha256_rotate(x, 25);
}

static inline uint32_t sha256_small_sigma0(uint32_t x)
{
    return sha256_rotate(x, 7) ^ sha256_rotate(x, 18) ^ (x >> 3);
}

static inline uint32_t sha256_small_sigma1(uint32_t x)
{
    return sha256_rotate(x, 17) ^ sha256_rotate(x, 19) ^ (x >> 10);
}

static inline uint32_t sha256_load_word(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline void sha256_store_word(unsigned char *at, uint32_t word)
{
    at[0] = (unsigned char)(word >> 24);
    at[1] = (unsigned char)(word >> 16);
    at[2] = (unsigned char)(word >> 8);
    at[3] = (unsigned char)word;
}

/* 6.2.2, step 1: the message schedule W. */
static void sha256_schedule(uint32_t w[64], const unsigned char *block)
{
    for (int t = 0; t < 16; t++)
        w[t] = sha256_load_word(block + 4 * t);
    for (int t = 16; t < 64; t++)
        w[t] =
            sha256_small_sigma1(w[t - 2]) + w[t - 7] + sha256_small_sigma0(w[t - 15]) + w[t - 16];
}

/* 6.2.2, steps 2 to 4, for one block of 64 bytes. */
static void sha256_block(struct sha256 *sha, const unsigned char *block)
{
    uint32_t w[64];
    sha256_schedule(w, block);

    uint32_t a = sha->hash[0], b = sha->hash[1], c = sha->hash[2], d = sha->hash[3];
    uint32_t e = sha->hash[4], f = sha->hash[5], g = sha->hash[6], h = sha->hash[7];
    for (int t = 0; t < 64; t++) {
        uint32_t t1 = h + sha256_big_sigma1(e) + sha256_choose(e, f, g) + sha256_k[t] + w[t];
        uint32_t t2 = sha256_big_sigma0(a) + sha256_majority(a, b, c);
        h = g;
        g = f;
        f = e;
        e = d + t1;
        d = c;
        c = b;
        b = a;
        a = t1 + t2;
    }

    sha->hash[0] += a;
    sha->hash[1] += b;
    sha->hash[2] += c;
    sha->hash[3] += d;
    sha->hash[4] += e;
    sha->hash[5] += f;
    sha->hash[6] += g;
    sha->hash[7] += h;
}

void sha256_start(struct sha256 *sha)
{
    memcpy(sha->hash, sha256_initial, sizeof sha->hash);
    sha->message_bytes = 0;
}

void sha256_update(struct sha256 *sha, const void *bytes, size_t count)
{
    if (count == 0)
        return;
    assert(bytes != NULL);

    const unsigned char *next = bytes;
    size_t held = (size_t)(sha->message_bytes % SHA256_BLOCK_BYTES);
    sha->message_bytes += count;

    if (held > 0) {
        size_t room = SHA256_BLOCK_BYTES - held;
        size_t taken = count < room ? count : room;
        memcpy(sha->block + held, next, taken);
        if (taken < room)
            return;
        sha256_block(sha, sha->block);
        next += taken;
        count -= taken;
    }
    for (; count >= SHA256_BLOCK_BYTES; count -= SHA256_BLOCK_BYTES) {
        sha256_block(sha, next);
        next += SHA256_BLOCK_BYTES;
    }
    memcpy(sha->block, next, count);
}

/* 5.1.1: a one bit, zeroes, and the length in bits, so that the end is the end of a block. */
void sha256_finish(struct sha256 *sha, unsigned char digest[SHA256_DIGEST_BYTES])
{
    static const unsigned char padding[SHA256_BLOCK_BYTES] = {0x80};
    uint64_t message_bits = sha->message_bytes * 8;
    size_t held = (size_t)(sha->message_bytes % SHA256_BLOCK_BYTES);
    size_t length_at = SHA256_BLOCK_BYTES - 8;
    sha256_update(sha, padding,
                  held < length_at ? length_at - held : SHA256_BLOCK_BYTES + length_at - held);

    unsigned char length[8];
    sha256_store_word(length, (uint32_t)(message_bits >> 32));
    sha256_store_word(length + 4, (uint32_t)message_bits);
    sha256_update(sha, length, sizeof length);
    assert(sha->message_bytes % SHA256_BLOCK_BYTES == 0);

    for (int i = 0; i < 8; i++)
        sha256_store_word(digest + 4 * i, sha->hash[i]);
}

void sha256_digest(const void *bytes, size_t count, unsigned char digest[SHA256_DIGEST_BYTES])
{
    struct sha256 sha;
    sha256_start(&sha);
    sha256_update(&sha, bytes, count);
    sha256_finish(&sha, digest);
}

void sha256_hex(const unsigned char digest[SHA256_DIGEST_BYTES],
                char text[2 * SHA256_DIGEST_BYTES + 1])
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < SHA256_DIGEST_BYTES; i++) {
        text[2 * i] = digits[digest[i] >> 4];
        text[2 * i + 1] = digits[digest[i] & 15];
    }
    text[2 * SHA256_DIGEST_BYTES] = '\0';
}
