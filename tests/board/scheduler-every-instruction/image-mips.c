/* SPDX-License-Identifier: MIT */
/*
 * An interrupt at every instruction of yielding, blocking, waking, timing out, selecting, ending
 * and (with two cores) stealing that runs with interrupts on.
 *
 * A scenario is run again and again, each time with a tick a little later, and some nops that shift
 * the phase. The tick takes the core away from the thread it finds: its slice ends, and it wakes a
 * better one, which uses the same objects in between (`disturb`). After each run what went into the
 * objects is compared with what came out. upcall_timer is wrapped (link-flags) and counts where
 * each tick found the program. The host compares these counts with the instructions that QEMU says
 * are executed with interrupts on between window_begin and window_end, in a run with the argument
 * "trace", in which no tick comes (test.c).
 */
#include <string.h>
#include <weft/weft.h>

#include "../firmware.h"
#include "arch/clock.h"
#include "arch/mips/frame.h"
#include "arch/trap.h"
#include "kernel/core.h"
#include "kernel/tick.h"

#define PHASES 8u
#define AHEAD_FIRST 24u /* counts: what arming takes */
#define FAR 100000000u  /* counts: after the test */
#define TIMEOUT_NS 12000u

extern const uint32_t __text_start[], __rodata_start[];

/* Where ticks landed; a word's number in the text, limited to it. */
#define WORDS_MAX 65536u
static uint16_t hits_at[WORDS_MAX], hits_in_slot[WORDS_MAX];

static struct weft_semaphore disturb = WEFT_SEMAPHORE_INITIALIZER(disturb, 0);
static volatile uint32_t ticks_seen, disturbances;
static volatile bool disturbing;

bool __real_upcall_timer(struct arch_frame *frame);
bool __wrap_upcall_timer(struct arch_frame *frame);
void __real_upcall_sched_slice(struct core *core);
void __wrap_upcall_sched_slice(struct core *core);
void window_begin(void);
void window_end(void);

bool __wrap_upcall_timer(struct arch_frame *frame)
{
    uintptr_t word = (arch_frame_pc(frame) - (uintptr_t)__text_start) / 4;
    uint16_t *hits;
    uint32_t cause;

    __asm__ volatile("mfc0 %0, $13" : "=r"(cause));
    if (word < WORDS_MAX) {
        hits = (cause & CAUSE_BD) != 0 ? &hits_in_slot[word] : &hits_at[word];
        *hits += *hits < UINT16_MAX;
    }
    return __real_upcall_timer(frame);
}

/* The slice is over, and somebody better is ready. */
void __wrap_upcall_sched_slice(struct core *core)
{
    ticks_seen++;
    core->tick_period = FAR;
    if (disturbing)
        CHECK(weft_semaphore_post(&disturb) == 0);
    __real_upcall_sched_slice(core);
}

/* The next tick of this core, `ahead` counts from now. */
static void tick_in(uint32_t ahead)
{
    arch_irq_state state = arch_irq_save();
    struct core *core = core_self();

    core->tick_period = FAR;
    core->tick_deadline = arch_clock_now_irqoff() + ahead;
    arch_clock_arm_irqoff(core->tick_deadline);
    arch_irq_restore(state);
}

/* The host reads the trace between these two. */
__attribute__((noinline)) void window_begin(void)
{
    __asm__ volatile("");
}

__attribute__((noinline)) void window_end(void)
{
    __asm__ volatile("");
}

static struct weft_thread *spawn(int priority, uint32_t on_cores, void *(*entry)(void *),
                                 void *argument)
{
    const struct weft_thread_attr attr = {
        .name = "partner", .priority = priority, .cores = on_cores};
    struct weft_thread *thread;

    CHECK(weft_thread_spawn(&thread, &attr, entry, argument) == 0);
    return thread;
}

static void join(struct weft_thread *thread)
{
    CHECK(weft_thread_join(thread, NULL) == 0);
}

static void nothing(void)
{
}

static volatile bool stop;

/* ---- yielding ---- */

static volatile uint32_t turns;

static void *take_turns(void *argument)
{
    while (!stop) {
        turns = turns + 1;
        weft_thread_yield();
    }
    return argument;
}

static void yield_run(void)
{
    uint32_t before = turns;

    weft_thread_yield();
    CHECK(turns != before);
}

/* ---- blocking and waking ---- */

static struct weft_semaphore ping = WEFT_SEMAPHORE_INITIALIZER(ping, 0);
static struct weft_semaphore pong = WEFT_SEMAPHORE_INITIALIZER(pong, 0);
static struct weft_semaphore own = WEFT_SEMAPHORE_INITIALIZER(own, 0);
static volatile uint32_t pinged, answered, extra, taken;

