/* SPDX-License-Identifier: MIT */
/* Parts of every blocking object, private to weft: the list of threads that wait for it, and a
 * place among the deadlines. */
#ifndef WEFT_WAIT_H
#define WEFT_WAIT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weft_wait_link {
    struct weft_wait_link *next, *prev;
};

/* Circular, with the queue as its own head; ordered by priority, FIFO among equals. */
struct weft_wait_queue {
    struct weft_wait_link head;
};

#define WEFT_WAIT_QUEUE_INITIALIZER(queue)                                                         \
    {                                                                                              \
        {                                                                                          \
            &(queue).head, &(queue).head                                                           \
        }                                                                                          \
    }

/* A deadline in a core's heap of them (sched/alarm.h). */
struct weft_alarm {
    uint64_t deadline; /* cycles */
    struct weft_alarm *child, *next, *back;
    uint32_t order; /* of arming, in steps of two; the lowest bit: a timer, not a thread */
};

#ifdef __cplusplus
}
#endif

#endif
