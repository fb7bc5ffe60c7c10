/* SPDX-License-Identifier: MIT */
/*
 * The demo's LZ77 codec.
 *
 * FORMAT. A packed block is
 *
 *   header    the block's length as a varint: 7 bits a byte, least significant first, the high bit
 *             set on all bytes but the last; at most 3 bytes
 *   items     until that many bytes have been described; each is one of
 *
 *     literals  0LLLLLLL                       followed by L + 1 bytes that stand for themselves
 *     match     1LLLDDDD dddddddd [varint]     copy `length` bytes from `distance` bytes back
 *
 *             distance = (D << 8 | d) + 1, so 1 to 4096; length = L + 3 for L of 0 to 6; L = 7
 *             means length = 10 + the varint that follows.
 *
 * A match may overlap what it produces (distance 1 repeats one byte). Nothing follows the last
 * item.
 *
 * A match of 3 costs 2 bytes and may split a run of literals, which costs one more: so a match
 * never makes a block longer than literals alone would, and lz_bound() is that of literals alone.
 *
 * PACKING has three steps.
 *   1. lz_chain_build links every position to the nearest earlier one whose next three bytes have
 *      the same hash. The whole block is there, so all chains are built before any is searched, and
 *      positions may then be looked at in any order and more than once.
 *   2. lz_match_at walks a position's chain for the longest match, and remembers it, because step 3
 *      asks for the same position again.
 *   3. lz_choose decides at each position between the match found there and one more literal. It
 *      weighs both by what the next few steps can still save (lz_saving_from, a recursion whose
 *      depth the effort sets). A depth of 0 is greedy parsing, 1 the usual lazy matching.
 *
 * UNPACKING trusts nothing: every item is checked against what is left of the input and of the
 * output before a byte of it is read or written.
 *
 * Both sides run through a cursor (struct lz_writer, struct lz_reader) that remembers the first
 * error; after it they do nothing, so the steps need no error path of their own.
 */
#include "lz.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    LZ_WINDOW_BYTES = 4096,
    LZ_MATCH_MIN = 3,
    LZ_MATCH_EXTENDED = 10, /* from here on the length needs a varint */
    LZ_LITERALS_MAX = 128,
    LZ_HEADER_BYTES_MAX = 3,
    LZ_HASH_BITS = 11,
    LZ_NOWHERE = 0xffff, /* no position: blocks have at most 65,535 bytes */
    LZ_UNKNOWN = 0xffff, /* no length either: this position was not searched yet */
};

struct lz_match {
    uint16_t length; /* 0: none */
    uint16_t distance;
};

struct lz_workspace {
    size_t block_bytes;
    uint16_t head[1 << LZ_HASH_BITS]; /* last position of each hash */
    struct lz_position {
        uint16_t previous; /* the position before this one in its chain */
        struct lz_match match;
    } at[];
};

/* How hard each effort tries. */
static const struct lz_effort {
    uint16_t chain;  /* positions of a chain that are compared */
    uint16_t enough; /* a match this long ends the search */
    uint16_t depth;  /* steps that lz_choose looks ahead */
} lz_efforts[LZ_EFFORT_MAX + 1] = {
    [1] = {2, 8, 0},     [2] = {4, 16, 0},    [3] = {16, 32, 0},
    [4] = {8, 32, 1},    [5] = {16, 64, 1},   [6] = {32, 128, 2},
    [7] = {128, 256, 3}, [8] = {512, 512, 4}, [9] = {4096, 65535, 6},
};

/* One block being packed. */
struct lz_parse {
    struct lz_workspace *workspace;
    const struct lz_effort *effort;
    const unsigned char *block;
    size_t bytes;
};

struct lz_writer {
    unsigned char *next;
    unsigned char *end;
    int error;
};

struct lz_reader {
    const unsigned char *next;
    const unsigned char *end;
    int error;
};

