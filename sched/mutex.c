/* SPDX-License-Identifier: MIT */
/*
 * Mutexes with priority inheritance and ceilings.
 *
 * The short way. A free mutex is taken, and one that nobody waits for is let go of, by exchanging
 * the owner word, without the scheduler's lock. A thread that has to wait first sets the word's
 * lowest bit, CONTENDED, under the lock: from then on the owner comes to the lock too, so the word
 * stands still while anybody looks at it under the lock. The bit also marks a mutex that its owner
 * has locked more than once.
 *
 * Inheritance. The owner runs at the highest priority among its own, the ceilings of the mutexes it
 * holds, and those of all threads that wait for any of them (`held` lists the mutexes that matter),
 * and so does whoever it waits for in turn, along the chain. Unlocking hands the mutex to the first
 * waiter, which finds itself the owner when it wakes. Protocols: L. Sha, R. Rajkumar, J. Lehoczky,
 * "Priority Inheritance Protocols", IEEE Trans. Computers 39(9), 1990; the ceiling in its immediate
 * form, as in POSIX (PTHREAD_PRIO_PROTECT).
 */
#include <weft/console.h>
#include <weft/mutex.h>

#include "arch/restart.h"
#include "kernel/assert.h"
#include "kernel/panic.h"
#include "kernel/print.h"
#include "kernel/tick.h"
#include "sched/object.h"

#define CONTENDED ((uintptr_t)1)

/* ---- the owner word ---- */

static inline uintptr_t owner_word(const struct weft_mutex *mutex)
{
    return (uintptr_t)__atomic_load_n(&mutex->owner, __ATOMIC_RELAXED);
}

static inline struct weft_thread *owner_of(const struct weft_mutex *mutex)
{
    return (struct weft_thread *)(owner_word(mutex) & ~CONTENDED);
}

static inline void owner_set(struct weft_mutex *mutex, uintptr_t word)
{
    __atomic_store_n(&mutex->owner, (struct weft_thread *)word, __ATOMIC_RELEASE);
}

