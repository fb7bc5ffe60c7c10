/* SPDX-License-Identifier: MIT */
/*
 * A heap of deadlines: a pairing heap (M. Fredman, R. Sedgewick, D. Sleator, R. Tarjan, "The
 * pairing heap: a new form of self-adjusting heap", Algorithmica 1, 1986), whose nodes lie in what
 * they belong to. Adding is one comparison, whatever the number of deadlines; taking out is
 * O(log n) amortised. Most deadlines are taken out long before they are reached (a wait ended in
 * time), when they still have few children: that is a handful of instructions. Among equal
 * deadlines the one that was armed first comes first.
 *
 * The worst single step is the first expiry after n deadlines were added with none reached: it
 * looks at all n once. A balanced tree would bound it by log n and make every wait pay for it.
 */
#ifndef SCHED_ALARM_H
#define SCHED_ALARM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weft/wait.h>

#define ALARM_TIMER 1u /* in order: the alarm of a timer, not of a thread */

/* `top.child` is the earliest alarm. */
struct alarm_heap {
    struct weft_alarm top;
    uint32_t order;
};

static inline struct weft_alarm *alarm_first(const struct alarm_heap *heap)
{
    return heap->top.child;
}

static inline bool alarm_is_armed(const struct weft_alarm *alarm)
{
    return alarm->back != NULL;
}

static inline bool alarm_before(const struct weft_alarm *one, const struct weft_alarm *other)
{
    if (one->deadline != other->deadline)
        return one->deadline < other->deadline;
    return (int32_t)(one->order - other->order) < 0;
}

/* One tree of two: the later root becomes the earlier one's first child. The root's own `next` and
 * `back` are left for the caller to set. */
static inline struct weft_alarm *alarm_meld(struct weft_alarm *one, struct weft_alarm *other)
{
    struct weft_alarm *above = alarm_before(one, other) ? one : other;
    struct weft_alarm *below = above == one ? other : one;

    below->next = above->child;
    below->back = above;
    if (above->child != NULL)
        above->child->back = below;
    above->child = below;
    return above;
}

/* The children of a node that goes, as one tree: melded in pairs, then the pairs from the last to
 * the first. */
static inline struct weft_alarm *alarm_meld_all(struct weft_alarm *first)
{
    struct weft_alarm *pairs = NULL, *all;

    while (first != NULL) {
        struct weft_alarm *second = first->next;
        struct weft_alarm *rest = second != NULL ? second->next : NULL;
        struct weft_alarm *pair = second != NULL ? alarm_meld(first, second) : first;

        pair->next = pairs;
        pairs = pair;
        first = rest;
    }
    all = pairs;
    while (all != NULL && (pairs = all->next) != NULL) {
        struct weft_alarm *rest = pairs->next;

        all = alarm_meld(all, pairs);
        all->next = rest;
    }
    return all;
}

/* Puts `alarm` where `place` is: below or beside place->back. */
static inline void alarm_replace(struct weft_alarm *place, struct weft_alarm *alarm)
{
    alarm->back = place->back;
    alarm->next = place->next;
    if (place->next != NULL)
        place->next->back = alarm;
    if (place->back->child == place)
        place->back->child = alarm;
    else
        place->back->next = alarm;
}

/* Its deadline and the lowest bit of its order are set. */
static inline void alarm_add(struct alarm_heap *heap, struct weft_alarm *alarm)
{
    struct weft_alarm *first = heap->top.child;

    alarm->order = (alarm->order & ALARM_TIMER) | heap->order;
    heap->order += 2;
    alarm->child = NULL;
    if (first != NULL)
        alarm = alarm_meld(first, alarm);
    alarm->next = NULL;
    alarm->back = &heap->top;
    heap->top.child = alarm;
}

/* Takes it out of whichever heap it is in. Its children, none of them earlier, take its place. */
static inline void alarm_remove(struct weft_alarm *alarm)
{
    struct weft_alarm *below = alarm->child != NULL ? alarm_meld_all(alarm->child) : NULL;

    if (below != NULL) {
        alarm_replace(alarm, below);
    } else {
        if (alarm->next != NULL)
            alarm->next->back = alarm->back;
        if (alarm->back->child == alarm)
            alarm->back->child = alarm->next;
        else
            alarm->back->next = alarm->next;
    }
    alarm->back = NULL;
}

#endif
