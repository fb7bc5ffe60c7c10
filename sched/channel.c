/* SPDX-License-Identifier: MIT */
/*
 * Channels and select.
 *
 * Whoever can complete an exchange does it for both sides: a sender that finds a receiver waiting
 * copies straight into the receiver's room and wakes it, a receiver takes a waiting sender's
 * element, or the oldest buffered one, and moves the first waiting sender's into the buffer. A
 * thread that waits is woken with its exchange done, so it never looks at the channel again.
 *
 * A waiter in a channel's queue is a case, not a thread (sched/select.h): a plain send or receive
 * is a select of one case. Taking a case out of a queue takes all cases of that thread out of
 * theirs, under the same hold of the lock, so exactly one of them is ever done.
 */
#include <weft/channel.h>
#include <weft/console.h>

#include "kernel/tick.h"
#include "sched/copy.h"
#include "sched/object.h"
#include "sched/select.h"
#include "sched/wait_fast.h"

int weft_channel_init(struct weft_channel *channel, void *storage, size_t element_bytes,
                      size_t capacity)
{
    size_t total;

    if (channel == NULL || element_bytes > UINT32_MAX || capacity > INT32_MAX ||
        __builtin_mul_overflow(element_bytes, capacity, &total) || total > UINT32_MAX ||
        (storage == NULL && total != 0))
        return WEFT_EINVAL;
    *channel = (struct weft_channel){.magic = WEFT_CHANNEL_MAGIC,
                                     .element_bytes = (uint32_t)element_bytes,
                                     .capacity = (uint32_t)capacity,
                                     .storage = storage};
    wait_queue_init(&channel->senders);
    wait_queue_init(&channel->receivers);
    return 0;
}

static inline void check_blocking(const struct weft_channel *channel, const void *element,
                                  const char *function)
{
    channel_check(channel, element, function);
    if (__builtin_expect(core_in_interrupt(), 0))
        object_in_interrupt(function);
}

/* ---- the buffer ---- */

static inline unsigned char *slot(const struct weft_channel *channel, uint32_t index)
{
    uint32_t at = channel->first + index;

    if (at >= channel->capacity)
        at -= channel->capacity;
    return channel->storage + (size_t)at * channel->element_bytes;
}

static void put(struct weft_channel *channel, const void *element)
{
    copy_element(slot(channel, channel->count), element, channel->element_bytes);
    channel->count++;
}

static inline unsigned char *oldest(const struct weft_channel *channel)
{
    return channel->storage + (size_t)channel->first * channel->element_bytes;
}

/* Where the oldest element is once another has been taken out. */
static inline uint32_t second(const struct weft_channel *channel)
{
    return channel->first + 1 == channel->capacity ? 0 : channel->first + 1;
}

static void take(struct weft_channel *channel, void *element)
{
    copy_element(element, oldest(channel), channel->element_bytes);
    channel->first = second(channel);
    channel->count--;
}

/* ---- the waiters ---- */

static struct weft_select_case *first_case(const struct weft_wait_queue *queue)
{
    return wait_queue_empty(queue) ? NULL : select_case_of(queue->head.next);
}

/* The exchange of this case is done, or refused: its thread runs, and waits for no other. */
static void finish_locked(struct weft_select_case *it, int result)
{
    struct weft_thread *thread = it->thread;
    struct select_set *set = thread->wait_data;

    set->chosen = (size_t)(it - set->cases);
    select_leave_locked(thread);
    wait_wake_locked(thread, result);
}

static void finish_all_locked(struct weft_wait_queue *queue, int result)
{
    struct weft_select_case *it;

    while ((it = first_case(queue)) != NULL)
        finish_locked(it, result);
}

/* ---- sending and receiving without waiting: 0, WEFT_EAGAIN or WEFT_ECLOSED ---- */

int channel_send_locked(struct weft_channel *channel, const void *element)
{
    struct weft_select_case *receiver;

    if (channel->closed)
        return WEFT_ECLOSED;
    receiver = first_case(&channel->receivers);
    if (receiver != NULL) {
        copy_element(receiver->element, element, channel->element_bytes);
        finish_locked(receiver, 0);
        return 0;
    }
    if (channel->count == channel->capacity)
        return WEFT_EAGAIN;
    put(channel, element);
    return 0;
}

int channel_receive_locked(struct weft_channel *channel, void *element)
{
    struct weft_select_case *sender = first_case(&channel->senders);

    if (channel->count != 0) {
        take(channel, element);
        if (sender != NULL)
            put(channel, sender->element);
    } else if (sender != NULL) {
        copy_element(element, sender->element, channel->element_bytes);
    } else {
        return channel->closed ? WEFT_ECLOSED : WEFT_EAGAIN;
    }
    if (sender != NULL)
        finish_locked(sender, 0);
    return 0;
}

/* ---- waiting ---- */

