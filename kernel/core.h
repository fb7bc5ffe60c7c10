/* SPDX-License-Identifier: MIT */
/*
 * Per-core state of the kernel. sched, mem and prof keep their own per-core arrays, indexed by
 * core->id; what stands here is what traps and the preemption test need.
 */
#ifndef KERNEL_CORE_H
#define KERNEL_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weft/config.h>

#include "arch/cpu.h"
#include "arch/irq.h"
#include "kernel/shared.h"

struct weft_thread;
struct arch_frame;
struct scheduler;
struct spinlock;

struct core {
    /* Known to assembly by offset (CORE_..., checked by _Static_assert in the port). */
    struct weft_thread *current; /* the thread that runs here */
    void *trap_sp;               /* where a trap from a thread puts its frame: the system stack */
    void *fpu_owner;             /* save area of the thread whose state the unit holds, or NULL */

    /* fpu_owner or tls_used: not 0 when a switch must look at either. */
    uintptr_t switch_more;

    union {
        uint32_t occupied; /* all three, so that one load tells that none is set */
        struct {
            /* Written by the core's threads only; read by its traps. */
            uint16_t preempt_off; /* > 0: no preemption */

            /* Written with interrupts off. */
            uint8_t reschedule;      /* a switch is wanted as soon as it is allowed */
            uint8_t interrupt_depth; /* > 0: on the system stack, in a handler */
        };
    };
    struct arch_frame *frame; /* the interrupted context while interrupt_depth > 0 */

    /* Requirements D1: > 0 while the sampler runs here; allocating then panics. */
    uint32_t allocation_forbidden;

    /* mem: > 0 while the core marks for the collector, a helping idle thread too. prof asks. */
    uint32_t collecting;

    /* Locks of rank checking (debug builds): a bit per rank held. */
    uint32_t ranks_held;

    uint32_t id;
    uintptr_t system_stack_lo, system_stack_hi;

    /* Ticks: kernel/tick.c, interrupts off. */
    uint64_t tick_deadline; /* cycles; UINT64_MAX: the tick has stopped */
    uint64_t wake_deadline; /* cycles: the earliest sleeper here; UINT64_MAX: none */
    uint32_t tick_period;   /* cycles; 0: no tick yet */
    uint32_t tick_wanted;   /* it may not stop: the profiler runs */
    uint32_t tick_asked;    /* by any core: at least one tick, if it has stopped */
    uint32_t ticks;         /* taken since boot */
    uint32_t ticks_missed;  /* came too late to be taken on their own (interrupts off for longer) */

    /* prof: > 0 while it wants to know what handlers take. Ticks that came due inside handlers
     * since the last one was taken. Interrupts off. */
    uint32_t handlers_watched;
    uint32_t handler_ticks;

    /* sched: its own part of this core; constant after boot. */
    struct scheduler *scheduler;

    /* Locks held, the latest first; each points on to the one below (kernel/spinlock.h). */
    struct spinlock *lock_held;

    uint32_t tls_used; /* enum arch_tls, constant after boot; 0: no thread-local variables */

    /* Clock extension of ports with a 32-bit counter: interrupts off. */
    uint32_t clock_halves;
};

extern ARCH_NEAR struct core cores[WEFT_CONFIG_CORES];

/* Lowest word of each system stack: looked at by every tick. */
#define CORE_STACK_CANARY 0x636f7265u /* "core" */

_Noreturn void core_stack_died(const struct core *core);

static inline void core_stack_check(const struct core *core)
{
    if (WEFT_CONFIG_STACK_CANARY &&
        __builtin_expect(*(const uint32_t *)core->system_stack_lo != CORE_STACK_CANARY, 0))
        core_stack_died(core);
}

/* Fills in what is constant. Boot, before anything else on that core. */
void core_init(unsigned id);

/* The running core. Stable only while preemption or interrupts are off. */
static inline struct core *core_self(void)
{
    if (WEFT_CONFIG_CORES == 1)
        return &cores[0];
    return arch_core_pointer();
}

/* For a short look at the running core: with more than one, a thread could be moved between finding
 * its core and reading from it. */
static inline arch_irq_state core_pin(void)
{
    return WEFT_CONFIG_CORES == 1 ? 0 : arch_irq_save();
}

static inline void core_unpin(arch_irq_state state)
{
    if (WEFT_CONFIG_CORES > 1)
        arch_irq_restore(state);
}

