/* SPDX-License-Identifier: MIT */
/* The collector on the boards: nothing that is reachable is lost, little else is kept, and what is
 * refused is refused with a sentence. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/board/profile_reader.h"

static struct board_run run(const char *what, const char *config, const char *icount)
{
    char name[64];
    struct board_run result;

    snprintf(name, sizeof name, "%.*s%s%s", (int)strcspn(what, " "), what,
             strchr(what, ' ') != NULL ? "-trace" : "", config != NULL ? config + 6 : "");
    result = board_boot("collector", what,
                        &(struct board_options){.config = config, .icount = icount, .name = name});
    cr_assert_eq(result.status, 0, "status %d\n%s", result.status, result.terminal);
    return result;
}

/* 64 ns an instruction: the collecting thread comes every 1,500 to 15,000 instructions, the
 * workers' slices end at others. */
Test(collector, mutators_keep_their_blocks_on_one_core)
{
    assert_contains(run("mutators", NULL, "shift=6").console, "mutators done");
}

Test(collector, mutators_keep_their_blocks_on_two_cores)
{
    assert_contains(run("mutators", "CORES=2", NULL).console, "mutators done");
}

static void other_cores_help(const char *config)
{
    const char *console = run("help", config, NULL).console;

    assert_contains(console,
                    config[6] == '4' ? "help done: cores 0xe came" : "help done: cores 0x2 came");
}

Test(collector, a_second_core_helps_to_mark_and_runs_no_thread_meanwhile)
{
    other_cores_help("CORES=2");
}

Test(collector, three_other_cores_help_to_mark_and_run_no_thread_meanwhile)
{
    other_cores_help("CORES=4");
}

Test(collector, mutators_keep_their_blocks_on_four_cores)
{
    assert_contains(run("mutators", "CORES=4", NULL).console, "mutators done");
}

/* What marks is the collector's on every core, whoever's stack it is on, and nothing else is. */
static void profile_names_the_collector(const char *config, const char *loop)
{
    struct board_run result = run("profile", config, NULL);
    struct profile profile = profile_of(&result, "collector", config);
    uint64_t marking = profile_ticks(&profile, loop, -1);

    assert_contains(result.console, "profile done");
    cr_assert_gt(marking, 0);
    cr_assert_eq(profile_ticks(&profile, loop, CONTEXT_COLLECTOR), marking);
    cr_assert_eq(profile_ticks(&profile, "weft_gc_sweep_step", CONTEXT_COLLECTOR), 0);
    cr_assert_gt(profile_ticks(&profile, NULL, CONTEXT_THREAD), 0);
    profile_close(&profile);
}

Test(collector, a_profile_shows_marking_as_the_collector_s)
{
    profile_names_the_collector(NULL, "drain_near");
}

Test(collector, a_profile_shows_a_helping_core_s_marking_as_the_collector_s)
{
    profile_names_the_collector("CORES=2", "gc_mark_drain"); /* what it calls, too */
}

Test(collector, threads_that_exhaust_the_heap_together_collect_and_go_on)
{
    board_needs_weft_malloc();
    assert_contains(run("exhaustion", NULL, NULL).console, "exhaustion done");
}

Test(collector, threads_that_exhaust_the_heap_on_two_cores_collect_and_go_on)
{
    board_needs_weft_malloc();
    assert_contains(run("exhaustion", "CORES=2", NULL).console, "exhaustion done");
}

Test(collector, a_block_in_a_register_or_on_its_way_survives_on_one_core)
{
    assert_contains(run("places", NULL, NULL).console, "places done");
}

Test(collector, a_block_in_a_register_or_on_its_way_survives_on_two_cores)
{
    assert_contains(run("places", "CORES=2", NULL).console, "places done");
}

Test(collector, little_garbage_is_kept_by_chance)
{
    assert_contains(run("garbage", NULL, NULL).console, "garbage kept");
    assert_contains(run("garbage", "CORES=2", NULL).console, "garbage kept");
}

Test(collector, finalizers_run_in_their_thread_with_the_world_going_on)
{
    assert_contains(run("finalize", NULL, NULL).console, "finalized 10, kept block 1000");
    assert_contains(run("finalize", "CORES=2", NULL).console, "finalized 10, kept block 1000");
}

Test(collector, allocation_where_the_world_cant_be_stopped_does_not_collect)
{
    assert_contains(run("pinned", NULL, NULL).console, "pinned allocation done");
}

static long figure(const char *console, const char *what)
{
    const char *at = strstr(console, what);

    cr_assert(at, "the image did not report: %s", what);
    return strtol(at + strlen(what), NULL, 10);
}

