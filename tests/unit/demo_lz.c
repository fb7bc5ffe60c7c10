/* SPDX-License-Identifier: MIT */
/*
 * The demo's codec: round trips of easy, hard and nasty blocks at every effort, the format byte by
 * byte, and a decoder that nothing makes read or write outside its buffers. Buffers are allocated
 * to the exact size, so that AddressSanitizer sees one byte too many; canaries see it without.
 */
#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../examples/demo/lz.h"

static uint32_t random_state = 1;

static unsigned random_below(unsigned limit)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % limit;
}

/* ---- blocks ---- */

static void make_random(unsigned char *block, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        block[i] = (unsigned char)random_below(256);
}

static void make_zeroes(unsigned char *block, size_t bytes)
{
    memset(block, 0, bytes);
}

static void make_text(unsigned char *block, size_t bytes)
{
    static const char *const words[] = {"the ",  "thread ", "queue ", "of ",       "a ",
                                        "block", "\n",      "core, ", "scheduler", "sample. "};
    size_t done = 0;
    while (done < bytes) {
        const char *word = words[random_below(10)];
        size_t length = strlen(word) < bytes - done ? strlen(word) : bytes - done;
        memcpy(block + done, word, length);
        done += length;
    }
}

/* Each period from 1 up, so that matches of every distance and overlap come up. */
static void make_periods(unsigned char *block, size_t bytes)
{
    size_t period = 1, at = 0;
    for (size_t i = 0; i < bytes; i++) {
        block[i] = at < period ? (unsigned char)random_below(256) : block[i - period];
        if (++at == 3 * period + 5) {
            period++;
            at = 0;
        }
    }
}

/* Matches of 3 that each split a run of literals: what a match may not make longer. */
static void make_short_matches(unsigned char *block, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        block[i] = i % 7 < 3 ? (unsigned char)"xyz"[i % 7] : (unsigned char)random_below(256);
}

/* All three-byte strings of a small alphabet share few hashes: long chains, near misses. */
static void make_near_misses(unsigned char *block, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        block[i] = (unsigned char)(i % 16 == 15 ? random_below(256) : 'a' + i % 2);
}

static const struct maker {
    const char *name;
    void (*make)(unsigned char *block, size_t bytes);
} makers[] = {
    {"random", make_random},
    {"zeroes", make_zeroes},
    {"text", make_text},
    {"periods", make_periods},
    {"short matches", make_short_matches},
    {"near misses", make_near_misses},
};
enum { MAKERS = sizeof makers / sizeof makers[0] };

static unsigned char *block_new(const struct maker *maker, size_t bytes)
{
    unsigned char *block = malloc(bytes + (bytes == 0));
    maker->make(block, bytes);
    return block;
}

static unsigned char *exact_copy(const unsigned char *bytes, size_t count)
{
    unsigned char *copy = malloc(count + (count == 0));
    memcpy(copy, bytes, count);
    return copy;
}

/* ---- round trips ---- */

static long round_trip(struct lz_workspace *workspace, int effort, const unsigned char *block,
                       size_t bytes)
{
    size_t room = lz_bound(bytes);
    unsigned char *packed = malloc(room);
    long packed_bytes = lz_pack(workspace, effort, block, bytes, packed, room);
    cr_assert_gt(packed_bytes, 0);
    cr_assert_leq((size_t)packed_bytes, room);

    unsigned char *exact = exact_copy(packed, (size_t)packed_bytes);
    unsigned char *unpacked = malloc(bytes + (bytes == 0));
    cr_assert_eq(lz_unpack(exact, (size_t)packed_bytes, unpacked, bytes), (long)bytes);
    cr_assert(bytes == 0 || memcmp(block, unpacked, bytes) == 0);
    free(unpacked);
    free(exact);
    free(packed);
    return packed_bytes;
}

static void round_trips_of(size_t bytes, int least_effort, int most_effort)
{
    struct lz_workspace *workspace = lz_workspace_new(bytes);
    for (int m = 0; m < MAKERS; m++) {
        unsigned char *block = block_new(&makers[m], bytes);
        for (int effort = least_effort; effort <= most_effort; effort++)
            round_trip(workspace, effort, block, bytes);
        free(block);
    }
    lz_workspace_delete(workspace);
}

