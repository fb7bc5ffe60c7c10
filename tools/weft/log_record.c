/* SPDX-License-Identifier: MIT */
#include "tools/weft/log_record.h"

#include <assert.h>

#include "prof/log_format.h"

#define HEADER_BYTES sizeof(struct log_record)
#define CHECK_BYTES 4u
#define WORDS_MAX (UINT16_MAX / 4)

static uint16_t read_16(bool big_endian, const uint8_t *at)
{
    return big_endian ? (uint16_t)(at[0] << 8 | at[1]) : (uint16_t)(at[1] << 8 | at[0]);
}

static uint32_t read_32(bool big_endian, const uint8_t *at)
{
    uint32_t first = read_16(big_endian, at), second = read_16(big_endian, at + 2);

    return big_endian ? first << 16 | second : second << 16 | first;
}

/* log_check() over the record as the target saw it: as words of its own byte order. */
static bool check_matches(bool big_endian, const uint8_t *bytes, size_t length)
{
    uint32_t words[WORDS_MAX];
    size_t count = length / 4;

    for (size_t i = 0; i < count; i++)
        words[i] = read_32(big_endian, bytes + i * 4);
    return log_check(words, count - 1) == words[count - 1];
}

bool log_record_open(struct log_item *item, const uint8_t *bytes, size_t length, uint64_t offset)
{
    if (length < HEADER_BYTES + CHECK_BYTES || length % 4 != 0 || length / 4 > WORDS_MAX)
        return false;
    *item = (struct log_item){.offset = offset,
                              .big_endian = read_16(true, bytes) == LOG_MAGIC,
                              .type = bytes[2],
                              .core_number = bytes[3],
                              .payload = bytes + HEADER_BYTES,
                              .payload_bytes = length - HEADER_BYTES - CHECK_BYTES};
    if (!item->big_endian && read_16(false, bytes) != LOG_MAGIC)
        return false;
    item->sequence = read_16(item->big_endian, bytes + 6);
    return read_16(item->big_endian, bytes + 4) == length &&
           check_matches(item->big_endian, bytes, length);
}

uint16_t log_record_16(const struct log_item *item, size_t at)
{
    assert(at + 2 <= item->payload_bytes);
    return read_16(item->big_endian, item->payload + at);
}

uint32_t log_record_32(const struct log_item *item, size_t index)
{
    assert((index + 1) * 4 <= item->payload_bytes);
    return read_32(item->big_endian, item->payload + index * 4);
}

uint64_t log_record_64(const struct log_item *item, size_t index)
{
    return (uint64_t)log_record_32(item, index) << 32 | log_record_32(item, index + 1);
}

uint64_t log_record_word(const struct log_item *item, size_t at, size_t index, uint32_t word_bytes)
{
    const uint8_t *word = item->payload + at + index * word_bytes;
    uint64_t first, second;

    assert(at + (index + 1) * word_bytes <= item->payload_bytes);
    first = read_32(item->big_endian, word);
    if (word_bytes == 4)
        return first;
    second = read_32(item->big_endian, word + 4);
    return item->big_endian ? first << 32 | second : second << 32 | first;
}
