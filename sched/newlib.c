/* SPDX-License-Identifier: MIT */
/*
 * newlib, per thread: each thread's own struct _reent (errno, strtok, stdio state), made on first
 * use, and newlib's locks, which are weft mutexes. Before the scheduler runs, and in an interrupt
 * or a panic, there is one context and its state is newlib's global one; locks are then not taken.
 */
#include <errno.h>
#include <reent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/lock.h>
#include <time.h>
#include <unistd.h>
#include <weft/console.h>
#include <weft/mutex.h>

#include "kernel/panic.h"
#include "kernel/upcall.h"
#include "sched/sched.h"

/* The calling thread; NULL outside threads. Pinned: between finding its core and looking at that, a
 * thread could be moved, and would see the old core's thread or interrupt. */
static struct weft_thread *calling_thread(void)
{
    struct weft_thread *current;
    const struct core *core;
    arch_irq_state state;

    if (cores[0].current == NULL || panic_begun())
        return NULL; /* booting: not even core_self() need work yet */
    state = core_pin();
    core = core_self();
    current = core->interrupt_depth == 0 ? core->current : NULL;
    core_unpin(state);
    return current;
}

static bool in_thread(void)
{
    return calling_thread() != NULL;
}

/* reent_end, once a reent was made: programs without errno and stdio have neither in them. */
static void (*reent_end_made)(struct _reent *reent);

/* A standard stream of a thread that ends: flushed, its buffer and lock freed, its FILE free for
 * others. newlib leaves that to exit, because with _REENT_SMALL all FILEs are in one list: its
 * cleanup, which is in the image only if stdio is, sees a list of this one here. Not what the
 * thread closed itself, which may be another thread's file by now. */
static void stream_end(struct _reent *reent, FILE *stream, int descriptor)
{
    if (stream->_flags == 0 || stream->_file != descriptor)
        return;
    reent->__sglue = (struct _glue){NULL, 1, stream};
    reent->__cleanup(reent);
    reent->__sglue = (struct _glue){0};
}

static void reent_end(struct _reent *reent)
{
    if (reent->__sdidinit) {
        stream_end(reent, reent->_stdin, STDIN_FILENO);
        stream_end(reent, reent->_stdout, STDOUT_FILENO);
        stream_end(reent, reent->_stderr, STDERR_FILENO);
    }
    _reclaim_reent(reent);
    free(reent);
}

static struct _reent *reent_make(struct weft_thread *thread)
{
    struct _reent *reent;

    thread->reent = _GLOBAL_REENT; /* while malloc runs, errno needs a place */
    if (thread->id == 1 || !WEFT_CONFIG_HEAP)
        return _GLOBAL_REENT; /* main's own: what constructors set stays visible to it */
    reent = malloc(sizeof *reent);
    if (reent == NULL)
        return _GLOBAL_REENT; /* shared errno beats none */
    _REENT_INIT_PTR(reent);
    reent_end_made = reent_end;
    thread->reent = reent;
    return reent;
}

struct _reent *__getreent(void)
{
    struct weft_thread *current = calling_thread();

    if (current == NULL)
        return _GLOBAL_REENT;
    return current->reent != NULL ? current->reent : reent_make(current);
}

void newlib_thread_end(struct weft_thread *thread)
{
    struct _reent *reent = thread->reent;

    if (reent != NULL && reent != _GLOBAL_REENT)
        reent_end_made(reent);
    thread->reent = NULL;
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

/* ---- files ---- */

static struct weft_mutex file_mutexes[WEFT_CONFIG_FILES];

void upcall_file_lock_init(unsigned index)
{
    (void)!weft_mutex_init(&file_mutexes[index], WEFT_MUTEX_NORMAL);
}

void upcall_file_lock(unsigned index)
{
    if (in_thread())
        weft_mutex_lock(&file_mutexes[index]);
}

void upcall_file_unlock(unsigned index)
{
    if (in_thread())
        weft_mutex_unlock(&file_mutexes[index]);
}

/* ---- sleeping ---- */

int nanosleep(const struct timespec *wanted, struct timespec *left)
{
    if (wanted->tv_nsec < 0 || wanted->tv_nsec >= 1000000000 || wanted->tv_sec < 0) {
        errno = EINVAL;
        return -1;
    }
    if (left != NULL)
        *left = (struct timespec){0}; /* nothing cuts a sleep short */
    weft_thread_sleep_ns((uint64_t)wanted->tv_sec * 1000000000 + (uint64_t)wanted->tv_nsec);
    return 0;
}

int usleep(useconds_t microseconds)
{
    weft_thread_sleep_ns((uint64_t)microseconds * 1000);
    return 0;
}

unsigned sleep(unsigned seconds)
{
    weft_thread_sleep_ns((uint64_t)seconds * 1000000000);
    return 0;
}
