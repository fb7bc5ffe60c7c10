/* SPDX-License-Identifier: MIT */
/*
 * What the profiles by place count (weft/sites.h): each is a table of prof/sites.c and the upcall
 * that feeds it. The thread profile needs no events: it looks at all threads, the world stopped.
 */
#include <weft/sites.h>
#include <weft/thread.h>
#include <weft/world.h>

#include "arch/clock.h"
#include "arch/irq.h"
#include "arch/upcall.h"
#include "kernel/assert.h"
#include "kernel/cores.h"
#include "kernel/tick.h"
#include "kernel/upcall.h"
#include "prof/sites.h"
#include "sched/sched.h"

#define SOURCES 64 /* 0: the timer */

static const char *wait_name(unsigned reason)
{
    return thread_wait_name((enum thread_wait)reason);
}

/* MIPS ports call their sources by bits of Status.IM, from 0x100 up; the others by small numbers.
 */
static const char *source_name(unsigned source)
{
    static const char *const names[] = {
        "timer",       "interrupt 0",  "interrupt 1",  "interrupt 2", "interrupt 3",
        "interrupt 4", "interrupt 5",  "interrupt 6",  "interrupt 7", "interrupt 8",
        "interrupt 9", "interrupt 10", "interrupt 11", "interrupt 12"};

    return source < sizeof names / sizeof names[0] ? names[source] : "interrupt above 12";
}

static unsigned source_number(unsigned source)
{
    if (source > 0xff)
        source = (unsigned)__builtin_ctz((source - 1) >> 8 | 0x100) + 1;
    return source < SOURCES ? source : SOURCES - 1;
}

#define TABLE(name_, types_, tag_name_)                                                            \
    {                                                                                              \
        .name = (name_), .types = (types_), .tag_name = (tag_name_),                               \
        .lock = SPINLOCK_INITIALIZER(RANK_LOG, name_)                                              \
    }

enum { TABLE_THREADS = WEFT_SITES_INTERRUPTS + 1, TABLES };

_Static_assert(TABLES == SITES_NUMBER_ALLOCATIONS, "the numbers of profiles on the line");

static struct site_table tables[TABLES] = {
    [WEFT_SITES_CREATION] = TABLE("creation", "threads/count", NULL),
    [WEFT_SITES_CONTENTION] = TABLE("contention", "contentions/count,delay/nanoseconds", wait_name),
    [WEFT_SITES_INTERRUPTS] = TABLE("interrupts", "interrupts/count,time/nanoseconds", source_name),
    [TABLE_THREADS] = TABLE("threads", "threads/count", NULL),
};

/* Written by its core's handlers alone: the tick may wait for nobody. */
static struct {
    uint32_t count;
    uint64_t cycles;
} taken[WEFT_CONFIG_CORES][SOURCES];

/* ---- events ---- */

static void note_wait(struct weft_thread *thread, unsigned reason)
{
    struct site_table *table = &tables[WEFT_SITES_CONTENTION];
    struct arch_unwind registers;
    unwind_pc pcs[SITES_DEPTH + 1];
    struct unwind_result result;
    uint64_t value[SITES_VALUES];

    if (reason == WAIT_SLEEP || reason == WAIT_SUSPENDED || reason == WAIT_WORLD ||
        !sites_wants_irqoff(table))
        return;
    value[0] = table->period;
    value[1] =
        tick_cycles_to_ns(arch_clock_now_irqoff() - thread_wait_since(thread)) * table->period;
    arch_unwind_here(&registers);
    result = unwind_walk(NULL, &registers, true, thread->stack_lo, thread->stack_hi, pcs,
                         SITES_DEPTH + 1);
    sites_add_irqoff(table, reason, pcs + 1, result.depth - 1, value);
}

static void note_spawn(void)
{
    struct site_table *table = &tables[WEFT_SITES_CREATION];
    const struct weft_thread *current;
    struct arch_unwind registers;
    unwind_pc pcs[SITES_DEPTH + 1];
    struct unwind_result result;
    arch_irq_state state = arch_irq_save();

    current = core_self()->current;
    if (core_self()->interrupt_depth == 0 && current != NULL && sites_wants_irqoff(table)) {
        arch_unwind_here(&registers);
        result = unwind_walk(NULL, &registers, true, current->stack_lo, current->stack_hi, pcs,
                             SITES_DEPTH + 1);
        sites_add_irqoff(table, 0, pcs + 1, result.depth - 1,
                         (const uint64_t[SITES_VALUES]){table->period, 0});
    }
    arch_irq_restore(state);
}

static void note_handler(const struct core *core, unsigned source, uint64_t cycles)
{
    if (__atomic_load_n(&tables[WEFT_SITES_INTERRUPTS].running, __ATOMIC_RELAXED) == 0)
        return;
    source = source_number(source);
    taken[core->id][source].count++;
    taken[core->id][source].cycles += cycles;
}

