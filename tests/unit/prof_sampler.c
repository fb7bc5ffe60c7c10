/* SPDX-License-Identifier: MIT */
/*
 * The sampler under a tick that the test fires itself: every tick is exactly one of recorded or
 * lost, the log says the same as the totals, and what is sent reads back. The log is read by a
 * reader written here from prof/log_format.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/profile.h>
#include <zlib.h>

#include "kernel/upcall.h"
#include "prof/labels.h"
#include "prof/log_format.h"
#include "prof/sampler.h"
#include "prof/send.h"
#include "prof_check.h"
#include "prof_fake.h"

extern const char hand_leaf[], hand_frame32[], hand_start[];

__asm__(".text\n"
        "hand_leaf: .cfi_startproc\n .fill 16, 1, 0x90\n .cfi_endproc\n"
        "hand_frame32: .cfi_startproc\n .cfi_def_cfa_offset 32\n .fill 16, 1, 0x90\n .cfi_endproc\n"
        "hand_start: .cfi_startproc\n .cfi_undefined rip\n .fill 16, 1, 0x90\n .cfi_endproc\n");

static uintptr_t stack[64];
static uintptr_t system_stack[64 + 1]; /* one more, so that its end is not the other's start */
static struct weft_thread threads[80];
static struct arch_frame frame;

/* leaf <- frame32 <- start on `words`; the interrupted pc is `pc_offset` into the leaf. */
static void put_stack(uintptr_t *words, unsigned pc_offset)
{
    memset(&frame, 0, sizeof frame);
    words[0] = (uintptr_t)hand_frame32 + 5;
    words[4] = (uintptr_t)hand_start + 5;
    frame.value[ARCH_UNWIND_RA] = (uintptr_t)hand_leaf + pc_offset;
    frame.value[ARCH_UNWIND_SP] = (uintptr_t)words;
}

static void setup(void)
{
    fake_reset();
    put_stack(stack, 3);
    fake_thread_add(&threads[0], 1, "main", (uintptr_t)stack, (uintptr_t)(stack + 64));
    fake_thread_run(&threads[0]);
    cores[0].system_stack_lo = (uintptr_t)system_stack;
    cores[0].system_stack_hi = (uintptr_t)(system_stack + 64);
}

TestSuite(prof_sampler, .init = setup);

static void tick(void)
{
    bool on = fake_irq_on;

    fake_irq_on = false;
    fake_cycles += 1000;
    cores[0].interrupt_depth++;
    cores[0].frame = &frame;
    upcall_sample(&cores[0], &frame, 1);
    cores[0].interrupt_depth--;
    fake_irq_on = on;
    if (cores[0].allocation_forbidden != 0)
        cr_assert_fail("allocation_forbidden was not put back");
}

static struct weft_profile_totals totals(void)
{
    struct weft_profile_totals now;

    weft_profile_totals(&now);
    CHECK(now.ticks ==
          now.recorded + now.lost_atomic64 + now.lost_full + now.lost_nolock + now.suppressed);
    return now;
}

/* ---- an independent reader of the log as it was sent ---- */

struct reading {
    unsigned records, headers, samples, ends, names;
    unsigned labels, waits, rates;
    uint64_t lost_atomic64, lost_nolock;
    struct log_header header;
    unsigned char build_id[64];
    struct log_end end;
    struct log_sample last;
    uintptr_t last_pcs[64], foreign_pcs[64];
    unsigned by_context[7], by_reason[9], ran, waited;
    char name[81][33]; /* by thread */
};

static size_t unframe(size_t *at, unsigned char *record)
{
    size_t count = 0;
    uint32_t crc;

    CHECK(fake_console[*at] == FRAME_BEGIN);
    for (++*at; fake_console[*at] != FRAME_END; ++*at) {
        if (fake_console[*at] == FRAME_ESCAPE)
            record[count++] = fake_console[++*at] ^ FRAME_FLIP;
        else
            record[count++] = fake_console[*at];
    }
    ++*at;
    crc = (uint32_t)record[count - 4] << 24 | record[count - 3] << 16 | record[count - 2] << 8 |
          record[count - 1];
    CHECK(count > 16 && crc == crc32(0, record, (uInt)(count - 4)));
    return count - 4;
}

