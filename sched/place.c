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
 * A queue holds only threads that may run on its core, and says of which priorities it holds some
 * that may also run elsewhere (run_queue.movable: a few too many, never one too few). While no
 * queue has any, no core looks at another's; otherwise only at the lists that matter.
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

static inline bool may_run_on(const struct weft_thread *thread, unsigned core)
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

void place_locked(struct weft_thread *thread)
{
    struct core *target;
    unsigned id;

    if (WEFT_CONFIG_CORES == 1) {
        if (place_here_locked(core_self(), thread))
            core_reschedule_ask(core_self());
        return;
    }
    id = choose_core(thread);
    target = &cores[id];
    thread->core = (uint8_t)id;
    runq_push_back(&schedulers[id].ready, thread);
    if ((place.idle >> id & 1) != 0) {
        place.idle &= ~(1u << id);
        kick_locked(target);
    } else if (WEFT_CONFIG_PREEMPTION && running_priority(target) < thread->priority) {
        kick_locked(target);
    }
}

/* The first thread of `queue` that core number `id` may run with a priority of at least `priority`.
 */
static struct weft_thread *first_allowed(struct run_queue *queue, unsigned id, unsigned priority)
{
    uint32_t levels = priority < RUNQ_PRIORITIES ? queue->movable >> priority << priority : 0;

    if (levels != 0)
        runq_spill(queue);
    while (levels != 0) {
        unsigned level = 31u - (unsigned)__builtin_clz(levels);
        const struct weft_wait_link *list = &queue->lists[level];

        for (struct weft_wait_link *at = list->next; at != list; at = at->next)
            if (may_run_on(runq_thread_of(at), id))
                return runq_thread_of(at);
        levels &= ~(1u << level);
    }
    return NULL;
}

/* The best thread in another core's queue that `core` may run, if its priority is at least
 * `priority`. */
static struct weft_thread *best_elsewhere(const struct core *core, unsigned priority)
{
    struct weft_thread *best = NULL;

    if (priority >= RUNQ_PRIORITIES || !runq_at_least(place_movable(), priority))
        return NULL;
    for (unsigned i = 1; i < WEFT_CONFIG_CORES; i++) {
        unsigned id = (core->id + i) % WEFT_CONFIG_CORES;
        unsigned above = best != NULL ? best->priority + 1u : priority;
        struct weft_thread *other = first_allowed(&schedulers[id].ready, core->id, above);

        if (other != NULL)
            best = other;
    }
    return best;
}

bool place_waits_locked(const struct core *core, unsigned priority)
{
    if (world_core_stopped_locked(core))
        return false;
    if (runq_at_least(sched_of(core)->ready.bitmap, priority))
        return true;
    return WEFT_CONFIG_CORES > 1 && best_elsewhere(core, priority) != NULL;
}

bool place_waits_above_locked(const struct core *core, unsigned priority)
{
    return priority + 1 < RUNQ_PRIORITIES && place_waits_locked(core, priority + 1);
}

struct weft_thread *place_take_locked(struct core *core, unsigned priority)
{
    struct run_queue *own = &sched_of(core)->ready;
    unsigned above = priority;
    struct weft_thread *other;
    bool here = runq_at_least(own->bitmap, priority);

    if (world_core_stopped_locked(core))
        return NULL;
    if (here)
        above = RUNQ_PRIORITIES - (unsigned)__builtin_clz(own->bitmap);
    other = WEFT_CONFIG_CORES > 1 ? best_elsewhere(core, above) : NULL;
    if (other == NULL)
        return here ? runq_pop(own) : NULL;
    runq_remove(&schedulers[other->core].ready, other);
    sched_of(core)->steals++;
    other->core = (uint8_t)core->id;
    return other;
}

struct weft_thread *place_pick_locked(struct core *core)
{
    struct weft_thread *next = place_take_locked(core, 0);

    if (next == NULL)
        place.idle |= 1u << core->id;
    place_share_locked(core);
    if (world_core_stopped_locked(core))
        world_core_parked_locked(core);
    return next;
}

/* The best of `left` that belongs on core number `id`, because that runs something worse, goes
 * there. */
static void share_with_locked(struct run_queue *left, unsigned id)
{
    int running = running_priority(&cores[id]);
    struct weft_thread *better;

    if ((!WEFT_CONFIG_PREEMPTION && running >= 0) || (cores_online() >> id & 1) == 0)
        return;
    better = first_allowed(left, id, (unsigned)(running + 1));
    if (better == NULL)
        return;
    runq_remove(left, better);
    better->core = (uint8_t)id;
    runq_push_front(&schedulers[id].ready, better); /* it has waited already */
    place.idle &= ~(1u << id);
    kick_locked(&cores[id]);
}

void place_share_locked(const struct core *core)
{
    struct run_queue *left = &sched_of(core)->ready;

    if (world.stopping)
        return;
    for (unsigned i = 1; i < WEFT_CONFIG_CORES && left->movable != 0; i++)
        share_with_locked(left, (core->id + i) % WEFT_CONFIG_CORES);
}

void place_priority_dropped_locked(struct weft_thread *thread)
{
    struct core *core = &cores[WEFT_CONFIG_CORES == 1 ? 0 : thread->core];

    if (WEFT_CONFIG_PREEMPTION && place_waits_above_locked(core, thread->priority))
        kick_locked(core);
}
