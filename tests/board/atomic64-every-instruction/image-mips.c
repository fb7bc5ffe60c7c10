/* SPDX-License-Identifier: MIT */
/*
 * An interrupt at every instruction of every 64-bit atomic (requirements C).
 *
 * For each operation, again and again: a tick is armed a few counts ahead, a few nops shift the
 * phase, and the operation runs. upcall_timer is wrapped (link-flags) and counts where the tick
 * found the program, branch and delay slot apart; that histogram is the oracle. The second argument
 * says what happens in the tick: "once" nothing more; "twice" another tick follows as soon as it
 * can; "thousand" 999 more do; "handler" the handler uses an atomic on the same word. Each result
 * is compared with what the operation should have given, and the profile's totals with the ticks
 * that came.
 */
#include <string.h>
#include <weft/atomic.h>
#include <weft/weft.h>

#include "../firmware.h"
#include "arch/clock.h"
#include "arch/mips/frame.h"
#include "arch/trap.h"
#include "kernel/core.h"
#include "kernel/tick.h"

#define SLOT_WORDS 32
#define SLOTS 11
#define PHASES 8
#define AHEAD_FIRST 40 /* counts: arming and calling take about as long */
#define AHEAD_COUNT 150
#define FAR 100000000u  /* counts: after the test */
#define BURST_PERIOD 24 /* counts from one tick's end to the next, at most */

extern const uint32_t __atomic64_start[], __atomic64_end[], atomic64_released[];

static struct {
    uint32_t at, in_slot; /* at the instruction; in its delay slot */
} hits[SLOTS * SLOT_WORDS];
static volatile uint32_t ticks_seen;
static uint32_t missed_before;
static bool handler_uses_word;
static uint64_t word __attribute__((aligned(8)));
static volatile uint32_t handler_adds;
static volatile uint32_t burst_left; /* ticks that are to follow this one at once */

bool __real_upcall_timer(struct arch_frame *frame);
bool __wrap_upcall_timer(struct arch_frame *frame);
void __real_upcall_sched_slice(struct core *core);
void __wrap_upcall_sched_slice(struct core *core);

bool __wrap_upcall_timer(struct arch_frame *frame)
{
    struct core *core = core_self();
    uintptr_t offset = arch_frame_pc(frame) - (uintptr_t)__atomic64_start;
    uint32_t cause;

    __asm__ volatile("mfc0 %0, $13" : "=r"(cause));
    if (offset < (uintptr_t)__atomic64_end - (uintptr_t)__atomic64_start) {
        hits[offset / 4].at += (cause & CAUSE_BD) == 0;
        hits[offset / 4].in_slot += (cause & CAUSE_BD) != 0;
    }
    missed_before = core->ticks_missed;
    return __real_upcall_timer(frame);
}

#define HANDLER_VALUE 0x100000000ull

/* In the tick, after the interrupted operation was settled. One that is late stands for those that
 * came due meanwhile, as in the profile. */
void __wrap_upcall_sched_slice(struct core *core)
{
    ticks_seen += 1 + core->ticks_missed - missed_before;
    core->tick_period = burst_left > 0 ? BURST_PERIOD : FAR;
    burst_left -= burst_left > 0;
    if (handler_uses_word) {
        (void)weft_atomic64_fetch_add(&word, HANDLER_VALUE);
        handler_adds++;
    }
    __real_upcall_sched_slice(core);
}

/* The next tick, `ahead` counts from now, with `more` right behind it. */
static void tick_in(uint32_t ahead, uint32_t more)
{
    arch_irq_state state = arch_irq_save();
    struct core *core = core_self();

    burst_left = more;
    core->tick_deadline = arch_clock_now_irqoff() + ahead;
    arch_clock_arm_irqoff(core->tick_deadline);
    arch_irq_restore(state);
}

static void no_tick(void)
{
    tick_in(FAR, 0);
}

#define START 0x7fffffffffff0f0full
#define OPERAND 0x00000001ffff1234ull

enum operation {
    LOAD,
    STORE,
    EXCHANGE,
    CAS_HIT,
    CAS_MISS,
    ADD,
    SUB,
    AND,
    OR,
    XOR,
    NAND,
    OPERATIONS
};

/* Runs the operation; true when its result is right, given that the handler may have added its
 * value before or after. */
static __attribute__((noinline)) uint64_t run(enum operation operation, uint64_t *expected)
{
    switch (operation) {
    case LOAD:
        return __atomic_load_n(&word, __ATOMIC_SEQ_CST);
    case STORE:
        __atomic_store_n(&word, OPERAND, __ATOMIC_SEQ_CST);
        return 0;
    case EXCHANGE:
        return __atomic_exchange_n(&word, OPERAND, __ATOMIC_SEQ_CST);
    case CAS_HIT:
    case CAS_MISS:
        return __atomic_compare_exchange_n(&word, expected, OPERAND, false, __ATOMIC_SEQ_CST,
                                           __ATOMIC_SEQ_CST);
    case ADD:
        return __atomic_fetch_add(&word, OPERAND, __ATOMIC_SEQ_CST);
    case SUB:
        return __atomic_fetch_sub(&word, OPERAND, __ATOMIC_SEQ_CST);
    case AND:
        return __atomic_fetch_and(&word, OPERAND, __ATOMIC_SEQ_CST);
    case OR:
        return __atomic_fetch_or(&word, OPERAND, __ATOMIC_SEQ_CST);
    case XOR:
        return __atomic_fetch_xor(&word, OPERAND, __ATOMIC_SEQ_CST);
    default:
        return __atomic_fetch_nand(&word, OPERAND, __ATOMIC_SEQ_CST);
    }
}

