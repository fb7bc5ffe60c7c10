/* SPDX-License-Identifier: MIT */
/* What the sampler can be asked for: logs that keep the newest or are streamed, rates that change,
 * labels, foreign code, waiting (prof_sampler.c). */
#include <stdio.h>
#include <string.h>

#include "kernel/upcall.h"
#include "prof/labels.h"
#include "prof/send.h"
#include "prof_ticks.h"

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
