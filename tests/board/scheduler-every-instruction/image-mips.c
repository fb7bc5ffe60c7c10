/* SPDX-License-Identifier: MIT */
/*
 * An interrupt at every instruction of yielding, blocking, waking, timing out, selecting, ending
 * and (with two cores) stealing that runs with interrupts on.
 *
 * A scenario is run again and again, each time with a tick one count later, and what runs before
 * the tick takes the same time in each of them (begin_between_counts, __wrap_weft_time_ns). The
 * tick takes the core away from the thread it finds: its slice ends, and it wakes a better one,
 * which uses the same objects in between (`disturb`). After each run what went into the objects is
 * compared with what came out. upcall_timer is wrapped (link-flags) and counts where each tick
 * found the program. The host compares these counts with the instructions that QEMU says are
 * executed with interrupts on between window_begin and window_end, in a run with the argument
 * "trace", in which no tick comes (test.c).
 */
#include <string.h>
#include <weft/weft.h>

#include "../firmware.h"
#include "arch/atomic64.h"
#include "arch/clock.h"
#include "arch/mips/frame.h"
#include "arch/trap.h"
#include "kernel/core.h"
#include "kernel/tick.h"
#include "scenario.h"

#define AHEAD_FIRST 24u /* counts: what arming takes */
#define FAR 100000000u  /* counts: after the test */
#define OWN_STACK_BYTES 4096u
#define TIMEOUT_NS 6000u
#define NS_PER_COUNT 6u

extern const uint32_t __text_start[], __text_end[];

/* Where ticks landed; a word's number in the text, limited to it. In the heap: the collector looks
 * through .bss. */
#define WORDS_MAX 65536u
static uint16_t *hits_at, *hits_in_slot;

static struct weft_semaphore disturb = WEFT_SEMAPHORE_INITIALIZER(disturb, 0);
static volatile uint32_t ticks_seen, disturbances;
static volatile bool disturbing;

void __real_atomic64_settle_irqoff(struct arch_frame *frame);
void __wrap_atomic64_settle_irqoff(struct arch_frame *frame);
bool __real_upcall_timer(struct arch_frame *frame);
bool __wrap_upcall_timer(struct arch_frame *frame);
void __real_upcall_sched_slice(struct core *core);
void __wrap_upcall_sched_slice(struct core *core);
uint64_t __wrap_weft_time_ns(void);
uint64_t __wrap_tick_ns_to_cycles(uint64_t ns);
void window_begin(void);
void window_end(void);

/* A tick in a restartable sequence finds the thread before it: where it was, and was put. */
static uintptr_t settled_from, settled_to;

void __wrap_atomic64_settle_irqoff(struct arch_frame *frame)
{
    settled_from = arch_frame_pc(frame);
    __real_atomic64_settle_irqoff(frame);
    settled_to = arch_frame_pc(frame);
}

bool __wrap_upcall_timer(struct arch_frame *frame)
{
    uintptr_t pc = settled_to == arch_frame_pc(frame) ? settled_from : arch_frame_pc(frame);
    uintptr_t word = (pc - (uintptr_t)__text_start) / 4;
    uint16_t *hits;
    uint32_t cause;

    __asm__ volatile("mfc0 %0, $13" : "=r"(cause));
    if (word < WORDS_MAX && hits_in_slot != NULL) {
        hits = (cause & CAUSE_BD) != 0 ? &hits_in_slot[word] : &hits_at[word];
        *hits += *hits < UINT16_MAX;
    }
    settled_from = settled_to = 0;
    return __real_upcall_timer(frame);
}

/*
 * Time as sched/ sees it, converted without a branch: a division of 64 bits takes as long as its
 * numbers say, so what comes behind it would not be where the run before had it, and the sweep
 * would step over it. In QEMU a count of Malta's is 6 ns.
 */
uint64_t __wrap_weft_time_ns(void)
{
    return tick_now() * NS_PER_COUNT;
}

