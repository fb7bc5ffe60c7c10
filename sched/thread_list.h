/* SPDX-License-Identifier: MIT */
/* The list of all threads, weft's own included, in order of creation; and that of the threads that
 * have ended and wait for their joiners. Both are linked by the same fields, since a thread is in
 * one of them at most: `all_back` points at what points at the thread. Under the scheduler's lock.
 */
#ifndef SCHED_THREAD_LIST_H
#define SCHED_THREAD_LIST_H

#include "sched/thread.h"

struct thread_list {
    struct weft_thread *first, **tail; /* tail: where the next thread's address goes */
    uint32_t last_id;
    uint32_t count; /* without runtime threads */
};

extern ARCH_NEAR struct thread_list thread_list;

static inline void thread_list_append_locked(struct weft_thread *thread)
{
    struct weft_thread **tail = thread_list.tail;

    thread->all_next = NULL;
    thread->all_back = tail;
    *tail = thread;
    thread_list.tail = &thread->all_next;
}

/* A thread of the program's gets its number. */
static inline void thread_list_add_new_locked(struct weft_thread *thread)
{
    thread->id = ++thread_list.last_id;
    thread_list_append_locked(thread);
    thread_list.count++;
}

static inline void thread_list_remove_locked(struct weft_thread *thread)
{
    struct weft_thread *next = thread->all_next, **back = thread->all_back;

    *back = next;
    if (__builtin_expect(next == NULL, 1)) /* the latest is the first to end, mostly */
        thread_list.tail = back;
    else
        next->all_back = back;
    thread_list.count -= !thread->runtime;
}

/* Ended and not joined yet. */
extern ARCH_NEAR struct weft_thread *thread_ended;

static inline void thread_ended_add_locked(struct weft_thread *thread)
{
    struct weft_thread *next = thread_ended;

    thread->all_next = next;
    thread->all_back = &thread_ended;
    if (next != NULL)
        next->all_back = &thread->all_next;
    thread_ended = thread;
}

/* Threads that have ended, by link.next, the latest first: kept for the next ones (spawn.c). */
struct thread_cache {
    struct weft_thread *first;
    uint32_t count;
};

extern ARCH_NEAR struct thread_cache thread_cache;

/* False: there is no room, or the memory is the caller's. */
static inline bool thread_cache_put_locked(struct weft_thread *thread)
{
    if (thread_cache.count + 1 > WEFT_CONFIG_STACK_CACHE || thread->own_stack)
        return false;
    thread->link.next = (struct weft_wait_link *)thread_cache.first;
    thread_cache.first = thread;
    thread_cache.count++;
    return true;
}

#endif
