/* SPDX-License-Identifier: MIT */
/*
 * Threads: stackful, each with its own stack, scheduled by strict priority and round robin among
 * equals. Unless a comment says otherwise, functions are called from thread context.
 */
#ifndef WEFT_THREAD_H
#define WEFT_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weft_thread;

#define WEFT_PRIORITY_LOWEST 0
#define WEFT_PRIORITY_DEFAULT 16
#define WEFT_PRIORITY_HIGHEST 31

/* "For ever", where a deadline or a timeout in nanoseconds is asked for. */
#define WEFT_FOREVER UINT64_MAX

/* How a thread is made. Zero-initialised means: no name, priority 0, default stack. Start from
 * WEFT_THREAD_ATTR_DEFAULT and change what differs. */
struct weft_thread_attr {
    const char *name;   /* shown in dumps; not copied, must outlive the thread; NULL: "thread" */
    int priority;       /* WEFT_PRIORITY_LOWEST .. WEFT_PRIORITY_HIGHEST */
    size_t stack_bytes; /* 0: WEFT_CONFIG_STACK_BYTES; rounded up to the stack alignment */
    void *stack;        /* NULL: from the page heap; else the caller's own, stack_bytes long,
                           which must stay untouched until the thread was joined */
    uint32_t cores;     /* cores it may run on, a bit each, core 0 the lowest; 0: any */
    bool detached;      /* true: nobody joins it; its memory is freed when it exits */
    bool cooperative;   /* true: keeps the core until it blocks or yields */
};

#define WEFT_THREAD_ATTR_DEFAULT                                                                   \
    ((struct weft_thread_attr){.name = NULL,                                                       \
                               .priority = WEFT_PRIORITY_DEFAULT,                                  \
                               .stack_bytes = 0,                                                   \
                               .stack = NULL,                                                      \
                               .cores = 0,                                                         \
                               .detached = false,                                                  \
                               .cooperative = false})

/* Makes a thread that runs entry(argument), ready at once; it may run before this returns.
 * `attr` NULL means WEFT_THREAD_ATTR_DEFAULT. *thread is valid until the thread was joined (or,
 * when detached, until it exits); `thread` may be NULL only for a detached thread. Does not block.
 * Errors: WEFT_EINVAL (also when none of `cores` is there, or the caller's stack is too small or
 * wraps round the address space), WEFT_ENOMEM. Not in an interrupt handler: panics when the thread
 * needs memory there, in a debug build always. */
WEFT_MUST_CHECK int weft_thread_spawn(struct weft_thread **thread,
                                      const struct weft_thread_attr *attr,
                                      void *(*entry)(void *argument), void *argument);

/* Ends the calling thread; `result` goes to whoever joins it. Returning from the entry function
 * does the same. Panics when the caller still holds a mutex, or a read-write lock for writing. */
WEFT_NORETURN void weft_thread_exit(void *result);

/* A function that is called when the thread ends. The structure is the caller's, and must stay
 * until the function was called or the hook was removed. */
struct weft_exit_hook {
    struct weft_exit_hook *next;
    void (*function)(void *argument);
    void *argument;
};

/* The calling thread will call function(argument) when it ends, by weft_thread_exit or by returning
 * from its entry function, the latest hook first, on its own stack, before it can be joined. The
 * function may block. Hooks are not called when the program ends (exit, or main returning). Panics
 * on NULL, and on a hook that the thread has already. */
void weft_thread_hook_add(struct weft_exit_hook *hook, void (*function)(void *argument),
                          void *argument);

/* Takes back a hook of the calling thread. Errors: WEFT_EINVAL (it has none such, or it was called
 * already). */
WEFT_MUST_CHECK int weft_thread_hook_remove(struct weft_exit_hook *hook);

/* Nobody will join `thread`: its memory is given back when it ends, or now if it has. Does not
 * block. Errors: WEFT_EINVAL (NULL, detached already, or being joined). */
WEFT_MUST_CHECK int weft_thread_detach(struct weft_thread *thread);

/* Waits until `thread` has ended, stores its result in *result (which may be NULL) and frees it.
 * Blocks. Errors: WEFT_EINVAL (NULL, detached, or already being joined), WEFT_EDEADLK (itself, or
 * one that waits in a join, through others maybe, for the caller's end). */
WEFT_MUST_CHECK int weft_thread_join(struct weft_thread *thread, void **result);

/*
 * What follows may be done to any thread of the program that has not ended, whatever it is doing,
 * the calling one included. Errors of all: WEFT_EINVAL (NULL, no thread, weft's own, a value out of
 * range), WEFT_ESTATE (it has ended and was not joined yet). Context: any. They do not block, but a
 * call that takes the core from the calling thread returns when that runs again.
 */

