/* SPDX-License-Identifier: MIT */
/* The scavenger's goal, its step on heap growth, its hook, and consistent statistics. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "kernel/spinlock.h"
#include "mem/heap.h"
#include "mem/page.h"
#include "mem/scavenger.h"
#include "mem_fake.h"
#include "mem_names.h"

#define ARENA ((size_t)512 << 10)

static void round_run(void)
{
    while (scavenger_step())
        ;
}

static size_t idle_kept(void)
{
    return (heap.stats.idle_pages - heap.stats.released_pages) * heap.stats.page_bytes;
}

/* ---- the trace of a growing heap, line for line ---- */

struct log {
    size_t page_bytes, sys, meta, inuse; /* bytes, from the operations alone */
    unsigned long scavenges;
    size_t released; /* bytes the board has, from what it was told */
};

/* The lines of one operation: none, or exactly those of one scavenge that released `now` bytes; a
 * round has a line also when it released nothing. */
static void lines_check(struct log *log, size_t now, bool round)
{
    char expected[512];
    size_t idle = log->sys - log->meta - log->inuse;
    int used = 0;

    expected[0] = 0;
    if (now || round) {
        log->scavenges++;
        if (now >= 1024)
            used = snprintf(expected, sizeof expected, "scvg%lu: %zu KiB released\n",
                            log->scavenges, now / 1024);
        snprintf(expected + used, sizeof expected - (size_t)used,
                 "scvg%lu: inuse: %zu, idle: %zu, sys: %zu, released: %zu, consumed: %zu (KiB)\n",
                 log->scavenges, log->inuse / 1024, idle / 1024, log->sys / 1024,
                 log->released / 1024, log->sys / 1024 - log->released / 1024);
    }
    cr_assert_str_eq(fake_console, expected);
    fake_console_clear();
}

static size_t hook_released, hook_committed;

static void hook_count(void *start, size_t bytes, bool released)
{
    cr_assert(fake_irq_on && cores[fake_core_id].ranks_held == 0, "the hook runs under a lock");
    cr_assert(cores[fake_core_id].preempt_off);
    memset(start, 0xdb, bytes);
    *(released ? &hook_released : &hook_committed) += bytes;
}

static void log_round(struct log *log)
{
    size_t released = hook_released;

    weft_heap_scavenge();
    log->released += hook_released - released;
    cr_assert(log->released == log->sys - log->meta - log->inuse, "idle pages stayed");
    lines_check(log, hook_released - released, true);
}

static void log_operation(struct log *log, void **block, size_t *bytes, size_t size)
{
    size_t released = hook_released, committed = hook_committed, unit = log->page_bytes;

    if (*block) {
        w_free(*block);
        log->inuse -= *bytes;
        *block = NULL;
    } else if ((*block = w_malloc(size)) != NULL) {
        *bytes = (size + unit - 1) / unit * unit;
        log->inuse += *bytes;
    }
    released = hook_released - released;
    committed = hook_committed - committed;
    log->released += released - committed;
    cr_assert(released <= committed, "more was given back than had come");
    cr_assert(log->released == fake_released_bytes);
    lines_check(log, released, false);
}

Test(mem_goal, every_line_of_a_growing_heap_follows_from_the_log_of_operations)
{
    enum { COUNT = 48 };
    static void *block[COUNT];
    static size_t bytes[COUNT];
    uint64_t state = 5;
    unsigned long rounds = 0;
    struct log log;

    if (WEFT_CONFIG_HEAP_DETERMINISTIC)
        cr_skip_test("the deterministic mode leaves that to the next round");
    fake_boot(ARENA, 0);
    weft_heap_set_trace(true);
    weft_heap_set_release_hook(hook_count);
    scavenger_set_goal(true, 10);
    round_run();
    fake_console_clear();
    log = (struct log){.page_bytes = heap.stats.page_bytes,
                       .sys = ARENA,
                       .meta = heap.stats.meta_pages * heap.stats.page_bytes,
                       .scavenges = heap.stats.scavenges,
                       .released = fake_released_bytes};
    for (int i = 0; i < 20000; i++) {
        unsigned which = (unsigned)(fake_random(&state) % COUNT);

        log_operation(&log, &block[which], &bytes[which],
                      heap.small_max + 1 + fake_random(&state) % 20000);
        if (fake_random(&state) % 16 == 0) {
            log_round(&log);
            rounds++;
        }
        if (i % 200 == 0)
            fake_check_quiescent();
    }
    cr_assert(log.scavenges - rounds > 300, "only %lu of them grew", log.scavenges - rounds);
}

