/* SPDX-License-Identifier: MIT */
/* The frames on the serial line: what is text, what is a record, and what damage costs. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/unit/tool_log.h"
#include "tools/weft/demux.h"

struct heard {
    struct buffer text;
    unsigned records, damages;
    uint64_t first_damage;
    uint8_t tags[64]; /* the last payload byte of each record, in order */
};

static void hear_text(void *context, const uint8_t *bytes, size_t length)
{
    buffer_append(&((struct heard *)context)->text, bytes, length);
}

static void hear_record(void *context, const uint8_t *record, size_t length, uint64_t offset)
{
    struct heard *heard = context;

    (void)offset;
    cr_assert_lt(heard->records, sizeof heard->tags);
    heard->tags[heard->records++] = record[length - 5];
}

static void hear_damage(void *context, uint64_t offset, const char *what)
{
    struct heard *heard = context;

    cr_assert_gt(strlen(what), 0);
    if (heard->damages++ == 0)
        heard->first_damage = offset;
}

/* Feeds the bytes in pieces of `step` and returns what came out. */
static struct heard *listen(const void *bytes, size_t length, size_t step)
{
    struct heard *heard = memory_zeroed(sizeof *heard);
    struct demux *demux = memory_zeroed(sizeof *demux);
    const struct demux_sink sink = {hear_text, hear_record, hear_damage, heard};

    demux_init(demux, &sink);
    for (size_t at = 0; at < length; at += step)
        demux_feed(demux, (const uint8_t *)bytes + at, length - at < step ? length - at : step);
    demux_finish(demux);
    free(demux);
    return heard;
}

static void forget(struct heard *heard)
{
    buffer_free(&heard->text);
    free(heard);
}

/* A record with `bytes` in it; only the demultiplexer sees it, so its type does not matter. */
static void put_record(struct log_writer *writer, const void *bytes, size_t length)
{
    writer_begin(writer, LOG_THREAD, 0);
    writer_bytes(writer, bytes, length);
    writer_finish(writer);
}

static const char text_1[] = "one line of the console, before\n";
static const char text_2[] = "between \xc3\xa4\xc3\xb6 two records\r\n";
static const char text_3[] = "and after them, long enough to be told from the inside of a frame\n";
#define RECORDS 4

/* Text, two records, text, two records, text; tags 1 to 4. */
static void put_stream(struct log_writer *writer)
{
    const uint8_t special[][8] = {{0xfd, 0xfe, 0xff, 0, 0, 0, 0, 1},
                                  {0, 0, 0, 2},
                                  {0xff, 0xff, 0xff, 0xff, 0x7d, 0x7e, 0x7f, 3},
                                  {0x80, 0x12, 0x34, 0x56, 'W', 'F', 4, 4}};

    writer_text(writer, text_1);
    put_record(writer, special[0], 8);
    put_record(writer, special[1], 4);
    writer_text(writer, text_2);
    put_record(writer, special[2], 8);
    put_record(writer, special[3], 8);
    writer_text(writer, text_3);
}

Test(tool_demux, text_and_records_come_apart_however_the_stream_is_cut)
{
    for (int big = 0; big <= 1; big++) {
        struct log_writer writer = {.big_endian = big, .word_bytes = 4};
        struct buffer expected = {0};

        put_stream(&writer);
        buffer_printf(&expected, "%s%s%s", text_1, text_2, text_3);
        for (size_t step = 1; step <= writer.stream.length; step++) {
            struct heard *heard = listen(writer.stream.data, writer.stream.length, step);

            cr_assert_eq(heard->records, RECORDS);
            cr_assert_eq(heard->damages, 0);
            cr_assert_eq(memcmp(heard->tags, "\1\2\3\4", RECORDS), 0);
            cr_assert_str_eq(buffer_text(&heard->text), buffer_text(&expected));
            forget(heard);
        }
        buffer_free(&expected);
        writer_free(&writer);
    }
}

Test(tool_demux, every_byte_value_survives_the_escapes)
{
    struct log_writer writer = {.big_endian = true, .word_bytes = 4};
    uint8_t all[256];
    struct heard *heard;

    for (unsigned i = 0; i < sizeof all; i++)
        all[i] = (uint8_t)i;
    put_record(&writer, all, sizeof all);
    for (size_t i = 1; i + 1 < writer.stream.length; i++)
        cr_assert((uint8_t)writer.stream.data[i] < FRAME_BEGIN, "frame byte inside, at %zu", i);
    heard = listen(writer.stream.data, writer.stream.length, 7);
    cr_assert_eq(heard->records, 1);
    cr_assert_eq(heard->tags[0], 255);
    forget(heard);
    writer_free(&writer);
}

/* How many of the four tags were heard, in order and none twice. */
static unsigned tags_heard(const struct heard *heard)
{
    unsigned last = 0;

    for (unsigned i = 0; i < heard->records; i++) {
        cr_assert_gt(heard->tags[i], last);
        cr_assert_leq(heard->tags[i], RECORDS);
        last = heard->tags[i];
    }
    return heard->records;
}

static bool ends_with(const struct buffer *text, const char *end)
{
    size_t length = strlen(end);

    return text->length >= length && memcmp(text->data + text->length - length, end, length) == 0;
}

