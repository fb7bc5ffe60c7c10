/* SPDX-License-Identifier: MIT */
/* Select: one of several exchanges. channel.c has the essay. */
#include <weft/channel.h>

#include "kernel/tick.h"
#include "sched/object.h"
#include "sched/select.h"

static int do_locked(const struct weft_select_case *it)
{
    return it->kind == WEFT_SELECT_SEND ? channel_send_locked(it->channel, it->element)
                                        : channel_receive_locked(it->channel, it->element);
}

int select_wait_locked(struct select_set *set, enum thread_wait reason, const void *object,
                       uint64_t deadline, const char *function)
{
    struct weft_thread *current = thread_current();

    sched_assert_may_block_irqoff(function);
    current->wait_data = set;
    select_enter_locked(current);
    return wait_locked(NULL, reason, object, deadline);
}

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

/* The number of the ready case before which `skip` others are ready. */
static size_t one_of_ready_locked(const struct select_set *set, uint32_t skip)
{
    size_t at = 0;

    while (!ready_locked(&set->cases[at]) || skip-- != 0)
        at++;
    return at;
}

/* Does one of the cases that are ready now; WEFT_EAGAIN when none is. */
static int select_ready_locked(struct select_set *set)
{
    size_t last = 0;
    uint32_t ready = 0;

    for (size_t i = 0; i < set->count; i++) {
        if (ready_locked(&set->cases[i])) {
            ready++;
            last = i;
        }
    }
    if (ready == 0)
        return WEFT_EAGAIN;
    if (ready > 1)
        last = one_of_ready_locked(set, draw_locked(ready));
    set->chosen = last;
    return do_locked(&set->cases[last]);
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
            channel_check(cases[i].channel, cases[i].element, function);
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
        result = select_wait_locked(&set, WAIT_SELECT, cases, deadline, function);
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