/* Off the fast path's frame: the case and the set are 40 bytes. */
static __attribute__((noinline)) int wait_one_locked(struct weft_channel *channel, void *element,
                                                     enum weft_select_kind kind, uint64_t deadline)
{
    struct weft_select_case it = {.kind = kind, .channel = channel, .element = element};
    struct select_set set = {&it, 1, 0};
    bool send = kind == WEFT_SELECT_SEND;

    return select_wait_locked(&set, send ? WAIT_CHANNEL_SEND : WAIT_CHANNEL_RECEIVE, channel,
                              deadline, send ? "weft_channel_send" : "weft_channel_receive");
}

/* The thread in whose only case `link` is, if that can be done just so. */
static inline struct weft_thread *plain_partner_locked(struct weft_wait_link *link,
                                                       enum thread_wait reason)
{
    struct weft_thread *thread = select_case_of(link)->thread;

    return thread->wait_reason == reason && wait_is_plain_locked(thread) ? thread : NULL;
}

/* The exchange is done: the partner's only case leaves its queue. The last thing of an operation.
 */
static inline int finish_plainly_and_leave(struct weft_wait_queue *queue,
                                           struct weft_thread *thread, arch_irq_state state)
{
    wait_unlink_first(queue, queue->head.next);
    thread->wait_result = 0;
    return sched_ready_and_leave(thread, state);
}

/* Nobody is there: the current thread waits for ever, and lets go of the lock. */
static inline __attribute__((always_inline)) int wait_plainly_and_leave(
    struct weft_channel *channel, void *element, enum weft_select_kind kind)
{
    struct core *core = core_self();
    struct weft_select_case it = {
        .kind = kind, .channel = channel, .element = element, .thread = core->current};
    struct select_set set = {&it, 1, 0};
    enum thread_wait reason = kind == WEFT_SELECT_SEND ? WAIT_CHANNEL_SEND : WAIT_CHANNEL_RECEIVE;
    int result;

    core->current->wait_data = &set;
    if (wait_queue_empty(select_queue(&it)))
        wait_link_last(select_queue(&it), &it.link);
    else
        select_insert_locked(&it);
    (void)wait_enter_locked(core, NULL, reason, channel);
    block_locked(core);
    result = wait_over_locked(core_self()->current, reason);
    sched_exit_thread();
    return result;
}

static __attribute__((noinline)) int wait_to_send_and_leave(struct weft_channel *channel,
                                                            const void *element)
{
    return wait_plainly_and_leave(channel, (void *)element, WEFT_SELECT_SEND);
}

static __attribute__((noinline)) int wait_to_receive_and_leave(struct weft_channel *channel,
                                                               void *element)
{
    return wait_plainly_and_leave(channel, element, WEFT_SELECT_RECEIVE);
}

static int send_until_cycles(struct weft_channel *channel, const void *element, uint64_t deadline)
{
    arch_irq_state state = sched_enter();
    int result = channel_send_locked(channel, element);

    if (result == WEFT_EAGAIN)
        result = wait_one_locked(channel, (void *)element, WEFT_SELECT_SEND, deadline);
    sched_leave(state);
    return result;
}

static int receive_until_cycles(struct weft_channel *channel, void *element, uint64_t deadline)
{
    arch_irq_state state = sched_enter();
    int result = channel_receive_locked(channel, element);

    if (result == WEFT_EAGAIN)
        result = wait_one_locked(channel, element, WEFT_SELECT_RECEIVE, deadline);
    sched_leave(state);
    return result;
}

/* Everything but the short ways, which need no frame so. */
static __attribute__((noinline)) int send_for_ever(struct weft_channel *channel,
                                                   const void *element)
{
    return send_until_cycles(channel, element, UINT64_MAX);
}

static __attribute__((noinline)) int receive_for_ever(struct weft_channel *channel, void *element)
{
    return receive_until_cycles(channel, element, UINT64_MAX);
}

/* To the receiver that waits, or for one: no more than that, or the general way. */
static __attribute__((noinline)) int send_directly(struct weft_channel *channel,
                                                   const void *element)
{
    arch_irq_state state = sched_enter();
    struct weft_wait_link *first = channel->receivers.head.next;
    struct weft_thread *receiver;

    if (first != &channel->receivers.head) {
        receiver = plain_partner_locked(first, WAIT_CHANNEL_RECEIVE);
        if (receiver != NULL &&
            copy_usual(select_case_of(first)->element, element, channel->element_bytes))
            return finish_plainly_and_leave(&channel->receivers, receiver, state);
    } else if (!channel->closed && channel->count == channel->capacity &&
               core_self()->preempt_off == 0) {
        return wait_to_send_and_leave(channel, element);
    }
    sched_exit_unswitched(state);
    return send_for_ever(channel, element);
}

