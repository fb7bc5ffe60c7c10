/* SPDX-License-Identifier: MIT */
/*
 * Takes a serial stream apart into console text and framed records (prof/log_format.h has the
 * frame). It works byte by byte, so it does not matter how the stream is cut into reads, and it
 * never needs the past: after any damage the next FRAME_BEGIN starts afresh.
 *
 * Damage costs at most the frame it falls into. What is delivered as a frame had the right CRC.
 * Text is lost only between a damaged frame and the next frame or the next DEMUX_TEXT_RUN bytes of
 * plain text.
 */
#ifndef TOOLS_WEFT_DEMUX_H
#define TOOLS_WEFT_DEMUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEMUX_RECORD_MAX 65535u /* what a 16-bit length can say */
#define DEMUX_CRC_BYTES 4u
#define DEMUX_TEXT_RUN 48u /* longer than a thread's name, the only plain text inside frames */

struct demux_sink {
    void (*text)(void *context, const uint8_t *bytes, size_t length);
    /* `offset` is that of the frame's FRAME_BEGIN in the stream. */
    void (*record)(void *context, const uint8_t *record, size_t length, uint64_t offset);
    /* A frame that was lost; `what` is a phrase such as "a frame with a wrong CRC". */
    void (*damage)(void *context, uint64_t offset, const char *what);
    void *context;
};

enum demux_state {
    DEMUX_TEXT,
    DEMUX_BODY,   /* inside a frame */
    DEMUX_ESCAPE, /* inside a frame, after FRAME_ESCAPE */
    DEMUX_SKIP,   /* inside a frame that is known to be lost */
};

struct demux {
    struct demux_sink sink;
    enum demux_state state;
    uint64_t offset;       /* of the next byte */
    uint64_t frame_offset; /* of the current FRAME_BEGIN */
    uint64_t strays;       /* frame bytes among the text: noise, or the remains of a frame */
    uint64_t lost_bytes;   /* bytes of frames that were lost */
    size_t length;         /* of body */
    size_t expected;       /* bytes of body incl. CRC, by the record's header; 0 = not known yet */
    size_t text_run;       /* in DEMUX_SKIP: how many bytes up to now were plain text */
    uint8_t body[DEMUX_RECORD_MAX + DEMUX_CRC_BYTES];
};

void demux_init(struct demux *demux, const struct demux_sink *sink);
void demux_feed(struct demux *demux, const uint8_t *bytes, size_t length);

/* The stream has ended: a frame that is still open was cut. */
void demux_finish(struct demux *demux);

#endif