/* By 16 bits at a time. */
uint64_t __wrap_tick_ns_to_cycles(uint64_t ns)
{
    uint32_t high = (uint32_t)(ns >> 32), middle = (uint32_t)ns >> 16, low = ns & 0xffff;

    if (ns == WEFT_FOREVER)
        return UINT64_MAX;
    middle |= high % NS_PER_COUNT << 16;
    low |= middle % NS_PER_COUNT << 16;
    return ((uint64_t)(high / NS_PER_COUNT) << 32) + ((uint64_t)(middle / NS_PER_COUNT) << 16) +
           (low + NS_PER_COUNT - 1) / NS_PER_COUNT;
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

static struct weft_mutex guard = WEFT_MUTEX_INITIALIZER(guard);
static volatile uint32_t guarded;
static uint32_t pool_storage[8];
static struct weft_pool pool;
static uint32_t *volatile mine; /* main's block; then that which the disturber keeps */
static uint32_t *kept;

static void block_begin(void)
{
    CHECK(weft_pool_init(&pool, pool_storage, sizeof pool_storage, 16) == 0);
    kept = NULL;
}

static void count_guarded(void)
{
    uint32_t before;

    weft_mutex_lock(&guard);
    before = guarded;
    __asm__ volatile("nop; nop; nop");
    guarded = before + 1;
    weft_mutex_unlock(&guard);
}

static void block_run(void)
{
    uint32_t *block = weft_pool_try_alloc(&pool);

    CHECK(block != NULL);
    mine = block;
    *block = 7;
    count_guarded();
    CHECK(weft_semaphore_post(&own) == 0);
    CHECK(weft_semaphore_wait(&own) == 0);
    CHECK(*block == 7);
    mine = NULL;
    weft_pool_free(&pool, block);
    pinged = pinged + 1;
    CHECK(weft_semaphore_post(&ping) == 0);
    CHECK(weft_semaphore_wait(&pong) == 0);
    taken = taken + 1;
}

/* Leaves the pool with a block more or less. */
static void take_or_give(void)
{
    if (kept != NULL) {
        CHECK(*kept == 8);
        weft_pool_free(&pool, kept);
        kept = NULL;
    } else {
        kept = weft_pool_try_alloc(&pool);
        CHECK(kept != NULL && kept != mine);
        *kept = 8;
    }
}

static void block_disturb(void)
{
    take_or_give();
    count_guarded();
    extra = extra + 1;
    CHECK(weft_semaphore_post(&pong) == 0);
    CHECK(weft_semaphore_post(&own) == 0); /* between main's look at the count and its change */
}

static void block_check(void)
{
    uint32_t left = 0;

    while (answered != pinged)
        weft_thread_yield();
    CHECK(weft_semaphore_count(&ping) == 0);
    CHECK(weft_pool_used(&pool) == (kept != NULL));
    CHECK(guarded == disturbances + 1);
    guarded = 0;
    while (weft_semaphore_try(&own) == 0)
        left++;
    CHECK(left == disturbances);
    disturbances = 0;
    CHECK(weft_semaphore_count(&pong) == answered + extra - taken);
    while (weft_semaphore_try(&pong) == 0)
        taken = taken + 1;
    CHECK(taken == answered + extra);
}

static void block_end(void) /* `stop` is set */
{
    CHECK(weft_semaphore_post(&ping) == 0);
}

static struct weft_thread *partner;

/* Until the partner waits for the next round. */
static void let_partner_wait(void)
{
    struct weft_thread_info info;

    for (;;) {
        CHECK(weft_thread_info(partner, &info) == 0);
        if (info.activity == WEFT_THREAD_BLOCKED && info.wait_object == &ping)
            return;
        weft_thread_sleep_ns(100000);
    }
}

/* ---- handing over: to a receiver that waits, from a condition variable to its mutex ---- */

static struct weft_channel there = WEFT_CHANNEL_INITIALIZER(there, NULL, sizeof(uint32_t), 0);
static struct weft_condition came = WEFT_CONDITION_INITIALIZER(came);
static volatile uint32_t handed, disturbed;
static uint32_t handing;

static void *hand_on(void *argument)
{
    uint32_t value;

    for (;;) {
        CHECK(weft_channel_receive(&there, &value) == 0);
        if (stop)
            return argument;
        weft_mutex_lock(&guard);
        CHECK(value == handed + 1);
        handed = value;
        weft_condition_signal(&came);
        weft_mutex_unlock(&guard);
    }
}

static void hand_begin(void)
{
    handed = handing = 0;
}

static void hand_run(void)
{
    handing++;
    CHECK(weft_channel_send(&there, &handing) == 0);
    weft_mutex_lock(&guard);
    while (handed != handing)
        CHECK(weft_condition_wait(&came, &guard) == 0);
    weft_mutex_unlock(&guard);
}

static void hand_disturb(void)
{
    weft_mutex_lock(&guard);
    disturbed = disturbed + 1;
    weft_condition_signal(&came);
    weft_mutex_unlock(&guard);
}

static void hand_check(void)
{
    CHECK(handed == handing && disturbed == disturbances);
    weft_thread_yield(); /* the partner waits again */
}

static void hand_end(void) /* `stop` is set */
{
    CHECK(weft_channel_send(&there, &handing) == 0);
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

    weft_thread_yield(); /* the partner waits again, so that the next run wakes it */
    while (weft_channel_try_receive(&buffered, &value) == 0)
        received = received + 1;
    CHECK(sent == received);
    CHECK(weft_channel_try_receive(&direct, &value) == WEFT_EAGAIN);
    let_partner_wait();
}

/* ---- ending ---- */

static void *end_with(void *argument)
{
    return argument;
}

static void end_at(int priority, void *stack)
{
    const struct weft_thread_attr attr = {.name = "short",
                                          .priority = priority,
                                          .stack = stack,
                                          .stack_bytes = stack != NULL ? OWN_STACK_BYTES : 0};
    struct weft_thread *thread;
    void *result = NULL;

    CHECK(weft_thread_spawn(&thread, &attr, end_with, &ping) == 0);
    CHECK(weft_thread_join(thread, &result) == 0);
    CHECK(result == &ping);
}

/* One that has ended when it is joined, in used memory, and one that is waited for, in new memory.
 */
static void end_run(void)
{
    static uint64_t stack[OWN_STACK_BYTES / 8];

    end_at(WEFT_PRIORITY_DEFAULT + 1, NULL);
    end_at(WEFT_PRIORITY_DEFAULT - 1, stack);
}

static void end_disturb(void)
{
    end_at(WEFT_PRIORITY_DEFAULT + 1, NULL);
}

/* As many as it takes for a disturbed run to find used memory. */
static void end_begin(void)
{
    struct weft_thread *threads[4];

    for (unsigned i = 0; i < 4; i++)
        threads[i] = spawn(WEFT_PRIORITY_DEFAULT, 1, end_with, NULL);
    for (unsigned i = 0; i < 4; i++)
        join(threads[i]);
}

static void end_check(void)
{
    CHECK(weft_thread_count() == 2); /* main and the disturber */
}

/* ---- stealing: main's core has nobody left, and takes what waits in the other's queue ---- */

#define HOLDER_PRIORITY (WEFT_PRIORITY_DEFAULT - 2)
#define STOLEN_PRIORITY (WEFT_PRIORITY_DEFAULT - 4)

static struct weft_thread *holder;
static volatile bool held;

/* Keeps core 1, but leaves the emulator's time to core 0. */
static void *hold_core(void *argument)
{
    held = true;
    while (!stop)
        __asm__ volatile("wait");
    return argument;
}

static uint32_t steals(void)
{
    struct weft_sched_stats stats;

    weft_sched_stats(&stats);
    return stats.steals;
}

/* Made ready, it waits for core 1, where a thread of less priority runs than here. */
static void *be_stolen(void *argument)
{
    for (;;) {
        CHECK(weft_semaphore_wait(&ping) == 0);
        if (stop)
            return argument;
        CHECK(weft_core_self() == 0);
        answered = answered + 1;
        weft_thread_yield();
        CHECK(weft_semaphore_post(&pong) == 0);
    }
}

static void steal_begin(void)
{
    holder = spawn(HOLDER_PRIORITY, 2, hold_core, NULL);
    while (!held)
        weft_thread_sleep_ns(1000000);
}

static void steal_run(void)
{
    uint32_t before = steals(), runs = answered;

    CHECK(weft_semaphore_post(&ping) == 0);
    CHECK(weft_semaphore_wait(&pong) == 0);
    CHECK(answered == runs + 1 && steals() != before);
}

static void steal_end(void)
{
    block_end();
    join(holder);
}

/* ---- all of them ---- */

static const struct scenario scenarios[] = {
    {"yield", 1, nothing, take_turns, WEFT_PRIORITY_DEFAULT, yield_run, nothing, nothing, nothing},
    {"block", 1, block_begin, answer, WEFT_PRIORITY_DEFAULT, block_run, block_disturb, block_check,
     block_end},
    {"hand", 1, hand_begin, hand_on, WEFT_PRIORITY_DEFAULT, hand_run, hand_disturb, hand_check,
     hand_end},
    {"timeout", 1, nothing, NULL, 0, timeout_run, timeout_disturb, timeout_check, nothing},
    {"select", 1, nothing, send_direct, WEFT_PRIORITY_DEFAULT, select_run, select_disturb,
     select_check, block_end},
    {"end", 1, end_begin, NULL, 0, end_run, end_disturb, end_check, nothing},
    {"steal", 2, steal_begin, be_stolen, STOLEN_PRIORITY, steal_run, nothing, let_partner_wait,
     steal_end},
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

/*
 * Always at the same place between two counts, so that a tick one count further ahead comes exactly
 * that much later: three instructions take four counts, and of two neighbours that look at Count
 * one pair in three sees it go on by two. The loop has five instructions: it tries all three.
 */
static void begin_between_counts(void)
{
    uint32_t before, after, further;

    __asm__ volatile(".set push; .set noreorder\n"
                     "1: mfc0 %0, $9; mfc0 %1, $9\n"
                     "addiu %2, %0, 2\n"
                     "bne %2, %1, 1b; nop\n"
                     ".set pop"
                     : "=&r"(before), "=&r"(after), "=&r"(further));
}

/* How long it took, its check apart. */
static uint32_t attempt(uint32_t ahead)
{
    uint32_t start, took;

    begin_between_counts();
    start = arch_clock_cycles();
    tick_in(ahead);
    window_begin();
    scenario->run();
    window_end();
    tick_in(FAR);
    took = arch_clock_cycles() - start;
    scenario->check();
    return took;
}

static void sweep(unsigned rounds)
{
    uint32_t took = attempt(FAR), end = AHEAD_FIRST + took + took / 2; /* disturbed: longer */

    end += (end - AHEAD_FIRST + 1) % 2; /* odd: what every other run finds, the next round meets */
    disturbing = true;
    for (unsigned round = 0; round < rounds; round++)
        for (uint32_t ahead = AHEAD_FIRST; ahead < end; ahead++)
            attempt(ahead);
    disturbing = false;
    printf("%s: ticks up to %u counts ahead\n", scenario->name, (unsigned)end);
}

static void play(unsigned rounds)
{
    stop = false;
    partner = NULL;
    scenario->begin();
    pinged = answered = extra = taken = sent = received = 0;
    if (scenario->partner != NULL)
        partner = spawn(scenario->priority, scenario->cores == 1 ? 1 : 3, scenario->partner, NULL);
    weft_thread_sleep_ns(1000000); /* it waits for its first round */
    if (rounds == 0)
        attempt(FAR);
    else
        sweep(rounds);
    stop = true;
    scenario->end();
    if (partner != NULL)
        join(partner);
}

static void play_those(const struct scenario *those, size_t count, const char *names,
                       unsigned rounds)
{
    for (size_t i = 0; i < count; i++) {
        if (strstr(names, those[i].name) == NULL)
            continue;
        CHECK(those[i].cores <= WEFT_CONFIG_CORES);
        scenario = &those[i];
        play(rounds);
    }
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

    CHECK(argc == 3 && __text_end - __text_start <= (int)WORDS_MAX);
    hits_at = calloc(WORDS_MAX, sizeof *hits_at);
    hits_in_slot = calloc(WORDS_MAX, sizeof *hits_in_slot);
    CHECK(hits_at != NULL && hits_in_slot != NULL);
    rounds = strcmp(argv[1], "trace") == 0 ? 0 : (unsigned)atoi(argv[1]);
    spawn(25, 1, disturber, NULL);
    CHECK(weft_thread_set_cores(weft_thread_self(), 1) == 0);
    tick_in(FAR);
    play_those(scenarios, sizeof scenarios / sizeof scenarios[0], argv[2], rounds);
    play_those(collector_scenarios, COLLECTOR_SCENARIOS, argv[2], rounds);
    if (rounds != 0)
        print_hits();
    printf("%u ticks, %u disturbances\n", (unsigned)ticks_seen, (unsigned)disturbances);
    exit(0);
}
