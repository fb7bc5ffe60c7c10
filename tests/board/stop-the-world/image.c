/* SPDX-License-Identifier: MIT */
/*
 * Stopping the world. Without an argument: threads that count, allocate, block and use atomics on
 * every core, and stoppers that look twice whether anything moves while the world is stopped. With
 * "idle": an idle thread is held inside its work in the heap, which is wrapped (link-flags), while
 * another core stops the world. Other arguments: what is refused.
 */
#include <string.h>
#include <weft/atomic.h>
#include <weft/weft.h>

#include "../firmware.h"
#include "arch/irq.h"
#include "kernel/core.h"
#include "kernel/spinlock.h"
#include "kernel/tick.h"
#include "mem/scavenger.h"
#include "sched/sched.h"
#include "sched/thread.h"
#include "sched/world.h"

#define COUNTERS 6
#define STOPPERS 8
#define STOPS 25

static volatile uint32_t counts[COUNTERS];
static uint64_t atomic_count;
static _Atomic bool done;
static struct weft_mutex mutex = WEFT_MUTEX_INITIALIZER(mutex);

static void *counter(void *argument)
{
    volatile uint32_t *count = &counts[(uintptr_t)argument];

    while (!done) {
        void *block = malloc(24 + *count % 100);

        CHECK(block != NULL);
        weft_mutex_lock(&mutex);
        ++*count;
        weft_mutex_unlock(&mutex);
        (void)weft_atomic64_fetch_add(&atomic_count, 1);
        weft_preempt_disable();
        ++*count;
        weft_preempt_enable();
        free(block);
        if (*count % 64 == 0)
            weft_thread_sleep_ns(50000 * TIME_SCALE); /* stoppers of lower priority run */
    }
    return NULL;
}

static void snapshot(uint32_t *into)
{
    for (unsigned i = 0; i < COUNTERS; i++)
        into[i] = counts[i];
}

/* When each turn began, in cycles, noted by whoever had it. */
static volatile uint32_t turns;
static uint64_t turn_began[STOPPERS * STOPS];

/* Turns of others that began after this thread had queued for the world: it was served in the order
 * of asking if they are at most the ones that had queued before it. */
static unsigned overtaken(uint64_t asked)
{
    uint64_t queued = thread_wait_since(weft_thread_self());
    unsigned count = 0;

    for (unsigned i = 0; i < turns && queued >= asked; i++)
        count += turn_began[i] > queued;
    return count;
}

static void stop_once(void)
{
    uint32_t before[COUNTERS], after[COUNTERS];
    uint64_t until, atomic_before, asked = tick_now();

    weft_world_stop("test");
    CHECK(overtaken(asked) < STOPPERS);
    turn_began[turns] = tick_now();
    turns++;
    snapshot(before);
    atomic_before = weft_atomic64_load(&atomic_count);
    until = weft_time_ns() + 300000;
    while (weft_time_ns() < until)
        ;
    snapshot(after);
    CHECK(memcmp(before, after, sizeof before) == 0);
    CHECK(weft_atomic64_load(&atomic_count) == atomic_before);
    weft_world_start();
}

static void *stopper(void *argument)
{
    for (unsigned i = 0; i < STOPS; i++)
        stop_once();
    return argument;
}

static void churn(void)
{
    struct weft_thread *counters[COUNTERS], *stoppers[STOPPERS];
    struct weft_world_stats stats;

    for (uintptr_t i = 0; i < COUNTERS; i++)
        CHECK(weft_thread_spawn(&counters[i], NULL, counter, (void *)i) == 0);
    for (uintptr_t i = 0; i < STOPPERS; i++) {
        const struct weft_thread_attr attr = {.priority = 14 + (int)(i % 5)};

        CHECK(weft_thread_spawn(&stoppers[i], &attr, stopper, NULL) == 0);
    }
    for (unsigned i = 0; i < STOPPERS; i++)
        CHECK(weft_thread_join(stoppers[i], NULL) == 0);
    done = true;
    for (unsigned i = 0; i < COUNTERS; i++)
        CHECK(weft_thread_join(counters[i], NULL) == 0);
    weft_world_stats(&stats);
    printf("stops %u, turns %u, longest %llu us\n", (unsigned)stats.stops, (unsigned)turns,
           (unsigned long long)(stats.longest_ns / 1000));
    CHECK(stats.stops == STOPPERS * STOPS && turns == STOPPERS * STOPS);
    CHECK(stats.longest_ns >= 300000 && stats.longest_wait_ns < stats.longest_ns);
}

/* ---- an idle thread in the heap ---- */

#define HOLD_NS 5000000u /* a stop that does not wait returns sooner */
#define ENDED (WEFT_CONFIG_STACK_CACHE + 4)