static uint64_t applied(enum operation operation, uint64_t before)
{
    switch (operation) {
    case STORE:
    case EXCHANGE:
        return OPERAND;
    case CAS_HIT:
        return before == START ? OPERAND : before;
    case ADD:
        return before + OPERAND;
    case SUB:
        return before - OPERAND;
    case AND:
        return before & OPERAND;
    case OR:
        return before | OPERAND;
    case XOR:
        return before ^ OPERAND;
    case NAND:
        return ~(before & OPERAND);
    default:
        return before;
    }
}

/* Some order of the operation and `adds` additions by the handler explains what came out. */
static bool explained(enum operation operation, uint64_t result, uint64_t expected, uint32_t adds)
{
    for (uint32_t first = 0; first <= adds; first++) {
        uint64_t before = START + first * HANDLER_VALUE;
        uint64_t after = applied(operation, before) + (adds - first) * HANDLER_VALUE;
        bool is_cas = operation == CAS_HIT || operation == CAS_MISS;
        bool hit = operation == CAS_HIT && before == START;

        if (word != after)
            continue;
        if (is_cas ? result == hit && (hit || expected == before)
                   : operation == STORE || result == before)
            return true;
    }
    return false;
}

static void attempt(enum operation operation, uint32_t ahead, unsigned phase, uint32_t more)
{
    uint64_t expected = operation == CAS_MISS ? START + 1 : START, result;
    uint32_t adds;

    word = START;
    handler_adds = 0;
    tick_in(ahead, more);
    for (unsigned i = 0; i < phase; i++)
        __asm__ volatile("nop");
    result = run(operation, &expected);
    adds = handler_adds;
    no_tick();
    if (handler_adds != adds)
        return; /* the tick came after the operation, between the two looks */
    if (!explained(operation, result, expected, adds)) {
        printf("operation %u, %u counts ahead, phase %u: result %llx, word %llx, expected %llx, "
               "%u additions\n",
               operation, (unsigned)ahead, phase, (unsigned long long)result,
               (unsigned long long)word, (unsigned long long)expected, (unsigned)adds);
        exit(1);
    }
}

static void sweep(uint32_t more, unsigned step, unsigned rounds)
{
    for (unsigned round = 0; round < rounds; round++)
        for (int operation = LOAD; operation < OPERATIONS; operation++)
            for (uint32_t ahead = 0; ahead < AHEAD_COUNT; ahead += step)
                for (unsigned phase = 0; phase < PHASES; phase += step)
                    attempt((enum operation)operation, AHEAD_FIRST + ahead, phase, more);
}

/* Instructions that are there (not padding) and were never interrupted. A branch and its delay slot
 * are one: the slot's hits are at the branch. Where an operation that an interrupt has finished
 * returns, only a second tick can land. */
static unsigned report(bool one_tick)
{
    unsigned instructions = 0, missed = 0, slots = 0;
    uint32_t least = UINT32_MAX;

    for (unsigned i = 0; i < (unsigned)(__atomic64_end - __atomic64_start); i++) {
        bool padding = __atomic64_start[i] == 0 && hits[i].at == 0 && hits[i].in_slot == 0;
        bool is_slot = i > 0 && hits[i - 1].in_slot != 0;

        slots += hits[i].in_slot != 0;
        if (padding || is_slot || (one_tick && &__atomic64_start[i] == atomic64_released))
            continue;
        instructions++;
        if (hits[i].at == 0) {
            printf("never interrupted: section + %u\n", 4 * i);
            missed++;
        } else if (hits[i].at < least) {
            least = hits[i].at;
        }
    }
    printf("atomic64: %u instructions interrupted, %u delay slots, at least %u times each; %u "
           "missed\n",
           instructions - missed, slots, (unsigned)least, missed);
    return missed;
}

int main(int argc, char **argv)
{
    const char *way = argc > 1 ? argv[1] : "once";
    struct weft_profile_totals totals;
    uint32_t before;

    CHECK(__atomic64_end - __atomic64_start == SLOTS * SLOT_WORDS);
    handler_uses_word = strcmp(way, "handler") == 0;
    CHECK(weft_profile_start(10) == 0);
    no_tick();
    before = ticks_seen;
    if (strcmp(way, "thousand") == 0)
        sweep(999, PHASES, 1);
    sweep(strcmp(way, "twice") == 0, 1, argc > 2 ? (unsigned)atoi(argv[2]) : 1);
    weft_profile_totals(&totals);
    printf("ticks %u: recorded %u, lost_atomic64 %u\n", (unsigned)totals.ticks,
           (unsigned)totals.recorded, (unsigned)totals.lost_atomic64);
    CHECK(totals.ticks == ticks_seen || totals.ticks == ticks_seen - before);
    CHECK(totals.ticks == totals.recorded + totals.lost_atomic64 + totals.lost_full +
                              totals.lost_nolock + totals.suppressed);
    CHECK(totals.lost_atomic64 > 0);
    CHECK(weft_profile_stop() == 0);
    CHECK(report(strcmp(way, "once") == 0 || handler_uses_word) == 0);
    puts("every instruction");
    return 0;
}
