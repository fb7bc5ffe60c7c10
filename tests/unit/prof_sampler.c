/* SPDX-License-Identifier: MIT */
/*
 * The sampler under a tick that the test fires itself: every tick is exactly one of recorded or
 * lost, the log says the same as the totals, and what is sent reads back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/upcall.h"
#include "prof_ticks.h"

TestSuite(prof_sampler, .init = ticks_setup);

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
