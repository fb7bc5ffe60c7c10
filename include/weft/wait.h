/* SPDX-License-Identifier: MIT */
/* The list of threads that wait for an object: part of every blocking object, private to weft. */
#ifndef WEFT_WAIT_H
#define WEFT_WAIT_H

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

#endif
