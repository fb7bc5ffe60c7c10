/* SPDX-License-Identifier: MIT */
#include "tools/weft/demux.h"

#include <assert.h>
#include <string.h>
#include <zlib.h>

#include "prof/log_format.h"

#define HEADER_BYTES sizeof(struct log_record)
#define RECORD_MIN (HEADER_BYTES + 4) /* with its check */

void demux_init(struct demux *demux, const struct demux_sink *sink)
{
    assert(sink->text != NULL && sink->record != NULL && sink->damage != NULL);
    memset(demux, 0, sizeof *demux);
    demux->sink = *sink;
}

static bool demux_is_plain(uint8_t byte)
{
    return (byte >= 0x20 && byte < 0x7f) || byte == '\n' || byte == '\r' || byte == '\t';
}

static void demux_open(struct demux *demux)
{
    demux->lost_bytes += demux->text_run;
    demux->state = DEMUX_BODY;
    demux->frame_offset = demux->offset;
    demux->length = 0;
    demux->expected = 0;
    demux->text_run = 0;
}

/* The frame is lost, and so is everything up to where demux_skip() finds its end. */
static void demux_lose(struct demux *demux, const char *what)
{
    demux->lost_bytes += demux->length;
    demux->sink.damage(demux->sink.context, demux->frame_offset, what);
    demux->state = DEMUX_SKIP;
    demux->length = 0;
    demux->text_run = 0;
}

static bool demux_crc_matches(const struct demux *demux)
{
    size_t length = demux->length - DEMUX_CRC_BYTES;
    const uint8_t *sent = demux->body + length;
    uint32_t crc = (uint32_t)sent[0] << 24 | (uint32_t)sent[1] << 16 | (uint32_t)sent[2] << 8 |
                   (uint32_t)sent[3];

    return crc == (uint32_t)crc32(0, demux->body, (unsigned)length);
}

/* Delivers the frame if it is whole; the state is then DEMUX_TEXT or, when lost, DEMUX_SKIP. */
static void demux_close(struct demux *demux)
{
    if (demux->expected == 0 || demux->length < demux->expected) {
        demux_lose(demux, "a frame that is too short");
    } else if (!demux_crc_matches(demux)) {
        demux_lose(demux, "a frame with a wrong CRC");
    } else {
        demux->sink.record(demux->sink.context, demux->body, demux->length - DEMUX_CRC_BYTES,
                           demux->frame_offset);
        demux->state = DEMUX_TEXT;
    }
}

/* Not a frame at all but a text byte that noise turned into FRAME_BEGIN: the text goes on. */
static void demux_give_back(struct demux *demux)
{
    demux->strays++;
    demux->state = DEMUX_TEXT;
    demux->sink.text(demux->sink.context, demux->body, demux->length);
}

static bool demux_body_is_plain(const struct demux *demux)
{
    for (size_t i = 0; i < demux->length; i++)
        if (!demux_is_plain(demux->body[i]))
            return false;
    return true;
}

/* With the record's header complete, the frame's length is known, or that this is no record. */
static void demux_check_header(struct demux *demux)
{
    const uint8_t *body = demux->body;
    bool big = body[0] == LOG_MAGIC >> 8 && body[1] == (LOG_MAGIC & 0xff);
    bool little = body[1] == LOG_MAGIC >> 8 && body[0] == (LOG_MAGIC & 0xff);
    size_t length = little ? (size_t)body[5] << 8 | body[4] : (size_t)body[4] << 8 | body[5];

    if ((big || little) && length % 4 == 0 && length >= RECORD_MIN)
        demux->expected = length + DEMUX_CRC_BYTES;
    else if (demux_body_is_plain(demux))
        demux_give_back(demux);
    else
        demux_lose(demux, "a frame without a record in it");
}

static bool demux_is_complete(const struct demux *demux)
{
    return demux->expected != 0 && demux->length == demux->expected;
}

static void demux_body_byte(struct demux *demux, uint8_t byte)
{
    if (demux_is_complete(demux)) {
        /* This byte stands where FRAME_END should; the frame itself may still be whole. */
        demux->strays++;
        demux_close(demux);
        return;
    }
    demux->body[demux->length++] = byte;
    if (demux->length == HEADER_BYTES)
        demux_check_header(demux);
}

static void demux_escaped_byte(struct demux *demux, uint8_t byte)
{
    uint8_t plain = byte ^ FRAME_FLIP;

    demux->state = DEMUX_BODY;
    if (plain < FRAME_ESCAPE)
        demux_lose(demux, "a frame with a wrong escape");
    else
        demux_body_byte(demux, plain);
}

/* A lost frame ends with FRAME_END, with the next frame, or where text has obviously gone on. */
static void demux_skip_byte(struct demux *demux, uint8_t byte)
{
    demux->body[demux->text_run++] = byte;
    if (!demux_is_plain(byte)) {
        demux->lost_bytes += demux->text_run;
        demux->text_run = 0;
    } else if (demux->text_run == DEMUX_TEXT_RUN) {
        demux->state = DEMUX_TEXT;
        demux->sink.text(demux->sink.context, demux->body, demux->text_run);
        demux->text_run = 0;
    }
}

static void demux_frame_byte(struct demux *demux, uint8_t byte)
{
    bool is_text = demux->state == DEMUX_TEXT;
    bool is_lost = demux->state == DEMUX_SKIP;

    if (byte == FRAME_BEGIN) {
        if (!is_text && !is_lost)
            demux_close(demux);
        demux_open(demux);
    } else if (is_text) {
        demux->strays++;
    } else if (byte == FRAME_END) {
        if (!is_lost)
            demux_close(demux);
        demux->lost_bytes += demux->text_run;
        demux->text_run = 0;
        demux->state = DEMUX_TEXT;
    } else if (is_lost) { /* FRAME_ESCAPE, here and below */
        demux_skip_byte(demux, byte);
    } else if (demux->state == DEMUX_ESCAPE) {
        demux_lose(demux, "a frame with a wrong escape");
    } else if (demux_is_complete(demux)) {
        demux_body_byte(demux, byte);
    } else {
        demux->state = DEMUX_ESCAPE;
    }
}

static void demux_byte(struct demux *demux, uint8_t byte)
{
    if (byte >= FRAME_ESCAPE)
        demux_frame_byte(demux, byte);
    else if (demux->state == DEMUX_BODY)
        demux_body_byte(demux, byte);
    else if (demux->state == DEMUX_ESCAPE)
        demux_escaped_byte(demux, byte);
    else
        demux_skip_byte(demux, byte);
}

void demux_feed(struct demux *demux, const uint8_t *bytes, size_t length)
{
    size_t at = 0;

    while (at < length) {
        size_t run = 0;

        if (demux->state == DEMUX_TEXT)
            while (at + run < length && bytes[at + run] < FRAME_ESCAPE)
                run++;
        if (run > 0) {
            demux->sink.text(demux->sink.context, bytes + at, run);
        } else {
            demux_byte(demux, bytes[at]);
            run = 1;
        }
        at += run;
        demux->offset += run;
    }
}

void demux_finish(struct demux *demux)
{
    if (demux->state == DEMUX_BODY && demux->expected == 0 && demux_body_is_plain(demux))
        demux_give_back(demux);
    else if (demux->state == DEMUX_BODY && demux_is_complete(demux))
        demux_close(demux);
    else if (demux->state == DEMUX_BODY || demux->state == DEMUX_ESCAPE)
        demux_lose(demux, "a frame that is cut by the end of the log");
    demux->state = DEMUX_TEXT;
}
