/* SPDX-License-Identifier: MIT */
/*
 * The sampler: what happens at a tick, in the interrupt handler, before the scheduler sees it.
 *
 * Nouns: a *tick* is one timer interrupt while the profile runs; a *sample* is a record with a call
 * stack; a *loss* is a tick that is only counted. Every tick is exactly one of the two:
 *
 *      ticks = recorded + lost_atomic64 + lost_full + lost_nolock + suppressed
 *
 * Steps: count the tick; inside a 64-bit atomic do nothing else; otherwise write the losses that
 * wait, find out whose stack this is, take that stack's lock, walk it straight into the log, let go
 * of the lock, finish the record.
 *
 * The handler owns everything in struct sampler. It takes no lock that is waited for, calls no
 * libc, touches no floating-point register and allocates nothing; core->allocation_forbidden says
 * so to the heap.
 *
 * A tick that came late, because interrupts were off, stands for all that came due meanwhile, and
 * is charged to where it lands: right behind the code that had them off. Those that came due inside
 * an interrupt handler are charged to that (core->handler_ticks).
 *
 * What may be lost: ticks inside 64-bit atomics (their number is in the log), ticks for which the
 * log has no room, or that gave way to newer ones, ticks whose stack someone else holds. Nothing is
 * lost without being counted.
 */
#include "prof/sampler.h"

#include "arch/clock.h"
#include "arch/context.h"
#include "arch/irq.h"
#include "arch/trap.h"
#include "arch/upcall.h"
#include "kernel/assert.h"
#include "kernel/cores.h"
#include "kernel/tick.h"
#include "kernel/upcall.h"
#include "mem/gate.h"
#include "prof/image.h"
#include "prof/records.h"
#include "sched/sched.h"

#define WORD_BYTES sizeof(uintptr_t)
/* How long cores that are to be sampled by another may take to stand still: together a quarter of a
 * tick, so that deaf ones can't take the core from its threads. */
#define HOLD_SHARE (4 * WEFT_CONFIG_CORES)

struct sampler samplers[WEFT_CONFIG_CORES];

static struct sampler_request request;

/* Not on any stack and not from the heap: found in a RAM image by this name. */
static uint32_t sampler_log_storage[WEFT_CONFIG_CORES][WEFT_CONFIG_LOG_BYTES / 4];

_Static_assert(sizeof(struct log_sample) + WEFT_CONFIG_UNWIND_DEPTH * WORD_BYTES + 64 < UINT16_MAX,
               "a record's length has 16 bits");

/* The one predicate of requirements C1. */
static inline bool sampler_in_atomic64(uintptr_t pc)
{
    return image_in_atomic64(pc);
}

static inline bool in_switch(uintptr_t pc)
{
    return pc - (uintptr_t)arch_switch_begin <
           (uintptr_t)arch_switch_end - (uintptr_t)arch_switch_begin;
}

/* Before and after the totals are changed: `writing` is odd in between. */
static inline void totals_change(struct sampler *sampler)
{
    __atomic_store_n(&sampler->writing, sampler->writing + 1, __ATOMIC_SEQ_CST);
}

/* ---- records ---- */

/* What a sample says beside its stack. */
struct sample_of {
    const struct weft_thread *thread; /* NULL: nobody's */
    enum log_context context;
    unsigned core;
};

static void commit_sample(struct sampler *sampler, struct log_sample *sample, struct sample_of of,
                          struct unwind_result result)
{
    sample->thread = of.thread != NULL ? of.thread->id : 0;
    sample->context = (uint8_t)of.context;
    sample->reason = (uint8_t)result.reason;
    sample->depth = (uint16_t)result.depth;
    sample->count = sampler->due;
    sample->labels = of.thread != NULL ? of.thread->labels : 0;
    sample->wait = 0;
    sample->on = (uint8_t)of.core;
    log_commit_sample(&sampler->log, sample);
    sampler->totals.recorded += sampler->due;
}

/* Room for the deepest stack, or NULL and the ticks are counted as lost. */
static struct log_sample *open_sample(struct sampler *sampler)
{
    struct log_sample *sample = NULL;

    if (records_rate(sampler))
        sample =
            records_open(sampler, sizeof *sample + WEFT_CONFIG_UNWIND_DEPTH * WORD_BYTES, false);
    if (sample == NULL)
        sampler->totals.lost_full += sampler->due;
    return sample;
}