/* With interrupts on, a thread may be moved between finding its core and reading from it. Whoever
 * can't be moved (in a handler, with preemption off) reads what is true of itself; others may read
 * what is true of somebody else. So a glance that says "no" is right, one that says "yes" is to be
 * made sure of with the core pinned. No sanitizer looks: the other core may be writing. */
#define CORE_GLANCE static inline __attribute__((no_sanitize("thread")))

CORE_GLANCE uint32_t core_glance(const uint32_t *word)
{
    return WEFT_CONFIG_CORES == 1 ? *word : *(const volatile uint32_t *)word;
}

/* Nonzero: in a handler, preemption is off, or a switch is wanted. */
static inline uint32_t core_occupied(const struct core *core)
{
    return core_glance(&core->occupied);
}

/* Neither in a handler nor preemption off. For the core itself, pinned. Field by field: read as one
 * word they would take `reschedule` with them, which other cores write. */
static inline bool core_may_switch(const struct core *core)
{
    return (SHARED_LOAD(core->interrupt_depth) | SHARED_LOAD(core->preempt_off)) == 0;
}

static inline bool core_in_interrupt(void)
{
    arch_irq_state state;
    bool in_interrupt;

    if (WEFT_CONFIG_CORES == 1)
        return __builtin_expect(core_self()->interrupt_depth != 0, 0);
    if (__builtin_expect(core_occupied(core_self()) == 0, 1))
        return false;
    state = core_pin();
    in_interrupt = core_self()->interrupt_depth != 0;
    core_unpin(state);
    return in_interrupt;
}

/* Who owns the FPU: NULL when nobody does. One owner after another may be stored plainly. */
static inline void core_fpu_owner_set(struct core *core, void *owner)
{
    core->fpu_owner = owner;
    core->switch_more = (uintptr_t)owner | core->tls_used;
}

/* Boot. */
static inline void core_tls_used_set(struct core *core, uint32_t used)
{
    core->tls_used = used;
    core->switch_more = (uintptr_t)core->fpu_owner | used;
}

/* Where a thread's control block has the address of its FPU area (sched/thread.h): for traps. */
#define CORE_THREAD_FPU_AREA (3 * sizeof(void *))

static inline void *core_current_fpu_area(const struct core *core)
{
    const char *current = (const char *)core->current;

    return current != NULL ? *(void *const *)(current + CORE_THREAD_FPU_AREA) : NULL;
}

/* The core has a new thread. */
static inline void core_current_set(struct core *core, struct weft_thread *thread)
{
    SHARED_STORE(core->current, thread);
    if (WEFT_CONFIG_CORES > 1)
        arch_current_set(thread);
}

/* A switch is wanted on `core`: asked for by any core, looked at by its own without a lock. */
static inline void core_reschedule_ask(struct core *core)
{
    __atomic_store_n(&core->reschedule, 1, __ATOMIC_RELAXED);
}

static inline void core_reschedule_clear(struct core *core)
{
    __atomic_store_n(&core->reschedule, 0, __ATOMIC_RELAXED);
}

/* Plain with one core, and where no race detector looks: a volatile byte is masked once more. */
static inline bool core_reschedule_asked(struct core *core)
{
#ifdef __SANITIZE_THREAD__
    return __atomic_load_n(&core->reschedule, __ATOMIC_RELAXED) != 0;
#else
    __asm__("" : "+m"(core->reschedule)); /* an interrupt, or another core, may have set it */
    return __builtin_expect(core->reschedule != 0, 0);
#endif
}

/* Preemption off for the calling thread; nests; a compiler barrier. Interrupts still come. */
static inline void core_preempt_disable(void)
{
    arch_irq_state state = core_pin();

    core_self()->preempt_off++;
    core_unpin(state);
    __asm__ volatile("" ::: "memory");
}

/* One level less; true when it was the last and a switch was wanted meanwhile. */
static inline bool core_preempt_leave(struct core *core)
{
    int left = core->preempt_off - 1;

    __asm__ volatile("" ::: "memory");
    core->preempt_off = (uint16_t)left;
    __asm__ volatile("" ::: "memory");
    return left == 0 && core_reschedule_asked(core);
}

/* Slow half of core_preempt_enable: a switch was wanted meanwhile (sched/preempt.c). */
void upcall_preempt_pending(void);

static inline void core_preempt_enable(void)
{
    if (core_preempt_leave(core_self()))
        upcall_preempt_pending();
}

#endif
