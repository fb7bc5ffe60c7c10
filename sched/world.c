/* SPDX-License-Identifier: MIT */
/*
 * Stop-the-world (docs/walk-stop.md walks through it).
 *
 * Nouns. The world semaphore: whoever holds it may stop the world; the others sleep in order of
 * asking and get it handed over. The flag, world.stopping: while it is set, a core other than the
 * stopper's has no ready thread as far as it can see (place.c), so whatever leaves its thread there
 * ends in the idle thread. A core is parked when its current thread is its idle thread and the
 * flag is set; world.parked has a bit for each.
 *
 * Steps. Refuse what would deadlock; take the semaphore; count the cores, set the flag, take self
 * and the idle cores at once; interrupt the rest; wait, asking again now and then; verify. A core
 * that is interrupted puts its thread first in its queue, by the same path as a preemption, and
 * switches to the idle thread. An idle thread that is in the heap (idle_works) is waited for, too.
 * Where preemption is off, or the code is in a 64-bit atomic, or has interrupts off because it
 * holds a lock, the core comes to the same place as soon as that ends.
 *
 * After "Go 1.4", runtime/proc.c: stoptheworld, and the failure it had: a stop asked for by a
 * thread that held the heap's lock never ended. Here that is refused, and the lock is named.
 */
#include "sched/world.h"

#include <weft/console.h>
#include <weft/world.h>

#include "arch/clock.h"
#include "kernel/assert.h"
#include "kernel/board.h"
#include "kernel/cores.h"
#include "kernel/panic.h"
#include "kernel/tick.h"
#include "sched/sched.h"

#define ASK_AGAIN_NS 1000000u

struct world world = {.waiters = WEFT_WAIT_QUEUE_INITIALIZER(world.waiters)};

/* ---- what is refused ---- */

/* A lock that this core holds, or NULL. The scheduler's is noted nowhere but in itself. */
static const struct spinlock *held_lock(const struct core *core)
{
    if (core->lock_held != NULL)
        return core->lock_held;
    return spinlock_is_held_by(&sched_lock, core) ? &sched_lock : NULL;
}

/* Why the caller may not stop the world, or NULL; NULL also for a held lock, which has its own
 * text. The core is pinned. */
static const char *refusal(const struct core *core, uintptr_t sp)
{
    if (core->interrupt_depth != 0)
        return "in an interrupt handler: wake a thread that does it";
    if (held_lock(core) != NULL)
        return NULL;
    if (core->current == NULL || sp < core->current->stack_lo || sp > core->current->stack_hi)
        return "on a system stack: only a thread can stop the world";
    if (SHARED_LOAD(world.holder) == core->current)
        return "by the thread that has stopped it already: call weft_world_start first";
    if (core->preempt_off != 0)
        return "with preemption off: call weft_preempt_enable first";
    return NULL;
}

bool world_may_stop(void)
{
    bool irq_enabled = arch_irq_enabled();
    arch_irq_state state = core_pin();
    const struct core *core = core_self();
    bool may = irq_enabled && held_lock(core) == NULL &&
               refusal(core, (uintptr_t)__builtin_frame_address(0)) == NULL;

    core_unpin(state);
    return may && !panic_begun();
}

static void check_may_stop(const char *reason)
{
    bool irq_enabled = arch_irq_enabled();
    arch_irq_state state = core_pin();
    const struct core *core = core_self();
    const char *why = refusal(core, (uintptr_t)__builtin_frame_address(0));
    const struct spinlock *held = held_lock(core);
    unsigned id = core->id;

    core_unpin(state);
    if (why != NULL)
        weft_panic("weft_world_stop(\"%s\") %s", reason, why);
    if (held != NULL)
        weft_panic(
            "weft_world_stop(\"%s\") while holding the lock \"%s\" (holder: thread \"%s\" on "
            "core %u): a stopped thread could be waiting for it; let go of it first",
            reason, held->name, thread_current()->name, id);
    if (!irq_enabled)
        weft_panic("weft_world_stop(\"%s\") with interrupts off: turn them on first", reason);
}

/* ---- the world semaphore ---- */

static void semaphore_take(void)
{
    arch_irq_state state = sched_enter();
    struct weft_thread *current = thread_current();

    if (world.holder == NULL) {
        SHARED_STORE(world.holder, current);
    } else {
        runq_link_after(world.waiters.head.prev, &current->link); /* first come, first served */
        wait_locked(NULL, WAIT_WORLD, &world, UINT64_MAX);
        ASSERT(world.holder == current);
    }
    sched_exit(state);
}

