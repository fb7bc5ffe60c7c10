/* SPDX-License-Identifier: MIT */
/*
 * A thread's memory: laid out, used again, given back.
 *
 * It is one piece: from the top down the control block, thread-local variables, the FPU area, the
 * start record, the stack. It comes from mem/stack.h or from the caller. Whoever learns last that
 * the thread has ended gives it back: the joiner, or, for a detached thread, the next one that
 * spawns, joins or idles (thread_reap).
 *
 * Pieces from mem/stack.h are kept for the next thread of the same size, WEFT_CONFIG_STACK_CACHE of
 * them at most, with guard, canary and FPU area as they are: making a thread is then a matter of
 * filling in its control block, and it starts where the one before it ended (thread_entry). They
 * count as stacks in the heap's figures; when memory runs short, and when the program scavenges,
 * they are given back (upcall_memory_pressure).
 */
#include <string.h>
#include <weft/console.h>

#include "arch/context.h"
#include "arch/fpu.h"
#include "arch/tls.h"
#include "kernel/assert.h"
#include "kernel/cores.h"
#include "kernel/upcall.h"
#include "mem/stack.h"
#include "sched/account.h"
#include "sched/sched.h"
#include "sched/thread_list.h"

#define START_BYTES ((sizeof(struct thread_start) + 15) & ~(size_t)15)

/* Above what the caller asked for: control block, thread-local variables, FPU area, start record,
 * and aligning them. */
#define OVERHEAD_BYTES                                                                             \
    (sizeof(struct weft_thread) + (WEFT_CONFIG_TLS ? arch_tls_bytes() : 0) + ARCH_FPU_BYTES +      \
     START_BYTES + 64)

/* A parked context and a few calls. */
#define STACK_COOPERATIVE_BYTES 512

struct thread_cache thread_cache;

/* ---- laying out ---- */

/* What differs from thread to thread. The rest (mutexes, hooks, reent, ...) is zero in new memory,
 * and ending leaves it so (let_go in thread.c). */
static inline void fill(struct weft_thread *thread, const struct weft_thread_attr *attr)
{
    DEBUG_ASSERT(thread->held == NULL && thread->mutexes == 0 && thread->hooks == NULL &&
                 thread->reent == NULL && thread->foreign == NULL && thread->slots == NULL &&
                 thread->joiner == NULL && thread->on_core == 0);
    thread->magic = THREAD_MAGIC;
    thread->state = THREAD_READY;
    thread->wait_reason = WAIT_NONE;
    thread->wakes_slowly = 0;
    thread->base_priority = (uint8_t)attr->priority;
    thread_priority_set(thread, (uint8_t)attr->priority);
    thread->runtime = 0;
    thread->being_joined = 0;
    thread->detached = attr->detached;
    thread->affinity = attr->cores != 0 ? attr->cores : UINT32_MAX;
    thread->name = attr->name != NULL ? attr->name : "thread";
    thread->slice_left = slice_cycles[attr->priority];
    thread->cooperative = attr->cooperative;
    account_clear(thread);
}

void thread_fill(struct weft_thread *thread, const struct weft_thread_attr *attr)
{
    fill(thread, attr);
    thread->id = 0;
}

static struct thread_start *start_of(const struct weft_thread *thread)
{
    return (struct thread_start *)(((uintptr_t)thread->fpu_area & ~(uintptr_t)15) - START_BYTES);
}

/* Makes a thread of [memory, memory + bytes). */
static struct weft_thread *lay_out(void *memory, size_t bytes, const struct weft_thread_attr *attr)
{
    uintptr_t top = ((uintptr_t)memory + bytes) & ~(uintptr_t)15;
    struct weft_thread *thread;

    top = (top - sizeof *thread) & ~(uintptr_t)15;
    thread = (struct weft_thread *)top;
    *thread = (struct weft_thread){.stack = memory,
                                   .stack_bytes = bytes,
                                   .stack_asked = attr->stack_bytes,
                                   .own_stack = attr->stack != NULL};
    if (WEFT_CONFIG_TLS && core_self()->tls_used)
        top = arch_tls_make(top);
    top = (top - ARCH_FPU_BYTES) & ~(uintptr_t)15;
    thread->fpu_area = (void *)top;
    memset(thread->fpu_area, 0, ARCH_FPU_BYTES);
    thread->stack_lo = ((uintptr_t)memory + 15) & ~(uintptr_t)15;
    thread->stack_hi = (uintptr_t)start_of(thread);
    arch_stack_open(thread->stack_lo, thread->stack_hi);
    stack_guard_set(thread);
    return thread;
}

