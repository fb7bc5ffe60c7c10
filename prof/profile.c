/* SPDX-License-Identifier: MIT */
/*
 * The profiler as programs see it: start, stop, rate, totals, send. The samplers (prof/sampler.c)
 * do the work, one per core; prof/send.c knows the line, prof/wall.c the blocked threads.
 *
 * A profile is in one state; a call that does not fit it fails with an error instead of waiting, so
 * two threads that start, stop or send at once can't mix.
 */
#include <weft/profile.h>

#include <weft/thread.h>

#include "arch/irq.h"
#include "kernel/assert.h"
#include "kernel/core.h"
#include "kernel/cores.h"
#include "kernel/shared.h"
#include "kernel/upcall.h"
#include "prof/sampler.h"
#include "prof/send.h"
#include "prof/wall.h"

#define RATE_MIN_HZ 10
#define RATE_MAX_HZ 20000
#define SENDER_PAUSE_NS 5000000u /* the sender found nothing: how long it sleeps */
#define SENDER_STACK_BYTES 8192

enum profile_state {
    PROFILE_NEVER,
    PROFILE_RUNNING,
    PROFILE_STOPPED,
    PROFILE_SENT, /* it was streamed, and is over */
    PROFILE_CHANGING
};

static uint32_t profile_state = PROFILE_NEVER;

/* The running or last profile: of whoever has made the state PROFILE_CHANGING. */
static struct {
    struct weft_profile_options options;
    struct weft_thread *sender; /* WEFT_PROFILE_LOG_STREAM */
    uint32_t sender_ends;
} profile;

static bool state_take(enum profile_state from)
{
    uint32_t expected = from;

    return __atomic_compare_exchange_n(&profile_state, &expected, PROFILE_CHANGING, false,
                                       __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

static void state_set(enum profile_state to)
{
    __atomic_store_n(&profile_state, to, __ATOMIC_RELEASE);
}

static void ask_all_cores(enum sampler_wish wish, uint32_t rate_hz, uint32_t flags)
{
    sampler_ask(wish, rate_hz, flags);
    while (!sampler_followed())
        weft_thread_yield();
}

/* ---- the sending thread ---- */

static void *sender(void *argument)
{
    (void)argument;
    send_headers();
    while (__atomic_load_n(&profile.sender_ends, __ATOMIC_ACQUIRE) == 0)
        if (!send_settled())
            weft_thread_sleep_ns(SENDER_PAUSE_NS);
    return NULL;
}

static int sender_start(void)
{
    const struct weft_thread_attr attr = {.name = "profile sender",
                                          .priority = profile.options.sender_priority,
                                          .stack_bytes = SENDER_STACK_BYTES};

    profile.sender_ends = 0;
    return weft_thread_spawn(&profile.sender, &attr, sender, NULL);
}

/* The samplers have stopped: the sender lets go of the log, and the rest is sent from here. */
static void sender_finish(void)
{
    __atomic_store_n(&profile.sender_ends, 1, __ATOMIC_RELEASE);
    (void)!weft_thread_join(profile.sender, NULL);
    profile.sender = NULL;
    send_all(false);
}

/* ---- what programs call ---- */

/* What the kernel calls from now on. */
static const struct upcall_profiler profiler = {upcall_sample, upcall_waited, upcall_profile_crash};

static uint32_t flags_of(const struct weft_profile_options *options)
{
    return (options->log == WEFT_PROFILE_LOG_NEWEST   ? LOG_KEEPS_NEWEST
            : options->log == WEFT_PROFILE_LOG_STREAM ? LOG_STREAMED
                                                      : 0u) |
           (options->wall ? LOG_WALL : 0u) | (options->remote ? LOG_REMOTE : 0u);
}

static bool rate_is_valid(uint32_t rate_hz)
{
    return rate_hz >= RATE_MIN_HZ && rate_hz <= RATE_MAX_HZ;
}

/* Looked at before the last profile's log is given up for a new one. */
static bool options_are_valid(const struct weft_profile_options *options)
{
    return options != NULL && rate_is_valid(options->rate_hz) &&
           options->log <= WEFT_PROFILE_LOG_STREAM && !(options->wall && options->remote) &&
           (options->log != WEFT_PROFILE_LOG_STREAM ||
            (unsigned)options->sender_priority <= WEFT_PRIORITY_HIGHEST);
}

int weft_profile_start_with(const struct weft_profile_options *options)
{
    int error = 0;

    ASSERT(!core_in_interrupt());
    if (!options_are_valid(options))
        return WEFT_EINVAL;
    if (!state_take(PROFILE_NEVER) && !state_take(PROFILE_STOPPED) && !state_take(PROFILE_SENT))
        return WEFT_EBUSY;
    SHARED_STORE(upcall_profiler, &profiler);
    profile.options = *options;
    ask_all_cores(SAMPLER_START, options->rate_hz, flags_of(options));
    if (options->log == WEFT_PROFILE_LOG_STREAM)
        error = sender_start();
    if (error != 0) {
        ask_all_cores(SAMPLER_STOP, 0, 0);
        state_set(PROFILE_SENT); /* there is nothing to send */
        return error;
    }
    if (options->wall)
        wall_start();
    state_set(PROFILE_RUNNING);
    return 0;
}

int weft_profile_start(uint32_t rate_hz)
{
    return weft_profile_start_with(&(struct weft_profile_options){.rate_hz = rate_hz});
}

int weft_profile_rate_set(uint32_t rate_hz)
{
    ASSERT(!core_in_interrupt());
    if (!rate_is_valid(rate_hz))
        return WEFT_EINVAL;
    if (!state_take(PROFILE_RUNNING))
        return WEFT_ESTATE;
    ask_all_cores(SAMPLER_RATE, rate_hz, 0);
    state_set(PROFILE_RUNNING);
    return 0;
}

int weft_profile_stop(void)
{
    ASSERT(!core_in_interrupt());
    if (!state_take(PROFILE_RUNNING))
        return WEFT_ESTATE;
    if (profile.options.wall)
        wall_stop();
    ask_all_cores(SAMPLER_STOP, 0, 0);
    if (profile.sender != NULL) {
        sender_finish();
        state_set(PROFILE_SENT);
    } else {
        state_set(PROFILE_STOPPED);
    }
    return 0;
}

void weft_profile_totals(struct weft_profile_totals *totals)
{
    *totals = (struct weft_profile_totals){0};
    for (unsigned i = 0; i < WEFT_CONFIG_CORES; i++) {
        struct weft_profile_totals one;

        sampler_totals(&samplers[i], &one);
        totals->ticks += one.ticks;
        totals->recorded += one.recorded;
        totals->lost_atomic64 += one.lost_atomic64;
        totals->lost_full += one.lost_full;
        totals->lost_nolock += one.lost_nolock;
        totals->suppressed += one.suppressed;
        totals->waited += one.waited;
        totals->waited_lost += one.waited_lost;
    }
}

int weft_profile_send(void)
{
    ASSERT(!core_in_interrupt());
    if (!state_take(PROFILE_STOPPED))
        return WEFT_ESTATE;
    send_all(true);
    state_set(PROFILE_STOPPED);
    return 0;
}

void upcall_profile_crash(void)
{
    arch_irq_state state = arch_irq_save();

    for (unsigned core = 0; core < WEFT_CONFIG_CORES; core++)
        if ((cores_online() >> core & 1) != 0)
            sampler_crash_irqoff(&samplers[core]);
    if (state_take(PROFILE_RUNNING)) {
        send_all(profile.sender == NULL);
        state_set(PROFILE_STOPPED);
    }
    arch_irq_restore(state);
}