static void read_payload(struct reading *reading, unsigned type, const unsigned char *payload)
{
    struct log_lost lost;
    struct log_thread thread;

    switch (type) {
    case LOG_HEADER:
        memcpy(&reading->header, payload, sizeof reading->header);
        memcpy(reading->build_id, payload + sizeof reading->header, reading->header.build_id_bytes);
        reading->headers++;
        break;
    case LOG_SAMPLE:
        memcpy(&reading->last, payload, sizeof reading->last);
        memcpy(reading->last_pcs, payload + sizeof reading->last,
               reading->last.depth * sizeof(uintptr_t));
        if (reading->last.context == CONTEXT_FOREIGN)
            memcpy(reading->foreign_pcs, reading->last_pcs, sizeof reading->foreign_pcs);
        reading->samples++;
        *(reading->last.context == CONTEXT_BLOCKED ? &reading->waited : &reading->ran) +=
            reading->last.count;
        reading->by_context[reading->last.context] += reading->last.count;
        reading->by_reason[reading->last.reason] += reading->last.count;
        break;
    case LOG_LOST:
        memcpy(&lost, payload, sizeof lost);
        CHECK(lost.count > 0 && (lost.reason == REASON_ATOMIC64 || lost.reason == REASON_NO_LOCK));
        *(lost.reason == REASON_ATOMIC64 ? &reading->lost_atomic64 : &reading->lost_nolock) +=
            lost.count;
        break;
    case LOG_THREAD:
        memcpy(&thread, payload, sizeof thread);
        CHECK(reading->ends == 0 && thread.thread <= 80);
        CHECK(reading->name[thread.thread][0] == 0, "twice");
        memcpy(reading->name[thread.thread], payload + sizeof thread, thread.name_bytes);
        reading->names++;
        break;
    case LOG_END:
        memcpy(&reading->end, payload, sizeof reading->end);
        reading->ends++;
        break;
    case LOG_RATE:
        reading->rates++;
        break;
    case LOG_LABEL:
        reading->labels++;
        break;
    case LOG_WAIT:
        reading->waits++;
        break;
    default:
        cr_assert_fail("type %u", type);
    }
}

/* Reads all frames, and holds the log against its own totals and the program's. */
static void read_all(struct reading *reading)
{
    static uint32_t aligned[1024];
    const struct log_record *record = (const struct log_record *)aligned;
    struct weft_profile_totals now = totals();
    unsigned first = 0;

    memset(reading, 0, sizeof *reading);
    for (size_t at = 0; at < fake_console_bytes; reading->records++) {
        size_t bytes = unframe(&at, (unsigned char *)aligned);

        CHECK(record->magic == LOG_MAGIC && record->core == 0 && record->length == bytes);
        if (reading->records == 1 && (reading->header.flags & LOG_KEEPS_NEWEST) != 0)
            first = record->sequence - 1u;
        CHECK(record->sequence == (uint16_t)(first + reading->records), "a gap: %u at %u",
              record->sequence, reading->records);
        CHECK(aligned[bytes / 4 - 1] == log_check(aligned, bytes / 4 - 1));
        CHECK(reading->ends == 0, "something behind the end");
        CHECK((reading->records == 0) == (record->type == LOG_HEADER));
        read_payload(reading, record->type, (const unsigned char *)(record + 1));
    }
    CHECK(reading->headers == 1 && reading->ends == 1);
    CHECK(reading->end.ticks == now.ticks && reading->end.recorded == now.recorded);
    CHECK(reading->end.lost_full == now.lost_full && reading->end.suppressed == now.suppressed);
    CHECK(reading->ran == now.recorded, "%u %u", reading->ran, now.recorded);
    CHECK(reading->waited == now.waited && reading->end.waited == now.waited);
    CHECK(reading->lost_atomic64 == now.lost_atomic64);
    CHECK(reading->lost_nolock == now.lost_nolock);
}

static void send_and_read(struct reading *reading)
{
    fake_console_bytes = 0;
    CHECK(weft_profile_send() == 0);
    read_all(reading);
}

/* ---- tests ---- */