static void count_atomic64(struct sampler *sampler)
{
    sampler->totals.lost_atomic64 += sampler->due;
    __atomic_fetch_add(&sampler->pending_atomic64, sampler->due, __ATOMIC_RELAXED);
}

static void count_nolock(struct sampler *sampler)
{
    sampler->totals.lost_nolock += sampler->due;
    __atomic_fetch_add(&sampler->pending_nolock, sampler->due, __ATOMIC_RELAXED);
}

/* ---- one tick ---- */

/* The interrupted context's stack, in [lo, hi). *registers is where the walk ended, if it crossed.
 */
static struct unwind_result walk_frame(struct sampler *sampler, const struct arch_frame *frame,
                                       struct arch_unwind *registers, uintptr_t lo, uintptr_t hi,
                                       unwind_pc *pcs)
{
    struct unwind_result result;

    arch_unwind_from_frame(registers, frame);
    result = unwind_walk(&sampler->cache, registers, true, lo, hi, pcs, WEFT_CONFIG_UNWIND_DEPTH);
    if (__builtin_expect(result.restart, 0)) {
        arch_unwind_from_frame(registers, frame);
        result = unwind_walk(NULL, registers, true, lo, hi, pcs, WEFT_CONFIG_UNWIND_DEPTH);
    }
    return result;
}

/* Inside a bracket (weft/profile.h) only the pc is the foreign code's; the stack is that of the
 * function that entered, from where it did. */
static struct unwind_result walk_foreign(const struct weft_thread *thread, uintptr_t pc,
                                         unwind_pc *pcs)
{
    struct arch_unwind registers =
        *(const struct arch_unwind *)(const void *)thread->foreign->registers;
    struct unwind_result result;

    pcs[0] = pc;
    result = unwind_walk(NULL, &registers, false, thread->stack_lo, thread->stack_hi, pcs + 1,
                         WEFT_CONFIG_UNWIND_DEPTH - 1);
    result.depth++;
    return result;
}

static bool foreign_readable(const struct weft_thread *thread)
{
    uintptr_t bracket = (uintptr_t)thread->foreign;

    return bracket >= thread->stack_lo && bracket < thread->stack_hi &&
           thread->stack_hi - bracket >= sizeof *thread->foreign &&
           bracket % sizeof(uintptr_t) == 0;
}

static void sample_thread(struct sampler *sampler, struct weft_thread *thread, struct sample_of of,
                          const struct arch_frame *frame)
{
    struct log_sample *sample = open_sample(sampler);
    unwind_pc *pcs = (unwind_pc *)(void *)(sample + 1);
    struct arch_unwind registers;
    struct unwind_result result;

    if (sample == NULL)
        return;
    if (!thread_stack_trylock(thread)) {
        count_nolock(sampler);
        return;
    }
    if (__builtin_expect(thread->foreign != NULL, 0) && foreign_readable(thread)) {
        result = walk_foreign(thread, arch_frame_pc(frame), pcs);
        of.context = CONTEXT_FOREIGN;
    } else {
        result = walk_frame(sampler, frame, &registers, thread->stack_lo, thread->stack_hi, pcs);
    }
    thread_stack_unlock(thread);
    names_note(&sampler->names, thread->id, thread->name);
    commit_sample(sampler, sample, of, result);
}

/* From the system stack back to the thread that entered it, with that thread's lock (requirements
 * B2); without it the sample ends at the boundary. */
static struct unwind_result walk_on_thread(struct weft_thread *thread,
                                           struct arch_unwind *registers, unwind_pc *pcs,
                                           struct unwind_result system)
{
    struct unwind_result result = {.reason = REASON_NO_LOCK};

    if (system.depth == WEFT_CONFIG_UNWIND_DEPTH) {
        result.reason = REASON_DEPTH;
    } else if (thread_stack_trylock(thread)) {
        result = unwind_walk(NULL, registers, true, thread->stack_lo, thread->stack_hi,
                             pcs + system.depth, WEFT_CONFIG_UNWIND_DEPTH - system.depth);
        thread_stack_unlock(thread);
    }
    result.depth += system.depth;
    return result;
}

