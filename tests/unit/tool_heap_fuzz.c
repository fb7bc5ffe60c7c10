/* SPDX-License-Identifier: MIT */
/* libFuzzer on the reader of heap dumps (make soak). The first byte chooses: raw bytes of a stream,
 * or records, framed here with a right CRC, so that the inside of records is reached. */
#include <stdlib.h>
#include <string.h>

#include "tools/weft/heap_report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The frames' CRC, bit by bit. */
static uint32_t crc_of(const uint8_t *bytes, size_t count)
{
    uint32_t crc = ~0u;

    for (size_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

static void put_escaped(struct buffer *stream, unsigned byte)
{
    if (byte >= FRAME_ESCAPE) {
        buffer_byte(stream, FRAME_ESCAPE);
        byte ^= FRAME_FLIP;
    }
    buffer_byte(stream, (int)byte);
}

/* One record: type, length in words, then the payload from the input. */
static size_t put_record(struct buffer *stream, const uint8_t *data, size_t size, unsigned sequence)
{
    uint8_t record[8 + 4 * 255] = {0x46, 0x57};
    size_t payload = data[1] * 4u < size - 2 ? data[1] * 4u : (size - 2) / 4 * 4;
    uint32_t crc;

    record[2] = (uint8_t)(HEAP_FIRST + data[0] % 10);
    record[4] = (uint8_t)(payload + 8);
    record[5] = (uint8_t)((payload + 8) >> 8);
    record[6] = (uint8_t)sequence;
    record[7] = (uint8_t)(sequence >> 8);
    memcpy(record + 8, data + 2, payload);
    crc = crc_of(record, payload + 8);
    buffer_byte(stream, FRAME_BEGIN);
    for (size_t i = 0; i < payload + 8; i++)
        put_escaped(stream, record[i]);
    for (int shift = 24; shift >= 0; shift -= 8)
        put_escaped(stream, crc >> shift & 0xff);
    buffer_byte(stream, FRAME_END);
    return payload + 2;
}

/* There are no symbols here: never called. */
const struct location *symbols_find(struct symbols *symbols, uint64_t pc)
{
    (void)symbols;
    (void)pc;
    abort();
}

static void use(const struct heap_dump *dump)
{
    struct buffer text = {0};

    if (dump->memory_count > 0)
        heap_report_pointers(&text, dump, dump->memory[0].address);
    heap_report(&text, dump, NULL, 5);
    buffer_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct heap_reader reader;
    struct buffer stream = {0};

    if (size == 0)
        return 0;
    heap_reader_init(&reader);
    if (data[0] & 1) {
        heap_reader_feed(&reader, data + 1, size - 1);
    } else {
        unsigned sequence = 0;

        for (size_t at = 1; at + 2 <= size;)
            at += put_record(&stream, data + at, size - at, sequence++);
        heap_reader_feed(&reader, (const uint8_t *)stream.data, stream.length);
    }
    if (heap_reader_finish(&reader))
        use(&reader.dump);
    heap_reader_free(&reader);
    buffer_free(&stream);
    return 0;
}
