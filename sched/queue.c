/* SPDX-License-Identifier: MIT */
/*
 * Blocking queue. A message goes straight to a waiting receiver when there is one, and the first
 * waiting sender's message takes the room that a receiver made: nobody who waited has to try again.
 */
#include <weft/console.h>
#include <weft/queue.h>

#include "kernel/tick.h"
#include "sched/copy.h"
#include "sched/object.h"

#define QUEUE_MAGIC 0x71750000u /* "qu" */

int weft_queue_init(struct weft_queue *queue, void *storage, size_t message_bytes, size_t capacity)
{
    size_t total;

    if (queue == NULL || storage == NULL || message_bytes == 0 || capacity == 0 ||
        message_bytes > UINT32_MAX || capacity > INT32_MAX ||
        __builtin_mul_overflow(message_bytes, capacity, &total))
        return WEFT_EINVAL;
    *queue = (struct weft_queue){.magic = QUEUE_MAGIC,
                                 .message_bytes = (uint32_t)message_bytes,
                                 .capacity = (uint32_t)capacity,
                                 .storage = storage};
    wait_queue_init(&queue->senders);
    wait_queue_init(&queue->receivers);
    return 0;
}

static inline void queue_check(const struct weft_queue *queue, const void *message,
                               const char *function)
{
    object_check(queue, QUEUE_MAGIC, function, "queue");
    if (__builtin_expect(message == NULL, 0))
        weft_panic("%s: the message is NULL", function);
}

static inline void queue_check_blocking(const struct weft_queue *queue, const void *message,
                                        const char *function)
{
    queue_check(queue, message, function);
    if (__builtin_expect(core_in_interrupt(), 0))
        object_in_interrupt(function);
}

static inline unsigned char *slot(const struct weft_queue *queue, uint32_t index)
{
    uint32_t at = queue->first + index;

    if (at >= queue->capacity)
        at -= queue->capacity;
    return queue->storage + (size_t)at * queue->message_bytes;
}

static inline void put(struct weft_queue *queue, const void *message)
{
    copy_element(slot(queue, queue->count), message, queue->message_bytes);
    queue->count++;
}

static inline unsigned char *oldest(const struct weft_queue *queue)
{
    return queue->storage + (size_t)queue->first * queue->message_bytes;
}

/* Where the oldest message is once another has been taken out. */
static inline uint32_t second(const struct weft_queue *queue)
{
    return queue->first + 1 == queue->capacity ? 0 : queue->first + 1;
}

static inline void take(struct weft_queue *queue, void *message)
{
    copy_element(message, oldest(queue), queue->message_bytes);
    queue->first = second(queue);
    queue->count--;
}

/* Somebody waits to receive, or the queue is full or closed. */
static __attribute__((noinline)) int send_slowly_locked(struct weft_queue *queue,
                                                        const void *message)
{
    struct weft_thread *receiver = wait_queue_first(&queue->receivers);

    if (queue->closed)
        return WEFT_ECLOSED;
    if (receiver == NULL)
        return WEFT_EAGAIN;
    copy_element(receiver->wait_data, message, queue->message_bytes);
    wait_wake_locked(receiver, 0);
    return 0;
}

/* Sends without waiting: 0, WEFT_EAGAIN or WEFT_ECLOSED. A queue with receivers waiting is empty,
 * one with senders waiting is full. */
static inline int send_locked(struct weft_queue *queue, const void *message)
{
    if (__builtin_expect(queue->count == queue->capacity || queue->closed ||
                             !wait_queue_empty(&queue->receivers),
                         0))
        return send_slowly_locked(queue, message);
    put(queue, message);
    return 0;
}

/* The first sender that waited for room has it. */
static __attribute__((noinline)) void refill_locked(struct weft_queue *queue)
{
    struct weft_thread *sender = wait_queue_first(&queue->senders);

    put(queue, sender->wait_data);
    wait_wake_locked(sender, 0);
}

/* Receives without waiting: 0, WEFT_EAGAIN or WEFT_ECLOSED. */
static inline int receive_locked(struct weft_queue *queue, void *message)
{
    if (__builtin_expect(queue->count == 0, 0))
        return queue->closed ? WEFT_ECLOSED : WEFT_EAGAIN;
    take(queue, message);
    if (__builtin_expect(!wait_queue_empty(&queue->senders), 0))
        refill_locked(queue);
    return 0;
}

static __attribute__((noinline)) int wait_to_send(struct weft_queue *queue, const void *message,
                                                  uint64_t deadline)
{
    sched_assert_may_block_irqoff("weft_queue_send");
    thread_current()->wait_data = (void *)message; /* only read, by the receiver that makes room */
    return wait_locked(&queue->senders, WAIT_QUEUE_SEND, queue, deadline);
}

static __attribute__((noinline)) int wait_to_receive(struct weft_queue *queue, void *message,
                                                     uint64_t deadline)
{
    sched_assert_may_block_irqoff("weft_queue_receive");
    thread_current()->wait_data = message;
    return wait_locked(&queue->receivers, WAIT_QUEUE_RECEIVE, queue, deadline);
}