Test(prof_sampler, a_tick_records_the_interrupted_threads_stack)
{
    struct reading reading;

    cr_assert(weft_profile_start(1000) == 0);
    cr_assert(fake_rate_hz == 1000);
    for (unsigned i = 0; i < 10; i++) {
        put_stack(stack, i);
        tick();
    }
    cr_assert(weft_profile_stop() == 0);
    cr_assert(fake_rate_hz == 0);
    send_and_read(&reading);
    cr_assert(reading.samples == 10 && reading.by_context[CONTEXT_THREAD] == 10);
    cr_assert(reading.by_reason[REASON_FULL] == 10);
    cr_assert(reading.last.thread == 1 && reading.last.depth == 3);
    cr_assert(reading.last_pcs[0] == (uintptr_t)hand_leaf + 9);
    cr_assert(reading.last_pcs[1] == (uintptr_t)hand_frame32 + 4);
    cr_assert(reading.last_pcs[2] == (uintptr_t)hand_start + 4);
    cr_assert(strcmp(reading.name[1], "main") == 0);
}

Test(prof_sampler, the_header_says_what_was_asked_and_what_ran)
{
    struct reading reading;
    static const unsigned char id[8] = {1, 2, 3, 0xfd, 0xfe, 0xff, 7, 0};

    cr_assert(weft_profile_start(20000) == 0);
    for (int i = 0; i < 3; i++)
        tick();
    cr_assert(weft_profile_stop() == 0);
    send_and_read(&reading);
    cr_assert(reading.header.version == LOG_VERSION && reading.header.word_bytes == 8);
    cr_assert(reading.header.rate_millihertz_low == 20000001 &&
              reading.header.rate_millihertz_high == 0);
    cr_assert(reading.header.text_start_high == 0x12 &&
              reading.header.text_start_low == 0x3456789a);
    cr_assert(reading.header.text_end_high == 0x12 && reading.header.text_end_low == 0x3456f000);
    cr_assert(reading.header.cores == 1 && reading.header.build_id_bytes == 7);
    cr_assert(memcmp(reading.build_id, id, 7) == 0);
    cr_assert(reading.end.duration_ns_low == 3000 && reading.end.duration_ns_high == 0);
}

Test(prof_sampler, ticks_inside_a_64_bit_atomic_are_only_counted_and_written_later)
{
    struct reading reading;
    uint32_t used;

    cr_assert(weft_profile_start(1000) == 0);
    tick();
    used = samplers[0].log.written;
    fake_atomic64_start = (uintptr_t)hand_leaf;
    fake_atomic64_end = (uintptr_t)hand_leaf + 16;
    for (int i = 0; i < 1000; i++)
        tick();
    cr_assert(samplers[0].log.written == used, "the log was written inside the atomic");
    cr_assert(totals().lost_atomic64 == 1000);
    fake_atomic64_end = fake_atomic64_start;
    put_stack(stack, 4);
    tick();
    cr_assert(samplers[0].pending_atomic64 == 0);
    fake_atomic64_end = (uintptr_t)hand_leaf + 16;
    tick();
    cr_assert(weft_profile_stop() == 0);
    send_and_read(&reading);
    cr_assert(reading.lost_atomic64 == 1001 && reading.samples == 2);
}

Test(prof_sampler, a_taken_stack_lock_costs_the_sample_and_nothing_else)
{
    struct reading reading;

    cr_assert(weft_profile_start(1000) == 0);
    cr_assert(thread_stack_trylock(&threads[0]));
    for (int i = 0; i < 5; i++)
        tick();
    cr_assert(threads[0].stack_busy == 1, "somebody else's lock was given back");
    thread_stack_unlock(&threads[0]);
    tick();
    cr_assert(threads[0].stack_busy == 0);
    cr_assert(weft_profile_stop() == 0);
    send_and_read(&reading);
    cr_assert(reading.lost_nolock == 5 && reading.ran == 1);
}

