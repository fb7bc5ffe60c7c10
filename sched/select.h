/* SPDX-License-Identifier: MIT */
/*
 * Waiting in several queues at once. A thread's own link serves one queue; a thread that waits for
 * channels is in their queues by the links of its cases, which lie in its frame. Its wait_data
 * points to what follows; its wait_queue is NULL.
 */
#ifndef SCHED_SELECT_H
#define SCHED_SELECT_H

#include <weft/channel.h>
#include <weft/console.h>

#include "sched/object.h"
#include "sched/sched.h"

struct select_set {
    struct weft_select_case *cases;
    size_t count;
    size_t chosen; /* by the waker */
};

static inline void channel_check(const struct weft_channel *channel, const void *element,
                                 const char *function)
{
    object_check(channel, WEFT_CHANNEL_MAGIC, function, "channel");
    if (__builtin_expect(element == NULL && channel->element_bytes != 0, 0))
        weft_panic("%s: the element is NULL", function);
}

/* channel.c: sends, receives without waiting: 0, WEFT_EAGAIN or WEFT_ECLOSED. */
int channel_send_locked(struct weft_channel *channel, const void *element);
int channel_receive_locked(struct weft_channel *channel, void *element);

/* Waits for any of the cases; `object` is what the thread is said to wait for. */
int select_wait_locked(struct select_set *set, enum thread_wait reason, const void *object,
                       uint64_t deadline, const char *function);

static inline struct weft_select_case *select_case_of(struct weft_wait_link *link)
{
    return (struct weft_select_case *)((char *)link - offsetof(struct weft_select_case, link));
}

static inline bool select_is_waiting(const struct weft_thread *thread)
{
    return thread->wait_reason == WAIT_SELECT || thread->wait_reason == WAIT_CHANNEL_SEND ||
           thread->wait_reason == WAIT_CHANNEL_RECEIVE;
}

static inline struct weft_wait_queue *select_queue(const struct weft_select_case *at)
{
    return at->kind == WEFT_SELECT_SEND ? &at->channel->senders : &at->channel->receivers;
}

/* By priority, behind its equals. */
static inline void select_insert_locked(struct weft_select_case *it)
{
    struct weft_wait_queue *queue = select_queue(it);
    struct weft_wait_link *at = queue->head.prev;

    while (at != &queue->head && select_case_of(at)->thread->priority < it->thread->priority)
        at = at->prev;
    runq_link_after(at, &it->link);
}

static inline void select_enter_locked(struct weft_thread *thread)
{
    struct select_set *set = thread->wait_data;

    for (size_t i = 0; i < set->count; i++) {
        set->cases[i].thread = thread;
        if (set->cases[i].channel != NULL)
            select_insert_locked(&set->cases[i]);
    }
}

/* Out of all queues. */
static inline void select_leave_locked(struct weft_thread *thread)
{
    struct select_set *set = thread->wait_data;

    for (size_t i = 0; i < set->count; i++)
        if (set->cases[i].channel != NULL)
            runq_unlink(&set->cases[i].link);
}

/* Its priority has changed. */
static inline void select_sort_locked(struct weft_thread *thread)
{
    select_leave_locked(thread);
    select_enter_locked(thread);
}

#endif