static const struct upcall_sites notes = {note_wait, note_spawn, note_handler};

/* ---- starting and stopping ---- */

static void watch(enum weft_sites profile, uint32_t change)
{
    if (profile == WEFT_SITES_CREATION)
        __atomic_fetch_add(&spawn_watchers, change, __ATOMIC_RELAXED);
    else if (profile == WEFT_SITES_CONTENTION)
        __atomic_fetch_add(&wait_watchers, change, __ATOMIC_RELAXED);
    else
        for (unsigned id = 0; id < WEFT_CONFIG_CORES; id++)
            __atomic_fetch_add(&cores[id].handlers_watched, change, __ATOMIC_RELAXED);
}

/* Also while handlers run: a number being changed is as it was before or after. */
static void interrupts_clear(void)
{
    for (unsigned id = 0; id < WEFT_CONFIG_CORES; id++)
        for (unsigned source = 0; source < SOURCES; source++) {
            taken[id][source].count = 0;
            taken[id][source].cycles = 0;
        }
}

static void interrupts_collect(struct site_table *table)
{
    sites_clear(table);
    for (unsigned source = 0; source < SOURCES; source++) {
        uint64_t value[SITES_VALUES] = {0};
        unwind_pc pc = source == 0 ? (uintptr_t)upcall_timer : (uintptr_t)upcall_interrupt;
        arch_irq_state state = arch_irq_save();

        for (unsigned id = 0; id < WEFT_CONFIG_CORES; id++) {
            value[0] += taken[id][source].count;
            value[1] += tick_cycles_to_ns(taken[id][source].cycles);
        }
        if (value[0] != 0)
            sites_add_irqoff(table, source, &pc, 1, value);
        arch_irq_restore(state);
    }
}

int weft_sites_start(enum weft_sites profile, uint32_t period)
{
    uint32_t stopped = 0;

    ASSERT(!core_in_interrupt());
    if ((unsigned)profile > WEFT_SITES_INTERRUPTS || period == 0)
        return WEFT_EINVAL;
    if (!__atomic_compare_exchange_n(&tables[profile].running, &stopped, 1, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE))
        return WEFT_ESTATE;
    __atomic_store_n(&upcall_sites, &notes, __ATOMIC_RELEASE); /* for good */
    tables[profile].period = period;
    sites_clear(&tables[profile]);
    if (profile == WEFT_SITES_INTERRUPTS)
        interrupts_clear();
    watch(profile, 1);
    return 0;
}

int weft_sites_stop(enum weft_sites profile)
{
    uint32_t running = 1;

    ASSERT(!core_in_interrupt());
    if ((unsigned)profile > WEFT_SITES_INTERRUPTS)
        return WEFT_EINVAL;
    if (!__atomic_compare_exchange_n(&tables[profile].running, &running, 0, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE))
        return WEFT_ESTATE;
    watch(profile, (uint32_t)-1);
    return 0;
}

static struct site_table *readable_table(enum weft_sites profile)
{
    ASSERT(!core_in_interrupt() && (unsigned)profile <= WEFT_SITES_INTERRUPTS);
    if (profile == WEFT_SITES_INTERRUPTS)
        interrupts_collect(&tables[profile]);
    return &tables[profile];
}

void weft_sites_print(enum weft_sites profile)
{
    sites_print(readable_table(profile));
}

void weft_sites_send(enum weft_sites profile)
{
    sites_send(readable_table(profile), profile);
}

/* ---- threads ---- */

/* Rows that the walks of parked threads have met, so that a hundred thousand threads take no longer
 * than their memory: whoever has stopped the world uses it. */
static struct unwind_cache parked_cache;

static struct unwind_result walk_from(struct unwind_cache *cache, const struct weft_thread *thread,
                                      unwind_pc *pcs, unsigned capacity)
{
    struct arch_unwind registers;

    arch_unwind_from_parked(&registers, thread->saved_sp);
    return unwind_walk(cache, &registers, false, thread->stack_lo, thread->stack_hi, pcs, capacity);
}

/* The world is stopped: every thread but the caller is parked, or about to be on its own core. */
static unsigned walk_parked(struct weft_thread *thread, unwind_pc *pcs, unsigned capacity)
{
    struct unwind_result result = {.depth = 0};

    if (!thread->on_core && thread_stack_trylock(thread)) {
        result = walk_from(&parked_cache, thread, pcs, capacity);
        if (result.restart)
            result = walk_from(NULL, thread, pcs, capacity);
        thread_stack_unlock(thread);
    }
    return result.depth;
}

static bool is_listed(const struct weft_thread *thread, const struct weft_thread *caller)
{
    return !thread->runtime && thread->state != THREAD_EXITED && thread != caller;
}