/* From the sender that waits, with nothing buffered before it, or for one. */
static __attribute__((noinline)) int receive_directly(struct weft_channel *channel, void *element)
{
    arch_irq_state state = sched_enter();
    struct weft_wait_link *first = channel->senders.head.next;
    struct weft_thread *sender;

    if (first != &channel->senders.head && channel->count == 0) {
        sender = plain_partner_locked(first, WAIT_CHANNEL_SEND);
        if (sender != NULL &&
            copy_usual(element, select_case_of(first)->element, channel->element_bytes))
            return finish_plainly_and_leave(&channel->senders, sender, state);
    } else if (!channel->closed && channel->count == 0 && core_self()->preempt_off == 0) {
        return wait_to_receive_and_leave(channel, element);
    }
    sched_exit_unswitched(state);
    return receive_for_ever(channel, element);
}

/* Misuse, which does not return; or elements without bytes. */
static __attribute__((noinline)) int send_checked(struct weft_channel *channel, const void *element)
{
    check_blocking(channel, element, "weft_channel_send");
    return send_for_ever(channel, element);
}

static __attribute__((noinline)) int receive_checked(struct weft_channel *channel, void *element)
{
    check_blocking(channel, element, "weft_channel_receive");
    return receive_for_ever(channel, element);
}

static inline bool may_block_on(const struct weft_channel *channel, const void *element)
{
    return __builtin_expect(channel != NULL && channel->magic == WEFT_CHANNEL_MAGIC &&
                                element != NULL && !core_in_interrupt(),
                            1);
}

/* The short way: there is room, nobody waits, and the element is a few words. */
int weft_channel_send(struct weft_channel *channel, const void *element)
{
    arch_irq_state state;
    uint32_t count;
    bool sent;

    if (!may_block_on(channel, element))
        return send_checked(channel, element);
    if (channel->capacity == 0)
        return send_directly(channel, element);
    state = sched_enter();
    count = channel->count;
    sent = count != channel->capacity && !channel->closed &&
           wait_queue_empty(&channel->receivers) &&
           copy_usual(slot(channel, count), element, channel->element_bytes);
    if (__builtin_expect(sent, 1))
        channel->count = count + 1;
    sched_exit_unswitched(state);
    return __builtin_expect(sent, 1) ? 0 : send_directly(channel, element);
}

int weft_channel_receive(struct weft_channel *channel, void *element)
{
    arch_irq_state state;
    uint32_t count, next;
    bool received;

    if (!may_block_on(channel, element))
        return receive_checked(channel, element);
    if (channel->capacity == 0)
        return receive_directly(channel, element);
    state = sched_enter();
    count = channel->count;
    next = second(channel); /* before the copy, which might be to anywhere */
    received = count != 0 && wait_queue_empty(&channel->senders) &&
               copy_usual(element, oldest(channel), channel->element_bytes);
    if (__builtin_expect(received, 1)) {
        channel->first = next;
        channel->count = count - 1;
    }
    sched_exit_unswitched(state);
    return __builtin_expect(received, 1) ? 0 : receive_directly(channel, element);
}

int weft_channel_send_until(struct weft_channel *channel, const void *element, uint64_t deadline_ns)
{
    check_blocking(channel, element, "weft_channel_send_until");
    return send_until_cycles(channel, element, tick_ns_to_cycles(deadline_ns));
}

int weft_channel_receive_until(struct weft_channel *channel, void *element, uint64_t deadline_ns)
{
    check_blocking(channel, element, "weft_channel_receive_until");
    return receive_until_cycles(channel, element, tick_ns_to_cycles(deadline_ns));
}

int weft_channel_try_send(struct weft_channel *channel, const void *element)
{
    arch_irq_state state;
    int result;

    channel_check(channel, element, "weft_channel_try_send");
    state = sched_enter();
    result = channel_send_locked(channel, element);
    sched_leave(state);
    return result;
}

int weft_channel_try_receive(struct weft_channel *channel, void *element)
{
    arch_irq_state state;
    int result;

    channel_check(channel, element, "weft_channel_try_receive");
    state = sched_enter();
    result = channel_receive_locked(channel, element);
    sched_leave(state);
    return result;
}

/* ---- closing ---- */

static void close_locked(struct weft_channel *channel)
{
    channel->closed = 1;
    finish_all_locked(&channel->senders, WEFT_ECLOSED);
    finish_all_locked(&channel->receivers, WEFT_ECLOSED); /* they wait, so the buffer is empty */
}

void weft_channel_close(struct weft_channel *channel)
{
    arch_irq_state state;

    object_check(channel, WEFT_CHANNEL_MAGIC, "weft_channel_close", "channel");
    state = sched_enter();
    close_locked(channel);
    sched_leave(state);
}

void weft_channel_destroy(struct weft_channel *channel)
{
    arch_irq_state state;

    object_check_blocking(channel, WEFT_CHANNEL_MAGIC, "weft_channel_destroy", "channel");
    state = sched_enter();
    channel->magic = OBJECT_DESTROYED;
    close_locked(channel);
    sched_leave(state);
}

size_t weft_channel_count(const struct weft_channel *channel)
{
    object_check(channel, WEFT_CHANNEL_MAGIC, "weft_channel_count", "channel");
    return object_load(&channel->count);
}
