/* SPDX-License-Identifier: MIT */
/*
 * The thread control block, inside weft. sched owns it; prof reads it (design.md: "reads, never
 * decides").
 */
#ifndef SCHED_THREAD_H
#define SCHED_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weft/thread.h>
#include <weft/wait.h>

#include "arch/clock.h"
#include "arch/context.h"
#include "kernel/core.h"

enum thread_state {
    THREAD_READY,   /* in a run queue, or running: a switch changes no state */
    THREAD_RUNNING, /* some core's current thread: what thread_state says, never stored */
    THREAD_BLOCKED, /* in a wait queue, asleep, or both */
    THREAD_EXITED,  /* will never run again; waits for its joiner or for reclaim */
};

/* Why a thread is blocked; the order of thread_wait_name()'s table. */
enum thread_wait {
    WAIT_NONE,
    WAIT_SLEEP,
    WAIT_JOIN,
    WAIT_MUTEX,
    WAIT_QUEUE_SEND,
    WAIT_QUEUE_RECEIVE,
    WAIT_SUSPENDED,
    WAIT_WORLD,
    WAIT_CONDITION,
    WAIT_SEMAPHORE,
    WAIT_FLAGS,
    WAIT_BARRIER,
    WAIT_ONCE,
    WAIT_GROUP,
    WAIT_RWLOCK_READ,
    WAIT_RWLOCK_WRITE,
    WAIT_POOL,
    WAIT_CHANNEL_SEND,
    WAIT_CHANNEL_RECEIVE,
    WAIT_SELECT,
    WAIT_TIMER,
    WAIT_REASONS
};

#define THREAD_MAGIC 0x74680000u /* "th"; on MIPS a constant of one instruction */

struct weft_foreign;

struct weft_thread {
    /* Under the scheduler's lock: the place in a run queue or a wait queue. */
    struct weft_wait_link link;

    /* Written by the switch, on the core that runs or parks the thread. */
    void *saved_sp; /* valid while parked */
    void *fpu_area; /* constant after spawn; here since traps find it (kernel/core.h) */
    uint64_t frame[ARCH_THREAD_FRAME_BYTES / 8]; /* the port's: what an interrupt has saved */
    uint8_t state;                               /* enum thread_state */
    uint8_t
        wait_reason; /* enum thread_wait, valid while blocked; beside it: they change together */
    union {
        uint16_t wakes_slowly; /* either of these */
        struct {
            uint8_t timed;     /* it blocked with a deadline */
            uint8_t suspended; /* so many times: control.c */
        };
    };
    uint8_t on_core; /* between being picked and being parked: registers live in a core */

    /* Constant after spawn, or changed by sched/priority.c under the scheduler's lock. */
    uint8_t priority;      /* effective: with inheritance; thread_priority_set sets it */
    uint8_t base_priority; /* as asked for */
    uint8_t detached;
    uint8_t being_joined;
    uint8_t runtime;       /* weft's own thread: not counted, does not keep the program alive */
    uint8_t core;          /* it runs there, is in its queue, or ran there last */
    uint32_t affinity;     /* cores it may run on, a bit each */
    uint32_t priority_bit; /* 1 << priority */

    /* The stack: constant after spawn. The try-lock below guards walking, painting and freeing it
     * (B1). */
    uintptr_t stack_lo, stack_hi; /* usable part: the control block and FPU area lie above */
    uint32_t stack_busy;          /* 0 free, 1 taken; taken by compare-and-swap, never waited for */

    /* While blocked. */
    struct weft_wait_queue *wait_queue; /* the queue that `link` is in; NULL: only asleep */
    const void *wait_object;
    uint64_t wait_stamp;     /* since when: thread_wait_since */
    int32_t wait_result;     /* what the wait returns: 0 or WEFT_E... */
    void *wait_data;         /* the message being sent or received, and the like */
    struct weft_alarm alarm; /* its deadline, if it has one */

    /* All threads that exist, in order of creation: under the scheduler's lock. */
    struct weft_thread *all_next, **all_back; /* sched/thread_list.h */
    uint32_t magic;
    uint32_t id;
    const char *name;
    uintptr_t created_by; /* call site of weft_thread_spawn; 0 for main and runtime threads */

