/* SPDX-License-Identifier: MIT */
/* Any bytes as a serial line: demultiplexer, records, profiles by place, symboliser. */
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"
#include "tools/weft/capture.h"

static void ignore(void *context, const char *text, size_t length)
{
    (void)context, (void)text, (void)length;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct symbols *symbols;
    struct capture *capture;
    size_t half = size / 2;

    if (symbols == NULL)
        symbols = fuzz_symbols();
    capture = capture_open(symbols, ignore, NULL);
    capture_feed(capture, bytes, half); /* frames are cut anywhere */
    capture_feed(capture, bytes + half, size - half);
    capture_finish(capture);
    capture_close(capture);
    return 0;
}