static void *answer(void *argument)
{
    for (;;) {
        CHECK(weft_semaphore_wait(&ping) == 0);
        if (stop)
            return argument;
        CHECK(weft_semaphore_post(&pong) == 0);
        answered = answered + 1;
    }
}

static void block_run(void)
{
    CHECK(weft_semaphore_post(&own) == 0);
    CHECK(weft_semaphore_wait(&own) == 0);
    pinged = pinged + 1;
    CHECK(weft_semaphore_post(&ping) == 0);
    CHECK(weft_semaphore_wait(&pong) == 0);
    taken = taken + 1;
}

static void block_disturb(void)
{
    extra = extra + 1;
    CHECK(weft_semaphore_post(&pong) == 0);
}

static void block_check(void)
{
    while (answered != pinged)
        weft_thread_yield();
    CHECK(weft_semaphore_count(&ping) == 0 && weft_semaphore_count(&own) == 0);
    CHECK(weft_semaphore_count(&pong) == answered + extra - taken);
    while (weft_semaphore_try(&pong) == 0)
        taken = taken + 1;
    CHECK(taken == answered + extra);
}

static void block_end(void)
{
    CHECK(weft_semaphore_post(&ping) == 0);
}

/* ---- timing out ---- */

static struct weft_semaphore late = WEFT_SEMAPHORE_INITIALIZER(late, 0);

static void timeout_run(void)
{
    uint64_t deadline = weft_time_ns() + TIMEOUT_NS;
    int result = weft_semaphore_wait_until(&late, deadline);

    if (result == 0)
        taken = taken + 1;
    else
        CHECK(result == WEFT_ETIMEDOUT && weft_time_ns() >= deadline);
    deadline = weft_time_ns() + TIMEOUT_NS;
    weft_thread_sleep_until_ns(deadline);
    CHECK(weft_time_ns() >= deadline);
}

static void timeout_disturb(void)
{
    extra = extra + 1;
    CHECK(weft_semaphore_post(&late) == 0);
}

static void timeout_check(void)
{
    while (weft_semaphore_try(&late) == 0)
        taken = taken + 1;
    CHECK(taken == extra);
}

/* ---- selecting ---- */

static uint32_t storage[1];
static struct weft_channel buffered =
    WEFT_CHANNEL_INITIALIZER(buffered, storage, sizeof storage[0], 1);
static struct weft_channel direct = WEFT_CHANNEL_INITIALIZER(direct, NULL, sizeof storage[0], 0);
static volatile uint32_t sent, received;

static void *send_direct(void *argument)
{
    for (uint32_t value = 1;; value++) {
        CHECK(weft_semaphore_wait(&ping) == 0);
        if (stop)
            return argument;
        CHECK(weft_channel_send(&direct, &value) == 0);
    }
}

static uint32_t expected = 1;

static void select_run(void)
{
    uint32_t value = 7, got = 0;
    struct weft_select_case send[] = {
        {.kind = WEFT_SELECT_SEND, .channel = &buffered, .element = &value},
        {.kind = WEFT_SELECT_RECEIVE, .channel = &direct, .element = &got}};
    struct weft_select_case receive[] = {
        {.kind = WEFT_SELECT_RECEIVE, .channel = &buffered, .element = &value},
        {.kind = WEFT_SELECT_RECEIVE, .channel = &direct, .element = &got}};
    size_t chosen = 1;

    if (weft_select_until(send, 2, &chosen, weft_time_ns() + TIMEOUT_NS) == 0) {
        CHECK(chosen == 0);
        sent = sent + 1;
    }
    CHECK(weft_semaphore_post(&ping) == 0);
    do {
        CHECK(weft_select_until(receive, 2, &chosen, WEFT_FOREVER) == 0);
        if (chosen == 0) {
            CHECK(value == 7);
            received = received + 1;
        }
    } while (chosen != 1);
    CHECK(got == expected);
    expected++;
}

static void select_disturb(void)
{
    uint32_t value = 7;

    if (weft_channel_try_send(&buffered, &value) == 0)
        sent = sent + 1;
    else if (weft_channel_try_receive(&buffered, &value) == 0)
        received = received + 1;
}

static void select_check(void)
{
    uint32_t value;

    while (weft_channel_try_receive(&buffered, &value) == 0)
        received = received + 1;
    CHECK(sent == received);
    CHECK(weft_channel_try_receive(&direct, &value) == WEFT_EAGAIN);
}

/* ---- ending ---- */

static void *end_with(void *argument)
{
    return argument;
}

static void end_at(int priority)
{
    struct weft_thread *thread = spawn(priority, 0, end_with, &ping);
    void *result = NULL;

    CHECK(weft_thread_join(thread, &result) == 0);
    CHECK(result == &ping);
}

