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
 * What may be lost: ticks inside 64-bit atomics (their number is in the log), ticks after the log
 * is full, ticks whose stack someone else holds. Nothing is lost without being counted.
 */
#include "prof/sampler.h"

#include "arch/clock.h"
#include "arch/context.h"
#include "arch/irq.h"
#include "arch/trap.h"
#include "kernel/assert.h"
#include "kernel/cores.h"
#include "kernel/tick.h"
#include "kernel/upcall.h"
#include "prof/image.h"
#include "sched/sched.h"

#define WORD_BYTES sizeof(uintptr_t)
#define BUILD_ID_BYTES_MAX 64u

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

/* Ticks that were only counted so far become a record, if there is room; otherwise they go on
 * waiting. */
static void write_pending(struct sampler *sampler, uint32_t *pending, enum log_reason reason,
                          bool reserved)
{
    struct log_lost *lost;

    if (__atomic_load_n(pending, __ATOMIC_RELAXED) == 0)
        return;
    lost = log_open(&sampler->log, sizeof *lost, reserved);
    if (lost == NULL)
        return;
    lost->reason = reason;
    lost->count = __atomic_exchange_n(pending, 0, __ATOMIC_RELAXED);
    log_commit(&sampler->log, LOG_LOST, sizeof *lost);
}

static void write_losses(struct sampler *sampler, bool reserved)
{
    write_pending(sampler, &sampler->pending_atomic64, REASON_ATOMIC64, reserved);
    write_pending(sampler, &sampler->pending_nolock, REASON_NO_LOCK, reserved);
}

static void write_header(struct sampler *sampler, uint64_t rate_millihertz)
{
    uint32_t id_bytes;
    const unsigned char *id = image_build_id(&id_bytes);
    uint32_t room = id_bytes < BUILD_ID_BYTES_MAX ? id_bytes : BUILD_ID_BYTES_MAX;
    uint32_t padded = (room + 3) & ~3u;
    struct log_header *header = log_open(&sampler->log, sizeof *header + padded, false);
    unsigned char *id_copy;

    ASSERT(header != NULL); /* the log is empty */
    header->version = LOG_VERSION;
    header->word_bytes = WORD_BYTES;
    header->rate_millihertz_high = (uint32_t)(rate_millihertz >> 32);
    header->rate_millihertz_low = (uint32_t)rate_millihertz;
    header->text_start_high = (uint32_t)((uint64_t)image_text_start() >> 32);
    header->text_start_low = (uint32_t)image_text_start();
    header->text_end_high = (uint32_t)((uint64_t)image_text_end() >> 32);
    header->text_end_low = (uint32_t)image_text_end();
    header->cores = WEFT_CONFIG_CORES;
    header->build_id_bytes = room;
    id_copy = (unsigned char *)(header + 1);
    for (uint32_t i = 0; i < padded; i++) {
        id_copy[i] = i < room ? id[i] : 0;
        __asm__ volatile(""); /* not a call of memcpy */
    }
    log_commit(&sampler->log, LOG_HEADER, sizeof *header + padded);
}

/* The losses that wait and the totals: log_open keeps room for them. */
static void write_end(struct sampler *sampler)
{
    uint64_t duration_ns = tick_cycles_to_ns(arch_clock_now_irqoff() - sampler->started_cycles);
    const struct weft_profile_totals *totals = &sampler->totals;
    struct log_end *end;

    write_losses(sampler, true);
    end = log_open(&sampler->log, sizeof *end, true);
    ASSERT(end != NULL);
    end->ticks = totals->ticks;
    end->recorded = totals->recorded;
    end->lost_atomic64 = totals->lost_atomic64;
    end->lost_full = totals->lost_full;
    end->lost_nolock = totals->lost_nolock;
    end->suppressed = totals->suppressed;
    end->duration_ns_high = (uint32_t)(duration_ns >> 32);
    end->duration_ns_low = (uint32_t)duration_ns;
    log_commit(&sampler->log, LOG_END, sizeof *end);
}

static void commit_sample(struct sampler *sampler, struct log_sample *sample, uint32_t thread,
                          enum log_context context, struct unwind_result result)
{
    sample->thread = thread;
    sample->context = (uint8_t)context;
    sample->reason = (uint8_t)result.reason;
    sample->depth = (uint16_t)result.depth;
    sample->count = 1;
    log_commit_sample(&sampler->log, sample);
    sampler->totals.recorded++;
}

/* Room for the deepest stack, or NULL and the tick is counted as lost. */
static struct log_sample *open_sample(struct sampler *sampler)
{
    struct log_sample *sample =
        log_open(&sampler->log, sizeof *sample + WEFT_CONFIG_UNWIND_DEPTH * WORD_BYTES, false);

    if (sample == NULL)
        sampler->totals.lost_full++;
    return sample;
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

static void sample_thread(struct sampler *sampler, struct weft_thread *thread,
                          enum log_context context, const struct arch_frame *frame)
{
    struct log_sample *sample = open_sample(sampler);
    struct arch_unwind registers;
    struct unwind_result result;

