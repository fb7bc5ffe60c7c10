/* SPDX-License-Identifier: MIT */
#include "tools/weft/ram_image.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "prof/log_format.h"
#include "tools/weft/log_record.h"

#define FIELD(member) (offsetof(struct log_header, member) / 4)
#define PLACE(member) (FIELD(directory) + offsetof(struct log_directory, member) / 4)
#define RECORD_BYTES_MIN (sizeof(struct log_record) + 4)

/* One core's log. Addresses are the target's; `base` is what stands at the image's start. */
struct ram_log {
    struct log_reader *reader;
    const uint8_t *bytes;
    size_t size;
    uint64_t base;
    struct log_item header;
    uint64_t header_offset;
};

static uint64_t place(const struct ram_log *log, size_t index)
{
    return log_record_64(&log->header, index);
}

/* The bytes of [address, address + count) if the image has them, or NULL. */
static const uint8_t *at_address(const struct ram_log *log, uint64_t address, uint64_t count)
{
    uint64_t offset = address - log->base;

    if (offset > log->size || count > log->size - offset)
        return NULL;
    return log->bytes + offset;
}

static uint32_t number_at(const struct ram_log *log, const uint8_t *bytes, size_t index)
{
    const uint8_t *at = bytes + index * 4;

    return log->header.big_endian
               ? (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3]
               : (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
}

/* The length that a record claims; 0 where there is none. */
static size_t claimed_length(const uint8_t *bytes, size_t left)
{
    bool big_endian = left >= 2 && (bytes[0] << 8 | bytes[1]) == LOG_MAGIC;
    bool little_endian = left >= 2 && (bytes[1] << 8 | bytes[0]) == LOG_MAGIC;
    size_t length;

    if (left < RECORD_BYTES_MIN || (!big_endian && !little_endian))
        return 0;
    length = big_endian ? (size_t)(bytes[4] << 8 | bytes[5]) : (size_t)(bytes[5] << 8 | bytes[4]);
    return length <= left ? length : 0;
}

/* The records between the two positions, which count bytes modulo 2^32. */
static void read_ring(const struct ram_log *log)
{
    uint32_t ring_bytes = log_record_32(&log->header, PLACE(ring_bytes));
    const uint8_t *ring = at_address(log, place(log, PLACE(ring)), ring_bytes);
    const uint8_t *positions = at_address(log, place(log, PLACE(positions)), 12);
    uint32_t position, end, offset;

    if (ring == NULL || positions == NULL || ring_bytes == 0 ||
        (ring_bytes & (ring_bytes - 1)) != 0) {
        log_reader_damage(log->reader, log->header_offset, "a log whose ring is not in the image");
        return;
    }
    end = number_at(log, positions, 0);
    for (position = number_at(log, positions, 2); position != end;) {
        uint64_t where = (uint64_t)(ring - log->bytes);
        size_t length;

        offset = position & (ring_bytes - 1);
        length = claimed_length(ring + offset, ring_bytes - offset);
        if (length == 0 && number_at(log, ring + offset, 0) == 0) {
            position += ring_bytes - offset; /* the rest was too small for what came then */
            continue;
        }
        if (length < RECORD_BYTES_MIN || length % 4 != 0 || end - position < length) {
            log_reader_damage(log->reader, where + offset, "something that is no record");
            return;
        }
        log_reader_record(log->reader, ring + offset, length, where + offset);
        position += (uint32_t)length;
    }
}

static void read_names(const struct ram_log *log)
{
    uint32_t count = log_record_32(&log->header, PLACE(names_count));
    const uint8_t *names =
        at_address(log, place(log, PLACE(names)), (uint64_t)count * sizeof(struct log_name));

    for (uint32_t i = 0; names != NULL && i < count; i++) {
        const uint8_t *name = names + i * sizeof(struct log_name);
        uint32_t bytes = number_at(log, name, 1);

        if (number_at(log, name, 0) != 0 && bytes <= LOG_NAME_BYTES)
            log_reader_name(log->reader, number_at(log, name, 0),
                            name + offsetof(struct log_name, text), bytes);
    }
}

static void read_labels(const struct ram_log *log)
{
    uint32_t count = log_record_32(&log->header, PLACE(labels_count));
    const uint8_t *entries = at_address(log, place(log, PLACE(labels)),
                                        (uint64_t)count * sizeof(struct log_label_entry));

    for (uint32_t i = 0; entries != NULL && i < count; i++) {
        const uint8_t *entry = entries + i * sizeof(struct log_label_entry);
        uint32_t key_bytes = number_at(log, entry, 2), value_bytes = number_at(log, entry, 3);

        if (number_at(log, entry, 0) == i + 1 && number_at(log, entry, 1) <= i &&
            key_bytes <= LOG_LABEL_BYTES && value_bytes <= LOG_LABEL_BYTES)
            log_reader_label(log->reader, i + 1, number_at(log, entry, 1),
                             entry + offsetof(struct log_label_entry, key), key_bytes,
                             entry + offsetof(struct log_label_entry, value), value_bytes);
    }
}

/* The end record, or, of a profile that still ran, the totals of that moment. */
static void read_end(const struct ram_log *log)
{
    size_t length = RECORD_BYTES_MIN + sizeof(struct log_end);
    uint64_t ended = place(log, PLACE(ended));
    const uint8_t *record = at_address(log, ended, length);
    const uint8_t *live = at_address(log, place(log, PLACE(live)), 8 * 4);
    struct log_end end = {0};
    uint32_t *fields = &end.ticks;

    if (record != NULL && claimed_length(record, length) == length) {
        log_reader_record(log->reader, record, length, ended - log->base);
    } else if (live != NULL) {
        for (size_t i = 0; i < 8; i++)
            fields[i] = number_at(log, live, i);
        log_reader_live(log->reader, log->header.core_number, &end,
                        place(log, PLACE(live)) - log->base);
    }
}

static bool is_ours(const struct ram_log *log)
{
    const struct log_image *image = log->reader->image;
    uint32_t id_bytes;

    if (log->header.type != LOG_HEADER || log->header.payload_bytes < sizeof(struct log_header) ||
        log_record_32(&log->header, 0) != LOG_VERSION)
        return false;
    id_bytes = log_record_32(&log->header, FIELD(build_id_bytes));
    return id_bytes == image->build_id_bytes &&
           id_bytes <= log->header.payload_bytes - sizeof(struct log_header) &&
           memcmp(log->header.payload + sizeof(struct log_header), image->build_id, id_bytes) == 0;
}

unsigned ram_image_read(struct log_reader *reader, const uint8_t *bytes, size_t size)
{
    unsigned found = 0;

    for (size_t offset = 0; offset + RECORD_BYTES_MIN <= size; offset += 4) {
        struct ram_log log = {reader, bytes, size, .header_offset = offset};
        size_t length = claimed_length(bytes + offset, size - offset);

        if (length == 0 || bytes[offset + 2] != LOG_HEADER ||
            !log_record_open(&log.header, bytes + offset, length, offset) || !is_ours(&log))
            continue;
        log.base = place(&log, PLACE(self)) - offset;
        if (reader->cores[log.header.core_number].seen)
            continue; /* a copy of one that we have */
        found++;
        log_reader_record(reader, bytes + offset, length, offset);
        read_ring(&log);
        read_names(&log);
        read_labels(&log);
        read_end(&log);
    }
    return found;
}
