/* SPDX-License-Identifier: MIT */
#include <weft/console.h>
#include <weft/once.h>
#include <weft/thread.h>

#include "sched/object.h"

int weft_once_init(struct weft_once *once)
{
    if (once == NULL)
        return WEFT_EINVAL;
    *once = (struct weft_once){.magic = WEFT_ONCE_MAGIC};
    wait_queue_init(&once->waiters);
    return 0;
}

static void finish(struct weft_once *once)
{
    arch_irq_state state = sched_enter();

    once->runner = NULL;
    __atomic_store_n(&once->done, 1, __ATOMIC_RELEASE);
    wait_wake_all_locked(&once->waiters, 0);
    sched_leave(state);
}

/* Becomes the one that runs it (true), or waits for its end. */
static bool begin(struct weft_once *once)
{
    struct weft_thread *current = thread_current();
    arch_irq_state state = sched_enter();
    bool begins = !once->done && once->runner == NULL;

    if (once->runner == current)
        weft_panic("weft_once_run: the function of %p asks for itself and would wait for ever",
                   (void *)once);
    if (begins) {
        once->runner = current;
    } else if (!once->done) {
        sched_assert_may_block_irqoff("weft_once_run");
        wait_locked(&once->waiters, WAIT_ONCE, once, UINT64_MAX);
    }
    sched_exit(state);
    return begins;
}

/* The exit hook of the one that runs it. */
static void ended_inside(void *once)
{
    weft_panic("weft_once_run: the function of %p ends thread \"%s\", and others would wait for "
               "ever: it must return",
               once, thread_current()->name);
}

void weft_once_run(struct weft_once *once, void (*function)(void *argument), void *argument)
{
    struct weft_exit_hook hook;

    object_check_blocking(once, WEFT_ONCE_MAGIC, "weft_once_run", "once object");
    if (__builtin_expect(__atomic_load_n(&once->done, __ATOMIC_ACQUIRE) != 0, 1))
        return;
    if (function == NULL)
        weft_panic("weft_once_run: the function is NULL");
    if (!begin(once))
        return;
    weft_thread_hook_add(&hook, ended_inside, once);
    function(argument);
    (void)!weft_thread_hook_remove(&hook);
    finish(once);
}