/* What every new thread needs, in new memory or used. */
static void set_going(struct weft_thread *thread, const struct weft_thread_attr *attr,
                      struct thread_start start)
{
    struct thread_start *record = start_of(thread);

    thread_fill(thread, attr);
    *record = start;
    if (WEFT_CONFIG_TLS && core_self()->tls_used)
        (void)arch_tls_make((uintptr_t)thread); /* the memory may have been another thread's */
    stack_canary_set(thread);
    thread->at_entry = 1;
    thread->saved_sp = arch_context_init((void *)thread->stack_hi, thread_entry, record);
    if (WEFT_CONFIG_STACK_PAINT)
        stack_paint(thread);
}

/* ---- the cache ---- */

/* How far a thread of the right size is looked for, with interrupts off. */
#define LOOK_MAX 8u

/* A thread of this size, out of the cache; NULL: none. Most stacks of a program are of one size, so
 * the first fits. */
static struct weft_thread *cache_take(size_t stack_asked)
{
    arch_irq_state state = sched_enter();
    struct weft_wait_link **at = (struct weft_wait_link **)&thread_cache.first;
    struct weft_thread *found = NULL;

    for (unsigned look = 0; look < LOOK_MAX && *at != NULL; at = &(*at)->next, look++) {
        if (runq_thread_of(*at)->stack_asked != stack_asked)
            continue;
        found = runq_thread_of(*at);
        *at = found->link.next;
        thread_cache.count--;
        break;
    }
    sched_exit(state);
    return found;
}

bool upcall_memory_pressure(void)
{
    arch_irq_state state = sched_enter();
    struct weft_thread *all = thread_cache.first;

    thread_cache.first = NULL;
    thread_cache.count = 0;
    sched_exit(state);
    thread_free_list(all);
    return all != NULL;
}

/* ---- giving back ---- */

void thread_free(struct weft_thread *thread)
{
    void *stack = thread->stack;
    size_t bytes = thread->stack_bytes;

    DEBUG_ASSERT(thread->state == THREAD_EXITED);
    stack_guard_clear(thread);
    thread->magic = 0;
    arch_stack_close(thread->stack_lo, thread->stack_hi);
    if (WEFT_CONFIG_HEAP && !thread->own_stack)
        stack_free(stack, bytes);
}

void thread_free_list(struct weft_thread *dead)
{
    while (dead != NULL) {
        struct weft_thread *next = (struct weft_thread *)dead->link.next;

        thread_free(dead);
        dead = next;
    }
}

void thread_reap(void)
{
    arch_irq_state state = sched_enter();
    struct scheduler *scheduler = sched_of(core_self());
    struct weft_thread *dead = scheduler->dead;

    scheduler->dead = NULL;
    sched_exit(state);
    thread_free_list(dead);
}

/* ---- spawning ---- */

/* Without what a preemption puts on the stack a thread that is cooperative can do: it is then not
 * even stopped, suspended or moved before it blocks or yields (upcall_sched_may_preempt). */
static size_t stack_minimum(const struct weft_thread_attr *attr)
{
    return attr->cooperative ? STACK_COOPERATIVE_BYTES : ARCH_STACK_MINIMUM_BYTES;
}

static inline bool attr_is_good(const struct weft_thread_attr *attr)
{
    return (unsigned)attr->priority <= WEFT_PRIORITY_HIGHEST && attr->stack_bytes <= SIZE_MAX / 2 &&
           (attr->cores == 0 || (attr->cores & cores_online()) != 0);
}

/* The caller's own is large enough, and does not wrap round the address space. */
static bool stack_is_good(const struct weft_thread_attr *attr)
{
    return attr->stack_bytes >= OVERHEAD_BYTES + stack_minimum(attr) &&
           (uintptr_t)attr->stack <= UINTPTR_MAX - attr->stack_bytes;
}

/* A thread in new memory, the caller's or the page heap's; NULL: none. */
static __attribute__((noinline)) struct weft_thread *make(const struct weft_thread_attr *attr)
{
    size_t wanted = attr->stack_bytes != 0 ? attr->stack_bytes : WEFT_CONFIG_STACK_BYTES;
    void *memory;
    size_t bytes;

    if (attr->stack != NULL)
        return lay_out(attr->stack, attr->stack_bytes, attr);
    if (!WEFT_CONFIG_HEAP)
        return NULL;
    if (wanted < stack_minimum(attr))
        wanted = stack_minimum(attr);
    wanted += OVERHEAD_BYTES + stack_guard_extra_bytes();
    memory = stack_alloc(wanted, &bytes);
    if (memory == NULL && upcall_memory_pressure())
        memory = stack_alloc(wanted, &bytes);
    return memory != NULL ? lay_out(memory, bytes, attr) : NULL;
}