Test(collector, marking_a_32_byte_block_and_its_records_cost_what_the_documentation_says)
{
    struct board_run result = run("cost", NULL, "shift=0");

    cr_assert_leq(figure(result.console, "overhead: "), 115);
    if (strcmp(board_name(), "linux") != 0)
        cr_assert_leq(figure(result.console, "marked: "), 100);
}

/* "gcN: P us, B -> A KiB, no goal|goal G KiB, T threads[ (forced)]" and nothing else. */
static void trace_check(const char *line, unsigned *numbers, unsigned *forced)
{
    unsigned number, threads;
    unsigned long us, before, after, goal;
    int end = 0;
    const char *rest;

    cr_assert_eq(sscanf(line, "gc%u: %lu us, %lu -> %lu KiB, goal %lu KiB, %u threads%n", &number,
                        &us, &before, &after, &goal, &threads, &end),
                 6, "%.80s", line);
    rest = line + end;
    cr_assert(rest[0] == '\n' || strncmp(rest, " (forced)\n", 10) == 0, "%.80s", line);
    *forced += rest[0] != '\n';
    *numbers += number;
    cr_assert(after <= before && threads >= 1 && threads <= 8);
    cr_assert(goal >= 64 && (goal == 64 || (goal + 1 >= 2 * after - 1 && goal <= 2 * after)),
              "%.80s", line);
}

Test(collector, every_cycle_prints_its_line)
{
    struct board_run result = run("mutators trace", NULL, "shift=6");
    unsigned cycles = 0, forced = 0, numbers = 0;
    const char *at = result.console;

    while ((at = strstr(at, "gc")) != NULL) {
        if ((at == result.console || at[-1] == '\n') && at[2] >= '0' && at[2] <= '9') {
            trace_check(at, &numbers, &forced);
            cycles++;
        }
        at += 2;
    }
    cr_assert_eq((long)cycles, figure(result.console, "mutators done: "));
    cr_assert_eq(numbers, cycles * (cycles + 1) / 2); /* each once; two may change places */
    cr_assert_eq((long)forced, figure(result.console, " cycles, "));
}

static void refused(const char *word, const char *text)
{
    struct board_run result = board_boot("collector", word, &(struct board_options){.name = word});

    cr_assert_eq(result.status, 70, "status %d\n%s", result.status, result.terminal);
    assert_contains(result.console, text);
}

Test(collector, a_cycle_under_a_lock_names_the_lock_and_its_holder)
{
    refused("lock", "panic: weft_world_stop(\"collection\") while holding the lock \"some lock\" "
                    "(holder: thread \"main\" on core 0): a stopped thread could be waiting for "
                    "it; let go of it first");
}

Test(collector, a_cycle_in_an_interrupt_is_refused)
{
    refused("interrupt", "panic: weft_world_stop(\"collection\") in an interrupt handler: wake a "
                         "thread that does it");
}

Test(collector, allocation_in_an_interrupt_is_refused)
{
    refused("alloc-interrupt",
            "panic: weft_gc_alloc was called in an interrupt handler: allocate in a thread");
}

Test(collector, a_root_that_is_added_twice_is_refused)
{
    refused("root-twice", "this root was added already: remove it first");
}

Test(collector, a_root_that_wraps_round_the_address_space_is_refused)
{
    refused("root-wraps", "wrap round the address space");
}

Test(collector, a_finalizer_that_ends_its_thread_is_refused)
{
    refused("finalizer-ends", "a finalizer has ended its thread, in which the others are to run");
}

Test(collector, a_cycle_with_preemption_off_is_refused)
{
    refused("preemption", "panic: weft_world_stop(\"collection\") with preemption off: call "
                          "weft_preempt_enable first");
}

Test(collector, a_cycle_in_a_stopped_world_is_refused)
{
    refused("stopped", "panic: weft_world_stop(\"collection\") by the thread that has stopped it "
                       "already: call weft_world_start first");
}

Test(collector, a_cycle_on_a_system_stack_is_refused)
{
    refused("system-stack", "panic: weft_world_stop(\"collection\") on a system stack: only a "
                            "thread can stop the world");
}

Test(collector, an_image_that_does_not_use_it_has_none_of_it)
{
    char path[256], *symbols;

    board_image_path(path, sizeof path, "demo", NULL);
    cr_assert_eq(host_run(&symbols, "nm %s", path), 0);
    cr_assert(strstr(symbols, " weft_thread_spawn") != NULL);
    cr_assert(strstr(symbols, " gc") == NULL && strstr(symbols, "weft_gc") == NULL,
              "the collector is linked: %s", strstr(symbols, "gc_"));
}