Test(prof_sampler, a_full_log_counts_and_still_ends_with_its_losses_and_totals)
{
    struct reading reading;
    unsigned pc = 0;

    cr_assert(weft_profile_start(1000) == 0);
    while (totals().lost_full < 100) {
        for (int i = 0; i < 50; i++) {
            put_stack(stack, pc++ % 16); /* neighbours differ */
            tick();
        }
    }
    fake_atomic64_start = (uintptr_t)hand_leaf;
    fake_atomic64_end = (uintptr_t)hand_leaf + 16;
    tick();
    fake_atomic64_end = fake_atomic64_start;
    tick(); /* no room for the loss either: it waits */
    cr_assert(weft_profile_stop() == 0);
    cr_assert(samplers[0].log.written <= WEFT_CONFIG_LOG_BYTES);
    send_and_read(&reading);
    cr_assert(reading.lost_atomic64 == 1 && reading.end.lost_full >= 101);
    cr_assert(reading.samples > 3000);
}

Test(prof_sampler, an_idle_core_is_one_counted_record)
{
    struct reading reading;

    fake_thread_add(&schedulers[0].idle, 2, "idle", (uintptr_t)stack, (uintptr_t)(stack + 64));
    fake_thread_run(&schedulers[0].idle);
    cr_assert(weft_profile_start(1000) == 0);
    for (int i = 0; i < 100000; i++)
        tick();
    cr_assert(weft_profile_stop() == 0);
    send_and_read(&reading);
    cr_assert(reading.samples == 1 && reading.last.count == 100000);
    cr_assert(reading.last.context == CONTEXT_IDLE);
}

Test(prof_sampler, an_idle_core_that_marks_is_the_collector_s)
{
    struct reading reading;

    fake_thread_add(&schedulers[0].idle, 2, "idle", (uintptr_t)stack, (uintptr_t)(stack + 64));
    fake_thread_run(&schedulers[0].idle);
    cr_assert(weft_profile_start(1000) == 0);
    cores[0].collecting = 1;
    for (int i = 0; i < 1000; i++)
        tick();
    cr_assert(weft_profile_stop() == 0);
    send_and_read(&reading);
    cr_assert(reading.samples == 1 && reading.last.count == 1000);
    cr_assert(reading.last.context == CONTEXT_COLLECTOR);
}

Test(prof_sampler, inside_the_switch_only_the_pc_is_believed)
{
    struct reading reading;

    cr_assert(weft_profile_start(1000) == 0);
    for (const char *pc = arch_switch_begin; pc < arch_switch_end; pc++) {
        frame.value[ARCH_UNWIND_RA] = (uintptr_t)pc;
        frame.value[ARCH_UNWIND_SP] = 1; /* would fault */
        tick();
    }
    cr_assert(weft_profile_stop() == 0);
    send_and_read(&reading);
    cr_assert(reading.by_reason[REASON_SWITCHING] == 64 &&
              reading.by_context[CONTEXT_SYSTEM] == 64);
    cr_assert(reading.last.depth == 1 && reading.last.thread == 0);
    cr_assert(reading.last_pcs[0] == (uintptr_t)arch_switch_end - 1);
}

/* A handler was interrupted: its stack, then the thread's that entered it. */
Test(prof_sampler, from_the_system_stack_back_to_the_thread_with_its_lock_only)
{
    struct reading reading;

    fake_trap_return = (uintptr_t)hand_start + 8;
    put_stack(stack, 7);
    memcpy(system_stack + 13, &frame, sizeof frame); /* the trap frame of the thread */
    put_stack(system_stack + 8, 3);
    system_stack[12] = fake_trap_return; /* frame32 was called by the vector */
    cr_assert(weft_profile_start(1000) == 0);
    tick();
    cr_assert(thread_stack_trylock(&threads[0]));
    put_stack(system_stack + 8, 4);
    system_stack[12] = fake_trap_return;
    tick();
    thread_stack_unlock(&threads[0]);
    cr_assert(weft_profile_stop() == 0);
    send_and_read(&reading);
    cr_assert(reading.by_context[CONTEXT_SYSTEM] == 2);
    cr_assert(reading.by_reason[REASON_FULL] == 1 && reading.by_reason[REASON_NO_LOCK] == 1);
    cr_assert(reading.last.depth == 3, "the second ends at the boundary");
}

Test(prof_sampler, a_wild_stack_pointer_is_recorded_with_its_reason)
{
    struct reading reading;

    cr_assert(weft_profile_start(1000) == 0);
    frame.value[ARCH_UNWIND_SP] = 8;
    tick();
    cr_assert(weft_profile_stop() == 0);
    send_and_read(&reading);
    cr_assert(reading.by_reason[REASON_BOUNDS] == 1 && reading.last.depth == 1);
}