void __real_thread_reap(void);
void __wrap_thread_reap(void);
void __real_cache_flush_idle(void);
void __wrap_cache_flush_idle(void);
void cache_flush_ask(const struct core *self); /* mem/cache.h */

static _Atomic bool hold, in_heap, returned;

/* A look without the scheduler's lock, under which it is written: the test's own, not weft's. */
static __attribute__((noinline, no_sanitize("thread"))) bool stop_has_begun(void)
{
    return *(volatile bool *)&world.stopping;
}

/* Until the stop has begun, and then for so long that it would have taken this core. */
static void hold_here(void)
{
    uint64_t until;

    in_heap = true;
    while (!stop_has_begun())
        arch_cpu_relax();
    until = weft_time_ns() + HOLD_NS;
    while (weft_time_ns() < until && !returned)
        arch_cpu_relax();
}

static void held(void (*work)(void))
{
    bool here = hold && sched_is_idle(core_self()) && core_self()->id == 1;

    if (here)
        hold_here();
    work();
    if (here)
        in_heap = false;
}

void __wrap_thread_reap(void)
{
    held(__real_thread_reap);
}

void __wrap_cache_flush_idle(void)
{
    held(__real_cache_flush_idle);
}

static struct weft_semaphore all_made = WEFT_SEMAPHORE_INITIALIZER(all_made, 0);

static void *end_together(void *argument)
{
    CHECK(weft_semaphore_wait(&all_made) == 0);
    return argument;
}

/* More than are kept to be used again: core 1 has some to give back. */
static void leave_ended_threads(void)
{
    const struct weft_thread_attr attr = {.detached = true, .cores = 2};

    for (unsigned i = 0; i < ENDED; i++)
        CHECK(weft_thread_spawn(NULL, &attr, end_together, NULL) == 0);
    for (unsigned i = 0; i < ENDED; i++)
        CHECK(weft_semaphore_post(&all_made) == 0);
}

static void leave_cached_blocks(void)
{
    cache_flush_ask(core_self());
}

static void stop_while_held(void (*leave_work)(void))
{
    returned = false;
    hold = true;
    leave_work();
    while (!in_heap)
        arch_cpu_relax();
    hold = false;
    weft_world_stop("while an idle thread is in the heap");
    returned = true;
    CHECK(!in_heap);
    weft_world_start();
    CHECK(weft_heap_check() == 0);
}

static void idle_in_heap(void)
{
    CHECK(weft_thread_set_cores(weft_thread_self(), 1) == 0);
    stop_while_held(leave_ended_threads);
    stop_while_held(leave_cached_blocks);
    puts("idle threads were waited for");
    exit(0);
}

/* ---- refusals ---- */

static struct spinlock some_lock = SPINLOCK_INITIALIZER(RANK_HEAP_PAGES, "some lock");

static void under_lock(void)
{
    (void)spinlock_lock(&some_lock);
    weft_world_stop("under a lock");
}

static void in_interrupt(void)
{
    (void)arch_irq_save(); /* as the way into an interrupt has it: trap_enter */
    core_self()->interrupt_depth++;
    weft_world_stop("in a handler");
}

static void preemption_off(void)
{
    weft_preempt_disable();
    weft_world_stop("pinned");
}

static void twice(void)
{
    weft_world_stop("first");
    weft_world_stop("second");
}

static void interrupts_off(void)
{
    (void)arch_irq_save();
    weft_world_stop("deaf");
}

static void on_system_stack(void)
{
    struct weft_thread *current = core_self()->current;

    (void)arch_irq_save();
    core_self()->current = NULL; /* as on the boot path, where no thread is current */
    (void)current;
    weft_world_stop("at boot");
}

/* What the checks behind a stop are for can't happen; so they are shown what it would look like. */
static void moved(void)
{
    weft_world_stop("a move");
    world.core ^= 1;
    weft_world_start();
}

static void somebody_runs(void)
{
    CHECK(weft_thread_set_cores(weft_thread_self(), 1) == 0);
    weft_world_stop("a runner");
    cores[WEFT_CONFIG_CORES > 1 ? 1 : 0].current = core_self()->current;
    weft_world_start();
}

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    {"lock", under_lock},
    {"interrupt", in_interrupt},
    {"preemption", preemption_off},
    {"twice", twice},
    {"interrupts-off", interrupts_off},
    {"system-stack", on_system_stack},
    {"start", weft_world_start},
    {"idle", idle_in_heap},
    {"moved", moved},
    {"runner", somebody_runs},
};

int main(int argc, char **argv)
{
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0] && argc > 1; i++)
        if (strcmp(argv[1], cases[i].name) == 0)
            cases[i].run();
    CHECK(argc == 1);
    churn();
    puts("the world goes on");
    return 0;
}