/* The record's own words are what is walked into; one behind it that is 0 ends it. */
static void record_end(struct weft_stack_record *record, unsigned depth)
{
    if (depth < WEFT_STACK_RECORD_DEPTH)
        record->pcs[depth] = 0;
}

/* A hundred thousand threads are more than any cache holds: the next one's control block and stack
 * are on their way while this one is walked. */
static void fetch_ahead(const struct weft_thread *thread)
{
    const struct weft_thread *next = thread->all_next;

    if (next == NULL)
        return;
    __builtin_prefetch(next->all_next);
    for (unsigned line = 0; line < 6; line++)
        __builtin_prefetch((const char *)next->saved_sp + 64 * line);
}

/* The caller's stack from `registers`, without the innermost frame, which is ours. */
static unsigned walk_caller(const struct weft_thread *caller, struct arch_unwind *registers,
                            unwind_pc *pcs, unsigned capacity)
{
    struct unwind_result result =
        unwind_walk(NULL, registers, true, caller->stack_lo, caller->stack_hi, pcs, capacity);

    for (unsigned i = 1; i < result.depth; i++)
        pcs[i - 1] = pcs[i];
    return result.depth - 1;
}

static size_t listed_count(const struct weft_thread *caller)
{
    size_t count = 1;

    for (struct weft_thread *thread = thread_all_first(); thread != NULL; thread = thread->all_next)
        count += is_listed(thread, caller);
    return count;
}

/* Walks all; how many there were. */
static size_t stacks_fill(struct weft_stack_record *records, const struct weft_thread *caller,
                          struct arch_unwind *registers)
{
    struct weft_stack_record *next = records;
    unwind_pc pcs[WEFT_STACK_RECORD_DEPTH + 1];
    unsigned depth = walk_caller(caller, registers, pcs, WEFT_STACK_RECORD_DEPTH + 1);

    for (unsigned i = 0; i < depth; i++)
        next->pcs[i] = pcs[i];
    record_end(next++, depth);
    for (struct weft_thread *thread = thread_all_first(); thread != NULL;
         thread = thread->all_next) {
        fetch_ahead(thread);
        if (!is_listed(thread, caller))
            continue;
        record_end(next, walk_parked(thread, (unwind_pc *)next->pcs, WEFT_STACK_RECORD_DEPTH));
        next++;
    }
    return (size_t)(next - records);
}

/* Counts first, but for the usual case that there is room for all that exist, exited ones included:
 * looking at each of many threads takes as long as walking it. */
static bool stacks_stopped(struct weft_stack_record *records, size_t capacity, size_t *count,
                           struct arch_unwind *registers)
{
    const struct weft_thread *caller = thread_current();

    if (weft_thread_count() + 1 > capacity) {
        *count = listed_count(caller);
        if (*count > capacity)
            return false;
    }
    *count = stacks_fill(records, caller, registers);
    return true;
}

__attribute__((noinline)) bool weft_thread_stacks(struct weft_stack_record *records,
                                                  size_t capacity, size_t *count)
{
    struct arch_unwind registers;
    bool fits;

    ASSERT(count != NULL && (records != NULL || capacity == 0));
    arch_unwind_here(&registers);
    weft_world_stop("thread profile");
    fits = stacks_stopped(records, capacity, count, &registers);
    weft_world_start();
    return fits;
}

static void add_thread(const unwind_pc *pcs, unsigned depth)
{
    arch_irq_state state = arch_irq_save();

    sites_add_irqoff(&tables[TABLE_THREADS], 0, pcs, depth, (const uint64_t[SITES_VALUES]){1, 0});
    arch_irq_restore(state);
}

/* All threads' stacks, equal ones together. */
static void threads_collect(struct arch_unwind *registers)
{
    struct weft_thread *caller = thread_current();
    unwind_pc pcs[SITES_DEPTH + 1];

    sites_clear(&tables[TABLE_THREADS]);
    weft_world_stop("thread profile");
    add_thread(pcs, walk_caller(caller, registers, pcs, SITES_DEPTH + 1));
    for (struct weft_thread *thread = thread_all_first(); thread != NULL; thread = thread->all_next)
        if (is_listed(thread, caller))
            add_thread(pcs, walk_parked(thread, pcs, SITES_DEPTH));
    weft_world_start();
}

__attribute__((noinline)) void weft_thread_stacks_print(void)
{
    struct arch_unwind registers;

    arch_unwind_here(&registers);
    threads_collect(&registers);
    sites_print(&tables[TABLE_THREADS]);
}

__attribute__((noinline)) void weft_thread_stacks_send(void)
{
    struct arch_unwind registers;

    arch_unwind_here(&registers);
    threads_collect(&registers);
    sites_send(&tables[TABLE_THREADS], TABLE_THREADS);
}
