/* SPDX-License-Identifier: MIT */
/*
 * The watchdog: which cores have not reached the scheduler for too long.
 *
 * Nothing is written on the scheduler's own paths. A core's count of switches, which is kept
 * anyway, and whether its idle thread runs, are looked at by every tick of every core: a count that
 * moved, an idle thread or a call of weft_watchdog_feed begin a new stay. The stay's begin is noted
 * by whoever sees the change, so a core that takes no interrupts at all is timed by the others.
 * Time is kept in units of 2^12 cycles, in 32 bits, so that it is read and written in one piece.
 *
 * Who reports. A core's own tick, at once: the stack is the interrupted one. Another core's, when
 * it is three ticks later still: it lets the late core stand still in a trap for the time of the
 * report (kernel/cores.h); if the core does not come, its interrupts are off, and its thread is all
 * that can be told. No lock is taken: the late core may hold any.
 */
#include "sched/watchdog.h"

#include <weft/watch.h>

#include "arch/clock.h"
#include "kernel/cores.h"
#include "kernel/panic.h"
#include "kernel/print.h"
#include "kernel/tick.h"
#include "kernel/upcall.h"
#include "sched/sched.h"

#define UNIT_SHIFT 12
#define GRACE_TICKS 3u /* before another core reports */

/* All fields are read and written by any core, each on its own. */
static struct stay {
    uint32_t limit;    /* units, rounded up */
    uint32_t limit_us; /* as it was asked for */
    uint32_t panics;   /* the action */
    uint32_t feeds;    /* calls of weft_watchdog_feed there */
    uint32_t progress; /* switches + feeds when it was last looked at */
    uint32_t since;    /* units: when that was new */
    uint32_t reported; /* this stay was */
} stays[WEFT_CONFIG_CORES];

static uint32_t reports;

static uint32_t load(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void store(uint32_t *word, uint32_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static uint32_t now_units(void)
{
    return (uint32_t)(arch_clock_now_irqoff() >> UNIT_SHIFT);
}

static uint32_t progress_of(const struct core *core)
{
    return load(&sched_of(core)->switches) + load(&stays[core->id].feeds);
}

/* `since` first: whoever sees the new progress sees no older time. */
static void stay_begin(const struct core *core, uint32_t progress)
{
    struct stay *stay = &stays[core->id];

    store(&stay->since, now_units());
    store(&stay->reported, 0);
    store(&stay->progress, progress);
}

void weft_watchdog_feed(void)
{
    arch_irq_state state = core_pin();

    __atomic_fetch_add(&stays[core_self()->id].feeds, 1, __ATOMIC_RELAXED);
    core_unpin(state);
}

uint32_t weft_watchdog_reports(void)
{
    return load(&reports);
}

/* ---- reporting ---- */

static unsigned long units_to_ms(uint32_t units)
{
    return (unsigned long)(tick_cycles_to_ns((uint64_t)units << UNIT_SHIFT) / 1000000);
}

static void print_sentence(const struct core *late, uint32_t units)
{
    const struct weft_thread *thread = late->current;

    print_console("core %u has not reached the scheduler for %lu ms (limit %lu ms): thread %lu "
                  "\"%s\"",
                  (unsigned)late->id, units_to_ms(units),
                  (unsigned long)stays[late->id].limit_us / 1000, (unsigned long)thread->id,
                  thread->name);
}

/* The stack of `late`, which is this core or stands still, if it does. */
static void print_stack(const struct core *core, const struct core *late)
{
    if (!WEFT_CONFIG_UNWIND)
        return;
    if (late == core || cores_is_frozen(late->id))
        upcall_dump_frame(late->frame);
    else
        print_console("(its interrupts are off: its stack can't be read)\n");
}

/* Out of line: tests/board/tick-touches-no-libc knows that only here the tick prints. */
static __attribute__((noinline)) void watchdog_report(const struct core *core,
                                                      const struct core *late, uint32_t units)
{
    if (stays[late->id].panics != 0) {
        panic_open();
        print_console("watchdog: ");
        print_sentence(late, units);
        panic_close();
    }
    if (WEFT_CONFIG_CORES > 1 && late != core && !cores_freeze_first_irqoff()) {
        store(&stays[late->id].reported, 0); /* another core froze this one: next time */
        return;
    }
    print_console("\nwatchdog: ");
    print_sentence(late, units);
    print_console("\n");
    print_stack(core, late);
    print_console("\n");
    __atomic_fetch_add(&reports, 1, __ATOMIC_RELAXED); /* who waits for it finds it printed */
    if (WEFT_CONFIG_CORES > 1 && late != core)
        cores_thaw_irqoff();
}

/* ---- looking ---- */

static void look_at(const struct core *core, const struct core *watched)
{
    struct stay *stay = &stays[watched->id];
    uint32_t progress = progress_of(watched), grace = 0, units;

    if (sched_is_idle(watched) || progress != load(&stay->progress)) {
        stay_begin(watched, progress);
        return;
    }
    if (watched != core)
        grace = GRACE_TICKS * (core->tick_period >> UNIT_SHIFT) + GRACE_TICKS;
    units = now_units() - load(&stay->since);
    if (units > INT32_MAX || units < load(&stay->limit) + grace)
        return; /* the first: another core has just begun it */
    if (__atomic_exchange_n(&stay->reported, 1, __ATOMIC_ACQ_REL) == 0)
        watchdog_report(core, watched, units);
}

static void look_irqoff(const struct core *core)
{
    for (unsigned id = 0; id < WEFT_CONFIG_CORES; id++)
        if ((load(&watchdog_cores) >> id & 1) != 0)
            look_at(core, &cores[id]);
}

int weft_watchdog_set(unsigned core, uint64_t limit_ns, enum weft_watchdog_action action)
{
    arch_irq_state state;

    if (!WEFT_CONFIG_WATCHDOG)
        return WEFT_ENOTSUP;
    if (core >= WEFT_CONFIG_CORES || (cores_online() >> core & 1) == 0 ||
        limit_ns > WEFT_WATCHDOG_MAX_NS ||
        (action != WEFT_WATCHDOG_REPORT && action != WEFT_WATCHDOG_PANIC))
        return WEFT_EINVAL;
    __atomic_fetch_and(&watchdog_cores, ~(1u << core), __ATOMIC_SEQ_CST);
    if (limit_ns == 0)
        return 0;
    store(&stays[core].limit, (uint32_t)(tick_ns_to_cycles(limit_ns) >> UNIT_SHIFT) + 1);
    store(&stays[core].limit_us, (uint32_t)(limit_ns / 1000));
    store(&stays[core].panics, action == WEFT_WATCHDOG_PANIC);
    state = arch_irq_save();
    stay_begin(&cores[core], progress_of(&cores[core]));
    watchdog_look_irqoff = look_irqoff;
    __atomic_fetch_or(&watchdog_cores, 1u << core, __ATOMIC_SEQ_CST);
    tick_ask_others_irqoff(); /* idle ones too are to watch it */
    arch_irq_restore(state);
    return 0;
}