/* The core's own system stack: nobody else can be changing it. */
static void sample_system(struct sampler *sampler, const struct core *core,
                          const struct arch_frame *frame)
{
    struct log_sample *sample = open_sample(sampler);
    struct arch_unwind registers;
    struct unwind_result result;
    unwind_pc *pcs = (unwind_pc *)(void *)(sample + 1);

    if (sample == NULL)
        return;
    result =
        walk_frame(sampler, frame, &registers, core->system_stack_lo, core->system_stack_hi, pcs);
    if (result.crossed && core->current != NULL)
        result = walk_on_thread(core->current, &registers, pcs, result);
    commit_sample(sampler, sample,
                  (struct sample_of){NULL,
                                     core->interrupt_depth > 1 ? CONTEXT_INTERRUPT : CONTEXT_SYSTEM,
                                     core->id},
                  result);
}

/* Where only a pc is sure: between two threads, whose stack pointer and current thread disagree;
 * and for a handler that is over. */
static void sample_pc(struct sampler *sampler, uintptr_t pc, struct sample_of of,
                      enum log_reason reason)
{
    struct log_sample *sample = open_sample(sampler);

    if (sample == NULL)
        return;
    *(unwind_pc *)(void *)(sample + 1) = pc;
    commit_sample(sampler, sample, of, (struct unwind_result){.depth = 1, .reason = reason});
}

/* The current thread's business: its own; or the collector's, whoever asked for that, which idle
 * threads of other cores help with. */
static enum log_context context_of(const struct core *core)
{
    if (core->collecting)
        return CONTEXT_COLLECTOR;
    return sched_is_idle(core) ? CONTEXT_IDLE : CONTEXT_THREAD;
}

static void sample_tick(struct sampler *sampler, const struct core *core,
                        const struct arch_frame *frame)
{
    uintptr_t pc = arch_frame_pc(frame);
    uintptr_t sp = arch_frame_sp(frame);

    if (__builtin_expect(sampler_in_atomic64(pc), 0)) {
        count_atomic64(sampler);
        return;
    }
    records_losses(sampler, false);
    if (in_switch(pc))
        sample_pc(sampler, pc, (struct sample_of){NULL, CONTEXT_SYSTEM, core->id},
                  REASON_SWITCHING);
    else if (sp > core->system_stack_lo && sp <= core->system_stack_hi)
        sample_system(sampler, core, frame);
    else
        sample_thread(sampler, core->current,
                      (struct sample_of){core->current, context_of(core), core->id}, frame);
}

/* The ticks that came due inside handlers, then those that are left for the interrupted code. */
static void sample_due(struct sampler *sampler, struct core *core, const struct arch_frame *frame,
                       uint32_t due)
{
    uint32_t of_handlers = core->handler_ticks < due ? core->handler_ticks : due;

    core->handler_ticks = 0;
    if (__builtin_expect(of_handlers != 0, 0)) {
        sampler->due = of_handlers;
        sample_pc(sampler, (uintptr_t)upcall_interrupt,
                  (struct sample_of){NULL, CONTEXT_INTERRUPT, core->id}, REASON_FULL);
    }
    sampler->due = due - of_handlers;
    if (sampler->due != 0)
        sample_tick(sampler, core, frame);
}

/* ---- other cores ---- */

/* A held core whose frame has not all registers: through its handler's frames on its system stack
 * to where it was interrupted, and on from there. */
static void sample_held(struct sampler *sampler, const struct core *other)
{
    struct arch_unwind registers = *cores_hold[other->id].here;
    struct log_sample *sample = open_sample(sampler);
    unwind_pc *pcs = (unwind_pc *)(void *)(sample + 1);
    struct weft_thread *thread = other->current;
    struct sample_of of = {NULL, CONTEXT_SYSTEM, other->id};
    struct unwind_result result;

    if (sample == NULL)
        return;
    result = unwind_walk(NULL, &registers, true, other->system_stack_lo, other->system_stack_hi,
                         pcs, WEFT_CONFIG_UNWIND_DEPTH);
    if (result.crossed && sampler_in_atomic64(registers.pc)) {
        count_atomic64(sampler);
        return;
    }
    if (result.crossed && in_switch(registers.pc)) {
        pcs[0] = registers.pc;
        result = (struct unwind_result){.depth = 1, .reason = REASON_SWITCHING};
    } else if (result.crossed) {
        if (!thread_stack_trylock(thread)) {
            count_nolock(sampler);
            return;
        }
        of.thread = thread;
        of.context = context_of(other);
        if (thread->foreign != NULL && foreign_readable(thread)) {
            result = walk_foreign(thread, registers.pc, pcs);
            of.context = CONTEXT_FOREIGN;
        } else {
            result = unwind_walk(NULL, &registers, true, thread->stack_lo, thread->stack_hi, pcs,
                                 WEFT_CONFIG_UNWIND_DEPTH);
        }
        thread_stack_unlock(thread);
        names_note(&sampler->names, thread->id, thread->name);
    }
    commit_sample(sampler, sample, of, result);
}

