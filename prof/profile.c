/* SPDX-License-Identifier: MIT */
/*
 * The profiler as programs see it: start, stop, totals, send. The samplers (prof/sampler.c) do the
 * work, one per core.
 *
 * A profile is in one state; a call that does not fit it fails with an error instead of waiting, so
 * two threads that start, stop or send at once can't mix.
 */
#include <weft/profile.h>

#include <weft/thread.h>

#include "arch/irq.h"
#include "kernel/assert.h"
#include "kernel/core.h"
#include "kernel/cores.h"
#include "kernel/upcall.h"
#include "prof/frame.h"
#include "prof/sampler.h"
#include "sched/thread.h"

#define RATE_MIN_HZ 10
#define RATE_MAX_HZ 20000
#define BATCH_THREADS 8

enum profile_state { PROFILE_NEVER, PROFILE_RUNNING, PROFILE_STOPPED, PROFILE_CHANGING };

static uint32_t profile_state = PROFILE_NEVER;

/* A record that is in no log, made for sending: LOG_THREAD, or LOG_END with another sequence
 * number. */
struct outgoing {
    struct log_record record;
    uint32_t payload[(sizeof(struct log_end) + sizeof(struct log_thread) + NAMES_BYTES) / 4 + 1];
};

static bool state_take(enum profile_state from)
{
    uint32_t expected = from;

    return __atomic_compare_exchange_n(&profile_state, &expected, PROFILE_CHANGING, false,
                                       __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

static void state_set(enum profile_state to)
{
    __atomic_store_n(&profile_state, to, __ATOMIC_RELEASE);
}

static void ask_all_cores(uint32_t rate_hz)
{
    sampler_ask(rate_hz);
    while (!sampler_followed())
        weft_thread_yield();
}

/* What the kernel calls from now on. */
static const struct upcall_profiler profiler = {upcall_sample, upcall_profile_crash};

int weft_profile_start(uint32_t rate_hz)
{
    ASSERT(!core_in_interrupt());
    if (rate_hz < RATE_MIN_HZ || rate_hz > RATE_MAX_HZ)
        return WEFT_EINVAL;
    if (!state_take(PROFILE_NEVER) && !state_take(PROFILE_STOPPED))
        return WEFT_EBUSY;
    upcall_profiler = &profiler;
    ask_all_cores(rate_hz);
    state_set(PROFILE_RUNNING);
    return 0;
}

int weft_profile_stop(void)
{
    ASSERT(!core_in_interrupt());
    if (!state_take(PROFILE_RUNNING))
        return WEFT_ESTATE;
    ask_all_cores(0);
    state_set(PROFILE_STOPPED);
    return 0;
}

void weft_profile_totals(struct weft_profile_totals *totals)
{
    *totals = (struct weft_profile_totals){0};
    for (unsigned i = 0; i < WEFT_CONFIG_CORES; i++) {
        struct weft_profile_totals one;

        sampler_totals(&samplers[i], &one);
        totals->ticks += one.ticks;
        totals->recorded += one.recorded;
        totals->lost_atomic64 += one.lost_atomic64;
        totals->lost_full += one.lost_full;
        totals->lost_nolock += one.lost_nolock;
        totals->suppressed += one.suppressed;
    }
}

/* ---- sending ---- */

static void send_outgoing(struct outgoing *out, enum log_type type, unsigned core,
                          uint16_t sequence, size_t payload_bytes)
{
    out->record.magic = LOG_MAGIC;
    out->record.type = (uint8_t)type;
    out->record.core = (uint8_t)core;
    out->record.length = (uint16_t)(sizeof out->record + payload_bytes + 4);
    out->record.sequence = sequence;
    log_seal(&out->record);
    frame_send(&out->record);
}

static void send_name(const struct name_entry *entry, uint16_t *sequence)
{
    struct outgoing out = {0};
    unsigned char *text = (unsigned char *)&out.payload[2];

    out.payload[0] = entry->thread; /* struct log_thread */
    out.payload[1] = entry->bytes;
    for (uint32_t i = 0; i < entry->bytes; i++)
        text[i] = (unsigned char)entry->text[i];
    send_outgoing(&out, LOG_THREAD, 0, (*sequence)++,
                  sizeof(struct log_thread) + ((entry->bytes + 3) & ~3u));
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
static unsigned collect_names(struct name_entry *batch, uint32_t *after)
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
    struct name_entry batch[BATCH_THREADS];
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
            const struct name_entry *entry = &names->entry[i];

            if (entry->thread != 0 && !name_known(entry->thread, core))
                send_name(entry, sequence);
        }
    }
    if (dropped > 0)
        send_living(sequence);
}

/* The log as it stands; the names go in core 0's stream before its last record, the totals. */
static void send_core(unsigned core)
{
    const struct log *log = &samplers[core].log;
    const struct log_record *record = log_at(log, 0);
    uint32_t offset = 0;
    uint16_t sequence;
    struct outgoing out = {0};

    if (record == NULL)
        return; /* a core that is not there */
    for (; record->type != LOG_END; record = log_at(log, offset)) {
        frame_send(record);
        offset += record->length;
        ASSERT(offset < log->used_bytes); /* a stopped log ends with its totals */
    }
    sequence = record->sequence;
    if (core == 0)
        send_names(&sequence);
    *(struct log_end *)(void *)out.payload = *(const struct log_end *)(record + 1);
    send_outgoing(&out, LOG_END, core, sequence, sizeof(struct log_end));
}

int weft_profile_send(void)
{
    ASSERT(!core_in_interrupt());
    if (!state_take(PROFILE_STOPPED))
        return WEFT_ESTATE;
    for (unsigned core = 0; core < WEFT_CONFIG_CORES; core++)
        send_core(core);
    state_set(PROFILE_STOPPED);
    return 0;
}

void upcall_profile_crash(void)
{
    arch_irq_state state = arch_irq_save();

    for (unsigned core = 0; core < WEFT_CONFIG_CORES; core++)
        if ((cores_online() >> core & 1) != 0)
            sampler_crash_irqoff(&samplers[core]);
    if (state_take(PROFILE_RUNNING)) {
        for (unsigned core = 0; core < WEFT_CONFIG_CORES; core++)
            send_core(core);
        state_set(PROFILE_STOPPED);
    }
    arch_irq_restore(state);
}