/* One that has ended when it is joined, and one that is waited for. */
static void end_run(void)
{
    end_at(WEFT_PRIORITY_DEFAULT + 1);
    end_at(WEFT_PRIORITY_DEFAULT - 1);
}

static void end_disturb(void)
{
    end_at(WEFT_PRIORITY_DEFAULT + 1);
}

static void end_check(void)
{
    CHECK(weft_thread_count() == 2); /* main and the disturber */
}

/* ---- stealing: main's core goes idle and takes what waits in the other's queue ---- */

static volatile uint32_t stolen_runs, stolen_core;
static volatile bool holding;

static void *hold_core(void *argument)
{
    while (!stop)
        holding = true;
    return argument;
}

static void *be_stolen(void *argument)
{
    for (;;) {
        CHECK(weft_semaphore_wait(&ping) == 0);
        if (stop)
            return argument;
        stolen_runs = stolen_runs + 1;
        stolen_core = weft_core_self();
        weft_thread_yield();
        CHECK(weft_semaphore_post(&pong) == 0);
    }
}

static void steal_run(void)
{
    uint32_t before = stolen_runs;

    CHECK(weft_semaphore_post(&ping) == 0);
    CHECK(weft_semaphore_wait(&pong) == 0);
    CHECK(stolen_runs == before + 1 && stolen_core == 0);
}

/* ---- all of them ---- */

static const struct scenario {
    const char *name;
    void *(*partner)(void *argument); /* NULL: none */
    void (*run)(void);
    void (*disturb)(void);
    void (*check)(void);
    void (*end)(void);
} scenarios[] = {
    {"yield", take_turns, yield_run, nothing, nothing, nothing},
    {"block", answer, block_run, block_disturb, block_check, block_end},
    {"timeout", NULL, timeout_run, timeout_disturb, timeout_check, nothing},
    {"select", send_direct, select_run, select_disturb, select_check, block_end},
    {"end", NULL, end_run, end_disturb, end_check, nothing},
    {"steal", be_stolen, steal_run, nothing, nothing, block_end},
};

static const struct scenario *scenario;

static void *disturber(void *argument)
{
    for (;;) {
        CHECK(weft_semaphore_wait(&disturb) == 0);
        disturbances++;
        scenario->disturb();
    }
    return argument;
}

static void attempt(uint32_t ahead, unsigned phase)
{
    tick_in(ahead);
    for (unsigned i = 0; i < phase; i++)
        __asm__ volatile("nop");
    window_begin();
    scenario->run();
    window_end();
    tick_in(FAR);
    scenario->check();
}

/* How long an undisturbed run takes, and half as long again. */
static uint32_t length(void)
{
    uint32_t start = arch_clock_cycles(), took;

    attempt(FAR, 0);
    took = arch_clock_cycles() - start;
    return took + took / 2 + AHEAD_FIRST;
}

static void sweep(unsigned rounds)
{
    uint32_t end = length();

    disturbing = true;
    for (unsigned round = 0; round < rounds; round++)
        for (uint32_t ahead = AHEAD_FIRST; ahead < end; ahead++)
            attempt(ahead, (ahead + round) % PHASES);
    disturbing = false;
    printf("%s: %u instructions' time\n", scenario->name, (unsigned)end);
}

static void play(unsigned rounds)
{
    struct weft_thread *partner = NULL;

    stop = false;
    pinged = answered = extra = taken = sent = received = 0;
    if (scenario->partner != NULL)
        partner = spawn(WEFT_PRIORITY_DEFAULT, 1, scenario->partner, NULL);
    weft_thread_yield();
    if (rounds == 0)
        attempt(FAR, 0);
    else
        sweep(rounds);
    stop = true;
    scenario->end();
    if (partner != NULL)
        join(partner);
}

static void print_hits(void)
{
    for (uint32_t word = 0; word < WORDS_MAX; word++)
        if (hits_at[word] != 0 || hits_in_slot[word] != 0)
            printf("hit %08x %u %u\n", (unsigned)(uintptr_t)&__text_start[word], hits_at[word],
                   hits_in_slot[word]);
}

/* "trace", or how many rounds; then the scenario's name. */
int main(int argc, char **argv)
{
    unsigned rounds;

    CHECK(argc == 3 && __rodata_start - __text_start <= (int)WORDS_MAX);
    rounds = strcmp(argv[1], "trace") == 0 ? 0 : (unsigned)atoi(argv[1]);
    spawn(25, 1, disturber, NULL);
    (void)hold_core;
    tick_in(FAR);
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
        if (strstr(argv[2], scenarios[i].name) == NULL)
            continue;
        scenario = &scenarios[i];
        play(rounds);
    }
    if (rounds != 0)
        print_hits();
    printf("%u ticks, %u disturbances\n", (unsigned)ticks_seen, (unsigned)disturbances);
    exit(0);
}