/* Replaces every single byte of the stream in turn by `change(byte)`. */
static void damage_every_byte(uint8_t (*change)(uint8_t), unsigned may_lose)
{
    struct log_writer writer = {.big_endian = true, .word_bytes = 4};
    size_t whole_text = strlen(text_1) + strlen(text_2) + strlen(text_3), text_3_at;
    uint8_t *copy;

    put_stream(&writer);
    text_3_at = writer.stream.length - strlen(text_3);
    copy = memory_copy(writer.stream.data, writer.stream.length);
    for (size_t i = 0; i < writer.stream.length; i++) {
        uint8_t byte = copy[i];
        struct heard *heard;

        copy[i] = change(byte);
        heard = listen(copy, writer.stream.length, 64);
        cr_assert(tags_heard(heard) + may_lose >= RECORDS, "byte %zu: %02x became %02x, %u left", i,
                  byte, copy[i], heard->records);
        if (i < text_3_at)
            cr_assert(ends_with(&heard->text, text_3), "byte %zu: the last text is lost", i);
        else
            cr_assert_geq(heard->text.length + 1, whole_text, "byte %zu: text is lost", i);
        forget(heard);
        copy[i] = byte;
    }
    free(copy);
    writer_free(&writer);
}

static uint8_t flip_bit_0(uint8_t byte)
{
    return byte ^ 0x01;
}
static uint8_t flip_bit_1(uint8_t byte)
{
    return byte ^ 0x02;
}
static uint8_t flip_bit_5(uint8_t byte)
{
    return byte ^ 0x20;
}
static uint8_t flip_bit_7(uint8_t byte)
{
    return byte ^ 0x80;
}
static uint8_t flip_all(uint8_t byte)
{
    return (uint8_t)~byte;
}
static uint8_t make_begin(uint8_t byte)
{
    (void)byte;
    return FRAME_BEGIN;
}
static uint8_t make_end(uint8_t byte)
{
    (void)byte;
    return FRAME_END;
}
static uint8_t make_escape(uint8_t byte)
{
    (void)byte;
    return FRAME_ESCAPE;
}
static uint8_t make_zero(uint8_t byte)
{
    (void)byte;
    return 0;
}

Test(tool_demux, one_wrong_byte_costs_at_most_one_record)
{
    uint8_t (*const changes[])(uint8_t) = {flip_bit_0, flip_bit_1,  flip_bit_5,
                                           flip_bit_7, flip_all,    make_begin,
                                           make_end,   make_escape, make_zero};

    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        damage_every_byte(changes[i], 1);
}

Test(tool_demux, a_log_cut_anywhere_gives_the_records_before_the_cut)
{
    struct log_writer writer = {.big_endian = false, .word_bytes = 8};
    unsigned before = 0;

    put_stream(&writer);
    for (size_t length = 0; length <= writer.stream.length; length++) {
        struct heard *heard = listen(writer.stream.data, length, 16);
        unsigned records = tags_heard(heard);

        cr_assert(records == before || records == before + 1, "%zu: %u after %u", length, records,
                  before);
        before = records;
        forget(heard);
    }
    cr_assert_eq(before, RECORDS);
    writer_free(&writer);
}

Test(tool_demux, a_cut_or_broken_frame_is_reported_at_its_offset)
{
    struct log_writer writer = {.big_endian = true, .word_bytes = 4};
    struct heard *heard;

    writer_text(&writer, text_1);
    put_record(&writer, "abcdefg\x05", 8);
    heard = listen(writer.stream.data, writer.stream.length - 6, 16);
    cr_assert_eq(heard->records, 0);
    cr_assert_eq(heard->damages, 1);
    cr_assert_eq(heard->first_damage, strlen(text_1));
    forget(heard);
    writer.stream.data[strlen(text_1) + 12] ^= 1;
    heard = listen(writer.stream.data, writer.stream.length, 16);
    cr_assert_eq(heard->records, 0);
    cr_assert_eq(heard->damages, 1);
    cr_assert_eq(heard->first_damage, strlen(text_1));
    cr_assert_str_eq(buffer_text(&heard->text), text_1, "no byte of the frame is text");
    forget(heard);
    writer_free(&writer);
}

/* Noise must never crash it nor make a record up: CRC and length would have to match by chance. */
Test(tool_demux, noise_is_never_a_record)
{
    uint64_t state = 1;
    uint8_t noise[4096];

    for (unsigned round = 0; round < 500; round++) {
        struct heard *heard;

        for (size_t i = 0; i < sizeof noise; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            noise[i] = (uint8_t)(state >> 56);
            if (noise[i] < 24) /* many frame starts with a right magic */
                noise[i] = "\xfe\xfe\xffWF\xfd"[noise[i] % 6] & 0xff;
        }
        heard = listen(noise, sizeof noise, 333);
        cr_assert_eq(heard->records, 0);
        forget(heard);
    }
}

/* The longest record that a 16-bit length can say, every byte of it escaped. */
Test(tool_demux, the_longest_record_passes)
{
    struct log_writer writer = {.big_endian = true, .word_bytes = 4};
    size_t length = 65532 - sizeof(struct log_record) - 4;
    uint8_t *payload = memory_zeroed(length);
    struct heard *heard;

    memset(payload, 0xff, length);
    put_record(&writer, payload, length);
    heard = listen(writer.stream.data, writer.stream.length, 1000);
    cr_assert_eq(heard->records, 1);
    cr_assert_eq(heard->damages, 0);
    forget(heard);
    free(payload);
    writer_free(&writer);
}
