/* SPDX-License-Identifier: MIT */
/*
 * Writes sample logs for the tests of the host tool, by prof/log_format.h alone: nothing here comes
 * from the code under test. Either byte order, either word size; every field can be made wrong on
 * purpose.
 */
#ifndef TESTS_UNIT_TOOL_LOG_H
#define TESTS_UNIT_TOOL_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>

#include "prof/log_format.h"
#include "tools/weft/buffer.h"

struct log_writer {
    bool big_endian;
    uint32_t word_bytes;
    uint16_t sequence[256]; /* of the next record, per core */
    uint32_t text_start;    /* as headers say it; the text's end is the end of 32 bits */
    uint32_t flags;
    struct log_directory directory;
    struct buffer record; /* being put together */
    struct buffer stream; /* what the serial line saw */
};

static inline void writer_16(struct log_writer *writer, struct buffer *to, uint32_t value)
{
    buffer_byte(to, (int)(writer->big_endian ? value >> 8 : value) & 0xff);
    buffer_byte(to, (int)(writer->big_endian ? value : value >> 8) & 0xff);
}

static inline void writer_32(struct log_writer *writer, struct buffer *to, uint32_t value)
{
    writer_16(writer, to, writer->big_endian ? value >> 16 : value & 0xffff);
    writer_16(writer, to, writer->big_endian ? value & 0xffff : value >> 16);
}

static inline void writer_word(struct log_writer *writer, uint64_t value)
{
    uint32_t high = (uint32_t)(value >> 32), low = (uint32_t)value;

    if (writer->word_bytes == 8)
        writer_32(writer, &writer->record, writer->big_endian ? high : low);
    writer_32(writer, &writer->record, writer->word_bytes == 8 && !writer->big_endian ? high : low);
}

static inline void writer_escaped(struct buffer *to, uint8_t byte)
{
    if (byte >= FRAME_ESCAPE)
        buffer_byte(to, FRAME_ESCAPE);
    buffer_byte(to, byte >= FRAME_ESCAPE ? byte ^ FRAME_FLIP : byte);
}

/* Appends FRAME_BEGIN ... FRAME_END around `bytes`. */
static inline void writer_frame(struct buffer *to, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    uint32_t crc = (uint32_t)crc32(0, at, (unsigned)length);

    buffer_byte(to, FRAME_BEGIN);
    for (size_t i = 0; i < length; i++)
        writer_escaped(to, at[i]);
    for (int shift = 24; shift >= 0; shift -= 8)
        writer_escaped(to, (uint8_t)(crc >> shift));
    buffer_byte(to, FRAME_END);
}

static inline void writer_begin(struct log_writer *writer, uint8_t type, uint8_t core)
{
    buffer_clear(&writer->record);
    writer_16(writer, &writer->record, LOG_MAGIC);
    buffer_byte(&writer->record, type);
    buffer_byte(&writer->record, core);
    writer_16(writer, &writer->record, 0); /* the length, filled in at the end */
    writer_16(writer, &writer->record, writer->sequence[core]++);
}

static inline void writer_bytes(struct log_writer *writer, const void *bytes, size_t length)
{
    buffer_append(&writer->record, bytes, length);
    while (writer->record.length % 4 != 0)
        buffer_byte(&writer->record, 0);
}

