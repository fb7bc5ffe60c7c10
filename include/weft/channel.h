/* SPDX-License-Identifier: MIT */
/*
 * Channels carry elements of one size, by copy, from any number of senders to any number of
 * receivers, in order. A buffered channel holds up to its capacity; an unbuffered one (capacity 0)
 * holds none: a send waits until a receiver takes the element. A select waits for several channels
 * at once and does exactly one of its cases.
 *
 * Waiters are served by priority, FIFO among equals. Elements are copied with interrupts off: send
 * pointers to anything large.
 */
#ifndef WEFT_CHANNEL_H
#define WEFT_CHANNEL_H

#include <stddef.h>
#include <stdint.h>
#include <weft/error.h>
#include <weft/wait.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Fields are private. Lifetime: the caller's; it must not move while in use. */
struct weft_channel {
    uint32_t magic;
    uint32_t element_bytes;
    uint32_t capacity;
    uint32_t count;
    uint32_t first;
    uint32_t closed;
    unsigned char *storage;
    struct weft_wait_queue senders; /* of struct weft_select_case */
    struct weft_wait_queue receivers;
};

#define WEFT_CHANNEL_MAGIC 0x63680000u /* "ch" */

/* `storage` is an array of `capacity` elements, or NULL for an unbuffered channel of `bytes`. */
#define WEFT_CHANNEL_INITIALIZER(name, storage, bytes, capacity)                                   \
    {                                                                                              \
        WEFT_CHANNEL_MAGIC, bytes, capacity, 0, 0, 0, (unsigned char *)(storage),                  \
            WEFT_WAIT_QUEUE_INITIALIZER(name.senders), WEFT_WAIT_QUEUE_INITIALIZER(name.receivers) \
    }

/* `storage` holds capacity * element_bytes bytes and stays the caller's; NULL when that is 0.
 * Elements may have no bytes: they are then mere signals, and `element` may be NULL below. Errors:
 * WEFT_EINVAL (NULL, a capacity of 2^31 or more, or a product that overflows 32 bits). Context:
 * any.
 */
WEFT_MUST_CHECK int weft_channel_init(struct weft_channel *channel, void *storage,
                                      size_t element_bytes, size_t capacity);

/* Sends a copy of *element; waits while there is no room and no receiver. Errors: WEFT_ECLOSED
 * (also while waiting; the element was not sent). Context: thread; panics in an interrupt handler.
 * Blocks. Cost: without waiting, bounded, and the copy. */
WEFT_MUST_CHECK int weft_channel_send(struct weft_channel *channel, const void *element);

/* Receives the oldest element into *element; waits while there is none. Errors: WEFT_ECLOSED, once
 * the channel is closed and empty. Context: thread; panics in an interrupt handler. Blocks. */
WEFT_MUST_CHECK int weft_channel_receive(struct weft_channel *channel, void *element);

/* The same until weft_time_ns() reaches `deadline_ns`. Errors also: WEFT_ETIMEDOUT. */
WEFT_MUST_CHECK int weft_channel_send_until(struct weft_channel *channel, const void *element,
                                            uint64_t deadline_ns);
WEFT_MUST_CHECK int weft_channel_receive_until(struct weft_channel *channel, void *element,
                                               uint64_t deadline_ns);

/* The same without waiting: WEFT_EAGAIN. Context: any. */
WEFT_MUST_CHECK int weft_channel_try_send(struct weft_channel *channel, const void *element);
WEFT_MUST_CHECK int weft_channel_try_receive(struct weft_channel *channel, void *element);

/* No more sends: senders that wait get WEFT_ECLOSED, receivers drain what is there and then get it.
 * Idempotent. Context: any. */
void weft_channel_close(struct weft_channel *channel);

/* Elements in the buffer now. Context: any. */
size_t weft_channel_count(const struct weft_channel *channel);

/* Ends the object: all waiters get WEFT_ECLOSED, what is in the buffer is lost, later use panics.
 * Context: thread. */
void weft_channel_destroy(struct weft_channel *channel);

enum weft_select_kind { WEFT_SELECT_SEND, WEFT_SELECT_RECEIVE };

/* One case of a select: fill in the first three. */
struct weft_select_case {
    enum weft_select_kind kind;
    struct weft_channel *channel; /* NULL: this case is never ready */
    void *element;                /* to send (only read), or room for what is received */
    /* private, while waiting */
    struct weft_thread *thread;
    struct weft_wait_link link;
};

/* Does one of the cases, waiting until one is possible; *chosen is its index. If several are
 * possible at once, one of them is drawn at random, each with the same chance; otherwise the first
 * that becomes possible is taken. A case on a closed channel is possible: its result is
 * WEFT_ECLOSED. Errors: WEFT_EINVAL (no cases, an unknown kind, or NULL), WEFT_ECLOSED (the chosen
 * case's). With an error but that one *chosen means nothing. Context: thread; panics in an
 * interrupt handler. Blocks. Cost: linear in the number of cases. Lifetime: the array is in use
 * until this returns. */
WEFT_MUST_CHECK int weft_select(struct weft_select_case *cases, size_t count, size_t *chosen);

/* The same until weft_time_ns() reaches `deadline_ns`. Errors also: WEFT_ETIMEDOUT. */
WEFT_MUST_CHECK int weft_select_until(struct weft_select_case *cases, size_t count, size_t *chosen,
                                      uint64_t deadline_ns);

/* The same without waiting (a select with a default): WEFT_EAGAIN. Context: any. */
WEFT_MUST_CHECK int weft_select_try(struct weft_select_case *cases, size_t count, size_t *chosen);

#ifdef __cplusplus
}
#endif

#endif
