/* SPDX-License-Identifier: MIT */
/* One record of the sample log (prof/log_format.h), in either byte order, checked and ready to be
 * read. */
#ifndef TOOLS_WEFT_LOG_RECORD_H
#define TOOLS_WEFT_LOG_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log_item {
    uint64_t offset; /* where its frame began in the stream */
    bool big_endian;
    uint8_t type; /* enum log_type, if it is a known one */
    uint8_t core_number;
    uint16_t sequence;
    const uint8_t *payload;
    size_t payload_bytes; /* a multiple of 4 */
};

/* Takes the record's header apart and compares its check. False: not a record. */
bool log_record_open(struct log_item *item, const uint8_t *bytes, size_t length, uint64_t offset);

/* The payload's numbers; reading beyond it is a caller's bug. At a byte offset: */
uint16_t log_record_16(const struct log_item *item, size_t at);
/* By position: the uint32_t number `index`; two of them as high and low half. */
uint32_t log_record_32(const struct log_item *item, size_t index);
uint64_t log_record_64(const struct log_item *item, size_t index);
/* Word number `index` of the array of words that starts at `at`. */
uint64_t log_record_word(const struct log_item *item, size_t at, size_t index, uint32_t word_bytes);

#endif