const char *lz_error_name(int error)
{
    switch (error) {
    case LZ_EINVAL:
        return "an argument is outside its range";
    case LZ_ENOROOM:
        return "the output does not fit";
    case LZ_ETRUNCATED:
        return "the packed block ends in the middle";
    case LZ_EDISTANCE:
        return "a match reaches back too far";
    case LZ_ELENGTH:
        return "a length does not fit the block";
    case LZ_ETRAILING:
        return "bytes are left over after the block";
    default:
        return "unknown error";
    }
}

struct lz_workspace *lz_workspace_new(size_t block_bytes)
{
    assert(block_bytes <= LZ_BLOCK_BYTES_MAX);
    struct lz_workspace *workspace =
        malloc(sizeof *workspace + block_bytes * sizeof workspace->at[0]);
    if (workspace != NULL)
        workspace->block_bytes = block_bytes;
    return workspace;
}

void lz_workspace_delete(struct lz_workspace *workspace)
{
    free(workspace);
}

size_t lz_bound(size_t bytes)
{
    return LZ_HEADER_BYTES_MAX + bytes + (bytes + LZ_LITERALS_MAX - 1) / LZ_LITERALS_MAX;
}

/* ---- packing: chains and matches ---- */

static inline unsigned lz_hash(const unsigned char *at)
{
    uint32_t three = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16;
    /* Knuth's multiplicative hash: 2^32 / golden ratio; the best mixed bits are the highest. */
    return (three * 2654435769u) >> (32 - LZ_HASH_BITS);
}

static void lz_chain_build(struct lz_parse *parse)
{
    struct lz_workspace *workspace = parse->workspace;
    memset(workspace->head, 0xff, sizeof workspace->head); /* LZ_NOWHERE */
    for (size_t p = 0; p < parse->bytes; p++) {
        workspace->at[p].previous = LZ_NOWHERE;
        workspace->at[p].match = (struct lz_match){.length = LZ_UNKNOWN};
        if (parse->bytes - p < LZ_MATCH_MIN)
            continue;
        uint16_t *head = &workspace->head[lz_hash(parse->block + p)];
        workspace->at[p].previous = *head;
        *head = (uint16_t)p;
    }
}

static inline size_t lz_common_length(const unsigned char *a, const unsigned char *b, size_t limit)
{
    size_t length = 0;
    while (length < limit && a[length] == b[length])
        length++;
    return length;
}

/* Step 2. Candidates come nearest first, so of equally long matches the nearest wins. */
static struct lz_match lz_search(const struct lz_parse *parse, size_t position)
{
    const unsigned char *here = parse->block + position;
    size_t limit = parse->bytes - position;
    size_t best = LZ_MATCH_MIN - 1;
    struct lz_match match = {0, 0};

    size_t candidate = parse->workspace->at[position].previous;
    for (int left = parse->effort->chain; left > 0 && candidate != LZ_NOWHERE; left--) {
        assert(candidate < position);
        if (position - candidate > LZ_WINDOW_BYTES || best >= limit)
            break;
        const unsigned char *there = parse->block + candidate;
        /* A longer match must also agree in the byte after the best one. Most don't. */
        if (there[best] == here[best]) {
            size_t length = lz_common_length(there, here, limit);
            if (length > best) {
                best = length;
                match = (struct lz_match){(uint16_t)length, (uint16_t)(position - candidate)};
                if (length >= parse->effort->enough)
                    break;
            }
        }
        candidate = parse->workspace->at[candidate].previous;
    }
    return match;
}

static struct lz_match lz_match_at(const struct lz_parse *parse, size_t position)
{
    assert(position < parse->bytes);
    struct lz_match *known = &parse->workspace->at[position].match;
    if (known->length == LZ_UNKNOWN)
        *known = lz_search(parse, position);
    return *known;
}

/* ---- packing: choosing ---- */

static inline int lz_varint_bytes(uint32_t value)
{
    return 1 + (value >= 1u << 7) + (value >= 1u << 14);
}

/* Bytes that a match saves against literals. */
static inline int lz_saving(struct lz_match match)
{
    if (match.length == 0)
        return 0;
    int cost = 2;
    if (match.length >= LZ_MATCH_EXTENDED)
        cost += lz_varint_bytes((uint32_t)match.length - LZ_MATCH_EXTENDED);
    return match.length - cost;
}

