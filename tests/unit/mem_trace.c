/* SPDX-License-Identifier: MIT */
/* The scavenger and its trace: every line is parsed, every field recomputed from what was done. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "mem/heap.h"
#include "mem/scavenger.h"
#include "mem/stack.h"
#include "mem_fake.h"
#include "mem_names.h"

struct trace {
    unsigned long round, released_now, inuse, idle, sys, released, consumed;
    bool has_released_line;
};

/* Reads exactly the lines that weft_heap_trace printed. */
static struct trace trace_read(void)
{
    struct trace trace = {0};
    unsigned long round;
    char *text = fake_console;
    char rebuilt[256];

    fake_console_clear();
    weft_heap_trace();
    if (strstr(text, "KiB released")) {
        trace.has_released_line = true;
        cr_assert(sscanf(text, "scvg%lu: %lu KiB released\n", &round, &trace.released_now) == 2);
        cr_assert(trace.released_now > 0);
        text = strchr(text, '\n') + 1;
    }
    cr_assert(
        sscanf(text,
               "scvg%lu: inuse: %lu, idle: %lu, sys: %lu, released: %lu, consumed: %lu (KiB)\n",
               &trace.round, &trace.inuse, &trace.idle, &trace.sys, &trace.released,
               &trace.consumed) == 6);
    cr_assert(!trace.has_released_line || round == trace.round);
    snprintf(rebuilt, sizeof(rebuilt),
             "scvg%lu: inuse: %lu, idle: %lu, sys: %lu, released: %lu, consumed: %lu (KiB)\n",
             trace.round, trace.inuse, trace.idle, trace.sys, trace.released, trace.consumed);
    cr_assert_str_eq(text, rebuilt);
    return trace;
}

/* What the log of operations says, in bytes. */
struct oracle {
    size_t page_bytes, sys, meta, inuse, stacks;
    unsigned long rounds;
    size_t round_released;
};

static void oracle_compare(const struct oracle *oracle)
{
    struct trace trace = trace_read();
    size_t idle = oracle->sys - oracle->meta - oracle->inuse - oracle->stacks;

    cr_assert(trace.round == oracle->rounds);
    cr_assert(trace.inuse == oracle->inuse / 1024);
    cr_assert(trace.idle == idle / 1024);
    cr_assert(trace.sys == oracle->sys / 1024);
    cr_assert(trace.released == fake_released_bytes / 1024);
    cr_assert(trace.consumed == trace.sys - trace.released);
    cr_assert(trace.has_released_line == (oracle->round_released >= 1024));
    if (trace.has_released_line)
        cr_assert(trace.released_now == oracle->round_released / 1024);
}

static void oracle_boot(struct oracle *oracle, size_t bytes)
{
    struct weft_mstats stats;

    fake_boot(bytes, 0);
    weft_heap_stats(&stats);
    *oracle = (struct oracle){.page_bytes = stats.page_bytes,
                              .sys = bytes / stats.page_bytes * stats.page_bytes,
                              .meta = stats.meta_pages * stats.page_bytes};
}

