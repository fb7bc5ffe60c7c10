/* SPDX-License-Identifier: MIT */
/*
 * A serial stream on its way through the tool: demux -> console text -> symbolizer -> the caller's
 * sink, and demux -> records -> log reader.
 */
#ifndef TOOLS_WEFT_CAPTURE_H
#define TOOLS_WEFT_CAPTURE_H

#include "tools/weft/demux.h"
#include "tools/weft/log_reader.h"
#include "tools/weft/site_profiles.h"
#include "tools/weft/symbolizer.h"

struct capture {
    struct log_image image;
    struct demux demux;
    struct symbolizer symbolizer;
    struct log_reader reader;
    struct site_profiles sites;

    /* Called for each LOG_REPLY; NULL: nobody asked for anything. */
    void (*reply)(void *context, const struct log_reply *reply);
    void *reply_context;
};

/* The console's text goes to `sink` line by line. Free with capture_close(). */
struct capture *capture_open(struct symbols *symbols, symbolizer_sink *sink, void *context);
void capture_feed(struct capture *capture, const uint8_t *bytes, size_t length);

/* Nothing came for a while: show an unfinished line. */
void capture_quiet(struct capture *capture);

/* The stream has ended. */
void capture_finish(struct capture *capture);
void capture_close(struct capture *capture);

#endif