/* The most that can be saved in the next steps from here: a step is a match, or one literal. */
static int lz_saving_from(const struct lz_parse *parse, size_t position, int steps)
{
    if (position >= parse->bytes)
        return 0;
    struct lz_match match = lz_match_at(parse, position);
    if (steps == 0)
        return lz_saving(match);
    int literal = lz_saving_from(parse, position + 1, steps - 1);
    if (match.length == 0)
        return literal;
    int taken = lz_saving(match) + lz_saving_from(parse, position + match.length, steps - 1);
    return taken > literal ? taken : literal;
}

/* Step 3. Length 0 means: a literal. */
static struct lz_match lz_choose(const struct lz_parse *parse, size_t position)
{
    struct lz_match match = lz_match_at(parse, position);
    int steps = parse->effort->depth;
    if (match.length == 0 || steps == 0)
        return match;
    int taken = lz_saving(match) + lz_saving_from(parse, position + match.length, steps - 1);
    int literal = lz_saving_from(parse, position + 1, steps - 1);
    return literal > taken ? (struct lz_match){0, 0} : match;
}

/* ---- packing: writing ---- */

/* Room for `bytes` more bytes, or NULL after noting the error. */
static unsigned char *lz_reserve(struct lz_writer *writer, size_t bytes)
{
    if (writer->error == 0 && (size_t)(writer->end - writer->next) < bytes)
        writer->error = LZ_ENOROOM;
    if (writer->error != 0)
        return NULL;
    unsigned char *at = writer->next;
    writer->next += bytes;
    return at;
}

static void lz_put_byte(struct lz_writer *writer, unsigned byte)
{
    unsigned char *at = lz_reserve(writer, 1);
    if (at != NULL)
        *at = (unsigned char)byte;
}

static void lz_put_varint(struct lz_writer *writer, uint32_t value)
{
    for (; value >= 0x80; value >>= 7)
        lz_put_byte(writer, 0x80 | (value & 0x7f));
    lz_put_byte(writer, value);
}

static void lz_put_literals(struct lz_writer *writer, const unsigned char *bytes, size_t count)
{
    while (count > 0) {
        size_t run = count < LZ_LITERALS_MAX ? count : LZ_LITERALS_MAX;
        lz_put_byte(writer, (unsigned)run - 1);
        unsigned char *at = lz_reserve(writer, run);
        if (at == NULL)
            return;
        memcpy(at, bytes, run);
        bytes += run;
        count -= run;
    }
}

static void lz_put_match(struct lz_writer *writer, struct lz_match match)
{
    assert(match.length >= LZ_MATCH_MIN && match.distance >= 1);
    assert(match.distance <= LZ_WINDOW_BYTES);
    bool extended = match.length >= LZ_MATCH_EXTENDED;
    unsigned length = extended ? 7 : match.length - (unsigned)LZ_MATCH_MIN;
    unsigned distance = match.distance - 1u;
    lz_put_byte(writer, 0x80 | length << 4 | distance >> 8);
    lz_put_byte(writer, distance & 0xff);
    if (extended)
        lz_put_varint(writer, (uint32_t)match.length - LZ_MATCH_EXTENDED);
}

static void lz_put_block(struct lz_writer *writer, const struct lz_parse *parse)
{
    size_t position = 0;
    size_t written = 0; /* the literals from here to `position` are still to be written */
    while (position < parse->bytes) {
        struct lz_match match = lz_choose(parse, position);
        if (match.length == 0) {
            position++;
            continue;
        }
        lz_put_literals(writer, parse->block + written, position - written);
        lz_put_match(writer, match);
        position += match.length;
        written = position;
    }
    lz_put_literals(writer, parse->block + written, position - written);
}