Test(prof_sampler, calls_that_do_not_fit_the_state_are_refused)
{
    cr_assert(weft_profile_stop() == WEFT_ESTATE);
    cr_assert(weft_profile_send() == WEFT_ESTATE);
    cr_assert(weft_profile_start(9) == WEFT_EINVAL);
    cr_assert(weft_profile_start(20001) == WEFT_EINVAL);
    cr_assert(weft_profile_start(10) == 0);
    cr_assert(weft_profile_start(10) == WEFT_EBUSY);
    cr_assert(weft_profile_send() == WEFT_ESTATE);
    cr_assert(weft_profile_stop() == 0);
    cr_assert(weft_profile_stop() == WEFT_ESTATE);
    cr_assert(weft_profile_send() == 0);
    cr_assert(weft_profile_send() == 0, "a log can be sent again");
}

Test(prof_sampler, a_tick_after_stop_is_no_tick_of_the_profile)
{
    cr_assert(weft_profile_start(1000) == 0);
    tick();
    cr_assert(weft_profile_stop() == 0);
    tick(); /* the one that was pending when the timer was set back */
    cr_assert(totals().ticks == 1);
}

Test(prof_sampler, a_restart_begins_with_nothing)
{
    struct reading reading;

    cr_assert(weft_profile_start(1000) == 0);
    fake_atomic64_start = (uintptr_t)hand_leaf;
    fake_atomic64_end = (uintptr_t)hand_leaf + 16;
    tick();
    cr_assert(weft_profile_stop() == 0);
    fake_atomic64_end = fake_atomic64_start;
    cr_assert(weft_profile_start(500) == 0);
    tick();
    cr_assert(weft_profile_stop() == 0);
    send_and_read(&reading);
    cr_assert(reading.end.ticks == 1 && reading.ran == 1 && reading.lost_atomic64 == 0);
}

/* What another core asked for is followed at the next tick, which itself is counted as suppressed.
 */
Test(prof_sampler, a_request_of_another_core_is_followed_at_a_tick)
{
    cr_assert(weft_profile_start(1000) == 0);
    tick();
    samplers[0].generation--; /* as if it had not seen the last request, which starts it afresh */
    tick();
    cr_assert(samplers[0].generation != 0 && sampler_followed());
    cr_assert(totals().ticks == 0, "started afresh");
    cr_assert(weft_profile_stop() == 0);
}

Test(prof_sampler, threads_that_exited_keep_their_names_and_all_are_sent_once)
{
    struct reading reading;

    fake_reset();
    cores[0].system_stack_lo = cores[0].system_stack_hi = 0;
    cr_assert(weft_profile_start(1000) == 0);
    for (uint32_t id = 1; id <= 80; id++) { /* more than there are slots */
        static char name[32];

        snprintf(name, sizeof name, "thread-%u", id);
        fake_thread_add(&threads[0], id, name, (uintptr_t)stack, (uintptr_t)(stack + 64));
        fake_thread_run(&threads[0]);
        put_stack(stack, 1);
        tick();
        fake_reset(); /* it exits, and its name's memory is used again */
        cores[0].system_stack_lo = cores[0].system_stack_hi = 0;
    }
    fake_thread_add(&threads[1], 80, "still alive", (uintptr_t)stack, (uintptr_t)(stack + 64));
    fake_thread_run(&threads[1]);
    cr_assert(weft_profile_stop() == 0);
    send_and_read(&reading);
    cr_assert(reading.ran == 80);
    cr_assert(reading.names == NAMES_SLOTS + 1, "%u", reading.names);
    cr_assert(strcmp(reading.name[1], "thread-1") == 0);
    cr_assert(strcmp(reading.name[64], "thread-64") == 0);
    cr_assert(strcmp(reading.name[80], "still alive") == 0);
}