static void sample_other(struct sampler *sampler, const struct core *other, uint64_t limit_cycles)
{
    struct log_sample *sample;

    sampler->due = 1;
    sampler->totals.ticks++;
    if (cores_hold_irqoff(other->id, limit_cycles)) {
        if (cores_hold[other->id].frame_is_full)
            sample_tick(sampler, other, other->frame);
        else
            sample_held(sampler, other);
    } else {
        sample = open_sample(sampler);
        if (sample != NULL)
            commit_sample(sampler, sample, (struct sample_of){NULL, CONTEXT_SYSTEM, other->id},
                          (struct unwind_result){.reason = REASON_NO_ANSWER});
    }
    cores_release_irqoff(other->id);
}

/* Nothing is written on the other core (requirements D2): what it may not do meanwhile, because it
 * is sampled, is nothing, and its own counters and caches are its own. */
static void sample_others(struct sampler *sampler, const struct core *core)
{
    for (unsigned id = 0; id < WEFT_CONFIG_CORES; id++)
        if (id != core->id && (cores_online() >> id & 1) != 0)
            sample_other(sampler, &cores[id], core->tick_period / HOLD_SHARE);
}

void sampler_waited_irqoff(struct sampler *sampler, const struct weft_thread *thread,
                           unsigned reason, struct arch_unwind *registers, unsigned skip,
                           uint32_t due)
{
    struct log_sample *sample;
    struct unwind_result result;
    struct core *core = core_self();

    gate_close(core);
    totals_change(sampler);
    sample =
        records_rate(sampler)
            ? records_open(sampler, sizeof *sample + WEFT_CONFIG_UNWIND_DEPTH * WORD_BYTES, false)
            : NULL;
    if (sample == NULL) {
        sampler->totals.waited_lost += due;
    } else {
        unwind_pc *pcs = (unwind_pc *)(void *)(sample + 1);

        result = unwind_walk(NULL, registers, false, thread->stack_lo, thread->stack_hi, pcs,
                             WEFT_CONFIG_UNWIND_DEPTH);
        result.depth -= skip < result.depth ? skip : 0;
        for (unsigned i = 0; i < result.depth; i++)
            pcs[i] = pcs[i + skip];
        names_note(&sampler->names, thread->id, thread->name);
        *sample = (struct log_sample){.thread = thread->id,
                                      .context = CONTEXT_BLOCKED,
                                      .reason = (uint8_t)result.reason,
                                      .depth = (uint16_t)result.depth,
                                      .count = due,
                                      .labels = thread->labels,
                                      .wait = (uint8_t)reason,
                                      .on = (uint8_t)core->id};
        log_commit_sample(&sampler->log, sample);
        sampler->totals.waited += due;
    }
    totals_change(sampler);
    gate_open(core);
}

/* ---- following requests ---- */

static void start_irqoff(struct sampler *sampler, struct core *core)
{
    sampler->totals = (struct weft_profile_totals){0};
    sampler->pending_atomic64 = 0;
    sampler->pending_nolock = 0;
    sampler->flags = request.flags;
    sampler->rate_millihertz = tick_start_irqoff(request.rate_hz);
    sampler->rate_unsaid = false;
    sampler->ended.record.magic = 0;
    names_clear(&sampler->names);
    log_init(&sampler->log, sampler_log_storage[core->id], WEFT_CONFIG_LOG_BYTES, core->id, 1);
    sampler->started_cycles = arch_clock_now_irqoff();
    records_header(sampler);
    __atomic_fetch_add(&core->handlers_watched, 1, __ATOMIC_RELAXED);
    core->handler_ticks = 0;
    sampler->running = 1;
}

static void stop_irqoff(struct sampler *sampler, struct core *core)
{
    sampler->running = 0;
    __atomic_fetch_sub(&core->handlers_watched, 1, __ATOMIC_RELAXED);
    tick_restore_irqoff();
    records_end(sampler);
}

static void rate_irqoff(struct sampler *sampler)
{
    sampler->rate_millihertz = tick_start_irqoff(request.rate_hz);
    sampler->rate_unsaid = true;
}

/* Interrupts are off, so no tick comes between. `generation` is stored last: whoever reads it new
 * may read everything else. */
