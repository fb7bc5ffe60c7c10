/* SPDX-License-Identifier: MIT */
#include "kernel/tick.h"

#include <weft/time.h>

#include "arch/clock.h"
#include "arch/irq.h"
#include "arch/trap.h"
#include "arch/upcall.h"
#include "kernel/assert.h"
#include "kernel/board.h"
#include "kernel/core.h"
#include "kernel/cores.h"
#include "kernel/divide.h"
#include "kernel/shared.h"
#include "kernel/trap.h"
#include "kernel/upcall.h"

#define NS_PER_SECOND 1000000000u

/* Fixed once by tick_init; read by everybody. Whole seconds convert exactly, and the remainder
 * (below hz) fits a 64-bit product, so no error ever accumulates. */
static uint64_t clock_hz;
static uint64_t seconds_max; /* from here on there are no cycles, or no nanoseconds */

bool trap_unit_was_on[WEFT_CONFIG_CORES]; /* kernel/trap.h */

static void arm_irqoff(struct core *core)
{
    uint64_t next = core->tick_deadline;

    if (core->wake_deadline < next)
        next = core->wake_deadline;
    arch_clock_arm_irqoff(next);
}

static void period_start_irqoff(struct core *core, uint32_t rate_hz)
{
    core->tick_period = (uint32_t)((clock_hz + rate_hz / 2) / rate_hz);
    core->tick_deadline = arch_clock_now_irqoff() + core->tick_period;
    arm_irqoff(core);
}

void tick_core_init(void)
{
    struct core *core = core_self();

    core->wake_deadline = UINT64_MAX;
    arch_clock_init();
    period_start_irqoff(core, WEFT_CONFIG_TICK_HZ);
}

void tick_init(void)
{
    clock_hz = board_clock_hz();
    ASSERT(clock_hz >= 1000000 && clock_hz < 1ull << 33);
    seconds_max = UINT64_MAX / (clock_hz > NS_PER_SECOND ? clock_hz : NS_PER_SECOND);
    tick_core_init();
}

uint64_t tick_start_irqoff(uint32_t rate_hz)
{
    struct core *core = core_self();

    DEBUG_ASSERT(!arch_irq_enabled());
    core->tick_wanted = 1;
    period_start_irqoff(core, rate_hz);
    return (clock_hz * 1000 + core->tick_period / 2) / core->tick_period;
}

void tick_restore_irqoff(void)
{
    DEBUG_ASSERT(!arch_irq_enabled());
    core_self()->tick_wanted = 0;
    period_start_irqoff(core_self(), WEFT_CONFIG_TICK_HZ);
}

void tick_wake_at_irqoff(uint64_t deadline)
{
    struct core *core = core_self();

    DEBUG_ASSERT(!arch_irq_enabled());
    core->wake_deadline = deadline;
    if (core->tick_period != 0)
        arm_irqoff(core);
}

/* Long enough for the interrupted code to make progress between two retries. The interrupt that it
 * leads to arms the ordinary deadline again. */
void tick_retry_soon_irqoff(void)
{
    const struct core *core = core_self();
    uint64_t retry = arch_clock_now_irqoff() + clock_hz / 100000;
    uint64_t next =
        core->wake_deadline < core->tick_deadline ? core->wake_deadline : core->tick_deadline;

    arch_clock_arm_irqoff(retry < next ? retry : next);
}

uint32_t tick_due_irqoff(const struct core *core, uint64_t now)
{
    uint64_t late = now - core->tick_deadline;

    if (now < core->tick_deadline)
        return 0;
    if (__builtin_expect(late < core->tick_period, 1))
        return 1;
    return 1 + (late >> 32 != 0 ? UINT32_MAX : (uint32_t)late) / core->tick_period;
}

/*
 * A tick comes late when interrupts were off: it then stands for all that have come due meanwhile.
 * Not where the host takes the core away from us without a word: how long it was away says nothing
 * about what the program did.
 */
static uint32_t take_due(struct core *core, uint64_t now)
{
    uint32_t due = tick_due_irqoff(core, now);

    core->ticks_missed += due - 1;
    core->tick_deadline += (uint64_t)(due - 1) * core->tick_period;
    return ARCH_CLOCK_STEALS ? 1 : due;
}

