/* SPDX-License-Identifier: MIT */
/*
 * An interrupt at every instruction of what the scenarios do that runs with interrupts on:
 * yielding, ending, stealing (image-mips-threads.c), blocking, handing over, timing out, selecting
 * (image-mips-waits.c), and the collector's (image-mips-collector.c).
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
#define NS_PER_COUNT 6u

extern const uint32_t __text_start[], __text_end[];

/* Where ticks landed; a word's number in the text, limited to it. In the heap: the collector looks
 * through .bss. */
#define WORDS_MAX 65536u
static uint16_t *hits_at, *hits_in_slot;

static struct weft_semaphore disturb = WEFT_SEMAPHORE_INITIALIZER(disturb, 0);
static volatile uint32_t ticks_seen;
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

/* ---- what the scenarios share ---- */

struct weft_semaphore ping = WEFT_SEMAPHORE_INITIALIZER(ping, 0);
struct weft_semaphore pong = WEFT_SEMAPHORE_INITIALIZER(pong, 0);
volatile uint32_t pinged, answered, extra, taken, disturbances;
volatile bool stop;
static struct weft_thread *partner;

struct weft_thread *spawn(int priority, uint32_t on_cores, void *(*entry)(void *), void *argument)
{
    const struct weft_thread_attr attr = {
        .name = "partner", .priority = priority, .cores = on_cores};
    struct weft_thread *thread;

    CHECK(weft_thread_spawn(&thread, &attr, entry, argument) == 0);
    return thread;
}

void join(struct weft_thread *thread)
{
    CHECK(weft_thread_join(thread, NULL) == 0);
}

void nothing(void)
{
}

/* Until the partner waits for the next round. */
void let_partner_wait(void)
{
    struct weft_thread_info info;

    for (;;) {
        CHECK(weft_thread_info(partner, &info) == 0);
        if (info.activity == WEFT_THREAD_BLOCKED && info.wait_object == &ping)
            return;
        weft_thread_sleep_ns(100000);
    }
}

void let_partner_end(void)
{
    CHECK(weft_semaphore_post(&ping) == 0);
}

/* ---- a run, and all of them ---- */

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
    pinged = answered = extra = taken = 0;
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
    play_those(wait_scenarios, WAIT_SCENARIOS, argv[2], rounds);
    play_those(thread_scenarios, THREAD_SCENARIOS, argv[2], rounds);
    play_those(collector_scenarios, COLLECTOR_SCENARIOS, argv[2], rounds);
    if (rounds != 0)
        print_hits();
    printf("%u ticks, %u disturbances\n", (unsigned)ticks_seen, (unsigned)disturbances);
    exit(0);
}