Test(prof_sampler, a_crash_writes_what_waits_and_the_totals)
{
    const struct sampler_end *last = &samplers[0].ended;

    cr_assert(weft_profile_start(1000) == 0);
    cr_assert(last->record.magic == 0);
    tick();
    fake_atomic64_start = (uintptr_t)hand_leaf;
    fake_atomic64_end = (uintptr_t)hand_leaf + 16;
    tick();
    upcall_profile_crash();
    upcall_profile_crash();
    cr_assert(last->record.magic == LOG_MAGIC && last->record.type == LOG_END);
    cr_assert(last->end.ticks == 2 && last->end.lost_atomic64 == 1);
    cr_assert(samplers[0].pending_atomic64 == 0);
}

/* ---- late ticks ---- */

static void tick_late(uint32_t due, uint32_t of_handlers)
{
    bool on = fake_irq_on;

    fake_irq_on = false;
    fake_cycles += 1000;
    cores[0].handler_ticks = of_handlers;
    cores[0].interrupt_depth++;
    upcall_sample(&cores[0], &frame, due);
    cores[0].interrupt_depth--;
    fake_irq_on = on;
}

Test(prof_sampler, a_late_tick_counts_as_all_that_it_stands_for)
{
    struct reading reading;

    cr_assert(weft_profile_start(1000) == 0);
    tick_late(5, 0);
    fake_atomic64_start = (uintptr_t)hand_leaf;
    fake_atomic64_end = (uintptr_t)hand_leaf + 16;
    tick_late(7, 0);
    fake_atomic64_end = fake_atomic64_start;
    threads[0].stack_busy = 1;
    tick_late(11, 0);
    threads[0].stack_busy = 0;
    cr_assert(weft_profile_stop() == 0);
    send_and_read(&reading);
    cr_assert(reading.end.ticks == 23 && reading.ran == 5);
    cr_assert(reading.lost_atomic64 == 7 && reading.lost_nolock == 11);
}

Test(prof_sampler, what_came_due_in_a_handler_is_charged_to_it)
{
    struct reading reading;

    cr_assert(weft_profile_start(1000) == 0);
    cr_assert(cores[0].handlers_watched == 1);
    tick_late(5, 3);
    tick_late(2, 2);
    tick_late(1, 4); /* more than there were: of an earlier tick that was not taken */
    tick_late(1, 0);
    cr_assert(weft_profile_stop() == 0);
    cr_assert(cores[0].handlers_watched == 0);
    send_and_read(&reading);
    cr_assert(reading.by_context[CONTEXT_INTERRUPT] == 6);
    cr_assert(reading.by_context[CONTEXT_THREAD] == 3);
}

/* ---- the log's other ways ---- */

Test(prof_sampler, the_newest_stay_and_the_rest_is_counted)
{
    const struct weft_profile_options newest = {.rate_hz = 1000, .log = WEFT_PROFILE_LOG_NEWEST};
    struct reading reading;

    cr_assert(weft_profile_start_with(&newest) == 0);
    for (unsigned i = 0; i < 50000; i++) {
        put_stack(stack, i % 16); /* neighbours differ */
        if (i == 20) {
            fake_atomic64_start = (uintptr_t)hand_leaf;
            fake_atomic64_end = (uintptr_t)hand_leaf + 16;
        }
        if (i == 27)
            fake_atomic64_end = fake_atomic64_start;
        tick();
    }
    cr_assert(weft_profile_stop() == 0);
    send_and_read(&reading);
    cr_assert(reading.end.ticks == 50000 && reading.lost_atomic64 == 7, "losses are never dropped");
    cr_assert(reading.ran > 3000 && reading.end.lost_full == 50000 - 7 - reading.ran);
    cr_assert(reading.last_pcs[0] == (uintptr_t)hand_leaf + 49999 % 16, "the last one is there");
    send_and_read(&reading);
}

/* As the sending thread does it, after every tick; then the rest. */
Test(prof_sampler, a_streamed_log_never_fills)
{
    const struct weft_profile_options stream = {.rate_hz = 1000, .log = WEFT_PROFILE_LOG_STREAM};
    struct reading reading;

    cr_assert(weft_profile_start_with(&stream) == 0);
    fake_console_bytes = 0;
    send_headers();
    for (unsigned i = 0; i < 30000; i++) {
        put_stack(stack, i % 16);
        tick();
        if (i % 100 == 99)
            cr_assert(send_settled());
    }
    cr_assert(weft_profile_stop() == 0);
    read_all(&reading);
    cr_assert(reading.ran == 30000 && reading.end.lost_full == 0);
    cr_assert(weft_profile_send() == WEFT_ESTATE, "it has been sent");
    cr_assert(weft_profile_start(1000) == 0 && weft_profile_stop() == 0);
}