static size_t round_up(size_t bytes, size_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

/* Large blocks and stacks only, so that the log says exactly how many pages each took. */
static void random_log_run(struct oracle *oracle, uint64_t seed, unsigned operations)
{
    enum { COUNT = 64 };
    static void *block[COUNT];
    static size_t pages_bytes[COUNT], usable[COUNT];
    static bool stack[COUNT];
    size_t released_before = 0;
    uint64_t state = seed;

    for (unsigned i = 0; i < operations; i++) {
        unsigned which = (unsigned)(fake_random(&state) % COUNT);
        size_t size = heap.small_max + 1 + fake_random(&state) % 20000;

        if (block[which] && stack[which]) {
            stack_free(block[which], usable[which]);
            oracle->stacks -= pages_bytes[which];
            block[which] = NULL;
        } else if (block[which]) {
            w_free(block[which]);
            oracle->inuse -= pages_bytes[which];
            block[which] = NULL;
        } else {
            stack[which] = fake_random(&state) % 4 == 0;
            block[which] = stack[which] ? stack_alloc(size, &usable[which]) : w_malloc(size);
            pages_bytes[which] = block[which] ? round_up(size, oracle->page_bytes) : 0;
            *(stack[which] ? &oracle->stacks : &oracle->inuse) += pages_bytes[which];
        }
        if (fake_random(&state) % 8 == 0) {
            unsigned releases = fake_releases;
            size_t before = fake_released_bytes;

            if (!scavenger_step()) {
                oracle->rounds++;
                oracle->round_released = released_before + fake_released_bytes - before;
                released_before = 0;
            } else {
                released_before += fake_released_bytes - before;
            }
            cr_assert(fake_releases <= releases + 1, "a step asked the board more than once");
            cr_assert(fake_released_bytes - before <= 65536, "a step released too much");
        }
        oracle_compare(oracle);
        if (i % 100 == 0)
            fake_check_quiescent();
    }
}

Test(mem_trace, every_field_of_every_line_follows_from_the_log_of_operations)
{
    struct oracle oracle;

    oracle_boot(&oracle, 512 << 10);
    random_log_run(&oracle, 11, 30000);
    cr_assert(fake_releases > 100 && fake_commits > 100);
}

Test(mem_trace, the_same_with_pages_of_4_kib)
{
    struct oracle oracle;

    if (WEFT_CONFIG_HEAP_DETERMINISTIC)
        cr_skip_test("the deterministic mode has smaller ones");
    oracle_boot(&oracle, 40 << 20);
    cr_assert(oracle.page_bytes == 4096);
    random_log_run(&oracle, 12, 10000);
}

static void rounds(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        while (scavenger_step())
            ;
}

Test(mem_trace, pages_are_released_after_one_whole_round_and_before_a_third)
{
    void *block;
    size_t released;

    fake_boot(512 << 10, 0);
    rounds(4);
    released = fake_released_bytes;
    cr_assert(released == heap.stats.idle_pages * heap.stats.page_bytes);
    block = w_malloc(100000);
    cr_assert(fake_released_bytes < released);
    w_free(block);
    rounds(1);
    cr_assert(fake_released_bytes < released, "freed and released within one round");
    rounds(2);
    cr_assert(fake_released_bytes == heap.stats.idle_pages * heap.stats.page_bytes);
    fake_check_quiescent();
}

Test(mem_trace, a_forced_round_releases_everything_idle_at_once)
{
    struct trace trace;
    size_t bytes;
    void *block;

    fake_boot(512 << 10, 100 << 10);
    block = w_malloc(5000);
    bytes = weft_heap_scavenge();
    cr_assert(bytes == fake_released_bytes);
    cr_assert(bytes == heap.stats.idle_pages * heap.stats.page_bytes);
    trace = trace_read();
    cr_assert(trace.has_released_line && trace.released_now == bytes / 1024);
    cr_assert(weft_heap_scavenge() == 0);
    trace = trace_read();
    cr_assert(!trace.has_released_line);
    w_free(block);
    cr_assert(weft_heap_scavenge() == 5120);
    fake_check_quiescent();
}

Test(mem_trace, released_memory_is_committed_before_anybody_gets_it)
{
    uint8_t *block;

    fake_boot(256 << 10, 0);
    weft_heap_scavenge();
    for (size_t size = 8; size < 60000; size *= 2) {
        block = w_calloc(1, size);
        for (size_t i = 0; i < size; i++)
            cr_assert(block[i] == 0);
        fake_check_quiescent();
    }
}

Test(mem_trace, a_reading_in_the_middle_of_an_operation_is_never_negative)
{
    struct weft_mstats stats;
    struct trace trace;

    fake_boot(256 << 10, 0);
    /* Released more than there is: as a reading between two words of an update might see it. */
    stats = heap.stats;
    heap.stats.released_pages = stats.sys_pages + 5;
    trace = trace_read();
    cr_assert(trace.consumed == 0);
    heap.stats = stats;
}

Test(mem_trace, the_trace_takes_no_lock_and_allocates_nothing)
{
    fake_boot(256 << 10, 0);
    cores[0].allocation_forbidden = 1;
    cores[0].ranks_held = ~0u;
    fake_irq_on = false;
    (void)trace_read();
    fake_irq_on = true;
    cores[0].ranks_held = 0;
    cores[0].allocation_forbidden = 0;
}