/*
 * Steps the deadline past `now`, the time at which the handler has done its work: a handler that
 * takes longer than a period (a fast profiler on a slow core) then still leaves the thread some
 * time between two ticks, an eighth of a period at least. Ticks that were missed altogether are
 * counted, not made up for.
 */
static void deadline_advance(struct core *core, uint64_t now)
{
    core->tick_deadline += core->tick_period;
    while (core->tick_deadline < now + core->tick_period / 8) {
        core->tick_deadline += core->tick_period;
        core->ticks_missed++;
    }
}

void tick_start_anew_irqoff(struct core *core)
{
    DEBUG_ASSERT(!arch_irq_enabled() && core->tick_period != 0);
    core->tick_deadline = arch_clock_now_irqoff() + core->tick_period;
    arm_irqoff(core);
}

void tick_ask_others_irqoff(void)
{
    for (unsigned id = 0; WEFT_CONFIG_CORES > 1 && id < WEFT_CONFIG_CORES; id++) {
        if (id == core_self()->id || (cores_online() >> id & 1) == 0)
            continue;
        __atomic_store_n(&cores[id].tick_asked, 1, __ATOMIC_RELEASE);
        board_ipi_send(id); /* if it is idle, it looks */
    }
}

/* At the end of a timer interrupt: stops the tick of a core that does not need it, or lets it go
 * on. The timer is not armed yet. */
static void stop_or_go_on(struct core *core, uint64_t now)
{
    if (core->tick_wanted == 0 && !tick_is_asked(core) && !upcall_sched_needs_tick(core))
        core->tick_deadline = UINT64_MAX;
    else if (core->tick_deadline == UINT64_MAX)
        core->tick_deadline = now + core->tick_period;
}

/* Functions of timers ran, and took what they took; or somebody wants to know in any case. */
static __attribute__((noinline)) void watched_timer(struct core *core, uint64_t start)
{
    uint64_t end = arch_clock_now_irqoff();

    core->handler_ticks = tick_due_irqoff(core, end);
    if (SHARED_LOAD(upcall_sites) != NULL)
        SHARED_LOAD(upcall_sites)->handler_took(core, 0, end - start);
}

bool upcall_timer(struct arch_frame *frame)
{
    struct core *core = core_self();
    uint64_t now = arch_clock_now_irqoff();
    bool woke;

    trap_enter(core, frame);
    if (now >= core->tick_deadline) {
        const struct upcall_profiler *profiler = SHARED_LOAD(upcall_profiler);
        uint32_t due = take_due(core, now);

        SHARED_STORE(core->ticks, core->ticks + 1);
        if (WEFT_CONFIG_CORES > 1)
            __atomic_store_n(&core->tick_asked, 0, __ATOMIC_RELAXED); /* before it is answered */
        core_stack_check(core);
        if (profiler != NULL) /* before the scheduler may change whose tick it was */
            profiler->sample(core, frame, due);
        upcall_sched_slice(core);
        deadline_advance(core, arch_clock_now_irqoff());
    }
    woke = now >= core->wake_deadline;
    if (woke)
        upcall_sched_wake(core, now); /* may set wake_deadline */
    stop_or_go_on(core, now);
    if (__builtin_expect(core->handlers_watched != 0, 0) &&
        (woke || SHARED_LOAD(upcall_sites) != NULL))
        watched_timer(core, now);
    arm_irqoff(core);
    return trap_leave(core);
}

uint64_t tick_cycles_to_ns(uint64_t cycles)
{
    uint64_t seconds = divide_u64(cycles, clock_hz);

    return seconds * NS_PER_SECOND + (cycles - seconds * clock_hz) * NS_PER_SECOND / clock_hz;
}

uint64_t tick_ns_to_cycles(uint64_t ns)
{
    uint64_t seconds = divide_u64(ns, NS_PER_SECOND);
    uint64_t rest = ns - seconds * NS_PER_SECOND;

    if (seconds >= seconds_max)
        return UINT64_MAX;
    return seconds * clock_hz + (rest * clock_hz + NS_PER_SECOND - 1) / NS_PER_SECOND;
}

uint64_t tick_now(void)
{
    arch_irq_state state = arch_irq_save();
    uint64_t now = arch_clock_now_irqoff();

    arch_irq_restore(state);
    return now;
}

uint64_t weft_time_ns(void)
{
    return tick_cycles_to_ns(tick_now());
}
