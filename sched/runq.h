/* SPDX-License-Identifier: MIT */
/*
 * A run queue: one circular list per priority, and a bitmap of the lists that are not empty. Every
 * operation is a handful of instructions: the best thread is found by counting leading zeros.
 * Guarded by interrupts being off on its core.
 *
 * With one core, a thread that becomes ready while nobody else is stays out of the lists: `sole` is
 * all there is then, and two threads that wake each other, or take turns, never touch a list.
 */
#ifndef SCHED_RUNQ_H
#define SCHED_RUNQ_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/shared.h"
#include "sched/thread.h"

#define RUNQ_PRIORITIES 32

struct run_queue {
    uint32_t bitmap;          /* bit n: somebody of priority n is ready */
    struct weft_thread *sole; /* the only ready thread, if it is in no list */
    struct weft_wait_link lists[RUNQ_PRIORITIES];
};

_Static_assert(offsetof(struct weft_thread, link) == 0, "a link is its thread");

static inline struct weft_thread *runq_thread_of(struct weft_wait_link *link)
{
    return (struct weft_thread *)link;
}

static inline void runq_init(struct run_queue *queue)
{
    queue->bitmap = 0;
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

/* The sole thread goes into its list, where others will be. */
static inline void runq_spill(struct run_queue *queue)
{
    struct weft_thread *sole = queue->sole;

    if (WEFT_CONFIG_CORES == 1 && sole != NULL) {
        queue->sole = NULL;
        runq_link_after(&queue->lists[sole->priority], &sole->link);
    }
}

static inline bool runq_push_sole(struct run_queue *queue, struct weft_thread *thread)
{
    if (WEFT_CONFIG_CORES > 1 || queue->bitmap != 0)
        return false;
    queue->sole = thread;
    queue->bitmap = 1u << thread->priority;
    return true;
}

static inline void runq_push_back(struct run_queue *queue, struct weft_thread *thread)
{
    if (runq_push_sole(queue, thread))
        return;
    runq_spill(queue);
    runq_link_after(queue->lists[thread->priority].prev, &thread->link);
    SHARED_STORE(queue->bitmap, queue->bitmap | 1u << thread->priority);
}

static inline void runq_push_front(struct run_queue *queue, struct weft_thread *thread)
{
    if (runq_push_sole(queue, thread))
        return;
    runq_spill(queue);
    runq_link_after(&queue->lists[thread->priority], &thread->link);
    SHARED_STORE(queue->bitmap, queue->bitmap | 1u << thread->priority);
}

static inline void runq_remove(struct run_queue *queue, struct weft_thread *thread)
{
    struct weft_wait_link *list = &queue->lists[thread->priority];

    if (WEFT_CONFIG_CORES == 1 && queue->sole == thread) {
        queue->sole = NULL;
        queue->bitmap = 0;
        return;
    }
    runq_unlink(&thread->link);
    if (list->next == list)
        SHARED_STORE(queue->bitmap, queue->bitmap & ~(1u << thread->priority));
}

/* The best thread, taken out; NULL when nobody is ready. */
static inline struct weft_thread *runq_pop(struct run_queue *queue)
{
    struct weft_wait_link *list, *first, *second;
    unsigned priority;

    if (WEFT_CONFIG_CORES == 1 && queue->sole != NULL) {
        struct weft_thread *sole = queue->sole;

        queue->sole = NULL;
        queue->bitmap = 0;
        return sole;
    }
    if (queue->bitmap == 0)
        return NULL;
    priority = 31u - (unsigned)__builtin_clz(queue->bitmap);
    list = &queue->lists[priority];
    first = list->next;
    second = first->next;
    list->next = second;
    second->prev = list;
    if (second == list)
        SHARED_STORE(queue->bitmap, queue->bitmap & ~(1u << priority));
    return runq_thread_of(first);
}

/* `thread` goes behind its equals, and the first of them comes out: there is one at least, and
 * nobody better. */
static inline struct weft_thread *runq_rotate(struct run_queue *queue, struct weft_thread *thread)
{
    struct weft_wait_link *list, *first, *second, *last;
    struct weft_thread *sole = queue->sole;

    if (WEFT_CONFIG_CORES == 1 && sole != NULL) {
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

/* Is somebody ready whose priority is at least `priority`? */
static inline bool runq_has_at_least(const struct run_queue *queue, unsigned priority)
{
    return queue->bitmap >> priority != 0;
}

#endif