/* With nothing kept, each call that brings pages back must give others back; until none is left. */
Test(mem_goal, an_exhausted_heap_scavenges_with_every_allocation_and_stays_whole)
{
    enum { COUNT = 200 };
    static void *block[COUNT];
    uint64_t state = 9;
    unsigned long failures = 0;

    fake_boot(64 << 10, 0);
    weft_heap_set_trace(true);
    scavenger_set_goal(true, 0);
    for (int i = 0; i < 100000; i++) {
        unsigned which = (unsigned)(fake_random(&state) % COUNT);

        if (block[which])
            w_free(block[which]);
        block[which] = w_malloc(1 + fake_random(&state) % 3000);
        failures += block[which] == NULL;
        fake_console_clear();
        if (i % 10 == 0)
            scavenger_step();
        if (i % 1000 == 0)
            fake_check_quiescent();
    }
    cr_assert(failures > 1000 && heap.stats.scavenges > 3000, "%lu failures, %zu scavenges",
              failures, heap.stats.scavenges);
}

/* ---- the goal ---- */

Test(mem_goal, a_round_stops_at_the_goal)
{
    void *block;

    fake_boot(ARENA, 0);
    block = w_malloc(100000);
    scavenger_set_goal(true, 50);
    for (int i = 0; i < 4; i++)
        round_run();
    cr_assert(idle_kept() <= 50176 && idle_kept() > 48000, "keeps %zu", idle_kept());
    scavenger_set_goal(true, 0);
    round_run();
    cr_assert(idle_kept() == 0);
    w_free(block);
    fake_check_quiescent();
}

Test(mem_goal, without_a_goal_growth_gives_nothing_back)
{
    size_t released;

    fake_boot(ARENA, 0);
    w_free(w_malloc(200000));
    weft_heap_scavenge();
    w_free(w_malloc(200000));
    released = fake_released_bytes;
    w_free(w_malloc(300000));
    cr_assert(fake_released_bytes == released - 99840, "%zu", released - fake_released_bytes);
}

/* ---- caches of cores that sleep ---- */

#if WEFT_CONFIG_CORES > 1
Test(mem_goal, what_a_sleeping_core_has_cached_goes_back_within_two_periods)
{
    enum { COUNT = 40 };
    void *block[COUNT];

    fake_boot(ARENA, 0);
    fake_core_id = 1;
    for (int i = 0; i < COUNT; i++)
        block[i] = w_malloc(200);
    for (int i = 0; i < COUNT; i++)
        w_free(block[i]);
    cr_assert(heap.stats.inuse_pages > 0, "nothing is cached");
    fake_core_id = 0;
    scavenger_set_goal(true, 0);
    scavenger_step();
    cr_assert(fake_ipis == 1 && cache_flush_wanted(&cores[1]));
    fake_core_id = 1; /* its idle thread, woken by the interrupt */
    cache_flush_idle();
    cr_assert(!cache_flush_wanted(&cores[1]));
    fake_core_id = 0;
    for (int i = 0; i < 3; i++)
        round_run();
    cr_assert(heap.stats.inuse_pages == 0 && idle_kept() == 0);
    fake_check_quiescent();
}
#endif

Test(mem_goal, a_busy_core_flushes_with_its_next_slow_call)
{
    void *block[8];

    if (WEFT_CONFIG_HEAP_DETERMINISTIC)
        cr_skip_test("the deterministic mode leaves that to the idle thread");
    fake_boot(ARENA, 0);
    for (int i = 0; i < 8; i++)
        block[i] = w_malloc(600);
    for (int i = 0; i < 8; i++)
        w_free(block[i]);
    cr_assert(heap.stats.inuse_pages > 0);
    scavenger_set_goal(true, 0);
    scavenger_step();
    cr_assert(heap.stats.inuse_pages == 0, "the scavenger's own core keeps its cache");
}

/* ---- consistent statistics ---- */

Test(mem_goal, consistent_statistics_stop_the_world_once)
{
    struct weft_mstats raw, consistent;

    fake_boot(ARENA, 0);
    w_free(w_malloc(3000));
    weft_heap_stats(&raw);
    weft_heap_stats_consistent(&consistent);
    cr_assert(fake_world_stops == 1 && memcmp(&raw, &consistent, sizeof raw) == 0);
}

static void hook_asks(void *start, size_t bytes, bool released)
{
    struct weft_mstats stats;

    (void)start;
    (void)bytes;
    (void)released;
    weft_heap_stats_consistent(&stats);
}

static void hook_reads(void *start, size_t bytes, bool released)
{
    struct weft_mstats stats;

    (void)start;
    (void)bytes;
    (void)released;
    weft_heap_stats(&stats);
    weft_heap_trace();
}

Test(mem_goal, consistent_statistics_in_the_scavenger_panic_and_raw_ones_do_not)
{
    fake_boot(ARENA, 0);
    weft_heap_set_release_hook(hook_reads);
    weft_heap_scavenge();
    w_free(w_malloc(100000));
    weft_heap_set_release_hook(hook_asks);
    cr_assert(FAKE_PANICS(weft_heap_scavenge()));
    cr_assert_str_eq(
        fake_panic_text,
        "weft_heap_stats_consistent from the scavenger (a release hook, or the board): stopping "
        "the world here would never end; call weft_heap_stats");
}
