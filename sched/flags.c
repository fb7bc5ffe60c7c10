/* SPDX-License-Identifier: MIT */
/* Event flags. A waiter's wish lies on its own stack, where whoever sets the bits finds it. */
#include <weft/flags.h>

#include "kernel/tick.h"
#include "sched/object.h"

struct wish {
    uint32_t set;
    unsigned mode;
    uint32_t got;
};

static inline void check(const struct weft_flags *flags, const char *function)
{
    object_check(flags, WEFT_FLAGS_MAGIC, function, "event flags object");
}

int weft_flags_init(struct weft_flags *flags, uint32_t bits)
{
    if (flags == NULL)
        return WEFT_EINVAL;
    *flags = (struct weft_flags){.magic = WEFT_FLAGS_MAGIC, .bits = bits};
    wait_queue_init(&flags->waiters);
    return 0;
}

/* Fulfils the wish if the bits are there. */
static bool fulfil_locked(struct weft_flags *flags, struct wish *wish)
{
    uint32_t there = flags->bits & wish->set;

    if (there == 0 || ((wish->mode & WEFT_FLAGS_ALL) != 0 && there != wish->set))
        return false;
    wish->got = flags->bits;
    if ((wish->mode & WEFT_FLAGS_CLEAR) != 0)
        flags->bits &= ~wish->set;
    return true;
}

static bool wish_is_sound(uint32_t set, unsigned mode)
{
    return set != 0 && (mode & ~(WEFT_FLAGS_ALL | WEFT_FLAGS_CLEAR)) == 0;
}

static int wait_until_cycles(struct weft_flags *flags, struct wish *wish, uint64_t deadline)
{
    arch_irq_state state = sched_enter();
    int result = 0;

    if (!fulfil_locked(flags, wish)) {
        sched_assert_may_block_irqoff("weft_flags_wait");
        thread_current()->wait_data = wish;
        result = wait_locked(&flags->waiters, WAIT_FLAGS, flags, deadline);
    }
    sched_exit(state);
    return result;
}

static int wait_for(struct weft_flags *flags, uint32_t set, unsigned mode, uint32_t *got,
                    uint64_t deadline)
{
    struct wish wish = {set, mode, 0};
    int result;

    if (!wish_is_sound(set, mode))
        return WEFT_EINVAL;
    result = wait_until_cycles(flags, &wish, deadline);
    if (got != NULL)
        *got = wish.got;
    return result;
}

int weft_flags_wait(struct weft_flags *flags, uint32_t set, unsigned mode, uint32_t *got)
{
    object_check_blocking(flags, WEFT_FLAGS_MAGIC, "weft_flags_wait", "event flags object");
    return wait_for(flags, set, mode, got, UINT64_MAX);
}

int weft_flags_wait_until(struct weft_flags *flags, uint32_t set, unsigned mode, uint32_t *got,
                          uint64_t deadline_ns)
{
    object_check_blocking(flags, WEFT_FLAGS_MAGIC, "weft_flags_wait_until", "event flags object");
    return wait_for(flags, set, mode, got, tick_ns_to_cycles(deadline_ns));
}

int weft_flags_try(struct weft_flags *flags, uint32_t set, unsigned mode, uint32_t *got)
{
    struct wish wish = {set, mode, 0};
    arch_irq_state state;
    bool fulfilled;

    check(flags, "weft_flags_try");
    if (!wish_is_sound(set, mode))
        return WEFT_EINVAL;
    state = sched_enter();
    fulfilled = fulfil_locked(flags, &wish);
    sched_exit(state);
    if (got != NULL)
        *got = wish.got;
    return fulfilled ? 0 : WEFT_EAGAIN;
}

void weft_flags_set(struct weft_flags *flags, uint32_t bits)
{
    struct weft_wait_link *at;
    arch_irq_state state;

    check(flags, "weft_flags_set");
    state = sched_enter();
    flags->bits |= bits;
    at = flags->waiters.head.next;
    while (at != &flags->waiters.head) {
        struct weft_thread *waiter = runq_thread_of(at);

        at = at->next;
        if (fulfil_locked(flags, waiter->wait_data))
            wait_wake_locked(waiter, 0);
    }
    sched_leave(state);
}

void weft_flags_clear(struct weft_flags *flags, uint32_t bits)
{
    arch_irq_state state;

    check(flags, "weft_flags_clear");
    state = sched_enter();
    flags->bits &= ~bits;
    sched_exit(state);
}

uint32_t weft_flags_get(const struct weft_flags *flags)
{
    check(flags, "weft_flags_get");
    return object_load(&flags->bits);
}

void weft_flags_destroy(struct weft_flags *flags)
{
    arch_irq_state state;

    object_check_blocking(flags, WEFT_FLAGS_MAGIC, "weft_flags_destroy", "event flags object");
    state = sched_enter();
    flags->magic = OBJECT_DESTROYED;
    wait_wake_all_locked(&flags->waiters, WEFT_ECLOSED);
    sched_leave(state);
}
