/* SPDX-License-Identifier: MIT */
#include "tools/weft/capture.h"

#include <stdlib.h>

#include "prof/heap_format.h"
#include "tools/weft/log_record.h"

static void capture_text(void *context, const uint8_t *bytes, size_t length)
{
    struct capture *capture = context;

    symbolizer_feed(&capture->symbolizer, (const char *)bytes, length);
}

static void capture_reply(struct capture *capture, const uint8_t *bytes, size_t length,
                          uint64_t offset)
{
    struct log_item record;
    struct log_reply reply;

    if (capture->reply == NULL || !log_record_open(&record, bytes, length, offset) ||
        record.payload_bytes != sizeof reply)
        return;
    reply = (struct log_reply){log_record_32(&record, 0), log_record_32(&record, 1),
                               log_record_32(&record, 2)};
    capture->reply(capture->reply_context, &reply);
}

static void capture_record(void *context, const uint8_t *record, size_t length, uint64_t offset)
{
    struct capture *capture = context;

    if (record[2] >= HEAP_FIRST && record[2] <= HEAP_END)
        return; /* a heap dump's; serial.raw has it, for weft heap */
    if (record[2] == LOG_REPLY && record[3] == LOG_REPLY_CORE)
        capture_reply(capture, record, length, offset);
    else if (site_profiles_is_record(record, length))
        site_profiles_record(&capture->sites, record, length, offset);
    else
        log_reader_record(&capture->reader, record, length, offset);
}

static void capture_damage(void *context, uint64_t offset, const char *what)
{
    struct capture *capture = context;

    log_reader_damage(&capture->reader, offset, what);
}

struct capture *capture_open(struct symbols *symbols, symbolizer_sink *sink, void *context)
{
    struct capture *capture = memory_zeroed(sizeof *capture);
    const struct image *image = symbols_image(symbols);
    struct demux_sink demux_sink = {capture_text, capture_record, capture_damage, capture};

    capture->image = (struct log_image){image->path, image->big_endian, image->word_bytes,
                                        image->build_id, image->build_id_bytes};
    demux_init(&capture->demux, &demux_sink);
    symbolizer_init(&capture->symbolizer, symbols, sink, context);
    log_reader_init(&capture->reader, &capture->image);
    site_profiles_init(&capture->sites, &capture->image);
    return capture;
}

void capture_feed(struct capture *capture, const uint8_t *bytes, size_t length)
{
    demux_feed(&capture->demux, bytes, length);
}

void capture_quiet(struct capture *capture)
{
    symbolizer_flush(&capture->symbolizer);
}

void capture_finish(struct capture *capture)
{
    demux_finish(&capture->demux);
    symbolizer_flush(&capture->symbolizer);
    log_reader_finish(&capture->reader);
    site_profiles_finish(&capture->sites);
}

void capture_close(struct capture *capture)
{
    symbolizer_free(&capture->symbolizer);
    log_reader_free(&capture->reader);
    site_profiles_free(&capture->sites);
    free(capture);
}