struct weft_thread *thread_make(const struct weft_thread_attr *attr, struct thread_start start)
{
    struct weft_thread *thread = NULL;

    if (WEFT_CONFIG_HEAP && WEFT_CONFIG_STACK_CACHE != 0 && attr->stack == NULL)
        thread = cache_take(attr->stack_bytes);
    if (thread != NULL) {
        arch_fpu_reset(thread->fpu_area);
        arch_stack_close(thread->stack_lo, thread->stack_hi); /* what tools know of the last one */
        arch_stack_open(thread->stack_lo, thread->stack_hi);
    } else {
        thread = make(attr);
    }
    if (thread != NULL)
        set_going(thread, attr, start);
    return thread;
}

/* The thread is complete: it belongs to the world now, and runs as soon as it may. */
static inline int go_and_leave(struct weft_thread *made, struct weft_thread **thread,
                               uintptr_t call_site, arch_irq_state state)
{
    made->created_by = call_site;
    made->labels = core_self()->current->labels;
    if (thread != NULL)
        *thread = made; /* before it runs: it may be joined or exit at once */
    thread_list_add_new_locked(made);
    return sched_ready_and_leave(made, state);
}

static __attribute__((noinline)) int spawn_any(struct weft_thread **thread,
                                               const struct weft_thread_attr *attr,
                                               void *(*entry)(void *argument), void *argument,
                                               uintptr_t call_site)
{
    struct weft_thread *made;

    if (core_in_interrupt())
        weft_panic("weft_thread_spawn was called in an interrupt handler: wake a thread that does "
                   "it");
    if (attr->stack != NULL && !stack_is_good(attr))
        return WEFT_EINVAL;
    if (sched_of(core_self())->dead != NULL)
        thread_reap();
    if (__builtin_expect(__atomic_load_n(&spawn_watchers, __ATOMIC_RELAXED) != 0, 0))
        SHARED_LOAD(upcall_sites)->spawning();
    made = thread_make(attr, (struct thread_start){entry, argument});
    return made != NULL ? go_and_leave(made, thread, call_site, sched_enter()) : WEFT_ENOMEM;
}

/* Is there nothing to be done but to take a thread out of the cache? */
static inline bool is_plain(const struct weft_thread_attr *attr)
{
    return WEFT_CONFIG_HEAP && WEFT_CONFIG_STACK_CACHE != 0 && !WEFT_CONFIG_STACK_PAINT &&
           ((uintptr_t)attr->stack | (uintptr_t)sched_of(core_self())->dead |
            (WEFT_CONFIG_DEBUG ? core_self()->interrupt_depth : 0) |
            __atomic_load_n(&spawn_watchers, __ATOMIC_RELAXED) |
            (WEFT_CONFIG_TLS ? core_self()->tls_used : 0)) == 0;
}

/* The latest ended thread, if it is of this size and waits in thread_entry for its next round. */
static inline struct weft_thread *cache_take_first_locked(size_t stack_asked)
{
    struct weft_thread *first = thread_cache.first;

    if (first == NULL || first->stack_asked != stack_asked || !first->at_entry ||
        !arch_fpu_is_reset(first->fpu_area))
        return NULL;
    thread_cache.first = (struct weft_thread *)first->link.next;
    thread_cache.count--;
    return first;
}

int weft_thread_spawn(struct weft_thread **thread, const struct weft_thread_attr *attr,
                      void *(*entry)(void *argument), void *argument)
{
    static const struct weft_thread_attr defaults = {.priority = WEFT_PRIORITY_DEFAULT};
    uintptr_t call_site = (uintptr_t)__builtin_return_address(0);
    struct weft_thread *made;
    arch_irq_state state;

    if (attr == NULL)
        attr = &defaults;
    if (entry == NULL || (thread == NULL && !attr->detached) || !attr_is_good(attr))
        return WEFT_EINVAL;
    if (!is_plain(attr))
        return spawn_any(thread, attr, entry, argument, call_site);
    state = sched_enter();
    made = cache_take_first_locked(attr->stack_bytes);
    if (__builtin_expect(made == NULL, 0)) {
        sched_exit_unswitched(state);
        return spawn_any(thread, attr, entry, argument, call_site);
    }
    fill(made, attr);
    *start_of(made) = (struct thread_start){entry, argument};
    return go_and_leave(made, thread, call_site, state);
}