Test(prof_sampler, every_tick_has_the_rate_it_was_taken_at)
{
    struct reading reading;

    cr_assert(weft_profile_rate_set(1000) == WEFT_ESTATE);
    cr_assert(weft_profile_start(1000) == 0);
    tick();
    cr_assert(weft_profile_rate_set(20001) == WEFT_EINVAL);
    cr_assert(weft_profile_rate_set(20000) == 0);
    cr_assert(fake_rate_hz == 20000 && totals().ticks == 1, "nothing starts afresh");
    for (int i = 0; i < 3; i++)
        tick();
    cr_assert(weft_profile_rate_set(10) == 0);
    cr_assert(weft_profile_rate_set(100) == 0);
    tick();
    cr_assert(weft_profile_stop() == 0);
    send_and_read(&reading);
    cr_assert(reading.end.ticks == 5 && reading.ran == 5);
    cr_assert(reading.rates == 2, "a rate without a tick need not be said");
    cr_assert(reading.samples == 3, "ticks of two rates are never one record");
}

/* Another core asks for a rate: the tick at which this core sees it is an ordinary one. */
Test(prof_sampler, a_rate_change_costs_no_tick)
{
    cr_assert(weft_profile_start(1000) == 0);
    tick();
    cr_assert(weft_profile_rate_set(500) == 0);
    samplers[0].generation--;
    tick();
    cr_assert(sampler_followed() && totals().recorded == 2 && totals().suppressed == 0);
    cr_assert(weft_profile_stop() == 0);
}

/* ---- labels, foreign code, waiting ---- */

Test(prof_sampler, labels_are_recorded_and_sent_once)
{
    struct reading reading;

    cr_assert(weft_profile_label_set(NULL, "x") == WEFT_EINVAL);
    cr_assert(weft_profile_label_set("a key of more than thirty-two bytes", "x") == WEFT_EINVAL);
    cr_assert(weft_profile_start(1000) == 0);
    tick();
    cr_assert(weft_profile_label_set("request", "1") == 0);
    tick();
    cr_assert(weft_profile_label_set("phase", "parse") == 0);
    tick();
    cr_assert(weft_profile_label_set("request", "2") == 0);
    tick();
    cr_assert(threads[0].labels == 4 && labels_find(4)->label.parent == 3);
    cr_assert(weft_profile_label_set("request", NULL) == 0);
    cr_assert(weft_profile_label_set("phase", NULL) == 0);
    cr_assert(threads[0].labels == 0, "none is left");
    tick();
    cr_assert(weft_profile_label_set("request", "1") == 0);
    cr_assert(weft_profile_label_set("phase", "parse") == 0);
    cr_assert(threads[0].labels == 2, "the same labels are the same number");
    cr_assert(weft_profile_stop() == 0);
    send_and_read(&reading);
    cr_assert(reading.samples == 5);
    /* request=1, phase=parse on it, phase=parse alone, request=2 on that */
    cr_assert(reading.labels == 4, "%u", reading.labels);
    for (unsigned i = 0; i < WEFT_CONFIG_PROFILE_LABELS; i++) {
        char value[8];

        snprintf(value, sizeof value, "%u", 1000 + i);
        if (weft_profile_label_set("many", value) != 0) {
            cr_assert(threads[0].labels != 0, "the old ones are still there");
            return;
        }
    }
    cr_assert_fail("the table never filled");
}