    if (sample == NULL)
        return;
    if (!thread_stack_trylock(thread)) {
        sampler->totals.lost_nolock++;
        __atomic_fetch_add(&sampler->pending_nolock, 1, __ATOMIC_RELAXED);
        return;
    }
    result = walk_frame(sampler, frame, &registers, thread->stack_lo, thread->stack_hi,
                        (unwind_pc *)(void *)(sample + 1));
    thread_stack_unlock(thread);
    names_note(&sampler->names, thread->id, thread->name);
    commit_sample(sampler, sample, thread->id, context, result);
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
    commit_sample(sampler, sample, 0,
                  core->interrupt_depth > 1 ? CONTEXT_INTERRUPT : CONTEXT_SYSTEM, result);
}

/* Between two threads the stack pointer and the current thread disagree: only the pc is sure. */
static void sample_switch(struct sampler *sampler, uintptr_t pc)
{
    struct log_sample *sample = open_sample(sampler);

    if (sample == NULL)
        return;
    *(unwind_pc *)(void *)(sample + 1) = pc;
    commit_sample(sampler, sample, 0, CONTEXT_SYSTEM,
                  (struct unwind_result){.depth = 1, .reason = REASON_SWITCHING});
}

static void sample_tick(struct sampler *sampler, const struct core *core,
                        const struct arch_frame *frame)
{
    uintptr_t pc = arch_frame_pc(frame);
    uintptr_t sp = arch_frame_sp(frame);

    if (__builtin_expect(sampler_in_atomic64(pc), 0)) {
        sampler->totals.lost_atomic64++;
        __atomic_fetch_add(&sampler->pending_atomic64, 1, __ATOMIC_RELAXED);
        return;
    }
    write_losses(sampler, false);
    if (in_switch(pc))
        sample_switch(sampler, pc);
    else if (sp > core->system_stack_lo && sp <= core->system_stack_hi)
        sample_system(sampler, core, frame);
    else
        sample_thread(sampler, core->current,
                      core->current == &sched_of(core)->idle ? CONTEXT_IDLE : CONTEXT_THREAD,
                      frame);
}

/* ---- following requests ---- */

static void start_irqoff(struct sampler *sampler, const struct core *core, uint32_t rate_hz)
{
    uint64_t rate_millihertz = tick_start_irqoff(rate_hz);

    sampler->totals = (struct weft_profile_totals){0};
    sampler->pending_atomic64 = 0;
    sampler->pending_nolock = 0;
    names_clear(&sampler->names);
    log_init(&sampler->log, sampler_log_storage[core->id], WEFT_CONFIG_LOG_BYTES, core->id);
    sampler->started_cycles = arch_clock_now_irqoff();
    write_header(sampler, rate_millihertz);
    sampler->running = 1;
}

static void stop_irqoff(struct sampler *sampler)
{
    sampler->running = 0;
    tick_restore_irqoff();
    write_end(sampler);
}

/* Interrupts are off, so no tick comes between. `generation` is stored last: whoever reads it new
 * may read everything else. */
static void follow_irqoff(struct sampler *sampler, const struct core *core, uint32_t generation)
{
    uint32_t rate_hz = request.rate_hz;

    if (sampler->running)
        stop_irqoff(sampler);
    if (rate_hz != 0)
        start_irqoff(sampler, core, rate_hz);
    __atomic_store_n(&sampler->generation, generation, __ATOMIC_RELEASE);
}

void sampler_ask(uint32_t rate_hz)
{
    arch_irq_state state = arch_irq_save();
    struct core *core = core_self();
    uint32_t generation = request.generation + 1;

    request.rate_hz = rate_hz;
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

void sampler_totals(const struct sampler *sampler, struct weft_profile_totals *totals)
{
    const volatile uint32_t *writing = &sampler->writing;

    /* A tick on this core ends before we go on; one on another core ends soon. Bounded, because a
     * core that died inside its sampler would leave the count odd for ever. */
    for (unsigned tries = 0; tries < 1000; tries++) {
        uint32_t before = *writing;

        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        *totals = sampler->totals;
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (before == *writing && before % 2 == 0)
            return;
    }
}

/* ---- upcalls ---- */

void upcall_sample(struct core *core, const struct arch_frame *frame)
{
    struct sampler *sampler = &samplers[core->id];
    uint32_t generation = __atomic_load_n(&request.generation, __ATOMIC_ACQUIRE);
    bool follow = generation != sampler->generation;

    if (!sampler->running && !follow)
        return;
    core->allocation_forbidden++;
    totals_change(sampler);
    if (sampler->running) {
        sampler->totals.ticks++;
        if (follow)
            sampler->totals.suppressed++; /* the profile is being stopped by another core */
        else
            sample_tick(sampler, core, frame);
    }
    if (follow)
        follow_irqoff(sampler, core, generation);
    totals_change(sampler);
    core->allocation_forbidden--;
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
    write_end(sampler);
}