static void follow_irqoff(struct sampler *sampler, struct core *core, uint32_t generation)
{
    if (request.wish == SAMPLER_RATE && sampler->running) {
        rate_irqoff(sampler);
    } else if (request.wish != SAMPLER_RATE) {
        if (sampler->running)
            stop_irqoff(sampler, core);
        sampler->header.record.magic = request.wish == SAMPLER_START
                                           ? (uint16_t)0
                                           : sampler->header.record.magic; /* until it starts */
        if (request.wish == SAMPLER_START &&
            ((request.flags & LOG_REMOTE) == 0 || request.core == core->id))
            start_irqoff(sampler, core);
    }
    __atomic_store_n(&sampler->generation, generation, __ATOMIC_RELEASE);
}

void sampler_ask(enum sampler_wish wish, uint32_t rate_hz, uint32_t flags)
{
    arch_irq_state state = arch_irq_save();
    struct core *core = core_self();
    uint32_t generation = request.generation + 1;

    request.wish = wish;
    request.rate_hz = rate_hz;
    request.flags = flags;
    request.core = core->id;
    __atomic_store_n(&request.generation, generation, __ATOMIC_RELEASE);
    totals_change(&samplers[core->id]);
    follow_irqoff(&samplers[core->id], core, generation);
    totals_change(&samplers[core->id]);
    if (WEFT_CONFIG_CORES > 1)
        tick_ask_others_irqoff();
    arch_irq_restore(state);
}

bool sampler_followed(void)
{
    for (unsigned i = 0; i < WEFT_CONFIG_CORES; i++)
        if ((cores_online() >> i & 1) != 0 &&
            __atomic_load_n(&samplers[i].generation, __ATOMIC_ACQUIRE) != request.generation)
            return false;
    return true;
}

/* Perhaps in the middle of a change: sampler_totals then throws the copy away, so the race that a
 * sanitizer would see is one by design. The writer's side stays a tick's plain additions. */
static __attribute__((no_sanitize("thread"))) void totals_copy(
    struct weft_profile_totals *to, const volatile struct weft_profile_totals *from)
{
    to->ticks = from->ticks;
    to->recorded = from->recorded;
    to->lost_atomic64 = from->lost_atomic64;
    to->lost_full = from->lost_full;
    to->lost_nolock = from->lost_nolock;
    to->suppressed = from->suppressed;
    to->waited = from->waited;
    to->waited_lost = from->waited_lost;
}

void sampler_totals(const struct sampler *sampler, struct weft_profile_totals *totals)
{
    const uint32_t *writing = &sampler->writing;

    /* A tick on this core ends before we go on; one on another core ends soon. Bounded, because a
     * core that died inside its sampler would leave the count odd for ever. */
    for (unsigned tries = 0; tries < 1000; tries++) {
        uint32_t before = __atomic_load_n(writing, __ATOMIC_RELAXED);

        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        totals_copy(totals, &sampler->totals);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (before == __atomic_load_n(writing, __ATOMIC_RELAXED) && before % 2 == 0)
            return;
    }
}

/* ---- upcalls ---- */

void upcall_sample(struct core *core, const struct arch_frame *frame, uint32_t due)
{
    struct sampler *sampler = &samplers[core->id];
    uint32_t generation = __atomic_load_n(&request.generation, __ATOMIC_ACQUIRE);
    bool follow = generation != sampler->generation;

    if (!sampler->running && !follow)
        return;
    gate_close(core);
    totals_change(sampler);
    if (sampler->running) {
        sampler->totals.ticks += due;
        if (follow && request.wish != SAMPLER_RATE)
            sampler->totals.suppressed += due; /* another core is stopping the profile */
        else
            sample_due(sampler, core, frame, due);
        if (WEFT_CONFIG_CORES > 1 && (sampler->flags & LOG_REMOTE) != 0 && sampler->running)
            sample_others(sampler, core);
    }
    if (follow)
        follow_irqoff(sampler, core, generation);
    totals_change(sampler);
    gate_open(core);
}

void sampler_crash_irqoff(struct sampler *sampler)
{
    struct weft_profile_totals *totals = &sampler->totals;

    if (!sampler->running)
        return;
    sampler->running = 0;
    /* The crash may have been in the sampler: that tick is counted, and has no record. */
    totals->suppressed +=
        totals->ticks - (totals->recorded + totals->lost_atomic64 + totals->lost_full +
                         totals->lost_nolock + totals->suppressed);
    records_end(sampler);
}