Test(demo_lz, every_block_of_up_to_300_bytes_survives_every_effort)
{
    for (size_t bytes = 0; bytes <= 300; bytes++)
        round_trips_of(bytes, LZ_EFFORT_MIN, LZ_EFFORT_MAX);
}

Test(demo_lz, blocks_around_the_window_and_the_largest_survive)
{
    static const size_t sizes[] = {511, 4095, 4096, 4097, 4098, 12345};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        round_trips_of(sizes[i], LZ_EFFORT_MIN, LZ_EFFORT_MAX);
    round_trips_of(LZ_BLOCK_BYTES_MAX, LZ_EFFORT_MIN, 6);
}

Test(demo_lz, a_used_workspace_gives_the_same_bytes_as_a_new_one)
{
    enum { BYTES = 4096 };
    unsigned char first[BYTES + 100], second[BYTES + 100];
    struct lz_workspace *used = lz_workspace_new(BYTES);
    for (int m = 0; m < MAKERS; m++) {
        unsigned char *block = block_new(&makers[m], BYTES);
        struct lz_workspace *fresh = lz_workspace_new(BYTES);
        long a = lz_pack(used, LZ_EFFORT_MAX, block, BYTES, first, sizeof first);
        long b = lz_pack(fresh, LZ_EFFORT_MAX, block, BYTES, second, sizeof second);
        cr_assert_eq(a, b);
        cr_assert_arr_eq(first, second, (size_t)a);
        lz_workspace_delete(fresh);
        free(block);
    }
    lz_workspace_delete(used);
}

Test(demo_lz, the_highest_effort_beats_the_lowest_and_halves_a_text)
{
    enum { BYTES = 4096 };
    struct lz_workspace *workspace = lz_workspace_new(BYTES);
    unsigned char *block = block_new(&makers[2], BYTES);
    long low = round_trip(workspace, LZ_EFFORT_MIN, block, BYTES);
    long high = round_trip(workspace, LZ_EFFORT_MAX, block, BYTES);
    cr_expect_lt(high, low);
    cr_expect_lt(high, BYTES / 2);
    free(block);
    lz_workspace_delete(workspace);
}

/* ---- the format ---- */

static void expect_packed(const char *text, size_t bytes, const void *expected, size_t count)
{
    unsigned char packed[64];
    struct lz_workspace *workspace = lz_workspace_new(bytes);
    long got = lz_pack(workspace, 3, (const unsigned char *)text, bytes, packed, sizeof packed);
    cr_assert_eq(got, (long)count, "%ld bytes instead of %zu", got, count);
    cr_assert_arr_eq(packed, expected, count);
    lz_workspace_delete(workspace);
}

Test(demo_lz, packed_bytes_are_those_of_the_documented_format)
{
    expect_packed("", 0, "\x00", 1);
    expect_packed("xy", 2, "\x02\x01xy", 4);
    expect_packed("xyzxyz", 6, "\x06\x02xyz\x80\x02", 7);        /* length 3 */
    expect_packed("xyzxyzxyzxyz", 12, "\x0c\x02xyz\xe0\x02", 7); /* 9, overlapping */
    expect_packed("xyzxyzxyzxyzw", 13, "\x0d\x02xyz\xe0\x02\x00w", 9);
    expect_packed("xxxxxxxxxxx", 11, "\x0b\x00x\xf0\x00\x00", 6); /* 10: varint 0 */
}

static void expect_unpacked(const void *packed, size_t count, const char *text, size_t bytes)
{
    unsigned char block[600];
    unsigned char *exact = exact_copy(packed, count);
    cr_assert_eq(lz_unpack(exact, count, block, sizeof block), (long)bytes);
    cr_assert(memcmp(block, text, bytes) == 0);
    free(exact);
}

Test(demo_lz, the_decoder_reads_the_documented_format)
{
    char many[500];
    memset(many, 'x', sizeof many);
    expect_unpacked("\x00", 1, "", 0);
    expect_unpacked("\xf4\x03\x00x\xf0\x00\xe9\x03", 8, many, 500); /* 10 + 489 */
    expect_unpacked("\x82\x00\x01xy", 5, "xy", 2); /* a longer varint than needed */
}

