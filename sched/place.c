/* SPDX-License-Identifier: MIT */
/*
 * Which core runs what.
 *
 * A thread that becomes ready goes, among the cores it may run on, to the first of these:
 *
 *   the core it ran on last, if that is idle (its cache lines may still be there)
 *   any idle core
 *   the core that runs the lowest priority, if that is below the thread's; the last core wins ties
 *   the last core: it waits there
 *
 * An idle core is claimed by taking it out of the idle set, so that two threads that become ready
 * at once wake two cores. A core that looks for its next thread takes the best of its own queue,
 * unless another core's queue holds a better one that it may run: that one is stolen. What is left
 * in its queue (a thread that was preempted, or was promised the core before a better one came)
 * goes to another core if that runs a worse one. Together: when no interprocessor interrupt is on
 * its way, no core runs a thread while one of higher priority waits that may run there
 * (tests/models/place.pml).
 *
 * Everything here is guarded by sched_lock. With one core it folds into the run queue's operations.
 */
#include "kernel/assert.h"
#include "kernel/board.h"
#include "kernel/cores.h"
#include "sched/sched.h"
#include "sched/world.h"

struct place_state place;

static void kick_locked(struct core *target)
{
    core_reschedule_ask(target);
    if (WEFT_CONFIG_CORES > 1 && target != core_self())
        board_ipi_send(target->id);
}

static bool may_run_on(const struct weft_thread *thread, unsigned core)
{
    return (thread->affinity >> core & 1) != 0;
}

void place_look_again_locked(struct core *core)
{
    kick_locked(core);
}

/* The priority that a core is giving its time to; -1: idle. Nobody beats a cooperative thread. */
static int running_priority(const struct core *core)
{
    if (sched_is_idle(core))
        return -1;
    return core->current->cooperative ? RUNQ_PRIORITIES : core->current->priority;
}

/* The core of `allowed` that runs the lowest priority; `last` if it is one of several. */
static unsigned lowest_core(uint32_t allowed, unsigned last)
{
    unsigned lowest = last;
    int priority = allowed >> last & 1 ? running_priority(&cores[last]) : INT8_MAX;

    for (unsigned id = 0; id < WEFT_CONFIG_CORES; id++) {
        if ((allowed >> id & 1) != 0 && running_priority(&cores[id]) < priority) {
            lowest = id;
            priority = running_priority(&cores[id]);
        }
    }
    return lowest;
}

static unsigned choose_core(const struct weft_thread *thread)
{
    uint32_t allowed = thread->affinity & cores_online();
    uint32_t idle = allowed & place.idle;

    DEBUG_ASSERT(allowed != 0);
    if ((idle >> thread->core & 1) != 0)
        return thread->core;
    if (idle != 0)
        return (unsigned)__builtin_ctz(idle);
    return lowest_core(allowed, thread->core);
}

static void place_on_one_core(struct weft_thread *thread)
{
    struct core *core = core_self();

    runq_push_back(&sched_of(core)->ready, thread);
    if (WEFT_CONFIG_PREEMPTION && thread->priority > core->current->priority)
        core_reschedule_ask(core);
}

void place_locked(struct weft_thread *thread)
{
    struct core *target;
    unsigned id;

    if (WEFT_CONFIG_CORES == 1) {
        place_on_one_core(thread);
        return;
    }
    id = choose_core(thread);
    target = &cores[id];
    thread->core = (uint8_t)id;
    runq_push_back(&sched_of(target)->ready, thread);
    if ((place.idle >> id & 1) != 0) {
        place.idle &= ~(1u << id);
        kick_locked(target);
    } else if (WEFT_CONFIG_PREEMPTION && running_priority(target) < thread->priority) {
        kick_locked(target);
    }
}

/* The first thread of `queue` that `core` may run with a priority of at least `priority`. */
static struct weft_thread *first_allowed(const struct run_queue *queue, const struct core *core,
                                         unsigned priority)
{
    uint32_t bitmap = priority < RUNQ_PRIORITIES ? queue->bitmap >> priority << priority : 0;

    while (bitmap != 0) {
        unsigned level = 31u - (unsigned)__builtin_clz(bitmap);
        const struct weft_wait_link *list = &queue->lists[level];

        for (struct weft_wait_link *at = list->next; at != list; at = at->next)
            if (may_run_on(runq_thread_of(at), core->id))
                return runq_thread_of(at);
        bitmap &= ~(1u << level);
    }
    return NULL;
}

/* The best thread in any queue that `core` may run; its own queue wins ties. */
static struct weft_thread *find_locked(const struct core *core, unsigned priority)
{
    struct weft_thread *best;

    if (world_core_stopped_locked(core))
        return NULL;
    best = first_allowed(&sched_of(core)->ready, core, priority);
    for (unsigned i = 1; i < WEFT_CONFIG_CORES; i++) {
        unsigned id = (core->id + i) % WEFT_CONFIG_CORES;
        unsigned above = best != NULL ? best->priority + 1u : priority;
        struct weft_thread *other = first_allowed(&schedulers[id].ready, core, above);

        if (other != NULL)
            best = other;
    }
    return best;
}

bool place_waits_locked(const struct core *core, unsigned priority)
{
    if (WEFT_CONFIG_CORES == 1)
        return runq_has_at_least(&sched_of(core)->ready, priority);
    return find_locked(core, priority) != NULL;
}

struct weft_thread *place_take_locked(struct core *core, unsigned priority)
{
    struct weft_thread *best;

    if (WEFT_CONFIG_CORES == 1)
        return runq_has_at_least(&sched_of(core)->ready, priority)
                   ? runq_pop(&sched_of(core)->ready)
                   : NULL;
    best = find_locked(core, priority);
    if (best == NULL)
        return NULL;
    runq_remove(&schedulers[best->core].ready, best);
    if (best->core != core->id) {
        sched_of(core)->steals++;
        best->core = (uint8_t)core->id;
    }
    return best;
}

void place_share_locked(const struct core *core)
{
    struct run_queue *left = &sched_of(core)->ready;

    if (left->bitmap == 0 || world.stopping)
        return;
    for (unsigned i = 1; i < WEFT_CONFIG_CORES; i++) {
        unsigned id = (core->id + i) % WEFT_CONFIG_CORES;
        bool takes = WEFT_CONFIG_PREEMPTION || sched_is_idle(&cores[id]);
        struct weft_thread *better;

        if (!takes || (cores_online() >> id & 1) == 0)
            continue;
        better = first_allowed(left, &cores[id], (unsigned)(running_priority(&cores[id]) + 1));
        if (better == NULL)
            continue;
        runq_remove(left, better);
        better->core = (uint8_t)id;
        runq_push_front(&schedulers[id].ready, better); /* it has waited already */
        place.idle &= ~(1u << id);
        kick_locked(&cores[id]);
    }
}

void place_priority_dropped_locked(struct weft_thread *thread)
{
    struct core *core = &cores[WEFT_CONFIG_CORES == 1 ? 0 : thread->core];

    if (WEFT_CONFIG_PREEMPTION && place_waits_locked(core, thread->priority + 1u))
        kick_locked(core);
}
