/* SPDX-License-Identifier: MIT */
/* Which records go over the line, in which order. The last record of a core, its totals, is sent
 * with a new sequence number, as records that are in no log (names, labels) go before it. */
#include "prof/send.h"

#include "arch/irq.h"
#include "kernel/cores.h"
#include "prof/frame.h"
#include "prof/labels.h"
#include "prof/sampler.h"
#include "sched/thread.h"

#define BATCH_THREADS 8

/* A record that is in no log, made for sending. */
struct outgoing {
    struct log_record record;
    uint32_t payload[(sizeof(struct log_label) + 2 * LOG_LABEL_BYTES) / 4 + 1];
};

_Static_assert(sizeof(struct log_end) <= sizeof(struct log_label) + 2 * LOG_LABEL_BYTES,
               "an outgoing record has room for each");

static uint32_t padded(uint32_t bytes)
{
    return (bytes + 3) & ~3u;
}

static void send_outgoing(struct outgoing *out, enum log_type type, unsigned core,
                          uint16_t sequence, size_t payload_bytes)
{
    log_make(&out->record, type, core, sequence, payload_bytes);
    frame_send(&out->record);
}

static void copy_text(void *to, const char *text, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++)
        ((char *)to)[i] = text[i];
}

/* ---- names and labels, in core 0's stream ---- */

static void send_name(const struct log_name *entry, uint16_t *sequence)
{
    struct outgoing out = {0};

    *(struct log_thread *)out.payload = (struct log_thread){entry->thread, entry->bytes};
    copy_text(&out.payload[2], entry->text, entry->bytes);
    send_outgoing(&out, LOG_THREAD, 0, (*sequence)++,
                  sizeof(struct log_thread) + padded(entry->bytes));
}

/* Does a core before `core` know this thread's name already? */
static bool name_known(uint32_t thread, unsigned core)
{
    for (unsigned i = 0; i < core; i++)
        if (names_find(&samplers[i].names, thread) != NULL)
            return true;
    return false;
}

/* Copies the names of up to BATCH_THREADS living threads with ids above `after` that no sampler had
 * room for. The list may change while we send, so it is walked afresh for each batch. */
static unsigned collect_names(struct log_name *batch, uint32_t *after)
{
    arch_irq_state state = arch_irq_save();
    unsigned count = 0;

    for (struct weft_thread *thread = thread_all_first(); thread != NULL && count < BATCH_THREADS;
         thread = thread->all_next) {
        if (thread->id <= *after)
            continue;
        *after = thread->id;
        if (!name_known(thread->id, WEFT_CONFIG_CORES))
            names_fill(&batch[count++], thread->id, thread->name);
    }
    arch_irq_restore(state);
    return count;
}

static void send_living(uint16_t *sequence)
{
    struct log_name batch[BATCH_THREADS];
    uint32_t after = 0;
    unsigned count;

    while ((count = collect_names(batch, &after)) > 0)
        for (unsigned i = 0; i < count; i++)
            send_name(&batch[i], sequence);
}

/* Every thread that was sampled, once, also those that have exited since. */
static void send_names(uint16_t *sequence)
{
    uint32_t dropped = 0;

    for (unsigned core = 0; core < WEFT_CONFIG_CORES; core++) {
        const struct names *names = &samplers[core].names;

        dropped += names->dropped;
        for (unsigned i = 0; i < NAMES_SLOTS; i++) {
            const struct log_name *entry = &names->entry[i];

            if (entry->thread != 0 && !name_known(entry->thread, core))
                send_name(entry, sequence);
        }
    }
    if (dropped > 0)
        send_living(sequence);
}

static void send_labels(uint16_t *sequence)
{
    const struct log_label_entry *entry;

    for (uint32_t number = 1; (entry = labels_find(number)) != NULL; number++) {
        struct outgoing out = {0};
        char *text = (char *)out.payload + sizeof entry->label;

        *(struct log_label *)out.payload = entry->label;
        copy_text(text, entry->key, entry->label.key_bytes);
        text += padded(entry->label.key_bytes);
        copy_text(text, entry->value, entry->label.value_bytes);
        send_outgoing(&out, LOG_LABEL, 0, (*sequence)++,
                      sizeof entry->label + padded(entry->label.key_bytes) +
                          padded(entry->label.value_bytes));
    }
}

static void send_waits(uint16_t *sequence)
{
    for (unsigned wait = 0; wait < WAIT_REASONS; wait++) {
        const char *name = thread_wait_name((enum thread_wait)wait);
        struct outgoing out = {0};
        uint32_t bytes = 0;

        while (name[bytes] != 0 && bytes < LOG_NAME_BYTES)
            bytes++;
        *(struct log_wait *)out.payload = (struct log_wait){wait, bytes};
        copy_text(&out.payload[2], name, bytes);
        send_outgoing(&out, LOG_WAIT, 0, (*sequence)++, sizeof(struct log_wait) + padded(bytes));
    }
}

/* ---- logs ---- */

static bool log_is_there(unsigned core)
{
    return samplers[core].header.record.magic == LOG_MAGIC;
}

static bool send_records(struct log *log, uint32_t *position, uint32_t end, bool take)
{
    const struct log_record *record;
    bool any = false;

    while ((record = log_next(log, position, end)) != NULL) {
        frame_send(record);
        any = true;
        if (take)
            log_take(log, *position);
    }
    return any;
}

/* The log stays as it is, so that it can be sent again. */
static void send_core(unsigned core, bool header)
{
    struct sampler *sampler = &samplers[core];
    uint16_t sequence = sampler->ended.record.sequence;
    uint32_t position = sampler->log.read;
    struct outgoing out = {0};

    if (header)
        frame_send(&sampler->header.record);
    send_records(&sampler->log, &position, sampler->log.written, false);
    if (core == 0) {
        send_names(&sequence);
        send_labels(&sequence);
        if ((sampler->flags & LOG_WALL) != 0)
            send_waits(&sequence);
    }
    *(struct log_end *)(void *)out.payload = sampler->ended.end;
    send_outgoing(&out, LOG_END, core, sequence, sizeof(struct log_end));
}

void send_all(bool headers)
{
    for (unsigned core = 0; core < WEFT_CONFIG_CORES; core++)
        if (log_is_there(core) && samplers[core].ended.record.magic == LOG_MAGIC)
            send_core(core, headers);
}

void send_headers(void)
{
    for (unsigned core = 0; core < WEFT_CONFIG_CORES; core++)
        if (log_is_there(core))
            frame_send(&samplers[core].header.record);
}

bool send_settled(void)
{
    bool any = false;

    for (unsigned core = 0; core < WEFT_CONFIG_CORES; core++) {
        struct log *log = &samplers[core].log;
        uint32_t position = log->read;

        if (log_is_there(core))
            any |= send_records(log, &position, log_settled(log), true);
    }
    return any;
}