Test(demo_lz, a_match_reaches_back_4096_bytes_and_no_further)
{
    for (size_t distance = 4095; distance <= 4098; distance++) {
        size_t bytes = distance + 8;
        unsigned char *block = malloc(bytes);
        memset(block, 'x', bytes);
        memcpy(block, "ABCDEFGH", 8);
        memcpy(block + distance, "ABCDEFGH", 8);
        struct lz_workspace *workspace = lz_workspace_new(bytes);
        long packed = round_trip(workspace, LZ_EFFORT_MAX, block, bytes);
        /* header 2, literals 9 + 1 'x', match 2 + 2; then a match of 8 or a run of 8 literals */
        cr_expect_eq(packed, distance <= 4096 ? 18 : 25, "distance %zu: %ld", distance, packed);
        lz_workspace_delete(workspace);
        free(block);
    }
}

/* ---- room ---- */

Test(demo_lz, no_block_is_longer_packed_than_the_bound_says)
{
    cr_expect_eq(lz_bound(0), 3);
    cr_expect_eq(lz_bound(128), 3 + 128 + 1);
    cr_expect_eq(lz_bound(129), 3 + 129 + 2);
    for (int m = 0; m < MAKERS; m++) {
        for (size_t bytes = 0; bytes < 1200; bytes += 1 + bytes / 50) {
            unsigned char *block = block_new(&makers[m], bytes);
            struct lz_workspace *workspace = lz_workspace_new(bytes);
            for (int effort = LZ_EFFORT_MIN; effort <= LZ_EFFORT_MAX; effort += 4)
                cr_assert_leq((size_t)round_trip(workspace, effort, block, bytes), lz_bound(bytes));
            lz_workspace_delete(workspace);
            free(block);
        }
    }
}

Test(demo_lz, packing_into_too_little_room_fails_and_writes_nothing_behind_it)
{
    enum { BYTES = 400 };
    for (int m = 0; m < MAKERS; m++) {
        unsigned char *block = block_new(&makers[m], BYTES);
        struct lz_workspace *workspace = lz_workspace_new(BYTES);
        long needed = round_trip(workspace, 5, block, BYTES);
        for (size_t room = 0; room <= (size_t)needed; room++) {
            unsigned char packed[BYTES + 20];
            memset(packed, 0xee, sizeof packed);
            long got = lz_pack(workspace, 5, block, BYTES, packed, room);
            cr_assert_eq(got, room < (size_t)needed ? LZ_ENOROOM : needed);
            for (size_t i = room; i < sizeof packed; i++)
                cr_assert_eq(packed[i], 0xee);
        }
        lz_workspace_delete(workspace);
        free(block);
    }
}

Test(demo_lz, arguments_outside_their_range_are_refused)
{
    unsigned char block[11] = {0}, packed[64];
    struct lz_workspace *workspace = lz_workspace_new(10);
    cr_expect_eq(lz_pack(workspace, 0, block, 10, packed, 64), LZ_EINVAL);
    cr_expect_eq(lz_pack(workspace, 10, block, 10, packed, 64), LZ_EINVAL);
    cr_expect_eq(lz_pack(workspace, 1, block, 11, packed, 64), LZ_EINVAL);
    cr_expect_eq(lz_pack(NULL, 1, block, 10, packed, 64), LZ_EINVAL);
    lz_workspace_delete(workspace);
}

/* ---- hostile input ---- */

enum { CANARY_BYTES = 32, HOSTILE_ROOM = 700 };

/* Unpacks from an exact copy into an exact room with a canary behind it. */
static long unpack_guarded(const unsigned char *packed, size_t count, size_t room)
{
    static unsigned char block[HOSTILE_ROOM + CANARY_BYTES];
    cr_assert_leq(room, HOSTILE_ROOM);
    memset(block + room, 0xa5, CANARY_BYTES);
    unsigned char *exact = exact_copy(packed, count);
    long got = lz_unpack(exact, count, block, room);
    free(exact);
    for (int i = 0; i < CANARY_BYTES; i++)
        cr_assert_eq(block[room + (size_t)i], 0xa5);
    cr_assert(got <= (long)room && got >= LZ_ETRAILING);
    if (got < 0)
        cr_assert_str_neq(lz_error_name((int)got), "unknown error");
    return got;
}