/* Stops `thread` until it was resumed as often as it was suspended. A thread that is blocked goes
 * on waiting, may get what it waits for, and stops then; a suspended thread keeps the mutexes it
 * holds. On return it runs nowhere; when another core runs it and the caller is an interrupt
 * handler, or has preemption off, it stops as soon as that core has taken the interrupt. A thread
 * with preemption off runs on until it turns it on, and is waited for. Errors: WEFT_ESTATE also:
 * suspended 255 times. Panics when a thread that has preemption off suspends itself. */
WEFT_MUST_CHECK int weft_thread_suspend(struct weft_thread *thread);

/* Takes back one weft_thread_suspend. Errors: WEFT_ESTATE also: it is not suspended. */
WEFT_MUST_CHECK int weft_thread_resume(struct weft_thread *thread);

/* Its own priority from now on; what it inherits from threads that wait for its mutexes it keeps.
 * Takes effect at once, on its place in the queue it waits in and on the owners of mutexes it waits
 * for, too. Among its new equals it comes last. Cost: linear in the threads that wait before it. */
WEFT_MUST_CHECK int weft_thread_set_priority(struct weft_thread *thread, int priority);

/* The cores it may run on from now on, a bit each; 0: any. A thread that runs on another moves: at
 * once when it is the calling one, else as soon as its core has taken the interrupt; with
 * preemption off, when it is turned on. Errors: WEFT_EINVAL also: none of them is there. */
WEFT_MUST_CHECK int weft_thread_set_cores(struct weft_thread *thread, uint32_t cores);

/* Cores that it may run on and that are there; 0: no thread. */
uint32_t weft_thread_cores(const struct weft_thread *thread);

/* A cooperative thread keeps its core until it blocks or yields, whoever is ready and however long
 * it takes; interrupts are served, and stopping the world, suspending and moving it work, if its
 * stack has room for a preemption: one that is made cooperative may have a stack of 512 bytes and
 * the control block's, and then does all that only when it blocks or yields. It must stay
 * cooperative. */
WEFT_MUST_CHECK int weft_thread_set_cooperative(struct weft_thread *thread, bool cooperative);

/* How long threads of this priority keep the core while others of it are ready, in nanoseconds,
 * rounded up to whole ticks; 0: until they block, yield or are preempted. At first
 * WEFT_CONFIG_SLICE_US. Errors: WEFT_EINVAL (priority, or more than 2^32 - 2 cycles of the clock).
 * Context: any. */
WEFT_MUST_CHECK int weft_slice_set_ns(int priority, uint64_t ns);
uint64_t weft_slice_ns(int priority);

/* The calling thread. Context: any; in an interrupt handler, the interrupted thread. */
struct weft_thread *weft_thread_self(void);

/* Lets another ready thread of the same priority run; returns at once when there is none. */
void weft_thread_yield(void);

/* Sleeps for at least `ns` nanoseconds. Blocks. 0 yields. */
void weft_thread_sleep_ns(uint64_t ns);

/* Sleeps until weft_time_ns() is at least `deadline_ns`; returns at once if it is already. */
void weft_thread_sleep_until_ns(uint64_t deadline_ns);

/* The thread's name, number (1 for main, never reused) and priority. Context: any. */
const char *weft_thread_name(const struct weft_thread *thread);
uint32_t weft_thread_id(const struct weft_thread *thread);
int weft_thread_priority(const struct weft_thread *thread);

/* The most of its stack that `thread` has ever used, in bytes. Errors: WEFT_EINVAL, WEFT_ENOTSUP
 * (the build does not paint stacks: WEFT_CONFIG_STACK_PAINT). Cost: linear in what was never used.
 * Context: any, while the thread exists. */
WEFT_MUST_CHECK int weft_thread_stack_used(const struct weft_thread *thread, size_t *bytes);

/* The same for the stack on which `core` runs interrupt and exception handlers. Errors: WEFT_EINVAL
 * (no such core), WEFT_ENOTSUP. Context: any. */
WEFT_MUST_CHECK int weft_system_stack_used(unsigned core, size_t *bytes);

/* Threads that exist: spawned (or main) and not yet ended; runtime threads are not counted.
 * Context: any. */
size_t weft_thread_count(void);

/* Cores that run threads, at most WEFT_CONFIG_CORES; and the number, from 0, of the one the caller
 * runs on, which may be another by the time it is looked at unless preemption is off. Context: any.
 */
unsigned weft_core_count(void);
unsigned weft_core_self(void);

/* Keeps the calling thread on its core until the matching enable; nests, 65,535 deep (a debug build
 * panics beyond that; enabling what is not off panics). Interrupts still come. Between the two the
 * thread must not block. Cost: a few instructions. Context: thread. */
void weft_preempt_disable(void);
void weft_preempt_enable(void);

#ifdef __cplusplus
}
#endif

#endif