Test(prof_sampler, foreign_code_is_below_the_function_that_entered)
{
    static uintptr_t foreign_stack[8];
    struct weft_foreign *bracket = (struct weft_foreign *)&stack[20];
    struct reading reading;

    cr_assert(weft_profile_start(1000) == 0);
    put_stack(stack, 3);
    bracket->registers[0] = (uintptr_t)hand_frame32 + 5; /* pc, then by DWARF number */
    bracket->registers[1 + ARCH_UNWIND_SP] = (uintptr_t)(stack + 1);
    bracket->registers[1 + ARCH_UNWIND_RA] = (uintptr_t)hand_frame32 + 5;
    weft_foreign_begin(bracket);
    frame.value[ARCH_UNWIND_RA] = 0x777777; /* a blob, with its own idea of a stack */
    frame.value[ARCH_UNWIND_SP] = (uintptr_t)foreign_stack;
    tick();
    weft_foreign_exit(bracket);
    put_stack(stack, 3);
    tick();
    cr_assert(weft_profile_stop() == 0);
    send_and_read(&reading);
    cr_assert(reading.by_context[CONTEXT_FOREIGN] == 1 && reading.by_context[CONTEXT_THREAD] == 1);
    cr_assert(reading.foreign_pcs[0] == 0x777777);
    cr_assert(reading.foreign_pcs[1] == (uintptr_t)hand_frame32 + 4);
    cr_assert(reading.foreign_pcs[2] == (uintptr_t)hand_start + 4);
}

/* It blocked, ticks came, it runs again: as many ticks of waiting. */
Test(prof_sampler, a_thread_that_has_waited_is_sampled_for_it)
{
    const struct weft_profile_options wall = {.rate_hz = 1000, .wall = true};
    struct reading reading;
    uintptr_t lo, hi;

    fake_host_stack(&lo, &hi);
    threads[0].stack_lo = lo;
    threads[0].stack_hi = hi;
    cr_assert(weft_profile_start_with(&wall) == 0);
    cr_assert(wait_watchers == 1);
    cores[0].tick_period = 1000;
    cores[0].tick_deadline = fake_cycles + 1000;
    for (unsigned ticks = 0; ticks < 5; ticks++) {
        uint64_t last = cores[0].tick_deadline - 1000;

        fake_irq_on = false;
        threads[0].wait_stamp = last + 10;
        cores[0].tick_deadline += ticks * 1000ull;
        upcall_waited(&threads[0], WAIT_QUEUE_RECEIVE);
        fake_irq_on = true;
    }
    cr_assert(weft_profile_stop() == 0 && wait_watchers == 0);
    send_and_read(&reading);
    cr_assert(reading.waited == 0 + 1 + 2 + 3 + 4, "%u", reading.waited);
    cr_assert(reading.ran == 0 && reading.waits == WAIT_REASONS);
    cr_assert(reading.last.context == CONTEXT_BLOCKED && reading.last.wait == WAIT_QUEUE_RECEIVE);
    cr_assert(reading.last.depth >= 1);
}

/* Everything at once, for long: the sum is checked after every step, the log after every stop. */
Test(prof_sampler, nothing_is_lost_uncounted_whatever_happens, .timeout = 120)
{
    struct reading reading;
    unsigned runs = 0, full = 0;
    bool running = false;

    srand(7);
    for (int step = 0; step < 20000; step++) {
        switch (rand() % 400) {
        case 0:
            if (running) {
                cr_assert(weft_profile_stop() == 0);
                send_and_read(&reading);
                full += reading.end.lost_full > 0;
                runs++;
            }
            running = false;
            break;
        case 1:
            if (!running)
                cr_assert(weft_profile_start_with(&(struct weft_profile_options){
                              .rate_hz = 10 + (uint32_t)rand() % 19000,
                              .log = rand() % 2 == 0 ? WEFT_PROFILE_LOG_FIRST
                                                     : WEFT_PROFILE_LOG_NEWEST}) == 0);
            running = true;
            break;
        case 2:
            fake_atomic64_start = (uintptr_t)hand_leaf;
            fake_atomic64_end = fake_atomic64_start + (unsigned)rand() % 16;
            break;
        case 3:
            threads[0].stack_busy = rand() % 3 == 0;
            break;
        case 4:
            tick_late(1 + (uint32_t)rand() % 50, (uint32_t)rand() % 4);
            break;
        case 5:
            if (running)
                cr_assert(weft_profile_rate_set(10 + (uint32_t)rand() % 19000) == 0);
            break;
        default:
            for (int i = rand() % 20; i >= 0; i--) {
                put_stack(stack, (unsigned)rand() % 16);
                tick();
            }
        }
    }
    cr_assert(runs > 10 && full > 2, "%u runs, %u overflowed: the mix is wrong", runs, full);
}
