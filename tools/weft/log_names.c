/* SPDX-License-Identifier: MIT */
/* The records that say what numbers in other records stand for: threads' names, labels, reasons for
 * waiting. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prof/log_format.h"
#include "tools/weft/log_parts.h"

#define NAME_BYTES_MAX 32u

static char *reader_text(const uint8_t *bytes, size_t count)
{
    char *text = memory_zeroed(count + 1);

    memcpy(text, bytes, count);
    return text;
}

void log_reader_name(struct log_reader *reader, uint32_t thread, const uint8_t *name, size_t bytes)
{
    bool is_new;
    size_t number = map_number(&reader->threads, &thread, sizeof thread, &is_new);

    reader->names =
        array_reserve(reader->names, &reader->names_capacity, number + 1, sizeof reader->names[0]);
    if (!is_new)
        free(reader->names[number]);
    reader->names[number] = reader_text(name, bytes);
}

void log_names_thread(struct log_reader *reader, const struct log_item *record)
{
    uint32_t name_bytes;

    if (record->payload_bytes < sizeof(struct log_thread) ||
        (name_bytes = log_record_32(record, 1)) > NAME_BYTES_MAX ||
        name_bytes > record->payload_bytes - sizeof(struct log_thread)) {
        log_reader_malformed(reader, record, "a thread record with a wrong length");
        return;
    }
    log_reader_name(reader, log_record_32(record, 0), record->payload + sizeof(struct log_thread),
                    name_bytes);
}

void log_reader_label(struct log_reader *reader, uint32_t label, uint32_t parent,
                      const uint8_t *key, size_t key_bytes, const uint8_t *value,
                      size_t value_bytes)
{
    bool is_new;
    size_t number = map_number(&reader->label_numbers, &label, sizeof label, &is_new);
    struct log_reader_label *entry;

    reader->labels = array_reserve(reader->labels, &reader->labels_capacity, number + 1,
                                   sizeof reader->labels[0]);
    entry = &reader->labels[number];
    if (!is_new) {
        free(entry->key);
        free(entry->value);
    }
    *entry = (struct log_reader_label){parent, reader_text(key, key_bytes),
                                       reader_text(value, value_bytes)};
}

void log_names_label(struct log_reader *reader, const struct log_item *record)
{
    size_t room = record->payload_bytes - sizeof(struct log_label), key_room;
    uint32_t key_bytes, value_bytes, label, parent;

    if (record->payload_bytes >= sizeof(struct log_label)) {
        label = log_record_32(record, 0);
        parent = log_record_32(record, 1);
        key_bytes = log_record_32(record, 2);
        value_bytes = log_record_32(record, 3);
        key_room = (key_bytes + 3u) & ~(size_t)3;
        if (key_bytes <= LOG_LABEL_BYTES && value_bytes <= LOG_LABEL_BYTES && key_room <= room &&
            value_bytes <= room - key_room && parent < label) {
            const uint8_t *key = record->payload + sizeof(struct log_label);

            log_reader_label(reader, label, parent, key, key_bytes, key + key_room, value_bytes);
            return;
        }
    }
    log_reader_malformed(reader, record, "a label record that contradicts itself");
}

void log_names_wait(struct log_reader *reader, const struct log_item *record)
{
    uint32_t wait, name_bytes;

    if (record->payload_bytes < sizeof(struct log_wait) ||
        (wait = log_record_32(record, 0)) > UINT8_MAX ||
        (name_bytes = log_record_32(record, 1)) > NAME_BYTES_MAX ||
        name_bytes > record->payload_bytes - sizeof(struct log_wait)) {
        log_reader_malformed(reader, record, "a record of a reason for waiting that is wrong");
        return;
    }
    free(reader->waits[wait]);
    reader->waits[wait] = reader_text(record->payload + sizeof(struct log_wait), name_bytes);
}

const char *log_reader_thread_name(const struct log_reader *reader, uint32_t thread)
{
    size_t number;

    if (!map_find(&reader->threads, &thread, sizeof thread, &number))
        return NULL;
    return reader->names[number];
}

const struct log_reader_label *log_reader_label_find(const struct log_reader *reader,
                                                     uint32_t label)
{
    size_t number;

    if (label == 0 || !map_find(&reader->label_numbers, &label, sizeof label, &number))
        return NULL;
    return &reader->labels[number];
}

const char *log_reader_wait_name(const struct log_reader *reader, uint8_t wait)
{
    static char text[32];

    if (reader->waits[wait] != NULL)
        return reader->waits[wait];
    snprintf(text, sizeof text, "wait reason %u", wait);
    return text;
}
