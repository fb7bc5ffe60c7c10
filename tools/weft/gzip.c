/* SPDX-License-Identifier: MIT */
#include "tools/weft/gzip.h"

#include <assert.h>
#include <stdint.h>
#include <zlib.h>

#include "tools/weft/message.h"

#define GZIP_WINDOW (15 + 16) /* zlib's way to ask for a gzip header, without a time in it */

void gzip_append(struct buffer *gzipped, const void *bytes, size_t length)
{
    z_stream stream = {.next_in = (Bytef *)bytes, .avail_in = (uInt)length};
    unsigned char chunk[16384];
    int status;

    assert(length <= UINT32_MAX);
    if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        message_no_memory();
    do {
        stream.next_out = chunk;
        stream.avail_out = sizeof chunk;
        status = deflate(&stream, Z_FINISH);
        buffer_append(gzipped, chunk, sizeof chunk - stream.avail_out);
    } while (status == Z_OK);
    assert(status == Z_STREAM_END);
    deflateEnd(&stream);
}
