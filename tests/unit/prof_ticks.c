/* SPDX-License-Identifier: MIT */
#include "prof_ticks.h"

#include <string.h>
#include <zlib.h>

#include "kernel/upcall.h"

__asm__(".text\n"
        ".globl hand_leaf, hand_frame32, hand_start\n"
        "hand_leaf: .cfi_startproc\n .fill 16, 1, 0x90\n .cfi_endproc\n"
        "hand_frame32: .cfi_startproc\n .cfi_def_cfa_offset 32\n .fill 16, 1, 0x90\n .cfi_endproc\n"
        "hand_start: .cfi_startproc\n .cfi_undefined rip\n .fill 16, 1, 0x90\n .cfi_endproc\n");

uintptr_t stack[64];
uintptr_t system_stack[64 + 1]; /* one more, so that its end is not the other's start */
struct weft_thread threads[80];
struct arch_frame frame;

void put_stack(uintptr_t *words, unsigned pc_offset)
{
    memset(&frame, 0, sizeof frame);
    words[0] = (uintptr_t)hand_frame32 + 5;
    words[4] = (uintptr_t)hand_start + 5;
    frame.value[ARCH_UNWIND_RA] = (uintptr_t)hand_leaf + pc_offset;
    frame.value[ARCH_UNWIND_SP] = (uintptr_t)words;
}

void ticks_setup(void)
{
    fake_reset();
    put_stack(stack, 3);
    fake_thread_add(&threads[0], 1, "main", (uintptr_t)stack, (uintptr_t)(stack + 64));
    fake_thread_run(&threads[0]);
    cores[0].system_stack_lo = (uintptr_t)system_stack;
    cores[0].system_stack_hi = (uintptr_t)(system_stack + 64);
}

void tick(void)
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

void tick_late(uint32_t due, uint32_t of_handlers)
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

struct weft_profile_totals totals(void)
{
    struct weft_profile_totals now;

    weft_profile_totals(&now);
    CHECK(now.ticks ==
          now.recorded + now.lost_atomic64 + now.lost_full + now.lost_nolock + now.suppressed);
    return now;
}

/* ---- reading ---- */

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

void read_all(struct reading *reading)
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

void send_and_read(struct reading *reading)
{
    fake_console_bytes = 0;
    CHECK(weft_profile_send() == 0);
    read_all(reading);
}
