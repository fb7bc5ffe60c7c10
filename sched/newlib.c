/* SPDX-License-Identifier: MIT */
/*
 * newlib, per thread: each thread's own struct _reent (errno, strtok, stdio state), made on first
 * use, and newlib's locks, which are weft mutexes. Before the scheduler runs, and in an interrupt
 * or a panic, there is one context and its state is newlib's global one; locks are then not taken.
 */
#include <reent.h>
#include <stdlib.h>
#include <sys/lock.h>
#include <unistd.h>
#include <weft/console.h>
#include <weft/mutex.h>

#include "kernel/panic.h"
#include "kernel/upcall.h"
#include "sched/sched.h"

static bool in_thread(void)
{
    const struct core *core;

    if (cores[0].current == NULL)
        return false; /* booting: not even core_self() need work yet */
    core = core_self();
    return core->current != NULL && core->interrupt_depth == 0 && !panic_begun();
}

static struct _reent *reent_make(struct weft_thread *thread)
{
    struct _reent *reent;

    thread->reent = _GLOBAL_REENT; /* while malloc runs, errno needs a place */
    if (thread->id == 1)
        return _GLOBAL_REENT; /* main's own: what constructors set stays visible to it */
    reent = malloc(sizeof *reent);
    if (reent == NULL)
        return _GLOBAL_REENT; /* shared errno beats none */
    _REENT_INIT_PTR(reent);
    thread->reent = reent;
    return reent;
}

struct _reent *__getreent(void)
{
    struct weft_thread *current;

    if (!in_thread())
        return _GLOBAL_REENT;
    current = thread_current();
    return current->reent != NULL ? current->reent : reent_make(current);
}

void newlib_thread_end(struct weft_thread *thread)
{
    struct _reent *reent = thread->reent;

    if (reent == NULL || reent == _GLOBAL_REENT)
        return;
    _reclaim_reent(reent);
    thread->reent = NULL;
    free(reent);
}

/* newlib declares struct __lock and leaves it to us. */
struct __lock {
    struct weft_mutex mutex;
};

#define NORMAL_LOCK(name) struct __lock name = {WEFT_MUTEX_INITIALIZER(name.mutex)}
#define RECURSIVE_LOCK(name) struct __lock name = {WEFT_MUTEX_RECURSIVE_INITIALIZER(name.mutex)}

RECURSIVE_LOCK(__lock___sinit_recursive_mutex);
RECURSIVE_LOCK(__lock___sfp_recursive_mutex);
RECURSIVE_LOCK(__lock___atexit_recursive_mutex);
NORMAL_LOCK(__lock___at_quick_exit_mutex);
RECURSIVE_LOCK(__lock___malloc_recursive_mutex);
RECURSIVE_LOCK(__lock___env_recursive_mutex);
NORMAL_LOCK(__lock___tz_mutex);
NORMAL_LOCK(__lock___dd_hash_mutex);
NORMAL_LOCK(__lock___arc4random_mutex);

/* The console: what one thread writes in one call stays together. */
static struct weft_mutex console_mutex = WEFT_MUTEX_RECURSIVE_INITIALIZER(console_mutex);

static void lock_make(_LOCK_T *lock, enum weft_mutex_kind kind)
{
    *lock = malloc(sizeof **lock);
    if (*lock == NULL)
        weft_panic("there is no memory for a lock of newlib's stdio");
    (void)!weft_mutex_init(&(*lock)->mutex, kind);
}

void __retarget_lock_init(_LOCK_T *lock)
{
    lock_make(lock, WEFT_MUTEX_NORMAL);
}

void __retarget_lock_init_recursive(_LOCK_T *lock)
{
    lock_make(lock, WEFT_MUTEX_RECURSIVE);
}

void __retarget_lock_close(_LOCK_T lock)
{
    free(lock);
}

void __retarget_lock_close_recursive(_LOCK_T lock)
{
    free(lock);
}

void __retarget_lock_acquire(_LOCK_T lock)
{
    if (in_thread())
        weft_mutex_lock(&lock->mutex);
}

void __retarget_lock_acquire_recursive(_LOCK_T lock)
{
    __retarget_lock_acquire(lock);
}

int __retarget_lock_try_acquire(_LOCK_T lock)
{
    return !in_thread() || weft_mutex_trylock(&lock->mutex) == 0; /* newlib: non-zero is success */
}

int __retarget_lock_try_acquire_recursive(_LOCK_T lock)
{
    return __retarget_lock_try_acquire(lock);
}

void __retarget_lock_release(_LOCK_T lock)
{
    if (in_thread())
        weft_mutex_unlock(&lock->mutex);
}

void __retarget_lock_release_recursive(_LOCK_T lock)
{
    __retarget_lock_release(lock);
}

/* A thread that may not block (preemption off: a dump, say) prints without the lock. */
bool upcall_console_lock(void)
{
    if (!in_thread() || core_self()->preempt_off != 0 || !arch_irq_enabled())
        return false;
    weft_mutex_lock(&console_mutex);
    return true;
}

void upcall_console_unlock(void)
{
    weft_mutex_unlock(&console_mutex);
}