long lz_pack(struct lz_workspace *workspace, int effort, const unsigned char *block, size_t bytes,
             unsigned char *packed, size_t room)
{
    if (workspace == NULL || effort < LZ_EFFORT_MIN || effort > LZ_EFFORT_MAX ||
        bytes > workspace->block_bytes)
        return LZ_EINVAL;

    struct lz_parse parse = {workspace, &lz_efforts[effort], block, bytes};
    struct lz_writer writer = {packed, packed + room, 0};
    lz_chain_build(&parse);
    lz_put_varint(&writer, (uint32_t)bytes);
    lz_put_block(&writer, &parse);
    return writer.error != 0 ? writer.error : (long)(writer.next - packed);
}

/* ---- unpacking ---- */

/* The next `bytes` bytes of the input, or NULL after noting the error. */
static const unsigned char *lz_take(struct lz_reader *reader, size_t bytes)
{
    if (reader->error == 0 && (size_t)(reader->end - reader->next) < bytes)
        reader->error = LZ_ETRUNCATED;
    if (reader->error != 0)
        return NULL;
    const unsigned char *at = reader->next;
    reader->next += bytes;
    return at;
}

static unsigned lz_get_byte(struct lz_reader *reader)
{
    const unsigned char *at = lz_take(reader, 1);
    return at != NULL ? *at : 0;
}

/* A varint of more than three bytes is more than any block has. */
static uint32_t lz_get_varint(struct lz_reader *reader)
{
    uint32_t value = 0;
    for (int shift = 0; shift < 7 * LZ_HEADER_BYTES_MAX; shift += 7) {
        unsigned byte = lz_get_byte(reader);
        value |= (uint32_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    reader->error = LZ_ELENGTH;
    return 0;
}

/* Both return the bytes they wrote to block[done..), 0 after an error. */
static size_t lz_get_literals(struct lz_reader *reader, unsigned first, unsigned char *block,
                              size_t done, size_t bytes)
{
    size_t count = first + 1u;
    if (count > bytes - done) {
        reader->error = LZ_ELENGTH;
        return 0;
    }
    const unsigned char *from = lz_take(reader, count);
    if (from == NULL)
        return 0;
    memcpy(block + done, from, count);
    return count;
}

static size_t lz_get_match(struct lz_reader *reader, unsigned first, unsigned char *block,
                           size_t done, size_t bytes)
{
    size_t distance = ((size_t)(first & 0x0f) << 8 | lz_get_byte(reader)) + 1;
    size_t length = (first >> 4 & 7) + LZ_MATCH_MIN;
    if (length == LZ_MATCH_EXTENDED)
        length += lz_get_varint(reader);
    if (reader->error == 0 && distance > done)
        reader->error = LZ_EDISTANCE;
    if (reader->error == 0 && length > bytes - done)
        reader->error = LZ_ELENGTH;
    if (reader->error != 0)
        return 0;
    /* Byte by byte and upwards: a match may overlap its own output. */
    for (size_t i = 0; i < length; i++)
        block[done + i] = block[done + i - distance];
    return length;
}

static void lz_get_block(struct lz_reader *reader, unsigned char *block, size_t bytes)
{
    size_t done = 0;
    while (reader->error == 0 && done < bytes) {
        unsigned first = lz_get_byte(reader);
        if (reader->error != 0)
            return;
        if (first < 0x80)
            done += lz_get_literals(reader, first, block, done, bytes);
        else
            done += lz_get_match(reader, first, block, done, bytes);
    }
    if (reader->error == 0 && reader->next != reader->end)
        reader->error = LZ_ETRAILING;
}

long lz_unpack(const unsigned char *packed, size_t packed_bytes, unsigned char *block, size_t room)
{
    struct lz_reader reader = {packed, packed + packed_bytes, 0};
    size_t bytes = lz_get_varint(&reader);
    if (reader.error == 0 && bytes > LZ_BLOCK_BYTES_MAX)
        reader.error = LZ_ELENGTH;
    if (reader.error == 0 && bytes > room)
        reader.error = LZ_ENOROOM;
    if (reader.error == 0)
        lz_get_block(&reader, block, bytes);
    return reader.error != 0 ? reader.error : (long)bytes;
}