/* Sets the length, adds the check, and puts the record into a frame. */
static inline void writer_finish(struct log_writer *writer)
{
    struct buffer *record = &writer->record, length = {0};
    uint32_t words[UINT16_MAX / 4];

    writer_16(writer, &length, (uint32_t)record->length + 4);
    memcpy(record->data + 4, length.data, 2);
    buffer_free(&length);
    for (size_t i = 0; i < record->length / 4; i++) {
        const uint8_t *at = (const uint8_t *)record->data + i * 4;

        words[i] =
            writer->big_endian
                ? (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3]
                : (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
    }
    writer_32(writer, record, log_check(words, record->length / 4));
    writer_frame(&writer->stream, record->data, record->length);
}

static inline void writer_header(struct log_writer *writer, uint8_t core, uint32_t cores,
                                 uint64_t rate_millihertz, const void *id, size_t id_bytes)
{
    const struct log_header header = {.version = LOG_VERSION,
                                      .word_bytes = writer->word_bytes,
                                      .rate_millihertz_high = (uint32_t)(rate_millihertz >> 32),
                                      .rate_millihertz_low = (uint32_t)rate_millihertz,
                                      .text_start_low = writer->text_start,
                                      .text_end_low = UINT32_MAX,
                                      .cores = cores,
                                      .flags = writer->flags,
                                      .directory = writer->directory,
                                      .build_id_bytes = (uint32_t)id_bytes};
    const uint32_t *fields = &header.version;

    writer_begin(writer, LOG_HEADER, core);
    for (size_t i = 0; i < sizeof header / 4; i++)
        writer_32(writer, &writer->record, fields[i]);
    writer_bytes(writer, id, id_bytes);
    writer_finish(writer);
}

static inline void writer_sample(struct log_writer *writer, uint8_t core,
                                 const struct log_sample *sample, const uint64_t *pcs)
{
    writer_begin(writer, LOG_SAMPLE, core);
    writer_32(writer, &writer->record, sample->thread);
    buffer_byte(&writer->record, sample->context);
    buffer_byte(&writer->record, sample->reason);
    writer_16(writer, &writer->record, sample->depth);
    writer_32(writer, &writer->record, sample->count);
    writer_16(writer, &writer->record, sample->labels);
    buffer_byte(&writer->record, sample->wait);
    buffer_byte(&writer->record, sample->on);
    for (unsigned i = 0; i < sample->depth; i++)
        writer_word(writer, pcs[i]);
    writer_finish(writer);
}

static inline void writer_lost(struct log_writer *writer, uint8_t core, uint32_t reason,
                               uint32_t count)
{
    writer_begin(writer, LOG_LOST, core);
    writer_32(writer, &writer->record, reason);
    writer_32(writer, &writer->record, count);
    writer_finish(writer);
}

static inline void writer_thread(struct log_writer *writer, uint8_t core, uint32_t thread,
                                 const char *name)
{
    writer_begin(writer, LOG_THREAD, core);
    writer_32(writer, &writer->record, thread);
    writer_32(writer, &writer->record, (uint32_t)strlen(name));
    writer_bytes(writer, name, strlen(name));
    writer_finish(writer);
}

static inline void writer_rate(struct log_writer *writer, uint8_t core, uint64_t millihertz)
{
    writer_begin(writer, LOG_RATE, core);
    writer_32(writer, &writer->record, (uint32_t)(millihertz >> 32));
    writer_32(writer, &writer->record, (uint32_t)millihertz);
    writer_finish(writer);
}

static inline void writer_label(struct log_writer *writer, uint32_t label, uint32_t parent,
                                const char *key, const char *value)
{
    writer_begin(writer, LOG_LABEL, 0);
    writer_32(writer, &writer->record, label);
    writer_32(writer, &writer->record, parent);
    writer_32(writer, &writer->record, (uint32_t)strlen(key));
    writer_32(writer, &writer->record, (uint32_t)strlen(value));
    writer_bytes(writer, key, strlen(key));
    writer_bytes(writer, value, strlen(value));
    writer_finish(writer);
}

static inline void writer_wait(struct log_writer *writer, uint32_t wait, const char *name)
{
    writer_begin(writer, LOG_WAIT, 0);
    writer_32(writer, &writer->record, wait);
    writer_32(writer, &writer->record, (uint32_t)strlen(name));
    writer_bytes(writer, name, strlen(name));
    writer_finish(writer);
}

static inline void writer_end(struct log_writer *writer, uint8_t core, const struct log_end *end)
{
    const uint32_t *fields = &end->ticks;

    writer_begin(writer, LOG_END, core);
    for (size_t i = 0; i < sizeof *end / 4; i++)
        writer_32(writer, &writer->record, fields[i]);
    writer_finish(writer);
}

static inline void writer_text(struct log_writer *writer, const char *text)
{
    buffer_string(&writer->stream, text);
}

static inline void writer_free(struct log_writer *writer)
{
    buffer_free(&writer->record);
    buffer_free(&writer->stream);
}

#endif
