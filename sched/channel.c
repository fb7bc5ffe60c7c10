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

static inline void check(const struct weft_channel *channel, const void *element,
                         const char *function)
{
    object_check(channel, WEFT_CHANNEL_MAGIC, function, "channel");
    if (__builtin_expect(element == NULL && channel->element_bytes != 0, 0))
        weft_panic("%s: the element is NULL", function);
}

static inline void check_blocking(const struct weft_channel *channel, const void *element,
                                  const char *function)
{
    check(channel, element, function);
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

/* The oldest element has been copied. */
static inline void take_out(struct weft_channel *channel)
{
    channel->first = channel->first + 1 == channel->capacity ? 0 : channel->first + 1;
    channel->count--;
}

static void take(struct weft_channel *channel, void *element)
{
    copy_element(element, slot(channel, 0), channel->element_bytes);
    take_out(channel);
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

static int send_locked(struct weft_channel *channel, const void *element)
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

static int receive_locked(struct weft_channel *channel, void *element)
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

static int do_locked(const struct weft_select_case *it)
{
    return it->kind == WEFT_SELECT_SEND ? send_locked(it->channel, it->element)
                                        : receive_locked(it->channel, it->element);
}

/* ---- waiting ---- */

static int wait_for_locked(struct select_set *set, enum thread_wait reason, const void *object,
                           uint64_t deadline, const char *function)
{
    struct weft_thread *current = thread_current();

    sched_assert_may_block_irqoff(function);
    current->wait_data = set;
    select_enter_locked(current);
    return wait_locked(NULL, reason, object, deadline);
}

/* Off the fast path's frame: the case and the set are 40 bytes. */
static __attribute__((noinline)) int wait_one_locked(struct weft_channel *channel, void *element,
                                                     enum weft_select_kind kind, uint64_t deadline)
{
    struct weft_select_case it = {.kind = kind, .channel = channel, .element = element};
    struct select_set set = {&it, 1, 0};
    bool send = kind == WEFT_SELECT_SEND;

    return wait_for_locked(&set, send ? WAIT_CHANNEL_SEND : WAIT_CHANNEL_RECEIVE, channel, deadline,
                           send ? "weft_channel_send" : "weft_channel_receive");
}

static int send_until_cycles(struct weft_channel *channel, const void *element, uint64_t deadline)
{
    arch_irq_state state = sched_enter();
    int result = send_locked(channel, element);

    if (result == WEFT_EAGAIN)
        result = wait_one_locked(channel, (void *)element, WEFT_SELECT_SEND, deadline);
    sched_leave(state);
    return result;
}

static int receive_until_cycles(struct weft_channel *channel, void *element, uint64_t deadline)
{
    arch_irq_state state = sched_enter();
    int result = receive_locked(channel, element);

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
    bool sent;

    if (!may_block_on(channel, element))
        return send_checked(channel, element);
    if (channel->capacity == 0)
        return send_for_ever(channel, element);
    state = sched_enter();
    sent = channel->count != channel->capacity && !channel->closed &&
           wait_queue_empty(&channel->receivers) &&
           copy_usual(slot(channel, channel->count), element, channel->element_bytes);
    if (__builtin_expect(sent, 1))
        channel->count++;
    sched_exit_unswitched(state);
    return __builtin_expect(sent, 1) ? 0 : send_for_ever(channel, element);
}

int weft_channel_receive(struct weft_channel *channel, void *element)
{
    arch_irq_state state;
    bool received;

    if (!may_block_on(channel, element))
        return receive_checked(channel, element);
    if (channel->capacity == 0)
        return receive_for_ever(channel, element);
    state = sched_enter();
    received = channel->count != 0 && wait_queue_empty(&channel->senders) &&
               copy_usual(element, slot(channel, 0), channel->element_bytes);
    if (__builtin_expect(received, 1))
        take_out(channel);
    sched_exit_unswitched(state);
    return __builtin_expect(received, 1) ? 0 : receive_for_ever(channel, element);
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

    check(channel, element, "weft_channel_try_send");
    state = sched_enter();
    result = send_locked(channel, element);
    sched_leave(state);
    return result;
}

int weft_channel_try_receive(struct weft_channel *channel, void *element)
{
    arch_irq_state state;
    int result;

    check(channel, element, "weft_channel_try_receive");
    state = sched_enter();
    result = receive_locked(channel, element);
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

/* ---- select ---- */

static bool ready_locked(const struct weft_select_case *it)
{
    const struct weft_channel *channel = it->channel;

    if (channel == NULL)
        return false;
    if (channel->closed)
        return true;
    if (it->kind == WEFT_SELECT_SEND)
        return channel->count < channel->capacity || !wait_queue_empty(&channel->receivers);
    return channel->count != 0 || !wait_queue_empty(&channel->senders);
}

/* A number below `limit`, each about as likely: the high half of a product with the state of a
 * xorshift generator (G. Marsaglia, "Xorshift RNGs", J. Statistical Software 8(14), 2003). */
static uint32_t draw_locked(uint32_t limit)
{
    static uint32_t state = 2463534242u;

    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return (uint32_t)((uint64_t)state * limit >> 32);
}

/* Does one of the cases that are ready now; WEFT_EAGAIN when none is. */
static int select_ready_locked(struct select_set *set)
{
    uint32_t ready = 0, skip;

    for (size_t i = 0; i < set->count; i++)
        ready += ready_locked(&set->cases[i]);
    if (ready == 0)
        return WEFT_EAGAIN;
    skip = ready > 1 ? draw_locked(ready) : 0;
    for (size_t i = 0;; i++) {
        if (ready_locked(&set->cases[i]) && skip-- == 0) {
            set->chosen = i;
            return do_locked(&set->cases[i]);
        }
    }
}

static int check_cases(const struct weft_select_case *cases, size_t count, const size_t *chosen,
                       const char *function)
{
    if (cases == NULL || count == 0 || chosen == NULL)
        return WEFT_EINVAL;
    for (size_t i = 0; i < count; i++) {
        if (cases[i].kind != WEFT_SELECT_SEND && cases[i].kind != WEFT_SELECT_RECEIVE)
            return WEFT_EINVAL;
        if (cases[i].channel != NULL)
            check(cases[i].channel, cases[i].element, function);
    }
    return 0;
}

static int select_until_cycles(struct weft_select_case *cases, size_t count, size_t *chosen,
                               uint64_t deadline, const char *function)
{
    struct select_set set = {cases, count, 0};
    int result = check_cases(cases, count, chosen, function);
    arch_irq_state state;

    if (__builtin_expect(core_in_interrupt(), 0))
        object_in_interrupt(function);
    if (result != 0)
        return result;
    state = sched_enter();
    result = select_ready_locked(&set);
    if (result == WEFT_EAGAIN)
        result = wait_for_locked(&set, WAIT_SELECT, cases, deadline, function);
    sched_leave(state);
    *chosen = set.chosen;
    return result;
}

int weft_select(struct weft_select_case *cases, size_t count, size_t *chosen)
{
    return select_until_cycles(cases, count, chosen, UINT64_MAX, "weft_select");
}

int weft_select_until(struct weft_select_case *cases, size_t count, size_t *chosen,
                      uint64_t deadline_ns)
{
    return select_until_cycles(cases, count, chosen, tick_ns_to_cycles(deadline_ns),
                               "weft_select_until");
}

int weft_select_try(struct weft_select_case *cases, size_t count, size_t *chosen)
{
    struct select_set set = {cases, count, 0};
    int result = check_cases(cases, count, chosen, "weft_select_try");
    arch_irq_state state;

    if (result != 0)
        return result;
    state = sched_enter();
    result = select_ready_locked(&set);
    sched_leave(state);
    *chosen = set.chosen;
    return result;
}
