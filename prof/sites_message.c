/* SPDX-License-Identifier: MIT */
/* Sending a profile by place: a head, a record for each place, an end that counts them. */
#include "arch/irq.h"
#include "kernel/assert.h"
#include "prof/frame.h"
#include "prof/image.h"
#include "prof/log.h"
#include "prof/sites.h"

static void put_word(struct sites_message *message, uint32_t word)
{
    ASSERT(message->used < sizeof message->payload / 4 - 1);
    message->payload[message->used++] = word;
}

static void put_wide(struct sites_message *message, uint64_t wide)
{
    put_word(message, (uint32_t)(wide >> 32));
    put_word(message, (uint32_t)wide);
}

static uint32_t text_length(const char *text)
{
    uint32_t bytes = 0;

    while (text[bytes] != 0 && bytes < SITES_TEXT_BYTES)
        bytes++;
    return bytes;
}

static void put_text(struct sites_message *message, const void *text, uint32_t bytes)
{
    const unsigned char *from = text;
    unsigned char *to = (unsigned char *)&message->payload[message->used];

    for (uint32_t i = 0; i < ((bytes + 3) & ~3u); i++)
        to[i] = i < bytes ? from[i] : 0;
    message->used += (bytes + 3) / 4;
}

static void send(struct sites_message *message, enum log_type type)
{
    log_make(&message->record, type, LOG_SITES_CORE + message->number, message->sequence++,
             message->used * sizeof(uint32_t));
    frame_send(&message->record);
    message->used = 0;
}

void sites_message_begin(struct sites_message *message, const char *name, const char *types,
                         unsigned number, uint64_t period)
{
    uint32_t id_bytes;
    const unsigned char *id = image_build_id(&id_bytes);

    if (id_bytes > SITES_TEXT_BYTES)
        id_bytes = SITES_TEXT_BYTES;
    message->used = 0;
    message->sequence = 0;
    message->number = number;
    put_word(message, LOG_VERSION);
    put_word(message, sizeof(uintptr_t));
    put_wide(message, period);
    put_word(message, text_length(name));
    put_word(message, text_length(types));
    put_word(message, id_bytes);
    put_text(message, name, text_length(name));
    put_text(message, types, text_length(types));
    put_text(message, id, id_bytes);
    send(message, LOG_SITES);
}

void sites_message_place(struct sites_message *message, const uint64_t value[LOG_SITE_VALUES],
                         const uintptr_t *pcs, unsigned depth, const char *tag)
{
    for (unsigned i = 0; i < LOG_SITE_VALUES; i++)
        put_wide(message, value[i]);
    put_word(message, depth);
    put_word(message, text_length(tag));
    put_text(message, pcs, (uint32_t)(depth * sizeof *pcs));
    put_text(message, tag, text_length(tag));
    send(message, LOG_SITE);
}

void sites_message_end(struct sites_message *message)
{
    put_word(message, message->sequence - 1u);
    send(message, LOG_SITES_END);
}
