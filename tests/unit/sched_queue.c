/* SPDX-License-Identifier: MIT */
/*
 * The blocking queue's bookkeeping, without a scheduler: whoever would block is a fake thread that
 * the test puts into the wait queue, and waking one only notes it.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <weft/console.h>
#include <weft/queue.h>

#include "kernel/tick.h"
#include "sched/sched.h"
#include "sched/wait_fast.h"

struct core cores[WEFT_CONFIG_CORES];

struct core *fake_core_pointer(void)
{
    return &cores[0];
}
struct scheduler schedulers[WEFT_CONFIG_CORES];

bool fake_irq_on = true; /* tests/unit/port/irq.h */

static struct weft_thread self;
static int blocked; /* calls of wait_locked */

void wait_queue_init(struct weft_wait_queue *queue)
{
    queue->head.next = queue->head.prev = &queue->head;
}

uint32_t wait_watchers;

int wait_tell_locked(struct weft_thread *current, enum thread_wait reason)
{
    (void)reason;
    return current->wait_result;
}

int wait_locked(struct weft_wait_queue *queue, enum thread_wait reason, const void *object,
                uint64_t deadline)
{
    (void)queue;
    (void)reason;
    (void)object;
    (void)deadline;
    blocked++;
    return WEFT_ETIMEDOUT;
}

void wait_wake_locked(struct weft_thread *thread, int result)
{
    runq_unlink(&thread->link);
    thread->wait_result = result;
    thread->state = THREAD_READY;
}

void wait_wake_all_locked(struct weft_wait_queue *queue, int result)
{
    while (!wait_queue_empty(queue))
        wait_wake_locked(wait_queue_first(queue), result);
}

void sched_may_not_block(const char *function)
{
    (void)function;
    abort();
}

void sched_leave_switch_locked(struct core *core)
{
    (void)core;
}

uint64_t tick_ns_to_cycles(uint64_t ns)
{
    return ns;
}

_Noreturn void weft_panic(const char *format, ...)
{
    (void)format;
    exit(70);
}

static void wait_in(struct weft_wait_queue *queue, struct weft_thread *thread, void *message)
{
    thread->state = THREAD_BLOCKED;
    thread->wait_data = message;
    runq_link_after(queue->head.prev, &thread->link);
}

Test(queue, bad_arguments_get_their_error)
{
    static struct weft_queue queue;
    uint32_t storage[2];

    cr_assert_eq(weft_queue_init(NULL, storage, 4, 2), WEFT_EINVAL);
    cr_assert_eq(weft_queue_init(&queue, NULL, 4, 2), WEFT_EINVAL);
    cr_assert_eq(weft_queue_init(&queue, storage, 0, 2), WEFT_EINVAL);
    cr_assert_eq(weft_queue_init(&queue, storage, 4, 0), WEFT_EINVAL);
    cr_assert_eq(weft_queue_init(&queue, storage, SIZE_MAX, 2), WEFT_EINVAL);
}

Test(queue, messages_leave_in_the_order_they_came_across_many_wraps)
{
    uint32_t storage[5], sent = 0, received = 0, message;
    static struct weft_queue queue;

    cores[0].current = &self;
    cr_assert_eq(weft_queue_init(&queue, storage, sizeof message, 5), 0);
    srand(2);
    for (int n = 0; n < 100000; n++) {
        if (rand() % 2 != 0) {
            int result = weft_queue_try_send(&queue, &sent);

            cr_assert_eq(result, sent - received == 5 ? WEFT_EAGAIN : 0);
            sent += result == 0;
        } else {
            int result = weft_queue_try_receive(&queue, &message);

            cr_assert_eq(result, sent == received ? WEFT_EAGAIN : 0);
            if (result == 0)
                cr_assert_eq(message, received++);
        }
        cr_assert_eq(weft_queue_count(&queue), sent - received);
    }
}

Test(queue, message_goes_straight_to_the_waiting_receiver)
{
    uint32_t storage[2], message = 42, got = 0;
    static struct weft_queue queue;
    static struct weft_thread receiver;

    cores[0].current = &self;
    cr_assert_eq(weft_queue_init(&queue, storage, sizeof message, 2), 0);
    wait_in(&queue.receivers, &receiver, &got);
    cr_assert_eq(weft_queue_send(&queue, &message), 0);
    cr_assert_eq(got, 42);
    cr_assert_eq(receiver.state, THREAD_READY);
    cr_assert_eq(weft_queue_count(&queue), 0);
}

Test(queue, first_waiting_senders_message_takes_the_room)
{
    uint32_t storage[1], one = 1, two = 2, three = 3, got;
    static struct weft_queue queue;
    static struct weft_thread first, second;

    cores[0].current = &self;
    cr_assert_eq(weft_queue_init(&queue, storage, sizeof one, 1), 0);
    cr_assert_eq(weft_queue_send(&queue, &one), 0);
    wait_in(&queue.senders, &first, &two);
    wait_in(&queue.senders, &second, &three);
    cr_assert_eq(weft_queue_receive(&queue, &got), 0);
    cr_assert_eq(got, 1);
    cr_assert_eq(first.state, THREAD_READY);
    cr_assert_eq(second.state, THREAD_BLOCKED);
    cr_assert_eq(weft_queue_receive(&queue, &got), 0);
    cr_assert_eq(got, 2);
    cr_assert_eq(weft_queue_receive(&queue, &got), 0);
    cr_assert_eq(got, 3);
}

Test(queue, full_and_empty_queues_wait)
{
    uint32_t storage[1], message = 1;
    static struct weft_queue queue;

    cores[0].current = &self;
    cr_assert_eq(weft_queue_init(&queue, storage, sizeof message, 1), 0);
    cr_assert_eq(weft_queue_receive_until(&queue, &message, 5), WEFT_ETIMEDOUT);
    cr_assert_eq(weft_queue_send(&queue, &message), 0);
    cr_assert_eq(weft_queue_send_until(&queue, &message, 5), WEFT_ETIMEDOUT);
    cr_assert_eq(blocked, 2);
}

Test(queue, closing_drains_and_wakes)
{
    uint32_t storage[2], message = 9, got;
    static struct weft_queue queue;
    static struct weft_thread sender;

    cores[0].current = &self;
    cr_assert_eq(weft_queue_init(&queue, storage, sizeof message, 2), 0);
    cr_assert_eq(weft_queue_send(&queue, &message), 0);
    wait_in(&queue.senders, &sender, &message);
    weft_queue_close(&queue);
    weft_queue_close(&queue);
    cr_assert_eq(sender.wait_result, WEFT_ECLOSED);
    cr_assert_eq(weft_queue_send(&queue, &message), WEFT_ECLOSED);
    cr_assert_eq(weft_queue_receive(&queue, &got), 0);
    cr_assert_eq(got, 9);
    cr_assert_eq(weft_queue_receive(&queue, &got), WEFT_ECLOSED);
}

Test(queue, object_that_is_no_queue_panics, .exit_code = 70)
{
    static struct weft_queue queue;
    uint32_t message = 0;

    (void)!weft_queue_send(&queue, &message);
}