static inline bool owner_swap(struct weft_mutex *mutex, uintptr_t expected, uintptr_t desired)
{
    struct weft_thread *before = (struct weft_thread *)expected;

    if (WEFT_CONFIG_CORES == 1)
        return arch_swap_word((uintptr_t *)&mutex->owner, expected, desired);
    return __atomic_compare_exchange_n(&mutex->owner, &before, (struct weft_thread *)desired, false,
                                       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* The same where it is the whole of an operation. */
static inline __attribute__((always_inline)) bool owner_swap_quickly(struct weft_mutex *mutex,
                                                                     uintptr_t expected,
                                                                     uintptr_t desired)
{
    if (ARCH_RESTARTABLE)
        return arch_restart_swap((uint32_t *)&mutex->owner, (uint32_t)expected, (uint32_t)desired);
    return owner_swap(mutex, expected, desired);
}

static inline bool has_ceiling(const struct weft_mutex *mutex)
{
    return mutex->magic == WEFT_MUTEX_CEILING_MAGIC;
}

/* ---- making and checking ---- */

static int init(struct weft_mutex *mutex, enum weft_mutex_kind kind, uint32_t magic, int ceiling)
{
    if (mutex == NULL || (kind != WEFT_MUTEX_NORMAL && kind != WEFT_MUTEX_RECURSIVE &&
                          kind != WEFT_MUTEX_ERRORCHECK))
        return WEFT_EINVAL;
    *mutex =
        (struct weft_mutex){.magic = magic, .kind = (uint16_t)kind, .ceiling = (uint8_t)ceiling};
    wait_queue_init(&mutex->waiters);
    return 0;
}

int weft_mutex_init(struct weft_mutex *mutex, enum weft_mutex_kind kind)
{
    return init(mutex, kind, WEFT_MUTEX_MAGIC, 0);
}

int weft_mutex_init_ceiling(struct weft_mutex *mutex, enum weft_mutex_kind kind, int ceiling)
{
    if (ceiling < WEFT_PRIORITY_LOWEST || ceiling > WEFT_PRIORITY_HIGHEST)
        return WEFT_EINVAL;
    return init(mutex, kind, WEFT_MUTEX_CEILING_MAGIC, ceiling);
}

/* Mutexes with a ceiling pass too. */
static void check(const struct weft_mutex *mutex, const char *function)
{
    if (mutex == NULL || !has_ceiling(mutex))
        object_check(mutex, WEFT_MUTEX_MAGIC, function, "mutex");
    if (core_in_interrupt())
        weft_panic("%s was called in an interrupt handler, which can own no mutex", function);
}

void mutex_check(const struct weft_mutex *mutex, const char *function)
{
    check(mutex, function);
}

/* ---- inheritance ---- */

static void held_remove(struct weft_thread *owner, struct weft_mutex *mutex)
{
    struct weft_mutex **at = &owner->held;

    while (*at != NULL && *at != mutex)
        at = &(*at)->next_held;
    if (*at == mutex)
        *at = mutex->next_held;
    mutex->next_held = NULL;
}

static void held_add(struct weft_thread *owner, struct weft_mutex *mutex)
{
    mutex->next_held = owner->held;
    owner->held = mutex;
}

/* Must a mutex be in its owner's list? */
static bool raises(const struct weft_mutex *mutex)
{
    return has_ceiling(mutex) || !wait_queue_empty(&mutex->waiters);
}

static uint8_t raised_to(const struct weft_mutex *mutex, uint8_t priority)
{
    const struct weft_thread *first = wait_queue_first(&mutex->waiters);

    if (has_ceiling(mutex) && mutex->ceiling > priority)
        priority = mutex->ceiling;
    if (first != NULL && first->priority > priority)
        priority = first->priority;
    return priority;
}

/* What `thread` should run at. */
static uint8_t priority_due(const struct weft_thread *thread)
{
    uint8_t due = thread->base_priority;

    for (const struct weft_mutex *mutex = thread->held; mutex != NULL; mutex = mutex->next_held)
        due = raised_to(mutex, due);
    return due;
}

/* Gives `thread` the priority that is due to it, and follows the chain of owners it waits for. The
 * chain has no cycle: mutex_lock refuses to close one. */
static void chain_update_locked(struct weft_thread *thread)
{
    while (thread != NULL) {
        uint8_t due = priority_due(thread);

        if (due == thread->priority)
            return;
        priority_set_locked(thread, due);
        if (thread->state != THREAD_BLOCKED || thread->wait_reason != WAIT_MUTEX)
            return;
        thread = owner_of(thread->wait_object);
    }
}

void mutex_priority_changed_locked(struct weft_thread *thread)
{
    chain_update_locked(thread);
}

void mutex_waiter_left_locked(const void *object)
{
    struct weft_mutex *mutex = (struct weft_mutex *)object;
    struct weft_thread *owner = owner_of(mutex);

    if (!raises(mutex))
        held_remove(owner, mutex);
    chain_update_locked(owner);
}

/* The mutex that a thread is blocked on, or NULL. */
static const struct weft_mutex *mutex_waited_for(const struct weft_thread *thread)
{
    return thread->state == THREAD_BLOCKED && thread->wait_reason == WAIT_MUTEX
               ? thread->wait_object
               : NULL;
}

const struct weft_thread *mutex_owner(const struct weft_mutex *mutex)
{
    return owner_of(mutex);
}

/* Would `thread`, waiting for `mutex`, close a cycle of owners that wait for each other? */
static bool closes_cycle(const struct weft_mutex *mutex, const struct weft_thread *thread)
{
    const struct weft_thread *owner = owner_of(mutex);

    while (owner != thread) {
        mutex = mutex_waited_for(owner);
        if (mutex == NULL)
            return false;
        owner = owner_of(mutex);
    }
    return true;
}

/* `mutex`, CONTENDED, gets a waiter more: its owner inherits, before `thread` is queued. */
static void inherit_locked(struct weft_mutex *mutex, const struct weft_thread *thread)
{
    struct weft_thread *owner = owner_of(mutex);

    if (!raises(mutex))
        held_add(owner, mutex);
    if (thread->priority > owner->priority) {
        priority_set_locked(owner, thread->priority);
        if (owner->state == THREAD_BLOCKED && owner->wait_reason == WAIT_MUTEX)
            chain_update_locked(owner_of(owner->wait_object));
    }
}

/* ---- taking and letting go, under the scheduler's lock ---- */

/* The free mutex becomes `thread`'s. False: by the short way somebody else was faster. */
static bool take_locked(struct weft_mutex *mutex, struct weft_thread *thread)
{
    if (!owner_swap(mutex, 0, (uintptr_t)thread | (has_ceiling(mutex) ? CONTENDED : 0)))
        return false;
    thread->mutexes++;
    if (has_ceiling(mutex)) {
        held_add(thread, mutex);
        chain_update_locked(thread);
    }
    return true;
}

/* Takes the mutex for `thread` if it is free; otherwise the owner word stands still from here on.
 */
static bool take_or_mark_locked(struct weft_mutex *mutex, struct weft_thread *thread)
{
    uintptr_t word;

    for (;;) {
        word = owner_word(mutex);
        if (word == 0) {
            if (take_locked(mutex, thread))
                return true;
        } else if ((word & CONTENDED) != 0 || owner_swap(mutex, word, word | CONTENDED)) {
            return false;
        }
    }
}

/* From its owner to the first waiter; both threads' priorities follow from what they hold now. */
static void hand_over_locked(struct weft_mutex *mutex, struct weft_thread *owner)
{
    struct weft_thread *next = wait_queue_first(&mutex->waiters);

    if (raises(mutex))
        held_remove(owner, mutex);
    if (next == NULL) {
        owner_set(mutex, 0);
    } else {
        wait_wake_locked(next, 0);
        owner_set(mutex, (uintptr_t)next | CONTENDED);
        next->mutexes++;
        if (raises(mutex)) {
            held_add(next, mutex);
            chain_update_locked(next);
        }
    }
    chain_update_locked(owner);
}

void mutex_release_locked(struct weft_mutex *mutex)
{
    struct weft_thread *owner = owner_of(mutex);

    owner->mutexes--;
    hand_over_locked(mutex, owner);
}

/* ---- locking ---- */

/* The owner locks it again. */
static int relock(struct weft_mutex *mutex)
{
    if (mutex->kind != WEFT_MUTEX_RECURSIVE)
        return WEFT_EDEADLK;
    if (mutex->depth == UINT16_MAX)
        weft_panic("recursive mutex %p was locked 65,536 times by its owner", (void *)mutex);
    mutex->depth++;
    return 0;
}

static int lock_locked(struct weft_mutex *mutex, uint64_t deadline, const char *function)
{
    struct weft_thread *current = thread_current();

    if (has_ceiling(mutex) && current->base_priority > mutex->ceiling)
        return WEFT_EPERM;
    if (take_or_mark_locked(mutex, current))
        return 0;
    if (owner_of(mutex) == current)
        return relock(mutex);
    sched_assert_may_block_irqoff(function);
    if (closes_cycle(mutex, current))
        return WEFT_EDEADLK;
    inherit_locked(mutex, current);
    return wait_locked(&mutex->waiters, WAIT_MUTEX, mutex, deadline);
}

static int lock_slow(struct weft_mutex *mutex, uint64_t deadline, const char *function)
{
    arch_irq_state state = sched_enter();
    int result = lock_locked(mutex, deadline, function);

    sched_leave(state);
    return result;
}

/* Every thread of the cycle, beginning with the one whose call would close it, and what it waits
 * for. */
static _Noreturn void cycle_report(const struct weft_mutex *mutex, const struct weft_thread *closer)
{
    const struct weft_thread *owner;

    (void)sched_enter(); /* for good: nobody gives up his part of it meanwhile */
    owner = owner_of(mutex);
    panic_open();
    print_console("deadlock: a cycle of threads that wait for each other: thread %u \"%s\" locks "
                  "mutex %p",
                  (unsigned)closer->id, closer->name, (const void *)mutex);
    while (owner != NULL && owner != closer) {
        print_console(", held by thread %u \"%s\"", (unsigned)owner->id, owner->name);
        mutex = mutex_waited_for(owner);
        if (mutex == NULL)
            break;
        print_console(", which waits for mutex %p", (const void *)mutex);
        owner = owner_of(mutex);
    }
    print_console(", held by thread %u; lock them in the same order everywhere",
                  (unsigned)(owner != NULL ? owner->id : 0));
    panic_close();
}

/* What weft_mutex_lock's caller is not asked to handle. The mutex may be gone already when it was
 * destroyed. */
static _Noreturn __attribute__((noinline)) void lock_failed(const struct weft_mutex *mutex,
                                                            int result)
{
    const struct weft_thread *current = thread_current();

    if (result == WEFT_ECLOSED)
        weft_panic("weft_mutex_lock: mutex %p was destroyed while thread \"%s\" waited for it",
                   (const void *)mutex, current->name);
    if (result == WEFT_EPERM)
        weft_panic("weft_mutex_lock: thread \"%s\" has priority %u, above the ceiling %u of mutex "
                   "%p: raise the ceiling",
                   current->name, current->base_priority, mutex->ceiling, (const void *)mutex);
    if (owner_of(mutex) == current)
        weft_panic("deadlock: thread \"%s\" locks mutex %p, whose owner \"%s\" is itself: make it "
                   "recursive, or unlock it first",
                   current->name, (const void *)mutex, current->name);
    cycle_report(mutex, current);
}

static __attribute__((noinline)) int lock_the_long_way(struct weft_mutex *mutex)
{
    uint16_t kind;
    int result;

    check(mutex, "weft_mutex_lock");
    kind = mutex->kind;
    result = lock_slow(mutex, UINT64_MAX, "weft_mutex_lock");
    if (result != 0 && kind != WEFT_MUTEX_ERRORCHECK)
        lock_failed(mutex, result);
    return result;
}

/* A mutex that can be taken the short way: no ceiling, and this is a thread. */
static inline bool is_plain(const struct weft_mutex *mutex)
{
    return __builtin_expect(
        mutex != NULL && mutex->magic == WEFT_MUTEX_MAGIC && !core_in_interrupt(), 1);
}

ARCH_RESTARTS(weft_mutex_lock) int weft_mutex_lock(struct weft_mutex *mutex)
{
    struct weft_thread *current = thread_current();

    if (is_plain(mutex) && __builtin_expect(owner_swap_quickly(mutex, 0, (uintptr_t)current), 1)) {
        current->mutexes++;
        return 0;
    }
    return lock_the_long_way(mutex);
}

int weft_mutex_lock_until(struct weft_mutex *mutex, uint64_t deadline_ns)
{
    check(mutex, "weft_mutex_lock_until");
    return lock_slow(mutex, tick_ns_to_cycles(deadline_ns), "weft_mutex_lock_until");
}

int weft_mutex_trylock(struct weft_mutex *mutex)
{
    struct weft_thread *current = thread_current();
    arch_irq_state state;
    int result = 0;

    check(mutex, "weft_mutex_trylock");
    state = sched_enter();
    if (has_ceiling(mutex) && current->base_priority > mutex->ceiling)
        result = WEFT_EPERM;
    else if (!take_or_mark_locked(mutex, current) &&
             (owner_of(mutex) != current || relock(mutex) != 0))
        result = WEFT_EAGAIN;
    sched_exit(state);
    return result;
}

/* ---- unlocking ---- */

static int not_the_owner(const struct weft_mutex *mutex)
{
    if (mutex->kind == WEFT_MUTEX_ERRORCHECK)
        return WEFT_EPERM;
    weft_panic("weft_mutex_unlock: thread \"%s\" does not own mutex %p; its owner must unlock it",
               thread_current()->name, (const void *)mutex);
}

static __attribute__((noinline)) int unlock_the_long_way(struct weft_mutex *mutex)
{
    arch_irq_state state;

    check(mutex, "weft_mutex_unlock");
    if (owner_of(mutex) != thread_current())
        return not_the_owner(mutex);
    if (mutex->depth > 0) {
        mutex->depth--;
        return 0;
    }
    state = sched_enter();
    mutex_release_locked(mutex);
    sched_leave(state);
    return 0;
}

ARCH_RESTARTS(weft_mutex_unlock) int weft_mutex_unlock(struct weft_mutex *mutex)
{
    struct weft_thread *current = thread_current();

    if (is_plain(mutex) && __builtin_expect(owner_swap_quickly(mutex, (uintptr_t)current, 0), 1)) {
        current->mutexes--;
        return 0;
    }
    return unlock_the_long_way(mutex);
}

int weft_mutex_destroy(struct weft_mutex *mutex)
{
    struct weft_thread *current = thread_current();
    arch_irq_state state;

    check(mutex, "weft_mutex_destroy");
    state = sched_enter();
    if (!take_or_mark_locked(mutex, current) && owner_of(mutex) != current) {
        sched_exit(state);
        return WEFT_EBUSY;
    }
    current->mutexes--;
    held_remove(current, mutex);
    mutex->magic = OBJECT_DESTROYED;
    wait_wake_all_locked(&mutex->waiters, WEFT_ECLOSED);
    chain_update_locked(current);
    sched_leave(state);
    return 0;
}

/* ---- for condition variables ---- */

bool mutex_is_mine(const struct weft_mutex *mutex)
{
    return owner_of(mutex) == thread_current();
}

/* The owner has locked it `depth` times more than once. */
void mutex_set_depth(struct weft_mutex *mutex, uint16_t depth)
{
    uintptr_t word = owner_word(mutex);

    mutex->depth = depth;
    while (depth != 0 && (word & CONTENDED) == 0 && !owner_swap(mutex, word, word | CONTENDED))
        word = owner_word(mutex);
}

void mutex_pass_to_locked(struct weft_mutex *mutex, struct weft_thread *thread)
{
    if (take_or_mark_locked(mutex, thread)) {
        wait_wake_locked(thread, 0);
    } else if (closes_cycle(mutex, thread)) {
        wait_wake_locked(thread, WEFT_EDEADLK);
    } else {
        inherit_locked(mutex, thread);
        wait_move_locked(thread, &mutex->waiters, WAIT_MUTEX, mutex);
    }
}