Test(demo_lz, each_kind_of_damage_has_its_own_error)
{
    const unsigned char *const none = (const unsigned char *)"";
    cr_expect_eq(unpack_guarded(none, 0, 10), LZ_ETRUNCATED);
#define EXPECT(bytes, room, error)                                                                 \
    cr_expect_eq(unpack_guarded((const unsigned char *)(bytes), sizeof(bytes) - 1, room), error)
    EXPECT("\x03\x02xy", 10, LZ_ETRUNCATED);         /* a literal is missing */
    EXPECT("\x06\x02xyz\x80", 10, LZ_ETRUNCATED);    /* half a match */
    EXPECT("\x0f\x00x\xf0\x00", 20, LZ_ETRUNCATED);  /* no varint */
    EXPECT("\x06\x02xyz\x80\x03", 10, LZ_EDISTANCE); /* 4 back, 3 are there */
    EXPECT("\x03\x80\x00", 10, LZ_EDISTANCE);        /* nothing is there yet */
    EXPECT("\x05\x02xyz\x80\x02", 10, LZ_ELENGTH);   /* 6 bytes for a block of 5 */
    EXPECT("\x02\x02xyz", 10, LZ_ELENGTH);
    EXPECT("\x0b\x00x\xf0\x00\xff\xff\x7f", 20, LZ_ELENGTH);
    EXPECT("\xff\xff\xff\xff\x0f", 10, LZ_ELENGTH); /* a varint too long */
    EXPECT("\x80\x80\x04", 10, LZ_ELENGTH);         /* 65,536: no block is so long */
    EXPECT("\x06\x02xyz\x80\x02", 5, LZ_ENOROOM);
    EXPECT("\x02\x01xyz", 10, LZ_ETRAILING);
    EXPECT("\x00\x00", 10, LZ_ETRAILING);
#undef EXPECT
}

struct packed_sample {
    unsigned char bytes[HOSTILE_ROOM];
    size_t count;
};

static void sample_make(struct packed_sample *sample, const struct maker *maker, size_t bytes)
{
    struct lz_workspace *workspace = lz_workspace_new(bytes);
    unsigned char *block = block_new(maker, bytes);
    long count = lz_pack(workspace, 6, block, bytes, sample->bytes, sizeof sample->bytes);
    cr_assert_gt(count, 0);
    sample->count = (size_t)count;
    free(block);
    lz_workspace_delete(workspace);
}

Test(demo_lz, every_truncation_is_noticed)
{
    for (int m = 0; m < MAKERS; m++) {
        struct packed_sample sample;
        sample_make(&sample, &makers[m], 600);
        for (size_t count = 0; count < sample.count; count++)
            cr_assert_eq(unpack_guarded(sample.bytes, count, 600), LZ_ETRUNCATED);
        cr_assert_eq(unpack_guarded(sample.bytes, sample.count, 600), 600);
    }
}

Test(demo_lz, no_flipped_bit_leads_outside_the_buffers)
{
    size_t errors = 0;
    for (int m = 0; m < MAKERS; m++) {
        struct packed_sample sample;
        sample_make(&sample, &makers[m], 600);
        for (size_t bit = 0; bit < 8 * sample.count; bit++) {
            sample.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
            errors += unpack_guarded(sample.bytes, sample.count, 600) < 0;
            sample.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        }
    }
    cr_expect_gt(errors, 1000, "only %zu flips were noticed: were the items hit at all?", errors);
}

Test(demo_lz, no_random_bytes_lead_outside_the_buffers)
{
    size_t unpacked = 0;
    for (int n = 0; n < 200000; n++) {
        unsigned char bytes[40];
        size_t count = 1 + random_below(sizeof bytes);
        make_random(bytes, count);
        bytes[0] &= n % 2 ? 0x1f : 0xff; /* short blocks, so that some come to their end */
        unpacked += unpack_guarded(bytes, count, random_below(HOSTILE_ROOM)) >= 0;
    }
    cr_expect_gt(unpacked, 10, "only %zu were well-formed", unpacked);
}