static void semaphore_hand_on_locked(void)
{
    struct weft_thread *next = wait_queue_first(&world.waiters);

    SHARED_STORE(world.holder, next);
    if (next == NULL)
        return;
    runq_unlink(&next->link);
    wait_wake_locked(next, 0);
}

/* ---- stopping ---- */

/* Interrupts the cores that are not parked yet. */
static void ask_locked(void)
{
    uint32_t missing = cores_online() & ~world.parked;

    for (unsigned id = 0; id < WEFT_CONFIG_CORES; id++) {
        if ((missing >> id & 1) == 0)
            continue;
        core_reschedule_ask(&cores[id]);
        board_ipi_send(id);
    }
}

static void flag_and_take(struct core *self)
{
    arch_irq_state state = sched_enter();

    world.core = self->id;
    world.stopping = true;
    world.parked = 1u << self->id;
    for (unsigned id = 0; id < WEFT_CONFIG_CORES; id++)
        if ((cores_online() >> id & 1) != 0 && id != self->id && sched_is_idle(&cores[id]) &&
            !sched_of(&cores[id])->idle_works)
            world_core_parked_locked(&cores[id]);
    ask_locked();
    sched_exit(state);
}

static bool all_parked(void)
{
    return __atomic_load_n(&world.parked, __ATOMIC_ACQUIRE) == cores_online();
}

static void wait_for_the_rest(void)
{
    uint64_t ask_again = tick_now() + tick_ns_to_cycles(ASK_AGAIN_NS);

    while (!all_parked()) {
        arch_cpu_relax();
        if (tick_now() < ask_again)
            continue;
        arch_irq_state state = sched_enter();

        ask_locked();
        sched_exit(state);
        ask_again = tick_now() + tick_ns_to_cycles(ASK_AGAIN_NS);
    }
}

static void verify(const struct core *self, const char *reason)
{
    arch_irq_state state = sched_enter();

    if (core_self() != self || self->current != world.holder)
        weft_panic("weft_world_stop(\"%s\"): the caller was moved while it stopped the world",
                   reason);
    for (unsigned id = 0; id < WEFT_CONFIG_CORES; id++)
        if ((cores_online() >> id & 1) != 0 && id != self->id && !sched_is_idle(&cores[id]))
            weft_panic("weft_world_stop(\"%s\"): core %u still runs thread \"%s\"", reason, id,
                       cores[id].current->name);
    sched_exit(state);
}

void weft_world_stop(const char *reason)
{
    struct core *self;

    check_may_stop(reason);
    semaphore_take();
    core_preempt_disable();
    self = core_self();
    world.reason = reason;
    world.began = tick_now();
    if (WEFT_CONFIG_CORES > 1) {
        flag_and_take(self);
        wait_for_the_rest();
    }
    verify(self, reason);
    world.stopped = tick_now();
}

/* ---- starting ---- */

static void note_longest(void)
{
    uint64_t took = tick_now() - world.began;
    uint64_t waited = world.stopped - world.began;

    world.stops++;
    if (took > world.longest)
        world.longest = took;
    if (waited > world.longest_wait)
        world.longest_wait = waited;
}

static void let_go_locked(const struct core *self)
{
    world.stopping = false;
    for (unsigned id = 0; id < WEFT_CONFIG_CORES; id++)
        if ((cores_online() >> id & 1) != 0 && id != self->id)
            board_ipi_send(id); /* its idle thread looks again */
}

void weft_world_start(void)
{
    arch_irq_state state;
    const struct core *self;

    if (SHARED_LOAD(world.holder) != thread_current() || core_in_interrupt())
        weft_panic("weft_world_start by thread \"%s\", which has not stopped the world",
                   thread_current()->name);
    verify(&cores[world.core], world.reason);
    state = sched_enter();
    self = core_self();
    note_longest();
    if (WEFT_CONFIG_CORES > 1)
        let_go_locked(self);
    semaphore_hand_on_locked();
    sched_exit(state);
    core_preempt_enable();
}

void weft_world_stats(struct weft_world_stats *stats)
{
    arch_irq_state state = sched_enter();

    *stats = (struct weft_world_stats){.stops = world.stops,
                                       .longest_ns = tick_cycles_to_ns(world.longest),
                                       .longest_wait_ns = tick_cycles_to_ns(world.longest_wait)};
    sched_exit(state);
}
