/* SPDX-License-Identifier: MIT */
/*
 * Blocking queue of fixed-size messages, copied in and out. Any number of senders and receivers;
 * messages leave in the order they came, waiters are served by priority, FIFO among equals.
 */
#ifndef WEFT_QUEUE_H
#define WEFT_QUEUE_H

#include <stddef.h>
#include <stdint.h>
#include <weft/error.h>
#include <weft/wait.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Fields are private. Lifetime: the caller's; it must not move while in use. */
struct weft_queue {
    uint32_t magic;
    uint32_t message_bytes;
    uint32_t capacity;
    uint32_t count;
    uint32_t first;
    uint32_t closed;
    unsigned char *storage;
    struct weft_wait_queue senders;
    struct weft_wait_queue receivers;
};

/* `storage` holds capacity * message_bytes bytes and stays the caller's. Errors: WEFT_EINVAL (NULL,
 * a size of 0, a capacity of 2^31 or more, or a product that overflows). Context: any. */
WEFT_MUST_CHECK int weft_queue_init(struct weft_queue *queue, void *storage, size_t message_bytes,
                                    size_t capacity);

/* Copies the message in; waits while the queue is full. Errors: WEFT_ECLOSED. Context: thread;
 * panics in an interrupt handler. Blocks. */
WEFT_MUST_CHECK int weft_queue_send(struct weft_queue *queue, const void *message);

/* Copies the oldest message out; waits while the queue is empty. Errors: WEFT_ECLOSED, only when
 * the queue is closed and everything that was sent has been received. Context: thread; panics in an
 * interrupt handler. Blocks. */
WEFT_MUST_CHECK int weft_queue_receive(struct weft_queue *queue, void *message);

/* The same with an absolute deadline. Errors also: WEFT_ETIMEDOUT. */
WEFT_MUST_CHECK int weft_queue_send_until(struct weft_queue *queue, const void *message,
                                          uint64_t deadline_ns);
WEFT_MUST_CHECK int weft_queue_receive_until(struct weft_queue *queue, void *message,
                                             uint64_t deadline_ns);

/* The same without waiting: WEFT_EAGAIN. Context: any. */
WEFT_MUST_CHECK int weft_queue_try_send(struct weft_queue *queue, const void *message);
WEFT_MUST_CHECK int weft_queue_try_receive(struct weft_queue *queue, void *message);

/* No more sends: waiting senders get WEFT_ECLOSED, receivers drain what is there. Idempotent.
 * Context: any. */
void weft_queue_close(struct weft_queue *queue);

/* Messages in the queue now. Context: any. */
size_t weft_queue_count(const struct weft_queue *queue);

/* Ends the object: all waiters get WEFT_ECLOSED, messages in it are lost, later use panics.
 * Context: thread. */
void weft_queue_destroy(struct weft_queue *queue);

#ifdef __cplusplus
}
#endif

#endif