    uint32_t slice_left;     /* cycles until others of its priority get their turn */
    struct weft_mutex *held; /* mutexes it owns that others wait for (inheritance) */
    struct weft_thread *joiner;
    void *result;
    struct _reent *reent;         /* newlib's per-thread state, made on first use */
    uint16_t mutexes;             /* and write locks owned, to refuse exiting with one */
    uint8_t own_stack;            /* the stack came from the caller and stays the caller's */
    uint16_t labels;              /* prof/labels.c: the number of a label and those before it */
    uint8_t guarded;              /* an inaccessible page lies below stack_lo */
    uint8_t cooperative;          /* is not preempted */
    uint8_t at_entry;             /* when it has ended: parked in thread_entry, to run once more */
    struct weft_foreign *foreign; /* the innermost bracket around foreign code that it is in */
    struct weft_exit_hook *hooks; /* its own: touched by no other thread */
    struct thread_slots *slots;   /* likewise; NULL: it has set none */
    void *stack;                  /* what stack_alloc returned, and its size */
    size_t stack_bytes;
    size_t stack_asked; /* as in the attributes it was made with: threads of a size are alike */

#if WEFT_CONFIG_THREAD_STATS
    /* sched/account.h */
    uint64_t run_cycles;
    uint32_t switches, waits;
#endif
};

_Static_assert(sizeof(void *) != 4 ||
                   sizeof(struct weft_thread) <=
                       192 + ARCH_THREAD_FRAME_BYTES + 16 * WEFT_CONFIG_THREAD_STATS,
               "control block has grown");

_Static_assert(offsetof(struct weft_thread, fpu_area) == CORE_THREAD_FPU_AREA, "traps look there");

/* Since when a thread has been blocked: cycles. */
static inline uint64_t thread_wait_since(const struct weft_thread *thread)
{
    return arch_clock_of_stamp(thread->wait_stamp);
}

/* Under the lock; looked at by its core without. */
static inline void thread_priority_set(struct weft_thread *thread, uint8_t priority)
{
    SHARED_STORE(thread->priority, priority);
    SHARED_STORE(thread->priority_bit, 1u << priority);
}

/* The running thread of a core is ready and in no queue. */
static inline enum thread_state thread_state(const struct weft_thread *thread)
{
    const struct core *core = &cores[WEFT_CONFIG_CORES == 1 ? 0 : thread->core];

    if (thread->state == THREAD_READY && SHARED_LOAD(core->current) == thread)
        return THREAD_RUNNING;
    return (enum thread_state)thread->state;
}

/* The lowest word of a stack is its own address. */
static inline uint32_t thread_canary(const struct weft_thread *thread)
{
    return (uint32_t)thread->stack_lo;
}

static inline bool thread_canary_lives(const struct weft_thread *thread)
{
    return *(const uint32_t *)thread->stack_lo == thread_canary(thread);
}

#if ARCH_THREAD_FRAME_BYTES != 0
_Static_assert(offsetof(struct weft_thread, frame) == ARCH_THREAD_FRAME_OFFSET, "traps save there");
#endif

/* "queue receive", "sleep", ...: the text in a dump's brackets. */
const char *thread_wait_name(enum thread_wait reason);

/* The list of all threads, for dumps and profiles: call with the world stopped, or interrupts off
 * on one core. NULL ends it. Runtime threads are in it. */
struct weft_thread *thread_all_first(void);

/* Likewise those that have ended and wait for their joiners, who want their results. */
struct weft_thread *thread_ended_first(void);
void thread_ended_remove_locked(struct weft_thread *thread);

/* The running thread of this core. */
static inline struct weft_thread *thread_current(void)
{
    return WEFT_CONFIG_CORES == 1 ? core_self()->current : arch_current();
}

/* Where the stack's memory begins, its guard page included: a stack pointer that has overflowed is
 * still above it. */
uintptr_t thread_stack_floor(const struct weft_thread *thread);

/* Try-lock of a thread's stack (requirements B1, B6): taken right next to the walk, for exactly the
 * thread being walked. Never waits. */
static inline bool thread_stack_trylock(struct weft_thread *thread)
{
    return __atomic_exchange_n(&thread->stack_busy, 1, __ATOMIC_ACQUIRE) == 0;
}

static inline void thread_stack_unlock(struct weft_thread *thread)
{
    __atomic_store_n(&thread->stack_busy, 0, __ATOMIC_RELEASE);
}

#endif
