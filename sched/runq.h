/* SPDX-License-Identifier: MIT */
/*
 * A run queue: one circular list per priority, and a bitmap of the lists that are not empty. Every
 * operation is a handful of instructions: the best thread is found by counting leading zeros.
 * Guarded by interrupts being off on its core, with more cores by sched_lock; `movable` and
 * `bitmap` are also looked at without (place.c), so they are written in one piece.
 *
 * A thread that becomes ready while nobody else is stays out of the lists: `sole` is all there is
 * then, and two threads that wake each other, or take turns, never touch a list. Whoever walks
 * along a list calls runq_spill first.
 */
#ifndef SCHED_RUNQ_H
#define SCHED_RUNQ_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/shared.h"
#include "sched/thread.h"

#define RUNQ_PRIORITIES 32

struct run_queue {
    uint32_t bitmap; /* bit n: somebody of priority n is ready */
    /* With more than one core. Bit n: somebody of priority n was put in here, since nobody of that
     * priority was, who may also run elsewhere. */
    uint32_t movable;
    uint32_t away;            /* all cores but the queue's, a bit each; 0: there is only one */
    struct weft_thread *sole; /* the only ready thread, if it is in no list */
    struct weft_wait_link lists[RUNQ_PRIORITIES];
};

_Static_assert(offsetof(struct weft_thread, link) == 0, "a link is its thread");

static inline struct weft_thread *runq_thread_of(struct weft_wait_link *link)
{
    return (struct weft_thread *)link;
}

/* Of core number `core`. */
static inline void runq_init(struct run_queue *queue, unsigned core)
{
    queue->bitmap = queue->movable = 0;
    queue->away = WEFT_CONFIG_CORES == 1 ? 0 : ~(1u << core);
    queue->sole = NULL;
    for (unsigned i = 0; i < RUNQ_PRIORITIES; i++)
        queue->lists[i].next = queue->lists[i].prev = &queue->lists[i];
}

/* Links `link` in behind `before`. */
static inline void runq_link_after(struct weft_wait_link *before, struct weft_wait_link *link)
{
    struct weft_wait_link *after = before->next;

    link->prev = before;
    link->next = after;
    before->next = link;
    after->prev = link;
}

static inline void runq_unlink(struct weft_wait_link *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
}

/* `thread` is in the queue now: may it run elsewhere? */
static inline void runq_note_movable(struct run_queue *queue, const struct weft_thread *thread)
{
    if (WEFT_CONFIG_CORES > 1 && (thread->affinity & queue->away) != 0)
        SHARED_STORE(queue->movable, queue->movable | thread->priority_bit);
}

/* Nobody of `priority` is in the queue any more. */
static inline void runq_note_empty(struct run_queue *queue, unsigned priority)
{
    SHARED_STORE(queue->bitmap, queue->bitmap & ~(1u << priority));
    if (WEFT_CONFIG_CORES > 1)
        SHARED_STORE(queue->movable, queue->movable & ~(1u << priority));
}

/* The sole thread goes into its list, where others will be. */
static inline void runq_spill(struct run_queue *queue)
{
    struct weft_thread *sole = queue->sole;

    if (sole != NULL) {
        queue->sole = NULL;
        runq_link_after(&queue->lists[sole->priority], &sole->link);
    }
}

static inline bool runq_push_sole(struct run_queue *queue, struct weft_thread *thread)
{
    if (queue->bitmap != 0)
        return false;
    queue->sole = thread;
    SHARED_STORE(queue->bitmap, thread->priority_bit);
    return true;
}

/* The thread may run here only, as all do with one core. */
static inline void runq_push_back_pinned(struct run_queue *queue, struct weft_thread *thread)
{
    if (runq_push_sole(queue, thread))
        return;
    runq_spill(queue);
    runq_link_after(queue->lists[thread->priority].prev, &thread->link);
    SHARED_STORE(queue->bitmap, queue->bitmap | thread->priority_bit);
}

static inline void runq_push_back(struct run_queue *queue, struct weft_thread *thread)
{
    runq_push_back_pinned(queue, thread);
    runq_note_movable(queue, thread);
}

static inline void runq_push_front(struct run_queue *queue, struct weft_thread *thread)
{
    if (!runq_push_sole(queue, thread)) {
        runq_spill(queue);
        runq_link_after(&queue->lists[thread->priority], &thread->link);
        SHARED_STORE(queue->bitmap, queue->bitmap | thread->priority_bit);
    }
    runq_note_movable(queue, thread);
}

/* The sole thread is taken out. */
static inline struct weft_thread *runq_take_sole(struct run_queue *queue)
{
    struct weft_thread *sole = queue->sole;

    queue->sole = NULL;
    SHARED_STORE(queue->bitmap, 0);
    if (WEFT_CONFIG_CORES > 1)
        SHARED_STORE(queue->movable, 0);
    return sole;
}

static inline void runq_remove(struct run_queue *queue, struct weft_thread *thread)
{
    struct weft_wait_link *list = &queue->lists[thread->priority];

    if (queue->sole == thread) {
        (void)runq_take_sole(queue);
        return;
    }
    runq_unlink(&thread->link);
    if (list->next == list)
        runq_note_empty(queue, thread->priority);
}

/* The best thread, taken out; NULL when nobody is ready. */
static inline struct weft_thread *runq_pop(struct run_queue *queue)
{
    struct weft_wait_link *list, *first, *second;
    unsigned priority;

    if (queue->sole != NULL)
        return runq_take_sole(queue);
    if (queue->bitmap == 0)
        return NULL;
    priority = 31u - (unsigned)__builtin_clz(queue->bitmap);
    list = &queue->lists[priority];
    first = list->next;
    second = first->next;
    list->next = second;
    second->prev = list;
    if (second == list)
        runq_note_empty(queue, priority);
    return runq_thread_of(first);
}

/* `thread` goes behind its equals, and the first of them comes out: there is one at least, and
 * nobody better. If it may run elsewhere, runq_note_movable follows. */
static inline struct weft_thread *runq_rotate(struct run_queue *queue, struct weft_thread *thread)
{
    struct weft_wait_link *list, *first, *second, *last;
    struct weft_thread *sole = queue->sole;

    if (sole != NULL) {
        queue->sole = thread;
        return sole;
    }
    list = &queue->lists[thread->priority];
    first = list->next;
    second = first->next;
    list->next = second;
    second->prev = list; /* `second` may be the list itself: then so is the last */
    last = list->prev;
    thread->link.prev = last;
    thread->link.next = list;
    last->next = &thread->link;
    list->prev = &thread->link;
    return runq_thread_of(first);
}

/* In a bitmap of priorities: is there one of at least `priority`, or above it? */
static inline bool runq_at_least(uint32_t bitmap, unsigned priority)
{
    return bitmap >> priority != 0;
}

static inline bool runq_above(uint32_t bitmap, unsigned priority)
{
    return bitmap >> priority >> 1 != 0; /* 32 is more than can be shifted by at once */
}

#endif
