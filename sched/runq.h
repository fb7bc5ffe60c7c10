/* SPDX-License-Identifier: MIT */
/*
 * A run queue: one circular list per priority, and a bitmap of the lists that are not empty. Every
 * operation is a handful of instructions: the best thread is found by counting leading zeros.
 * Guarded by interrupts being off on its core.
 */
#ifndef SCHED_RUNQ_H
#define SCHED_RUNQ_H

#include <stdbool.h>
#include <stdint.h>

#include "sched/thread.h"

#define RUNQ_PRIORITIES 32

struct run_queue {
    uint32_t bitmap; /* bit n: list n is not empty */
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

static inline void runq_push_back(struct run_queue *queue, struct weft_thread *thread)
{
    runq_link_after(queue->lists[thread->priority].prev, &thread->link);
    queue->bitmap |= 1u << thread->priority;
}

static inline void runq_push_front(struct run_queue *queue, struct weft_thread *thread)
{
    runq_link_after(&queue->lists[thread->priority], &thread->link);
    queue->bitmap |= 1u << thread->priority;
}

static inline void runq_remove(struct run_queue *queue, struct weft_thread *thread)
{
    struct weft_wait_link *list = &queue->lists[thread->priority];

    runq_unlink(&thread->link);
    if (list->next == list)
        queue->bitmap &= ~(1u << thread->priority);
}

/* The best thread, taken out; NULL when nobody is ready. */
static inline struct weft_thread *runq_pop(struct run_queue *queue)
{
    struct weft_wait_link *list, *first, *second;
    unsigned priority;

    if (queue->bitmap == 0)
        return NULL;
    priority = 31u - (unsigned)__builtin_clz(queue->bitmap);
    list = &queue->lists[priority];
    first = list->next;
    second = first->next;
    list->next = second;
    second->prev = list;
    if (second == list)
        queue->bitmap &= ~(1u << priority);
    return runq_thread_of(first);
}

/* Is somebody ready whose priority is at least `priority`? */
static inline bool runq_has_at_least(const struct run_queue *queue, unsigned priority)
{
    return queue->bitmap >> priority != 0;
}

#endif