static int send_until_cycles(struct weft_queue *queue, const void *message, uint64_t deadline)
{
    arch_irq_state state = sched_enter();
    int result = send_locked(queue, message);

    if (__builtin_expect(result == WEFT_EAGAIN, 0))
        result = wait_to_send(queue, message, deadline);
    sched_leave(state);
    return result;
}

static int receive_until_cycles(struct weft_queue *queue, void *message, uint64_t deadline)
{
    arch_irq_state state = sched_enter();
    int result = receive_locked(queue, message);

    if (__builtin_expect(result == WEFT_EAGAIN, 0))
        result = wait_to_receive(queue, message, deadline);
    sched_leave(state);
    return result;
}

/* Apart, so that the short ways need no frame. */
static __attribute__((noinline)) int send_for_ever(struct weft_queue *queue, const void *message)
{
    return send_until_cycles(queue, message, UINT64_MAX);
}

static __attribute__((noinline)) int receive_for_ever(struct weft_queue *queue, void *message)
{
    return receive_until_cycles(queue, message, UINT64_MAX);
}

static inline bool may_block_on(const struct weft_queue *queue, const void *message)
{
    return __builtin_expect(
        queue != NULL && queue->magic == QUEUE_MAGIC && message != NULL && !core_in_interrupt(), 1);
}

/* Misuse, which does not return. */
static __attribute__((noinline)) int send_checked(struct weft_queue *queue, const void *message)
{
    queue_check_blocking(queue, message, "weft_queue_send");
    return send_for_ever(queue, message);
}

static __attribute__((noinline)) int receive_checked(struct weft_queue *queue, void *message)
{
    queue_check_blocking(queue, message, "weft_queue_receive");
    return receive_for_ever(queue, message);
}

/* The short way: there is room, nobody waits, and the message is a few words. */
int weft_queue_send(struct weft_queue *queue, const void *message)
{
    arch_irq_state state;
    uint32_t count;
    bool sent;

    if (!may_block_on(queue, message))
        return send_checked(queue, message);
    state = sched_enter();
    count = queue->count;
    sent = count != queue->capacity && !queue->closed && wait_queue_empty(&queue->receivers) &&
           copy_usual(slot(queue, count), message, queue->message_bytes);
    if (__builtin_expect(sent, 1))
        queue->count = count + 1;
    sched_exit_unswitched(state);
    return __builtin_expect(sent, 1) ? 0 : send_for_ever(queue, message);
}

int weft_queue_receive(struct weft_queue *queue, void *message)
{
    arch_irq_state state;
    uint32_t count, next;
    bool received;

    if (!may_block_on(queue, message))
        return receive_checked(queue, message);
    state = sched_enter();
    count = queue->count;
    next = second(queue); /* before the copy, which might be to anywhere */
    received = count != 0 && wait_queue_empty(&queue->senders) &&
               copy_usual(message, oldest(queue), queue->message_bytes);
    if (__builtin_expect(received, 1)) {
        queue->first = next;
        queue->count = count - 1;
    }
    sched_exit_unswitched(state);
    return __builtin_expect(received, 1) ? 0 : receive_for_ever(queue, message);
}

int weft_queue_send_until(struct weft_queue *queue, const void *message, uint64_t deadline_ns)
{
    queue_check_blocking(queue, message, "weft_queue_send_until");
    return send_until_cycles(queue, message, tick_ns_to_cycles(deadline_ns));
}

int weft_queue_receive_until(struct weft_queue *queue, void *message, uint64_t deadline_ns)
{
    queue_check_blocking(queue, message, "weft_queue_receive_until");
    return receive_until_cycles(queue, message, tick_ns_to_cycles(deadline_ns));
}

int weft_queue_try_send(struct weft_queue *queue, const void *message)
{
    arch_irq_state state;
    int result;

    queue_check(queue, message, "weft_queue_try_send");
    state = sched_enter();
    result = send_locked(queue, message);
    sched_leave(state);
    return result;
}

int weft_queue_try_receive(struct weft_queue *queue, void *message)
{
    arch_irq_state state;
    int result;

    queue_check(queue, message, "weft_queue_try_receive");
    state = sched_enter();
    result = receive_locked(queue, message);
    sched_leave(state);
    return result;
}

static void close_locked(struct weft_queue *queue)
{
    queue->closed = 1;
    wait_wake_all_locked(&queue->senders, WEFT_ECLOSED);
    wait_wake_all_locked(&queue->receivers, WEFT_ECLOSED);
}

void weft_queue_close(struct weft_queue *queue)
{
    arch_irq_state state;

    object_check(queue, QUEUE_MAGIC, "weft_queue_close", "queue");
    state = sched_enter();
    close_locked(queue);
    sched_leave(state);
}

void weft_queue_destroy(struct weft_queue *queue)
{
    arch_irq_state state;

    object_check_blocking(queue, QUEUE_MAGIC, "weft_queue_destroy", "queue");
    state = sched_enter();
    queue->magic = OBJECT_DESTROYED;
    close_locked(queue);
    sched_leave(state);
}

size_t weft_queue_count(const struct weft_queue *queue)
{
    object_check(queue, QUEUE_MAGIC, "weft_queue_count", "queue");
    return object_load(&queue->count);
}
