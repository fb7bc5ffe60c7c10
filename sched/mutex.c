/* SPDX-License-Identifier: MIT */
/*
 * Mutexes with priority inheritance and ceilings.
 *
 * The short way. A free mutex is taken, and one that nobody waits for is let go of, by exchanging
 * the owner word, without the scheduler's lock. A thread that has to wait first sets the word's
 * lowest bit, MUTEX_CONTENDED, under the lock: from then on the owner comes to the lock too, so the
 * word stands still while anybody looks at it under the lock. The bit also marks a mutex that its
 * owner has locked more than once.
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
#include "kernel/tick.h"
#include "sched/mutex.h"

/* The same where it is the whole of an operation: a free mutex is taken, an owner lets go. */
static inline __attribute__((always_inline)) bool take_quickly(struct weft_mutex *mutex,
                                                               struct weft_thread *thread)
{
    struct weft_thread *nobody = NULL;

    if (ARCH_RESTARTABLE_WORDS)
        return arch_restart_swap((uint32_t *)&mutex->owner, 0, (uint32_t)(uintptr_t)thread);
    if (WEFT_CONFIG_CORES == 1)
        return mutex_word_swap(mutex, 0, (uintptr_t)thread);
    return __atomic_compare_exchange_n(&mutex->owner, &nobody, thread, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

static inline __attribute__((always_inline)) bool release_quickly(struct weft_mutex *mutex,
                                                                  struct weft_thread *thread)
{
    if (ARCH_RESTARTABLE_WORDS)
        return arch_restart_swap((uint32_t *)&mutex->owner, (uint32_t)(uintptr_t)thread, 0);
    if (WEFT_CONFIG_CORES == 1)
        return mutex_word_swap(mutex, (uintptr_t)thread, 0);
    return __atomic_compare_exchange_n(&mutex->owner, &thread, NULL, false, __ATOMIC_RELEASE,
                                       __ATOMIC_RELAXED);
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
    if (mutex == NULL || !mutex_has_ceiling(mutex))
        object_check(mutex, WEFT_MUTEX_MAGIC, function, "mutex");
    if (core_in_interrupt())
        weft_panic("%s was called in an interrupt handler, which can own no mutex", function);
}

void mutex_check(const struct weft_mutex *mutex, const char *function)
{
    check(mutex, function);
}

/* ---- taking and letting go, under the scheduler's lock ---- */

/* The free mutex becomes `thread`'s. False: by the short way somebody else was faster. */
static bool take_locked(struct weft_mutex *mutex, struct weft_thread *thread)
{
    if (!mutex_word_swap(mutex, 0,
                         (uintptr_t)thread | (mutex_has_ceiling(mutex) ? MUTEX_CONTENDED : 0)))
        return false;
    thread->mutexes++;
    if (mutex_has_ceiling(mutex)) {
        mutex_held_add(thread, mutex);
        mutex_priority_changed_locked(thread);
    }
    return true;
}

/* Takes the mutex for `thread` if it is free; otherwise the owner word stands still from here on.
 */
static bool take_or_mark_locked(struct weft_mutex *mutex, struct weft_thread *thread)
{
    uintptr_t word;

    for (;;) {
        word = mutex_word(mutex);
        if (word == 0) {
            if (take_locked(mutex, thread))
                return true;
        } else if ((word & MUTEX_CONTENDED) != 0 ||
                   mutex_word_swap(mutex, word, word | MUTEX_CONTENDED)) {
            return false;
        }
    }
}

/* From its owner to the first waiter; both threads' priorities follow from what they hold now. */
static void hand_over_locked(struct weft_mutex *mutex, struct weft_thread *owner)
{
    struct weft_thread *next = wait_queue_first(&mutex->waiters);

    if (mutex_raises(mutex))
        mutex_held_remove(owner, mutex);
    if (next == NULL) {
        mutex_word_set(mutex, 0);
    } else {
        wait_wake_locked(next, 0);
        mutex_word_set(mutex, (uintptr_t)next | (mutex_raises(mutex) ? MUTEX_CONTENDED : 0));
        next->mutexes++;
        if (mutex_raises(mutex)) {
            mutex_held_add(next, mutex);
            mutex_priority_changed_locked(next);
        }
    }
    mutex_priority_changed_locked(owner);
}

void mutex_release_locked(struct weft_mutex *mutex)
{
    struct weft_thread *owner = mutex_owner_now(mutex);

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

    if (mutex_has_ceiling(mutex) && current->base_priority > mutex->ceiling)
        return WEFT_EPERM;
    if (take_or_mark_locked(mutex, current))
        return 0;
    if (mutex_owner_now(mutex) == current)
        return relock(mutex);
    sched_assert_may_block_irqoff(function);
    if (mutex_closes_cycle(mutex, current))
        return WEFT_EDEADLK;
    mutex_inherit_locked(mutex, current);
    return wait_locked(&mutex->waiters, WAIT_MUTEX, mutex, deadline);
}

static int lock_slow(struct weft_mutex *mutex, uint64_t deadline, const char *function)
{
    arch_irq_state state = sched_enter();
    int result = lock_locked(mutex, deadline, function);

    sched_leave(state);
    return result;
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
    if (mutex_owner_now(mutex) == current)
        weft_panic("deadlock: thread \"%s\" locks mutex %p, whose owner \"%s\" is itself: make it "
                   "recursive, or unlock it first",
                   current->name, (const void *)mutex, current->name);
    mutex_cycle_report(mutex, current);
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

/* Somebody owns it: the current thread waits, if that is all. */
static __attribute__((noinline)) int lock_contended(struct weft_mutex *mutex)
{
    arch_irq_state state = sched_enter();
    int result;

    if (core_self()->preempt_off != 0 || mutex->kind == WEFT_MUTEX_ERRORCHECK ||
        !mutex_waits_plainly_locked(mutex, thread_current())) {
        sched_exit_unswitched(state);
        return lock_the_long_way(mutex);
    }
    result = wait_for_ever_locked(&mutex->waiters, WAIT_MUTEX, mutex);
    sched_exit_thread();
    if (__builtin_expect(result != 0, 0))
        lock_failed(thread_current()->wait_object, result);
    return 0;
}

/* A mutex that can be taken the short way: no ceiling, and this is a thread. */
static inline bool is_plain(const struct weft_mutex *mutex)
{
    return __builtin_expect(
        mutex != NULL && mutex->magic == WEFT_MUTEX_MAGIC && !core_in_interrupt(), 1);
}

ARCH_RESTARTS_WORDS(weft_mutex_lock) int weft_mutex_lock(struct weft_mutex *mutex)
{
    struct weft_thread *current = thread_current();

    if (!is_plain(mutex))
        return lock_the_long_way(mutex);
    if (__builtin_expect(take_quickly(mutex, current), 1)) {
        current->mutexes++;
        return 0;
    }
    return lock_contended(mutex);
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
    if (mutex_has_ceiling(mutex) && current->base_priority > mutex->ceiling)
        result = WEFT_EPERM;
    else if (!take_or_mark_locked(mutex, current) &&
             (mutex_owner_now(mutex) != current || relock(mutex) != 0))
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
    if (mutex_owner_now(mutex) != thread_current())
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

/* Somebody waits: the first of them gets it, if that is all. */
static __attribute__((noinline)) int unlock_contended(struct weft_mutex *mutex)
{
    arch_irq_state state = sched_enter();
    struct weft_thread *current = thread_current(), *heir = NULL;

    if (mutex_word(mutex) == ((uintptr_t)current | MUTEX_CONTENDED) && mutex->depth == 0)
        heir = mutex_plain_heir_locked(mutex, current);
    if (heir == NULL) {
        sched_exit_unswitched(state);
        return unlock_the_long_way(mutex);
    }
    mutex_hand_over_plainly_locked(mutex, current, heir);
    return sched_ready_and_leave(heir, state);
}

ARCH_RESTARTS_WORDS(weft_mutex_unlock) int weft_mutex_unlock(struct weft_mutex *mutex)
{
    struct weft_thread *current = thread_current();

    if (!is_plain(mutex))
        return unlock_the_long_way(mutex);
    if (__builtin_expect(release_quickly(mutex, current), 1)) {
        current->mutexes--;
        return 0;
    }
    return unlock_contended(mutex);
}

int weft_mutex_destroy(struct weft_mutex *mutex)
{
    struct weft_thread *current = thread_current();
    arch_irq_state state;

    check(mutex, "weft_mutex_destroy");
    state = sched_enter();
    if (!take_or_mark_locked(mutex, current) && mutex_owner_now(mutex) != current) {
        sched_exit(state);
        return WEFT_EBUSY;
    }
    current->mutexes--;
    mutex_held_remove(current, mutex);
    mutex->magic = OBJECT_DESTROYED;
    wait_wake_all_locked(&mutex->waiters, WEFT_ECLOSED);
    mutex_priority_changed_locked(current);
    sched_leave(state);
    return 0;
}

/* ---- for condition variables ---- */

bool mutex_is_mine(const struct weft_mutex *mutex)
{
    return mutex_owner_now(mutex) == thread_current();
}

/* The owner has locked it `depth` times more than once. */
void mutex_set_depth(struct weft_mutex *mutex, uint16_t depth)
{
    uintptr_t word = mutex_word(mutex);

    mutex->depth = depth;
    while (depth != 0 && (word & MUTEX_CONTENDED) == 0 &&
           !mutex_word_swap(mutex, word, word | MUTEX_CONTENDED))
        word = mutex_word(mutex);
}

void mutex_pass_to_locked(struct weft_mutex *mutex, struct weft_thread *thread)
{
    if (take_or_mark_locked(mutex, thread)) {
        wait_wake_locked(thread, 0);
    } else if (mutex->magic == OBJECT_DESTROYED) {
        weft_panic("thread \"%s\" waits for a condition, but the mutex %p that goes with it was "
                   "destroyed",
                   thread->name, (void *)mutex);
    } else if (mutex_closes_cycle(mutex, thread)) {
        wait_wake_locked(thread, WEFT_EDEADLK);
    } else {
        mutex_inherit_locked(mutex, thread);
        wait_move_locked(thread, &mutex->waiters, WAIT_MUTEX, mutex);
    }
}
